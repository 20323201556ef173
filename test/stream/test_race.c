/* test_race.c: awl_open_connection with several addresses, and from a local one. Time is virtual, names are made up. */
#define _GNU_SOURCE
#include "../dns/fake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>

/* ---- Other sides ------------------------------------------------------------------------------------------------- */

static int raw_socket(const char *host, int port, awl_address *address)
{
    int fd;

    CHECK_INT(awl_address_parse(host, port, address), 0);
    fd = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    return fd;
}

/* A server at that address, on *port, or on one that it chooses. */
static int serve(const char *host, int *port, int backlog)
{
    awl_address address;
    socklen_t size = sizeof address.of;
    const int fd = raw_socket(host, *port, &address), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, &address.of.any, awl_address_size(&address)) < 0)
        SKIP("this address cannot be listened on here");
    CHECK_INT(listen(fd, backlog), 0);
    CHECK_INT(getsockname(fd, &address.of.any, &size), 0);
    *port = awl_address_port(&address);
    return fd;
}

/* One that answers nobody: its queue is full. fds[0] is the server's, the others fill it. */
enum { HOLE = 6 };
static void dig(const char *host, int *port, int *fds)
{
    awl_address address;

    fds[0] = serve(host, port, 0);
    for (int i = 1; i < HOLE; i++) {
        struct pollfd pending = { .events = POLLOUT };

        pending.fd = fds[i] = raw_socket(host, *port, &address);
        connect(fds[i], &address.of.any, awl_address_size(&address));
        if (i == HOLE - 1 && poll(&pending, 1, 0))
            SKIP("a full queue still answers here");
    }
}

static void close_all(int *fds, int n)
{
    for (int i = 0; i < n; i++) {
        if (fds[i] > 0)
            close(fds[i]);
        fds[i] = 0;
    }
}

static int ms(void) { return (int)(awl_loop_time(NULL) / AWL_MS); }

/* The other side's address, without its port. */
static const char *peer_of(awl_stream *s)
{
    static char text[AWL_ADDRESS_TEXT];

    awl_stream_peer(s, text, sizeof text);
    if (strrchr(text, ':'))
        *strrchr(text, ':') = '\0';
    return text;
}

/* ---- Who wins, and when ------------------------------------------------------------------------------------------ */

/* A race to `found`, with 127.0.0.2 and ::1 silent, 127.0.0.3 and 127.0.0.4 servers, and the rest refusing. */
co_def(races, {
    const char *found[8];
    awl_time delay;
    const char *winner; /* NULL: none, within 10 s */
    int when, port, rc;
    int holes[2][HOLE], servers[2];
    awl_stream *s;
    awl_stream_options options;
})
{
    co_begin;
    f = (fake){ .delay = 0 };
    memcpy(f.found, self->found, sizeof self->found);
    use_fake(&f);
    self->servers[0] = serve("127.0.0.3", &self->port, 5);
    self->servers[1] = serve("127.0.0.4", &self->port, 5);
    dig("127.0.0.2", &self->port, self->holes[0]);
    if (self->found[0][0] == ':' || (self->found[1] && self->found[1][0] == ':'))
        dig("::1", &self->port, self->holes[1]);
    self->options.happy_eyeballs_delay = self->delay;
    co_try(self->rc, awl_wait_for(awl_open_connection("a.test", self->port, &self->options), 10 * AWL_SECOND));
    if (!self->rc)
        co_result(self->s);
    CHECK_INT(self->rc, self->winner ? 0 : ETIMEDOUT);
    CHECK_INT(ms(), self->when);
    if (self->winner)
        CHECK_STR(peer_of(self->s), self->winner);
    co_finally;
    awl_stream_close(self->s);
    close_all(self->holes[0], HOLE);
    close_all(self->holes[1], HOLE);
    close_all(self->servers, 2);
    co_end;
}

#define RACE(name, time, who, wait, ...)                                                                               \
    TEST(name)                                                                                                         \
    {                                                                                                                  \
        run_main(co_call(races, .found = { __VA_ARGS__ }, .winner = (who), .when = (time), .delay = (wait)), true);    \
    }

