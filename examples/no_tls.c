/* What 13_echo_server needs of TLS where awl is built without: nobody has it. */
#include <awl.h>
#include <errno.h>

awl_tls *awl_tls_server(const awl_tls_options *options)
{
    (void)options;
    errno = ENOTSUP;
    return NULL;
}

void awl_tls_release(awl_tls *tls) { (void)tls; }
