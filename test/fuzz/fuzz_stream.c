/*
 * Any bytes as a program of feeds, reads and cancellations, for a reader and for a stream over a transport in memory; beside
 * both runs a model, which is a plain buffer and a few lines for each way to read.
 *
 * The first byte is the limit, the second how many bytes the transport gives at once. Then each byte is an action, perhaps
 * with arguments behind it; see act().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream/stream_priv.h"

static void must(bool so)
{
    if (!so)
        abort();
}

/* ---- The model --------------------------------------------------------------------------------------------------- */

enum { MOST = 16384, LONGEST = 300 };
enum way { READ, EXACTLY, LINE, UNTIL, ALL, WAYS };

/* What has been fed and not been read. */
static struct {
    size_t start, end, limit; /* of `all` */
    int error;
    bool fed; /* a reader; else a stream */
    bool eof, paused;
    char all[MOST];
} model;

/* What a read asks for. */
typedef struct wish {
    enum way way;
    size_t n;        /* READ, EXACTLY: bytes */
    char separator[4];
    size_t size;
} wish;

/* What it ends with. */
typedef struct end {
    int error;
    size_t len, taken; /* of what is given; that are no longer there */
    size_t least;      /* of a stream's READ and of a line that it drops: at least so many */
    bool waits;
    bool none; /* NULL */
    bool tells; /* the feeding side, if there is room now; in asyncio the ends for want of more do not */
} end;

static size_t left(void) { return model.end - model.start; }

