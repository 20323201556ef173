/* test_datagram_open.c: awl_open_datagram, awl_datagram_from_fd, options, addresses. */
#define _GNU_SOURCE
#include "datagram_rig.h"

#include <sys/resource.h>

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

STREAM_TEST(the_kernel_picks_a_port, { awl_datagram *d; char text[AWL_ADDRESS_TEXT], expected[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    CHECK(awl_datagram_port(self->d) > 0);
    snprintf(self->expected, sizeof self->expected, HERE ":%d", awl_datagram_port(self->d));
    CHECK_STR(awl_datagram_local(self->d, self->text, sizeof self->text), self->expected);
    CHECK_STR(awl_datagram_local(self->d, self->text, 4), "");
    CHECK_STR(awl_datagram_peer(self->d, self->text, sizeof self->text), "");
    CHECK(awl_datagram_fd(self->d) >= 0);
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(a_port_can_be_chosen, { awl_datagram *d, *e; int port, rc; })
{
    co_begin;
    self->port = free_port();
    OPEN(self->d, HERE, self->port, NULL, 0, NULL);
    CHECK_INT(awl_datagram_port(self->d), self->port);
    CHECK_FAILS(EADDRINUSE, awl_open_datagram(HERE, self->port, NULL, 0, NULL));
    awl_datagram_close(self->d);
    OPEN(self->d, NULL, self->port, NULL, 0, NULL);
    CHECK_INT(awl_datagram_port(self->d), self->port);
    CHECK_FAILS(EADDRINUSE, awl_open_datagram(NULL, self->port, NULL, 0, NULL));
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(an_endpoint_knows_its_peer, { awl_datagram *a, *b;
                                          char text[AWL_ADDRESS_TEXT], expected[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    OPEN(self->a, HERE, 0, NULL, 0, NULL);
    OPEN(self->b, HERE, 0, HERE, awl_datagram_port(self->a), NULL);
    snprintf(self->expected, sizeof self->expected, HERE ":%d", awl_datagram_port(self->a));
    CHECK_STR(awl_datagram_peer(self->b, self->text, sizeof self->text), self->expected);
    awl_datagram_close(self->b);

    /* From everywhere, at a port of its own. */
    OPEN(self->b, NULL, free_port(), HERE, awl_datagram_port(self->a), NULL);
    CHECK_STR(awl_datagram_peer(self->b, self->text, sizeof self->text), self->expected);
    CHECK(strncmp(awl_datagram_local(self->b, self->text, sizeof self->text), HERE ":", sizeof HERE) == 0);
    awl_datagram_close(self->b);
    awl_datagram_close(self->a);
    co_end;
}

STREAM_TEST(names_are_looked_up, { awl_datagram *a, *b; int n, rc; char buf[4]; })
{
    static const awl_datagram_options options = { .family = AF_INET };

    co_begin;
    co_try(self->rc, awl_open_datagram("localhost", 0, NULL, 0, &options));
    if (self->rc == AWL_ENOHOST)
        SKIP("localhost is not known here");
    CHECK_INT(self->rc, 0);
    co_result(self->a);
    OPEN(self->b, NULL, 0, "localhost", awl_datagram_port(self->a), &options);
    CHECK_INT(awl_datagram_send(self->b, "abc", 3, NULL), 0);
    co_let(self->n, awl_datagram_receive(self->a, self->buf, 4, NULL));
    CHECK_INT(self->n, 3);
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

STREAM_TEST(a_connected_endpoint_hears_its_peer_only, { awl_datagram *d; int peer, port, other, ignored, n;
                                                        char buf[8]; })
{
    co_begin;
    self->peer = open_raw(AF_INET, &self->port);
    self->other = open_raw(AF_INET, &self->ignored);
    OPEN(self->d, NULL, 0, HERE, self->port, NULL);
    put_to(self->other, "other", awl_datagram_port(self->d));
    put_to(self->peer, "peer", awl_datagram_port(self->d));
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, NULL));
    CHECK_INT(self->n, 4);
    awl_datagram_close(self->d);
    close(self->peer);
    close(self->other);
    co_end;
}

STREAM_TEST(opening_fails_with_the_reason, { int rc; })
{
    static const awl_datagram_options v6 = { .family = AF_INET6 };

    co_begin;
    CHECK_FAILS(AWL_ENOHOST, awl_open_datagram("no-such-host.invalid", 0, NULL, 0, &v6));
    CHECK_FAILS(EADDRNOTAVAIL, awl_open_datagram("192.0.2.77", 0, NULL, 0, NULL));
    CHECK_FAILS(EAFNOSUPPORT, awl_open_datagram("127.0.0.1", 0, "::1", 9, NULL));
    CHECK_FAILS(AWL_ENOHOST, awl_open_datagram("127.0.0.1", 0, NULL, 0, &v6));
    co_end;
}

STREAM_TEST(wrong_arguments_of_open, { int rc; })
{
    static const awl_datagram_options wrong[] = { { .family = AF_UNIX }, { .hops = 256 },           { .hops = -1 },
                                           { .multicast_hops = -2 }, { .receive_buffer = -1 }, { .send_buffer = -1 } };

    co_begin;
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, -1, NULL, 0, NULL));
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, 65536, NULL, 0, NULL));
    CHECK_FAILS(EINVAL, awl_open_datagram(NULL, 0, HERE, 0, NULL));
    CHECK_FAILS(EINVAL, awl_open_datagram(NULL, 0, HERE, 65536, NULL));
    CHECK_FAILS(EINVAL, awl_open_datagram(NULL, 0, NULL, 7, NULL));
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, 0, NULL, 0, &wrong[0]));
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, 0, NULL, 0, &wrong[1]));
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, 0, NULL, 0, &wrong[2]));
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, 0, NULL, 0, &wrong[3]));
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, 0, NULL, 0, &wrong[4]));
    CHECK_FAILS(EINVAL, awl_open_datagram(HERE, 0, NULL, 0, &wrong[5]));
    co_end;
}

