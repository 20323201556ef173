/*
 * Two coroutines at once, in one thread.
 *
 * Shows    co_def, co_await, awl_sleep; awl_create_task and awl_gather; awl_run.
 * Build    cc 04_hello.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/04_hello
 * Prints   Hello a (main thread)
 *          Hello b (main thread)
 *          Hello again a (main thread)          a second later, and not two
 *          Hello again b (main thread)
 *          total time: 1 s
 *
 *     async def hello(name):
 *         print(f"Hello {name} ({which()} thread)")
 *         await asyncio.sleep(1)
 *         print(f"Hello again {name} ({which()} thread)")
 *
 *     async def main():
 *         start = time.monotonic()
 *         a = asyncio.create_task(hello("a"))
 *         b = asyncio.create_task(hello("b"))
 *         await asyncio.gather(a, b)
 *         print(f"total time: {time.monotonic() - start:.0f} s")
 *
 *     asyncio.run(main())
 */
#include <awl.h>
#include <pthread.h>
#include <stdio.h>

static pthread_t main_thread;

static const char *which(void) { return pthread_equal(pthread_self(), main_thread) ? "main" : "another"; }

/* In the braces: the arguments, and whatever else must outlive an await. In the body they are self->… */
co_def(hello, { const char *name; })
{
    co_begin;
    printf("Hello %s (%s thread)\n", self->name, which());
    co_await(awl_sleep(1 * AWL_SECOND));
    printf("Hello again %s (%s thread)\n", self->name, which());
    co_end;
}

co_def(both, { awl_task *a, *b; awl_time start; })
{
    co_begin;
    self->start = awl_loop_time(NULL);
    self->a = awl_create_task(co_call(hello, .name = "a")); /* starts when this coroutine waits */
    self->b = awl_create_task(co_call(hello, .name = "b"));
    co_await(awl_gather(self->a, self->b)); /* a task that could not be made is NULL, and an error (EINVAL) here */
    printf("total time: %.0f s\n", (double)(awl_loop_time(NULL) - self->start) / AWL_SECOND);
    co_finally; /* on every way out: who creates a task releases it */
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

int main(void)
{
    main_thread = pthread_self();
    return awl_run(co_call(both)) ? 1 : 0; /* it says on stderr what the error was */
}
