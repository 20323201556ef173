/* What the tests of this folder share: jobs that stop at a gate, and jobs that say what became of their argument. */
#ifndef EXEC_RIG_H
#define EXEC_RIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "../task/rig.h"

/* ---- A gate: jobs begin, wait until it is opened, and end ------------------------------------------------------- */

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
    int begun, ended, dropped; /* jobs that came; that went through; that were dropped */
} gate;

/* Static, as a job may outlive the coroutine that waited for it: THE LAW OF arg. */
static gate g = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* A job: the number of those that came before, once the gate is open. */
static inline int pass(void *arg, awl_result *result)
{
    (void)arg;
    pthread_mutex_lock(&g.mutex);
    awl_result_set(result, g.begun++);
    pthread_cond_broadcast(&g.changed);
    while (!g.open)
        pthread_cond_wait(&g.changed, &g.mutex);
    g.ended++;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.mutex);
    return 0;
}

static inline void count_drop(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&g.mutex);
    g.dropped++;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.mutex);
}

#define AT_GATE ((awl_job){ .fn = pass, .drop = count_drop })

static inline void set_gate(bool open)
{
    pthread_mutex_lock(&g.mutex);
    g.open = open;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.mutex);
}

static inline void open_gate(void) { set_gate(true); }

/* Blocks this thread until `count`, a field of the gate, is n. */
#define AWAIT_COUNT(count, n) await_count(&g.count, (n))
static inline void await_count(const int *count, int n)
{
    pthread_mutex_lock(&g.mutex);
    while (*count < n)
        pthread_cond_wait(&g.changed, &g.mutex);
    pthread_mutex_unlock(&g.mutex);
}

#define COUNT(count) count_of(&g.count)
static inline int count_of(const int *count)
{
    int n;

    pthread_mutex_lock(&g.mutex);
    n = *count;
    pthread_mutex_unlock(&g.mutex);
    return n;
}

/* ---- Jobs that do not wait: their argument is a number, not memory ---------------------------------------------- */

#define NUMBER(n) ((void *)(intptr_t)(n))

static inline int twice(void *arg, awl_result *result)
{
    awl_result_set(result, 2 * (intptr_t)arg);
    return 0;
}

/* Ends with the error that is its argument. */
static inline int fails(void *arg, awl_result *result)
{
    awl_result_set(result, 1);
    return (int)(intptr_t)arg;
}

/* ---- Checks ----------------------------------------------------------------------------------------------------- */

static inline awl_executor_stats stats_of_executor(const awl_executor *executor)
{
    awl_executor_stats stats;

    awl_executor_get_stats(executor, &stats);
    return stats;
}

/* Awaits x, which must fail with `error`, a cancellation included. Needs an int field `rc`. */
#define CHECK_FAILS(error, ...)                                                                                        \
    do {                                                                                                               \
        co_try_cancel(self->rc, __VA_ARGS__);                                                                          \
        CHECK_INT(self->rc, (error));                                                                                  \
    } while (0)

/* A pool of so many threads, with room for so many jobs beside; raises ENOMEM. */
#define OPEN_POOL(place, threads_, queue_)                                                                             \
    do {                                                                                                               \
        (place) = awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = (threads_), .queue = (queue_) });     \
        if (!(place))                                                                                                  \
            co_raise(ENOMEM);                                                                                          \
    } while (0)

/* ---- threads.c -------------------------------------------------------------------------------------------------- */

/* From here on `good` more threads can be started, and then none. */
void only_threads(int good);

/* The same of processes, in this process and those that it forks. */
void only_forks(int good);
void refuse_forks(int good, int n); /* and then n fail; -1: all */

#endif
