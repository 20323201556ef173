/* Jobs: the operation that waits for one, the future of one, and how both learn of its end. */
#include "exec_priv.h"

/* The job of a future, which it holds a reference to by watching it. */
typedef struct future_job {
    awl__job job;
    awl__waiter waiter;
} future_job;

/* ---- Both ------------------------------------------------------------------------------------------------------- */

/* Hands a job to its executor, whose room has been taken for it. NULL, with *error. */
static awl__job *launch(awl_executor *executor, const awl_job *what, size_t size, int *error)
{
    awl__job *job = awl__alloc_small(executor->loop, size);

    *error = ENOMEM;
    if (!job)
        return NULL;
    memset(job, 0, size);
    job->executor = executor;
    job->what = *what;
    job->for_future = size > sizeof *job;
    *error = executor->ops->start(executor, job);
    if (*error) {
        awl__free(executor->loop, job, size);
        return NULL;
    }
    job->all.next = &executor->jobs;
    job->all.prev = executor->jobs.prev;
    job->all.prev->next = executor->jobs.prev = &job->all;
    executor->out++;
    executor->loop->outside++;
    return job;
}

void awl__job_free(awl__job *job)
{
    job->all.prev->next = job->all.next;
    job->all.next->prev = job->all.prev;
    awl__free(job->executor->loop, job, job->for_future ? sizeof(future_job) : sizeof *job);
}

/* Nobody takes its outcome. */
static void drop_job(awl__job *job)
{
    awl__job_drop(&job->what);
    awl__job_free(job);
}

/* ---- The operation ---------------------------------------------------------------------------------------------- */

typedef struct run_frame {
    awl__waiting wait; /* first: for room */
    awl_executor *executor;
    awl_job what;
    awl__job *job;
} run_frame;

/* Beyond those of awl__waiting, which are up to 3. */
enum { RUN_JOB = 4, RUN_CANCELLED = 8 };

/* Ends the operation before there is a job: the error is the end of it, and of what the job was given. */
static co_step refuse(run_frame *self, co_stack *stack, int error)
{
    awl__job_drop(&self->what);
    return awl__op_end_plain(&self->wait.co, stack, error);
}

static co_step start_job(run_frame *self, co_stack *stack)
{
    int error;

    self->job = launch(self->executor, &self->what, sizeof *self->job, &error);
    if (!self->job) {
        awl__room_give(self->executor);
        return refuse(self, stack, error);
    }
    self->job->task = awl__task_of(stack);
    return awl__block_at(&self->wait.co, stack, RUN_JOB);
}

static co_step run_begin(run_frame *self, co_stack *stack)
{
    int error;

    self->executor = awl__executor_find(awl__loop_of(stack), self->executor, &error);
    if (!error && !self->what.fn)
        error = EINVAL;
    if (!error && self->executor->shut)
        error = AWL_ESHUTDOWN;
    if (error)
        return refuse(self, stack, error);
    if (awl__room_take(self->executor))
        return start_job(self, stack);
    self->wait.of = &self->executor->room;
    return awl__wait(&self->wait, stack);
}

/* It waited for room, and has been given some, or not. */
static co_step run_waited(run_frame *self, co_stack *stack)
{
    const bool given = awl__wait_state(&self->wait) == AWL__WOKEN && !self->executor->shut;
    int error = awl__waited(&self->wait, stack);

    if (error && given)
        awl__room_give(self->executor);
    if (!error && self->executor->shut)
        error = AWL_ESHUTDOWN;
    return error ? refuse(self, stack, error) : start_job(self, stack);
}

/* Its job has come back. A cancellation since then takes the place of the outcome. */
static co_step run_end(run_frame *self, co_stack *stack)
{
    awl__job *job = self->job;
    const int error = stack->promise_.error_ ? stack->promise_.error_ : job->error;

    if (!error && awl__call_of(job))
        awl__call_finish(job);
    stack->promise_.value_ = job->result.value_;
    stack->promise_.kind_ = job->result.kind_;
    if (CO_UNLIKELY_(error))
        drop_job(job);
    else
        awl__job_free(job);
    return awl__op_end(&self->wait.co, stack, error);
}

static co_step run_step(co_frame *frame, co_stack *stack)
{
    run_frame *self = (run_frame *)(void *)frame;

    switch (frame->state_) {
    case AWL__STARTS: return run_begin(self, stack);
    case RUN_JOB: return run_end(self, stack);
    case RUN_CANCELLED: return awl__op_end_plain(frame, stack, ECANCELED);
    default: return run_waited(self, stack);
    }
}

/* The job goes on by itself, if it has begun. */
static bool run_cancel(co_frame *frame, co_stack *stack)
{
    run_frame *self = (run_frame *)(void *)frame;

    if (frame->state_ != RUN_JOB)
        return awl__call_off(frame, stack);
    self->job->task = NULL;
    self->executor->ops->withdraw(self->executor, self->job);
    frame->state_ = RUN_CANCELLED;
    awl__task_wake(awl__task_of(stack));
    return true;
}

