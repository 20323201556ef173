/* test_datagram.c: awl_datagram_receive, awl_datagram_receive_many, and round trips. */
#define _GNU_SOURCE
#include "datagram_rig.h"

/* ---- Round trips ------------------------------------------------------------------------------------------------- */

/* Both sides are open at `host`; the client is connected or not. */
co_def(round_trip, { const char *host; bool connected; awl_datagram *a, *b; awl_address to, from; int n, rc;
                     char buf[64]; })
{
    co_begin;
    co_try(self->rc, awl_open_datagram(self->host, 0, NULL, 0, NULL));
    if (self->rc == EADDRNOTAVAIL || self->rc == EAFNOSUPPORT)
        SKIP("there is no such address here");
    co_result(self->a);
    self->to = at(self->host, awl_datagram_port(self->a));
    if (self->connected)
        OPEN(self->b, NULL, 0, self->host, awl_datagram_port(self->a), NULL);
    else
        OPEN(self->b, self->host, 0, NULL, 0, NULL);
    CHECK_INT(awl_datagram_send(self->b, "hello", 5, self->connected ? NULL : &self->to), 0);
    co_let(self->n, awl_datagram_receive(self->a, self->buf, sizeof self->buf, &self->from));
    CHECK_INT(self->n, 5);
    CHECK_INT(awl_address_port(&self->from), awl_datagram_port(self->b));
    CHECK_INT(awl_datagram_send(self->a, self->buf, (size_t)self->n, &self->from), 0);
    memset(self->buf, 0, sizeof self->buf);
    co_let(self->n, awl_datagram_receive(self->b, self->buf, sizeof self->buf, &self->from));
    CHECK_INT(self->n, 5);
    CHECK_MEM(self->buf, "hello", 5);
    CHECK_MEM(&self->from, &self->to, sizeof self->to);
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

TEST(round_trip_v4) { run_main(co_call(round_trip, .host = HERE), false); }
TEST(round_trip_v4_connected) { run_main(co_call(round_trip, .host = HERE, .connected = true), false); }
TEST(round_trip_v6) { run_main(co_call(round_trip, .host = "::1"), false); }
TEST(round_trip_v6_connected) { run_main(co_call(round_trip, .host = "::1", .connected = true), false); }

/* Open everywhere, IPv4 addresses are still IPv4 addresses, and can be sent to. */
STREAM_TEST(everywhere_speaks_both, { awl_datagram *d; int peer, port, n; awl_address from, expected;
                                      char buf[8]; })
{
    co_begin;
    OPEN(self->d, NULL, 0, NULL, 0, NULL);
    self->peer = open_raw(AF_INET, &self->port);
    put_to(self->peer, "four", awl_datagram_port(self->d));
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
    CHECK_INT(self->n, 4);
    self->expected = at(HERE, self->port);
    CHECK_MEM(&self->from, &self->expected, sizeof self->from);
    CHECK_INT(awl_datagram_send(self->d, "back", 4, &self->from), 0);
    CHECK_STR(next_of(self->peer), "back");
    close(self->peer);

    /* And IPv6, where there is some. */
    self->peer = open_raw(AF_INET6, &self->port);
    self->expected = at("::1", self->port);
    self->from = at("::1", awl_datagram_port(self->d));
    CHECK_INT(sendto(self->peer, "six", 3, 0, &self->from.of.any, sizeof self->from.of.v6), 3);
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
    CHECK_INT(self->n, 3);
    CHECK_MEM(&self->from, &self->expected, sizeof self->from);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

/* ---- What is received -------------------------------------------------------------------------------------------- */

STREAM_TEST(an_empty_datagram_is_no_end, { awl_datagram *d; int peer, port, n; awl_address from; char buf[8]; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    self->peer = open_raw(AF_INET, &self->port);
    put_to(self->peer, "", awl_datagram_port(self->d));
    put_to(self->peer, "x", awl_datagram_port(self->d));
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
    CHECK_INT(self->n, 0);
    CHECK_INT(awl_address_port(&self->from), self->port);
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, NULL));
    CHECK_INT(self->n, 1);
    CHECK_INT(awl_datagram_send(self->d, NULL, 0, &self->from), 0);
    CHECK_STR(next_of(self->peer), "");
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(what_is_too_long_is_told, { awl_datagram *d; int peer, port, n, rc; awl_address from; char buf[8]; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    self->peer = open_raw(AF_INET, &self->port);
    put_to(self->peer, "12345678", awl_datagram_port(self->d));
    put_to(self->peer, "123456789", awl_datagram_port(self->d));
    put_to(self->peer, "next", awl_datagram_port(self->d));
    co_let(self->n, awl_datagram_receive(self->d, self->buf, 8, NULL));
    CHECK_INT(self->n, 8);
    memset(self->buf, 0, 8);
    CHECK_FAILS(AWL_ELIMIT, awl_datagram_receive(self->d, self->buf, 8, &self->from));
    CHECK_MEM(self->buf, "12345678", 8);
    CHECK_INT(awl_address_port(&self->from), self->port);
    co_let(self->n, awl_datagram_receive(self->d, self->buf, 8, NULL));
    CHECK_INT(self->n, 4);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(the_longest_datagram_arrives, { awl_datagram *a, *b; int n; })
{
    enum { LONGEST = 65507 }; /* of IPv4 */
    static char out[LONGEST + 1], in[65527];

    co_begin;
    OPEN(self->a, HERE, 0, NULL, 0, NULL);
    OPEN(self->b, NULL, 0, HERE, awl_datagram_port(self->a), NULL);
    for (int i = 0; i < LONGEST; i++)
        out[i] = (char)(i * 7);
    CHECK_INT(awl_datagram_send(self->b, out, LONGEST + 1, NULL), EMSGSIZE);
    CHECK_INT(awl_datagram_send(self->b, out, LONGEST, NULL), 0);
    co_let(self->n, awl_datagram_receive(self->a, in, sizeof in, NULL));
    CHECK_INT(self->n, LONGEST);
    CHECK_MEM(in, out, LONGEST);
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

STREAM_TEST(order_is_kept_over_many_turns, { awl_datagram *a, *b; int i, n; char buf[16]; })
{
    char text[16];

    co_begin;
    OPEN(self->a, HERE, 0, NULL, 0, NULL);
    OPEN(self->b, NULL, 0, HERE, awl_datagram_port(self->a), NULL);
    for (self->i = 0; self->i < 100; self->i++) {
        snprintf(text, sizeof text, "%d", self->i);
        CHECK_INT(awl_datagram_send(self->b, text, strlen(text) + 1, NULL), 0);
    }
    for (self->i = 0; self->i < 100; self->i++) {
        co_let(self->n, awl_datagram_receive(self->a, self->buf, sizeof self->buf, NULL));
        CHECK_INT(atoi(self->buf), self->i);
    }
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

co_def(counts, { int *turns; })
{
    co_begin;
    for (;;) {
        ++*self->turns;
        co_await(awl_sleep(0));
    }
    co_end;
}

STREAM_TEST(a_receiver_leaves_others_their_turns, { awl_datagram *a, *b; int i, turns, rc; awl_task *t; char buf[4]; })
{
    co_begin;
    OPEN(self->a, HERE, 0, NULL, 0, NULL);
    OPEN(self->b, NULL, 0, HERE, awl_datagram_port(self->a), NULL);
    for (self->i = 0; self->i < 100; self->i++)
        CHECK_INT(awl_datagram_send(self->b, "x", 1, NULL), 0);
    self->t = start(co_call(counts, .turns = &self->turns));
    for (self->i = 0; self->i < 100; self->i++)
        co_await(awl_datagram_receive(self->a, self->buf, sizeof self->buf, NULL));
    CHECK(self->turns >= 2);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    awl_task_release(self->t);
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

/* ---- Many at once ------------------------------------------------------------------------------------------------ */

STREAM_TEST(many_are_received_at_once, { awl_datagram *d; int peer, port, n; awl_packet p[8]; char buf[8][4]; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    self->peer = open_raw(AF_INET, &self->port);
    put_to(self->peer, "a", awl_datagram_port(self->d));
    put_to(self->peer, "", awl_datagram_port(self->d));
    put_to(self->peer, "long one", awl_datagram_port(self->d));
    put_to(self->peer, "d", awl_datagram_port(self->d));
    for (int i = 0; i < 8; i++)
        self->p[i] = (awl_packet){ .data = self->buf[i], .cap = sizeof self->buf[i] };
    co_let(self->n, awl_datagram_receive_many(self->d, self->p, 3));
    CHECK_INT(self->n, 3);
    CHECK_INT(self->p[0].len, 1);
    CHECK_INT(self->p[0].error, 0);
    CHECK_INT(self->p[1].len, 0);
    CHECK_INT(self->p[1].error, 0);
    CHECK_INT(self->p[2].error, AWL_ELIMIT);
    CHECK_INT(self->p[2].len, 4);
    CHECK_MEM(self->buf[2], "long", 4);
    for (int i = 0; i < 3; i++)
        CHECK_INT(awl_address_port(&self->p[i].address), self->port);

    /* What is left, alone; and one that comes when all had been taken. */
    co_let(self->n, awl_datagram_receive_many(self->d, self->p, 8));
    CHECK_INT(self->n, 1);
    CHECK_MEM(self->buf[0], "d", 1);
    put_to(self->peer, "e", awl_datagram_port(self->d));
    co_let(self->n, awl_datagram_receive_many(self->d, self->p, 8));
    CHECK_INT(self->n, 1);
    CHECK_MEM(self->buf[0], "e", 1);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(many_received_are_sent_back_as_they_are, { awl_datagram *d; int peer, port, n; awl_packet p[4];
                                                       char buf[4][8]; })
{
    co_begin;
    OPEN(self->d, NULL, 0, NULL, 0, NULL); /* IPv4 within IPv6, to and fro */
    self->peer = open_raw(AF_INET, &self->port);
    put_to(self->peer, "a", awl_datagram_port(self->d));
    put_to(self->peer, "bb", awl_datagram_port(self->d));
    for (int i = 0; i < 4; i++)
        self->p[i] = (awl_packet){ .data = self->buf[i], .cap = sizeof self->buf[i] };
    co_let(self->n, awl_datagram_receive_many(self->d, self->p, 4));
    CHECK_INT(self->n, 2);
    CHECK_INT(awl_datagram_send_many(self->d, self->p, 2), 0);
    CHECK_STR(next_of(self->peer), "a");
    CHECK_STR(next_of(self->peer), "bb");
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(more_than_a_batch_comes_in_several, { awl_datagram *a, *b; int n, all; awl_packet p[40]; char buf[40]; })
{
    co_begin;
    OPEN(self->a, HERE, 0, NULL, 0, NULL);
    OPEN(self->b, NULL, 0, HERE, awl_datagram_port(self->a), NULL);
    for (int i = 0; i < 40; i++)
        self->p[i] = (awl_packet){ .data = &self->buf[i], .cap = 1, .len = 1 };
    for (int i = 0; i < 40; i++)
        self->buf[i] = (char)i;
    CHECK_INT(awl_datagram_send_many(self->b, self->p, 40), 0);
    memset(self->buf, 0, sizeof self->buf);
    while (self->all < 40) {
        co_let(self->n, awl_datagram_receive_many(self->a, self->p + self->all, (size_t)(40 - self->all)));
        CHECK(self->n <= 32);
        self->all += self->n;
    }
    for (int i = 0; i < 40; i++)
        CHECK_INT(self->buf[i], i);
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

/* ---- By chance --------------------------------------------------------------------------------------------------- */

enum { ALL = 20000 };
static uint32_t seed = 1;

static int chance(int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 16) % (uint32_t)n);
}

/* Sends numbers in bursts, one by one or many at once. */
co_def(sends_all, { awl_datagram *d; int i, n; int32_t numbers[40]; awl_packet packets[40]; })
{
    co_begin;
    while (self->i < ALL) {
        for (self->n = chance(40) + 1; self->i + self->n > ALL; self->n--)
            ;
        for (int k = 0; k < self->n; k++) {
            self->numbers[k] = self->i++;
            self->packets[k] = (awl_packet){ .data = &self->numbers[k], .len = sizeof self->numbers[k] };
            if (self->n % 2)
                CHECK_INT(awl_datagram_send(self->d, &self->numbers[k], sizeof self->numbers[k], NULL), 0);
        }
        if (self->n % 2 == 0)
            CHECK_INT(awl_datagram_send_many(self->d, self->packets, (size_t)self->n), 0);
        co_await(awl_datagram_drain(self->d));
        if (chance(2))
            co_await(awl_sleep(chance(2) * AWL_US));
    }
    co_end;
}

/* None is overlooked, however it is received. */
STREAM_TEST(all_arrive_whatever_the_calls, { awl_datagram *a, *b; int i, n; awl_task *t; int32_t numbers[40];
                                             awl_packet packets[40]; })
{
    static const awl_datagram_options options = { .high = 500 };
    int fds[2];

    co_begin;
    CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    self->a = awl_datagram_from_fd(fds[0], &options);
    self->b = awl_datagram_from_fd(fds[1], NULL);
    CHECK(self->a && self->b);
    harness_fail_alloc(0); /* half a conversation would wait for ever */
    self->t = start(co_call(sends_all, .d = self->a));
    for (int k = 0; k < 40; k++)
        self->packets[k] = (awl_packet){ .data = &self->numbers[k], .cap = sizeof self->numbers[k] };
    while (self->i < ALL) {
        if (chance(3)) {
            co_let(self->n, awl_datagram_receive_many(self->b, self->packets, (size_t)chance(40) + 1));
        } else {
            co_await(awl_datagram_receive(self->b, self->numbers, sizeof self->numbers[0], NULL));
            self->n = 1;
        }
        for (int k = 0; k < self->n; k++)
            CHECK_INT(self->numbers[k], self->i++);
    }
    co_await(self->t);
    awl_task_release(self->t);
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* Waits, or comes later: it is told once, and the endpoint goes on. */
co_def(refused, { bool waits; awl_datagram *d; int port, fd, n, rc; awl_task *t; char buf[8]; awl_address from; })
{
    co_begin;
    self->port = free_port();
    OPEN(self->d, NULL, 0, HERE, self->port, NULL);
    if (self->waits) {
        self->t = start(co_call(receives, .d = self->d));
        co_await(awl_sleep(0));
    }
    CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), 0);
    if (self->waits)
        CHECK_FAILS(ECONNREFUSED, self->t);
    else
        CHECK_FAILS(ECONNREFUSED, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
    awl_task_release(self->t);

    /* Somebody is there now. */
    self->from = at(HERE, self->port);
    self->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(self->fd, &self->from.of.any, sizeof self->from.of.v4), 0);
    CHECK_INT(awl_datagram_send(self->d, "y", 1, NULL), 0);
    CHECK_STR(next_of(self->fd), "y");
    put_to(self->fd, "z", awl_datagram_port(self->d));
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, NULL));
    CHECK_INT(self->n, 1);
    awl_datagram_close(self->d);
    close(self->fd);
    co_end;
}

TEST(refusal_is_the_result_of_the_receive_that_waits) { run_main(co_call(refused, .waits = true), false); }
TEST(refusal_is_the_result_of_the_next_receive) { run_main(co_call(refused), false); }

STREAM_TEST(refusal_is_the_result_of_the_next_send, { awl_datagram *d; int port; })
{
    co_begin;
    self->port = free_port();
    OPEN(self->d, NULL, 0, HERE, self->port, NULL);
    CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), 0);
    CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), ECONNREFUSED);
    CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), 0);
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(one_receives_at_a_time, { awl_datagram *d; int peer, n, rc; awl_task *t; awl_packet p; char buf[4]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    self->t = start(co_call(receives, .d = self->d));
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t));
    CHECK_FAILS(EBUSY, awl_datagram_receive(self->d, self->buf, sizeof self->buf, NULL));
    self->p = (awl_packet){ .data = self->buf, .cap = sizeof self->buf };
    CHECK_FAILS(EBUSY, awl_datagram_receive_many(self->d, &self->p, 1));
    put(self->peer, "abc");
    co_let(self->n, self->t);
    CHECK_INT(self->n, 3);
    awl_task_release(self->t);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

co_def(cancelled, { bool many; awl_datagram *d; int peer, n, rc; awl_task *t; char buf[4]; awl_address from; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    self->t = start(self->many ? co_call(receives_many, .d = self->d) : co_call(receives, .d = self->d));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    awl_task_release(self->t);

    /* Also when it was woken before it was cancelled, the datagram is there for the next. */
    self->t = start(self->many ? co_call(receives_many, .d = self->d) : co_call(receives, .d = self->d));
    co_await(awl_sleep(0));
    put(self->peer, "abc");
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
    CHECK_INT(self->n, 3);
    CHECK_INT(self->from.of.any.sa_family, AF_UNSPEC);
    awl_task_release(self->t);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

TEST(a_cancelled_receive_loses_nothing) { run_main(co_call(cancelled), false); }
TEST(a_cancelled_receive_of_many_loses_nothing) { run_main(co_call(cancelled, .many = true), false); }

STREAM_TEST(receive_can_have_a_time_limit, { awl_datagram *d; int peer, rc; char buf[4]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_datagram_receive(self->d, self->buf, 4, NULL), AWL_MS));
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

static char byte;

STREAM_TEST(wrong_arguments_of_receive, { awl_datagram *d; int peer, rc; awl_packet p, two[2]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    self->two[0] = (awl_packet){ .data = &byte, .cap = 1 };
    CHECK_FAILS(EINVAL, awl_datagram_receive_many(self->d, self->two, 2));
    CHECK_FAILS(EINVAL, awl_datagram_receive(NULL, &byte, 1, NULL));
    CHECK_FAILS(EINVAL, awl_datagram_receive(self->d, NULL, 1, NULL));
    CHECK_FAILS(EINVAL, awl_datagram_receive(self->d, &byte, 0, NULL));
    CHECK_FAILS(EINVAL, awl_datagram_receive_many(NULL, &self->p, 1));
    CHECK_FAILS(EINVAL, awl_datagram_receive_many(self->d, NULL, 1));
    CHECK_FAILS(EINVAL, awl_datagram_receive_many(self->d, &self->p, 0));
    CHECK_FAILS(EINVAL, awl_datagram_receive_many(self->d, &self->p, 1));
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

co_def(opens, { awl_datagram *d; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    co_return(self->d);
    co_end;
}

co_def(uses, { awl_datagram *d; int rc; })
{
    co_begin;
    CHECK_FAILS(AWL_EOTHERLOOP, awl_datagram_receive(self->d, &byte, 1, NULL));
    CHECK_FAILS(AWL_EOTHERLOOP, awl_datagram_drain(self->d));
    co_end;
}

TEST(another_loop_cannot_wait_for_it)
{
    awl_loop *mine = awl_loop_open(NULL), *other = awl_loop_open(NULL);
    awl_value d;

    CHECK(mine && other);
    CHECK_INT(awl_run_until_complete(mine, co_call(opens), &d), 0);
    CHECK_INT(awl_run_until_complete(other, co_call(uses, .d = d.p), NULL), 0);
    awl_loop_close(mine);
    awl_loop_close(other);
}
