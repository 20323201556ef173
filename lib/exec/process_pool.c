/* The pool of processes behind an executor: its queue, what becomes of jobs and workers, and its end. See
 * process_priv.h. */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process_priv.h"

enum { DEFAULT_QUEUE = 1024, MOST_STILLBORN = 3 };
static const awl_time default_linger = 300 * AWL_SECOND, default_grace = 5 * AWL_SECOND;

/* How long what has nothing to do may take to end. */
static const awl_time idle_linger = 1 * AWL_SECOND;

/* After that a worker that could not be forked is asked for again, though nothing has ended in between. */
static const awl_time fork_again = 100 * AWL_MS;

/* ---- The jobs that wait ----------------------------------------------------------------------------------------- */

static void go_back(void *arg)
{
    awl__process_pool *pool = arg;
    const awl__jobs back = pool->back;

    pool->back = (awl__jobs){ 0 };
    awl__jobs_ended(&back);
}

/* A job that waits comes back, soon. */
static void send_back(awl__process_pool *pool, awl__job *job, int error)
{
    awl__jobs_remove(&pool->waiting, job);
    job->state = AWL__JOB_ENDED;
    job->error = (int16_t)error;
    awl__jobs_add(&pool->back, job);
    awl_call_soon(pool->executor.loop, &pool->going_back, go_back, pool);
}

/* ---- Workers ---------------------------------------------------------------------------------------------------- */

static void control_heard(void *arg);

static void control_changed(awl__io *io, bool readable, bool writable)
{
    awl__process_pool *pool = (awl__process_pool *)(void *)((char *)io - offsetof(awl__process_pool, control));

    (void)readable, (void)writable;
    awl_call_soon(pool->executor.loop, &pool->heard, control_heard, pool);
}

static void life_changed(awl__io *io, bool readable, bool writable)
{
    awl__process_pool *pool = (awl__process_pool *)(void *)((char *)io - offsetof(awl__process_pool, life));

    control_changed(&pool->control, readable, writable);
}

/* Ends a fork server that serves no more, or cannot. */
static void bury_server(awl__process_pool *pool)
{
    awl__io_close(&pool->life);
    if (pool->life_fd >= 0)
        close(pool->life_fd);
    awl__io_close(&pool->control);
    close(pool->control_fd);
    while (waitpid(pool->server, NULL, 0) < 0 && errno == EINTR)
        ;
    pool->server = 0;
}

static int start_server(awl__process_pool *pool)
{
    int error = awl__server_fork(pool);

    if (error)
        return error;
    pool->control = (awl__io){ .quiet = true, .changed = control_changed };
    pool->life = (awl__io){ .quiet = true, .changed = life_changed };
    error = awl__io_open(pool->executor.loop, &pool->control, pool->control_fd);
    if (!error && pool->life_fd >= 0)
        error = awl__io_open(pool->executor.loop, &pool->life, pool->life_fd);
    if (error)
        bury_server(pool);
    return error;
}

/* Starts as many workers as jobs wait for; all of them, if so wished. Result: 0 or the error. */
static int start_workers(awl__process_pool *pool, size_t wanted)
{
    int error = 0;

    if (wanted && !pool->server)
        error = start_server(pool);
    while (!error && pool->starting < wanted && pool->n < pool->options.workers)
        error = awl__worker_start(pool);
    return error == EPIPE || error == ECONNRESET ? 0 : error; /* the server has ended, as will be heard: then again */
}

/* No worker can be had: says why, with the status of the last, and nothing that waits will run. */
static void __attribute__((format(printf, 3, 4)))
no_workers(awl__process_pool *pool, int status, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    awl__error_detail(pool->executor.loop, AWL_ENOWORKER, "%s", text);
    awl__error_status(pool->executor.loop, AWL_ENOWORKER, status);
    while (pool->waiting.first)
        send_back(pool, pool->waiting.first, AWL_ENOWORKER);
}

static void overdue(void *arg)
{
    awl__worker *w = arg;

    w->overdue = true;
    awl__worker_kill(w, SIGKILL);
}

static void be_idle(awl__worker *w)
{
    w->state = AWL__IDLE;
    w->next_idle = w->pool->idle;
    w->pool->idle = w;
}

static void not_idle(awl__worker *w)
{
    awl__worker **at = &w->pool->idle;

    while (*at != w)
        at = &(*at)->next_idle;
    *at = w->next_idle;
}