RACE(first_address_wins_at_once, 0, "127.0.0.3", 0, "127.0.0.3", "127.0.0.4")
RACE(next_address_is_tried_after_250_ms, 250, "127.0.0.3", 0, "127.0.0.2", "127.0.0.3", "127.0.0.4")
RACE(each_address_gets_its_time, 750, "127.0.0.3", 0, "127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.3")
RACE(delay_can_be_set, 20, "127.0.0.3", 10 * AWL_MS, "127.0.0.2", "127.0.0.2", "127.0.0.3")
RACE(failure_brings_on_the_next_at_once, 0, "127.0.0.3", 0, "127.0.0.7", "127.0.0.8", "127.0.0.9", "127.0.0.3")
RACE(failure_of_the_second_brings_on_the_third, 250, "127.0.0.3", 0, "127.0.0.2", "127.0.0.7", "127.0.0.3")
RACE(one_after_the_other_without_end, 10000, NULL, AWL_FOREVER, "127.0.0.2", "127.0.0.3")
RACE(one_after_the_other_goes_on_after_a_failure, 0, "127.0.0.3", AWL_FOREVER, "127.0.0.7", "127.0.0.3")
RACE(all_at_once, 0, "127.0.0.3", -1 * AWL_SECOND, "127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.4")
RACE(refusal_behind_the_winner, 0, "127.0.0.3", -1 * AWL_SECOND, "127.0.0.3", "127.0.0.7", "127.0.0.3")
RACE(nobody_answers, 10000, NULL, 0, "127.0.0.2", "127.0.0.2")
RACE(silence_outlasts_refusals, 10000, NULL, 0, "127.0.0.2", "127.0.0.7", "127.0.0.8")
RACE(families_take_turns, 250, "127.0.0.3", 0, "::1", "::1", "::1", "127.0.0.3", "127.0.0.4")
RACE(families_take_turns_as_the_first_says, 500, "127.0.0.3", 0, "127.0.0.2", "::1", "::1", "127.0.0.3", "127.0.0.4")

VIRTUAL_TEST(sixteen_addresses_are_tried, { int server, port; awl_stream *s; })
{
    co_begin;
    f = (fake){ .delay = 0 };
    for (int i = 0; i < 15; i++)
        f.found[i] = "127.0.0.7";
    f.found[15] = "127.0.0.3";
    use_fake(&f);
    self->server = serve("127.0.0.3", &self->port, 5);
    co_let(self->s, awl_open_connection("a.test", self->port, NULL));
    CHECK_STR(peer_of(self->s), "127.0.0.3");
    co_finally;
    awl_stream_close(self->s);
    close(self->server);
    co_end;
}

/* Both have connected before anybody looks: the one that began first is taken, the other one is closed. */
VIRTUAL_TEST(loser_that_has_connected_is_closed, {
    int port, servers[2], peers[2];
    awl_stream *s;
    awl_stream_options options;
})
{
    co_begin;
    f = (fake){ .found = { "127.0.0.3", "127.0.0.4" } };
    use_fake(&f);
    self->options.happy_eyeballs_delay = -1 * AWL_SECOND;
    self->servers[0] = serve("127.0.0.3", &self->port, 5);
    self->servers[1] = serve("127.0.0.4", &self->port, 5);
    co_let(self->s, awl_open_connection("a.test", self->port, &self->options));
    for (int i = 0; i < 2; i++) {
        self->peers[i] = accept4(self->servers[i], NULL, NULL, SOCK_NONBLOCK);
        CHECK(self->peers[i] >= 0);
    }
    CHECK_STR(got(self->peers[1]), "END");
    put(self->peers[0], "x");
    CHECK_STR(got(self->peers[0]), "");
    CHECK_STR(peer_of(self->s), "127.0.0.3");
    co_finally;
    awl_stream_close(self->s);
    close_all(self->peers, 2);
    close_all(self->servers, 2);
    co_end;
}

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

