/* test_disconnect.c: clients that go away, clients that are too many, and what each takes of memory. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>

#include "site_rig.h"

/* A client over a real socket: the peer's end of a pair, of which the server has the other. */
#define PAIR_TEST(name, ...)              \
    VIRTUAL_TEST(name, {                  \
        awl_http_app *app;                \
        awl_stream *s;                    \
        awl_task *server;                 \
        int rc, peer;                     \
        __extension__ struct __VA_ARGS__; \
    })

#define pair_begins(handler, ...)                                                                                      \
    do {                                                                                                               \
        trace[0] = '\0';                                                                                               \
        self->app = app_of(handler, &(awl_http_app_options){ __VA_ARGS__ });                                           \
        self->s = open_pair(&self->peer, NULL);                                                                        \
        self->server = awl_create_task(awl_http_serve_stream(self->app, self->s));                                     \
        CHECK(self->server != NULL);                                                                                   \
    } while (0)

#define pair_ends()                                                                                                    \
    do {                                                                                                               \
        if (self->peer >= 0)                                                                                           \
            close(self->peer);                                                                                         \
        awl_task_cancel(self->server);                                                                                 \
        co_try_cancel(self->rc, self->server);                                                                         \
        awl_task_release(self->server);                                                                                \
        awl_stream_close(self->s);                                                                                     \
        awl_http_app_release(self->app);                                                                               \
    } while (0)

#define client_goes()                                                                                                  \
    do {                                                                                                               \
        close(self->peer);                                                                                             \
        self->peer = -1;                                                                                               \
    } while (0)

static char trace[256];

static void say(const char *what) { strcat(trace, what); }

#define CHECK_SAID(expected) (CHECK_STR(trace, (expected)), (void)(trace[0] = '\0'))

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* ---- Clients that go --------------------------------------------------------------------------------------------- */

/* What goes nowhere finds no end: of a HEAD, whose body is not sent, that is looked for. */
HANDLER(writes_for_ever, {})
{
    co_begin;
    CHECK_INT(awl_respond_begin(self->request, 200, NULL, -1), 0);
    do {
        co_await(awl_sleep(1 * AWL_SECOND));
        co_try(self->rc, awl_respond_write(self->request, "a", 1));
    } while (!self->rc);
    CHECK_INT(self->rc, EPIPE);
    say("ended");
    co_end;
}

PAIR_TEST(a_body_that_goes_nowhere_ends_with_its_client, {})
{
    co_begin;
    pair_begins(on_writes_for_ever, .server = NULL);
    CHECK(write(self->peer, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 28) == 28);
    co_await(awl_sleep(10 * AWL_SECOND));
    CHECK_SAID("");
    client_goes();
    co_await(awl_sleep(2 * AWL_SECOND));
    CHECK_SAID("ended");
    pair_ends();
    co_end;
}

HANDLER(sleeps, {})
{
    co_begin;
    say("begins ");
    co_await(awl_sleep(10 * AWL_SECOND));
    say("slept ");
    awl_respond_text(self->request, 200, NULL, "slept");
    co_finally;
    say(co_failing == ECANCELED ? "cancelled" : "ended");
    co_end;
}

PAIR_TEST(a_handler_whose_client_goes_is_cancelled_if_that_is_wanted, {})
{
    co_begin;
    pair_begins(on_sleeps, .cancel_on_disconnect = true);
    put(self->peer, REQUEST);
    co_await(awl_sleep(AWL_SECOND));
    client_goes();
    co_await(awl_sleep(AWL_SECOND));
    CHECK_SAID("begins cancelled");
    CHECK(awl_task_done(self->server));
    pair_ends();
    pair_begins(on_sleeps, .cancel_on_disconnect = false);
    put(self->peer, REQUEST);
    co_await(awl_sleep(AWL_SECOND));
    client_goes();
    co_await(awl_sleep(10 * AWL_SECOND));
    CHECK_SAID("begins slept ended");
    pair_ends();
    co_end;
}

HANDLER(is_slow_with_its_body, {})
{
    co_begin;
    awl_respond_begin(self->request, 200, NULL, 100);
    co_await(awl_respond_write(self->request, "a", 1));
    co_await(awl_sleep(10 * AWL_SECOND));
    co_finally;
    say(co_failing == ECANCELED ? "cancelled" : "ended");
    co_end;
}

PAIR_TEST(a_body_that_its_client_does_not_wait_for_is_no_mistake, {})
{
    co_begin;
    pair_begins(on_is_slow_with_its_body, .cancel_on_disconnect = true);
    put(self->peer, REQUEST);
    co_await(awl_sleep(AWL_SECOND));
    client_goes();
    co_await(awl_sleep(AWL_SECOND));
    CHECK_SAID("cancelled");
    CHECK_REPORTS("");
    pair_ends();
    co_end;
}

