/*
 * Names to addresses: getaddrinfo on a helper thread; see awl/dns.h.
 *
 * Requests live in the loop's memory and are the loop's alone, but for what the mutex guards: the queue, and `current`,
 * the one that the thread works for. The thread looks up a copy of the name with no lock held, and delivers only if
 * `current` is still set. So a cancelled look-up is forgotten at once, and a loop can be closed while the name service
 * hangs: then the thread is left to itself, and frees the resolver when it comes back.
 */
#define _GNU_SOURCE
#include "awl/dns.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../task/task_priv.h"

enum { LONGEST_NAME = 255, MOST_FOUND = 16 };

typedef struct request {
    awl_handle handle; /* first: how the thread hands it back */
    struct request *next;
    awl_task *task; /* that waits; NULL: it has been cancelled */
    awl_loop *loop;
    int port, family, error;
    size_t n;
    awl_address found[MOST_FOUND];
    char name[LONGEST_NAME + 1];
} request;

typedef struct resolver {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    awl_loop *loop; /* NULL: it has been closed */
    request *first, *last;
    request *current;
    bool busy; /* the thread is within getaddrinfo */
    pthread_t thread;
    awl__closer *closer; /* in the loop's memory */
} resolver;

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

/* Looks up request->name for the thread, which works on a copy. */
static void look_up(request *copy)
{
    const struct addrinfo hints = { .ai_family = copy->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *list = NULL;

    errno = 0;
    copy->n = 0;
    copy->error = error_of(getaddrinfo(copy->name, NULL, &hints, &list));
    for (const struct addrinfo *at = list; at && !copy->error && copy->n < MOST_FOUND; at = at->ai_next) {
        awl_address *address = &copy->found[copy->n];

        if (at->ai_addrlen > sizeof address->of || (at->ai_family != AF_INET && at->ai_family != AF_INET6))
            continue;
        memcpy(&address->of, at->ai_addr, at->ai_addrlen);
        if (at->ai_family == AF_INET)
            address->of.v4.sin_port = htons((uint16_t)copy->port);
        else
            address->of.v6.sin6_port = htons((uint16_t)copy->port);
        copy->n++;
    }
    if (list)
        freeaddrinfo(list);
    if (!copy->error && !copy->n)
        copy->error = AWL_ENOHOST;
}

static void delivered(void *arg);

static void free_resolver(resolver *r)
{
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

static void *run_thread(void *arg)
{
    resolver *r = arg;
    request copy;

    pthread_mutex_lock(&r->mutex);
    for (;;) {
        while (r->loop && !r->first)
            pthread_cond_wait(&r->wake, &r->mutex);
        if (!r->loop)
            break;
        r->current = r->first;
        r->first = r->current->next;
        copy = *r->current;
        r->busy = true;
        pthread_mutex_unlock(&r->mutex);
        look_up(&copy);
        pthread_mutex_lock(&r->mutex);
        r->busy = false;
        if (!r->loop) { /* closed meanwhile: nobody waits for this thread */
            pthread_mutex_unlock(&r->mutex);
            free_resolver(r);
            return NULL;
        }
        if (r->current) {
            r->current->error = copy.error;
            r->current->n = copy.n;
            memcpy(r->current->found, copy.found, sizeof copy.found);
            awl_call_soon_threadsafe(r->loop, &r->current->handle, delivered, r->current);
            r->current = NULL;
        }
    }
    pthread_mutex_unlock(&r->mutex);
    return NULL;
}

/* ---- Starting and stopping it ------------------------------------------------------------------------------------ */

static void close_resolver(awl_loop *loop, awl__closer *closer)
{
    resolver *r = loop->resolver;
    pthread_t thread = r->thread;
    bool busy;

    loop->resolver = NULL;
    awl__free(loop, closer, sizeof *closer);
    pthread_mutex_lock(&r->mutex);
    r->loop = NULL;
    r->current = r->first = NULL;
    busy = r->busy;
    pthread_cond_signal(&r->wake);
    if (busy)
        pthread_detach(thread);
    pthread_mutex_unlock(&r->mutex);
    if (busy)
        return;
    pthread_join(thread, NULL);
    free_resolver(r);
}

/* Signals are for the program's own threads. */
static int start_thread(resolver *r)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&r->thread, NULL, run_thread, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static int open_resolver(awl_loop *loop)
{
    resolver *r;
    int error = ENOMEM;

    if (loop->resolver)
        return 0;
    r = calloc(1, sizeof *r);
    if (!r)
        return ENOMEM;
    r->loop = loop;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->wake, NULL);
    r->closer = awl__alloc(loop, sizeof *r->closer);
    if (!r->closer)
        goto free_r;
    error = start_thread(r);
    if (error)
        goto free_closer;
    loop->resolver = r;
    awl__closer_add(loop, r->closer, close_resolver);
    return 0;

free_closer:
    awl__free(loop, r->closer, sizeof *r->closer);
free_r:
    free_resolver(r);
    return error;
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
    resolver *r;
    const int error = open_resolver(loop);

    if (error)
        return error;
    r = loop->resolver;
    pthread_mutex_lock(&r->mutex);
    q->next = NULL;
    if (r->first)
        r->last->next = q;
    else
        r->first = q;
    r->last = q;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->mutex);
    loop->outside++;
    return 0;
}

