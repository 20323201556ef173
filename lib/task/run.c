/* Running a loop until something is done, and awl_run. */
#include "interrupt.h"
#include "task_priv.h"

static void stop_loop(awl_loop *loop, awl__waiter *waiter)
{
    (void)waiter;
    loop->stopping = true;
}

int awl_run_future_(awl_loop *loop, awl_future *future, awl_value *result)
{
    awl__waiter done;
    co_promise promise;
    int error;

    if (!loop || !future || !future->host_)
        return EINVAL;
    if (awl__future_loop(future) != loop)
        return AWL_EOTHERLOOP;
    if (loop->attached)
        return EBUSY;
    error = awl__loop_enter(loop);
    if (error)
        return error;
    awl__future_keep(future);
    awl__watch(future, &done, stop_loop);
    error = awl__loop_run(loop);
    if (awl__unwatch(&done) && awl__is_done(future))
        loop->stopping = true; /* awl_loop_stop was an iteration ahead of this stop, which the next run gets: as in asyncio */
    if (error == AWL_EFORKED) {
        ; /* whatever it has come to, it is the parent's */
    } else if (awl__is_done(future)) {
        awl__future_take(future, &promise);
        error = promise.error_;
        if (!error && result)
            *result = promise.value_;
    } else if (!error) {
        error = AWL_ESTOPPED;
    }
    awl__future_drop(future);
    awl__loop_leave(loop);
    return error;
}

int awl_run_task_(awl_loop *loop, awl_task *task, awl_value *result)
{
    return awl_run_future_(loop, task ? awl_task_future(task) : NULL, result);
}

int awl_run_coro_(awl_loop *loop, awl_coro coroutine, awl_value *result)
{
    awl_task *task;
    int error;

    if (!loop || loop->attached || loop->running || awl_running_) {
        awl_coro_close(coroutine);
        return loop ? EBUSY : EINVAL;
    }
    task = awl__task_new(loop, coroutine, &awl__no_site);
    if (!task)
        return ENOMEM;
    error = awl_run_task_(loop, task, result);
    awl_task_release(task);
    return error;
}

/* ---- The end of a run ----------------------------------------------------------------------------------------------------- */

static void shutdown_done(void *loop) { ((awl_loop *)loop)->stopping = true; }

/* The last task that was cancelled has ended; the iterations are those that asyncio's gather of them takes. */
void awl__shutdown_seen(void *arg)
{
    awl_loop *loop = arg;

    awl_call_soon(loop, &loop->shutdown, shutdown_done, loop);
}

/* After the shutdown: errors of the tasks that were cancelled. Result: the next one in the ring. */
static awl__block *report_shutdown(awl_loop *loop, awl__block *at)
{
    awl_task *task = awl__task_at(at);

    if (!(task->stack.user_ & AWL__SHUTDOWN))
        return at->next;
    task->stack.user_ &= ~(uint32_t)AWL__SHUTDOWN;
    if (awl_task_done(task) && !awl_task_cancelled(task) && awl_task_error(task))
        awl__task_report(loop, task, "this task was cancelled at the end of the run, and failed",
                         task->stack.promise_.error_);
    at = at->next;
    awl_task_release(task);
    return at;
}

int awl__cancel_all(awl_loop *loop)
{
    int error = awl__loop_enter(loop);

    if (error)
        return error;
    for (awl__block *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
        awl_task *task = awl__task_at(at);

        if (awl_task_done(task))
            continue;
        awl_task_retain(task);
        task->stack.user_ |= AWL__SHUTDOWN;
        loop->shutdown_left++;
        awl_task_cancel(task);
    }
    if (loop->shutdown_left)
        error = awl__loop_run(loop);
    for (awl__block *at = loop->tasks.next; at != &loop->tasks;)
        at = report_shutdown(loop, at);
    awl__loop_leave(loop);
    return error;
}

static void report_main(awl_loop *loop, const awl_task *task, int error)
{
    static const char what[] = "the main task ended with an error";

    if (task)
        awl__task_report(loop, task, what, error);
    else
        awl__report(loop, &(awl_report){ .what = what, .error = error });
}

int awl_run_with(awl_coro main, const awl_loop_options *options, awl_value *result)
{
    awl__interrupt interrupt;
    awl_loop *loop;
    awl_task *task;
    awl_value value;
    int error;

    if (!main.frame_ && !main.token_)
        return ENOMEM;
    if (awl_running_) {
        awl_coro_close(main);
        return EBUSY;
    }
    loop = awl_loop_open(options);
    if (!loop) {
        error = errno;
        awl_coro_close(main);
        return error;
    }
    task = awl__task_new(loop, main, &awl__no_site);
    awl__interrupt_begin(&interrupt, loop, task);
    error = task ? awl_run_task_(loop, task, &value) : ENOMEM;
    error = awl__interrupt_end(&interrupt, error);
    if (!error && result)
        *result = value;
    if (error && error != AWL_EINTERRUPTED) /* of that the user knows */
        report_main(loop, task, error);
    awl__cancel_all(loop);
    awl_task_release(task);
    awl_loop_close(loop);
    return error;
}

int awl_run(awl_coro main) { return awl_run_with(main, NULL, NULL); }