/* A request that waits behind the first one does not hide that the client has gone. */
PAIR_TEST(what_came_before_the_end_does_not_hide_it, {})
{
    co_begin;
    pair_begins(on_sleeps, .cancel_on_disconnect = true);
    put(self->peer, REQUEST REQUEST);
    co_await(awl_sleep(AWL_SECOND));
    shutdown(self->peer, SHUT_WR);
    co_await(awl_sleep(AWL_SECOND));
    CHECK_SAID("begins cancelled");
    pair_ends();
    co_end;
}

PAIR_TEST(a_client_that_stays_gets_its_answers, {})
{
    co_begin;
    pair_begins(on_sleeps, .cancel_on_disconnect = true);
    put(self->peer, REQUEST REQUEST);
    co_await(awl_sleep(21 * AWL_SECOND));
    CHECK_SAID("begins slept endedbegins slept ended");
    CHECK(strstr(got(self->peer), "\r\n\r\nsleptHTTP/1.1 200 OK\r\n"));
    pair_ends();
    co_end;
}

HANDLER(fails, {})
{
    co_begin;
    say("fails");
    co_raise(EIO);
    co_end;
}

PAIR_TEST(an_error_is_still_one, {})
{
    co_begin;
    pair_begins(on_fails, .cancel_on_disconnect = true);
    put(self->peer, REQUEST);
    co_await(awl_sleep(AWL_SECOND));
    CHECK(strncmp(got(self->peer), "HTTP/1.1 500 ", 13) == 0);
    CHECK_SAID("fails");
    CHECK_REPORTS("/:5");
    pair_ends();
    co_end;
}

/* Waits for the end of its client, for ten seconds. */
HANDLER(awaits_end, {})
{
    co_begin;
    co_try(self->rc, awl_wait_for(awl_request_disconnected(self->request), 10 * AWL_SECOND));
    say(self->rc ? "stayed" : "gone");
    CHECK_FAILS(EINVAL, awl_request_disconnected(NULL));
    co_end;
}

