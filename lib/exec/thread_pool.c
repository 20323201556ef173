/*
 * The pool of threads behind an executor.
 *
 * What the threads share is `core`, from malloc and guarded by its mutex: the jobs that wait, and those that are done.
 * A thread works on a copy of a job, and touches the job itself again only if `core` still says that it is its; so a
 * loop can be closed while a job hangs, and the thread that it hangs in frees the core when it comes back.
 *
 * Jobs that are done gather in a list; the first of them rings the loop's bell, and the loop takes all that are there
 * when it hears that. Going the other way, at most one thread is being woken at any moment: if it finds more than one
 * job, it wakes the next. So many short jobs cost few system calls, and while jobs wait and threads are idle, one is
 * on its way.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "exec_priv.h"

enum { MOST_THREADS = 4096, DEFAULT_MOST = 32, DEFAULT_MORE = 4, DEFAULT_QUEUE = 1024 };
static const awl_time default_linger = 300 * AWL_SECOND;

typedef struct worker {
    struct core *core;
    pthread_t thread;
    awl__job *job; /* that runs; NULL: none, or it has been left behind */
} worker;

typedef struct core {
    pthread_mutex_t mutex;
    pthread_cond_t work;  /* idle threads wait for `waking` */
    pthread_cond_t quiet; /* the loop's thread waits for `running` and `ringing`, as it closes */
    awl__jobs waiting;
    awl__jobs done; /* that the loop has to take */
    unsigned starting, idle, running, ringing; /* threads: created, but not there yet; … */
    bool waking; /* an idle thread is being woken, and is still counted as idle */
    bool rung;   /* the loop has been told of those that are done */
    bool stop, closing;
    unsigned left_behind; /* who frees this is the last of them and of the loop */
    awl_loop *loop;
    awl_handle *bell;
    worker workers[];
} core;

typedef struct thread_pool {
    awl_executor executor; /* first */
    core *core;            /* NULL: at rest */
    unsigned threads, max_threads;
    size_t stack_size;
    awl_time linger;
    awl_handle bell;
} thread_pool;

static thread_pool *pool_of(awl_executor *executor) { return (thread_pool *)(void *)executor; }

/* ---- The jobs, with the mutex held ------------------------------------------------------------------------------- */

/* A job is done: true if the caller must ring. */
static bool push_done(core *c, awl__job *job)
{
    const bool ring = !c->rung;

    job->state = AWL__JOB_ENDED;
    awl__jobs_add(&c->done, job);
    c->rung = true;
    return ring;
}

/* Whether an idle thread must be woken: then the caller does so, best without the mutex. */
static bool must_wake(core *c)
{
    if (!c->waiting.first || !c->idle || c->waking)
        return false;
    return c->waking = true;
}

/* ---- In the threads --------------------------------------------------------------------------------------------- */

static void delivered(void *arg);

static void free_core(core *c)
{
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->quiet);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

/* Calls fn; what it returns is an error of awl's kind. */
static int run_job(const awl_job *what, awl_result *result)
{
    const int error = what->fn(what->arg, result);

    if (error)
        *result = (awl_result){ .kind_ = CO_NONE };
    return error < 0 || error > INT16_MAX ? EINVAL : error;
}

/* Waits, with the mutex, until there is a job; false: there will be none. */
static bool wait_for_job(core *c)
{
    while (!c->waiting.first && !c->stop) {
        c->idle++;
        while (!c->waking && !c->stop)
            pthread_cond_wait(&c->work, &c->mutex);
        c->idle--;
        c->waking = false;
    }
    return !c->stop;
}

/* Tells the loop, without the mutex; the loop is not closed meanwhile. */
static void ring(core *c)
{
    c->ringing++;
    pthread_mutex_unlock(&c->mutex);
    awl__post(c->loop, c->bell, delivered, c->bell);
    pthread_mutex_lock(&c->mutex);
    c->ringing--;
}

/* Runs one job, with the mutex held before and after; false: the loop has left this thread behind. */
static bool run_one(core *c, worker *self)
{
    awl__job *job = c->waiting.first;
    const awl_job what = job->what;
    awl_result result = { .kind_ = CO_NONE };
    bool wake;
    int error;

    awl__jobs_remove(&c->waiting, job);
    job->state = AWL__JOB_RUNS;
    self->job = job;
    c->running++;
    wake = must_wake(c);
    pthread_mutex_unlock(&c->mutex);
    if (wake)
        pthread_cond_signal(&c->work);
    error = run_job(&what, &result);

    pthread_mutex_lock(&c->mutex);
    c->running--;
    if (!self->job) {
        pthread_mutex_unlock(&c->mutex);
        awl__job_drop(&what);
        pthread_mutex_lock(&c->mutex);
        return false;
    }
    self->job = NULL;
    job->error = (int16_t)error;
    job->result = result;
    if (push_done(c, job) && !c->closing)
        ring(c);
    if (c->closing)
        pthread_cond_signal(&c->quiet);
    return true;
}

