/*
 * awl/dns.h: addresses, and how names become addresses. SPDX-License-Identifier: MIT
 *
 *     co_def(look_up, { awl_address found[4]; int n; char text[AWL_ADDRESS_TEXT]; })
 *     {
 *         co_begin;
 *         co_let(self->n, awl_getaddrinfo("example.org", 80, AF_UNSPEC, self->found, 4));
 *         for (int i = 0; i < self->n; i++)
 *             puts(awl_address_text(&self->found[i], self->text, sizeof self->text));
 *         co_end;
 *     }
 *
 * Names are looked up by the system's getaddrinfo, so /etc/hosts, nsswitch and mDNS count, on a helper thread that a
 * loop starts at its first look-up and that ends when the loop is closed. While the name service is slow there are up
 * to three more: only when four names hang at once do others wait, until the service gives up the first (glibc: 5 s a
 * server and attempt, as resolv.conf has it). Addresses written as numbers need no thread.
 *
 * CACHE. A loop keeps up to 64 answers for 10 s, and does not ask again meanwhile (awl_dns_set_cache). Who asks for a
 * name that is being asked for waits for the same answer. That there is no such host is not kept: it is what names look
 * like while the network comes up, and only who asks again pays for it.
 */
#ifndef AWL_DNS_H
#define AWL_DNS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "awl/task.h"

/* An IPv4 or IPv6 address and a port. */
typedef struct awl_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } of;
} awl_address;

/* Bytes that the text of any address fits into, the path of a Unix socket included. */
#define AWL_ADDRESS_TEXT 112

/* The size of the sockaddr in it. */
static inline socklen_t awl_address_size(const awl_address *address)
{
    return address->of.any.sa_family == AF_INET6 ? sizeof address->of.v6 : sizeof address->of.v4;
}

/*
 * Reads an address written as numbers: "192.0.2.1", "2001:db8::1", "fe80::1%eth0".
 *
 *   port   0 to 65535
 * Result   0; EINVAL if it is something else.
 * Context  any thread; does not block.
 * Source   test/dns/test_dns.c
 */
int awl_address_parse(const char *host, int port, awl_address *address);

/*
 * Writes an address as "192.0.2.1:80" or "[2001:db8::1]:80".
 *
 * Result   `text`; an empty string in it if the address is of another family or `cap` bytes do not do.
 * Source   test/dns/test_dns.c
 */
const char *awl_address_text(const awl_address *address, char *text, size_t cap);

/* The port; 0 if the address is of another family. */
int awl_address_port(const awl_address *address);

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/*
 * Looks up the addresses of a host, in the order in which they should be tried.
 *
 *   host        a name or numbers, valid until the operation starts; at most 255 bytes
 *   port        0 to 65535, for the addresses
 *   family      AF_UNSPEC, AF_INET or AF_INET6
 *   addresses   takes at most `cap`, and never more than 16; the caller's, valid until the operation completes
 * Result   int: how many there are, at least 1.
 * Errors   AWL_ENOHOST: there is no such host, or it has no address of that family; AWL_EDNS: the name service has no
 *          answer now; EINVAL; ENOMEM; EAGAIN if no thread can be started; ECANCELED. With a resolver of your own, its.
 * Context  suspends unless `host` is numbers or the answer is in the cache. Cancelled, it ends at once. Others that
 *          wait for the same answer still get it; if there are none, the thread drops what it finds.
 * Source   asyncio.loop.getaddrinfo; test/dns/test_dns.c, test/dns/test_cache.c
 */
AWL_CORO awl_getaddrinfo(const char *host, int port, int family, awl_address *addresses, size_t cap);

/*
 * Sets for how long a loop keeps answers, and how many: the oldest go first.
 *
 *   loop      NULL: the running loop
 *   ttl       from when an answer came, by the loop's clock; 10 s unless set; 0 or less: none are kept. It holds for
 *             those that are there, too
 *   entries   64 unless set; 0: none are kept. Each takes about 100 bytes, and each look-up a glance at all
 * Result   0; EINVAL if there is no loop; ENOMEM.
 * Source   test/dns/test_cache.c
 */
int awl_dns_set_cache(awl_loop *loop, awl_time ttl, size_t entries);

/* Drops the answers that a loop keeps, as after a change of networks. A look-up that is on its way ends as it would,
 * but its answer is not kept, and nobody else gets it. NULL: the running loop. test/dns/test_cache.c */
void awl_dns_clear_cache(awl_loop *loop);

/* ---- Resolvers --------------------------------------------------------------------------------------------------- */

/*
 * Who turns names into addresses: first in a struct of yours, with what else it needs.
 *
 * `look_up` makes the coroutine that does it, as awl_resolver_look_up has it; the port of the addresses is of no
 * account. It runs in a task of its own, is cancelled when nobody waits for it any more, and must then end. Numbers do
 * not get that far, nor does what the cache knows.
 */
typedef struct awl_resolver awl_resolver;
struct awl_resolver {
    awl_coro (*look_up)(awl_resolver *resolver, const char *host, int family, awl_address *addresses, size_t cap);
};

/*
 * Has a loop ask `resolver` from now on, and drops what the one before has answered (awl_dns_clear_cache).
 *
 *   loop       NULL: the running loop
 *   resolver   NULL: the system's. The caller's; it must outlive the loop, or another one's being set and the end of
 *              look-ups that are on their way
 * Result   0; EINVAL if there is no loop, or no `look_up`; ENOMEM.
 * Source   test/dns/test_resolver.c; examples/20_evdns.c
 */
int awl_loop_set_resolver(awl_loop *loop, awl_resolver *resolver);

/*
 * Asks a resolver for the addresses of a host, past the cache: for resolvers that ask another one.
 *
 *   resolver    NULL: the system's, whatever the loop has been told to ask
 *   host        as above, but valid until the operation completes
 *   addresses   as above; takes at most `cap`
 * Result   int: how many there are, at least 1; their port is 0.
 * Errors   as awl_getaddrinfo.
 * Context  suspends. Cancelled, it ends at once.
 * Source   test/dns/test_resolver.c
 */
AWL_CORO awl_resolver_look_up(awl_resolver *resolver, const char *host, int family, awl_address *addresses, size_t cap);

#endif
