/* What can be asked of sockets: names, credentials, what a server listens on; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>

#include "server_priv.h"

/* ---- Names ------------------------------------------------------------------------------------------------------- */

typedef union any_name {
    struct sockaddr any;
    struct sockaddr_un un;
    awl_address inet;
} any_name;

/* A path, or an abstract name with '@' for its zero bytes, as /proc/net/unix shows it. */
static const char *unix_text(const struct sockaddr_un *name, socklen_t size, char *text, size_t cap)
{
    size_t len = size > offsetof(struct sockaddr_un, sun_path) ? size - offsetof(struct sockaddr_un, sun_path) : 0;

    if (len && name->sun_path[0])
        len = strnlen(name->sun_path, len);
    if (len >= cap)
        len = 0;
    for (size_t i = 0; i < len; i++)
        text[i] = name->sun_path[i] ? name->sun_path[i] : '@';
    if (cap)
        text[len] = '\0';
    return text;
}

const char *awl__socket_text(awl__name_fn *name, int fd, char *text, size_t cap)
{
    any_name of = { .any = { .sa_family = AF_UNSPEC } };
    socklen_t size = sizeof of;

    if (fd < 0 || name(fd, &of.any, &size) < 0)
        of.any.sa_family = AF_UNSPEC;
    return of.any.sa_family == AF_UNIX ? unix_text(&of.un, size, text, cap) : awl_address_text(&of.inet, text, cap);
}

/* ---- Of streams -------------------------------------------------------------------------------------------------- */

const char *awl_stream_peer(const awl_stream *s, char *text, size_t cap)
{
    return awl__socket_text(getpeername, awl_stream_fd(s), text, cap);
}

const char *awl_stream_local(const awl_stream *s, char *text, size_t cap)
{
    return awl__socket_text(getsockname, awl_stream_fd(s), text, cap);
}

int awl_stream_peer_credentials(const awl_stream *s, awl_credentials *credentials)
{
    struct ucred of;
    socklen_t size = sizeof of, domain_size = sizeof(int);
    int domain = AF_UNSPEC;

    if (!s || !credentials)
        return EINVAL;
    if (s->closed)
        return ECONNABORTED;
    /* of a TCP socket the kernel tells numbers, too, which mean nothing */
    if (s->io.fd < 0 || getsockopt(s->io.fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) < 0 || domain != AF_UNIX ||
        getsockopt(s->io.fd, SOL_SOCKET, SO_PEERCRED, &of, &size) < 0)
        return EOPNOTSUPP;
    *credentials = (awl_credentials){ of.pid, of.uid, of.gid };
    return 0;
}

/* ---- Of servers -------------------------------------------------------------------------------------------------- */

int awl_server_port(const awl_server *server) { return server ? server->port : 0; }

size_t awl_server_clients(const awl_server *server) { return server ? server->served : 0; }

int awl_server_fd(const awl_server *server, int i)
{
    return server && i >= 0 && i < server->n ? server->listeners[i].io.fd : -1;
}

const char *awl_server_local(const awl_server *server, int i, char *text, size_t cap)
{
    return awl__socket_text(getsockname, awl_server_fd(server, i), text, cap);
}
