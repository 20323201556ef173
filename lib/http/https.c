/* The TLS that https has unless a session is given another one. */
#include "awl/tls.h"
#include "client_priv.h"

awl_tls *awl__http_tls(void)
{
    static const char *const alpn[] = { "http/1.1", NULL };

    return awl_tls_client(&(awl_tls_options){ .alpn = alpn });
}
