/* awl_open_datagram: sockets from names and options; and multicast groups; see awl/datagram.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "datagram_priv.h"

enum { MOST_TRIED = 8, MOST_HOPS = 255 };

/* ---- Options ----------------------------------------------------------------------------------------------------- */

/* An interface by its name or number; 0: none is meant. Result: 0 or ENODEV. */
static int find_interface(const char *name, unsigned *index)
{
    unsigned long number;
    char *end;

    *index = name ? if_nametoindex(name) : 0;
    if (!name || *index)
        return 0;
    number = strtoul(name, &end, 10);
    if (end == name || *end || !number || number > INT32_MAX)
        return ENODEV;
    *index = (unsigned)number;
    return 0;
}

static int set(int fd, int level, int name, const void *value, size_t size)
{
    return setsockopt(fd, level, name, value, (socklen_t)size) < 0 ? errno : 0;
}

static int set_int(int fd, int level, int name, int value) { return set(fd, level, name, &value, sizeof value); }

/* An option that both IPs have. A socket for IPv6 takes that of IPv4, too, if it is open for both. */
static int set_ip(int fd, int family, int v4, int v6, int value)
{
    if (family == AF_INET)
        return set_int(fd, IPPROTO_IP, v4, value);
    set_int(fd, IPPROTO_IP, v4, value);
    return set_int(fd, IPPROTO_IPV6, v6, value);
}

static int set_multicast_interface(int fd, int family, const char *name)
{
    struct ip_mreqn v4 = { .imr_ifindex = 0 };
    unsigned index;
    int error = find_interface(name, &index);

    if (error)
        return error;
    v4.imr_ifindex = (int)index;
    error = set(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof v4);
    return family == AF_INET ? error : set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index);
}

/* Those that concern IP: 0 or the first error. */
static int configure_ip(int fd, int family, const awl_datagram_options *o)
{
    int error = 0;

    if (o->hops)
        error = set_ip(fd, family, IP_TTL, IPV6_UNICAST_HOPS, o->hops);
    if (!error && o->multicast_hops)
        error =
            set_ip(fd, family, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, o->multicast_hops < 0 ? 0 : o->multicast_hops);
    if (!error && o->multicast_no_loop)
        error = set_ip(fd, family, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, 0);
    if (!error && o->multicast_interface)
        error = set_multicast_interface(fd, family, o->multicast_interface);
    return error;
}

int awl__datagram_configure(int fd, int family, const awl_datagram_options *o)
{
    const struct {
        int wanted, name, value;
    } all[] = {
        { o->reuse_addr, SO_REUSEADDR, 1 },
        { o->reuse_port, SO_REUSEPORT, 1 },
        { o->broadcast, SO_BROADCAST, 1 },
        { o->receive_buffer, SO_RCVBUF, o->receive_buffer },
        { o->send_buffer, SO_SNDBUF, o->send_buffer },
    };
    int error = 0;

    if (o->hops < 0 || o->hops > MOST_HOPS || o->multicast_hops < -1 || o->multicast_hops > MOST_HOPS ||
        o->receive_buffer < 0 || o->send_buffer < 0)
        return EINVAL;
    for (size_t i = 0; i < sizeof all / sizeof *all && !error; i++) {
        if (all[i].wanted)
            error = set_int(fd, SOL_SOCKET, all[i].name, all[i].value);
    }
    return error || (family != AF_INET && family != AF_INET6) ? error : configure_ip(fd, family, o);
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------- */

/* A socket that is bound to `local` and connected to `remote`, either of which may be NULL. */
static int open_socket(const awl_address *local, const awl_address *remote, const awl_datagram_options *o, int *fd)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    const int family = (local ? local : remote)->of.any.sa_family;
    const int s = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (s < 0)
        return errno;
    error = o ? awl__datagram_configure(s, family, o) : 0;
    if (!error && local && family == AF_INET6) /* everywhere means IPv4 too */
        error = set_int(s, IPPROTO_IPV6, IPV6_V6ONLY, memcmp(&local->of.v6.sin6_addr, &any, sizeof any) != 0);
    if (!error && local && bind(s, &local->of.any, awl_address_size(local)) < 0)
        error = errno;
    if (!error && remote && connect(s, &remote->of.any, awl_address_size(remote)) < 0)
        error = errno;
    if (error)
        close(s);
    else
        *fd = s;
    return error;
}

/* The same as an endpoint. */
static awl_datagram *try_one(const awl_address *local, const awl_address *remote, const awl_datagram_options *o,
                             int *error)
{
    awl_datagram *d;
    int fd = -1;

    *error = open_socket(local, remote, o, &fd);
    if (*error)
        return NULL;
    d = awl__datagram_new(awl_running_, fd, o, error);
    if (!d)
        close(fd);
    return d;
}

