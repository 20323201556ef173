/*
 * Consumer and producer: two flows of control that take turns, without a thread, a lock or a queue.
 *
 * Shows    co_send, which hands a value to a generator and takes the next from it; co_return in a generator; co_close.
 * Build    cc -I../include 02_consumer_producer.c
 * Prints   [PRODUCER] Producing 1...
 *          [CONSUMER] Consuming 1...
 *          [PRODUCER] Consumer return: 200 OK
 *          and so on, up to 5
 *
 *     def consumer():
 *         r = ""
 *         while True:
 *             n = yield r
 *             if not n:
 *                 return
 *             print(f"[CONSUMER] Consuming {n}...")
 *             r = "200 OK"
 *
 *     def produce(c):
 *         c.send(None)
 *         for n in range(1, 6):
 *             print(f"[PRODUCER] Producing {n}...")
 *             r = c.send(n)
 *             print(f"[PRODUCER] Consumer return: {r}")
 *         c.close()
 *
 *     produce(consumer())
 */
#include <awl/coro.h>
#include <stdio.h>

/* A generator of strings. What it is sent arrives in the field `sent`. */
co_gen(const char *, consumer, { int sent; const char *answer; })
{
    co_begin;
    self->answer = "";
    for (;;) {
        co_yield(self->answer);
        if (!self->sent)
            co_return(0);
        printf("[CONSUMER] Consuming %d...\n", self->sent);
        self->answer = "200 OK";
    }
    co_end;
}

static void produce(struct consumer *c)
{
    const char *answer;

    /* To the first co_yield: only there something can be sent. */
    if (!co_next(c, &answer))
        return;
    for (int n = 1; n <= 5; n++) {
        printf("[PRODUCER] Producing %d...\n", n);
        if (!co_send(c, n, &answer))
            break;
        printf("[PRODUCER] Consumer return: %s\n", answer);
    }
    co_close(consumer, c); /* it stands at its co_yield, and ends there */
}

int main(void)
{
    struct consumer c = co_iter(consumer);

    produce(&c);
    return 0;
}