/* Nobody wants it any more: it goes now, or, when it is on its way back, as soon as it arrives. */
static void forget(awl_loop *loop, request *q)
{
    resolver *r = loop->resolver;
    request **at, *before = NULL;
    bool found = false;

    pthread_mutex_lock(&r->mutex);
    if (r->current == q) {
        r->current = NULL;
        found = true;
    }
    for (at = &r->first; *at && !found; before = *at, at = &(*at)->next) {
        if (*at == q) {
            *at = q->next;
            if (r->last == q)
                r->last = before;
            found = true;
            break;
        }
    }
    pthread_mutex_unlock(&r->mutex);
    q->task = NULL;
    if (!found)
        return;
    loop->outside--;
    awl__free(loop, q, sizeof *q);
}

/* ---- awl_getaddrinfo --------------------------------------------------------------------------------------------- */

typedef struct look_up_frame {
    co_frame co;
    const char *host;
    int port, family;
    awl_address *addresses;
    size_t cap;
    request *request;
} look_up_frame;

enum { LOOK_UP_START, LOOK_UP_WAIT, LOOK_UP_CANCELLED };

static int make_request(look_up_frame *self, awl_task *task)
{
    awl_loop *loop = awl__loop_of(&task->stack);
    request *q;
    int error;

    if (strlen(self->host) > LONGEST_NAME)
        return AWL_ENOHOST;
    q = awl__alloc(loop, sizeof *q);
    if (!q)
        return ENOMEM;
    memset(q, 0, sizeof *q);
    q->task = task;
    q->loop = loop;
    q->port = self->port;
    q->family = self->family;
    memcpy(q->name, self->host, strlen(self->host));
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
    const bool cancelled = frame->state_ == LOOK_UP_CANCELLED || stack->promise_.error_;
    request *q;
    size_t n;
    int error;

    if (frame->state_ == LOOK_UP_START) {
        if (!self->host || !self->host[0] || self->port < 0 || self->port > 65535 || !self->cap)
            return awl__op_end(frame, stack, EINVAL);
        if (!awl_address_parse(self->host, self->port, self->addresses)) {
            const int family = self->addresses->of.any.sa_family;
            const bool wanted = self->family == AF_UNSPEC || self->family == family;

            return wanted ? awl__op_end_int(frame, stack, 1) : awl__op_end(frame, stack, AWL_ENOHOST);
        }
        error = make_request(self, awl__task_of(stack));
        return error ? awl__op_end(frame, stack, error) : awl__block_at(frame, stack, LOOK_UP_WAIT);
    }
    if (frame->state_ == LOOK_UP_CANCELLED)
        return awl__op_end(frame, stack, ECANCELED);
    q = self->request;
    error = cancelled ? ECANCELED : q->error;
    n = q->n < self->cap ? q->n : self->cap;
    if (!error)
        memcpy(self->addresses, q->found, n * sizeof *q->found);
    awl__free(q->loop, q, sizeof *q);
    return error ? awl__op_end(frame, stack, error) : awl__op_end_int(frame, stack, (int64_t)n);
}

static bool look_up_cancel(co_frame *frame, co_stack *stack)
{
    look_up_frame *self = (look_up_frame *)(void *)frame;

    forget(awl__loop_of(stack), self->request);
    frame->state_ = LOOK_UP_CANCELLED;
    awl__task_wake(awl__task_of(stack));
    return true;
}

static const co_type look_up_type = { look_up_step, look_up_cancel,        "awl_getaddrinfo",
                                      __FILE__,     sizeof(look_up_frame), __LINE__ };

awl_coro awl_getaddrinfo(const char *host, int port, int family, awl_address *addresses, size_t cap)
{
    look_up_frame *self = awl__op_new(&look_up_type, sizeof *self);

    if (self) {
        self->host = host;
        self->port = port;
        self->family = family;
        self->addresses = addresses;
        self->cap = cap;
        self->request = NULL;
    }
    return awl__op(self);
}
