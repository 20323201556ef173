/* test_server_options.c: what servers are told by options, servers on descriptors that are there already, and what they
 * do when descriptors run out. */
#define _DEFAULT_SOURCE /* not all of GNU: accept4 is this file's */
#include "../dns/fake.h"
#include "server_rig.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* ---- max_clients ------------------------------------------------------------------------------------------------- */

static const awl_stream_options two = { .max_clients = 2 };

VIRTUAL_TEST(above_the_limit_clients_wait_for_their_turn, { awl_server *server; awl_stream *s[3]; char *line; int i; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, &two));
    for (self->i = 0; self->i < 3; self->i++)
        co_let(self->s[self->i], awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_print(self->s[2], "third\n"), 0);
    co_await(co_call(told, .s = self->s[0], .text = "first\n"));
    co_await(co_call(told, .s = self->s[1], .text = "second\n"));
    co_await(awl_sleep(AWL_MINUTE));
    CHECK_INT(served.started, 2);
    CHECK_INT(awl_server_clients(self->server), 2);
    awl_stream_close(self->s[0]);
    co_let(self->line, awl_stream_readline(self->s[2], NULL));
    CHECK_STR(self->line, "third\n");
    CHECK_INT(awl_server_clients(self->server), 2);
    awl_stream_close(self->s[1]);
    awl_stream_close(self->s[2]);
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(a_client_whose_bytes_are_unsent_counts, { awl_server *server; awl_stream *s, *next; })
{
    static const awl_stream_options one = { .max_clients = 1 };

    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, &one));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_print(self->s, "much\n"), 0);
    co_let(self->next, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_await(awl_sleep(AWL_MINUTE));
    CHECK_INT(served.ended, 1);
    CHECK_INT(served.started, 1);
    awl_stream_abort(self->s);
    co_await(co_call(told, .s = self->next, .text = "at last\n"));
    awl_stream_close(self->s);
    awl_stream_close(self->next);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(a_full_server_can_be_closed, { awl_server *server; awl_stream *s[3]; char *line; int i, rc; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, &two));
    for (self->i = 0; self->i < 3; self->i++)
        co_let(self->s[self->i], awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_await(co_call(told, .s = self->s[0], .text = "first\n"));
    awl_server_close(self->server);
    /* the kernel resets who was still waiting */
    co_try(self->rc, awl_wait_for(awl_stream_readline(self->s[2], NULL), AWL_SECOND));
    CHECK(self->rc == ECONNRESET || self->rc == 0);
    CHECK_INT(served.started, 2);
    for (self->i = 0; self->i < 3; self->i++)
        awl_stream_close(self->s[self->i]);
    co_end;
}

/* ---- Sockets' options -------------------------------------------------------------------------------------------- */

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    CHECK_INT(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static awl_stream_options seen; /* what the server's side of a connection had: the fields that are tested */

co_def(look, { awl_stream *s; })
{
    const int fd = awl_stream_fd(self->s);

    co_begin;
    seen.nagle = !option_of(fd, IPPROTO_TCP, TCP_NODELAY);
    seen.keep_alive =
        option_of(fd, SOL_SOCKET, SO_KEEPALIVE) ? option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE) * AWL_SECOND : 0;
    served.ended++;
    co_end;
}

static awl_coro serve_look(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(look, .s = s);
}

co_def(connection, { const awl_stream_options *options; awl_server *server; awl_stream *s; char byte; int n, fd; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve_look, NULL, "127.0.0.1", 0, self->options));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), self->options));
    co_let(self->n, awl_stream_read(self->s, &self->byte, 1));
    CHECK_INT(self->n, 0);
    self->fd = awl_stream_fd(self->s);
    CHECK_INT(!option_of(self->fd, IPPROTO_TCP, TCP_NODELAY), seen.nagle);
    CHECK_INT(option_of(self->fd, SOL_SOCKET, SO_KEEPALIVE), seen.keep_alive != 0);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(connections_do_not_delay_nor_probe, { int rc; })
{
    co_begin;
    co_await(co_call(connection));
    CHECK(!seen.nagle);
    CHECK_INT(seen.keep_alive, 0);
    co_end;
}

