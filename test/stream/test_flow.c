/* test_flow.c: awl_flow_init and all that is done with a flow. */
#include "rig.h"

static awl_flow flow;
static char trace[256]; /* NAME, or NAME!ERROR, of each drain that has ended */

#define CHECK_TRACE(expected) (CHECK_STR(trace, (expected)), (void)(trace[0] = '\0'))

co_def(drains, { const char *name; int error; })
{
    co_begin;
    co_try_cancel(self->error, awl_flow_drain(&flow));
    snprintf(trace + strlen(trace), sizeof trace - strlen(trace), self->error ? "%s%s!%d" : "%s%s", trace[0] ? " " : "",
             self->name, self->error);
    co_end;
}

static awl_task *begin(const char *name)
{
    awl_task *t = awl_create_task(co_call(drains, .name = name));

    CHECK(t != NULL);
    return t;
}

/* A flow that is paused, and a task that drains it. */
static awl_task *begin_paused(const char *name)
{
    awl_flow_init(&flow, NULL, 10, 5);
    CHECK_INT(awl_flow_written(&flow, 11), 0);
    return begin(name);
}

static int error_of(const char *name)
{
    CHECK_INT(strncmp(trace, name, strlen(name)), 0);
    return atoi(trace + strlen(name) + 1);
}

VIRTUAL_TEST(drain_does_not_suspend_up_to_high, { awl_loop_stats before, after; })
{
    co_begin;
    awl_flow_init(&flow, NULL, 10, 5);
    awl_loop_get_stats(awl_running_loop(), &self->before);
    co_await(awl_flow_drain(&flow));
    CHECK_INT(awl_flow_written(&flow, 10), 0);
    CHECK(!awl_flow_paused(&flow));
    co_await(awl_flow_drain(&flow));
    awl_loop_get_stats(awl_running_loop(), &self->after);
    CHECK_INT(self->after.iterations, self->before.iterations);
    CHECK_INT(awl_flow_unsent(&flow), 10);
    awl_flow_fini(&flow);
    co_end;
}

VIRTUAL_TEST(drains_wait_from_over_high_down_to_low, { awl_task *a, *b; })
{
    co_begin;
    self->a = begin_paused("a");
    self->b = begin("b");
    co_await(awl_sleep(0));
    CHECK_INT(awl_flow_sent(&flow, 5), 0);
    CHECK(awl_flow_paused(&flow));
    co_await(awl_sleep(AWL_SECOND));
    CHECK_TRACE("");
    CHECK_INT(awl_flow_sent(&flow, 1), 0);
    CHECK(!awl_flow_paused(&flow));
    CHECK_INT(awl_flow_written(&flow, 20), 0); /* paused again: they go on all the same */
    co_await(awl_sleep(0));
    CHECK_TRACE("a b");
    CHECK_INT(awl_flow_sent(&flow, 100), 0);
    CHECK_INT(awl_flow_unsent(&flow), 0);
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_flow_fini(&flow);
    co_end;
}

VIRTUAL_TEST(cancelled_drain_leaves_the_others, { awl_task *a, *b, *c; })
{
    co_begin;
    self->a = begin_paused("a");
    self->b = begin("b");
    self->c = begin("c");
    co_await(awl_sleep(0));
    awl_task_cancel(self->b);
    co_await(self->b);
    CHECK_INT(error_of("b"), ECANCELED);
    trace[0] = '\0';
    awl_flow_sent(&flow, 11);
    awl_task_cancel(self->c); /* it is woken, and cancelled before its turn */
    co_await(self->c);
    CHECK_INT(strncmp(trace, "a c!", 4), 0);
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->c);
    awl_flow_fini(&flow);
    co_end;
}

VIRTUAL_TEST(lost_connection_ends_drains_with_its_error, { awl_task *t; int rc; })
{
    co_begin;
    self->t = begin_paused("a");
    co_await(awl_sleep(0));
    CHECK_INT(awl_flow_lost(&flow, 7), 0);
    co_await(self->t);
    CHECK_TRACE("a!7");
    CHECK_FAILS(ECONNRESET, awl_flow_drain(&flow)); /* later ones */
    awl_flow_sent(&flow, 11);
    CHECK_FAILS(ECONNRESET, awl_flow_drain(&flow));
    awl_task_release(self->t);
    awl_flow_fini(&flow);
    co_end;
}

VIRTUAL_TEST(connection_lost_without_an_error, { awl_task *t; int rc; })
{
    co_begin;
    self->t = begin_paused("a");
    co_await(awl_sleep(0));
    CHECK_INT(awl_flow_lost(&flow, 0), 0);
    co_await(self->t);
    CHECK_TRACE("a");
    CHECK_FAILS(ECONNRESET, awl_flow_drain(&flow));
    awl_task_release(self->t);
    awl_flow_fini(&flow);
    co_end;
}

static void lose(void *nothing)
{
    (void)nothing;
    awl_flow_lost(&flow, 7);
}