STREAM_TEST(without_descriptors_it_is_EMFILE, { struct rlimit before; int rc; })
{
    co_begin;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &self->before), 0);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 3, self->before.rlim_max }), 0);
    CHECK_FAILS(EMFILE, awl_open_datagram(HERE, 0, NULL, 0, NULL));
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &self->before), 0);
    co_end;
}

co_def(opens_localhost, { awl_datagram *d; })
{
    co_begin;
    OPEN(self->d, "localhost", 0, NULL, 0, NULL);
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(opening_can_be_cancelled_during_the_look_up, { awl_task *t; int rc; })
{
    co_begin;
    self->t = start(co_call(opens_localhost));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    awl_task_release(self->t);
    co_end;
}

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static int option_of(const awl_datagram *d, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    CHECK_INT(getsockopt(awl_datagram_fd(d), level, name, &value, &size), 0);
    return value;
}

STREAM_TEST(options_reach_the_socket, { awl_datagram *d; })
{
    static const awl_datagram_options options = {
        .broadcast = true, .reuse_addr = true, .reuse_port = true, .receive_buffer = 10000, .send_buffer = 20000,
        .hops = 7, .multicast_hops = 9, .multicast_no_loop = true, .multicast_interface = "lo",
    };

    co_begin;
    need_options_of_groups();
    OPEN(self->d, HERE, 0, NULL, 0, &options);
    CHECK_INT(option_of(self->d, SOL_SOCKET, SO_BROADCAST), 1);
    CHECK_INT(option_of(self->d, SOL_SOCKET, SO_REUSEADDR), 1);
    CHECK_INT(option_of(self->d, SOL_SOCKET, SO_REUSEPORT), 1);
    CHECK_INT(option_of(self->d, SOL_SOCKET, SO_RCVBUF), 2 * 10000); /* Linux doubles both: socket(7) */
    CHECK_INT(option_of(self->d, SOL_SOCKET, SO_SNDBUF), 2 * 20000);
    CHECK_INT(option_of(self->d, IPPROTO_IP, IP_TTL), 7);
    CHECK_INT(option_of(self->d, IPPROTO_IP, IP_MULTICAST_TTL), 9);
    CHECK_INT(option_of(self->d, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(options_of_both_ips_reach_the_socket, { awl_datagram *d; int rc; })
{
    static const awl_datagram_options options = { .family = AF_INET6, .hops = 7, .multicast_hops = -1,
                                           .multicast_no_loop = true, .multicast_interface = "lo" };

    co_begin;
    need_options_of_groups();
    co_try(self->rc, awl_open_datagram(NULL, 0, NULL, 0, &options));
    if (self->rc == EAFNOSUPPORT || self->rc == EADDRNOTAVAIL)
        SKIP("there is no IPv6 here");
    CHECK_INT(self->rc, 0);
    co_result(self->d);
    CHECK_INT(option_of(self->d, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 7);
    CHECK_INT(option_of(self->d, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 0);
    CHECK_INT(option_of(self->d, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
    CHECK(option_of(self->d, IPPROTO_IPV6, IPV6_MULTICAST_IF) > 0);
    CHECK_INT(option_of(self->d, IPPROTO_IP, IP_TTL), 7);
    CHECK_INT(option_of(self->d, IPPROTO_IP, IP_MULTICAST_TTL), 0);
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(several_may_share_a_port, { awl_datagram *a, *b; })
{
    static const awl_datagram_options shared = { .reuse_port = true };

    co_begin;
    OPEN(self->a, HERE, 0, NULL, 0, &shared);
    OPEN(self->b, HERE, awl_datagram_port(self->a), NULL, 0, &shared);
    CHECK_INT(awl_datagram_port(self->b), awl_datagram_port(self->a));
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

STREAM_TEST(an_interface_must_be_there, { int rc; })
{
    static const awl_datagram_options wrong[] = { { .multicast_interface = "no-such-if" }, { .multicast_interface = "" },
                                           { .multicast_interface = "1x" } };

    co_begin;
    CHECK_FAILS(ENODEV, awl_open_datagram(HERE, 0, NULL, 0, &wrong[0]));
    CHECK_FAILS(ENODEV, awl_open_datagram(HERE, 0, NULL, 0, &wrong[1]));
    CHECK_FAILS(ENODEV, awl_open_datagram(HERE, 0, NULL, 0, &wrong[2]));
    co_end;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------- */

STREAM_TEST(a_descriptor_becomes_an_endpoint, { awl_datagram *d; int fd, port, peer, other, n; awl_address from;
                                                char buf[4]; })
{
    static const awl_datagram_options options = { .hops = 3 };

    co_begin;
    self->fd = open_raw(AF_INET, &self->port);
    CHECK_INT(fcntl(self->fd, F_SETFL, 0), 0); /* blocking */
    self->d = awl_datagram_from_fd(self->fd, &options);
    CHECK(self->d != NULL);
    CHECK_INT(awl_datagram_fd(self->d), self->fd);
    CHECK_INT(awl_datagram_port(self->d), self->port);
    CHECK_INT(option_of(self->d, IPPROTO_IP, IP_TTL), 3);
    self->peer = open_raw(AF_INET, &self->other);
    put_to(self->peer, "abc", self->port);
    co_let(self->n, awl_datagram_receive(self->d, self->buf, 4, &self->from));
    CHECK_INT(self->n, 3);
    CHECK_INT(awl_address_port(&self->from), self->other);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(only_a_datagram_socket_becomes_an_endpoint, { int tcp, pipe[2], udp; })
{
    static const awl_datagram_options wrong = { .hops = -1 };

    co_begin;
    self->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(!awl_datagram_from_fd(self->tcp, NULL));
    CHECK_INT(errno, EPROTOTYPE);
    close(self->tcp);
    CHECK(!awl_datagram_from_fd(self->tcp, NULL));
    CHECK_INT(errno, EBADF);
    CHECK_INT(pipe2(self->pipe, O_CLOEXEC), 0);
    CHECK(!awl_datagram_from_fd(self->pipe[0], NULL));
    CHECK_INT(errno, ENOTSOCK);
    close(self->pipe[0]);
    close(self->pipe[1]);
    self->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(!awl_datagram_from_fd(self->udp, &wrong));
    CHECK_INT(errno, EINVAL);
    close(self->udp);
    co_end;
}

TEST(without_a_loop_there_is_no_endpoint)
{
    CHECK(!awl_datagram_from_fd(0, NULL));
    CHECK_INT(errno, EINVAL);
}