STREAM_TEST(connections_delay_and_probe_when_told_to, { awl_stream_options options; })
{
    co_begin;
    self->options = (awl_stream_options){ .nagle = true, .keep_alive = 1500 * AWL_MS };
    co_await(co_call(connection, .options = &self->options));
    CHECK(seen.nagle);
    CHECK_INT(seen.keep_alive / AWL_SECOND, 2);
    self->options = (awl_stream_options){ .keep_alive = AWL_FOREVER };
    co_await(co_call(connection, .options = &self->options));
    CHECK_INT(seen.keep_alive / AWL_SECOND, 32767);
    co_end;
}

STREAM_TEST(two_servers_share_a_port, { awl_server *a, *b; awl_stream_options options; int i, rc; })
{
    co_begin;
    self->options = (awl_stream_options){ .reuse_port = true };
    co_let(self->a, awl_start_server(serve, &served, "127.0.0.1", 0, &self->options));
    co_let(self->b, awl_start_server(serve, &served, "127.0.0.1", awl_server_port(self->a), &self->options));
    CHECK_FAILS(EADDRINUSE, awl_start_server(serve, NULL, "127.0.0.1", awl_server_port(self->a), NULL));
    for (self->i = 0; self->i < 8; self->i++)
        co_await(co_call(asks, .port = awl_server_port(self->b), .text = "x\n", .expected = "x\n"));
    co_await(awl_server_wait_closed(self->a));
    co_await(co_call(asks, .port = awl_server_port(self->b), .text = "x\n", .expected = "x\n"));
    CHECK_INT(served.ended, 9);
    awl_server_close(self->a);
    awl_server_close(self->b);
    co_end;
}