/* Brings jobs and workers together, and starts workers for the jobs that are left. */
static int dispatch(awl__process_pool *pool)
{
    while (pool->waiting.first && pool->idle) {
        awl__worker *w = pool->idle;
        awl__job *job = pool->waiting.first;

        pool->idle = w->next_idle;
        if (awl__worker_give(w, job)) {
            awl__worker_leave(w); /* it has ended, as will be heard */
            continue;
        }
        awl__jobs_remove(&pool->waiting, job);
        job->state = AWL__JOB_RUNS;
        if (pool->options.deadline)
            awl_call_later(pool->executor.loop, &w->late, pool->options.deadline, overdue, w);
    }
    return start_workers(pool, pool->waiting.n);
}

/* The same, where a job cannot be refused any more. */
static void dispatch_or_give_up(awl__process_pool *pool)
{
    const int error = dispatch(pool);

    if (error && !pool->n)
        no_workers(pool, -1, "no worker process could be started: %s", awl_strerror(error));
}

/* ---- What comes of a worker ------------------------------------------------------------------------------------- */

/* A whole reply is there: puts it into its job, which has ended. */
static awl__job *take_result(awl__worker *w)
{
    awl__job *job = w->job;
    awl__call *call = awl__call_of(job);

    call->reply = w->bytes;
    call->text = w->bytes && w->reply.what == AWL__TEXT_REPLY;
    job->result = (awl_result){ w->reply.value, w->reply.kind };
    job->error = w->reply.error || !w->no_memory ? w->reply.error : ENOMEM;
    job->state = AWL__JOB_ENDED;
    w->bytes = NULL;
    w->job = NULL;
    awl_handle_cancel(&w->late);
    return job;
}

static void is_ready(awl__worker *w)
{
    w->pid = (pid_t)w->reply.value.i;
    w->pool->starting--;
    w->pool->stillborn = 0;
}

void awl__worker_heard(void *arg)
{
    awl__worker *w = arg;
    awl__process_pool *pool = w->pool;
    awl__job *job = NULL;

    if (!awl__worker_take(w)) {
        if (w->broken && w->state == AWL__IDLE) {
            not_idle(w);
            awl__worker_leave(w);
        }
        return;
    }
    if (w->state == AWL__BUSY)
        job = take_result(w);
    else
        is_ready(w);
    if (w->doomed || (pool->options.max_jobs && w->jobs >= pool->options.max_jobs))
        awl__worker_leave(w);
    else
        be_idle(w);
    dispatch_or_give_up(pool);
    if (job)
        awl__job_ended(job);
}

/* Says how a worker ended in the middle of a job; the error. */
static int explain_end(const awl__worker *w, int status)
{
    awl_loop *loop = w->pool->executor.loop;
    const char *name = awl__call_of(w->job)->name;
    const long pid = (long)w->pid;
    const int error = w->overdue ? ETIMEDOUT : WIFSIGNALED(status) ? AWL_EWORKERKILLED : AWL_EWORKEREXIT;

    if (w->overdue)
        awl__error_detail(loop, error, "%s: it took longer than a job may, and worker %ld was killed", name, pid);
    else if (WIFSIGNALED(status))
        awl__error_detail(loop, error, "%s: worker %ld was ended by signal %d (%s)", name, pid, WTERMSIG(status),
                          strsignal(WTERMSIG(status)));
    else
        awl__error_detail(loop, error, "%s: worker %ld exited with status %d", name, pid, WEXITSTATUS(status));
    awl__error_status(loop, error, status);
    return error;
}