/* The first pair of addresses that works, the remote ones in their order; either list may be empty. */
static awl_datagram *try_all(const awl_address *local, int locals, const awl_address *remote, int remotes,
                             const awl_datagram_options *o, int *error)
{
    awl_datagram *d = NULL;

    *error = EAFNOSUPPORT;
    for (int r = 0; r < (remotes ? remotes : 1) && !d; r++) {
        for (int l = 0; l < (locals ? locals : 1) && !d; l++) {
            if (!remotes || !locals || local[l].of.any.sa_family == remote[r].of.any.sa_family)
                d = try_one(locals ? &local[l] : NULL, remotes ? &remote[r] : NULL, o, error);
        }
    }
    return d;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

/* Everywhere: the addresses for both IPs. Result: how many. */
static int everywhere(awl_address *addresses, int family, int port)
{
    int n = 0;

    if (family != AF_INET)
        awl_address_parse("::", port, &addresses[n++]);
    if (family != AF_INET6)
        awl_address_parse("0.0.0.0", port, &addresses[n++]);
    return n;
}

/* Without a peer the first is for both IPs; the second is for a kernel that has no IPv6. */
static awl_datagram *try_everywhere(const awl_address *local, int locals, const awl_datagram_options *o, int *error)
{
    awl_datagram *d = try_one(&local[0], NULL, o, error);

    if (!d && locals > 1 && (*error == EAFNOSUPPORT || *error == EADDRNOTAVAIL))
        d = try_one(&local[1], NULL, o, error);
    return d;
}

co_def(open_datagram, {
    const char *local_host, *remote_host;
    awl_datagram_options options;
    awl_datagram *d;
    int local_port, remote_port, family, locals, remotes, error;
    awl_address local[MOST_TRIED], remote[MOST_TRIED];
})
{
    co_begin;
    self->family = self->options.family;
    if (self->local_port < 0 || self->local_port > 65535 || self->remote_port < (self->remote_host != NULL) ||
        self->remote_port > (self->remote_host ? 65535 : 0))
        co_raise(EINVAL);
    if (self->family != AF_UNSPEC && self->family != AF_INET && self->family != AF_INET6)
        co_raise(EINVAL);

    /* Names to addresses. Who has a peer and no address of its own gets one from the kernel. */
    if (self->remote_host)
        co_let(self->remotes,
               awl_getaddrinfo(self->remote_host, self->remote_port, self->family, self->remote, MOST_TRIED));
    if (self->local_host)
        co_let(self->locals,
               awl_getaddrinfo(self->local_host, self->local_port, self->family, self->local, MOST_TRIED));
    else if (self->local_port || !self->remotes)
        self->locals = everywhere(self->local, self->family, self->local_port);

    if (self->local_host || self->remote_host)
        self->d = try_all(self->local, self->locals, self->remote, self->remotes, &self->options, &self->error);
    else
        self->d = try_everywhere(self->local, self->locals, &self->options, &self->error);
    if (!self->d)
        co_raise(self->error);
    co_return (self->d);
    co_end;
}

awl_coro awl_open_datagram(const char *local_host, int local_port, const char *remote_host, int remote_port,
                           const awl_datagram_options *options)
{
    return co_call(open_datagram, .local_host = local_host, .local_port = local_port, .remote_host = remote_host,
                   .remote_port = remote_port,
                   .options = options ? *options : (awl_datagram_options){ .high = 0 });
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

/* Of IPv6; its zone says where, unless `index` does. */
static int change_v6(int fd, int option, const awl_address *group, unsigned index)
{
    struct ipv6_mreq request = { .ipv6mr_multiaddr = group->of.v6.sin6_addr };

    if (!IN6_IS_ADDR_MULTICAST(&group->of.v6.sin6_addr))
        return EINVAL;
    request.ipv6mr_interface = index ? index : group->of.v6.sin6_scope_id;
    return set(fd, IPPROTO_IPV6, option, &request, sizeof request);
}

static int change_v4(int fd, int option, const awl_address *group, unsigned index)
{
    const struct ip_mreqn request = { .imr_multiaddr = group->of.v4.sin_addr, .imr_ifindex = (int)index };

    if (!IN_MULTICAST(ntohl(group->of.v4.sin_addr.s_addr)))
        return EINVAL;
    return set(fd, IPPROTO_IP, option, &request, sizeof request);
}

static int change(awl_datagram *d, const char *text, const char *interface, bool join)
{
    awl_address group;
    unsigned index;
    int error;

    if (!d)
        return EINVAL;
    awl__loop_check(d->io.loop);
    error = d->closed ? ECONNABORTED : awl_address_parse(text, 0, &group);
    if (!error)
        error = find_interface(interface, &index);
    if (error)
        return error;
    if (group.of.any.sa_family == AF_INET)
        return change_v4(d->io.fd, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &group, index);
    if (d->family != AF_INET6)
        return EAFNOSUPPORT;
    return change_v6(d->io.fd, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &group, index);
}

int awl_datagram_join(awl_datagram *d, const char *group, const char *interface)
{
    return change(d, group, interface, true);
}

int awl_datagram_leave(awl_datagram *d, const char *group, const char *interface)
{
    return change(d, group, interface, false);
}
