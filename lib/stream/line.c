/* Reading up to a separator: lines, and what ends in other bytes; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

enum { FIRST_BUFFER = 4096 };

typedef struct line_frame {
    awl__stream_op op;
    const char *separator;
    size_t size;
    size_t searched; /* bytes at the front in which no separator starts */
    size_t *len;
    bool line; /* a line, for which the end of the stream does as well */
} line_frame;

/* Looks for the separator in what is buffered. Result: the length up to and with it; 0: it is not there. */
static size_t find(line_frame *self)
{
    const awl_stream *s = self->op.stream;
    const size_t len = s->in_end - s->in_start;
    const char *from, *found = NULL;

    if (!s->in)
        return 0;
    from = s->in + s->in_start;
    if (len > self->searched)
        found = memmem(from + self->searched, len - self->searched, self->separator, self->size);
    if (found)
        return (size_t)(found - from) + self->size;
    if (len >= self->size)
        self->searched = len + 1 - self->size;
    return 0;
}

/* Makes room for at least one more byte and a zero byte. */
static bool make_room(awl_stream *s)
{
    const size_t len = s->in_end - s->in_start;
    char *in;

    if (s->in_end + 1 < s->in_cap)
        return true;
    if (s->in_start) {
        memmove(s->in, s->in + s->in_start, len);
    } else {
        const size_t cap = s->in_cap < FIRST_BUFFER ? FIRST_BUFFER : s->in_cap * 2;

        in = awl__alloc(s->io.loop, cap);
        if (!in)
            return false;
        if (len)
            memcpy(in, s->in, len);
        awl__stream_free_input(s);
        s->in = in;
        s->in_cap = cap;
    }
    s->in_start = 0;
    s->in_end = len;
    return true;
}

/* Takes `len` bytes off the front of the buffer and ends with them. */
static co_step give(line_frame *self, co_stack *stack, bool held, size_t len)
{
    awl_stream *s = self->op.stream;
    char *line = s->in + s->in_start;

    s->in_start += len;
    s->hidden = s->in[s->in_start];
    s->hides = true;
    s->in[s->in_start] = '\0';
    if (self->len)
        *self->len = len;
    return awl__stream_leave(&self->op, stack, held, co_from_pointer_(line));
}

/* Ends for want of a separator within the limit; a line is dropped as far as it has come. */
static co_step give_up(line_frame *self, co_stack *stack, bool held, size_t drop)
{
    if (self->line)
        self->op.stream->in_start += drop;
    return awl__stream_leave_error(&self->op, stack, held, AWL_ELIMIT);
}

static co_step at_end(line_frame *self, co_stack *stack, bool held)
{
    const size_t len = self->op.stream->in_end - self->op.stream->in_start;

    if (!self->line)
        return awl__stream_leave_error(&self->op, stack, held, AWL_EINCOMPLETE);
    if (len)
        return give(self, stack, held, len);
    if (self->len)
        *self->len = 0;
    return awl__stream_leave(&self->op, stack, held, co_from_pointer_(NULL));
}

static co_step line_step(co_frame *frame, co_stack *stack)
{
    line_frame *self = (line_frame *)(void *)frame;
    awl_stream *s = self->op.stream;
    bool held;
    int error = awl__stream_enter(&self->op, stack, &held);

    if (!error && !self->size)
        error = EINVAL;
    if (!error)
        awl__stream_settle(s);
    while (!error) {
        const size_t len = find(self);
        ssize_t n;

        if (len && len - self->size <= s->limit)
            return give(self, stack, held, len);
        if (len || self->searched > s->limit)
            return give_up(self, stack, held, len ? len : s->in_end - s->in_start);
        if (!make_room(s)) {
            error = ENOMEM;
            break;
        }
        n = awl__stream_fetch(s, s->in + s->in_end, s->in_cap - s->in_end - 1);
        if (n > 0) {
            s->in_end += (size_t)n;
            continue;
        }
        if (n == 0)
            return at_end(self, stack, held);
        if (n == -EAGAIN) {
            awl__stream_settle(s);
            return awl__stream_wait(&self->op, stack, held);
        }
        error = (int)-n;
    }
    return awl__stream_leave_error(&self->op, stack, held, error);
}

static const co_type line_type = { line_step, awl__stream_op_cancel, "awl_stream_readline",
                                   __FILE__,  sizeof(line_frame),    __LINE__ };
static const co_type until_type = { line_step, awl__stream_op_cancel, "awl_stream_read_until",
                                    __FILE__,  sizeof(line_frame),    __LINE__ };

static awl_coro new_line(const co_type *type, awl_stream *s, const void *separator, size_t size, size_t *len)
{
    line_frame *self = awl__op_new(type, sizeof *self);

    if (self) {
        self->op.stream = s;
        self->separator = separator;
        self->size = size;
        self->searched = 0;
        self->len = len;
        self->line = type == &line_type;
    }
    return awl__op(self);
}

awl_coro awl_stream_readline(awl_stream *s, size_t *len) { return new_line(&line_type, s, "\n", 1, len); }

awl_coro awl_stream_read_until(awl_stream *s, const void *separator, size_t size, size_t *len)
{
    return new_line(&until_type, s, separator, size, len);
}
