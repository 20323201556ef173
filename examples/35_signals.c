/*
 * Signals: SIGHUP and SIGUSR1 as messages, Ctrl-C as a cancellation. It sends itself what a user would.
 *
 * Shows    awl_signals_open, awl_signals_next, awl_add_signal_handler, AWL_EINTERRUPTED.
 * Build    cc 35_signals.c $(pkg-config --cflags --libs awl), or: ninja examples/35_signals
 * Prints   what is in examples/expected/35_signals.txt.
 *
 *     async def main():
 *         loop = asyncio.get_running_loop()
 *         loop.add_signal_handler(signal.SIGUSR1, print, "handler: SIGUSR1")
 *         hup = asyncio.Event()
 *         loop.add_signal_handler(signal.SIGHUP, hup.set)
 *         try:
 *             while True:
 *                 await hup.wait()
 *                 hup.clear()
 *                 print("read the settings again")
 *         finally:
 *             print("cleaned up")
 *
 *     try:
 *         asyncio.run(main())
 *     except KeyboardInterrupt:
 *         print("interrupted")
 */
#include <awl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

static void handler(void *what) { printf("handler: %s\n", (const char *)what); }

/* The user: two signals for us, and then Ctrl-C. */
co_def(user, {})
{
    co_begin;
    co_await(awl_sleep(10 * AWL_MS));
    raise(SIGHUP);
    co_await(awl_sleep(10 * AWL_MS));
    raise(SIGUSR1);
    co_await(awl_sleep(10 * AWL_MS));
    raise(SIGHUP);
    co_await(awl_sleep(10 * AWL_MS));
    raise(SIGINT);
    co_end;
}

co_def(server, { awl_signals *signals; int number, rc; })
{
    static char name[] = "SIGUSR1";

    co_begin;
    self->rc = awl_add_signal_handler(NULL, SIGUSR1, handler, name);
    self->signals = awl_signals_open(SIGHUP); /* from here on none is lost, whatever we do between two waits */
    if (self->rc || !self->signals || awl_spawn(co_call(user)))
        co_raise(ENOMEM);
    for (;;) {
        co_let(self->number, awl_signals_next(self->signals));
        printf("read the settings again\n");
    }
    co_finally;
    awl_signals_close(self->signals);
    printf("cleaned up\n");
    co_end;
}

int main(void)
{
    int rc;

    signal(SIGINT, SIG_DFL);       /* in the background of a shell it may be ignored, and awl_run leaves it so */
    rc = awl_run(co_call(server)); /* SIGINT cancels the server; a second one would end the process */
    if (rc == AWL_EINTERRUPTED)
        printf("interrupted\n");
    return rc == AWL_EINTERRUPTED ? 0 : rc; /* a program that returns it has status 130, as shells expect */
}
