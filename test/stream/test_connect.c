/* test_connect.c: awl_open_connection; addresses of streams. */
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

/* A listening socket on loopback. Result: its descriptor. */
static int listen_raw(int family, int backlog, int *port)
{
    awl_address address;
    socklen_t size = sizeof address.of;
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    CHECK(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    CHECK_INT(awl_address_parse(family == AF_INET ? "127.0.0.1" : "::1", *port, &address), 0);
    if (bind(fd, &address.of.any, awl_address_size(&address)) < 0)
        SKIP("this address cannot be listened on here");
    CHECK_INT(listen(fd, backlog), 0);
    CHECK_INT(getsockname(fd, &address.of.any, &size), 0);
    *port = awl_address_port(&address);
    return fd;
}

STREAM_TEST(connects_and_knows_addresses, { awl_stream *s; int server, peer, port; char text[AWL_ADDRESS_TEXT]; })
{
    char expected[AWL_ADDRESS_TEXT];

    co_begin;
    self->server = listen_raw(AF_INET, 5, &self->port);
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    self->peer = accept(self->server, NULL, NULL);
    CHECK(self->peer >= 0);
    put(self->peer, "x");
    CHECK_INT(awl_stream_write(self->s, "y", 1), 0);
    CHECK_STR(got(self->peer), "y");
    snprintf(expected, sizeof expected, "127.0.0.1:%d", self->port);
    CHECK_STR(awl_stream_peer(self->s, self->text, sizeof self->text), expected);
    CHECK(strncmp(awl_stream_local(self->s, self->text, sizeof self->text), "127.0.0.1:", 10) == 0);
    CHECK_STR(awl_stream_local(self->s, self->text, 4), "");
    CHECK_STR(awl_stream_peer(NULL, self->text, sizeof self->text), "");
    awl_stream_close(self->s);
    close(self->peer);
    close(self->server);
    co_end;
}

static awl_coro no_client(awl_stream *s, void *arg)
{
    (void)s, (void)arg;
    return awl_sleep(0);
}

/* Options as one writes them: in a compound literal, which is gone when the operation goes on. */
STREAM_TEST(options_need_not_outlive_the_call, {
    awl_stream *s;
    awl_server *server;
    awl_datagram *d;
    awl_coro coroutine;
})
{
    awl_stream_options options = { .family = AF_INET, .limit = 100 };
    awl_datagram_options datagram_options = { .family = AF_INET };

    co_begin;
    self->coroutine = awl_start_server(no_client, NULL, "localhost", 0, &options);
    memset(&options, 0xff, sizeof options);
    co_let(self->server, self->coroutine);
    options = (awl_stream_options){ .local_host = "127.0.0.1" };
    self->coroutine = awl_open_connection("localhost", awl_server_port(self->server), &options);
    memset(&options, 0xff, sizeof options);
    co_let(self->s, self->coroutine);
    self->coroutine = awl_open_datagram("localhost", 0, NULL, 0, &datagram_options);
    memset(&datagram_options, 0xff, sizeof datagram_options);
    co_let(self->d, self->coroutine);
    awl_datagram_close(self->d);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

/* The bytes and the reset arrive as one change; a read that gets the bytes must not wait for another one. */
STREAM_TEST(reset_behind_a_short_read_is_seen, { awl_stream *s; int server, peer, port, n, i, rc; char buf[8]; })
{
    static const struct linger reset = { 1, 0 };

    co_begin;
    self->server = listen_raw(AF_INET, 5, &self->port);
    for (self->i = 0; self->i < 2; self->i++) {
        co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
        self->peer = accept(self->server, NULL, NULL);
        CHECK(self->peer >= 0);
        co_await(awl_sleep(1 * AWL_MS));
        put(self->peer, "abc");
        setsockopt(self->peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(self->peer);
        co_await(awl_sleep(1 * AWL_MS));
        co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
        CHECK_INT(self->n, 3);
        if (self->i)
            CHECK_INT(awl_stream_write(self->s, "x", 1), ECONNRESET);
        CHECK_FAILS(ECONNRESET, awl_stream_read(self->s, self->buf, sizeof self->buf));
        awl_stream_close(self->s);
        self->s = NULL;
    }
    close(self->server);
    co_end;
}

STREAM_TEST(connects_over_ipv6, { awl_stream *s; int server, port; char text[AWL_ADDRESS_TEXT]; })
{
    char expected[AWL_ADDRESS_TEXT];

    co_begin;
    self->server = listen_raw(AF_INET6, 5, &self->port);
    co_let(self->s, awl_open_connection("::1", self->port, NULL));
    snprintf(expected, sizeof expected, "[::1]:%d", self->port);
    CHECK_STR(awl_stream_peer(self->s, self->text, sizeof self->text), expected);
    awl_stream_close(self->s);
    close(self->server);
    co_end;
}

STREAM_TEST(connects_by_name, { awl_stream *s; int server, port; })
{
    co_begin;
    self->server = listen_raw(AF_INET, 5, &self->port);
    co_let(self->s, awl_open_connection("localhost", self->port, NULL)); /* ::1, where there is such, refuses */
    awl_stream_close(self->s);
    close(self->server);
    co_end;
}

STREAM_TEST(refused_connection, { int server, port, rc; })
{
    co_begin;
    self->server = listen_raw(AF_INET, 5, &self->port);
    close(self->server);
    CHECK_FAILS(ECONNREFUSED, awl_open_connection("127.0.0.1", self->port, NULL));
    co_end;
}

STREAM_TEST(wrong_arguments_of_open_connection, { int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_open_connection("127.0.0.1", 0, NULL));
    CHECK_FAILS(EINVAL, awl_open_connection("127.0.0.1", 65536, NULL));
    CHECK_FAILS(EINVAL, awl_open_connection(NULL, 80, NULL));
    CHECK_FAILS(EINVAL, awl_open_connection("", 80, NULL));
    co_end;
}

STREAM_TEST(family_option_excludes_the_others, { int rc; })
{
    static const awl_stream_options only6 = { .family = AF_INET6 };

    co_begin;
    CHECK_FAILS(AWL_ENOHOST, awl_open_connection("127.0.0.1", 80, &only6));
    co_end;
}

/* A server that accepts nobody, filled until a connection stays pending. */
STREAM_TEST(connecting_can_be_cancelled, { int server, port, rc, i; awl_stream *filler[8]; })
{
    co_begin;
    self->server = listen_raw(AF_INET, 0, &self->port);
    for (self->i = 0; self->i < 8; self->i++) {
        co_try(self->rc, awl_wait_for(awl_open_connection("127.0.0.1", self->port, NULL), 5 * AWL_MS));
        if (self->rc)
            break;
        co_result(self->filler[self->i]);
    }
    CHECK_INT(self->rc, ETIMEDOUT);
    co_finally;
    for (self->i = 0; self->i < 8; self->i++)
        awl_stream_close(self->filler[self->i]);
    close(self->server);
    co_end;
}

STREAM_TEST(connecting_without_descriptors, { int rc; struct rlimit before, none; })
{
    co_begin;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &self->before), 0);
    self->none = self->before;
    self->none.rlim_cur = 3;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &self->none), 0);
    CHECK_FAILS(EMFILE, awl_open_connection("127.0.0.1", 9, NULL));
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &self->before), 0);
    co_end;
}