VIRTUAL_TEST(all_addresses_refuse, { int server, port, rc; char text[256]; })
{
    co_begin;
    f = (fake){ .found = { "127.0.0.7", "127.0.0.8", "::1" } };
    use_fake(&f);
    self->server = serve("127.0.0.3", &self->port, 5);
    CHECK_FAILS(ECONNREFUSED, awl_open_connection("a.test", self->port, NULL));
    snprintf(self->text, sizeof self->text, "127.0.0.7:%d: %s, [::1]:%d: %s, 127.0.0.8:%d: %s", self->port,
             strerror(ECONNREFUSED), self->port, strerror(ECONNREFUSED), self->port, strerror(ECONNREFUSED));
    CHECK_STR(awl_error_message(ECONNREFUSED), self->text);
    CHECK_INT(ms(), 0);
    CHECK_FAILS(ECONNREFUSED, awl_open_connection("127.0.0.9", self->port, NULL));
    snprintf(self->text, sizeof self->text, "127.0.0.9:%d: %s", self->port, strerror(ECONNREFUSED));
    CHECK_STR(awl_error_message(ECONNREFUSED), self->text);
    co_finally;
    close(self->server);
    co_end;
}

static void limit_descriptors(rlim_t n)
{
    struct rlimit limit;

    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = n;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The attempt that has its descriptor goes on. */
VIRTUAL_TEST(descriptors_run_out_in_the_middle, { int port, hole[HOLE], server, next, rc; rlim_t before; })
{
    struct rlimit limit;

    co_begin;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    self->before = limit.rlim_cur;
    f = (fake){ .found = { "127.0.0.2", "127.0.0.3", "127.0.0.3" } };
    use_fake(&f);
    self->server = serve("127.0.0.3", &self->port, 5);
    dig("127.0.0.2", &self->port, self->hole);
    self->next = dup(0);
    close(self->next);
    limit_descriptors((rlim_t)self->next + 1);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_open_connection("a.test", self->port, NULL), 10 * AWL_SECOND));
    CHECK_INT(ms(), 10000);
    limit_descriptors((rlim_t)self->next);
    CHECK_FAILS(EMFILE, awl_open_connection("a.test", self->port, NULL));
    limit_descriptors(self->before);
    co_finally;
    close(self->server);
    close_all(self->hole, HOLE);
    co_end;
}

/* ---- Cancellation ------------------------------------------------------------------------------------------------ */

/* While the name is looked up, and while one, two and three addresses are tried. */
VIRTUAL_TEST(race_can_be_cancelled, { int port, hole[HOLE], i, rc; })
{
    static const int after[] = { 50, 150, 400, 700, 5000 };

    co_begin;
    f = (fake){ .found = { "127.0.0.2", "127.0.0.2", "127.0.0.2" }, .delay = 100 * AWL_MS };
    use_fake(&f);
    dig("127.0.0.2", &self->port, self->hole);
    for (self->i = 0; self->i < 5; self->i++) {
        awl_dns_clear_cache(NULL);
        CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_open_connection("a.test", self->port, NULL), after[self->i] * AWL_MS));
    }
    CHECK_INT(ms(), 50 + 150 + 400 + 700 + 5000);
    co_finally;
    close_all(self->hole, HOLE);
    co_end;
}

/* The oldest task whose coroutine waits for a connection. */
static awl_task *oldest_attempt(void)
{
    awl_task *all[16];
    const size_t n = awl_all_tasks(NULL, all, 16);

    for (size_t i = 0; i < n && i < 16; i++) {
        if (strcmp(awl_task_name(all[i]), "connected") == 0)
            return all[i];
    }
    return NULL;
}

