/* Servers that start: on the addresses of a host, on a Unix socket, on a descriptor; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "server_priv.h"

enum { MOST_LISTENERS = 8 };

/* ---- Servers ----------------------------------------------------------------------------------------------------- */

/* A server that does not listen yet, with room for n descriptors. NULL: no memory. */
static awl_server *make_server(awl_client_fn *fn, void *arg, const awl_stream_options *options, int n)
{
    const size_t size = sizeof(awl_server) + (size_t)n * sizeof(awl__listener);
    awl_server *server = awl__alloc(awl_running_, size);

    if (!server)
        return NULL;
    memset(server, 0, size);
    server->loop = awl_running_;
    server->fn = fn;
    server->arg = arg;
    server->cap = n;
    server->refs = 1;
    server->options = *options;
    if (server->options.backlog <= 0)
        server->options.backlog = 100;
    if (server->options.tls)
        awl__layer_of(server->options.tls)->retain(server->options.tls);
    return server;
}

/* It has a descriptor that listens, and is the loop's to close from now on. */
static awl_server *begin(awl_server *server)
{
    awl__closer_add(server->loop, &server->closer, awl__server_loop_closed);
    return server;
}

/* Accepts from one descriptor more. 0; on error the descriptor stays the caller's. */
static int add_listener(awl_server *server, int fd)
{
    awl__listener *at = &server->listeners[server->n];
    awl_address address = { .of = { .any = { .sa_family = AF_UNSPEC } } };
    socklen_t size = sizeof address.of;
    int error;

    awl__server_listen(at, server);
    error = awl__io_open(server->loop, &at->io, fd);
    if (error)
        return error;
    server->n++;
    if (getsockname(fd, &address.of.any, &size) == 0)
        server->port = awl_address_port(&address);
    return 0;
}

/* ---- On the addresses of a host ---------------------------------------------------------------------------------- */

/* Listens on one more address; all of them on the same port. 0 or the error. */
static int add_address(awl_server *server, awl_address *address)
{
    int fd, error;

    if (server->n && address->of.any.sa_family == AF_INET)
        address->of.v4.sin_port = htons((uint16_t)server->port);
    else if (server->n)
        address->of.v6.sin6_port = htons((uint16_t)server->port);
    error = awl__socket_listen(address, &server->options, &fd);
    if (error)
        return error;
    error = add_listener(server, fd);
    if (error)
        close(fd);
    return error;
}

static bool same_host(const awl_address *a, const awl_address *b)
{
    if (a->of.any.sa_family != b->of.any.sa_family)
        return false;
    if (a->of.any.sa_family == AF_INET)
        return a->of.v4.sin_addr.s_addr == b->of.v4.sin_addr.s_addr;
    return memcmp(&a->of.v6.sin6_addr, &b->of.v6.sin6_addr, sizeof a->of.v6.sin6_addr) == 0 &&
           a->of.v6.sin6_scope_id == b->of.v6.sin6_scope_id;
}

/* Whether one of the first n is that of addresses[n], as names are given twice in /etc/hosts. */
static bool is_again(const awl_address *addresses, int n)
{
    for (int i = 0; i < n; i++)
        if (same_host(&addresses[i], &addresses[n]))
            return true;
    return false;
}

/* Listens on all of `addresses` that this machine has: where another program listens on one of them, clients of the
 * name would come to either. 0 or the error; nothing is left open then. */
static int add_addresses(awl_server *server, awl_address *addresses, int n)
{
    int error = 0;

    for (int i = 0; i < n; i++) {
        if (is_again(addresses, i))
            continue;
        error = add_address(server, &addresses[i]);
        if (error && error != EADDRNOTAVAIL && error != EAFNOSUPPORT) {
            awl__server_close_listeners(server);
            return error;
        }
    }
    return server->n ? 0 : error;
}

