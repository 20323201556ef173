/*
 * The loop below the coroutines: it calls functions, soon, later, and when a descriptor can be read.
 *
 * Shows    awl_call_soon, awl_call_later, awl_handle_cancel, awl_add_reader, awl_remove_reader.
 * Build    cc 11_callbacks.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/11_callbacks
 * Prints   soon
 *          soon after that
 *          a tenth of a second later: writing
 *          read: through the pipe
 *          stopped
 *
 *     def write():
 *         print("a tenth of a second later: writing")
 *         os.write(w, b"through the pipe")
 *
 *     def read():
 *         print("read:", os.read(r, 64).decode())
 *         loop.remove_reader(r)
 *         loop.stop()
 *
 *     loop.add_reader(r, read)
 *     loop.call_later(0.1, write)
 *     loop.call_later(0.05, print, "never").cancel()
 *     loop.call_soon(print, "soon")
 *     loop.call_soon(print, "soon after that")
 *     loop.run_forever()
 */
#define _POSIX_C_SOURCE 200809L
#include <awl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int ends[2] = { -1, -1 }; /* of the pipe: [0] to read from, [1] to write to */

static void say(void *arg) { puts(arg); }

static void write_it(void *loop)
{
    puts("a tenth of a second later: writing");
    if (write(ends[1], "through the pipe", 16) != 16)
        awl_loop_stop(loop);
}

static void read_it(void *loop)
{
    char text[64];
    const ssize_t n = read(ends[0], text, sizeof text);

    if (n < 0 && errno == EAGAIN)
        return; /* not yet, after all */
    printf("read: %.*s\n", n > 0 ? (int)n : 0, text);
    awl_remove_reader(loop, ends[0]);
    awl_loop_stop(loop);
}

int main(void)
{
    awl_handle never = { 0 }; /* with a handle of one's own, the call can be cancelled */
    awl_loop *loop = awl_loop_open(NULL);
    int failed = !loop || pipe(ends) || fcntl(ends[0], F_SETFL, O_NONBLOCK) ||
                 awl_add_reader(loop, ends[0], read_it, loop) ||
                 awl_call_later(loop, NULL, 100 * AWL_MS, write_it, loop) ||
                 awl_call_later(loop, &never, 50 * AWL_MS, say, "never") || awl_call_soon(loop, NULL, say, "soon") ||
                 awl_call_soon(loop, NULL, say, "soon after that");

    awl_handle_cancel(&never);
    failed = failed || awl_loop_run_forever(loop);
    puts(failed ? "failed" : "stopped");
    awl_loop_close(loop);
    close(ends[0]), close(ends[1]);
    return failed;
}