/* The failure of one that is not the youngest brings nothing on. */
VIRTUAL_TEST(older_failure_leaves_the_next_its_time, { int port, hole[HOLE], server; awl_task *t; awl_stream *s; })
{
    co_begin;
    f = (fake){ .found = { "127.0.0.2", "127.0.0.2", "127.0.0.3" } };
    use_fake(&f);
    dig("127.0.0.2", &self->port, self->hole);
    self->server = serve("127.0.0.3", &self->port, 5);
    self->t = awl_create_task(awl_open_connection("a.test", self->port, NULL));
    co_await(awl_sleep(300 * AWL_MS));
    CHECK(awl_task_cancel(oldest_attempt()));
    co_let(self->s, awl_wait_for(self->t, 10 * AWL_SECOND));
    CHECK_INT(ms(), 500);
    co_finally;
    awl_stream_close(self->s);
    awl_task_release(self->t);
    close(self->server);
    close_all(self->hole, HOLE);
    co_end;
}

/* The last attempt that is left is cancelled by somebody. */
VIRTUAL_TEST(cancelled_attempt_ends_the_race, { int port, hole[HOLE], rc; awl_task *t; })
{
    co_begin;
    f = (fake){ .found = { "127.0.0.7", "127.0.0.2", "127.0.0.7" } };
    use_fake(&f);
    dig("127.0.0.2", &self->port, self->hole);
    self->t = awl_create_task(awl_open_connection("a.test", self->port, NULL));
    co_await(awl_sleep(300 * AWL_MS));
    CHECK(awl_task_cancel(oldest_attempt()));
    CHECK_FAILS(ECANCELED, awl_wait_for(self->t, 10 * AWL_SECOND));
    CHECK_INT(ms(), 300);
    co_finally;
    awl_task_release(self->t);
    close_all(self->hole, HOLE);
    co_end;
}

/* In every iteration, that included in which it is connected already. */
VIRTUAL_TEST(race_cancelled_in_any_iteration, { int port, server, i, j, rc, cancelled; awl_task *t; awl_stream *s; })
{
    co_begin;
    f = (fake){ .found = { "127.0.0.7", "127.0.0.3", "127.0.0.3" } };
    use_fake(&f);
    self->server = serve("127.0.0.3", &self->port, 50);
    for (self->i = 0; self->i < 24; self->i++) {
        awl_dns_clear_cache(NULL);
        self->t = awl_create_task(awl_open_connection("a.test", self->port, NULL));
        for (self->j = 0; self->j < self->i; self->j++)
            co_await(awl_sleep(0));
        awl_task_cancel(self->t);
        co_try_cancel(self->rc, self->t);
        if (!self->rc) {
            co_result(self->s);
            awl_stream_close(self->s);
        }
        CHECK(self->rc == ECANCELED ? self->cancelled == self->i : !self->rc);
        self->cancelled += self->rc == ECANCELED;
        awl_task_release(self->t);
        self->t = NULL;
    }
    CHECK(self->cancelled > 5 && self->cancelled < 20);
    co_finally;
    awl_task_release(self->t);
    close(self->server);
    co_end;
}

co_def(leaves_a_race, { int port; })
{
    co_begin;
    f = (fake){ .found = { "127.0.0.2", "127.0.0.2", "127.0.0.2" } };
    use_fake(&f);
    CHECK_INT(awl_spawn(awl_open_connection("a.test", self->port, NULL)), 0);
    co_await(awl_sleep(400 * AWL_MS));
    co_end;
}

/* With and without the tasks being cancelled first. */
TEST(race_is_left_at_the_end_of_the_loop)
{
    const awl_loop_options options = { .virtual_time = true, .report = note_report };
    int port = 0, hole[HOLE];
    awl_loop *loop;

    dig("127.0.0.2", &port, hole);
    run_main(co_call(leaves_a_race, .port = port), true);
    loop = awl_loop_open(&options);
    CHECK(loop != NULL);
    CHECK_INT(awl_run_until_complete(loop, co_call(leaves_a_race, .port = port), NULL), 0);
    awl_loop_close(loop); /* which reports the tasks, and closes what they have open */
    CHECK(strstr(reports, "open_connection:") != NULL);
    close_all(hole, HOLE);
}

/* ---- From where -------------------------------------------------------------------------------------------------- */

