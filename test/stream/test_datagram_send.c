/* test_datagram_send.c: awl_datagram_send, awl_datagram_send_many, awl_datagram_drain, awl_datagram_unsent. */
#define _GNU_SOURCE
#include "datagram_rig.h"

#include <sys/syscall.h>

#include "../../lib/stream/datagram_priv.h"

/* ---- A kernel that refuses --------------------------------------------------------------------------------------- */

/* The errors of the next calls; 0: the kernel itself is asked, as it is after the last. */
static struct {
    int errors[8];
    int n, calls;
} fake;

#ifdef __GLIBC__
typedef int send_flags;
#else
typedef unsigned send_flags; /* musl */
#endif

int sendmmsg(int fd, struct mmsghdr *heads, unsigned n, send_flags flags)
{
    const int error = fake.calls < fake.n ? fake.errors[fake.calls] : 0;

    fake.calls++;
    if (error) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, heads, n, flags);
}

#define REFUSE(...)                                                                                                    \
    do {                                                                                                               \
        static const int errors_[] = { __VA_ARGS__ };                                                                  \
        memcpy(fake.errors, errors_, sizeof errors_);                                                                  \
        fake.n = sizeof errors_ / sizeof *errors_;                                                                     \
        fake.calls = 0;                                                                                                \
    } while (0)

/* ---- What is unsent ---------------------------------------------------------------------------------------------- */

/* Takes all that comes, which must be the numbers from `*i` on. */
static void take_numbers(int peer, int *i)
{
    const char *text;

    while (strcmp(text = next_of(peer), "-") != 0)
        CHECK_INT(atoi(text), (*i)++);
}

