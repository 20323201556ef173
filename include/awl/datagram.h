/*
 * awl/datagram.h: UDP, to one peer or to many; by await, without a protocol object. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *
 *     co_def(echo, { awl_datagram *d; awl_address from; int n; char buf[65536]; })
 *     {
 *         co_begin;
 *         co_let(self->d, awl_open_datagram("127.0.0.1", 7000, NULL, 0, NULL));
 *         for (;;) {
 *             co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
 *             awl_datagram_send(self->d, self->buf, (size_t)self->n, &self->from);
 *             co_await(awl_datagram_drain(self->d));
 *         }
 *         co_finally;
 *         awl_datagram_close(self->d);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(echo)); }
 *
 * RECEIVING is by pull: a datagram comes straight from the kernel into the caller's memory, and nothing is read ahead:
 * what nobody receives waits in the kernel's buffer, and is dropped there when that is full. One task receives at a
 * time. An empty datagram is one, too: there is no end of an endpoint but its close.
 *
 * SENDING is a plain call that hands the datagram to the kernel at once. If the kernel has no room, a copy waits in
 * order and goes out as soon as it can; nothing is dropped without a word. Await awl_datagram_drain after it, and
 * memory stays bounded. What is unsent is counted in bytes, 8 more for each datagram: its header in UDP (RFC 768).
 *
 * ERRORS do not end an endpoint. Those that the network reports later, such as ECONNREFUSED because nobody listens at
 * the peer's port, are results of the next receive or send, once; the datagram that such a send was about is not sent.
 *
 * ADDRESSES of IPv4 are IPv4 addresses also where an endpoint is open for IPv6 and IPv4 at once.
 */
#ifndef AWL_DATAGRAM_H
#define AWL_DATAGRAM_H

#include "awl/dns.h"
#include "awl/task.h"

typedef struct awl_datagram awl_datagram;

/* Zero is the default of every option. */
typedef struct awl_datagram_options {
    size_t high, low;                /* of unsent bytes; 64 KiB and a quarter of `high`; see awl_datagram_drain */
    size_t limit;                    /* of unsent bytes: what would make it more is refused; 1 MiB, at least `high` */
    int receive_buffer, send_buffer; /* the kernel's, bytes; 0: as the system has them */
    int family;                      /* AF_INET or AF_INET6: addresses of that family only */
    bool broadcast;                  /* it may send to broadcast addresses */
    bool reuse_addr;                 /* other endpoints, of other programs too, may have the address: for multicast */
    bool reuse_port;                 /* several endpoints of this user's share its datagrams, peer by peer */
    int hops;                        /* routers that a datagram may pass, and one: 1 to 255; 0: as the system has it */

    /* Of what it sends to multicast groups. */
    int multicast_hops;              /* as above; 0: 1; -1: it does not leave this machine */
    const char *multicast_interface; /* where it leaves, by name or number, valid until it is open; NULL: by route */
    bool multicast_no_loop;          /* members on this machine do not get it */
} awl_datagram_options;

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

/*
 * Opens a UDP endpoint.
 *
 *   local_host, local_port     where it receives; NULL: everywhere, for IPv4 and IPv6; port 0: the kernel picks one,
 *                              see awl_datagram_port
 *   remote_host, remote_port   its one peer: it receives from there only, and sends without an address go there. NULL
 *                              and 0: it has none. Of several addresses it is the first that there is a route to
 *   options                    may be NULL; copied by this call. What they point to is, like the names, valid until
 *                              the operation completes
 * Result   awl_datagram *: the endpoint.
 * Errors   those of awl_getaddrinfo; EADDRINUSE, EADDRNOTAVAIL, EACCES, ENETUNREACH … of the last address tried;
 *          EAFNOSUPPORT: one side has IPv4 addresses only and the other one IPv6; ENODEV: no such interface; EMFILE,
 *          ENFILE; EINVAL; ENOMEM; ECANCELED.
 * Owns     the caller closes it.
 * Source   asyncio.loop.create_datagram_endpoint; test/stream/test_datagram_open.c
 */
AWL_CORO awl_open_datagram(const char *local_host, int local_port, const char *remote_host, int remote_port,
                           const awl_datagram_options *options);

/*
 * Makes an endpoint of a datagram socket, bound and connected as it is; one of the Unix domain, too, whose peers have
 * no address here.
 *
 *   fd   set to non-blocking mode here
 * Result   the endpoint; NULL with errno EPROTOTYPE (no datagram socket), ENOTSOCK, EBADF, ENODEV, ENOMEM, or EINVAL
 *          (wrong options, or no running loop).
 * Owns     the endpoint closes fd; on error it stays the caller's.
 * Source   asyncio.loop.create_datagram_endpoint(sock=…); test/stream/test_datagram_open.c
 */
awl_datagram *awl_datagram_from_fd(int fd, const awl_datagram_options *options) __attribute__((warn_unused_result));

/*
 * Closes an endpoint and gives its handle back. What is unsent still goes out, in the background. Operations of other
 * tasks that wait end with ECONNABORTED.
 *
 *   d   may be NULL; not to be used afterwards
 * Context  the loop's thread; does not suspend.
 * Source   asyncio.DatagramTransport.close; test/stream/test_datagram_close.c
 */
void awl_datagram_close(awl_datagram *d);

/* Closes it at once: what is unsent is dropped, and every operation ends with ECONNABORTED. The handle stays the
 * caller's. NULL is let be. As asyncio.DatagramTransport.abort; test/stream/test_datagram_close.c */
void awl_datagram_abort(awl_datagram *d);

/* ---- Receiving --------------------------------------------------------------------------------------------------- */