co_def(start_server, {
    awl_client_fn *fn;
    void *arg;
    const char *host;
    awl_stream_options options;
    int port, family, n, error;
    awl_address addresses[MOST_LISTENERS];
})
{
    awl_server *server;

    co_begin;
    self->family = self->options.family;
    if (!self->fn || self->port < 0 || self->port > 65535) {
        awl__error_detail(awl_running_, EINVAL, "a server needs a function for its clients, and a port from 0 to 65535");
        co_raise(EINVAL);
    }
    self->error = awl__layer_check(&self->options, true);
    if (self->error)
        co_raise(self->error);
    if (self->host) {
        co_let(self->n, awl_getaddrinfo(self->host, self->port, self->family, self->addresses, MOST_LISTENERS));
    } else {
        awl_address_parse(self->family == AF_INET ? "0.0.0.0" : "::", self->port, &self->addresses[0]);
        self->n = 1;
    }
    server = make_server(self->fn, self->arg, &self->options, self->n);
    if (!server)
        co_raise(ENOMEM);
    self->error = add_addresses(server, self->addresses, self->n);
    if (self->error == EAFNOSUPPORT && !self->host && !server->options.ipv6_only) { /* a kernel without IPv6 */
        awl_address_parse("0.0.0.0", self->port, &self->addresses[0]);
        self->error = add_addresses(server, self->addresses, 1);
    }
    if (self->error) {
        awl__server_free(server);
        awl__error_detail(awl_running_, self->error, "%s:%d: %s", self->host ? self->host : "*", self->port,
                          awl_strerror(self->error));
        co_raise(self->error);
    }
    co_return(begin(server));
    co_end;
}

awl_coro awl_start_server(awl_client_fn *client_fn, void *arg, const char *host, int port,
                          const awl_stream_options *options)
{
    return co_call(start_server, .fn = client_fn, .arg = arg, .host = host, .port = port, .options = awl__stream_options(options));
}

/* ---- On a Unix socket -------------------------------------------------------------------------------------------- */

co_def(start_unix_server, {
    awl_client_fn *fn;
    void *arg;
    const char *path;
    awl_stream_options options;
})
{
    awl_server *server;
    int fd, error;

    co_begin;
    if (!self->fn || !self->path)
        co_raise(EINVAL);
    error = awl__layer_check(&self->options, true);
    if (error)
        co_raise(error);
    server = make_server(self->fn, self->arg, &self->options, 1);
    if (!server)
        co_raise(ENOMEM);
    error = awl__unix_listen(self->path, &server->options, &server->file, &fd);
    if (error) {
        awl__server_free(server);
        co_raise(error);
    }
    error = add_listener(server, fd);
    if (error) {
        awl__unix_unlink(&server->file);
        close(fd);
        awl__server_free(server);
        co_raise(error);
    }
    co_return(begin(server));
    co_end;
}

awl_coro awl_start_unix_server(awl_client_fn *client_fn, void *arg, const char *path, const awl_stream_options *options)
{
    return co_call(start_unix_server, .fn = client_fn, .arg = arg, .path = path, .options = awl__stream_options(options));
}

/* ---- On a descriptor --------------------------------------------------------------------------------------------- */

/* Makes a descriptor listen, without blocking and for this program only. 0 or the error. */
static int make_listen(int fd, int backlog)
{
    int type = 0, listens = 0, flags;
    socklen_t size = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
        return errno;
    if (type != SOCK_STREAM)
        return EINVAL;
    if (!listens && listen(fd, backlog) < 0)
        return errno;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return errno;
    return 0;
}

co_def(start_server_on, {
    awl_client_fn *fn;
    void *arg;
    awl_stream_options options;
    int fd;
})
{
    awl_server *server;
    int error;

    co_begin;
    if (!self->fn)
        co_raise(EINVAL);
    error = awl__layer_check(&self->options, true);
    if (error)
        co_raise(error);
    server = make_server(self->fn, self->arg, &self->options, 1);
    if (!server)
        co_raise(ENOMEM);
    error = make_listen(self->fd, server->options.backlog);
    if (!error)
        error = add_listener(server, self->fd);
    if (error) {
        awl__server_free(server);
        co_raise(error);
    }
    co_return(begin(server));
    co_end;
}

awl_coro awl_start_server_on(awl_client_fn *client_fn, void *arg, int fd, const awl_stream_options *options)
{
    return co_call(start_server_on, .fn = client_fn, .arg = arg, .fd = fd, .options = awl__stream_options(options));
}

/* A number from the environment; -1: there is none. */
static long environment_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long number;

    if (!text || *text < '0' || *text > '9')
        return -1;
    errno = 0;
    number = strtol(text, &end, 10);
    return *end || errno ? -1 : number;
}

int awl_listen_fds(void)
{
    const long n = environment_number("LISTEN_FDS"), pid = environment_number("LISTEN_PID");

    return pid == getpid() && n > 0 && n < 1 << 16 ? (int)n : 0;
}
