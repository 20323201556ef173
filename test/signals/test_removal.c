/* test_removal.c: signals that come while the last that watches for them is being taken away. */
#define _GNU_SOURCE
#include "rig.h"

/* The linker leads calls of sigaction to here: one that only looks is the moment for a signal. */
int __real_sigaction(int number, const struct sigaction *action, struct sigaction *before);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before);

static int raise_at_look; /* how many signals are to come */

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    const int result = __real_sigaction(number, action, before);

    if (!action && raise_at_look > 0) {
        raise_at_look--;
        raise(number);
    }
    return result;
}

static void count(void *arg) { ++*(int *)arg; }

/* In one thread, which gets the signal itself: whoever it is told to, the removal comes to its end. */
TASK_TEST(one_that_comes_in_the_middle_of_a_removal_holds_nothing_up, { int n; })
{
    co_begin;
    signal(SIGUSR1, count_foreign);
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    raise_at_look = 1;
    CHECK(awl_remove_signal_handler(NULL, SIGUSR1));
    CHECK_INT(raise_at_look, 0);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 0);
    raise(SIGUSR1);
    CHECK(foreign > 0);
    co_end;
}