PAIR_TEST(a_handler_can_wait_for_the_end_of_its_client, {})
{
    static const struct linger reset = { 1, 0 };

    co_begin;
    pair_begins(on_awaits_end, .server = "");
    put(self->peer, REQUEST);
    co_await(awl_sleep(AWL_SECOND));
    CHECK_SAID("");
    setsockopt(self->peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client_goes();
    co_await(awl_sleep(AWL_SECOND));
    CHECK_SAID("gone");
    pair_ends();
    CHECK_REPORTS("");
    co_end;
}

/* ---- Clients that are too many ----------------------------------------------------------------------------------- */

/* A blocking client of a server on loopback. */
static int call(int port)
{
    const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    CHECK_INT(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    CHECK_INT(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

HANDLER(waits, {})
{
    co_begin;
    if (strcmp(awl_request_path(self->request), "/wait") == 0)
        co_await(awl_sleep(AWL_MINUTE));
    awl_respond_text(self->request, 200, NULL, "ok");
    co_end;
}

/* So that what the kernel carries arrives: in virtual time nothing takes any. */
co_def(turns, { int n; })
{
    co_begin;
    for (; self->n < 200; self->n++)
        co_await(awl_sleep(AWL_US));
    co_end;
}

#define LIMIT_TEST(name, ...)             \
    VIRTUAL_TEST(name, {                  \
        awl_http_app *app;                \
        awl_server *server;               \
        int port, rc, i, fd[6];           \
        __extension__ struct __VA_ARGS__; \
    })

#define limit_begins(n)                                                                                                \
    do {                                                                                                               \
        self->app = app_of(on_waits, &(awl_http_app_options){ .max_connections = (n) });                               \
        co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));                                         \
        self->port = awl_server_port(self->server);                                                                    \
    } while (0)

#define limit_ends()                                                                                                   \
    do {                                                                                                               \
        awl_server_cancel_clients(self->server);                                                                       \
        co_await(awl_server_wait_closed(self->server));                                                                \
        awl_server_close(self->server);                                                                                \
        awl_http_app_release(self->app);                                                                               \
    } while (0)

LIMIT_TEST(the_oldest_idle_connection_makes_room, {})
{
    co_begin;
    limit_begins(2);
    for (self->i = 0; self->i < 2; self->i++) {
        self->fd[self->i] = call(self->port);
        put(self->fd[self->i], REQUEST);
        co_await(co_call(turns));
        CHECK(strncmp(got(self->fd[self->i]), "HTTP/1.1 200 ", 13) == 0);
    }
    put(self->fd[0], REQUEST); /* now the second one is the oldest */
    co_await(co_call(turns));
    CHECK(strncmp(got(self->fd[0]), "HTTP/1.1 200 ", 13) == 0);
    self->fd[2] = call(self->port);
    put(self->fd[2], REQUEST);
    co_await(co_call(turns));
    CHECK(strncmp(got(self->fd[2]), "HTTP/1.1 200 ", 13) == 0);
    CHECK_STR(got(self->fd[1]), "END");
    CHECK_STR(got(self->fd[0]), "");
    for (self->i = 0; self->i < 3; self->i++)
        close(self->fd[self->i]);
    limit_ends();
    co_end;
}

LIMIT_TEST(an_unfinished_head_is_no_better_than_none, {})
{
    static const char *const first[] = { "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost", "", "", REQUEST };

    co_begin;
    limit_begins(3);
    for (self->i = 0; self->i < 5; self->i++) { /* the fourth and the fifth take the places of the second and the third */
        self->fd[self->i] = call(self->port);
        put(self->fd[self->i], first[self->i]);
        co_await(co_call(turns));
        if (self->i == 2)
            put(self->fd[1], ": a\r\n"); /* that it goes on makes it no younger */
        co_await(co_call(turns));
    }
    CHECK(strncmp(got(self->fd[4]), "HTTP/1.1 200 ", 13) == 0);
    CHECK(strncmp(got(self->fd[1]), "HTTP/1.1 503 ", 13) == 0);
    CHECK_STR(got(self->fd[2]), "END");
    CHECK_STR(got(self->fd[0]), "");
    put(self->fd[3], REQUEST);
    co_await(co_call(turns));
    CHECK(strncmp(got(self->fd[3]), "HTTP/1.1 200 ", 13) == 0);
    for (self->i = 0; self->i < 5; self->i++)
        close(self->fd[self->i]);
    limit_ends();
    co_end;
}

LIMIT_TEST(who_comes_when_all_are_busy_is_asked_to_come_again, {})
{
    const char *answer;

    co_begin;
    limit_begins(2);
    for (self->i = 0; self->i < 2; self->i++) {
        self->fd[self->i] = call(self->port);
        put(self->fd[self->i], "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        co_await(co_call(turns));
    }
    self->fd[2] = call(self->port);
    put(self->fd[2], REQUEST);
    co_await(co_call(turns));
    answer = got(self->fd[2]);
    CHECK(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
    CHECK(strstr(answer, "\r\nRetry-After: 5\r\n"));
    CHECK_STR(strstr(answer, "\r\n\r\n"), "\r\n\r\n503 Service Unavailable\n");
    co_await(co_call(turns));
    CHECK_STR(got(self->fd[2]), "END");

    /* When the others have been served there is room again. */
    co_await(awl_sleep(AWL_MINUTE));
    self->fd[3] = call(self->port);
    put(self->fd[3], REQUEST);
    co_await(co_call(turns));
    CHECK(strncmp(got(self->fd[3]), "HTTP/1.1 200 ", 13) == 0);
    for (self->i = 0; self->i < 4; self->i++)
        close(self->fd[self->i]);
    limit_ends();
    co_end;
}

/* A connection that has asked, and is idle now. */
#define one_more(i)                                                                                                    \
    do {                                                                                                               \
        self->fd[i] = call(self->port);                                                                                \
        put(self->fd[i], REQUEST);                                                                                     \
        co_await(co_call(turns));                                                                                      \
        CHECK(strncmp(got(self->fd[i]), "HTTP/1.1 200 ", 13) == 0);                                                    \
    } while (0)

LIMIT_TEST(idle_connections_are_kept_for_less_time_when_there_are_many, {})
{
    co_begin;
    limit_begins(4);
    for (self->i = 0; self->i < 4; self->i++)
        one_more(self->i);
    co_await(awl_sleep(4900 * AWL_MS));
    CHECK_STR(got(self->fd[3]), ""); /* the one with which they were many */
    co_await(awl_sleep(200 * AWL_MS));
    CHECK_STR(got(self->fd[3]), "END");
    CHECK_STR(got(self->fd[2]), "");
    close(self->fd[3]);

    /* Three are not many: with the next one again they are. */
    put(self->fd[2], REQUEST);
    co_await(co_call(turns));
    CHECK(strncmp(got(self->fd[2]), "HTTP/1.1 200 ", 13) == 0);
    one_more(3);
    co_await(awl_sleep(6 * AWL_SECOND));
    CHECK_STR(got(self->fd[3]), "END");
    for (self->i = 0; self->i < 3; self->i++)
        CHECK_STR(got(self->fd[self->i]), "");
    co_await(awl_sleep(70 * AWL_SECOND));
    for (self->i = 0; self->i < 3; self->i++)
        CHECK_STR(got(self->fd[self->i]), "END");
    for (self->i = 0; self->i < 4; self->i++)
        close(self->fd[self->i]);
    limit_ends();
    co_end;
}

LIMIT_TEST(who_asks_on_among_many_stays, {})
{
    co_begin;
    limit_begins(4);
    for (self->i = 0; self->i < 4; self->i++)
        one_more(self->i);
    for (self->i = 0; self->i < 10; self->i++) {
        co_await(awl_sleep(4 * AWL_SECOND));
        put(self->fd[3], REQUEST);
        co_await(co_call(turns));
        CHECK(strncmp(got(self->fd[3]), "HTTP/1.1 200 ", 13) == 0);
    }
    for (self->i = 0; self->i < 4; self->i++)
        close(self->fd[self->i]);
    limit_ends();
    co_end;
}

/* A time that is shorter than that under pressure stays as it is. */
LIMIT_TEST(pressure_makes_no_time_longer, {})
{
    co_begin;
    self->app = app_of(on_waits, &(awl_http_app_options){ .max_connections = 4, .idle_timeout = 2 * AWL_SECOND });
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    self->port = awl_server_port(self->server);
    for (self->i = 0; self->i < 4; self->i++)
        one_more(self->i);
    co_await(awl_sleep(2100 * AWL_MS));
    for (self->i = 0; self->i < 4; self->i++) {
        CHECK_STR(got(self->fd[self->i]), "END");
        close(self->fd[self->i]);
    }
    limit_ends();
    co_end;
}

/* Twice as many come as there is room for, and each gets an answer: those of before, idle, have gone. */
LIMIT_TEST(a_limit_is_kept_whoever_comes, { int more[12]; })
{
    co_begin;
    limit_begins(6);
    for (self->i = 0; self->i < 12; self->i++) {
        one_more(self->i % 6);
        self->more[self->i] = self->fd[self->i % 6];
        CHECK(awl_server_clients(self->server) <= 6);
    }
    for (self->i = 0; self->i < 12; self->i++) {
        CHECK_STR(got(self->more[self->i]), self->i < 6 ? "END" : "");
        close(self->more[self->i]);
    }
    limit_ends();
    co_end;
}

LIMIT_TEST(a_request_that_has_arrived_when_the_server_closes_is_answered, {})
{
    const char *answer;

    co_begin;
    limit_begins(10);
    for (self->i = 0; self->i < 2; self->i++) {
        self->fd[self->i] = call(self->port);
        put(self->fd[self->i], REQUEST);
        co_await(co_call(turns));
        CHECK(strncmp(got(self->fd[self->i]), "HTTP/1.1 200 ", 13) == 0);
    }
    put(self->fd[0], REQUEST); /* the loop has not looked, and learns of the end first */
    co_await(awl_server_wait_closed(self->server));
    answer = got(self->fd[0]);
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    CHECK(strstr(answer, "\r\nConnection: close\r\n"));
    CHECK_STR(got(self->fd[0]), "END");
    CHECK_STR(got(self->fd[1]), "END");
    for (self->i = 0; self->i < 2; self->i++)
        close(self->fd[self->i]);
    limit_ends();
    co_end;
}

/* ---- What each takes --------------------------------------------------------------------------------------------- */

enum { MANY = 32, MOST = sizeof(void *) == 8 ? 1280 : 900 };

static size_t used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(NULL, &stats);
    return stats.memory_used;
}

/* One request, which is answered. */
co_def(asks, { int fd; })
{
    co_begin;
    put(self->fd, REQUEST);
    co_await(co_call(turns));
    CHECK(strncmp(got(self->fd), "HTTP/1.1 200 ", 13) == 0);
    co_end;
}

LIMIT_TEST(an_idle_connection_takes_little_memory_and_no_more_after_many_requests, {
    int peers[MANY + 1];
    size_t first, all;
})
{
    co_begin;
    limit_begins(2 * MANY);
    for (self->i = 0; self->i <= MANY; self->i++) {
        self->peers[self->i] = call(self->port);
        co_await(co_call(asks, .fd = self->peers[self->i]));
        if (self->i == 0)
            self->first = used();
    }
    self->all = used();
    CHECK((self->all - self->first) / MANY > 100);
    CHECK((self->all - self->first) / MANY <= MOST);
    for (self->i = 0; self->i < 2 * MANY; self->i++)
        co_await(co_call(asks, .fd = self->peers[self->i % MANY]));
    CHECK_INT(used(), self->all);
    for (self->i = 0; self->i <= MANY; self->i++)
        close(self->peers[self->i]);
    limit_ends();
    co_end;
}
