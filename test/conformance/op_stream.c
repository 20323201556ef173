/* The operations on readers and writers: awl's readers and flows, driven by hand. */
#include "op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What `reader R` or `writer W` declares. */
typedef struct stream_object {
    const char *name;
    bool is_writer, paused; /* the latter: whether the side that feeds a reader was told to pause */
    size_t limit;
    awl_reader reader;
    awl_flow flow;
    struct stream_object *next;
} stream_object;

static stream_object *objects;

static void note_pause(void *of, bool pause) { ((stream_object *)of)->paused = pause; }

bool declare_stream(const declaration *d)
{
    const size_t first = d->first.literal ? (size_t)d->first.literal->number : 0;
    const size_t second = d->second.literal ? (size_t)d->second.literal->number : 0;
    stream_object *o;

    if (strcmp(d->kind, "reader") != 0 && strcmp(d->kind, "writer") != 0)
        return false;
    o = scn_alloc(sizeof *o);
    o->name = d->name;
    o->is_writer = d->kind[0] == 'w';
    if (o->is_writer) {
        awl_flow_init(&o->flow, NULL, first, second);
    } else {
        o->limit = first ? first : 65536;
        awl_reader_init(&o->reader, NULL, first);
        awl_reader_on_pause(&o->reader, note_pause, o);
    }
    o->next = objects;
    objects = o;
    return true;
}

/* The object that operand 0 names. */
static stream_object *object_of(const interpret *self, const instruction *ins, bool is_writer)
{
    const value *v = operand_value(self, ins, 0);
    stream_object *o = objects;

    while (o && (!v || v->kind != VALUE_WORD || o->is_writer != is_writer || strcmp(o->name, v->word) != 0))
        o = o->next;
    if (!o)
        scn_fail(ins->line, "operand 1 names no %s", is_writer ? "writer" : "reader");
    return o;
}

static int succeeded(const instruction *ins, int error)
{
    if (error)
        scn_fail(ins->line, "%s: %s", ins->op->name, awl_strerror(error));
    return 0;
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

/* The bytes that operand i stands for, whatever they look like. */
static char *operand_bytes(const instruction *ins, size_t i, size_t *len)
{
    static const char names[] = "nrts\\", meant[] = "\n\r\t \\";
    const operand *o = &ins->args[i];
    const char *from = o->kind == OPERAND_LITERAL ? o->token : o->token - 1; /* with its $ */
    char *bytes = scn_alloc(strlen(from) + 1), *to = bytes;

    while (*from) {
        const char c = *from++;
        const char *escape = c == '\\' && *from ? strchr(names, *from) : NULL;

        if (c != '\\')
            *to++ = c;
        else if (escape)
            *to++ = meant[escape - names];
        else if (*from != 'e') /* which is no byte at all */
            scn_fail(ins->line, "\\%c is no escape", *from);
        from += c == '\\';
    }
    *len = (size_t)(to - bytes);
    return bytes;
}

static const value *copied(const void *bytes, size_t len)
{
    char *copy = scn_alloc(len + 1);

    if (len)
        memcpy(copy, bytes, len);
    return value_bytes(copy, len);
}

/* ---- Readers ----------------------------------------------------------------------------------------------------- */

static int run_feed(interpret *self, const instruction *ins)
{
    size_t len;
    const char *bytes = operand_bytes(ins, 1, &len);

    return succeeded(ins, awl_reader_feed_data(&object_of(self, ins, false)->reader, bytes, len));
}

static int run_feedeof(interpret *self, const instruction *ins)
{
    return succeeded(ins, awl_reader_feed_eof(&object_of(self, ins, false)->reader));
}

static int run_feederr(interpret *self, const instruction *ins)
{
    return succeeded(ins, awl_reader_set_error(&object_of(self, ins, false)->reader, operand_error(self, ins, 1)));
}

static int run_rpaused(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(object_of(self, ins, false)->paused));
    return 0;
}

/* What asyncio calls the error of a read that was for `n` bytes (of a separator, if that is negative). */
static int read_error(stream_object *o, int error, int64_t n, bool is_line)
{
    text kind = { NULL, 0, 0 };
    char number[32];
    size_t len;
    const char *part;

    switch (error) {
    case EBUSY: return EDEADLK;
    case AWL_ELIMIT:
        if (is_line)
            return EINVAL;
        text_add(&kind, "LimitOverrun(");
        snprintf(number, sizeof number, "%zu)", awl_reader_consumed(&o->reader));
        break;
    case AWL_EINCOMPLETE:
        part = awl_reader_partial(&o->reader, &len);
        text_add(&kind, "IncompleteRead(");
        text_add_value(&kind, copied(part, len));
        snprintf(number, sizeof number, n < 0 ? ",None)" : ",%lld)", (long long)n);
        break;
    default: return error;
    }
    text_add(&kind, number);
    return error_new(kind.at);
}