static bool has_ipv6(void)
{
    const int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

STREAM_TEST(everywhere_may_mean_ipv6_alone, { awl_server *server; awl_stream_options options; int rc; })
{
    co_begin;
    if (!has_ipv6())
        SKIP("there is no IPv6");
    self->options = (awl_stream_options){ .ipv6_only = true };
    co_let(self->server, awl_start_server(serve, &served, NULL, 0, &self->options));
    CHECK_INT(option_of(awl_server_fd(self->server, 0), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    CHECK_FAILS(ECONNREFUSED, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(a_server_tells_its_sockets, { awl_server *server; char text[AWL_ADDRESS_TEXT], expected[32]; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    CHECK(awl_server_fd(self->server, 0) >= 0);
    CHECK_INT(awl_server_fd(self->server, 1), -1);
    CHECK_INT(awl_server_fd(self->server, -1), -1);
    CHECK_INT(awl_server_fd(NULL, 0), -1);
    snprintf(self->expected, sizeof self->expected, "127.0.0.1:%d", awl_server_port(self->server));
    CHECK_STR(awl_server_local(self->server, 0, self->text, sizeof self->text), self->expected);
    CHECK_STR(awl_server_local(self->server, 1, self->text, sizeof self->text), "");
    co_await(awl_server_wait_closed(self->server));
    CHECK_INT(awl_server_fd(self->server, 0), -1);
    awl_server_close(self->server);
    co_end;
}

/* ---- Names with several addresses -------------------------------------------------------------------------------- */

STREAM_TEST(a_name_is_listened_on_at_all_its_addresses, { awl_server *server; int i; char text[AWL_ADDRESS_TEXT]; })
{
    char expected[32];

    co_begin;
    f = (fake){ .found = { "127.0.0.1", "192.0.2.1", "127.0.0.1", "127.0.0.2" } };
    use_fake(&f);
    co_let(self->server, awl_start_server(serve, &served, "here.test", 0, NULL));
    for (self->i = 0; self->i < 2; self->i++) {
        snprintf(expected, sizeof expected, "127.0.0.%d:%d", self->i + 1, awl_server_port(self->server));
        CHECK_STR(awl_server_local(self->server, self->i, self->text, sizeof self->text), expected);
    }
    CHECK_INT(awl_server_fd(self->server, 2), -1);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(a_name_of_which_another_has_one_address_is_in_use, { awl_server *other, *server; int rc, port; })
{
    co_begin;
    f = (fake){ .found = { "127.0.0.1", "127.0.0.2" } };
    use_fake(&f);
    co_let(self->other, awl_start_server(serve, &served, "127.0.0.2", 0, NULL));
    self->port = awl_server_port(self->other);
    CHECK_FAILS(EADDRINUSE, awl_start_server(serve, &served, "here.test", self->port, NULL));
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", self->port, NULL)); /* it is free again */
    awl_server_close(self->server);
    awl_server_close(self->other);
    co_end;
}

/* ---- Descriptors that are there already -------------------------------------------------------------------------- */

/* A TCP socket that is bound, and listens if told so. */
static int bound(int type, bool listens)
{
    awl_address address;
    const int fd = socket(AF_INET, type, 0);

    CHECK_INT(awl_address_parse("127.0.0.1", 0, &address), 0);
    CHECK_INT(bind(fd, &address.of.any, awl_address_size(&address)), 0);
    if (listens)
        CHECK_INT(listen(fd, 5), 0);
    return fd;
}

STREAM_TEST(servers_on_descriptors, { awl_server *server; int i, fd; })
{
    co_begin;
    for (self->i = 0; self->i < 2; self->i++) {
        self->fd = bound(SOCK_STREAM, self->i);
        co_let(self->server, awl_start_server_on(serve, &served, self->fd, NULL));
        CHECK_INT(awl_server_fd(self->server, 0), self->fd);
        CHECK(fcntl(self->fd, F_GETFL) & O_NONBLOCK);
        CHECK_INT(fcntl(self->fd, F_GETFD), FD_CLOEXEC);
        co_await(co_call(asks, .port = awl_server_port(self->server), .text = "hello\n", .expected = "hello\n"));
        awl_server_close(self->server);
        CHECK_INT(fcntl(self->fd, F_GETFD), -1);
    }
    co_end;
}

STREAM_TEST(descriptors_that_cannot_listen, { int fds[2], rc; })
{
    co_begin;
    CHECK_FAILS(EBADF, awl_start_server_on(serve, NULL, -1, NULL));
    CHECK_INT(pipe(self->fds), 0);
    CHECK_FAILS(ENOTSOCK, awl_start_server_on(serve, NULL, self->fds[0], NULL));
    close(self->fds[0]);
    close(self->fds[1]);
    self->fds[0] = bound(SOCK_DGRAM, false);
    CHECK_FAILS(EINVAL, awl_start_server_on(serve, NULL, self->fds[0], NULL));
    close(self->fds[0]); /* it has stayed ours */
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, self->fds), 0);
    CHECK_FAILS(EINVAL, awl_start_server_on(serve, NULL, self->fds[0], NULL));
    CHECK_FAILS(EINVAL, awl_start_server_on(NULL, NULL, self->fds[0], NULL));
    close(self->fds[0]);
    close(self->fds[1]);
    co_end;
}

/* The environment as a service manager makes it; NULL: the variable is not there. */
static int listen_fds(const char *fds, const char *pid)
{
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    if (fds)
        setenv("LISTEN_FDS", fds, 1);
    if (pid)
        setenv("LISTEN_PID", pid, 1);
    return awl_listen_fds();
}

TEST(descriptors_of_a_service_manager_are_counted)
{
    char me[24];

    harness_allow_leaks(); /* the environment's */
    snprintf(me, sizeof me, "%ld", (long)getpid());
    CHECK_INT(AWL_LISTEN_FD, 3);
    CHECK_INT(listen_fds("2", me), 2);
    CHECK_INT(listen_fds("0", me), 0);
    CHECK_INT(listen_fds(NULL, me), 0);
    CHECK_INT(listen_fds("2", NULL), 0);
    CHECK_INT(listen_fds("2", "1"), 0); /* another process's */
    CHECK_INT(listen_fds("2x", me), 0);
    CHECK_INT(listen_fds("", me), 0);
    CHECK_INT(listen_fds("-2", me), 0);
    CHECK_INT(listen_fds("99999999999999999999", me), 0);
}

/* ---- Without descriptors ----------------------------------------------------------------------------------------- */

static struct rlimit limit_before;

/* With descriptors up to `fd` only; 0: as many as before. */
static void allow_descriptors(int fd)
{
    struct rlimit limit = limit_before;

    if (fd)
        limit.rlim_cur = (rlim_t)fd;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int next_descriptor(void)
{
    const int fd = dup(0);

    close(fd);
    return fd;
}

VIRTUAL_TEST(one_report_until_descriptors_are_free, {
    awl_server *server;
    awl_stream *a, *b;
    char *line;
    awl_time start;
    int i;
})
{
    char expected[64];

    co_begin;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit_before), 0);
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_let(self->a, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_await(co_call(told, .s = self->a, .text = "a\n"));
    for (self->i = 0; self->i < 2; self->i++) {
        allow_descriptors(next_descriptor() + 1); /* one for the client, none for the server */
        co_let(self->b, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
        CHECK_INT(awl_stream_print(self->b, "b\n"), 0);
        co_await(awl_sleep(5500 * AWL_MS));
        snprintf(expected, sizeof expected, "awl_start_server:%d", EMFILE);
        CHECK_REPORTS(expected); /* though it has tried six times */
        self->start = awl_loop_time(NULL);
        awl_stream_close(self->a);
        co_let(self->line, awl_stream_readline(self->b, NULL));
        CHECK_STR(self->line, "b\n");
        CHECK_INT(awl_loop_time(NULL), self->start); /* at once, not at the end of the second */
        self->a = self->b;
    }
    allow_descriptors(0);
    awl_stream_close(self->a);
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(a_server_without_descriptors_can_be_closed, { awl_server *server; awl_stream *s; })
{
    char expected[64];

    co_begin;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit_before), 0);
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    allow_descriptors(next_descriptor() + 1);
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_await(awl_sleep(1 * AWL_MS));
    snprintf(expected, sizeof expected, "awl_start_server:%d", EMFILE);
    CHECK_REPORTS(expected);
    co_await(awl_server_shutdown(self->server, 0));
    awl_server_close(self->server);
    awl_stream_close(self->s);
    allow_descriptors(0);
    co_await(awl_sleep(AWL_MINUTE));
    CHECK_INT(served.started, 0);
    co_end;
}

/* ---- Other errors of accept -------------------------------------------------------------------------------------- */

static int accept_fails; /* with this error, until it is 0 */
static int accepts;

/* In the place of libc's. */
int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    accepts++;
    if (!accept_fails)
        return (int)syscall(SYS_accept4, fd, address, size, flags);
    errno = accept_fails;
    return -1;
}

VIRTUAL_TEST(other_shortages_pause_likewise, { awl_server *server; awl_stream *s; int i, before; })
{
    static const int errors[] = { ENFILE, ENOBUFS, ENOMEM };
    char expected[64];

    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    for (self->i = 0; self->i < 3; self->i++) {
        accept_fails = errors[self->i];
        co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
        co_await(awl_sleep(1 * AWL_MS));
        self->before = accepts;
        co_await(awl_sleep(3 * AWL_SECOND));
        CHECK_INT(accepts - self->before, 3);
        snprintf(expected, sizeof expected, "awl_start_server:%d", errors[self->i]);
        CHECK_REPORTS(expected);
        accept_fails = 0;
        co_await(co_call(told, .s = self->s, .text = "at last\n"));
        awl_stream_close(self->s);
        co_await(awl_sleep(1 * AWL_MS));
    }
    awl_server_close(self->server);
    co_end;
}

co_def(recover, {})
{
    co_begin;
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    accept_fails = 0;
    co_end;
}

VIRTUAL_TEST(errors_of_one_connection_are_skipped, { awl_server *server; awl_stream *s; awl_task *t; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    accept_fails = ECONNABORTED;
    self->t = awl_create_task(co_call(recover));
    CHECK(self->t != NULL);
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_await(co_call(told, .s = self->s, .text = "a\n"));
    CHECK(accepts > 1);
    co_await(self->t);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}