/* A datagram, for the calls that have many at once. What a receive has filled in can be given to a send as it is. */
typedef struct awl_packet {
    void *data;          /* the caller's memory */
    size_t cap;          /* bytes that fit into it; a send does not care */
    size_t len;          /* bytes of the datagram that are in it */
    awl_address address; /* from whom, or to whom; zeroed: the peer, or one without an address */
    int error;           /* what the call says of this one; 0: all is well */
} awl_packet;

/*
 * Receives a datagram, as soon as there is one.
 *
 *   buf    caller's memory, valid until the operation completes
 *   cap    bytes, at least 1; 65,527 are enough for any of UDP's
 *   from   takes the sender's address, zeroed if it has none; may be NULL; untouched on other errors than AWL_ELIMIT
 * Result   int: its length; 0: it is empty.
 * Errors   AWL_ELIMIT: it is longer than `cap`; its first `cap` bytes are in buf, the rest is lost. ECONNREFUSED,
 *          EHOSTUNREACH …: see ERRORS; EBUSY if another receive is pending; ECONNABORTED after closing; AWL_EOTHERLOOP;
 *          EINVAL; ECANCELED.
 * Context  suspends only while there is none, or once in a while for the other tasks' sake; allocates nothing;
 *          cancel-safe: no datagram is lost.
 * Source   asyncio.DatagramProtocol.datagram_received, error_received; test/stream/test_datagram.c
 */
AWL_CORO awl_datagram_receive(awl_datagram *d, void *buf, size_t cap, awl_address *from);

/*
 * Receives as many datagrams as there are, at least one and at most `n` (and 32), by one system call.
 *
 *   packets   the caller's, valid until the operation completes; `data` and `cap` of each say where to; its `len`,
 *             `address` and `error` are filled in. The error is AWL_ELIMIT where a datagram was cut off at `cap`
 *   n         at least 1
 * Result   int: how many.
 * Errors   as awl_datagram_receive, but for AWL_ELIMIT.
 * Context  as above.
 * Source   Linux recvmmsg(2); test/stream/test_datagram.c
 */
AWL_CORO awl_datagram_receive_many(awl_datagram *d, awl_packet *packets, size_t n);

/* ---- Sending ----------------------------------------------------------------------------------------------------- */

/*
 * Sends a datagram: at once if the kernel has room and nothing is unsent, else a copy of it when it can.
 *
 *   data   may be NULL if len is 0
 *   to     NULL or zeroed: the peer
 * Result   0; EMSGSIZE: it is too long; EDESTADDRREQ: there is no peer; EACCES: a broadcast without the option;
 *          EAFNOSUPPORT, ENETUNREACH …; ECONNREFUSED …, see ERRORS; ENOBUFS: more than the limit would be unsent;
 *          ENOMEM: no memory for a copy; ECONNABORTED after closing; EINVAL. Unless it is 0, the datagram is not sent.
 *          Should one that waits fail later, that is the result of the next receive or send.
 * Context  the loop's thread; does not suspend.
 * Source   asyncio.DatagramTransport.sendto; test/stream/test_datagram_send.c
 */
int awl_datagram_send(awl_datagram *d, const void *data, size_t len, const awl_address *to);

/*
 * Sends `n` datagrams in their order, by one system call for each 32. One that fails does not keep the next from going.
 *
 *   packets   `data`, `len` and `address` of each; its `error` takes what awl_datagram_send would have said
 * Result   0, or the error of the first that failed. EINVAL and ECONNABORTED: none was sent, and no `error` is set.
 * Context  as above.
 * Source   Linux sendmmsg(2); test/stream/test_datagram_send.c
 */
int awl_datagram_send_many(awl_datagram *d, awl_packet *packets, size_t n);

/*
 * Waits until there is room for more: at once unless more than `high` bytes are unsent, else until `low` are left. Any
 * number of tasks may wait.
 *
 * Result   none.
 * Errors   ECONNABORTED after closing; AWL_EOTHERLOOP; ECANCELED; EINVAL for NULL.
 * Source   asyncio.DatagramProtocol.pause_writing, resume_writing; test/stream/test_datagram_send.c
 */
AWL_CORO awl_datagram_drain(awl_datagram *d);

/* Bytes that the kernel has not taken yet, 8 more for each datagram; 0 for NULL. */
size_t awl_datagram_unsent(const awl_datagram *d);

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

/*
 * Becomes a member of a multicast group: receives what is sent to it and to the endpoint's port; or leaves the group.
 *
 *   group       its address as numbers: "239.1.2.3", "ff15::1234", "ff02::1234%eth0"
 *   interface   where, by name ("eth0") or number ("2"); NULL: by the group's zone or by route
 * Result   0; EINVAL: this is no group; ENODEV: no such interface, or no route to the group; EADDRINUSE: it is a member
 *          already; EADDRNOTAVAIL: it is none; EAFNOSUPPORT: an IPv6 group on an endpoint for IPv4; ECONNABORTED after
 *          closing; or what the kernel says.
 * Source   RFC 3493 5.2, Linux ip(7); test/stream/test_datagram_group.c
 */
int awl_datagram_join(awl_datagram *d, const char *group, const char *interface);
int awl_datagram_leave(awl_datagram *d, const char *group, const char *interface);

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

/* The port it receives at; 0: it has none yet. */
int awl_datagram_port(const awl_datagram *d);

/* The descriptor, which stays the endpoint's, for options that have no call here; -1 after closing. */
int awl_datagram_fd(const awl_datagram *d);

/* The address of its peer, and its own, as "192.0.2.1:80" or "[2001:db8::1]:80". Result: `text`, of `cap` bytes
 * (AWL_ADDRESS_TEXT do), with an empty string in it if there is none. */
const char *awl_datagram_peer(const awl_datagram *d, char *text, size_t cap);
const char *awl_datagram_local(const awl_datagram *d, char *text, size_t cap);

#endif