/* Up to n bytes; everything if n is negative, and then as asyncio has it, which loses what it got if it is cancelled.
 */
co_def(reads, { stream_object *o; int64_t n; int rc; size_t got, all; char *buf, *more; })
{
    co_begin;
    do {
        self->more = scn_alloc(self->all + self->o->limit + (self->n < 0 ? 0 : (size_t)self->n) + 1);
        if (self->all)
            memcpy(self->more, self->buf, self->all);
        self->buf = self->more;
        co_try_cancel(self->rc, awl_reader_read(&self->o->reader, self->buf + self->all,
                                                self->n < 0 ? self->o->limit : (size_t)self->n));
        if (self->rc)
            co_raise(read_error(self->o, self->rc, self->n, false));
        co_result(self->got);
        self->all += self->got;
    } while (self->n < 0 && self->got);
    co_return(copied(self->buf, self->all));
    co_end;
}

co_def(reads_exactly, { stream_object *o; int64_t n; int rc; char *buf; })
{
    co_begin;
    if (self->n < 0)
        co_raise(EINVAL);
    self->buf = scn_alloc((size_t)self->n + 1);
    co_try_cancel(self->rc, awl_reader_read_exactly(&self->o->reader, self->buf, (size_t)self->n));
    if (self->rc)
        co_raise(read_error(self->o, self->rc, self->n, false));
    co_return(copied(self->buf, (size_t)self->n));
    co_end;
}

/* Without a separator: a line. */
co_def(reads_until, { stream_object *o; const char *separator, *text; size_t size, len; int rc; })
{
    co_begin;
    if (self->separator)
        co_try_cancel(self->rc, awl_reader_read_until(&self->o->reader, self->separator, self->size, &self->len));
    else
        co_try_cancel(self->rc, awl_reader_readline(&self->o->reader, &self->len));
    if (self->rc)
        co_raise(read_error(self->o, self->rc, -1, !self->separator));
    co_result(self->text);
    co_return(copied(self->text, self->len));
    co_end;
}

static awl_coro start_read(interpret *self, const instruction *ins)
{
    return co_call(reads, .o = object_of(self, ins, false), .n = operand_int(self, ins, 1));
}

static awl_coro start_readexactly(interpret *self, const instruction *ins)
{
    return co_call(reads_exactly, .o = object_of(self, ins, false), .n = operand_int(self, ins, 1));
}

static awl_coro start_readuntil(interpret *self, const instruction *ins)
{
    size_t size;
    const char *separator = operand_bytes(ins, 1, &size);

    return co_call(reads_until, .o = object_of(self, ins, false), .separator = separator, .size = size);
}

static awl_coro start_readline(interpret *self, const instruction *ins)
{
    return co_call(reads_until, .o = object_of(self, ins, false));
}

static void finish_read(interpret *self, const instruction *ins) { assign_out(self, ins, 0, self->result); }

/* ---- Writers ----------------------------------------------------------------------------------------------------- */

static int run_write(interpret *self, const instruction *ins)
{
    return succeeded(ins, awl_flow_written(&object_of(self, ins, true)->flow, (size_t)operand_int(self, ins, 1)));
}

static int run_flush(interpret *self, const instruction *ins)
{
    return succeeded(ins, awl_flow_sent(&object_of(self, ins, true)->flow, (size_t)operand_int(self, ins, 1)));
}

static int run_wpaused(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_flow_paused(&object_of(self, ins, true)->flow)));
    return 0;
}

static int run_wlost(interpret *self, const instruction *ins)
{
    return succeeded(
        ins, awl_flow_lost(&object_of(self, ins, true)->flow, ins->n_args > 1 ? operand_error(self, ins, 1) : 0));
}

static awl_coro start_drain(interpret *self, const instruction *ins)
{
    return awl_flow_drain(&object_of(self, ins, true)->flow);
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const operation stream_operations[] = {
    NOW("feed", 2, 2, 0, run_feed),
    NOW("feedeof", 1, 1, 0, run_feedeof),
    NOW("feederr", 2, 2, 0, run_feederr),
    NOW("rpaused", 1, 1, 1, run_rpaused),
    WAIT("read", 2, 2, 1, start_read, finish_read),
    WAIT("readexactly", 2, 2, 1, start_readexactly, finish_read),
    WAIT("readuntil", 2, 2, 1, start_readuntil, finish_read),
    WAIT("readline", 1, 1, 1, start_readline, finish_read),
    NOW("write", 2, 2, 0, run_write),
    NOW("flush", 2, 2, 0, run_flush),
    WAIT("drain", 1, 1, 0, start_drain, NULL),
    NOW("wpaused", 1, 1, 1, run_wpaused),
    NOW("wlost", 1, 2, 0, run_wlost),
    { .name = NULL },
};
