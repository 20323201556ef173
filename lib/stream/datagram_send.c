/* Sending datagrams: what the kernel does not take at once is kept, in order; see awl/datagram.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/uio.h>

#include "datagram_priv.h"

enum { HEADER = 8 };                     /* bytes that an unsent datagram counts beyond its own: RFC 768 */
static const awl_time patience = AWL_MS; /* before the kernel is asked again that had no memory */

/* Heads for the kernel. IPv4 addresses for an endpoint of IPv6 are put into IPv6 ones. */
typedef struct batch {
    struct mmsghdr heads[AWL__BATCH];
    struct iovec parts[AWL__BATCH];
    awl_address mapped[AWL__BATCH];
    unsigned n;
} batch;

/* ---- To the kernel ----------------------------------------------------------------------------------------------- */

/* An IPv4 address within an IPv6 one: RFC 4291 2.5.5.2. */
static awl_address map(const awl_address *v4)
{
    awl_address v6 = { .of = { .v6 = { .sin6_family = AF_INET6, .sin6_port = v4->of.v4.sin_port } } };

    v6.of.v6.sin6_addr.s6_addr[10] = v6.of.v6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&v6.of.v6.sin6_addr.s6_addr[12], &v4->of.v4.sin_addr, sizeof v4->of.v4.sin_addr);
    return v6;
}

/* One datagram more in a batch, which must outlive neither `data` nor `to`. */
static void add(batch *b, const awl_datagram *d, const void *data, size_t len, const awl_address *to)
{
    struct msghdr *head = &b->heads[b->n].msg_hdr;

    b->parts[b->n] = (struct iovec){ .iov_base = (void *)(uintptr_t)data, .iov_len = len };
    *head = (struct msghdr){ .msg_iov = &b->parts[b->n], .msg_iovlen = 1 };
    if (to->of.any.sa_family != AF_UNSPEC) {
        if (d->family == AF_INET6 && to->of.any.sa_family == AF_INET) {
            b->mapped[b->n] = map(to);
            to = &b->mapped[b->n];
        }
        head->msg_name = (void *)(uintptr_t)&to->of;
        head->msg_namelen = awl_address_size(to);
    }
    b->n++;
}

/* How many of a batch are sent, at least one; or the negative error of the first. */
static int send_batch(awl_datagram *d, batch *b)
{
    int n;

    do
        n = sendmmsg(d->io.fd, b->heads, b->n, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? errno == EWOULDBLOCK ? -EAGAIN : -errno : n;
}

/* ---- What is unsent ---------------------------------------------------------------------------------------------- */

/* Copies a datagram behind what is unsent: 0 or the error. */
static int keep(awl_datagram *d, const awl_packet *packet)
{
    const size_t unsent = awl_flow_unsent(&d->flow);
    awl__parcel *parcel;

    if (unsent > d->limit || packet->len > d->limit - unsent || d->limit - unsent - packet->len < HEADER)
        return ENOBUFS;
    parcel = awl__alloc(d->io.loop, sizeof *parcel + packet->len);
    if (!parcel)
        return ENOMEM;
    *parcel = (awl__parcel){ .to = packet->address, .len = packet->len };
    if (packet->len)
        memcpy(parcel->data, packet->data, packet->len);
    if (d->out)
        d->out_last->next = parcel;
    else
        d->out = parcel;
    d->out_last = parcel;
    return awl_flow_written(&d->flow, packet->len + HEADER);
}

static void drop_first(awl_datagram *d)
{
    awl__parcel *parcel = d->out;

    d->out = parcel->next;
    awl_flow_sent(&d->flow, parcel->len + HEADER);
    awl__free(d->io.loop, parcel, sizeof *parcel + parcel->len);
}

void awl__datagram_drop_unsent(awl_datagram *d)
{
    while (d->out)
        drop_first(d);
}

/* Nothing tells when the kernel has memory again: it is asked after a while. Room in the socket is a change, if that can
 * be looked for. */
static void try_later(awl_datagram *d, int error)
{
    if (error == ENOBUFS || awl__io_writes(&d->io, true))
        awl_call_later(d->io.loop, &d->flush, patience, awl__datagram_flush, d);
}

/*
 * An error may be an answer to an earlier datagram, which is told once and then forgotten: so the first is tried again.
 * What fails twice goes, and is told.
 */
void awl__datagram_flush(void *arg)
{
    awl_datagram *d = arg;
    const bool sent = d->out != NULL;
    bool again = false;

    while (d->out) {
        batch b;
        int n;

        b.n = 0;
        for (const awl__parcel *p = d->out; p && b.n < AWL__BATCH; p = p->next)
            add(&b, d, p->data, p->len, &p->to);
        n = send_batch(d, &b);
        if (n == -EAGAIN || n == -ENOBUFS) {
            try_later(d, -n);
            return;
        }
        if (n < 0)
            awl__datagram_note(d, -n);
        if (n < 0 && again)
            n = 1;
        again = n < 0;
        while (n-- > 0)
            drop_first(d);
    }
    if (d->given_back) {
        awl_datagram_abort(d);
        awl__free(d->io.loop, d, sizeof *d);
    } else if (!sent) { /* there is room, and nobody needs it */
        awl__io_writes(&d->io, false);
    }
}

/* ---- Sending ----------------------------------------------------------------------------------------------------- */

/* Hands packets to the kernel as far as it takes them. Result: how many of them have their `error`. */
static size_t send_now(awl_datagram *d, awl_packet *packets, size_t n)
{
    batch b;
    int sent;

    b.n = 0;
    for (size_t i = 0; i < n && i < AWL__BATCH; i++)
        add(&b, d, packets[i].data, packets[i].len, &packets[i].address);
    sent = send_batch(d, &b);
    if (sent < 0) {
        packets[0].error = -sent;
        if (sent == -EAGAIN || sent == -ENOBUFS) {
            packets[0].error = keep(d, &packets[0]);
            if (d->out)
                try_later(d, -sent);
        }
        return 1;
    }
    for (int i = 0; i < sent; i++)
        packets[i].error = 0;
    return (size_t)sent;
}

int awl_datagram_send_many(awl_datagram *d, awl_packet *packets, size_t n)
{
    int error;

    if (!d || (n && !packets))
        return EINVAL;
    awl__loop_check(d->io.loop);
    if (d->closed)
        return ECONNABORTED;
    for (size_t i = 0; i < n; i++) {
        if (!packets[i].data && packets[i].len)
            return EINVAL;
    }
    for (size_t i = 0; i < n;) {
        if (d->error)
            packets[i++].error = awl__datagram_noted(d);
        else if (d->out)
            packets[i].error = keep(d, &packets[i]), i++;
        else
            i += send_now(d, packets + i, n - i);
    }
    error = 0;
    for (size_t i = 0; i < n && !error; i++)
        error = packets[i].error;
    return error;
}

int awl_datagram_send(awl_datagram *d, const void *data, size_t len, const awl_address *to)
{
    awl_packet packet = { .data = (void *)(uintptr_t)data, .len = len };

    if (to)
        packet.address = *to;
    return awl_datagram_send_many(d, &packet, 1);
}

awl_coro awl_datagram_drain(awl_datagram *d) { return awl_flow_drain(d ? &d->flow : NULL); }
