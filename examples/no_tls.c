/* What 13_echo_server needs of TLS where awl is built without: nobody has it. */
#include <awl.h>
#include <errno.h>

awl_tls *awl_tls_server(const awl_tls_options *options)
{
    (void)options;
    errno = ENOTSUP;
    return NULL;
}

int awl_tls_error(const awl_tls *tls)
{
    (void)tls;
    return ENOTSUP;
}

void awl_tls_release(awl_tls *tls) { (void)tls; }
