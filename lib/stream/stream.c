/* Streams as such: made, changed by the kernel, failed, closed; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "stream_priv.h"

enum { MOST_AT_ONCE = 32 }; /* reads of one stream without a turn for the other tasks */

_Static_assert(sizeof(awl_stream) <= 256 || sizeof(void *) > 8, "an idle stream is small");

/* ---- Waiting operations ------------------------------------------------------------------------------------------ */

co_step awl__stream_park(awl__stream_op *op, co_stack *stack, awl__stream_op **list)
{
    awl__stream_op **at = list;

    if (op->stream) {
        op->stream->refs++;
        op->stream->streak = 0;
    }
    op->task = awl__task_of(stack);
    op->error = 0;
    op->next = NULL;
    while (*at)
        at = &(*at)->next;
    *at = op;
    return awl__block_at(&op->co, stack, AWL__OP_WAIT);
}

bool awl__stream_unpark(awl__stream_op *op, co_stack *stack, awl__stream_op **list)
{
    awl__stream_op **at = list;

    while (*at != op)
        at = &(*at)->next;
    *at = op->next;
    return awl__stream_cancelled(op, stack);
}

void awl__stream_wake(awl__stream_op *list, int error)
{
    for (; list; list = list->next) {
        if (!list->task)
            continue;
        list->error = error;
        awl__task_wake(list->task);
        list->task = NULL;
    }
}

bool awl__stream_op_cancel(co_frame *frame, co_stack *stack)
{
    awl__stream_op *op = (awl__stream_op *)(void *)frame;

    op->task = NULL;
    frame->state_ = AWL__OP_CANCELLED;
    awl__task_wake(awl__task_of(stack));
    return true;
}

co_step awl__stream_leave(awl__stream_op *op, co_stack *stack, co_typed_ result)
{
    if (awl__stream_held(op))
        awl__stream_drop(op->stream);
    stack->promise_.value_ = result.value;
    stack->promise_.kind_ = result.kind;
    return awl__op_end(&op->co, stack, 0);
}

co_step awl__stream_leave_error(awl__stream_op *op, co_stack *stack, int error)
{
    if (awl__stream_held(op))
        awl__stream_drop(op->stream);
    return awl__op_end_plain(&op->co, stack, error);
}

/* ---- What the kernel says ---------------------------------------------------------------------------------------- */

static void flush_later(void *arg) { awl__stream_flush(arg); }

/* Called in the poll: notes it, and makes ready who cares. */
static void changed(awl__io *io, bool readable, bool writable)
{
    awl_stream *s = (awl_stream *)(void *)((char *)io - offsetof(awl_stream, io));

    if (readable) {
        s->readable = true;
        s->short_read = false;
        awl__stream_wake(s->in.ops_, 0);
    }
    if (writable) {
        s->writable = true;
        if (s->connecting)
            awl__stream_wake(s->gate.ops_, 0);
        else if (s->gate.unsent_)
            awl_call_soon(io->loop, &s->flush, flush_later, s);
    }
}

ssize_t awl__stream_fetch(awl_stream *s, void *buf, size_t cap)
{
    ssize_t n;

    if (s->in.eof_ || !s->readable)
        return s->error ? -s->error : s->in.eof_ ? 0 : -EAGAIN;
    if (s->streak >= MOST_AT_ONCE)
        return -EAGAIN;
    s->streak++;
    n = s->wire->read(s, buf, cap);
    if (n == -EAGAIN)
        s->readable = false;
    else if (n <= 0)
        s->in.eof_ = true;
    if (n < 0 && n != -EAGAIN)
        awl__stream_fail(s, (int)-n);
    return n <= 0 && s->error ? -s->error : n;
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* The loop is being closed: no task runs any more, and the memory goes with the loop. */
static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    awl_stream *s = (awl_stream *)(void *)((char *)closer - offsetof(awl_stream, closer));

    (void)loop;
    s->closed = true;
    s->wire->close(s);
}