STREAM_TEST(what_the_kernel_does_not_take_is_kept_in_order, { awl_datagram *d; int peer, sent, seen; char text[16]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    fill(self->d, &self->sent);
    snprintf(self->text, sizeof self->text, "%d", self->sent - 1);
    CHECK_INT(awl_datagram_unsent(self->d), 8 + strlen(self->text));
    while (self->sent < 200) {
        snprintf(self->text, sizeof self->text, "%d", self->sent++);
        CHECK_INT(awl_datagram_send(self->d, self->text, strlen(self->text), NULL), 0);
    }
    co_await(awl_datagram_drain(self->d)); /* that is not much */
    while (awl_datagram_unsent(self->d)) {
        take_numbers(self->peer, &self->seen);
        co_await(awl_sleep(AWL_MS / 4));
    }
    take_numbers(self->peer, &self->seen);
    CHECK_INT(self->seen, 200);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(an_empty_datagram_waits_like_any_other, { awl_datagram *d; int peer, sent, seen; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    fill(self->d, &self->sent);
    CHECK_INT(awl_datagram_send(self->d, NULL, 0, NULL), 0);
    while (self->seen < self->sent - 1)
        take_numbers(self->peer, &self->seen);
    while (awl_datagram_unsent(self->d))
        co_await(awl_sleep(AWL_MS / 4));
    CHECK_INT(atoi(next_of(self->peer)), self->seen);
    CHECK_STR(next_of(self->peer), "");
    CHECK_STR(next_of(self->peer), "-");
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

/* The kernel would wake the loop for each datagram that has gone. */
STREAM_TEST(room_is_looked_for_by_who_needs_it, { awl_datagram *d; int peer, sent, seen; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    CHECK_INT(awl_datagram_send(self->d, "0", 1, NULL), 0);
    CHECK(self->d->io.only_reads);
    self->sent = 1;
    fill(self->d, &self->sent);
    CHECK(!self->d->io.only_reads);
    while (awl_datagram_unsent(self->d)) {
        take_numbers(self->peer, &self->seen);
        co_await(awl_sleep(AWL_MS / 4));
    }
    take_numbers(self->peer, &self->seen);
    CHECK_INT(self->seen, self->sent);
    while (!self->d->io.only_reads) { /* until the next time that it was told in vain */
        CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), 0);
        CHECK_STR(next_of(self->peer), "x");
        co_await(awl_sleep(AWL_MS / 4));
    }
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(drain_waits_from_high_to_low, { awl_datagram *d; int peer, sent, seen, rc; awl_task *t[2]; })
{
    static const awl_datagram_options options = { .high = 300, .low = 50 };

    co_begin;
    self->d = open_narrow(&self->peer, &options);
    fill(self->d, &self->sent);
    while (awl_datagram_unsent(self->d) <= 300)
        CHECK_INT(awl_datagram_send(self->d, "1000", 4, NULL), 0);
    for (int i = 0; i < 2; i++)
        self->t[i] = start(co_call(drains, .d = self->d));
    co_await(awl_sleep(AWL_MS));
    CHECK(!awl_task_done(self->t[0]));
    awl_task_cancel(self->t[1]);
    CHECK_FAILS(ECANCELED, self->t[1]);
    while (!awl_task_done(self->t[0])) {
        while (strcmp(next_of(self->peer), "-") != 0)
            self->seen++;
        co_await(awl_sleep(AWL_MS / 4));
    }
    CHECK(awl_datagram_unsent(self->d) <= 50);
    co_await(self->t[0]);
    for (int i = 0; i < 2; i++)
        awl_task_release(self->t[i]);
    awl_datagram_abort(self->d);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(beyond_the_limit_it_is_refused, { awl_datagram *d; int peer, sent; })
{
    static char much[100];
    static const awl_datagram_options options = { .high = 100, .limit = 1000 };

    co_begin;
    self->d = open_narrow(&self->peer, &options);
    fill(self->d, &self->sent);
    while (awl_datagram_unsent(self->d) <= 892)
        CHECK_INT(awl_datagram_send(self->d, much, 100, NULL), 0);
    CHECK_INT(awl_datagram_send(self->d, much, 100, NULL), ENOBUFS);
    CHECK(awl_datagram_unsent(self->d) <= 1000);
    CHECK_INT(awl_datagram_send(self->d, much, 992 - awl_datagram_unsent(self->d), NULL), 0);
    CHECK_INT(awl_datagram_unsent(self->d), 1000);
    CHECK_INT(awl_datagram_send(self->d, NULL, 0, NULL), ENOBUFS);
    awl_datagram_abort(self->d);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(without_memory_it_is_refused, { awl_datagram *d; int peer, sent; size_t unsent; })
{
    static char much[65536]; /* more than the loop's memory has ready */

    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    fill(self->d, &self->sent);
    self->unsent = awl_datagram_unsent(self->d);
    harness_fail_alloc_from(1);
    CHECK_INT(awl_datagram_send(self->d, much, sizeof much, NULL), ENOMEM);
    harness_fail_alloc(0);
    CHECK_INT(awl_datagram_unsent(self->d), self->unsent);
    CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), 0);
    awl_datagram_abort(self->d);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

/* The kernel is out of memory; nothing tells when that has passed. */
STREAM_TEST(without_buffers_it_is_tried_again, { awl_datagram *d; int peer; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    REFUSE(EINTR, ENOBUFS, ENOBUFS);
    CHECK_INT(awl_datagram_send(self->d, "a", 1, NULL), 0);
    CHECK_INT(awl_datagram_send(self->d, "b", 1, NULL), 0);
    CHECK_INT(awl_datagram_unsent(self->d), 18);
    while (awl_datagram_unsent(self->d))
        co_await(awl_sleep(AWL_MS / 4));
    CHECK_INT(fake.calls, 4);
    CHECK_STR(next_of(self->peer), "a");
    CHECK_STR(next_of(self->peer), "b");
    CHECK_INT(awl_datagram_send(self->d, "c", 1, NULL), 0); /* there was no error to be told */
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

/* ---- Errors of what waited --------------------------------------------------------------------------------------- */

STREAM_TEST(a_late_error_of_an_earlier_one_loses_nothing, { awl_datagram *d; int peer, rc; char buf[4]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    REFUSE(ENOBUFS, ECONNREFUSED);
    CHECK_INT(awl_datagram_send(self->d, "a", 1, NULL), 0);
    while (awl_datagram_unsent(self->d))
        co_await(awl_sleep(AWL_MS / 4));
    CHECK_STR(next_of(self->peer), "a");
    CHECK_FAILS(ECONNREFUSED, awl_datagram_receive(self->d, self->buf, 4, NULL));
    CHECK_INT(awl_datagram_send(self->d, "b", 1, NULL), 0);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(what_fails_late_is_told_to_who_receives, { awl_datagram *d; int peer, rc; awl_task *t; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    self->t = start(co_call(receives, .d = self->d));
    co_await(awl_sleep(0));
    REFUSE(ENOBUFS, EMSGSIZE, EMSGSIZE);
    CHECK_INT(awl_datagram_send(self->d, "a", 1, NULL), 0);
    CHECK_INT(awl_datagram_send(self->d, "b", 1, NULL), 0);
    CHECK_FAILS(EMSGSIZE, self->t);
    CHECK_STR(next_of(self->peer), "b");
    CHECK_STR(next_of(self->peer), "-");
    awl_task_release(self->t);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(what_fails_late_is_told_to_who_sends, { awl_datagram *d; int peer; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    REFUSE(ENOBUFS, EHOSTUNREACH, EHOSTUNREACH);
    CHECK_INT(awl_datagram_send(self->d, "a", 1, NULL), 0);
    while (awl_datagram_unsent(self->d))
        co_await(awl_sleep(AWL_MS / 4));
    CHECK_INT(awl_datagram_send(self->d, "b", 1, NULL), EHOSTUNREACH);
    CHECK_INT(awl_datagram_send(self->d, "c", 1, NULL), 0);
    CHECK_STR(next_of(self->peer), "c");
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

/* ---- Many at once ------------------------------------------------------------------------------------------------ */

STREAM_TEST(many_are_sent_in_order, { awl_datagram *d; int peer, port; awl_packet p[20]; char text[20][4]; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    self->peer = open_raw(AF_INET, &self->port);
    for (int i = 0; i < 20; i++) {
        const int len = snprintf(self->text[i], 4, "%d", i);

        self->p[i] = (awl_packet){ .data = self->text[i], .len = (size_t)len, .error = 1,
                                   .address = at(HERE, self->port) };
    }
    CHECK_INT(awl_datagram_send_many(self->d, self->p, 20), 0);
    CHECK_INT(fake.calls, 1);
    for (int i = 0; i < 20; i++) {
        CHECK_STR(next_of(self->peer), self->text[i]);
        CHECK_INT(self->p[i].error, 0);
    }
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(one_that_fails_does_not_stop_the_others, { awl_datagram *d; int peer, port; awl_packet p[3]; })
{
    static char much[65536];

    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    self->peer = open_raw(AF_INET, &self->port);
    for (int i = 0; i < 3; i++)
        self->p[i] = (awl_packet){ .data = i == 1 ? much : "x", .len = i == 1 ? sizeof much : 1,
                                   .address = at(HERE, self->port) };
    CHECK_INT(awl_datagram_send_many(self->d, self->p, 3), EMSGSIZE);
    CHECK_INT(self->p[0].error, 0);
    CHECK_INT(self->p[1].error, EMSGSIZE);
    CHECK_INT(self->p[2].error, 0);
    CHECK_STR(next_of(self->peer), "x");
    CHECK_STR(next_of(self->peer), "x");
    CHECK_STR(next_of(self->peer), "-");
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(of_many_those_that_do_not_fit_are_kept, { awl_datagram *d; int peer, seen; awl_packet p[100];
                                                      char text[100][4]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    for (int i = 0; i < 100; i++)
        self->p[i] = (awl_packet){ .data = self->text[i], .len = (size_t)snprintf(self->text[i], 4, "%d", i) };
    CHECK_INT(awl_datagram_send_many(self->d, self->p, 100), 0);
    CHECK(awl_datagram_unsent(self->d) > 0);
    while (self->seen < 100) {
        take_numbers(self->peer, &self->seen);
        co_await(awl_sleep(AWL_MS / 4));
    }
    CHECK_INT(awl_datagram_unsent(self->d), 0);
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

/* ---- Wrong ------------------------------------------------------------------------------------------------------- */

STREAM_TEST(wrong_arguments_of_send, { awl_datagram *d; int peer, rc; awl_packet p, two[2]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    self->two[1].len = 1; /* without data */
    CHECK_INT(awl_datagram_send_many(self->d, self->two, 2), EINVAL);
    CHECK_INT(awl_datagram_send(NULL, "x", 1, NULL), EINVAL);
    CHECK_INT(awl_datagram_send(self->d, NULL, 1, NULL), EINVAL);
    CHECK_INT(awl_datagram_send_many(NULL, &self->p, 1), EINVAL);
    CHECK_INT(awl_datagram_send_many(self->d, NULL, 1), EINVAL);
    CHECK_INT(awl_datagram_send_many(self->d, NULL, 0), 0);
    CHECK_INT(awl_datagram_unsent(NULL), 0);
    CHECK_FAILS(EINVAL, awl_datagram_drain(NULL));
    CHECK_STR(next_of(self->peer), "-");
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(sending_needs_an_address_that_fits, { awl_datagram *d; awl_address v6; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    self->v6 = at("::1", 9);
    CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), EDESTADDRREQ);
    CHECK_INT(awl_datagram_send(self->d, "x", 1, &self->v6), EAFNOSUPPORT);
    awl_datagram_close(self->d);
    co_end;
}

co_def(broadcasts, { bool allowed; awl_datagram *d; awl_address all; int error; awl_datagram_options options; })
{
    co_begin;
    self->options.broadcast = self->allowed;
    OPEN(self->d, "0.0.0.0", 0, NULL, 0, &self->options);
    self->all = at("127.255.255.255", 9);
    self->error = awl_datagram_send(self->d, "x", 1, &self->all);
    CHECK_INT(self->error, self->allowed ? 0 : EACCES);
    awl_datagram_close(self->d);
    co_end;
}

TEST(broadcasts_go_with_the_option) { run_main(co_call(broadcasts, .allowed = true), false); }
TEST(broadcasts_do_not_go_without_it) { run_main(co_call(broadcasts), false); }
