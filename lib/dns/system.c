/*
 * The system's getaddrinfo, on helper threads; see awl/dns.h.
 *
 * Requests live in the loop's memory and are the loop's alone, but for what the mutex guards: the queue, and `current`,
 * the one that a thread works for. A thread looks up a copy of the name with no lock held, and delivers only if its
 * `current` is still set. So a cancelled look-up is forgotten at once, and a loop can be closed while the name service
 * hangs: then the threads are left to themselves, and the last one frees what they share when it comes back.
 *
 * A request for which no thread is free gets one, up to four; one that has nothing to do ends if another has neither.
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "dns_priv.h"

enum { MOST_THREADS = 4 };

typedef struct request {
    awl_handle handle; /* first: how a thread hands it back */
    struct request *next;
    awl_task *task; /* that waits; NULL: it has been cancelled */
    awl_loop *loop;
    int family, error;
    size_t n;
    awl_address found[AWL__MOST_FOUND];
    char name[AWL__LONGEST_NAME + 1];
} request;

typedef struct helper {
    awl__helpers *all;
    enum { NONE, FREE, BUSY, ENDED } state; /* BUSY: within getaddrinfo. ENDED: to be joined */
    request *current;
    pthread_t thread;
} helper;

struct awl__helpers {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    awl_loop *loop; /* NULL: it has been closed */
    request *first, *last;
    size_t queued, free; /* requests, and threads that will look for some */
    size_t refs;         /* once the loop has been closed: who still needs this */
    helper helpers[MOST_THREADS];
    awl__closer closer;
};

/* ---- The thread -------------------------------------------------------------------------------------------------- */

static int error_of(int code)
{
    switch (code) {
    case 0: return 0;
    case EAI_MEMORY: return ENOMEM;
    case EAI_SYSTEM: return errno ? errno : AWL_EDNS;
    case EAI_AGAIN:
    case EAI_FAIL: return AWL_EDNS;
    default: return AWL_ENOHOST;
    }
}

