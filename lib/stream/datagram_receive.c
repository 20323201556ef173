/* Receiving datagrams, one or as many as there are; see awl/datagram.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/uio.h>

#include "datagram_priv.h"

typedef struct receive_frame {
    awl__stream_op op; /* of no stream */
    awl_datagram *d;   /* NULL: it was closed */
    awl_packet *packets;
    size_t n;
    awl_packet one; /* of a receive that is for one only */
    awl_address *from;
} receive_frame;

/* ---- From the kernel --------------------------------------------------------------------------------------------- */

/* What the kernel has written about a datagram, as users are told it. */
static void describe(awl_packet *packet, const struct msghdr *head, size_t len)
{
    awl_address *a = &packet->address;
    const int family = head->msg_namelen ? a->of.any.sa_family : AF_UNSPEC;

    packet->len = len;
    packet->error = head->msg_flags & MSG_TRUNC ? AWL_ELIMIT : 0;

    /* An IPv4 address in an IPv6 one (RFC 4291 2.5.5.2) becomes that IPv4 address. */
    if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->of.v6.sin6_addr)) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = a->of.v6.sin6_port };

        memcpy(&v4.sin_addr, &a->of.v6.sin6_addr.s6_addr[12], sizeof v4.sin_addr);
        memset(a, 0, sizeof *a);
        a->of.v4 = v4;
    } else if (family != AF_INET && family != AF_INET6) {
        memset(a, 0, sizeof *a);
    }
}

static struct msghdr head_for(awl_packet *packet, struct iovec *part)
{
    *part = (struct iovec){ .iov_base = packet->data, .iov_len = packet->cap };
    memset(&packet->address, 0, sizeof packet->address);
    return (struct msghdr){
        .msg_name = &packet->address.of, .msg_namelen = sizeof packet->address.of, .msg_iov = part, .msg_iovlen = 1
    };
}

/* Both: datagrams received, or -error. */
static int take_one(awl_datagram *d, awl_packet *packet)
{
    struct iovec part;
    struct msghdr head = head_for(packet, &part);
    ssize_t len;

    do
        len = recvmsg(d->io.fd, &head, 0);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    describe(packet, &head, (size_t)len);
    return 1;
}

static int take_many(awl_datagram *d, awl_packet *packets, size_t n)
{
    struct iovec parts[AWL__BATCH];
    struct mmsghdr heads[AWL__BATCH];
    const unsigned most = n < AWL__BATCH ? (unsigned)n : AWL__BATCH;
    int got;

    for (unsigned i = 0; i < most; i++)
        heads[i] = (struct mmsghdr){ .msg_hdr = head_for(&packets[i], &parts[i]) };
    do
        got = recvmmsg(d->io.fd, heads, most, 0, NULL);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    for (int i = 0; i < got; i++)
        describe(&packets[i], &heads[i].msg_hdr, heads[i].msg_len);

    /* Fewer than there was room for were all that there were; what comes next is a change that the kernel tells of. */
    if ((unsigned)got < most)
        d->readable = false;
    return got;
}

/* ---- The operations ---------------------------------------------------------------------------------------------- */

/* What a receive does first, at its start and when it is resumed: 0 or the error that it ends with. */
static int enter(receive_frame *self, co_stack *stack)
{
    awl_datagram *d = self->d;

    if (self->op.co.state_ == AWL__OP_START) {
        if (!d || !self->n || (self->packets != &self->one && !self->packets))
            return EINVAL;
        if (d->io.loop != awl__loop_of(stack))
            return AWL_EOTHERLOOP;
        for (size_t i = 0; i < self->n && i < AWL__BATCH; i++) {
            if (!self->packets[i].data || !self->packets[i].cap)
                return EINVAL;
        }
        return d->closed ? ECONNABORTED : d->ops ? EBUSY : awl__datagram_noted(d);
    }
    if (!d)
        return awl__stream_cancelled(&self->op, stack) ? ECANCELED : ECONNABORTED;
    if (awl__stream_unpark(&self->op, stack, &d->ops))
        return ECANCELED;
    return awl__datagram_noted(d);
}