/* Where a separator begins; SIZE_MAX: there is none. */
static size_t find(const wish *w)
{
    for (size_t i = 0; w->size <= left() && i <= left() - w->size; i++) {
        if (memcmp(model.all + model.start + i, w->separator, w->size) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Without enough. */
static end in_want(const wish *w)
{
    if (model.error)
        return (end){ .error = model.error };
    if (!model.eof)
        return (end){ .waits = true };
    if (w->way == READ || (w->way == LINE && left()) || w->way == ALL)
        return (end){ .len = left(), .taken = left(), .none = w->way == ALL && !left(), .tells = w->way != LINE };
    if (w->way == LINE)
        return (end){ .none = true };
    return (end){ .error = AWL_EINCOMPLETE, .len = model.fed ? left() : 0, .taken = model.fed ? left() : 0 };
}

/* Up to a separator. */
static end seek(const wish *w)
{
    const size_t at = find(w), searched = left() >= w->size ? left() + 1 - w->size : 0;

    if (at <= model.limit)
        return (end){ .len = at + w->size, .taken = at + w->size, .tells = true };
    if (at == SIZE_MAX && searched <= model.limit)
        return in_want(w);
    if (w->way == UNTIL)
        return (end){ .error = AWL_ELIMIT, .len = at == SIZE_MAX ? searched : at };
    return (end){ .error = AWL_ELIMIT, .taken = at == SIZE_MAX ? left() : at + 1, .least = model.limit + 1,
                  .tells = true };
}

/* How a read ends now. */
static end expected(const wish *w)
{
    const size_t n = w->n < left() ? w->n : left();

    if (model.fed && model.error)
        return (end){ .error = model.error };
    if (w->way == LINE || w->way == UNTIL)
        return seek(w);
    if (w->way == READ && !w->n)
        return (end){ .error = model.fed ? 0 : EINVAL };
    if (w->way == ALL || n < (w->way == READ ? 1 : w->n))
        return in_want(w);
    return (end){ .len = n, .taken = n, .least = w->way == READ ? 1 : n, .tells = n > 0 };
}

/* ---- What is tested ---------------------------------------------------------------------------------------------- */

static awl_reader reader;
static awl_stream *stream;
static struct {
    size_t start, end, most;
    int error;
    bool eof;
    char all[MOST];
} pipe_in; /* what the stream's transport gives */

static ssize_t give(void *self, void *buf, size_t cap)
{
    size_t n = pipe_in.end - pipe_in.start;

    (void)self;
    if (!n)
        return pipe_in.error ? -pipe_in.error : pipe_in.eof ? 0 : -EAGAIN;
    n = n < cap ? n : cap;
    n = n < pipe_in.most ? n : pipe_in.most;
    memcpy(buf, pipe_in.all + pipe_in.start, n);
    pipe_in.start += n;
    return (ssize_t)n;
}

static ssize_t refuse(void *self, const struct iovec *parts, int n) { return (void)self, (void)parts, (void)n, -EAGAIN; }

static void closed(void *self) { (void)self; }

static const awl_transport transport = { .read = give, .write = refuse, .close = closed };

static bool told_to_pause;

static void told(void *arg, bool pause) { (void)arg, told_to_pause = pause; }

/* The read that is at work. */
static struct {
    wish wish;
    awl_task *task; /* NULL: none */
    int error;
    bool none;
    size_t len;
    char bytes[MOST];
} work;

static awl_coro operation(char *buf)
{
    const wish *w = &work.wish;

    switch (w->way) {
    case READ: return stream ? awl_stream_read(stream, buf, w->n) : awl_reader_read(&reader, buf, w->n);
    case EXACTLY: return stream ? awl_stream_read_exactly(stream, buf, w->n) : awl_reader_read_exactly(&reader, buf, w->n);
    case LINE: return stream ? awl_stream_readline(stream, &work.len) : awl_reader_readline(&reader, &work.len);
    case UNTIL:
        return stream ? awl_stream_read_until(stream, w->separator, w->size, &work.len)
                      : awl_reader_read_until(&reader, w->separator, w->size, &work.len);
    default: return awl_reader_read_all(&reader, &work.len);
    }
}

/* Reads, and copies what it gets. */
co_def(reads, { char *text; char buf[LONGEST]; })
{
    co_begin;
    co_try_cancel(work.error, operation(self->buf));
    if (!work.error && work.wish.way >= LINE) {
        co_result(self->text);
    } else if (!work.error) {
        co_result(work.len);
        self->text = self->buf;
    } else if (work.error == AWL_EINCOMPLETE && !stream) {
        self->text = awl_reader_partial(&reader, &work.len);
    } else if (work.error == AWL_ELIMIT && !stream) {
        work.len = awl_reader_consumed(&reader);
    }
    work.none = !self->text;
    if (self->text) {
        memcpy(work.bytes, self->text, work.len);
        if (work.wish.way >= LINE)
            must(self->text[work.len] == '\0');
    }
    co_end;
}

/* What is still there to be read, of the real one. */
static size_t really_left(void)
{
    return stream ? awl__input_len(&stream->in) + pipe_in.end - pipe_in.start : awl_reader_buffered(&reader);
}

/* ---- Comparing --------------------------------------------------------------------------------------------------- */

/* The feeding side of a reader pauses at more than twice the limit, until it is down to that. */
static void check_pause(bool waits, bool tells)
{
    if (waits || (tells && left() <= model.limit))
        model.paused = false;
    must(!model.fed || (model.paused == awl_reader_paused(&reader) && model.paused == told_to_pause));
}

/* The read has ended as it had to. */
static void compare(const end *e)
{
    const bool loose = !model.fed && e->least < e->taken; /* how much the transport gave is not the model's affair */
    const size_t taken = left() - really_left();

    must(work.error == e->error);
    must(loose ? taken >= e->least && taken <= e->taken : taken == e->taken);
    if (!e->error && !e->none) {
        must(!work.none && work.len == (loose ? taken : e->len));
        must(memcmp(work.bytes, model.all + model.start, work.len) == 0);
    } else if (!e->error) {
        must(work.none && work.len == 0);
    } else if (e->error == AWL_EINCOMPLETE && model.fed) {
        must(work.len == e->len && memcmp(work.bytes, model.all + model.start, e->len) == 0);
    } else if (e->error == AWL_ELIMIT && model.fed && work.wish.way == UNTIL) {
        must(work.len == e->len);
    }
    model.start += taken;
}

/* After the loop has come to rest: the read at work has ended if and only if it could. */
static void check(void)
{
    if (work.task) {
        const end e = expected(&work.wish);

        must(awl_task_done(work.task) == !e.waits);
        if (e.waits) {
            check_pause(true, false);
            return;
        }
        compare(&e);
        awl_task_release(work.task);
        work.task = NULL;
        check_pause(false, e.tells);
    }
    must(really_left() == left());
    check_pause(false, false);
}

/* ---- Programs ---------------------------------------------------------------------------------------------------- */

typedef struct program {
    const uint8_t *at, *end;
} program;

static unsigned next(program *p) { return p->at < p->end ? *p->at++ : 0; }

/* A letter of few, so that separators come up. */
static char letter(unsigned byte) { return "ab\n;"[byte % 4]; }

static void feed(program *p, size_t len)
{
    char bytes[LONGEST];

    if (model.eof || model.end + len > MOST) {
        if (model.fed && model.eof)
            must(awl_reader_feed_data(&reader, "x", 1) == EPIPE);
        return;
    }
    for (size_t i = 0; i < len; i++)
        bytes[i] = letter(next(p));
    memcpy(model.all + model.end, bytes, len);
    model.end += len;
    if (model.fed) {
        must(awl_reader_feed_data(&reader, bytes, len) == 0);
        model.paused |= len && left() > 2 * model.limit;
    } else {
        memcpy(pipe_in.all + pipe_in.end, bytes, len);
        pipe_in.end += len;
        awl_stream_changed(stream, true, false);
    }
}

static void feed_end(int error)
{
    model.eof |= !error;
    if (error && !(model.eof && !model.fed))
        model.error = error;
    if (model.fed && error)
        must(awl_reader_set_error(&reader, error) == 0);
    else if (model.fed)
        must(awl_reader_feed_eof(&reader) == 0);
    pipe_in.eof = model.eof;
    pipe_in.error = model.error;
    if (!model.fed) {
        model.eof = true; /* nothing comes behind it */
        awl_stream_changed(stream, true, false);
    }
}

static void begin_read(program *p, enum way way)
{
    wish *w = &work.wish;

    if (work.task || (way == ALL && !model.fed))
        return;
    *w = (wish){ .way = way, .size = 1, .separator = "\n" };
    if (way <= EXACTLY)
        w->n = next(p) % LONGEST;
    if (way == UNTIL) {
        w->size = 1 + next(p) % 3;
        for (size_t i = 0; i < w->size; i++)
            w->separator[i] = letter(next(p));
    }
    work.len = 0;
    work.task = awl_create_task(co_call(reads));
    must(work.task);
}

static void act(program *p)
{
    const unsigned action = next(p) % 16;

    if (action < 4)
        feed(p, next(p) % 32);
    else if (action == 4)
        feed(p, next(p) % LONGEST);
    else if (action == 5)
        feed_end(0);
    else if (action == 6)
        feed_end(next(p) % 4 ? 0 : EIO);
    else if (action < 9 && work.task)
        awl_task_cancel(work.task);
    else
        begin_read(p, (enum way)(action % WAYS));
}

/* A cancelled read has lost nothing. It may have ended before: then that counts. */
static void after_cancel(void)
{
    if (!work.task || !awl_task_done(work.task) || work.error != ECANCELED)
        return;
    must(really_left() == left());
    awl_task_release(work.task);
    work.task = NULL;
}

co_def(runs, { program p; int i; bool last; })
{
    co_begin;
    for (;;) {
        self->last = self->p.at == self->p.end;
        if (self->last)
            awl_task_cancel(work.task);
        else
            act(&self->p);
        for (self->i = 0; self->i < 4 || (!model.fed && self->i < 4 + LONGEST / AWL__MOST_AT_ONCE); self->i++)
            co_await(awl_sleep(0)); /* a long read of a stream lets others have their turn */
        after_cancel();
        check();
        if (self->last)
            break;
    }
    co_end;
}

static void run(const uint8_t *data, size_t len, bool fed)
{
    const awl_loop_options options = { .virtual_time = true };
    const awl_stream_options limits = { .limit = len ? 1 + data[0] % 64 : 8 };
    awl_loop *loop = awl_loop_open(&options);
    awl_loop_stats stats;
    const size_t head = len < 2 ? len : 2;
    awl_value result;

    must(loop != NULL);
    memset(&model, 0, offsetof(__typeof__(model), all));
    memset(&pipe_in, 0, offsetof(__typeof__(pipe_in), all));
    model.fed = fed;
    model.limit = limits.limit;
    pipe_in.most = len > 1 ? 1 + data[1] : 8;
    told_to_pause = false;
    if (fed) {
        awl_reader_init(&reader, loop, limits.limit);
        awl_reader_on_pause(&reader, told, NULL);
    } else {
        awl_running_ = loop;
        stream = awl_stream_new(&transport, NULL, &limits);
        awl_running_ = NULL;
        must(stream != NULL);
    }
    must(awl_run_until_complete(loop, co_call(runs, .p = { data + head, data + len }), &result) == 0);
    must(!work.task);
    if (fed)
        awl_reader_fini(&reader);
    else
        awl_stream_abort(stream), awl_stream_close(stream);
    stream = NULL;
    awl_loop_get_stats(loop, &stats);
    must(stats.memory_used < 600 && stats.tasks_held == 0);
    awl_loop_close(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    run(data, len, true);
    run(data, len, false);
    return 0;
}