/* Looks up copy->name; the copy is the thread's own. */
static void look_up(request *copy)
{
    const struct addrinfo hints = { .ai_family = copy->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *list = NULL;

    errno = 0;
    copy->n = 0;
    copy->error = error_of(getaddrinfo(copy->name, NULL, &hints, &list));
    for (const struct addrinfo *at = list; at && !copy->error && copy->n < AWL__MOST_FOUND; at = at->ai_next) {
        if (at->ai_addrlen <= sizeof copy->found->of && (at->ai_family == AF_INET || at->ai_family == AF_INET6))
            memcpy(&copy->found[copy->n++].of, at->ai_addr, at->ai_addrlen);
    }
    if (list)
        freeaddrinfo(list);
    if (!copy->error && !copy->n)
        copy->error = AWL_ENOHOST;
}

/* Gives up a reference, and the lock. */
static void let_go(awl__helpers *all)
{
    const bool last = --all->refs == 0;

    pthread_mutex_unlock(&all->mutex);
    if (!last)
        return;
    pthread_cond_destroy(&all->wake);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

/* Waits for a request, with the lock. NULL: there will be none for this thread. */
static request *next_request(awl__helpers *all)
{
    request *q;

    while (all->loop && !all->first && all->free == 1)
        pthread_cond_wait(&all->wake, &all->mutex);
    q = all->first;
    if (!q)
        return NULL;
    all->first = q->next;
    all->queued--;
    return q;
}

static void delivered(void *arg);

static void *run_thread(void *arg)
{
    helper *me = arg;
    awl__helpers *all = me->all;
    request copy;

    pthread_mutex_lock(&all->mutex);
    while ((me->current = next_request(all)) != NULL) {
        copy.family = me->current->family;
        strcpy(copy.name, me->current->name);
        me->state = BUSY;
        all->free--;
        pthread_mutex_unlock(&all->mutex);
        look_up(&copy);
        pthread_mutex_lock(&all->mutex);
        if (!all->loop) { /* closed meanwhile: nobody waits for this thread */
            let_go(all);
            return NULL;
        }
        me->state = FREE;
        all->free++;
        if (me->current) {
            me->current->error = copy.error;
            me->current->n = copy.n;
            memcpy(me->current->found, copy.found, copy.n * sizeof *copy.found);
            awl__post(all->loop, &me->current->handle, delivered, me->current);
        }
    }
    me->state = ENDED;
    all->free--;
    pthread_mutex_unlock(&all->mutex);
    return NULL;
}

/* ---- Starting and stopping them ---------------------------------------------------------------------------------- */

static void close_helpers(awl_loop *loop, awl__closer *closer)
{
    awl__helpers *all = (awl__helpers *)(void *)((char *)closer - offsetof(awl__helpers, closer));
    bool joined[MOST_THREADS];

    if (awl__loop_forked(loop)) /* the threads are the parent's */
        return;
    pthread_mutex_lock(&all->mutex);
    all->loop = NULL;
    all->first = NULL;
    all->refs = 1;
    for (int i = 0; i < MOST_THREADS; i++) {
        helper *h = &all->helpers[i];

        h->current = NULL;
        joined[i] = h->state == FREE || h->state == ENDED;
        if (h->state == BUSY) {
            pthread_detach(h->thread);
            all->refs++;
        }
    }
    pthread_cond_broadcast(&all->wake);
    pthread_mutex_unlock(&all->mutex);
    for (int i = 0; i < MOST_THREADS; i++) {
        if (joined[i])
            pthread_join(all->helpers[i].thread, NULL);
    }
    pthread_mutex_lock(&all->mutex);
    let_go(all);
}

/* Starts a thread, with the lock. Signals are for the program's own threads. Result: 0 or the error. */
static int start_thread(helper *h)
{
    sigset_t blocked, before;
    int error;

    if (h->state == ENDED) /* it has left the lock, or is about to */
        pthread_join(h->thread, NULL);
    h->state = NONE;
    sigfillset(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    error = pthread_create(&h->thread, NULL, run_thread, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return error;
    h->state = FREE;
    h->all->free++;
    return 0;
}

/* Sees to it, with the lock, that some thread will look for one request more. Result: 0 or the error. */
static int ensure_thread(awl__helpers *all)
{
    int alive = 0, error = 0;
    helper *vacant = NULL;

    for (int i = 0; i < MOST_THREADS; i++) {
        helper *h = &all->helpers[i];

        if (h->state == FREE || h->state == BUSY)
            alive++;
        else
            vacant = h;
    }
    if (all->queued >= all->free && vacant)
        error = start_thread(vacant);
    return alive ? 0 : error;
}

/* Those of a loop, made if there are none yet; NULL: no memory. */
static awl__helpers *helpers_of(awl_loop *loop)
{
    awl__dns *dns = awl__dns_of(loop);
    awl__helpers *all;

    if (!dns || dns->helpers)
        return dns ? dns->helpers : NULL;
    all = calloc(1, sizeof *all); /* it may outlive the loop */
    if (!all)
        return NULL;
    all->loop = loop;
    for (int i = 0; i < MOST_THREADS; i++)
        all->helpers[i].all = all;
    pthread_mutex_init(&all->mutex, NULL);
    pthread_cond_init(&all->wake, NULL);
    awl__closer_add(loop, &all->closer, close_helpers);
    return dns->helpers = all;
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

/* In the loop's thread: the answer is there. */
static void delivered(void *arg)
{
    request *q = arg;

    q->loop->outside--;
    if (q->task)
        awl__task_wake(q->task);
    else
        awl__free(q->loop, q, sizeof *q);
}

static int submit(awl_loop *loop, request *q)
{
    awl__helpers *all = helpers_of(loop);
    int error;

    if (!all)
        return ENOMEM;
    pthread_mutex_lock(&all->mutex);
    error = ensure_thread(all);
    if (!error) {
        if (all->first)
            all->last->next = q;
        else
            all->first = q;
        all->last = q;
        all->queued++;
        pthread_cond_signal(&all->wake);
        loop->outside++;
    }
    pthread_mutex_unlock(&all->mutex);
    return error;
}

/* Takes a request from the threads, with the lock. Result: false if it is on its way back. */
static bool take_back(awl__helpers *all, request *q)
{
    request **at, *before = NULL;

    for (int i = 0; i < MOST_THREADS; i++) {
        if (all->helpers[i].current == q && all->helpers[i].state == BUSY) {
            all->helpers[i].current = NULL;
            return true;
        }
    }
    for (at = &all->first; *at; before = *at, at = &(*at)->next) {
        if (*at == q) {
            *at = q->next;
            if (all->last == q)
                all->last = before;
            all->queued--;
            return true;
        }
    }
    return false;
}

/* Nobody wants it any more: it goes now, or, when it is on its way back, as soon as it arrives. */
static void forget(awl_loop *loop, request *q)
{
    awl__helpers *all = loop->dns->helpers;
    bool taken;

    q->task = NULL;
    pthread_mutex_lock(&all->mutex);
    taken = take_back(all, q);
    pthread_mutex_unlock(&all->mutex);
    if (!taken)
        return;
    loop->outside--;
    awl__free(loop, q, sizeof *q);
}

/* ---- The operation ----------------------------------------------------------------------------------------------- */

typedef struct look_up_frame {
    co_frame co;
    const char *host;
    awl_address *addresses;
    size_t cap;
    request *request;
    int family;
} look_up_frame;

enum { LOOK_UP_START, LOOK_UP_WAIT, LOOK_UP_CANCELLED };

static int make_request(look_up_frame *self, awl_task *task)
{
    awl_loop *loop = awl__loop_of(&task->stack);
    request *q;
    int error;

    if (!self->host || !self->host[0] || !self->cap)
        return EINVAL;
    if (strlen(self->host) > AWL__LONGEST_NAME)
        return AWL_ENOHOST;
    q = awl__alloc(loop, sizeof *q);
    if (!q)
        return ENOMEM;
    q->next = NULL;
    q->task = task;
    q->loop = loop;
    q->family = self->family;
    strcpy(q->name, self->host);
    error = submit(loop, q);
    if (error)
        awl__free(loop, q, sizeof *q);
    else
        self->request = q;
    return error;
}

static co_step look_up_step(co_frame *frame, co_stack *stack)
{
    look_up_frame *self = (look_up_frame *)(void *)frame;
    request *q = self->request;
    size_t n;
    int error;

    if (frame->state_ == LOOK_UP_START) {
        error = make_request(self, awl__task_of(stack));
        return error ? awl__op_end_plain(frame, stack, error) : awl__block_at(frame, stack, LOOK_UP_WAIT);
    }
    if (frame->state_ == LOOK_UP_CANCELLED)
        return awl__op_end(frame, stack, ECANCELED);
    error = stack->promise_.error_ ? ECANCELED : q->error;
    n = q->n < self->cap ? q->n : self->cap;
    if (!error)
        memcpy(self->addresses, q->found, n * sizeof *q->found);
    awl__free(q->loop, q, sizeof *q);
    return error ? awl__op_end(frame, stack, error) : awl__op_end_int(frame, stack, (int64_t)n);
}

static bool look_up_cancel(co_frame *frame, co_stack *stack)
{
    forget(awl__loop_of(stack), ((look_up_frame *)(void *)frame)->request);
    frame->state_ = LOOK_UP_CANCELLED;
    awl__task_wake(awl__task_of(stack));
    return true;
}

static const co_type look_up_type = { look_up_step, look_up_cancel,        "awl_resolver_look_up",
                                      __FILE__,     sizeof(look_up_frame), __LINE__ };

bool awl__look_up_inspect(awl__dump *dump, const co_frame *leaf)
{
    const look_up_frame *self = (const look_up_frame *)(const void *)leaf;

    if (leaf->type_ != &look_up_type)
        return false;
    awl__dump_say(dump, "the addresses of %s", self->request->name);
    return true;
}

awl_coro awl__system_look_up(const char *host, int family, awl_address *addresses, size_t cap)
{
    look_up_frame *self = awl__op_new(&look_up_type, sizeof *self);

    if (self) {
        self->host = host;
        self->family = family;
        self->addresses = addresses;
        self->cap = cap;
    }
    return awl__op(self);
}
