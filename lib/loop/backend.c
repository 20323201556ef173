/*
 * The kernel's side of the loop, on libevent_core: the only file here that knows libevent.
 *
 * The nearest deadline is one timerfd, armed only before the loop blocks and only when an earlier deadline than the
 * armed one has come up; a libevent timer would be 3 ms late or cost 276 ns in every pass. Other threads post calls
 * to a list under a mutex and ring an eventfd, once until the list is taken.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "loop_priv.h"

/* A reader or writer of a descriptor of the user's. */
typedef struct watch {
    awl__link link; /* kind AWL__IO */
    awl_loop *loop;
    struct event *event;
    struct watch *next;
    awl_fn *fn;
    void *arg;
    int fd;
    short what;
} watch;

/* Descriptors in one poll, but for readers and writers: what each wakes should run while what was touched is in the cache.
 * The others have their turn in the next. */
enum { MOST_FIRED = 64 };

struct awl__backend {
    struct event_base *base;
    struct event *timer, *wake, *soon;
    int timer_fd, wake_fd;
    awl_time armed; /* when the timerfd fires; AWL_FOREVER: never */
    bool own_base;
    int quiet_ios; /* of which nothing is waited for */
    int fired;     /* descriptors in the present poll */
    watch *watches;
    pthread_mutex_t mutex; /* guards `posted` */
    awl__entry *posted;    /* tail */
};