static const co_type run_type = { run_step, run_cancel, "awl_run_in_executor", __FILE__, sizeof(run_frame), __LINE__ };

bool awl__job_inspect(awl__dump *dump, const co_frame *leaf)
{
    const run_frame *self = (const run_frame *)(const void *)leaf;

    if (leaf->type_ != &run_type)
        return false;
    if (leaf->state_ == RUN_JOB && awl__call_of(self->job))
        awl__dump_say(dump, "the call %s in an executor, one of %zu jobs", awl__call_of(self->job)->name,
                      self->executor->out);
    else if (leaf->state_ == RUN_JOB)
        awl__dump_say(dump, "a job of an executor, one of %zu", self->executor->out);
    else
        awl__dump_say(dump, "room in an executor, which has %zu jobs", self->executor->out);
    return true;
}

void awl__job_close(co_frame *frame)
{
    if (frame->type_ == &run_type)
        awl__job_drop(&((run_frame *)(void *)frame)->what);
}

awl_coro awl_run_job(awl_executor *executor, awl_job job)
{
    run_frame *self = awl__op_new(&run_type, sizeof *self);

    if (self) {
        self->executor = executor;
        self->what = job;
    } else {
        awl__job_drop(&job);
    }
    return awl__op(self);
}

awl_coro awl_run_in_executor(awl_executor *executor, awl_job_fn *fn, void *arg)
{
    return awl_run_job(executor, (awl_job){ .fn = fn, .arg = arg });
}

/* ---- The future ------------------------------------------------------------------------------------------------- */

/* The future was cancelled, or ended by somebody else. */
static void future_ended(awl_loop *loop, awl__waiter *waiter)
{
    future_job *self = (future_job *)(void *)((char *)waiter - offsetof(future_job, waiter));

    (void)loop;
    waiter->future = NULL;
    self->job.executor->ops->withdraw(self->job.executor, &self->job);
}

/* Its job has come back: hands over the outcome, if anybody but the job still holds the future. */
static void end_future(future_job *self)
{
    awl_future *future = self->waiter.future;
    awl__job *job = &self->job;
    bool taken = false;

    if (future) {
        awl__future_keep(future);
        awl__unwatch(&self->waiter);
        taken = !awl__is_done(future) && !job->error && future->state_ >= 2 * AWL__REFERENCE;
        if (taken && awl__call_of(job))
            awl__call_finish(job);
        if (awl__is_done(future))
            ;
        else if (job->error == ECANCELED)
            awl__future_become_cancelled(future);
        else if (job->error)
            awl__future_fail(future, job->error);
        else
            awl__future_finish(future, job->result.value_, job->result.kind_);
        awl__future_drop(future);
    }
    if (taken)
        awl__job_free(&self->job);
    else
        drop_job(&self->job);
}

/* What the arguments and the executor say against a job. */
static int check(awl_executor **executor, const awl_job *what)
{
    awl_loop *loop = awl__loop_check(*executor ? (*executor)->loop : NULL);
    int error;

    if (!loop || !what->fn)
        return EINVAL;
    *executor = awl__executor_find(loop, *executor, &error);
    if (error)
        return error;
    if ((*executor)->shut)
        return AWL_ESHUTDOWN;
    return awl__room_take(*executor) ? 0 : EAGAIN;
}

awl_future *awl_executor_submit_job(awl_executor *executor, awl_job job)
{
    awl_future *future = NULL;
    future_job *self = NULL;
    int error = check(&executor, &job);

    if (error)
        goto drop;
    error = ENOMEM;
    future = awl_future_new(executor->loop);
    if (future)
        self = (future_job *)(void *)launch(executor, &job, sizeof *self, &error);
    if (!self)
        goto give_back;
    awl__watch(future, &self->waiter, future_ended);
    return future;

give_back:
    awl_future_release(future);
    awl__room_give(executor);
drop:
    awl__job_drop(&job);
    errno = error;
    return NULL;
}

awl_future *awl_executor_submit(awl_executor *executor, awl_job_fn *fn, void *arg)
{
    return awl_executor_submit_job(executor, (awl_job){ .fn = fn, .arg = arg });
}

/* ---- The end of a job ------------------------------------------------------------------------------------------- */

void awl__job_ended(awl__job *job)
{
    awl_executor *executor = job->executor;

    executor->out--;
    executor->loop->outside--;
    if (!executor->shut)
        awl__room_give(executor);
    if (CO_UNLIKELY_(job->error) && awl__call_of(job))
        awl__call_explain(job);
    if (job->task)
        awl__task_wake(job->task);
    else if (job->for_future)
        end_future((future_job *)(void *)job);
    else
        drop_job(job);
    if (executor->shut && executor->out == 0)
        awl__executor_over(executor);
}
