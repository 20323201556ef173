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
 * Names are looked up by the system's getaddrinfo, so /etc/hosts, nsswitch and mDNS count, on one helper thread that a
 * loop starts at its first look-up and that ends when the loop is closed. Addresses written as numbers need no thread.
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

/* Bytes that the text of any address fits into. */
#define AWL_ADDRESS_TEXT 80

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

/*
 * Looks up the addresses of a host, in the order in which they should be tried.
 *
 *   host        a name or numbers, valid until the operation starts; at most 255 bytes
 *   port        0 to 65535, for the addresses
 *   family      AF_UNSPEC, AF_INET or AF_INET6
 *   addresses   takes at most `cap`; the caller's, valid until the operation completes
 * Result   int: how many there are, at least 1.
 * Errors   AWL_ENOHOST: there is no such host, or it has no address of that family; AWL_EDNS: the name service has no
 *          answer now; EINVAL; ENOMEM; EAGAIN if no thread can be started; ECANCELED.
 * Context  suspends unless `host` is numbers. Cancelled, it ends at once, and the thread drops what it finds.
 * Source   asyncio.loop.getaddrinfo; test/dns/test_dns.c
 */
AWL_CORO awl_getaddrinfo(const char *host, int port, int family, awl_address *addresses, size_t cap);

#endif