awl_stream *awl__stream_new(awl_loop *loop, int fd, const awl_stream_options *options, int *error)
{
    static const awl_stream_options defaults;
    const awl_stream_options *o = options ? options : &defaults;
    awl_stream *s = awl__alloc(loop, sizeof *s);
    const int one = 1;

    *error = ENOMEM;
    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    s->io.changed = changed;
    *error = awl__io_open(loop, &s->io, fd);
    if (*error) {
        awl__free(loop, s, sizeof *s);
        return NULL;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->wire = &awl__socket_wire;
    s->refs = 1;
    s->readable = s->writable = true;
    s->in.limit_ = o->limit ? o->limit : 65536;
    s->gate.high_ = o->high ? o->high : 65536;
    s->gate.low_ = o->low ? o->low : s->gate.high_ / 4;
    awl__closer_add(loop, &s->closer, loop_closed);
    return s;
}

awl_stream *awl_stream_open(int fd, const awl_stream_options *options)
{
    awl_loop *loop = awl_running_;
    awl_stream *s = NULL;
    int type, flags, error = EINVAL;
    socklen_t size = sizeof type;

    if (loop && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        error = errno;
    else if (loop && (flags = fcntl(fd, F_GETFL)) >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) >= 0)
        s = awl__stream_new(loop, fd, options, &error);
    if (!s)
        errno = error;
    return s;
}

/* ---- Failing and closing ----------------------------------------------------------------------------------------- */

static void free_output(awl_stream *s)
{
    while (s->out) {
        awl__chunk *chunk = s->out;

        s->out = chunk->next;
        awl__free(s->io.loop, chunk, sizeof *chunk + chunk->cap);
    }
    s->out_last = NULL;
    s->gate.unsent_ = 0;
    s->gate.paused_ = false;
}

/* Everything is sent or lost: the descriptor goes, and who waits for that goes on. */
static void finish(awl_stream *s)
{
    if (s->closed)
        return;
    s->closed = true;
    awl_handle_cancel(&s->flush);
    awl__closer_remove(&s->closer);
    s->wire->close(s);
    free_output(s);
    awl__input_free(&s->in);
    awl__stream_wake(s->gate.ops_, s->error);
    awl__stream_wake(s->in.ops_, 0);
}

void awl__stream_fail(awl_stream *s, int error)
{
    if (!s->error)
        s->error = (int16_t)error;
    free_output(s);
    awl__gate_lose(&s->gate, s->error, s->error);
    awl__stream_wake(s->in.ops_, 0);
    if (s->closing)
        finish(s);
}

void awl__stream_end(awl_stream *s)
{
    if (s->closing)
        return;
    s->closing = true;
    if (!s->error)
        s->gate.lost_ = ECONNABORTED;
    awl__stream_wake(s->in.ops_, 0);
    if (!s->gate.unsent_)
        finish(s);
}

void awl__stream_drop(awl_stream *s)
{
    if (--s->refs == 0 && s->closed)
        awl__free(s->io.loop, s, sizeof *s);
}

void awl__stream_flush(awl_stream *s)
{
    while (s->out) {
        awl__chunk *chunk = s->out;
        const size_t len = chunk->end - chunk->start;
        const ssize_t n = s->wire->write(s, chunk->data + chunk->start, len);

        if (n < 0 && n != -EAGAIN) {
            awl__stream_fail(s, (int)-n);
            break;
        }
        if (n > 0) {
            chunk->start += (size_t)n;
            awl__gate_sent(&s->gate, (size_t)n);
        }
        if (n < 0 || (size_t)n < len) {
            s->writable = false;
            break;
        }
        s->out = chunk->next;
        if (!s->out)
            s->out_last = NULL;
        awl__free(s->io.loop, chunk, sizeof *chunk + chunk->cap);
    }
    if (!s->gate.unsent_ && s->eof_asked && !s->eof_sent && !s->closed) {
        s->eof_sent = true;
        s->wire->write_eof(s);
    }
    if (!s->gate.unsent_ && s->closing) {
        finish(s);
        if (s->refs == 0)
            awl__free(s->io.loop, s, sizeof *s);
    }
}

void awl_stream_close(awl_stream *s)
{
    if (!s)
        return;
    awl__loop_check(s->io.loop);
    if (s->given_back)
        awl__trap("a stream was closed twice", NULL, 0);
    s->given_back = true;
    awl__stream_end(s);
    awl__stream_drop(s);
}

void awl_stream_abort(awl_stream *s)
{
    if (!s || s->closed)
        return;
    awl__loop_check(s->io.loop);
    s->closing = true;
    awl__stream_fail(s, ECONNABORTED);
}

/* Suspended until the descriptor is gone. */
static co_step wait_closed_step(co_frame *frame, co_stack *stack)
{
    awl__stream_op *op = (awl__stream_op *)(void *)frame;
    awl_stream *s = op->stream;
    const bool held = awl__stream_held(op);
    co_step step;

    if (!s)
        return awl__op_end(frame, stack, EINVAL);
    if (held && awl__stream_unpark(op, stack, &s->gate.ops_))
        return awl__stream_leave_error(op, stack, ECANCELED);
    awl__stream_end(s);
    if (s->closed)
        return awl__stream_leave_error(op, stack, s->error);
    step = awl__stream_park(op, stack, &s->gate.ops_);
    if (held)
        awl__stream_drop(s);
    return step;
}

static const co_type wait_closed_type = { wait_closed_step, awl__stream_op_cancel,  "awl_stream_wait_closed",
                                          __FILE__,         sizeof(awl__stream_op), __LINE__ };

awl_coro awl_stream_wait_closed(awl_stream *s)
{
    awl__stream_op *self = awl__op_new(&wait_closed_type, sizeof *self);

    if (self)
        self->stream = s;
    return awl__op(self);
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

bool awl_stream_at_eof(const awl_stream *s) { return !s || (s->in.eof_ && awl__input_len(&s->in) == 0); }

int awl_stream_error(const awl_stream *s) { return s ? s->error : EINVAL; }

int awl_stream_fd(const awl_stream *s) { return s ? s->io.fd : -1; }

size_t awl_stream_unsent(const awl_stream *s) { return s ? s->gate.unsent_ : 0; }

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *size);

static const char *address_text(name_fn *name, const awl_stream *s, char *text, size_t cap)
{
    awl_address address = { .of = { .any = { .sa_family = AF_UNSPEC } } };
    socklen_t size = sizeof address.of;

    if (!s || name(s->io.fd, &address.of.any, &size) < 0)
        address.of.any.sa_family = AF_UNSPEC;
    return awl_address_text(&address, text, cap);
}

const char *awl_stream_peer(const awl_stream *s, char *text, size_t cap)
{
    return address_text(getpeername, s, text, cap);
}

const char *awl_stream_local(const awl_stream *s, char *text, size_t cap)
{
    return address_text(getsockname, s, text, cap);
}
