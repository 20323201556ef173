/* Handlers on the loop. See awl/signals.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "signals_priv.h"

typedef struct handler {
    awl__signal signal; /* first */
    awl_fn *fn;
    void *arg;
} handler;

int awl__signal_add_asked(awl_loop *loop, awl__signal *s, int number, void (*fn)(awl__signal *s))
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (number == faults[i])
            return EINVAL;
    }
    return awl__signal_add(loop, s, number, fn, 0);
}

static void call(awl__signal *s)
{
    handler *h = (handler *)(void *)s;

    h->fn(h->arg);
}

static handler *find(awl_loop *loop, int number)
{
    for (awl__block *all = loop->signals.next; all != &loop->signals; all = all->next) {
        awl__signal *s = awl__signal_at(all);

        if (s->number == number && s->fn == call)
            return (handler *)(void *)s;
    }
    return NULL;
}

int awl_add_signal_handler(awl_loop *loop, int number, awl_fn *fn, void *arg)
{
    handler *h;
    int error = 0;

    loop = awl__loop_check(loop);
    if (!loop || !fn)
        return EINVAL;
    h = find(loop, number);
    if (!h) {
        h = awl__alloc(loop, sizeof *h);
        if (!h)
            return ENOMEM;
        error = awl__signal_add_asked(loop, &h->signal, number, call);
        if (error) {
            awl__free(loop, h, sizeof *h);
            return error;
        }
    }
    h->fn = fn; /* in time: calls are made by this thread */
    h->arg = arg;
    return 0;
}

bool awl_remove_signal_handler(awl_loop *loop, int number)
{
    handler *h;

    loop = awl__loop_check(loop);
    h = loop ? find(loop, number) : NULL;
    if (!h)
        return false;
    awl__signal_remove(&h->signal);
    awl__free(loop, h, sizeof *h);
    return true;
}
