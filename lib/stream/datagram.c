/* Datagram endpoints as such: made, changed by the kernel, closed; see awl/datagram.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "datagram_priv.h"

_Static_assert(sizeof(awl_datagram) <= 256 || sizeof(void *) > 8, "an idle endpoint is small");

/* ---- What the kernel says ---------------------------------------------------------------------------------------- */

/* Called in the poll: notes it, and makes ready who cares. */
static void changed(awl__io *io, bool readable, bool writable)
{
    awl_datagram *d = (awl_datagram *)(void *)((char *)io - offsetof(awl_datagram, io));

    if (readable) {
        d->readable = true;
        awl__stream_wake(d->ops, 0);
    }
    if (writable) {
        awl_handle_cancel(&d->flush);
        awl_call_soon(io->loop, &d->flush, awl__datagram_flush, d);
    }
}

void awl__datagram_note(awl_datagram *d, int error)
{
    d->error = (int16_t)error;
    awl__stream_wake(d->ops, 0);
}

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *size);

/* One of a socket's addresses; of family AF_UNSPEC if it has none. */
static awl_address name_of(name_fn *name, int fd)
{
    awl_address address = { .of = { .any = { .sa_family = AF_UNSPEC } } };
    socklen_t size = sizeof address.of;

    if (name(fd, &address.of.any, &size) < 0)
        address.of.any.sa_family = AF_UNSPEC;
    return address;
}

static int family_of(int fd) { return name_of(getsockname, fd).of.any.sa_family; }

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void close_descriptor(awl_datagram *d)
{
    const int fd = d->io.fd;

    awl__io_close(&d->io);
    close(fd);
    d->io.fd = -1;
    d->closed = true;
}

/* The loop is being closed: no task runs any more, and the memory goes with the loop. */
static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    (void)loop;
    close_descriptor((awl_datagram *)(void *)((char *)closer - offsetof(awl_datagram, closer)));
}

awl_datagram *awl__datagram_new(awl_loop *loop, int fd, const awl_datagram_options *options, int *error)
{
    static const awl_datagram_options defaults;
    const awl_datagram_options *o = options ? options : &defaults;
    const size_t high = o->high ? o->high : 65536, limit = o->limit ? o->limit : (size_t)1 << 20;
    awl_datagram *d = awl__alloc(loop, sizeof *d);

    *error = ENOMEM;
    if (!d)
        return NULL;
    memset(d, 0, sizeof *d);
    d->io.changed = changed;
    d->io.only_reads = true; /* each datagram that has gone makes room: who has nothing unsent does not care */
    *error = awl__io_open(loop, &d->io, fd);
    if (*error) {
        awl__free(loop, d, sizeof *d);
        return NULL;
    }
    d->family = (uint16_t)family_of(fd);
    d->readable = true;
    d->limit = limit > high ? limit : high;
    awl_flow_init(&d->flow, loop, high, o->low ? o->low : high / 4);
    awl__closer_add(loop, &d->closer, loop_closed);
    return d;
}

/* 0, or why a descriptor cannot become an endpoint; it is non-blocking then, and has the options. */
static int adopt(int fd, const awl_datagram_options *options)
{
    int type, flags;
    socklen_t size = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return errno;
    if (type != SOCK_DGRAM)
        return EPROTOTYPE;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return errno;
    return options ? awl__datagram_configure(fd, family_of(fd), options) : 0;
}

awl_datagram *awl_datagram_from_fd(int fd, const awl_datagram_options *options)
{
    awl_loop *loop = awl_running_;
    awl_datagram *d = NULL;
    int error = loop ? adopt(fd, options) : EINVAL;

    if (!error)
        d = awl__datagram_new(loop, fd, options, &error);
    if (!d)
        errno = error;
    return d;
}

/* ---- Closing ----------------------------------------------------------------------------------------------------- */

void awl_datagram_abort(awl_datagram *d)
{
    if (!d || d->closed)
        return;
    awl__loop_check(d->io.loop);
    awl__datagram_no_receivers(d);
    awl__gate_lose(&d->flow.gate_, ECONNABORTED, ECONNABORTED);
    awl__datagram_drop_unsent(d);
    awl_handle_cancel(&d->flush);
    awl__closer_remove(&d->closer);
    close_descriptor(d);
}

void awl_datagram_close(awl_datagram *d)
{
    if (!d)
        return;
    awl__loop_check(d->io.loop);
    if (d->given_back)
        awl__trap("a datagram endpoint was closed twice", NULL, 0);
    d->given_back = true;
    awl__datagram_no_receivers(d);
    awl_flow_fini(&d->flow);
    if (!d->out) /* else it goes with the last of what is unsent */
        awl_datagram_abort(d);
    if (d->closed)
        awl__free(d->io.loop, d, sizeof *d);
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

size_t awl_datagram_unsent(const awl_datagram *d) { return d ? awl_flow_unsent(&d->flow) : 0; }

int awl_datagram_fd(const awl_datagram *d) { return d ? d->io.fd : -1; }

int awl_datagram_port(const awl_datagram *d)
{
    const awl_address address = name_of(getsockname, awl_datagram_fd(d));

    return awl_address_port(&address);
}

const char *awl_datagram_peer(const awl_datagram *d, char *text, size_t cap)
{
    const awl_address address = name_of(getpeername, awl_datagram_fd(d));

    return awl_address_text(&address, text, cap);
}

const char *awl_datagram_local(const awl_datagram *d, char *text, size_t cap)
{
    const awl_address address = name_of(getsockname, awl_datagram_fd(d));

    return awl_address_text(&address, text, cap);
}
