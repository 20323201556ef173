/* What the tests of readers share: one reader, and tasks that read from it in every way. */
#ifndef STREAM_READER_RIG_H
#define STREAM_READER_RIG_H

#include "rig.h"

static awl_reader r;

static inline void feed(const char *text) { CHECK_INT(awl_reader_feed_data(&r, text, strlen(text)), 0); }

static inline void feed_it(void *text) { feed(text); }

/* What the feeding side is told: `+` to go on, `-` to pause. */
static char told[64];

static inline void tell(void *reader, bool pause)
{
    CHECK_PTR(reader, &r);
    strcat(told, pause ? "-" : "+");
}

static inline void set_up(size_t limit)
{
    awl_reader_init(&r, NULL, limit);
    awl_reader_on_pause(&r, tell, &r);
}

#define CHECK_TOLD(expected) (CHECK_STR(told, (expected)), (void)(told[0] = '\0'))

/* ---- Reads in every way ------------------------------------------------------------------------------------------ */

enum way { READ, EXACTLY, LINE, UNTIL, ALL, WAYS };

static char bytes[64]; /* what READ and EXACTLY read to */
static size_t length;

/* Up to `n` bytes, exactly `n`, up to `;`. */
static inline awl_coro operation(int way, size_t n)
{
    switch (way) {
    case READ: return awl_reader_read(&r, bytes, n);
    case EXACTLY: return awl_reader_read_exactly(&r, bytes, n);
    case LINE: return awl_reader_readline(&r, &length);
    case UNTIL: return awl_reader_read_until(&r, ";", 1, &length);
    default: return awl_reader_read_all(&r, &length);
    }
}

/* Reads in a task; what came of it is in the trace: TEXT or !ERROR. */
static char trace[256];

static inline void say(const char *text, int error)
{
    char word[96];

    if (error)
        snprintf(word, sizeof word, "!%d", error);
    else
        snprintf(word, sizeof word, "%s", text);
    snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%s%s", trace[0] ? " " : "", word);
}

#define CHECK_TRACE(expected) (CHECK_STR(trace, (expected)), (void)(trace[0] = '\0'))

co_def(reads, { int way, error, got; size_t n; char *text; })
{
    co_begin;
    co_try_cancel(self->error, operation(self->way, self->n));
    if (self->error)
        say(NULL, self->error);
    else if (self->way > EXACTLY) {
        co_result(self->text);
        say(self->text ? self->text : "(null)", 0);
    } else {
        co_result(self->got);
        bytes[self->got] = '\0';
        say(bytes, 0);
    }
    co_end;
}

static inline awl_task *begin(int way, size_t n)
{
    awl_task *t = awl_create_task(co_call(reads, .way = way, .n = n));

    CHECK(t != NULL);
    return t;
}

/* Awaits and releases a task; it says what came of it. */
#define END(task)               \
    do {                        \
        co_await(task);        \
        awl_task_release(task); \
        (task) = NULL;          \
    } while (0)

/* Reads here and now. */
#define NOW(way_, n_) co_await(co_call(reads, .way = (way_), .n = (n_)))

static inline __attribute__((unused)) void reader_rig_may_be_unused_(void)
{
    (void)feed_it, (void)set_up, (void)begin, (void)told, (void)trace;
}

#endif
