/* test_delegate.c: co_send, and generators made of others: co_yield_from, co_send_from. */
#include "rig.h"

#include <errno.h>

/* ---- co_send */

co_gen(int, averages, { int sent; int sum, n; })
{
    co_begin;
    for (;;) {
        co_yield(self->n ? self->sum / self->n : 0);
        self->sum += self->sent;
        self->n++;
    }
    co_finally;
    trail_int(self->n);
    co_end;
}

TEST(send_goes_to_the_field_sent)
{
    struct averages it = co_iter(averages);
    int mean;

    CHECK(co_next(&it, &mean));
    CHECK(co_send(&it, 10, &mean));
    CHECK_INT(mean, 10);
    CHECK(co_send(&it, 20, &mean));
    CHECK_INT(mean, 15);
    co_close(averages, &it);
    CHECK_STR(trailed(), "2");
    CHECK(!co_send(&it, 30, &mean));
    CHECK_INT(mean, 15);
}

/* The classic: a consumer that answers, and a producer that drives it. */
co_gen(const char *, consumer, { const char *sent; char answer[32]; })
{
    co_begin;
    for (;;) {
        co_yield(self->answer);
        if (!self->sent)
            co_return(0);
        snprintf(self->answer, sizeof self->answer, "consumed %s", self->sent);
    }
    co_finally;
    trail("closed");
    co_end;
}

TEST(producer_and_consumer)
{
    static const char *const goods[] = { "bread", "milk" };
    struct consumer it = co_iter(consumer);
    const char *answer;

    CHECK(co_next(&it, &answer));
    for (int i = 0; i < 2; i++) {
        CHECK(co_send(&it, goods[i], &answer));
        trail(answer);
    }
    co_close(consumer, &it);
    CHECK_STR(trailed(), "consumed bread consumed milk closed");
}

TEST(consumer_may_end_at_a_send)
{
    struct consumer it = co_iter(consumer);
    const char *answer;

    CHECK(co_next(&it, &answer));
    CHECK(!co_send(&it, NULL, &answer));
    CHECK_STR(trailed(), "closed");
}

/* ---- co_yield_from */

co_gen(int, count, { int from, to, error; })
{
    co_begin;
    for (; self->from < self->to; self->from++)
        co_yield(self->from);
    if (self->error)
        co_raise(self->error);
    co_finally;
    trail("closed");
    co_end;
}

co_gen(int, joins, { struct count part; int error; })
{
    co_begin;
    co_yield(-1);
    self->part = co_iter(count, .from = 1, .to = 3);
    co_yield_from(self->part);
    co_yield(-2);
    self->part = co_iter(count, .from = 7, .to = 9, .error = self->error);
    co_yield_from(self->part);
    co_yield(-3);
    co_finally;
    co_close(count, &self->part);
    trail("end");
    co_end;
}

static int run_joins(struct joins *it, int at_most)
{
    int x;

    while (at_most-- && co_next(it, &x))
        trail_int(x);
    return co_error(it);
}

TEST(yield_from_yields_each_value)
{
    struct joins it = co_iter(joins);

    CHECK_INT(run_joins(&it, -1), 0);
    CHECK_STR(trailed(), "-1 1 2 closed -2 7 8 closed -3 end");
}

TEST(yield_from_passes_an_error_on)
{
    struct joins it = co_iter(joins, .error = ERANGE);

    CHECK_INT(run_joins(&it, -1), ERANGE);
    CHECK_STR(trailed(), "-1 1 2 closed -2 7 8 closed end");
}

TEST(close_inside_yield_from_reaches_the_part_by_finally)
{
    struct joins it = co_iter(joins);

    run_joins(&it, 2);
    CHECK_STR(trailed(), "-1 1");
    co_close(joins, &it);
    CHECK_STR(trailed(), "closed end");
}

co_gen(int, yields_from_ended, { struct count part; })
{
    co_begin;
    self->part = co_iter(count);
    co_yield_from(self->part);
    trail("between");
    co_yield_from(self->part);
    co_yield(5);
    co_end;
}

TEST(yield_from_an_ended_generator_goes_on)
{
    struct yields_from_ended it = co_iter(yields_from_ended);
    int x = 0;

    CHECK(co_next(&it, &x));
    CHECK_INT(x, 5);
    CHECK_STR(trailed(), "closed between");
}

/* Through several levels. */
enum { DEPTH = 3 };
co_gen(int, flat, { struct count digits[DEPTH]; int i; })
{
    co_begin;
    for (; self->i < DEPTH; self->i++) {
        self->digits[self->i] = co_iter(count, .from = self->i * 10, .to = self->i * 10 + 2);
        co_yield_from(self->digits[self->i]);
    }
    co_end;
}

co_gen(int, flatter, { struct flat inner; })
{
    co_begin;
    self->inner = co_iter(flat);
    co_yield_from(self->inner);
    co_end;
}

TEST(yield_from_a_yield_from)
{
    struct flatter it = co_iter(flatter);
    int x;

    while (co_next(&it, &x))
        trail_int(x);
    CHECK_STR(trailed(), "0 1 closed 10 11 closed 20 21 closed");
}

/* ---- co_send_from */

co_gen(int, adds_up, { int sent; int sum; int limit; int error; })
{
    co_begin;
    while (self->sum < self->limit) {
        co_yield(self->sum);
        self->sum += self->sent;
    }
    if (self->error)
        co_raise(self->error);
    co_end;
}

co_gen(int, sends_on, { int sent; struct adds_up inner; int error; })
{
    co_begin;
    self->inner = co_iter(adds_up, .limit = 10, .error = self->error);
    co_send_from(self->inner);
    co_yield(self->inner.sum * 100 + self->sent);
    co_end;
}

TEST(send_from_passes_what_is_sent)
{
    struct sends_on it = co_iter(sends_on);
    int x;

    CHECK(co_next(&it, &x));
    CHECK_INT(x, 0);
    CHECK(co_send(&it, 4, &x));
    CHECK_INT(x, 4);
    CHECK(co_send(&it, 5, &x));
    CHECK_INT(x, 9);
    CHECK(co_send(&it, 6, &x));
    CHECK_INT(x, 1506);
    CHECK(!co_send(&it, 0, &x));
}

TEST(send_from_passes_an_error_on)
{
    struct sends_on it = co_iter(sends_on, .error = EPROTO);
    int x;

    CHECK(co_next(&it, &x));
    CHECK(!co_send(&it, 11, &x));
    CHECK_INT(co_error(&it), EPROTO);
}
