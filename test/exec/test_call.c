/* test_call.c: calls, which are bytes, in threads and in processes; and in an executor that only knows names. */
#include "process_rig.h"

#include "../../lib/exec/exec_priv.h"

/* ---- Every executor: the same calls ----------------------------------------------------------------------------- */

static int half(const void *in, size_t len, awl_reply *reply)
{
    (void)len;
    awl_reply_set(reply, *(const int *)in / 2.0);
    return 0;
}

static int backwards(const void *in, size_t len, awl_reply *reply)
{
    const char *text = in;

    for (size_t i = len; i > 0; i--) {
        const int error = awl_reply_append(reply, &text[i - 1], 1);

        if (error)
            return error;
    }
    return 0;
}

static int no_bytes(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len;
    return awl_reply_append(reply, NULL, 0);
}

static int own_address(const void *in, size_t len, awl_reply *reply)
{
    (void)len;
    awl_reply_set(reply, (void *)(uintptr_t)in);
    return 0;
}

static int ends_with(const void *in, size_t len, awl_reply *reply)
{
    int error;

    (void)len;
    memcpy(&error, in, sizeof error);
    awl_reply_set(reply, 7);
    return awl_reply_append(reply, "not a message", 13) ? ENOMEM : error;
}

static int explains(const void *in, size_t len, awl_reply *reply)
{
    (void)len;
    if (awl_reply_append(reply, "gone", 4))
        return ENOMEM;
    return awl_reply_fail(reply, EDOM, "%d is not a side", *(const int *)in);
}

static int aligned(const void *in, size_t len, awl_reply *reply)
{
    awl_reply_set(reply, (int)((uintptr_t)in % _Alignof(max_align_t)) * 1000 + (int)len);
    return 0;
}

co_def(all_kinds, { awl_executor *executor; int n, x, rc; double d; awl_bytes *bytes; })
{
    co_begin;
    self->x = 7;
    co_let(self->n, awl_run_call(self->executor, AWL_CALL(same_number, &self->x, sizeof self->x)));
    CHECK_INT(self->n, 7);
    co_let(self->d, awl_run_call(self->executor, AWL_CALL(half, &self->x, sizeof self->x)));
    CHECK(self->d > 3.4 && self->d < 3.6);
    co_let(self->bytes, awl_run_call(self->executor, AWL_CALL(backwards, "desserts", 8)));
    CHECK_INT(self->bytes->len, 8);
    CHECK_MEM(self->bytes->data, "stressed", 8);
    CHECK_INT((uintptr_t)self->bytes->data % 8, 0);
    awl_bytes_free(self->bytes);
    self->bytes = NULL;
    co_let(self->bytes, awl_run_call(self->executor, AWL_CALL(no_bytes, NULL, 0)));
    CHECK(self->bytes != NULL);
    CHECK_INT(self->bytes->len, 0);
    awl_bytes_free(self->bytes);
    self->bytes = NULL;
    co_let(self->n, awl_run_call(self->executor, AWL_CALL(aligned, "abc", 3)));
    CHECK_INT(self->n, 3);
    co_let(self->n, awl_run_call(self->executor, AWL_CALL(aligned, NULL, 0)));
    CHECK_INT(self->n, 0);
    co_finally;
    awl_bytes_free(self->bytes);
    co_end;
}

co_def(all_errors, { awl_executor *executor; int i, x, rc, n; })
{
    static const int errors[][2] = { { 0, 0 }, { EIO, EIO }, { 32767, 32767 }, { 32768, EINVAL }, { -1, EINVAL } };
    co_begin;
    for (self->i = 1; self->i < 5; self->i++) {
        CHECK_FAILS(errors[self->i][1],
                    awl_run_call(self->executor, AWL_CALL(ends_with, errors[self->i], sizeof(int))));
    }
    CHECK_STR(awl_error_message(EIO), awl_strerror(EIO)); /* what else it had put there is no message */
    self->x = -4;
    CHECK_FAILS(EDOM, awl_run_call(self->executor, AWL_CALL(explains, &self->x, sizeof self->x)));
    CHECK_STR(awl_error_message(EDOM), "-4 is not a side");
    CHECK_FAILS(EINVAL, awl_run_call(self->executor, AWL_CALL(own_address, &self->x, sizeof self->x)));
    CHECK_FAILS(EINVAL, awl_run_call(self->executor, (awl_call){ .fn = NULL }));
    co_end;
}