_Static_assert(sizeof(time_t) == EVENT__SIZEOF_TIME_T, "libevent was built with another time_t than this program");

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* Lets the timerfd fire at `when`, if it would not fire before. */
static void arm(struct awl__backend *backend, awl_time when)
{
    struct itimerspec at = { .it_value = { .tv_sec = (time_t)(when / AWL_SECOND), .tv_nsec = (long)(when % AWL_SECOND) } };

    if (when >= backend->armed)
        return;
    if (when <= 0)
        at.it_value = (struct timespec){ .tv_nsec = 1 }; /* zero would disarm it, and less is refused */
    timerfd_settime(backend->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    backend->armed = when;
}

void awl__backend_poll(awl_loop *loop, awl_time timeout)
{
    struct awl__backend *backend = loop->backend;

    if (timeout > 0 && timeout != AWL_FOREVER)
        arm(backend, loop->now + timeout);
    backend->fired = 0;
    event_base_loop(backend->base, timeout > 0 ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
    awl_loop *loop = arg;

    (void)fd, (void)what; /* edge-triggered: the count in it need not be read */
    loop->backend->armed = AWL_FOREVER;
    if (loop->attached)
        awl__loop_pump(loop);
}

/* ---- Attached to a base of somebody else's ------------------------------------------------------------------------- */

void awl__backend_arm(awl_loop *loop, awl_time when) { arm(loop->backend, when); }

/* A timer of no time comes up in the base's next pass; an event made active from a callback would starve the rest, but it
 * needs no memory. */
void awl__backend_soon(awl_loop *loop)
{
    if (event_add(loop->backend->soon, &(struct timeval){ 0, 0 }) < 0)
        event_active(loop->backend->soon, EV_TIMEOUT, 1);
}

static void soon_fired(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    awl__loop_pump(arg);
}

/* ---- Calls from other threads, and signals ---------------------------------------------------------------------------------------- */

void awl__backend_ring(const awl_loop *loop)
{
    const uint64_t one = 1;

    while (write(loop->backend->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void awl__backend_post(awl_loop *loop, awl__entry *call)
{
    struct awl__backend *backend = loop->backend;
    bool first;

    call->kind_ = AWL__POSTED;
    pthread_mutex_lock(&backend->mutex);
    first = backend->posted == NULL;
    awl__list_push(&backend->posted, call);
    if (first) /* within the lock: the loop cannot be closed before the bell has been rung */
        awl__backend_ring(loop);
    pthread_mutex_unlock(&backend->mutex);
}

static void take_posted(awl_loop *loop)
{
    struct awl__backend *backend = loop->backend;
    awl__entry *calls;

    pthread_mutex_lock(&backend->mutex);
    calls = backend->posted;
    backend->posted = NULL;
    pthread_mutex_unlock(&backend->mutex);
    awl__ready_all(loop, &calls);
}

static void wake_fired(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what; /* edge-triggered as well */
    take_posted(arg);
    awl__signals_look(arg);
}

/* ---- Descriptors that are registered once ------------------------------------------------------------------------- */

static void io_fired(evutil_socket_t fd, short what, void *arg)
{
    awl__io *io = arg;
    const awl_loop *loop = io->loop; /* `changed` may end it */

    (void)fd;
    if (what & EV_CLOSED)
        io->ended = true;
    io->changed(io, what & (EV_READ | EV_CLOSED), what & EV_WRITE);
    if (!loop->attached && ++loop->backend->fired == MOST_FIRED)
        event_base_loopbreak(loop->backend->base);
}

static bool tells_end(const awl_loop *loop)
{
    return event_base_get_features(loop->backend->base) & EV_FEATURE_EARLY_CLOSE;
}

/* Registers a descriptor. 0 or the error. */
static int add_event(awl_loop *loop, awl__io *io, int fd, struct event **made)
{
    struct event *event = awl__alloc(loop, event_get_struct_event_size());
    const short what =
        EV_READ | (io->only_reads ? 0 : EV_WRITE) | EV_ET | EV_PERSIST | (tells_end(loop) ? EV_CLOSED : 0);

    if (!event)
        return ENOMEM;
    errno = 0;
    if (event_assign(event, loop->backend->base, fd, what, io_fired, io) < 0 || event_add(event, NULL) < 0) {
        const int error = errno ? errno : ENOMEM;
        awl__free(loop, event, event_get_struct_event_size());
        return error;
    }
    *made = event;
    return 0;
}

static void drop_event(awl_loop *loop, struct event *event)
{
    if (!loop->abandoned)
        event_del(event);
    awl__free(loop, event, event_get_struct_event_size());
}

int awl__io_open(awl_loop *loop, awl__io *io, int fd)
{
    struct event *event;
    const int error = add_event(loop, io, fd, &event);

    if (error)
        return error;
    io->loop = loop;
    io->event = event;
    io->fd = fd;
    io->ended = !tells_end(loop);
    loop->backend->quiet_ios += io->quiet;
    return 0;
}

/* The new event first: so the descriptor is registered also where that fails. */
int awl__io_writes(awl__io *io, bool wanted)
{
    struct event *event;
    int error;

    if (io->only_reads != wanted)
        return 0;
    io->only_reads = !wanted;
    error = add_event(io->loop, io, io->fd, &event);
    if (error) {
        io->only_reads = wanted;
        return error;
    }
    drop_event(io->loop, io->event);
    io->event = event;
    return 0;
}

void awl__io_close(awl__io *io)
{
    if (!io || !io->event)
        return;
    drop_event(io->loop, io->event);
    io->event = NULL;
    io->loop->backend->quiet_ios -= io->quiet;
}

/* The timer, the bell and what is quiet are always there; readers, writers and streams have events, too. */
bool awl__backend_idle(const awl_loop *loop)
{
    const struct awl__backend *backend = loop->backend;

    return !loop->attached &&
           event_base_get_num_events(backend->base, EVENT_BASE_COUNT_ADDED) <= 2 + backend->quiet_ios;
}

/* ---- Readers and writers of the user's ------------------------------------------------------------------------------ */

static void watch_fired(evutil_socket_t fd, short what, void *arg)
{
    watch *w = arg;

    (void)fd, (void)what;
    if (!(w->link.entry_.flags_ & AWL__READY))
        awl__ready(w->loop, &w->link.entry_);
}

static void run_watch(awl_loop *loop, awl__entry *entry)
{
    watch *w = (watch *)(void *)entry;

    (void)loop;
    entry->flags_ &= (uint8_t)~AWL__READY;
    w->fn(w->arg);
}

static watch **find_watch(awl_loop *loop, int fd, short what)
{
    watch **at = &loop->backend->watches;

    while (*at && ((*at)->fd != fd || (*at)->what != what))
        at = &(*at)->next;
    return at;
}

/* 0, or why a descriptor cannot be waited for: libevent would say it on stderr. */
static int check_descriptor(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return errno;
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? EPERM : 0;
}

static int add_watch(awl_loop *loop, int fd, short what, awl_fn *fn, void *arg)
{
    watch *w;
    int error;

    loop = awl__loop_check(loop);
    if (!loop || !fn)
        return EINVAL;
    w = *find_watch(loop, fd, what);
    if (w) {
        w->fn = fn;
        w->arg = arg;
        return 0;
    }
    error = check_descriptor(fd);
    if (error)
        return error;
    error = ENOMEM;
    w = awl__alloc(loop, sizeof *w);
    if (!w)
        return error;
    memset(w, 0, sizeof *w);
    w->link.entry_.kind_ = AWL__IO;
    w->link.entry_.flags_ = AWL__HAS_PREV;
    w->loop = loop;
    w->fn = fn;
    w->arg = arg;
    w->fd = fd;
    w->what = what;
    w->event = awl__alloc(loop, event_get_struct_event_size());
    if (!w->event)
        goto free_watch;
    errno = 0;
    if (event_assign(w->event, loop->backend->base, fd, what | EV_PERSIST, watch_fired, w) < 0 ||
        event_add(w->event, NULL) < 0) {
        error = errno ? errno : ENOMEM;
        goto free_event;
    }
    w->next = loop->backend->watches;
    loop->backend->watches = w;
    return 0;

free_event:
    awl__free(loop, w->event, event_get_struct_event_size());
free_watch:
    awl__free(loop, w, sizeof *w);
    return error;
}

static void drop_watch(awl_loop *loop, watch **at)
{
    watch *w = *at;

    *at = w->next;
    if (w->link.entry_.flags_ & AWL__READY)
        awl__unready(loop, &w->link.entry_);
    if (!loop->abandoned)
        event_del(w->event);
    awl__free(loop, w->event, event_get_struct_event_size());
    awl__free(loop, w, sizeof *w);
}

static bool remove_watch(awl_loop *loop, int fd, short what)
{
    watch **at;

    loop = awl__loop_check(loop);
    at = loop ? find_watch(loop, fd, what) : NULL;
    if (!at || !*at)
        return false;
    drop_watch(loop, at);
    return true;
}

int awl_add_reader(awl_loop *loop, int fd, awl_fn *fn, void *arg) { return add_watch(loop, fd, EV_READ, fn, arg); }

int awl_add_writer(awl_loop *loop, int fd, awl_fn *fn, void *arg) { return add_watch(loop, fd, EV_WRITE, fn, arg); }

bool awl_remove_reader(awl_loop *loop, int fd) { return remove_watch(loop, fd, EV_READ); }

bool awl_remove_writer(awl_loop *loop, int fd) { return remove_watch(loop, fd, EV_WRITE); }

/* ---- Opening and closing ---------------------------------------------------------------------------------------------- */

/* libevent 2.1 ends the program when it cannot open its descriptors: see first whether there are some. */
static int check_descriptors(void)
{
    int fds[4], n = 0, error = 0;

    for (; n < 4 && !error; n++) {
        fds[n] = eventfd(0, EFD_CLOEXEC);
        if (fds[n] < 0)
            error = errno;
    }
    while (n-- > 0) {
        if (fds[n] >= 0)
            close(fds[n]);
    }
    return error;
}

static struct event_base *open_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
        event_config_require_features(config, EV_FEATURE_ET) == 0)
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

/* Opens a descriptor's event and adds it. */
static struct event *listen_to(struct event_base *base, int fd, event_callback_fn fn, awl_loop *loop)
{
    struct event *event = event_new(base, fd, EV_READ | EV_ET | EV_PERSIST, fn, loop);

    if (event && event_add(event, NULL) < 0) {
        event_free(event);
        event = NULL;
    }
    return event;
}

/* Releases whatever of a backend has been opened. */
static void release(struct awl__backend *backend, bool abandoned)
{
    struct event *events[] = { backend->timer, backend->wake, backend->soon };

    for (size_t i = 0; i < sizeof events / sizeof *events && !abandoned; i++) {
        if (events[i])
            event_free(events[i]);
    }
    if (backend->own_base && backend->base && !abandoned)
        event_base_free(backend->base);
    if (backend->timer_fd >= 0)
        close(backend->timer_fd);
    if (backend->wake_fd >= 0)
        close(backend->wake_fd);
}

bool awl__backend_can_ride(struct event_base *base) { return event_base_get_features(base) & EV_FEATURE_ET; }

int awl__backend_open(awl_loop *loop, struct event_base *base)
{
    struct awl__backend *backend;
    int error = check_descriptors();

    if (error)
        return error;
    backend = awl__alloc(loop, sizeof *backend);
    if (!backend)
        return loop->pool.fixed ? EINVAL : ENOMEM;
    memset(backend, 0, sizeof *backend);
    error = ENOMEM;
    backend->armed = AWL_FOREVER;
    backend->own_base = base == NULL;
    backend->base = base ? base : open_base();
    backend->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    backend->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (backend->timer_fd < 0 || backend->wake_fd < 0)
        error = errno;
    if (!backend->base || backend->timer_fd < 0 || backend->wake_fd < 0)
        goto release_backend;
    backend->timer = listen_to(backend->base, backend->timer_fd, timer_fired, loop);
    backend->wake = listen_to(backend->base, backend->wake_fd, wake_fired, loop);
    backend->soon = event_new(backend->base, -1, 0, soon_fired, loop);
    if (!backend->timer || !backend->wake || !backend->soon)
        goto release_backend;
    pthread_mutex_init(&backend->mutex, NULL);
    loop->backend = backend;
    loop->run[AWL__IO] = run_watch;
    return 0;

release_backend:
    release(backend, false);
    awl__pool_close(&loop->pool);
    return error;
}

/*
 * Another epoll takes the place of the one that is shared; also in a base of somebody else's, whose owner has to do that,
 * too, before it is used in the child. With no descriptor left for it libevent would end the program: then the old one goes
 * with the process. A lock that a thread of the parent's held stays locked, and what it guards is lost.
 */
void awl__backend_detach(awl_loop *loop)
{
    struct awl__backend *backend = loop->backend;

    loop->abandoned = check_descriptors() || event_reinit(backend->base) < 0;
    if (pthread_mutex_trylock(&backend->mutex) == 0) {
        pthread_mutex_unlock(&backend->mutex);
        return;
    }
    pthread_mutex_init(&backend->mutex, NULL);
    backend->posted = NULL;
}

void awl__backend_close(awl_loop *loop)
{
    struct awl__backend *backend = loop->backend;

    take_posted(loop);
    awl__handles_close(loop);
    while (backend->watches)
        drop_watch(loop, &backend->watches);
    release(backend, loop->abandoned);
    pthread_mutex_destroy(&backend->mutex);
    awl__free(loop, backend, sizeof *backend);
}

struct event_base *awl__backend_base(awl_loop *loop) { return loop->backend->base; }
