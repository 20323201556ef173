/* Waiting for signals. See awl/signals.h. */
#include <errno.h>
#include <string.h>

#include "signals_priv.h"

typedef struct collected {
    awl__signal signal; /* first */
    awl_signals *of;
    unsigned n; /* that came and were not waited for */
} collected;

struct awl_signals {
    awl_loop *loop;
    awl_event some; /* one has come, or it is closed */
    unsigned refs;  /* its owner's, and one of each task that waits */
    bool closed;
    size_t n;
    collected each[];
};

/* ---- Collecting -------------------------------------------------------------------------------------------------- */

static void came(awl__signal *s)
{
    collected *c = (collected *)(void *)s;

    c->n++;
    awl_event_set(&c->of->some);
}

static size_t size_of(size_t n) { return sizeof(awl_signals) + n * sizeof(collected); }

static void drop(awl_signals *signals)
{
    if (--signals->refs == 0)
        awl__free(signals->loop, signals, size_of(signals->n));
}

awl_signals *awl_signals_open_n(const int *numbers, size_t n)
{
    awl_loop *loop = awl_running_;
    awl_signals *signals;
    int error = 0;

    if (!loop || !numbers || !n || n > UINT8_MAX) {
        errno = EINVAL;
        return NULL;
    }
    signals = awl__alloc(loop, size_of(n));
    if (!signals) {
        errno = ENOMEM;
        return NULL;
    }
    memset(signals, 0, size_of(n));
    signals->loop = loop;
    signals->refs = 1;
    signals->n = n;
    for (size_t i = 0; i < n && !error; i++) {
        signals->each[i].of = signals;
        error = awl__signal_add_asked(loop, &signals->each[i].signal, numbers[i], came);
    }
    if (error) {
        awl_signals_close(signals);
        errno = error;
        return NULL;
    }
    return signals;
}

void awl_signals_close(awl_signals *signals)
{
    if (!signals)
        return;
    awl__loop_check(signals->loop);
    for (size_t i = 0; i < signals->n; i++)
        awl__signal_remove(&signals->each[i].signal);
    signals->closed = true;
    awl_event_set(&signals->some);
    drop(signals);
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* The number of one that has come; 0: none has. */
static int take(awl_signals *signals)
{
    for (size_t i = 0; i < signals->n; i++) {
        if (signals->each[i].n) {
            signals->each[i].n--;
            return signals->each[i].signal.number;
        }
    }
    awl_event_clear(&signals->some);
    return 0;
}

/* It holds a reference from its making on: its first step may come after the close. */
co_def(next_signal, { awl_signals *held; int number; })
{
    co_begin;
    if (!self->held)
        co_raise(EINVAL);
    for (;;) {
        if (self->held->closed)
            co_raise(ECONNABORTED);
        self->number = take(self->held);
        if (self->number)
            co_return(self->number);
        co_await(awl_event_wait(&self->held->some));
    }
    co_finally;
    if (self->held)
        drop(self->held);
    co_end;
}

void awl__signals_op_close(co_frame *frame)
{
    awl_signals *held = frame->type_ == &next_signal_type_ ? ((struct next_signal *)(void *)frame)->held : NULL;

    if (held)
        drop(held);
}

awl_coro awl_signals_next(awl_signals *signals)
{
    const awl_coro coroutine = co_call(next_signal, .held = signals);

    if (signals && coroutine.frame_)
        signals->refs++;
    return coroutine;
}

co_def(wait_once, { int number; awl_signals *signals; })
{
    co_begin;
    self->signals = awl_signals_open(self->number);
    if (!self->signals)
        co_raise(errno);
    co_await(awl_signals_next(self->signals));
    co_return(self->number);
    co_finally;
    awl_signals_close(self->signals);
    co_end;
}

awl_coro awl_signal_wait(int signal) { return co_call(wait_once, .number = signal); }
