/*
 * Signals for loops. What a process has one of, its handlers, is shared by all loops here; nothing else is.
 *
 * A real handler (sigaction, SA_RESTART) counts a signal for each that watches for it and rings the bell of its loop,
 * an eventfd that is there already. Not a signalfd: that needs the signal blocked in every thread, which a library
 * cannot arrange after the fact, and a blocked signal stays so in the programs that are run by this one.
 *
 * The handler takes no lock and walks a list that others change: who takes something out waits until no handler is
 * under way before its memory is used again. A forked child has the handlers of before, and watches for nothing.
 *
 * Others may put a handler over ours that calls it. Then ours stays below theirs for ever, and does for nobody what the
 * one before it did; nor may it call a handler that calls it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop_priv.h"
#include "signal_priv.h"

/* What sigaction says, in less space: its mask has room for a thousand signals. */
typedef struct action {
    union {
        void (*plain)(int number);
        void (*info)(int number, siginfo_t *info, void *context);
    } fn;
    int flags;
    unsigned char mask[(NSIG + 6) / 8];
} action;

_Static_assert(sizeof((action *)0)->mask <= sizeof(sigset_t), "the first bytes of a set are those of the signals");

static action pack(const struct sigaction *from)
{
    action to = { .flags = from->sa_flags };

    if (from->sa_flags & SA_SIGINFO)
        to.fn.info = from->sa_sigaction;
    else
        to.fn.plain = from->sa_handler;
    memcpy(to.mask, &from->sa_mask, sizeof to.mask);
    return to;
}

static void act(int number, const action *from)
{
    struct sigaction to = { .sa_flags = from->flags };

    if (from->flags & SA_SIGINFO)
        to.sa_sigaction = from->fn.info;
    else
        to.sa_handler = from->fn.plain;
    sigemptyset(&to.sa_mask);
    memcpy(&to.sa_mask, from->mask, sizeof from->mask);
    sigaction(number, &to, NULL);
}

static bool is_default(const action *what) { return !(what->flags & SA_SIGINFO) && what->fn.plain == SIG_DFL; }

/* One signal's: who watches for it. The first that does installs our handler, the last puts back what was there. */
typedef struct slot {
    _Atomic(awl__signal *) first;
    action before;
    action under;       /* what was there before somebody put a handler over ours, */
    atomic_bool buried; /* which may call ours for ever: that then calls this */
} slot;

static slot slots[NSIG];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of the slots; a handler only reads them */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_uint under_way; /* handlers, in all threads */
static atomic_int owner;      /* the process whose slots these are */

/* ---- The handler ------------------------------------------------------------------------------------------------- */

/* Of this thread: a handler of before is being called, which may call ours. */
static _Thread_local volatile sig_atomic_t calling;

static void call(const action *before, int number, siginfo_t *info, void *context)
{
    calling = 1;
    if (before->flags & SA_SIGINFO)
        before->fn.info(number, info, context);
    else if (before->fn.plain != SIG_DFL && before->fn.plain != SIG_IGN)
        before->fn.plain(number);
    calling = 0;
}

/* What is to become of a signal that has come. */
typedef enum fate {
    TOLD,   /* those that watch for it know */
    BEFORE, /* what it did before */
    AGAIN,  /* the last that watched has just gone: whatever it does now */
    BELOW,  /* a handler over ours calls it for nobody: what was under it all */
} fate;

static fate tell(slot *at)
{
    bool asked = false;

    if (getpid() != atomic_load(&owner)) /* we are between a fork and what follows it: it is not our parent's signal */
        return BEFORE;
    if (calling || (!atomic_load(&at->first) && atomic_load(&at->buried)))
        return BELOW;
    if (!atomic_load(&at->first))
        return AGAIN;

    for (awl__signal *s = atomic_load(&at->first); s; s = atomic_load(&s->next))
        asked |= !s->stands_in;
    for (awl__signal *s = atomic_load(&at->first); s; s = atomic_load(&s->next)) {
        if (asked && s->stands_in)
            continue;
        if (atomic_fetch_add(&s->came, 1) > 0 && s->stands_in)
            return BEFORE;
        if (s->again && atomic_load(&s->came) - atomic_load_explicit(&s->seen, memory_order_relaxed) > 1)
            s->again(s);
        awl__backend_ring(s->loop);
    }
    return TOLD;
}

/* For this very thread. Not raise: between a vfork and an exec musl's would do it for the parent's. */
static void raise_here(int number) { syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), number); }

static void caught(int number, siginfo_t *info, void *context)
{
    const int error = errno;
    slot *at = &slots[number];
    action before = { .flags = 0 };
    fate what;

    atomic_fetch_add(&under_way, 1);
    what = tell(at);
    if (what == BEFORE || number == SIGCHLD)
        before = at->before;
    atomic_fetch_sub(&under_way, 1);

    /* What is raised now comes when this handler returns. SIGCHLD does nothing by default, but others may want it. */
    if (what == BEFORE)
        act(number, &before);
    if (what == BEFORE || what == AGAIN)
        raise_here(number);
    else if (what == BELOW)
        call(&at->under, number, info, context);
    else if (number == SIGCHLD)
        call(&before, number, info, context);
    errno = error;
}

bool awl__signal_is_ours(const struct sigaction *what)
{
    return what->sa_flags & SA_SIGINFO && what->sa_sigaction == caught;
}

/* Those of other threads come to their end: they are short. */
static void await_handlers(void)
{
    while (atomic_load(&under_way))
        sched_yield();
}

/* ---- Watching ---------------------------------------------------------------------------------------------------- */