VIRTUAL_TEST(local_address_can_be_given, {
    int port, server;
    awl_stream *s;
    awl_stream_options options;
    char text[AWL_ADDRESS_TEXT];
})
{
    co_begin;
    self->server = serve("127.0.0.3", &self->port, 5);
    self->options.local_host = "127.0.0.5";
    co_let(self->s, awl_open_connection("127.0.0.3", self->port, &self->options));
    CHECK(strncmp(awl_stream_local(self->s, self->text, sizeof self->text), "127.0.0.5:", 10) == 0);
    co_finally;
    awl_stream_close(self->s);
    close(self->server);
    co_end;
}

/* A port that nobody has, with and without an address; the second connection is from the same port to another side. */
VIRTUAL_TEST(local_port_can_be_given, {
    int ports[2], servers[2], port;
    awl_stream *s[2];
    awl_stream_options options;
    char text[AWL_ADDRESS_TEXT];
})
{
    char expected[AWL_ADDRESS_TEXT];
    int fd;

    co_begin;
    for (int i = 0; i < 2; i++)
        self->servers[i] = serve("127.0.0.3", &self->ports[i], 5);
    fd = serve("0.0.0.0", &self->port, 5);
    close(fd);
    self->options.local_port = self->port;
    co_let(self->s[0], awl_open_connection("127.0.0.3", self->ports[0], &self->options));
    CHECK_INT(atoi(strrchr(awl_stream_local(self->s[0], self->text, sizeof self->text), ':') + 1), self->port);
    self->options.local_host = "127.0.0.1";
    co_let(self->s[1], awl_open_connection("127.0.0.3", self->ports[1], &self->options));
    snprintf(expected, sizeof expected, "127.0.0.1:%d", self->port);
    CHECK_STR(awl_stream_local(self->s[1], self->text, sizeof self->text), expected);
    co_finally;
    for (int i = 0; i < 2; i++)
        awl_stream_close(self->s[i]);
    close_all(self->servers, 2);
    co_end;
}

VIRTUAL_TEST(wrong_local_addresses, { int port, server, rc; awl_stream_options options; })
{
    co_begin;
    self->server = serve("127.0.0.3", &self->port, 5);
    self->options.local_host = "::1"; /* not of that family */
    CHECK_FAILS(EADDRNOTAVAIL, awl_open_connection("127.0.0.3", self->port, &self->options));
    self->options.local_host = "192.0.2.1"; /* not ours */
    CHECK_FAILS(EADDRNOTAVAIL, awl_open_connection("127.0.0.3", self->port, &self->options));
    self->options.local_host = "127.0.0.3"; /* the server's */
    self->options.local_port = self->port;
    CHECK_FAILS(EADDRINUSE, awl_open_connection("127.0.0.3", self->port, &self->options));
    self->options.local_port = 65536;
    CHECK_FAILS(EINVAL, awl_open_connection("127.0.0.3", self->port, &self->options));
    CHECK_STR(awl_error_message(EINVAL), "local_port 65536: there is no such port");
    self->options.local_host = NULL;
    CHECK_FAILS(EINVAL, awl_open_connection("127.0.0.3", self->port, &self->options));
    co_finally;
    close(self->server);
    co_end;
}

/* In a race each attempt binds to an address of its family. */
VIRTUAL_TEST(local_name_has_an_address_for_each_family, {
    int port, server;
    awl_stream *s;
    awl_stream_options options;
    char text[AWL_ADDRESS_TEXT];
})
{
    co_begin;
    f = (fake){ .found = { "::1", "127.0.0.5", "127.0.0.3" } };
    use_fake(&f);
    self->server = serve("127.0.0.3", &self->port, 5);
    self->options.local_host = "me.test";
    co_let(self->s, awl_open_connection("a.test", self->port, &self->options));
    CHECK_STR(f.names, "me.test/* a.test/* ");
    CHECK_STR(peer_of(self->s), "127.0.0.3");
    CHECK(strncmp(awl_stream_local(self->s, self->text, sizeof self->text), "127.0.0.5:", 10) == 0);
    co_finally;
    awl_stream_close(self->s);
    close(self->server);
    co_end;
}