/* As a future; and one that nobody takes. */
co_def(as_futures, { awl_executor *executor; awl_future *f[3]; awl_bytes *bytes; int n, x; })
{
    co_begin;
    self->x = 3;
    self->f[0] = awl_executor_submit_call(self->executor, AWL_CALL(same_number, &self->x, sizeof self->x));
    self->f[1] = awl_executor_submit_call(self->executor, AWL_CALL(backwards, "abc", 3));
    self->f[2] = awl_executor_submit_call(self->executor, AWL_CALL(backwards, "xyz", 3));
    if (!self->f[0] || !self->f[1] || !self->f[2])
        co_raise(ENOMEM);
    awl_future_release(self->f[2]);
    self->f[2] = NULL;
    co_let(self->n, self->f[0]);
    CHECK_INT(self->n, 3);
    co_let(self->bytes, self->f[1]);
    CHECK_MEM(self->bytes->data, "cba", 3);
    CHECK_PTR(awl_executor_submit_call(self->executor, (awl_call){ .fn = NULL }), NULL);
    CHECK_INT(errno, EINVAL);
    co_finally;
    for (self->n = 0; self->n < 3; self->n++)
        awl_future_release(self->f[self->n]);
    co_end; /* the bytes are the loop's to free */
}

co_def(everything, { awl_executor *executor; })
{
    co_begin;
    co_await(co_call(all_kinds, .executor = self->executor));
    co_await(co_call(all_errors, .executor = self->executor));
    co_await(co_call(as_futures, .executor = self->executor));
    co_end;
}

TASK_TEST(calls_in_threads, {})
{
    co_begin;
    co_await(co_call(everything, .executor = NULL));
    co_end;
}

TASK_TEST(calls_in_processes, { awl_executor *pool; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 2, .queue = 4);
    co_await(co_call(everything, .executor = self->pool));
    co_end;
}

TASK_TEST(a_pool_of_processes_can_be_the_default_one, { awl_executor *pool; int n; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 2, .queue = 4);
    CHECK_INT(awl_executor_set_default(self->pool), 0);
    co_let(self->n, awl_run_call(NULL, AWL_CALL(own_pid, NULL, 0)));
    CHECK(self->n != getpid());
    co_end;
}

TASK_TEST(a_job_with_a_pointer_is_not_for_processes, { awl_executor *pool; int rc; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1, .queue = 1);
    CHECK_FAILS(ENOTSUP, awl_run_job(self->pool, AT_GATE));
    CHECK_INT(COUNT(dropped), 1);
    CHECK(strstr(awl_error_message(ENOTSUP), "awl_run_call") != NULL);
    CHECK_PTR(awl_executor_submit_job(self->pool, AT_GATE), NULL);
    CHECK_INT(errno, ENOTSUP);
    CHECK_INT(stats_of_executor(self->pool).room, 2);
    co_end;
}

TASK_TEST(the_argument_is_copied_when_the_object_is_made, { awl_task *t; int x, n; })
{
    co_begin;
    self->x = 1;
    self->t = awl_create_task(awl_run_call(NULL, AWL_CALL(same_number, &self->x, sizeof self->x)));
    if (!self->t)
        co_raise(ENOMEM);
    self->x = 2;
    co_let(self->n, self->t);
    CHECK_INT(self->n, 1);
    awl_coro_close(awl_run_call(NULL, AWL_CALL(same_number, &self->x, sizeof self->x)));
    co_finally;
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(without_memory_a_call_is_ENOMEM, { int x, rc; })
{
    co_begin;
    harness_fail_alloc_from(1);
    CHECK_FAILS(ENOMEM, awl_run_call(NULL, AWL_CALL(same_number, &self->x, sizeof self->x)));
    CHECK_PTR(awl_executor_submit_call(NULL, AWL_CALL(same_number, &self->x, sizeof self->x)), NULL);
    CHECK_INT(errno, ENOMEM);
    harness_fail_alloc(0);
    CHECK_FAILS(ENOMEM, awl_run_call(NULL, (awl_call){ "huge", same_number, &self->x, SIZE_MAX }));
    co_end;
}

/* In a thread that is at the gate while who waited goes. */
static int passes(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len;
    const int error = awl_reply_append(reply, "lost", 4);

    pass(NULL, &reply->result_);
    return error;
}

TASK_TEST(what_a_cancelled_call_replies_is_freed, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_run_call(NULL, AWL_CALL(passes, NULL, 0)));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    if (awl_task_done(self->t))
        co_await(self->t); /* ENOMEM */
    AWAIT_COUNT(begun, 1);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    open_gate();
    co_await(awl_executor_shutdown(NULL, 0));
    CHECK_INT(COUNT(ended), 1);
    co_finally;
    open_gate();
    awl_task_release(self->t);
    co_end;
}

