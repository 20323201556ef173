/* The TLS that https has unless a session is given another one. */
#include <errno.h>

#include "awl/tls.h"
#include "http_client_priv.h"

awl_tls *awl__http_tls(void)
{
    static const char *const alpn[] = { "http/1.1", NULL };
    awl_tls *tls = awl_tls_client(&(awl_tls_options){ .alpn = alpn });
    const int error = awl_tls_error(tls);

    if (!error)
        return tls;
    awl_tls_release(tls);
    errno = error;
    return NULL;
}
