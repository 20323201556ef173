/*
 * test_whims.c: a dialogue in which nothing goes wrong, but nothing is smooth either: bytes come and go in pieces and late,
 * calls are refused for no reason, reads are given up and tried again, and parties are cancelled at every await.
 */
#include "rig.h"

static const size_t splits[] = { 1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 97, 499, 1279, 1281 };
enum { SPLITS = sizeof splits / sizeof *splits };

/* One dialogue as the_affair has it. */
co_def(once, { void (*check)(const affair *x); })
{
    co_begin;
    the_affair.was_over = false;
    co_await(co_call(have_and_forget, .x = &the_affair));
    self->check(&the_affair);
    co_end;
}

/* Both ways in chunks of the i-th and the j-th size, so many milliseconds apart. */
static void split(int i, int j, int ms)
{
    the_affair.plan = (fault_plan){ { { .chunk = splits[i], .delay = ms * AWL_MS },
                                      { .chunk = splits[j], .delay = ms * AWL_MS } } };
    the_affair.cancels = -1;
}

VIRTUAL_TEST(bytes_come_in_chunks_of_every_size, { int i, j; })
{
    co_begin;
    for (self->i = 0; self->i < SPLITS; self->i++) {
        for (self->j = 0; self->j < SPLITS; self->j += SLOW ? 4 : 1) {
            split(self->i, self->j, 0);
            co_await(co_call(once, .check = check_peace));
        }
    }
    co_end;
}

VIRTUAL_TEST(bytes_come_late, { int i, j; })
{
    co_begin;
    for (self->i = 0; self->i < SPLITS; self->i++) {
        for (self->j = 0; self->j < SPLITS; self->j += SLOW ? 4 : 1) {
            split(self->i, self->j, 1 + (self->i + self->j) % 2);
            co_await(co_call(once, .check = check_peace));
        }
    }
    co_end;
}

VIRTUAL_TEST(reads_are_given_up_and_tried_again, { int i, ms; })
{
    co_begin;
    for (self->ms = 2; self->ms < 6; self->ms++) {
        for (self->i = 0; self->i < SPLITS; self->i++) {
            split(self->i, SPLITS - 1 - self->i, 2);
            the_affair.patience = self->ms * AWL_MS;
            co_await(co_call(once, .check = check_peace));
        }
    }
    co_end;
}

/* ---- Transports with habits -------------------------------------------------------------------------------------- */

/* The n-th of 120 sets of habits. */
static wire_habits habit(unsigned n)
{
    static const size_t rooms[] = { 330, 700, 1500, 4000 }, most[] = { 0, 3, 7, 61, 311 };

    return (wire_habits){ .most = most[n % 5], .again = n / 5 % 3 ? 1 + n / 5 % 3 : 0, .late_eof = n / 15 % 2,
                          .room = rooms[n / 30 % 4] };
}

VIRTUAL_TEST(calls_take_little_or_nothing, { unsigned n; int i; })
{
    co_begin;
    for (self->n = 0; self->n < 120; self->n += SLOW ? 7 : 1) {
        for (self->i = 0; self->i < SPLITS; self->i += 5) {
            split(self->i, (self->i + 3) % SPLITS, 0);
            the_affair.habits = habit(self->n);
            co_await(co_call(once, .check = check_peace));
        }
    }
    co_end;
}

/* Faults of a kind, in both directions: at every offset of the first 60 and the last 60, and at some of those within. */
co_def(faults_with_habits, { fault_kind kind; int way; size_t at; unsigned n; void (*check)(const affair *x); })
{
    co_begin;
    for (self->way = 0; self->way < 2; self->way++) {
        for (self->at = 0; self->at <= dialogue_total[self->way]; self->n++) {
            split((int)(4 + self->n % (SPLITS - 4)), (int)(4 + self->n / 7 % (SPLITS - 4)), (int)(self->n % 2));
            the_affair.plan.way[self->way].kind = self->kind;
            the_affair.plan.way[self->way].at = self->at;
            the_affair.habits = habit(self->n);
            co_await(co_call(once, .check = self->check));
            self->at += self->at > 60 && self->at + 60 < dialogue_total[self->way] ? SLOW ? 997 : 127 : 1;
        }
    }
    co_end;
}

static void with_habits(fault_kind kind, void (*check)(const affair *x))
{
    run_main(co_call(faults_with_habits, .kind = kind, .check = check), true);
}

TEST(resets_amid_whims) { with_habits(FAULT_RESET, check_stop); }
TEST(cuts_amid_whims) { with_habits(FAULT_CUT, check_stop); }
TEST(ends_amid_whims) { with_habits(FAULT_END, check_stop); }
TEST(silence_amid_whims) { with_habits(FAULT_SILENCE, check_stop); }
TEST(changed_bits_amid_whims) { with_habits(FAULT_FLIP, check_change); }
TEST(garbage_amid_whims) { with_habits(FAULT_GARBAGE, check_change); }

/* ---- Cancellation ------------------------------------------------------------------------------------------------ */

/* Cancels a party after 1, 2, 3 … iterations, until it ends before. */
co_def(at_every_await, { int side, split; unsigned n; })
{
    co_begin;
    do {
        split(self->split, self->split, 0);
        the_affair.cancels = self->side;
        the_affair.iterations = ++self->n;
        the_affair.habits = habit(self->split < SPLITS - 1 ? self->n : 0);
        co_await(co_call(once, .check = check_cancelled));
        if (SLOW)
            self->n += self->n / 64;
    } while (!the_affair.was_over);
    CHECK(self->n > 100);
    co_end;
}

/* The same while something goes wrong as well. */
co_def(cancelled_amid_faults, { fault_kind kind; int way, side; size_t at; unsigned n; })
{
    static const size_t offsets[] = { 0, 15, 2000 };

    co_begin;
    for (self->way = 0; self->way < 2; self->way++) {
        for (self->side = 0; self->side < 2; self->side++) {
            for (self->at = 0; self->at < 3; self->at++) {
                self->n = 0;
                do {
                    split(SPLITS - 4, SPLITS - 3, 0);
                    the_affair.plan.way[self->way].kind = self->kind;
                    the_affair.plan.way[self->way].at = offsets[self->at];
                    the_affair.cancels = self->side;
                    the_affair.iterations = self->n += SLOW ? 5 : 1;
                    co_await(co_call(once, .check = check_cancelled));
                } while (!the_affair.was_over && self->n < 400); /* in silence nothing happens, at last */
            }
        }
    }
    co_end;
}

static void cancelled_amid(fault_kind kind) { run_main(co_call(cancelled_amid_faults, .kind = kind), true); }

TEST(parties_are_cancelled_amid_resets) { cancelled_amid(FAULT_RESET); }
TEST(parties_are_cancelled_amid_cuts) { cancelled_amid(FAULT_CUT); }
TEST(parties_are_cancelled_amid_ends) { cancelled_amid(FAULT_END); }
TEST(parties_are_cancelled_amid_silence) { cancelled_amid(FAULT_SILENCE); }

TEST(who_asks_is_cancelled_at_every_await)
{
    run_main(co_call(at_every_await, .side = 0, .split = SPLITS - 1), true);
}

TEST(who_answers_is_cancelled_at_every_await)
{
    run_main(co_call(at_every_await, .side = 1, .split = SPLITS - 1), true);
}

TEST(who_asks_is_cancelled_amid_whims)
{
    run_main(co_call(at_every_await, .side = 0, .split = SPLITS - 4), true);
}

TEST(who_answers_is_cancelled_amid_whims)
{
    run_main(co_call(at_every_await, .side = 1, .split = SPLITS - 4), true);
}