TEST(bytes_that_are_not_there_can_be_freed) { awl_bytes_free(NULL); }

/* ---- An executor elsewhere: it is given names and bytes, and gives back bytes ----------------------------------- */

/* What the other side has: functions under their names. */
static const struct {
    const char *name;
    awl_call_fn *fn;
} table[] = { { "same_number", same_number }, { "half", half },           { "backwards", backwards },
              { "no_bytes", no_bytes },       { "ends_with", ends_with }, { "explains", explains },
              { "own_address", own_address }, { "aligned", aligned } };

/* What goes over, and what comes back: with nothing in it that has a meaning on one side only. */
typedef struct request {
    char name[32];
    size_t len;
    _Alignas(max_align_t) unsigned char in[64];
} request;
typedef struct response {
    int error;
    uint8_t kind;
    bool text, bytes;
    int64_t value; /* or the bits of a double */
    size_t len;
    unsigned char out[64];
} response;

static void other_side(const request *ask, response *answer)
{
    awl_reply reply = { .bytes_ = NULL };

    *answer = (response){ .error = ENOENT };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].name, ask->name) == 0)
            answer->error = awl__call_make(table[i].fn, ask->in, ask->len, &reply);
    }
    answer->kind = reply.result_.kind_;
    answer->text = reply.text_;
    memcpy(&answer->value, &reply.result_.value_, sizeof answer->value);
    answer->bytes = reply.bytes_ != NULL;
    answer->len = reply.bytes_ ? reply.bytes_->len : 0;
    if (answer->len)
        memcpy(answer->out, reply.bytes_->data, answer->len);
    free(reply.bytes_);
}

typedef struct far_away {
    awl_executor executor; /* first */
    awl__job *first, **end;
    awl_handle soon;
} far_away;

static void answer_all(void *arg)
{
    far_away *far = arg;
    awl__job *job = far->first, *next;

    far->first = NULL;
    for (; job; job = next) {
        awl__call *call = awl__call_of(job);
        request ask = { .len = call->len };
        response answer;

        next = job->next;
        snprintf(ask.name, sizeof ask.name, "%s", call->name);
        memcpy(ask.in, call->in, call->len);
        other_side(&ask, &answer);
        job->error = (int16_t)answer.error;
        job->result.kind_ = answer.kind;
        memcpy(&job->result.value_, &answer.value, sizeof answer.value);
        call->text = answer.text;
        call->reply = answer.bytes ? awl__bytes_new(answer.len) : NULL;
        if (answer.bytes && !call->reply)
            job->error = ENOMEM;
        if (call->reply)
            memcpy(call->reply->data, answer.out, answer.len);
        awl__job_ended(job);
    }
}

static int far_start(awl_executor *executor, awl__job *job)
{
    far_away *far = (far_away *)(void *)executor;

    job->next = far->first;
    far->first = job;
    awl_call_soon(executor->loop, &far->soon, answer_all, far);
    return 0;
}

static void far_withdraw(awl_executor *executor, awl__job *job) { (void)executor, (void)job; }
static size_t far_workers(const awl_executor *executor) { return executor->out ? 1 : 0; }
static void far_close(awl_executor *executor) { (void)executor; }

static const awl__executor_ops far_ops = {
    .start = far_start,
    .withdraw = far_withdraw,
    .rest = awl__executor_rested,
    .close = far_close,
    .workers = far_workers,
    .size = sizeof(far_away),
};

TASK_TEST(calls_somewhere_else_by_name, { awl_executor *far; })
{
    co_begin;
    self->far = awl__executor_new(awl_running_loop(), &far_ops, 0, 1, 8);
    if (!self->far)
        co_raise(ENOMEM);
    co_await(co_call(everything, .executor = self->far));
    awl_executor_free(self->far);
    co_end;
}

TASK_TEST(a_name_that_the_other_side_does_not_know, { awl_executor *far; int rc; })
{
    co_begin;
    self->far = awl__executor_new(awl_running_loop(), &far_ops, 0, 1, 8);
    if (!self->far)
        co_raise(ENOMEM);
    CHECK_FAILS(ENOENT, awl_run_call(self->far, AWL_CALL(own_pid, NULL, 0)));
    co_end;
}