static void *work(void *arg)
{
    worker *self = arg;
    core *c = self->core;
    bool mine = true, last = false;
    char name[16];

    snprintf(name, sizeof name, "awl-pool-%u", (unsigned)(self - c->workers) % 100000 + 1);
    pthread_setname_np(pthread_self(), name);
    pthread_mutex_lock(&c->mutex);
    c->starting--;
    while (mine && wait_for_job(c))
        mine = run_one(c, self);
    if (!mine)
        last = --c->left_behind == 0;
    pthread_mutex_unlock(&c->mutex);
    if (last)
        free_core(c);
    return NULL;
}

/* ---- In the loop's thread --------------------------------------------------------------------------------------- */

/* Signals are for the program's own threads. */
static int start_thread(thread_pool *pool)
{
    worker *w = &pool->core->workers[pool->threads];
    pthread_attr_t attr;
    sigset_t all, before;
    int error;

    w->core = pool->core;
    pthread_attr_init(&attr);
    if (pool->stack_size)
        pthread_attr_setstacksize(&attr, pool->stack_size);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&w->thread, &attr, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    pool->threads += !error;
    pool->core->loop->threads += !error;
    return error;
}

/* A job waits for which no thread is idle. An error if none will ever come to it. */
static int add_thread(thread_pool *pool, awl__job *job)
{
    core *c = pool->core;
    const int error = start_thread(pool);

    if (!error)
        return 0;
    pthread_mutex_lock(&c->mutex);
    c->starting--;
    if (!pool->threads)
        awl__jobs_remove(&c->waiting, job);
    pthread_mutex_unlock(&c->mutex);
    if (pool->threads)
        return 0;
    awl__error_detail(c->loop, AWL_ENOTHREAD, "no thread could be started: %s", awl_strerror(error));
    return AWL_ENOTHREAD;
}

static int pool_start(awl_executor *executor, awl__job *job)
{
    thread_pool *pool = pool_of(executor);
    core *c = pool->core;
    bool wake, add;

    pthread_mutex_lock(&c->mutex);
    job->state = AWL__JOB_WAITS;
    awl__jobs_add(&c->waiting, job);
    wake = must_wake(c);
    add = c->waiting.n > c->idle + c->starting && pool->threads < pool->max_threads;
    c->starting += add;
    pthread_mutex_unlock(&c->mutex);
    if (wake)
        pthread_cond_signal(&c->work);
    return add ? add_thread(pool, job) : 0;
}

/* The bell: takes what is done. */
static void delivered(void *arg)
{
    thread_pool *pool = (thread_pool *)(void *)((char *)arg - offsetof(thread_pool, bell));
    core *c = pool->core;
    awl__jobs done;

    pthread_mutex_lock(&c->mutex);
    done = c->done;
    c->done = (awl__jobs){ 0 };
    c->rung = false;
    pthread_mutex_unlock(&c->mutex);
    awl__jobs_ended(&done);
}

static void pool_withdraw(awl_executor *executor, awl__job *only)
{
    thread_pool *pool = pool_of(executor);
    core *c = pool->core;
    bool ring = false;

    pthread_mutex_lock(&c->mutex);
    for (awl__job *job = only ? only : c->waiting.first, *next; job; job = next) {
        next = only ? NULL : job->next;
        if (job->state != AWL__JOB_WAITS)
            continue;
        awl__jobs_remove(&c->waiting, job);
        job->error = ECANCELED;
        ring |= push_done(c, job);
    }
    pthread_mutex_unlock(&c->mutex);
    if (ring)
        awl__post(executor->loop, &pool->bell, delivered, &pool->bell);
}

/* Every thread is idle, or about to be. */
static void pool_rest(awl_executor *executor)
{
    thread_pool *pool = pool_of(executor);
    core *c = pool->core;

    pthread_mutex_lock(&c->mutex);
    c->stop = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->mutex);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(c->workers[i].thread, NULL);
    executor->loop->threads -= pool->threads;
    free_core(c);
    pool->core = NULL;
    pool->threads = 0;
    awl__executor_rested(executor);
}

/* ---- The loop's end --------------------------------------------------------------------------------------------- */

