/* Reading up to a separator: lines, and what ends in other bytes; from a stream or from a reader that is fed. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

typedef struct line_frame {
    awl__read_op read;
    const char *separator;
    size_t size;
    size_t searched; /* bytes at the front in which no separator starts */
    size_t *len;
    bool line; /* a line, for which the end does as well */
} line_frame;

/* Looks for the separator in what is buffered. Result: the length up to and with it; 0: it is not there. */
static size_t find(line_frame *self)
{
    const awl_input_ *in = self->read.in;
    const size_t len = awl__input_len(in);
    const char *from, *found;

    if (len < self->searched || len - self->searched < self->size) /* the former: another task has read meanwhile */
        return 0;
    from = in->at_ + in->start_;
    found = memmem(from + self->searched, len - self->searched, self->separator, self->size);
    if (found)
        return (size_t)(found - from) + self->size;
    self->searched = len + 1 - self->size;
    return 0;
}

/* Ends with a line, or what else was read. */
static co_step give(line_frame *self, co_stack *stack, char *line, size_t len)
{
    if (self->len)
        *self->len = len;
    return awl__stream_leave(&self->read.op, stack, co_from_pointer_(line));
}

/* Ends for want of a separator within the limit; a line is dropped as far as it has come. `len`: with its separator;
 * 0: that has not come. */
static co_step give_up(line_frame *self, co_stack *stack, size_t len)
{
    awl_input_ *in = self->read.in;

    if (self->line)
        awl__input_take(in, len ? len : awl__input_len(in));
    else if (in->fed_)
        awl__reader_of(in)->detail_ = len ? len - self->size : self->searched;
    return awl__stream_leave_error(&self->read.op, stack, AWL_ELIMIT);
}

static co_step at_end(line_frame *self, co_stack *stack)
{
    const size_t len = awl__input_len(self->read.in);

    if (!self->line)
        return awl__read_incomplete(&self->read, stack);
    return give(self, stack, len ? awl__input_lend_last(self->read.in, len) : NULL, len);
}

static co_step line_step(co_frame *frame, co_stack *stack)
{
    line_frame *self = (line_frame *)(void *)frame;
    const int error = self->size ? awl__read_enter(&self->read, stack) : EINVAL;
    ssize_t n = error ? -error : 1;

    if (!error)
        awl__input_settle(self->read.in);
    while (n > 0) {
        const size_t len = find(self), limit = self->read.in->limit_;

        if (len && len - self->size <= limit)
            return give(self, stack, awl__input_lend(self->read.in, len), len);
        if (len || self->searched > limit)
            return give_up(self, stack, len);
        n = awl__read_more(&self->read);
    }
    if (n == -EAGAIN)
        return awl__read_wait(&self->read, stack);
    return n == 0 ? at_end(self, stack) : awl__stream_leave_error(&self->read.op, stack, (int)-n);
}

static const co_type stream_line_type = { line_step, awl__stream_op_cancel, "awl_stream_readline",
                                          __FILE__,  sizeof(line_frame),    __LINE__ };
static const co_type stream_until_type = { line_step, awl__stream_op_cancel, "awl_stream_read_until",
                                           __FILE__,  sizeof(line_frame),    __LINE__ };
static const co_type reader_line_type = { line_step, awl__stream_op_cancel, "awl_reader_readline",
                                          __FILE__,  sizeof(line_frame),    __LINE__ };
static const co_type reader_until_type = { line_step, awl__stream_op_cancel, "awl_reader_read_until",
                                           __FILE__,  sizeof(line_frame),    __LINE__ };

/* What a read up to a separator looks for. */
typedef struct sought {
    const void *separator;
    size_t size;
    bool line;
} sought;

static inline awl_coro new_line(const co_type *type, awl_stream *s, awl_input_ *in, sought what, size_t *len)
{
    line_frame *self = awl__op_new(type, sizeof *self);

    if (self) {
        self->read.op.stream = s;
        self->read.in = in;
        self->separator = what.separator;
        self->size = what.separator ? what.size : 0;
        self->searched = 0;
        self->len = len;
        self->line = what.line;
    }
    return awl__op(self);
}

awl_coro awl_stream_readline(awl_stream *s, size_t *len)
{
    return new_line(&stream_line_type, s, s ? &s->in : NULL, (sought){ "\n", 1, true }, len);
}

awl_coro awl_stream_read_until(awl_stream *s, const void *separator, size_t size, size_t *len)
{
    return new_line(&stream_until_type, s, s ? &s->in : NULL, (sought){ separator, size, false }, len);
}

awl_coro awl_reader_readline(awl_reader *r, size_t *len)
{
    return new_line(&reader_line_type, NULL, r ? &r->in_ : NULL, (sought){ "\n", 1, true }, len);
}

awl_coro awl_reader_read_until(awl_reader *r, const void *separator, size_t size, size_t *len)
{
    return new_line(&reader_until_type, NULL, r ? &r->in_ : NULL, (sought){ separator, size, false }, len);
}