/* It is written only where it has changed: a handler that was about to run when it was taken away may read it yet. */
static void keep(slot *at, action before)
{
    if (at->before.fn.plain != before.fn.plain || at->before.flags != before.flags ||
        memcmp(at->before.mask, before.mask, sizeof before.mask) != 0)
        at->before = before;
}

static int install(int number, slot *at, bool by_default)
{
    struct sigaction ours = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK }, before;

    await_handlers();
    sigfillset(&ours.sa_mask);
    if (sigaction(number, NULL, &before) < 0)
        return errno;
    keep(at, pack(&before));
    if (by_default && !is_default(&at->before))
        return EEXIST;
    return sigaction(number, &ours, NULL) < 0 ? errno : 0;
}

/* Puts back what was there, unless somebody else has put something there since. */
static void put_back(int number, slot *at)
{
    struct sigaction now;

    if (sigaction(number, NULL, &now) == 0 && awl__signal_is_ours(&now)) {
        act(number, &at->before);
    } else if (!atomic_load(&at->buried)) {
        at->under = at->before;
        atomic_store(&at->buried, true);
    }
}

static void before_fork(void) { pthread_mutex_lock(&mutex); }

static void in_parent(void) { pthread_mutex_unlock(&mutex); }

static void in_child(void)
{
    for (int number = 1; number < NSIG; number++) {
        if (!atomic_load(&slots[number].first))
            continue;
        put_back(number, &slots[number]);
        atomic_store(&slots[number].first, NULL);
    }
    atomic_store(&under_way, 0);
    atomic_store(&owner, getpid());
    pthread_mutex_unlock(&mutex);
}

static void begin(void)
{
    atomic_store(&owner, getpid());
    pthread_atfork(before_fork, in_parent, in_child);
}

/* Takes it out of its slot; the mutex is held. In a forked child it is in none. */
static void unlink_signal(awl__signal *s)
{
    slot *at = &slots[s->number];
    _Atomic(awl__signal *) *place = &at->first;

    while (atomic_load(place) && atomic_load(place) != s)
        place = &atomic_load(place)->next;
    if (!atomic_load(place))
        return;

    /* While our handler is there somebody is in the list: else a signal to this very thread would be raised again by
     * it, for ever, and this would never go on. */
    if (place == &at->first && !atomic_load(&s->next))
        put_back(s->number, at);
    atomic_store(place, atomic_load(&s->next));
}

int awl__signal_add(awl_loop *loop, awl__signal *s, int number, void (*fn)(awl__signal *s), unsigned flags)
{
    slot *at = &slots[number > 0 && number < NSIG ? number : 0];
    int error = 0;

    if (at == slots)
        return EINVAL;
    memset(s, 0, sizeof *s);
    s->link.entry_.kind_ = AWL__SIGNAL;
    s->link.entry_.flags_ = AWL__HAS_PREV;
    s->loop = loop;
    s->fn = fn;
    s->number = number;
    s->stands_in = flags & AWL__STANDS_IN;
    s->aside = flags & AWL__ASIDE;
    pthread_once(&once, begin);

    /* It is on the list before a handler can come. */
    pthread_mutex_lock(&mutex);
    atomic_store(&s->next, atomic_load(&at->first));
    atomic_store(&at->first, s);
    if (!atomic_load(&s->next))
        error = install(number, at, flags & (AWL__STANDS_IN | AWL__ASIDE));
    else if (s->stands_in && !is_default(&at->before))
        error = EEXIST;
    if (error)
        atomic_store(&at->first, atomic_load(&s->next));
    pthread_mutex_unlock(&mutex);
    if (error) {
        await_handlers(); /* another thread's may look at it */
        return error;
    }

    s->all.next = &loop->signals;
    s->all.prev = loop->signals.prev;
    s->all.prev->next = loop->signals.prev = &s->all;
    if (!s->stands_in && !s->aside)
        loop->outside++;
    return 0;
}

void awl__signal_remove(awl__signal *s)
{
    if (!s->all.next)
        return;
    pthread_mutex_lock(&mutex);
    unlink_signal(s);
    pthread_mutex_unlock(&mutex);
    await_handlers();
    s->all.prev->next = s->all.next;
    s->all.next->prev = s->all.prev;
    s->all.next = s->all.prev = NULL;
    if (s->link.entry_.flags_ & AWL__READY)
        awl__unready(s->loop, &s->link.entry_);
    if (!s->stands_in && !s->aside)
        s->loop->outside--;
}

/* ---- In the loop ------------------------------------------------------------------------------------------------- */

void awl__signals_look(awl_loop *loop)
{
    for (awl__block *all = loop->signals.next; all != &loop->signals; all = all->next) {
        awl__signal *s = awl__signal_at(all);

        if (awl__signal_is_due(s) && !(s->link.entry_.flags_ & AWL__READY))
            awl__ready(loop, &s->link.entry_);
    }
}

/* Its turn, once for each time that it came. It may be gone after the call. */
static void run_signal(awl_loop *loop, awl__entry *entry)
{
    awl__signal *s = (awl__signal *)(void *)entry;

    entry->flags_ &= (uint8_t)~AWL__READY;
    if (++s->seen != atomic_load(&s->came))
        awl__ready(loop, entry);
    s->fn(s);
}

void awl__signals_open(awl_loop *loop)
{
    loop->signals.next = loop->signals.prev = &loop->signals;
    loop->run[AWL__SIGNAL] = run_signal;
}

void awl__signals_close(awl_loop *loop)
{
    while (loop->signals.next != &loop->signals)
        awl__signal_remove(awl__signal_at(loop->signals.next));
}
