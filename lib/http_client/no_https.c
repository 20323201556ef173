/* What https is where TLS has not been built. */
#include <errno.h>

#include "http_client_priv.h"

awl_tls *awl__http_tls(void)
{
    awl__error_detail(awl_running_, EPROTONOSUPPORT, "this awl was built without TLS: https:// needs -Dtls=enabled");
    errno = EPROTONOSUPPORT;
    return NULL;
}
