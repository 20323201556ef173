/*
 * awl/signals.h: signals of the process, for coroutines and callbacks. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <signal.h>
 *     #include <stdio.h>
 *
 *     co_def(server, { awl_signals *signals; int number; })
 *     {
 *         co_begin;
 *         self->signals = awl_signals_open(SIGHUP, SIGTERM);
 *         for (self->number = 0; self->number != SIGTERM;) {
 *             co_let(self->number, awl_signals_next(self->signals));
 *             puts(self->number == SIGHUP ? "read the settings again" : "end");
 *         }
 *         co_finally;
 *         awl_signals_close(self->signals);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(server)); }
 *
 * CTRL-C needs nothing of this: awl_run cancels its main task for SIGINT (see there).
 *
 * DELIVERY. While somebody asks for a signal, here or in another loop of the process, the process has a handler for it
 * (sigaction with SA_RESTART, so that system calls of the program's go on); what was there before is put back when the
 * last has gone. A signal is told to everybody who asks for it, once for each time that the process got it: the kernel
 * itself makes one of several that come before the first is delivered, but for the real-time signals. The real handler
 * does no more than ring the loop's bell; all else happens in the loop's thread. It is not delivered while it is
 * blocked in all threads. For SIGCHLD a handler that was there before is called, too.
 *
 * NOT all signals can be asked for: EINVAL for SIGKILL and SIGSTOP, and for those that a fault of the program's raises
 * (SIGSEGV, SIGBUS, SIGFPE, SIGILL), which must not return to it.
 *
 * FORK. A forked child has the handlers that were there before, and nobody in it is told of signals.
 */
#ifndef AWL_SIGNALS_H
#define AWL_SIGNALS_H

#include "awl/task.h"

/* ---- Handlers ---------------------------------------------------------------------------------------------------- */

/*
 * Calls fn(arg) in the loop each time that a signal has come. At most one for each signal and loop; another call
 * replaces the first.
 *
 *   loop     NULL: the running loop
 *   signal   its number, such as SIGTERM
 * Result   0; ENOMEM; EINVAL: such a signal cannot be asked for (see above), or there is no loop or fn.
 * Context  the loop's thread, or any while the loop does not run. `fn` runs outside of tasks, and may do anything.
 * Source   asyncio.loop.add_signal_handler; test/signals/test_handler.c
 */
int awl_add_signal_handler(awl_loop *loop, int signal, awl_fn *fn, void *arg);

/* Takes it back; a call that is due already is not made. Result: whether there was one. As
 * asyncio.loop.remove_signal_handler; test/signals/test_handler.c */
bool awl_remove_signal_handler(awl_loop *loop, int signal);

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* Signals that somebody waits for, again and again: none is lost between two waits. */
typedef struct awl_signals awl_signals;

/*
 * awl_signals *awl_signals_open(int signal, …): begins to collect signals, from now on. The second takes them from an
 * array of `n`.
 *
 * Result   NULL with errno ENOMEM, or EINVAL: no such signal, no running loop.
 * Owns     awl_signals_close frees it.
 * Source   trio.open_signal_receiver; test/signals/test_wait.c
 */
#define awl_signals_open(...)                                                                                          \
    awl_signals_open_n((const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))
awl_signals *awl_signals_open_n(const int *signals, size_t n) __attribute__((warn_unused_result));

/*
 * Waits for one of them, unless one has come already. Of several that have, the one that was named first in
 * awl_signals_open. Several tasks may wait: each signal is for one of them.
 *
 * Result   int: its number.
 * Errors   ECANCELED, no signal is lost; ECONNABORTED: closed by another task meanwhile; EINVAL for NULL; ENOMEM.
 * Source   test/signals/test_wait.c
 */
AWL_CORO awl_signals_next(awl_signals *signals);

/* Takes no more; those that were not waited for are forgotten. Tasks that wait end with ECONNABORTED. NULL is let be. */
void awl_signals_close(awl_signals *signals);

/*
 * Waits for one signal, once: asks for it when the wait begins, and no longer than that lasts.
 *
 * Result   int: its number.
 * Errors   EINVAL: see above; ECANCELED; ENOMEM.
 * Source   test/signals/test_wait.c
 */
AWL_CORO awl_signal_wait(int signal);

#endif