/* It was never ready, and after a few such there is no point in going on. */
static void was_stillborn(awl__process_pool *pool, int status)
{
    const bool killed = WIFSIGNALED(status);

    pool->starting--;
    if (++pool->stillborn < MOST_STILLBORN)
        return;
    pool->stillborn = 0;
    no_workers(pool, status, "workers end before they take a job: %s %d", killed ? "signal" : "exit status",
               killed ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* A worker is no more: its place is free. */
static void bury_worker(awl__worker *w)
{
    awl__worker_leave(w);
    awl_handle_cancel(&w->soon);
    w->state = AWL__NO_WORKER;
    w->pool->n--;
}

/* A worker has ended. What it had sent before may still have to be taken. */
static void worker_ended(awl__worker *w, int status)
{
    awl__job *job = w->job;

    if (awl__worker_take(w)) {
        if (w->state == AWL__STARTING)
            is_ready(w);
        else
            job = take_result(w);
    } else if (w->state == AWL__STARTING) {
        was_stillborn(w->pool, status);
    } else if (w->state == AWL__IDLE) {
        not_idle(w);
    }
    if (w->job) {
        job->error = (int16_t)explain_end(w, status);
        job->state = AWL__JOB_ENDED;
        free(w->bytes);
        w->job = NULL;
        awl_handle_cancel(&w->late);
    }
    bury_worker(w);
    if (job)
        awl__job_ended(job);
}

static void try_again(void *arg) { dispatch_or_give_up(arg); }

/* What cannot be forked now is not asked for again at once: it would be refused as often as the loop turns. */
static void worker_unborn(awl__worker *w, int error)
{
    awl__process_pool *pool = w->pool;

    pool->starting--;
    bury_worker(w);
    if (!pool->n)
        no_workers(pool, -1, "no worker process could be started: %s", awl_strerror(error));
    else if (pool->waiting.n)
        awl_call_later(pool->executor.loop, &pool->again, fork_again, try_again, pool);
}

/* The fork server has ended, and its workers with it. */
static void server_ended(awl__process_pool *pool)
{
    const bool idle = !pool->n;

    bury_server(pool);
    for (unsigned i = 0; i < pool->options.workers; i++) {
        if (pool->workers[i].state != AWL__NO_WORKER)
            worker_ended(&pool->workers[i], SIGKILL);
    }
    if (idle && pool->waiting.n && ++pool->stillborn >= MOST_STILLBORN) {
        pool->stillborn = 0;
        no_workers(pool, -1, "processes end before they fork a worker");
    }
    if (pool->finishing) {
        pool->finishing = false;
        pool->executor.loop->outside--;
        awl__executor_rested(&pool->executor);
    } else {
        dispatch_or_give_up(pool);
    }
}

static void control_heard(void *arg)
{
    awl__process_pool *pool = arg;
    awl__message notice = { .what = 0 };
    bool ended = false;
    int error = 0;

    while (pool->server && (error = awl__server_hear(pool, &notice)) == 0) {
        awl__worker *w = &pool->workers[notice.slot];

        if (w->state == AWL__NO_WORKER || w->id != notice.id)
            continue;
        ended |= notice.what == AWL__ENDED;
        if (notice.what == AWL__ENDED)
            worker_ended(w, notice.number);
        else
            worker_unborn(w, notice.number);
    }
    if (error == ESRCH)
        server_ended(pool);
    else if (ended)
        dispatch_or_give_up(pool);
}

/* ---- What an executor does -------------------------------------------------------------------------------------- */

static int pool_start(awl_executor *executor, awl__job *job)
{
    awl__process_pool *pool = awl__process_pool_of(executor);
    int error;

    if (!awl__call_of(job)) {
        awl__error_detail(executor->loop, ENOTSUP,
                          "a pool of processes takes calls, not jobs with a pointer: awl_run_call");
        return ENOTSUP;
    }
    job->state = AWL__JOB_WAITS;
    awl__jobs_add(&pool->waiting, job);
    error = dispatch(pool);
    if (!error || pool->n)
        return 0;
    awl__jobs_remove(&pool->waiting, job);
    awl__error_detail(executor->loop, AWL_ENOWORKER, "no worker process could be started: %s", awl_strerror(error));
    return AWL_ENOWORKER;
}

static void pool_withdraw(awl_executor *executor, awl__job *job)
{
    awl__process_pool *pool = awl__process_pool_of(executor);

    while (!job && pool->waiting.first)
        send_back(pool, pool->waiting.first, ECANCELED);
    if (job && job->state == AWL__JOB_WAITS)
        send_back(pool, job, ECANCELED);
    if (!job || job->state != AWL__JOB_RUNS || !pool->options.kill_cancelled)
        return;
    for (unsigned i = 0; i < pool->options.workers; i++) {
        if (pool->workers[i].job == job)
            awl__worker_kill(&pool->workers[i], SIGKILL);
    }
}

static void pool_kill(awl_executor *executor, int sig)
{
    awl__process_pool *pool = awl__process_pool_of(executor);

    for (unsigned i = 0; i < pool->options.workers; i++) {
        if (pool->workers[i].job)
            awl__worker_kill(&pool->workers[i], sig);
    }
}

/* Closes all that is open to workers, who end then. Result: how many had a job. */
static unsigned let_go(awl__process_pool *pool)
{
    unsigned busy = 0;

    for (unsigned i = 0; i < pool->options.workers; i++) {
        awl__worker *w = &pool->workers[i];

        if (w->state == AWL__NO_WORKER)
            continue;
        busy += w->job != NULL;
        awl__worker_leave(w);
    }
    pool->idle = NULL;
    return busy;
}

static void pool_rest(awl_executor *executor)
{
    awl__process_pool *pool = awl__process_pool_of(executor);
    const awl__message end = { .what = AWL__END, .linger = idle_linger, .grace = executor->grace };

    let_go(pool);
    awl_handle_cancel(&pool->again);
    if (!pool->server) {
        awl__executor_rested(executor);
        return;
    }
    if (awl__server_tell(pool, &end, -1))
        kill(pool->server, SIGKILL);
    pool->finishing = true;
    executor->loop->outside++;
}

/* ---- The loop's end --------------------------------------------------------------------------------------------- */

/* Waits for the end of the fork server, which is that of all workers; it should not take longer than `patience`.
 * Result: whether a worker had to be ended. */
static bool await_server(awl__process_pool *pool, awl_time patience)
{
    const int most = patience > INT32_MAX * AWL_MS ? -1 : patience > 0 ? (int)(patience / AWL_MS) : 0;
    struct pollfd at[] = { { .fd = pool->control_fd, .events = POLLIN }, { .fd = pool->life_fd, .events = POLLIN } };
    awl__message notice;
    bool forced = false;
    int error = 0;

    while (error != ESRCH) {
        error = awl__server_hear(pool, &notice);
        forced |= !error && notice.forced;
        if (error == EAGAIN && poll(at, 2, most) == 0)
            kill(pool->server, SIGKILL); /* somebody has stopped it */
    }
    bury_server(pool);
    return forced;
}

/* How long that may take, and some more. */
static awl_time longest(const awl__message *end)
{
    const awl_time linger = end->linger > 0 ? end->linger : 0, grace = end->grace > 0 ? end->grace : 0;

    return linger > AWL_FOREVER / 4 || grace > AWL_FOREVER / 4 ? AWL_FOREVER : linger + grace + default_grace;
}

static void pool_close(awl_executor *executor)
{
    awl__process_pool *pool = awl__process_pool_of(executor);
    const unsigned busy = let_go(pool);
    const bool waits = busy || pool->options.linger < idle_linger; /* one may never come out of init */
    const awl__message end = { .what = AWL__END,
                               .linger = waits ? pool->options.linger : idle_linger,
                               .grace = executor->grace };

    for (unsigned i = 0; i < pool->options.workers; i++)
        free(pool->workers[i].job ? pool->workers[i].bytes : NULL);
    if (!pool->server)
        return;
    if (!pool->finishing && awl__server_tell(pool, &end, -1))
        kill(pool->server, SIGKILL);
    if (await_server(pool, longest(&end)) && busy)
        awl__report(executor->loop,
                    &(awl_report){ .name = "awl_run_call",
                                   .what = "the loop was closed while a job ran: its worker was ended" });
}

static size_t pool_workers(const awl_executor *executor)
{
    return ((const awl__process_pool *)(const void *)executor)->n;
}

static const awl__executor_ops pool_ops = {
    .start = pool_start,
    .withdraw = pool_withdraw,
    .rest = pool_rest,
    .close = pool_close,
    .workers = pool_workers,
    .kill = pool_kill,
    .size = sizeof(awl__process_pool),
};

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static unsigned default_workers(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > AWL__MOST_WORKERS ? AWL__MOST_WORKERS : (unsigned)n;
}

static bool options_can_be(const awl_process_pool_options *o)
{
    if (!o->loop || o->workers > AWL__MOST_WORKERS || o->queue > SIZE_MAX - AWL__MOST_WORKERS ||
        o->n_keep > AWL__MOST_KEPT)
        return false;
    for (size_t i = 0; i < o->n_keep; i++) {
        if (o->keep[i] < 0)
            return false;
    }
    return true;
}

awl_executor *awl_process_pool_new(const awl_process_pool_options *options)
{
    awl_process_pool_options o = options ? *options : (awl_process_pool_options){ .loop = NULL };
    awl__process_pool *pool;
    int error = 0;

    o.loop = awl__loop_check(o.loop);
    errno = EINVAL;
    if (!options_can_be(&o))
        return NULL;
    o.workers = o.workers ? o.workers : default_workers();
    o.linger = o.linger ? o.linger : default_linger;
    o.grace = o.grace ? o.grace : default_grace;
    pool = awl__process_pool_of(awl__executor_new(o.loop, &pool_ops, o.workers * sizeof *pool->workers, o.workers,
                                                  o.queue ? o.queue : DEFAULT_QUEUE));
    errno = ENOMEM;
    if (!pool)
        return NULL;
    pool->executor.grace = o.grace;
    pool->options = o;
    if (o.n_keep)
        memcpy(pool->keep, o.keep, o.n_keep * sizeof *o.keep);
    if (o.start != AWL_START_LATE)
        error = start_server(pool);
    if (!error && o.start == AWL_START_WORKERS)
        error = start_workers(pool, o.workers);
    if (!error)
        return &pool->executor;
    awl_executor_free(&pool->executor);
    errno = error;
    return NULL;
}
