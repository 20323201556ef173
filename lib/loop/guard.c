/*
 * What a loop is watched for, if that is asked for: steps and callbacks that hold it too long, and SIGUSR1, for which
 * it is dumped. A loop that is not watched knows nothing of this.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signal_priv.h"
#include "guard_priv.h"

extern const bool awl_debug_build_ __attribute__((weak)); /* of a file that was compiled with -DAWL_DEBUG */

static const awl_time default_slow = 100 * AWL_MS; /* asyncio's slow_callback_duration */

struct awl__guard {
    void (*run[AWL__KINDS])(awl_loop *loop, awl__entry *entry); /* of the kinds that are watched here */
    awl_time slow;
    awl__signal dump;
    /* What runs now, for a signal's handler: objects that last. */
    _Atomic(const co_type *) type; /* NULL: no task */
    atomic_uint line;              /* 0: nothing runs */
};

/* ---- Steps and callbacks that take too long ---------------------------------------------------------------------- */

awl_time awl__guard_begin(awl_loop *loop, const co_type *type, unsigned line)
{
    atomic_store_explicit(&loop->guard->type, type, memory_order_relaxed);
    atomic_store_explicit(&loop->guard->line, line, memory_order_relaxed);
    return awl_loop_time(loop);
}

awl_time awl__guard_end(awl_loop *loop, awl_time begin)
{
    awl_time took;

    /* In the child of a fork that was in it: the loop is the parent's, and so is its clock. */
    if (CO_UNLIKELY_(awl__loop_forked(loop)))
        return 0;
    took = awl_loop_time(loop) - begin;
    atomic_store_explicit(&loop->guard->line, 0, memory_order_relaxed);
    return took > loop->guard->slow ? took : 0;
}

static void report_slow(awl_loop *loop, int kind, awl_fn *fn, awl_time took)
{
    static const char *const names[AWL__KINDS] = { [AWL__HANDLE] = "a callback",
                                                   [AWL__POSTED] = "a call of another thread",
                                                   [AWL__WAITER] = "a done-callback",
                                                   [AWL__IO] = "a callback of a descriptor",
                                                   [AWL__SIGNAL] = "a signal's callback" };
    char what[160], at[48] = "";

    if (fn)
        snprintf(at, sizeof at, " (the function at %#llx)", (unsigned long long)(uintptr_t)fn);
    snprintf(what, sizeof what, "%s%s held the loop for %lld ms: nothing else ran meanwhile", names[kind], at,
             (long long)(took / AWL_MS));
    awl__report(loop, &(awl_report){ .what = what });
}

static void run_watched(awl_loop *loop, awl__entry *entry)
{
    const int kind = entry->kind_;
    awl_fn *const fn = kind == AWL__HANDLE || kind == AWL__POSTED ? ((awl_handle *)(void *)entry)->fn_ : NULL;
    awl_time took;

    took = awl__guard_begin(loop, NULL, 1);
    loop->guard->run[kind](loop, entry);
    took = awl__guard_end(loop, took);
    if (CO_UNLIKELY_(took))
        report_slow(loop, kind, fn, took);
}

/* ---- SIGUSR1 ----------------------------------------------------------------------------------------------------- */

static void dump_asked(awl__signal *signal)
{
    if (signal->loop->dump)
        signal->loop->dump(signal->loop, STDERR_FILENO);
}

/* In a signal's handler: texts that are there, and write. */
static void say(const char *text)
{
    const ssize_t n = write(STDERR_FILENO, text, strlen(text));

    (void)n;
}

static void say_number(unsigned n)
{
    char digits[12], *at = digits + sizeof digits;

    *--at = '\0';
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    say(at);
}

/* The last dump that was asked for has not been made yet. */
static void dump_asked_again(awl__signal *signal)
{
    const struct awl__guard *guard = signal->loop->guard;
    const unsigned line = atomic_load_explicit(&guard->line, memory_order_relaxed);
    const co_type *type = atomic_load_explicit(&guard->type, memory_order_relaxed);

    say("awl: the loop has not come back since the last SIGUSR1: ");
    if (line && type) {
        say("a step holds it that went on in '");
        say(type->name);
        say("' at ");
        say(type->file);
        say(":");
        say_number(line);
        say("\n");
    } else {
        say(line ? "a callback holds it\n" : "it is waiting, or at work itself\n");
    }
}

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value && strcmp(value, "0") != 0;
}

bool awl__guard_open(awl_loop *loop)
{
    awl_loop_options *o = &loop->options;
    struct awl__guard *guard;

    o->debug |= is_set("AWL_DEBUG");
    o->dump_on_signal |= is_set("AWL_DUMP");
    if (!o->slow_step)
        o->slow_step = o->debug || &awl_debug_build_ ? default_slow : AWL_FOREVER;
    if (o->slow_step == AWL_FOREVER && !o->dump_on_signal)
        return true;
    guard = awl__alloc(loop, sizeof *guard);
    if (!guard)
        return false;
    memset(guard, 0, sizeof *guard);
    guard->slow = o->slow_step;
    loop->guard = guard;
    return true;
}

/* When all layers have entered what they run. */
void awl__guard_begin_all(awl_loop *loop)
{
    static const enum awl__kind kinds[] = { AWL__HANDLE, AWL__POSTED, AWL__WAITER, AWL__IO, AWL__SIGNAL };

    if (!loop->guard)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        loop->guard->run[kinds[i]] = loop->run[kinds[i]];
        if (loop->run[kinds[i]])
            loop->run[kinds[i]] = run_watched;
    }
    if (loop->options.dump_on_signal && awl__signal_add(loop, &loop->guard->dump, SIGUSR1, dump_asked, AWL__ASIDE) == 0)
        loop->guard->dump.again = dump_asked_again;
}
