/*
 * The bounded queue: producers that wait while it is full, consumers that wait while it is empty, and an end that all see.
 *
 * Shows    awl_queue_put and awl_queue_get, which wait as they must; awl_queue_task_done and awl_queue_join, which tell when
 *          all the work is done; awl_queue_shutdown, after which get fails with AWL_EQUEUESHUTDOWN: the consumers' end.
 * Build    cc 15_producer_consumer.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/15_producer_consumer
 * Prints   what is in expected/15_producer_consumer.txt: two items fill the queue, and the others are made as there is room
 *
 *     async def producer(queue, n):
 *         for i in range(1, n + 1):
 *             await queue.put(i)
 *             print(f"made {i}, {queue.qsize()} in the queue")
 *
 *     async def consumer(name, takes, queue):
 *         try:
 *             while True:
 *                 i = await queue.get()
 *                 await asyncio.sleep(takes)
 *                 print(f"{name} used {i}")
 *                 queue.task_done()
 *         except asyncio.QueueShutDown:                                  # Python 3.13
 *             print(f"{name} goes home")
 *
 *     async def main():
 *         queue = asyncio.Queue(maxsize=2)
 *         consumers = [asyncio.create_task(consumer("Ann", 0.10, queue)),
 *                      asyncio.create_task(consumer("Bob", 0.17, queue))]
 *         await producer(queue, 6)
 *         await queue.join()
 *         queue.shutdown()
 *         await asyncio.gather(*consumers)
 *
 *     asyncio.run(main())
 */
#include <awl.h>
#include <stdio.h>

co_def(producer, { awl_queue *queue; int n, i; })
{
    co_begin;
    for (self->i = 1; self->i <= self->n; self->i++) {
        co_await(awl_queue_put(self->queue, self->i)); /* any integer, floating or pointer value */
        printf("made %d, %zu in the queue\n", self->i, awl_queue_size(self->queue));
    }
    co_end;
}

co_def(consumer, { const char *name; awl_time takes; awl_queue *queue; int i, rc; })
{
    co_begin;
    for (;;) {
        co_try(self->rc, awl_queue_get(self->queue));
        if (self->rc == AWL_EQUEUESHUTDOWN)
            break;
        if (self->rc)
            co_raise(self->rc);
        co_result(self->i);
        co_await(awl_sleep(self->takes));
        printf("%s used %d\n", self->name, self->i);
        awl_queue_task_done(self->queue);
    }
    printf("%s goes home\n", self->name);
    co_end;
}

co_def(factory, { awl_queue queue; awl_task *ann, *bob; int rc; })
{
    co_begin;
    awl_queue_init(&self->queue, 2); /* its memory is the loop's; awl_queue_set_buffer gives it memory of yours */
    self->ann = awl_create_task(co_call(consumer, .name = "Ann", .takes = 100 * AWL_MS, .queue = &self->queue));
    self->bob = awl_create_task(co_call(consumer, .name = "Bob", .takes = 170 * AWL_MS, .queue = &self->queue));
    co_await(co_call(producer, .queue = &self->queue, .n = 6));
    co_await(awl_queue_join(&self->queue));
    awl_queue_shutdown(&self->queue, false);
    co_await(awl_gather(self->ann, self->bob));
    co_finally;
    awl_task_cancel(self->ann); /* if something went wrong: nobody may use the queue when it goes */
    awl_task_cancel(self->bob);
    co_try_cancel(self->rc, self->ann);
    co_try_cancel(self->rc, self->bob);
    awl_task_release(self->ann);
    awl_task_release(self->bob);
    awl_queue_fini(&self->queue);
    co_end;
}

int main(void) { return awl_run(co_call(factory)) ? 1 : 0; }
