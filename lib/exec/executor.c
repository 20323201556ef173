/* Executors: the loop's default, shutting down, the loop's end. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>

#include "exec_priv.h"

/* ---- Making one ------------------------------------------------------------------------------------------------- */

/* The loop is closed: what has not come back never will. */
static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    awl_executor *executor = (awl_executor *)(void *)((char *)closer - offsetof(awl_executor, closer));

    if (awl__loop_forked(loop)) /* those who work are the parent's */
        return;
    executor->ops->close(executor);
    while (executor->jobs.next != &executor->jobs) {
        awl__job *job = (awl__job *)(void *)executor->jobs.next;

        if (!job->stranded)
            awl__job_drop(&job->what);
        awl__job_free(job);
    }
}

awl_executor *awl__executor_new(awl_loop *loop, const awl__executor_ops *ops, size_t more, size_t width, size_t queue)
{
    const size_t size = ops->size + more;
    awl_executor *executor = awl__alloc(loop, size);

    if (!executor)
        return NULL;
    memset(executor, 0, size);
    executor->size = size;
    executor->ops = ops;
    executor->loop = loop;
    executor->width = width;
    executor->free = width + queue;
    executor->jobs.next = executor->jobs.prev = &executor->jobs;
    awl_event_init(&executor->over);
    awl__closer_add(loop, &executor->closer, loop_closed);
    return executor;
}

awl_executor *awl__executor_find(awl_loop *loop, awl_executor *executor, int *error)
{
    if (!executor && !loop->executor)
        loop->executor = awl_thread_pool_new(&(awl_thread_pool_options){ .loop = loop });
    if (!executor)
        executor = loop->executor;
    *error = !executor ? ENOMEM : executor->loop != loop ? AWL_EOTHERLOOP : 0;
    return *error ? NULL : executor;
}

int awl_executor_set_default(awl_executor *executor)
{
    if (!executor)
        return EINVAL;
    awl__loop_check(executor->loop);
    if (executor->shut)
        return AWL_ESHUTDOWN;
    executor->loop->executor = executor;
    return 0;
}

void awl_executor_get_stats(const awl_executor *executor, awl_executor_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    if (!executor)
        executor = awl_running_ ? awl_running_->executor : NULL;
    if (!executor)
        return;
    stats->threads = executor->ops->workers(executor);
    stats->jobs = executor->out;
    stats->room = executor->shut ? 0 : executor->free;
    stats->waiting = executor->room.n_;
}

/* ---- Shutting down ---------------------------------------------------------------------------------------------- */

/* Frees an executor when nobody has it in hand any more: those who waited for room, a job, or its end must have run. */
static void free_last(void *arg)
{
    awl_executor *executor = arg;
    awl_loop *loop = executor->loop;

    if (executor->room.n_ || executor->jobs.next != &executor->jobs || executor->over.waiters_.n_) {
        awl_call_soon(loop, &executor->last, free_last, executor);
        return;
    }
    awl__closer_remove(&executor->closer);
    awl__free(loop, executor, executor->size);
}

void awl__executor_rested(awl_executor *executor)
{
    awl_event_set(&executor->over);
    if (executor->freed)
        awl_call_soon(executor->loop, &executor->last, free_last, executor);
}

void awl__executor_over(awl_executor *executor)
{
    if (awl_event_is_set(&executor->over)) {
        awl__executor_rested(executor);
    } else if (!executor->resting) {
        executor->resting = true;
        executor->ops->rest(executor);
    }
}

static void shut(awl_executor *executor, unsigned flags)
{
    executor->shut = true;
    while (awl__wake(&executor->room))
        ;
    if (flags & AWL_CANCEL_QUEUED && executor->out)
        executor->ops->withdraw(executor, NULL);
    if (executor->out == 0)
        awl__executor_over(executor);
}

co_def(shut_down, { awl_executor *executor; unsigned flags; int error; })
{
    co_begin;
    self->executor = awl__executor_find(awl__loop_of(co_), self->executor, &self->error);
    if (self->error)
        co_raise(self->error);
    shut(self->executor, self->flags);
    co_await(awl_event_wait(&self->executor->over));
    co_end;
}

awl_coro awl_executor_shutdown(awl_executor *executor, unsigned flags)
{
    return co_call(shut_down, .executor = executor, .flags = flags);
}

/* Waits for its end, but not longer than that: *late tells whether it was too long. */
co_def(await_end, { awl_executor *executor; awl_time patience; bool *late; int error; })
{
    co_begin;
    co_try(self->error, awl_wait_for(awl_event_wait(&self->executor->over), self->patience));
    if (self->error && self->error != ETIMEDOUT)
        co_raise(self->error);
    *self->late = self->error;
    co_end;
}

/* What runs is in processes: they are asked to end, and then not asked. */
co_def(kill_all, { awl_executor *executor; bool late; })
{
    co_begin;
    self->late = true;
    if (self->executor->grace > 0) {
        self->executor->ops->kill(self->executor, SIGTERM);
        co_await(co_call(await_end, .executor = self->executor, .patience = self->executor->grace,
                         .late = &self->late));
    }
    if (self->late)
        self->executor->ops->kill(self->executor, SIGKILL);
    co_await(awl_event_wait(&self->executor->over));
    co_end;
}

co_def(stop_by, { awl_executor *executor; awl_time patience; int error; bool late; })
{
    co_begin;
    self->executor = awl__executor_find(awl__loop_of(co_), self->executor, &self->error);
    if (self->error)
        co_raise(self->error);
    shut(self->executor, 0);
    co_await(co_call(await_end, .executor = self->executor, .patience = self->patience, .late = &self->late));
    if (self->late) {
        shut(self->executor, AWL_CANCEL_QUEUED);
        if (!self->executor->ops->kill)
            co_raise(ETIMEDOUT);
        co_await(co_call(kill_all, .executor = self->executor));
    }
    co_end;
}

awl_coro awl_executor_stop(awl_executor *executor, awl_time patience)
{
    return co_call(stop_by, .executor = executor, .patience = patience);
}

void awl_executor_free(awl_executor *executor)
{
    awl_loop *loop;

    if (!executor)
        return;
    loop = awl__loop_check(executor->loop);
    if (executor->freed)
        awl__trap("this executor has been freed already", NULL, 0);
    if (loop->executor == executor)
        loop->executor = NULL;
    executor->freed = true;
    shut(executor, AWL_CANCEL_QUEUED);
}