VIRTUAL_TEST(drain_of_a_closing_flow_lets_the_loss_come_first, { int rc; awl_loop_stats before, after; })
{
    co_begin;
    awl_flow_init(&flow, NULL, 10, 5);
    awl_flow_close(&flow);
    awl_loop_get_stats(awl_running_loop(), &self->before);
    co_await(awl_flow_drain(&flow));
    awl_loop_get_stats(awl_running_loop(), &self->after);
    CHECK_INT(self->after.iterations, self->before.iterations + 1);
    awl_call_soon(NULL, NULL, lose, NULL);
    CHECK_FAILS(ECONNRESET, awl_flow_drain(&flow));
    awl_flow_fini(&flow);
    co_end;
}

VIRTUAL_TEST(drain_of_a_closing_flow_waits_while_that_is_paused, { awl_task *t; })
{
    co_begin;
    self->t = begin_paused("a");
    awl_flow_close(&flow);
    co_await(awl_sleep(AWL_SECOND));
    CHECK_TRACE("");
    awl_flow_sent(&flow, 11);
    co_await(self->t);
    CHECK_TRACE("a");
    awl_task_release(self->t);
    awl_flow_fini(&flow);
    co_end;
}

/* Cancelled in its turn for the others, and with the flow gone in that. */
VIRTUAL_TEST(drain_of_a_closing_flow_is_cancelled, { awl_task *t; })
{
    co_begin;
    self->t = begin_paused("a");
    awl_flow_close(&flow);
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_await(self->t);
    CHECK_INT(error_of("a"), ECANCELED);
    trace[0] = '\0';
    awl_task_release(self->t);
    self->t = begin("b");
    co_await(awl_sleep(0));
    awl_flow_fini(&flow);
    co_await(self->t);
    CHECK_INT(error_of("b"), ECONNABORTED);
    awl_task_release(self->t);
    co_end;
}

VIRTUAL_TEST(fini_ends_drains, { awl_task *a, *b; })
{
    co_begin;
    self->a = begin_paused("a");
    co_await(awl_sleep(0));
    awl_flow_fini(&flow);
    memset(&flow, 0xA5, sizeof flow); /* the memory is the caller's */
    co_await(self->a);
    CHECK_INT(error_of("a"), ECONNABORTED);
    trace[0] = '\0';
    self->b = begin_paused("b");
    co_await(awl_sleep(0));
    awl_task_cancel(self->b);
    awl_flow_fini(&flow);
    memset(&flow, 0xA5, sizeof flow);
    co_await(self->b);
    CHECK_INT(error_of("b"), ECANCELED);
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

VIRTUAL_TEST(wrong_arguments, { int rc; awl_flow zero; })
{
    co_begin;
    awl_flow_fini(NULL);
    awl_flow_fini(&self->zero);
    awl_flow_close(NULL);
    CHECK_INT(awl_flow_written(NULL, 1), EINVAL);
    CHECK_INT(awl_flow_written(&self->zero, 1), EINVAL);
    CHECK_INT(awl_flow_sent(NULL, 1), EINVAL);
    CHECK_INT(awl_flow_sent(&self->zero, 1), EINVAL);
    CHECK_INT(awl_flow_lost(NULL, 1), EINVAL);
    CHECK_INT(awl_flow_lost(&self->zero, 1), EINVAL);
    CHECK(!awl_flow_paused(NULL));
    CHECK_INT(awl_flow_unsent(NULL), 0);
    CHECK_FAILS(EINVAL, awl_flow_drain(NULL));
    CHECK_FAILS(EINVAL, awl_flow_drain(&self->zero));
    awl_flow_init(&flow, NULL, 10, 20); /* low is no more than high */
    CHECK_INT(awl_flow_lost(&flow, -1), EINVAL);
    CHECK_INT(awl_flow_lost(&flow, 32768), EINVAL);
    CHECK_INT(awl_flow_written(&flow, SIZE_MAX), 0);
    CHECK_INT(awl_flow_written(&flow, 1), EOVERFLOW);
    CHECK_INT(awl_flow_sent(&flow, SIZE_MAX - 11), 0);
    CHECK(awl_flow_paused(&flow));
    CHECK_INT(awl_flow_sent(&flow, 1), 0);
    CHECK(!awl_flow_paused(&flow));
    awl_flow_fini(&flow);
    co_end;
}

co_def(drains_wrongly, { int rc; })
{
    co_begin;
    CHECK_FAILS(AWL_EOTHERLOOP, awl_flow_drain(&flow));
    co_end;
}

TEST(flow_is_of_one_loop)
{
    const awl_loop_options options = { .virtual_time = true, .report = note_report };
    awl_loop *loop = awl_loop_open(&options);

    CHECK(loop != NULL);
    awl_flow_init(&flow, loop, 1, 0);
    CHECK_INT(awl_run_with(co_call(drains_wrongly), &options, NULL), 0);
    CHECK_INT(awl_run_until_complete(loop, co_call(drains, .name = "a"), NULL), 0);
    CHECK_TRACE("a");
    awl_flow_fini(&flow);
    awl_loop_close(loop);
}

co_def(nine, {})
{
    co_begin;
    co_return(9);
    co_end;
}

/* That of the await before was still there. */
VIRTUAL_TEST(drain_has_no_result, { int value; })
{
    co_begin;
    awl_flow_init(&flow, NULL, 10, 5);
    self->value = -1;
    co_await(co_call(nine));
    co_let(self->value, awl_flow_drain(&flow));
    CHECK_INT(self->value, 0);
    co_finally;
    awl_flow_fini(&flow);
    co_end;
}