static int take(receive_frame *self)
{
    awl_datagram *d = self->d;
    int n;

    if (!d->readable || d->streak >= AWL__MOST_AT_ONCE)
        return -EAGAIN;
    d->streak++;
    n = self->n == 1 ? take_one(d, self->packets) : take_many(d, self->packets, self->n);
    if (n == -EAGAIN)
        d->readable = false;
    return n;
}

/* Waits for a change; or, where there may be something already, only until the other tasks have had their turn. */
static co_step wait_for(receive_frame *self, co_stack *stack)
{
    const co_step step = awl__stream_park(&self->op, stack, &self->d->ops);

    self->d->streak = 0;
    if (self->d->readable)
        awl__stream_wake(self->d->ops, 0);
    return step;
}

/* Ends with an error of which the kernel says no more than its number. */
static co_step end_plain(co_frame *frame, co_stack *stack, int error)
{
    awl__error_plain(awl__loop_of(stack), error);
    return awl__op_end_plain(frame, stack, error);
}

static co_step receive_many_step(co_frame *frame, co_stack *stack)
{
    receive_frame *self = (receive_frame *)(void *)frame;
    const int error = enter(self, stack);
    const int n = error ? -error : take(self);

    if (n == -EAGAIN)
        return wait_for(self, stack);
    return n < 0 ? end_plain(frame, stack, -n) : awl__op_end_int(frame, stack, n);
}

static co_step receive_step(co_frame *frame, co_stack *stack)
{
    receive_frame *self = (receive_frame *)(void *)frame;
    int n, error;

    self->packets = &self->one; /* an object that has not started may have been moved */
    error = enter(self, stack);
    n = error ? -error : take(self);
    if (n == -EAGAIN)
        return wait_for(self, stack);
    if (n < 0)
        return end_plain(frame, stack, -n);
    if (self->from)
        *self->from = self->one.address;
    if (self->one.error)
        return awl__op_end_plain(frame, stack, self->one.error);
    return awl__op_end_int(frame, stack, (int64_t)self->one.len);
}

void awl__datagram_no_receivers(awl_datagram *d)
{
    for (awl__stream_op *op = d->ops; op; op = op->next)
        ((receive_frame *)(void *)op)->d = NULL;
    awl__stream_wake(d->ops, 0);
    d->ops = NULL;
}

static const co_type receive_type = { receive_step, awl__stream_op_cancel, "awl_datagram_receive",
                                      __FILE__,     sizeof(receive_frame), __LINE__ };
static const co_type many_type = { receive_many_step, awl__stream_op_cancel, "awl_datagram_receive_many",
                                   __FILE__,          sizeof(receive_frame), __LINE__ };

bool awl__datagram_inspect(awl__dump *dump, const co_frame *leaf)
{
    const receive_frame *self = (const receive_frame *)(const void *)leaf;

    if (leaf->type_ != &receive_type && leaf->type_ != &many_type)
        return false;
    if (self->d)
        awl__dump_say(dump, "descriptor %d to be readable", self->d->io.fd);
    else
        awl__dump_say(dump, "%s", leaf->type_->name);
    return true;
}

awl_coro awl_datagram_receive(awl_datagram *d, void *buf, size_t cap, awl_address *from)
{
    receive_frame *self = awl__op_new(&receive_type, sizeof *self);

    if (self) {
        self->op.stream = NULL;
        self->d = d;
        self->n = 1;
        self->one.data = buf;
        self->one.cap = cap;
        self->from = from;
    }
    return awl__op(self);
}

awl_coro awl_datagram_receive_many(awl_datagram *d, awl_packet *packets, size_t n)
{
    receive_frame *self = awl__op_new(&many_type, sizeof *self);

    if (self) {
        self->op.stream = NULL;
        self->d = d;
        self->packets = packets;
        self->n = n;
    }
    return awl__op(self);
}
