/*
 * Threads and processes as tests want them: the linker leads the calls of these functions to here.
 *
 * pthread_create and fork fail when a test says so. With a number in AWL_DELAYS, each thread that takes or gives back a mutex,
 * or signals, stops now and then for up to 200 microseconds, as that seed has it: so orders come up that are rare
 * elsewhere.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void only_threads(int good);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
void only_forks(int good);
void refuse_forks(int good, int n);
pid_t __real_fork(void);
pid_t __wrap_fork(void);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);

/* ---- Threads that cannot be started ----------------------------------------------------------------------------- */

static int left = -1; /* how many can; -1: any number */

void only_threads(int good) { left = good; }

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    if (left == 0)
        return EAGAIN;
    if (left > 0)
        left--;
    return __real_pthread_create(thread, attr, fn, arg);
}

/* ---- Processes that cannot be started: a child has what is left ------------------------------------------------- */

static int forks_left = -1, refusals = -1; /* then so many fail; -1: all */

void only_forks(int good) { refuse_forks(good, -1); }

void refuse_forks(int good, int n)
{
    forks_left = good;
    refusals = n;
}

pid_t __wrap_fork(void)
{
    if (forks_left == 0 && refusals) {
        refusals -= refusals > 0;
        errno = EAGAIN;
        return -1;
    }
    if (forks_left > 0)
        forks_left--;
    return __real_fork();
}

/* ---- Delays ----------------------------------------------------------------------------------------------------- */

static unsigned seed; /* 0: no delays */
static _Atomic unsigned threads;
static _Thread_local unsigned state;

__attribute__((constructor)) static void read_seed(void)
{
    const char *text = getenv("AWL_DELAYS");

    seed = text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static void maybe_stop(void)
{
    if (!seed)
        return;
    if (!state)
        state = (seed * 0x9e3779b9u + ++threads * 0x85ebca6bu) | 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    if (state >> 8 & 63)
        return;
    nanosleep(&(struct timespec){ .tv_nsec = (long)(state % 200000) }, NULL);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    maybe_stop();
    return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    const int error = __real_pthread_mutex_unlock(mutex);

    maybe_stop();
    return error;
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
    maybe_stop();
    return __real_pthread_cond_signal(cond);
}
