/* test_communicate.c: input and outputs of any size, at once. */
#define _GNU_SOURCE
#include "rig.h"

enum { MUCH = 300000 };

static char *make_input(size_t len)
{
    char *data = malloc(len);

    for (size_t i = 0; data && i < len; i++)
        data[i] = (char)('a' + i % 26);
    return data;
}

PROCESS_TEST(more_than_pipes_hold_goes_through, { awl_process *p; char *data; size_t len; int code; })
{
    co_begin;
    self->data = make_input(MUCH);
    if (!self->data)
        co_raise(ENOMEM);
    SH(self->p, "cat", .in = AWL_PIPE, .out = AWL_PIPE, .err = AWL_PIPE);
    co_let(self->code, awl_process_communicate(self->p, self->data, MUCH, 0));
    CHECK_INT(self->code, 0);
    CHECK_INT(strlen(awl_process_output(self->p, &self->len)), MUCH);
    CHECK_INT(self->len, MUCH);
    CHECK_MEM(awl_process_output(self->p, NULL), self->data, MUCH);
    CHECK_STR(awl_process_errors(self->p, &self->len), "");
    CHECK_INT(self->len, 0);
    co_finally;
    free(self->data);
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(both_outputs_are_read_at_once, { awl_process *p; size_t out, err; int code; })
{
    co_begin;
    SH(self->p, "head -c 300000 /dev/zero; head -c 400000 /dev/zero >&2; head -c 300000 /dev/zero; exit 9",
       .out = AWL_PIPE, .err = AWL_PIPE);
    co_let(self->code, awl_process_communicate(self->p, NULL, 0, 0));
    CHECK_INT(self->code, 9);
    awl_process_output(self->p, &self->out);
    awl_process_errors(self->p, &self->err);
    CHECK_INT(self->out, 600000);
    CHECK_INT(self->err, 400000);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(a_child_that_is_deaf_is_no_error, { awl_process *p; char *data; int code; })
{
    co_begin;
    self->data = make_input(MUCH);
    if (!self->data)
        co_raise(ENOMEM);
    SH(self->p, "exec <&-; echo deaf", .in = AWL_PIPE, .out = AWL_PIPE);
    co_let(self->code, awl_process_communicate(self->p, self->data, MUCH, 0));
    CHECK_INT(self->code, 0);
    CHECK_STR(awl_process_output(self->p, NULL), "deaf\n");
    co_finally;
    free(self->data);
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(without_pipes_it_waits, { awl_process *p; int rc, code; })
{
    co_begin;
    SH(self->p, "exit 8");
    CHECK_FAILS(EINVAL, awl_process_communicate(self->p, "x", 1, 0)); /* where to? */
    co_let(self->code, awl_process_communicate(self->p, NULL, 0, 0));
    CHECK_INT(self->code, 8);
    CHECK_STR(awl_process_output(self->p, NULL), "");
    CHECK_STR(awl_process_output(NULL, NULL), "");
    CHECK_STR(awl_process_errors(NULL, NULL), "");
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(an_output_has_its_limit, { awl_process *p; int rc, code; size_t len; })
{
    co_begin;
    SH(self->p, "printf 1234567890", .out = AWL_PIPE);
    CHECK_FAILS(AWL_ELIMIT, awl_process_communicate(self->p, NULL, 0, 9));
    awl_process_output(self->p, &self->len);
    CHECK_INT(self->len, 10);
    CHECK_FAILS(AWL_ELIMIT, awl_process_communicate(self->p, NULL, 0, 9));
    co_let(self->code, awl_process_communicate(self->p, NULL, 0, 10));
    CHECK_STR(awl_process_output(self->p, NULL), "1234567890");
    awl_process_close(self->p);
    self->p = NULL;
    SH(self->p, "yes", .out = AWL_PIPE);
    CHECK_FAILS(AWL_ELIMIT, awl_process_communicate(self->p, NULL, 0, 100000));
    awl_process_output(self->p, &self->len);
    CHECK_INT(self->len, 100001);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* The time is up again and again, and then the child has stopped; nothing is lost, and nothing comes twice. */
PROCESS_TEST(after_a_time_limit_it_goes_on, { awl_process *p; char *data; int rc, code; size_t len; })
{
    co_begin;
    self->data = make_input(MUCH);
    if (!self->data)
        co_raise(ENOMEM);
    SH(self->p, "head -c 100000; kill -STOP $$; exec cat", .in = AWL_PIPE, .out = AWL_PIPE);
    while (self->len < 100000) {
        CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_process_communicate(self->p, self->data, MUCH, 0), 10 * AWL_SECOND));
        awl_process_output(self->p, &self->len);
    }
    while (state_of(awl_process_pid(self->p)) != 'T')
        usleep(1000);
    CHECK_INT(awl_process_send_signal(self->p, SIGCONT), 0);
    co_let(self->code, awl_process_communicate(self->p, self->data, MUCH, 0));
    CHECK_INT(self->code, 0);
    awl_process_output(self->p, &self->len);
    CHECK_INT(self->len, MUCH);
    CHECK_MEM(awl_process_output(self->p, NULL), self->data, MUCH);
    co_finally;
    free(self->data);
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(one_at_a_time, { awl_process *p; awl_task *t; int rc; })
{
    co_begin;
    SH(self->p, "cat", .in = AWL_PIPE, .out = AWL_PIPE);
    self->t = awl_create_task(awl_stream_readline(awl_process_stdout(self->p), NULL));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    CHECK_FAILS(EBUSY, awl_process_communicate(self->p, NULL, 0, 0));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    awl_task_release(self->t);
    self->t = awl_create_task(awl_process_communicate(self->p, NULL, 0, 0));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t));
    CHECK_FAILS(EBUSY, awl_process_communicate(self->p, NULL, 0, 0));
    co_await(self->t);
    CHECK_FAILS(EINVAL, awl_process_communicate(self->p, NULL, 1, 0));
    CHECK_FAILS(EINVAL, awl_process_communicate(NULL, NULL, 0, 0));
    co_finally;
    awl_process_close(self->p);
    awl_task_release(self->t);
    co_end;
}

/* A grandchild that has the pipe holds the end of the output back: a time limit, and the group, end that. */
PROCESS_TEST(a_group_ends_with_its_children, { awl_process *p; int rc, code; })
{
    co_begin;
    SH(self->p, "sleep 1000 & echo first; exit 3", .out = AWL_PIPE, .group = AWL_NEW_GROUP);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_process_communicate(self->p, NULL, 0, 0), AWL_SECOND));
    CHECK_STR(awl_process_output(self->p, NULL), "first\n");
    CHECK_INT(awl_process_signal_group(self->p, SIGKILL), 0);
    co_let(self->code, awl_process_communicate(self->p, NULL, 0, 0));
    CHECK_INT(self->code, 3);
    CHECK_STR(awl_process_output(self->p, NULL), "first\n");
    co_finally;
    awl_process_close(self->p);
    co_end;
}