/* Waits, with the mutex, until nothing runs, at most as long as the pool lingers. */
static void linger(core *c, awl_time patience)
{
    struct timespec until;
    bool late = patience < 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (patience > 0) {
        const awl_time most = patience < AWL_FOREVER / 2 ? patience : AWL_FOREVER / 2;
        const awl_time nsec = until.tv_nsec + most % AWL_SECOND;

        until.tv_sec += (time_t)(most / AWL_SECOND + nsec / AWL_SECOND);
        until.tv_nsec = (long)(nsec % AWL_SECOND);
    }
    while (c->ringing || (c->running && !late)) {
        if (late || patience == AWL_FOREVER)
            pthread_cond_wait(&c->quiet, &c->mutex);
        else
            late = pthread_cond_timedwait(&c->quiet, &c->mutex, &until) == ETIMEDOUT;
    }
}

static void pool_close(awl_executor *executor)
{
    thread_pool *pool = pool_of(executor);
    core *c = pool->core;
    unsigned left_behind = 0;
    bool last;

    if (!c)
        return;
    pthread_mutex_lock(&c->mutex);
    c->stop = c->closing = true;
    pthread_cond_broadcast(&c->work);
    linger(c, pool->linger);
    for (unsigned i = 0; i < pool->threads; i++) {
        worker *w = &c->workers[i];

        if (!w->job)
            continue;
        w->job->stranded = true;
        w->job = NULL;  /* says to the thread that it has been left behind */
        w->core = NULL; /* and to the loop below */
        pthread_detach(w->thread);
        left_behind++;
    }
    c->left_behind = left_behind + 1;
    pthread_mutex_unlock(&c->mutex);
    for (unsigned i = 0; i < pool->threads; i++) {
        if (c->workers[i].core)
            pthread_join(c->workers[i].thread, NULL);
    }
    pthread_mutex_lock(&c->mutex);
    last = --c->left_behind == 0;
    pthread_mutex_unlock(&c->mutex);
    if (last)
        free_core(c);
    executor->loop->threads -= pool->threads;
    pool->core = NULL;
    pool->threads = 0;
    if (left_behind)
        awl__report(executor->loop, &(awl_report){ .name = "awl_run_in_executor",
                                                   .what = "the loop was closed while a job ran: its thread is left "
                                                           "to itself" });
}

static size_t pool_workers(const awl_executor *executor)
{
    return ((const thread_pool *)(const void *)executor)->threads;
}

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static const awl__executor_ops pool_ops = {
    .start = pool_start,
    .withdraw = pool_withdraw,
    .rest = pool_rest,
    .close = pool_close,
    .workers = pool_workers,
    .size = sizeof(thread_pool),
};

/* As many as this process may use, and some more, as most jobs wait. */
static unsigned default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    n = (n < 1 ? 1 : n) + DEFAULT_MORE;
    return n < DEFAULT_MOST ? (unsigned)n : DEFAULT_MOST;
}

static bool stack_is_possible(size_t size)
{
    pthread_attr_t attr;
    int error;

    pthread_attr_init(&attr);
    error = size ? pthread_attr_setstacksize(&attr, size) : 0;
    pthread_attr_destroy(&attr);
    return !error;
}

static core *new_core(unsigned max_threads)
{
    core *c = calloc(1, sizeof *c + max_threads * sizeof *c->workers);
    pthread_condattr_t attr;

    if (!c)
        return NULL;
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->quiet, &attr);
    pthread_condattr_destroy(&attr);
    return c;
}

awl_executor *awl_thread_pool_new(const awl_thread_pool_options *options)
{
    const awl_thread_pool_options o = options ? *options : (awl_thread_pool_options){ .loop = NULL };
    const unsigned max_threads = o.max_threads ? o.max_threads : default_threads();
    const size_t queue = o.queue ? o.queue : DEFAULT_QUEUE;
    awl_loop *loop = awl__loop_check(o.loop);
    thread_pool *pool;
    core *c;

    errno = EINVAL;
    if (!loop || max_threads > MOST_THREADS || queue > SIZE_MAX - max_threads || !stack_is_possible(o.stack_size))
        return NULL;
    errno = ENOMEM;
    c = new_core(max_threads);
    if (!c)
        return NULL;
    pool = pool_of(awl__executor_new(loop, &pool_ops, 0, max_threads, queue));
    if (!pool) {
        free_core(c);
        return NULL;
    }
    c->loop = loop;
    c->bell = &pool->bell;
    pool->core = c;
    pool->max_threads = max_threads;
    pool->stack_size = o.stack_size;
    pool->linger = o.linger ? o.linger : default_linger;
    return &pool->executor;
}
