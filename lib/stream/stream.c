/* Streams as such: made, changed by their transport, failed, closed; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

_Static_assert(sizeof(awl_stream) <= 256, "an idle stream is small");

enum { ROOT = 256 }; /* bytes that are worth expecting */

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

/* What a server's task does first when its client has sent something needs its root's frame, which lies behind it: see
 * expect_frame in socket.c. */
CO_INLINE_ void expect_root(const awl_task *task)
{
    for (uintptr_t at = 0; at < ROOT; at += 64)
        __builtin_prefetch((const char *)(task + 1) + at);
}

void awl__stream_wake(awl__stream_op *list, int error)
{
    for (; list; list = list->next) {
        if (!list->task)
            continue;
        list->error = error;
        expect_root(list->task);
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

/* What an operation of a stream waits for says the list that it is in. */
static bool among(const awl__stream_op *op, const awl__stream_op *list)
{
    while (list && list != op)
        list = list->next;
    return list;
}

bool awl__stream_inspect(awl__dump *dump, const co_frame *leaf)
{
    const awl__stream_op *op = (const awl__stream_op *)(const void *)leaf;
    const awl_stream *s = op->stream;

    if (leaf->type_->cancel != awl__stream_op_cancel)
        return false;
    if (!s || s->io.fd < 0)
        awl__dump_say(dump, "%s", leaf->type_->name);
    else if (among(op, s->in.ops_))
        awl__dump_say(dump, "descriptor %d to be readable", s->io.fd);
    else if (among(op, s->gate.ops_))
        awl__dump_say(dump, "descriptor %d to be writable, %zu bytes unsent", s->io.fd, s->gate.unsent_);
    else
        awl__dump_say(dump, "descriptor %d to change", s->io.fd);
    if (s && s->closing)
        awl__dump_say(dump, ", closing");
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
    if (error && error < AWL_EINVALIDSTATE && error != ECANCELED)
        awl__error_plain(awl__loop_of(stack), error);
    if (awl__stream_held(op))
        awl__stream_drop(op->stream);
    return awl__op_end_plain(&op->co, stack, error);
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* The loop is being closed: no task runs any more, and the memory goes with the loop. */
static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    awl_stream *s = (awl_stream *)(void *)((char *)closer - offsetof(awl_stream, closer));

    (void)loop;
    s->closed = true;
    s->transport->close(s->self);
}

static void run_flush(awl_loop *loop, awl__entry *entry)
{
    (void)loop;
    entry->flags_ &= (uint8_t)~AWL__READY;
    awl__stream_flush((awl_stream *)(void *)((char *)entry - offsetof(awl_stream, flush)));
}

awl_stream *awl__stream_make(awl_loop *loop, const awl_transport *transport, const awl_stream_options *options)
{
    static const awl_stream_options defaults;
    const awl_stream_options *o = options ? options : &defaults;
    awl_stream *s = awl__alloc(loop, sizeof *s);

    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    s->transport = transport;
    s->io.loop = loop;
    s->io.fd = -1;
    s->refs = 1;
    s->flags = -1;
    s->in.limit_ = o->limit ? o->limit : 65536;
    s->gate.high_ = o->high ? o->high : 65536;
    s->gate.low_ = o->low ? o->low : s->gate.high_ / 4;
    s->flush.entry_.kind_ = AWL__FLUSH;
    s->flush.entry_.flags_ = AWL__HAS_PREV;
    loop->run[AWL__FLUSH] = run_flush;
    awl__closer_add(loop, &s->closer, loop_closed);
    return s;
}

awl_stream *awl_stream_new(const awl_transport *transport, void *self, const awl_stream_options *options)
{
    awl_stream *s = NULL;
    int error = EINVAL;

    if (awl_running_ && transport && transport->read && transport->write && transport->close) {
        error = ENOMEM;
        s = awl__stream_make(awl_running_, transport, options);
    }
    if (s)
        s->self = self;
    else
        errno = error;
    return s;
}

/* ---- What the transport says ------------------------------------------------------------------------------------- */

/* Whether a flush would do something, if it could: bytes, the end, or the goodbye. */
static bool has_to_send(const awl_stream *s)
{
    return s->gate.unsent_ || s->closing || s->eof_asked != s->eof_sent || s->transport->flush;
}

/* May be called in the poll: only makes ready who cares. */
void awl_stream_changed(awl_stream *s, bool readable, bool writable)
{
    if (s->closed)
        return;
    if (readable)
        awl__stream_wake(s->in.ops_, 0);
    if (writable && has_to_send(s) && !(s->flush.entry_.flags_ & AWL__READY))
        awl__ready(s->io.loop, &s->flush.entry_);
    awl__stream_wake(s->watchers, 0);
}

ssize_t awl__stream_fetch(awl_stream *s, void *buf, size_t cap)
{
    ssize_t n;

    if (s->in.eof_)
        return -s->error;
    if (s->streak >= AWL__MOST_AT_ONCE)
        return -EAGAIN;
    s->streak++;
    n = s->transport->read(s->self, buf, cap);
    if (n <= 0 && n != -EAGAIN)
        s->in.eof_ = true; /* there is nothing more to ask for */
    s->ended |= n == 0;
    if (n < 0 && n != -EAGAIN)
        awl__stream_fail(s, (int)-n);
    return n <= 0 && s->error ? -s->error : n;
}

/* Suspended until something has changed. */
static co_step change_step(co_frame *frame, co_stack *stack)
{
    awl__stream_op *op = (awl__stream_op *)(void *)frame;
    awl_stream *s = op->stream;

    if (frame->state_ == AWL__OP_START && !s->closed)
        return awl__stream_park(op, stack, &s->watchers);
    if (frame->state_ != AWL__OP_START && awl__stream_unpark(op, stack, &s->watchers))
        return awl__stream_leave_error(op, stack, ECANCELED);
    return awl__stream_leave_error(op, stack, 0);
}

static const co_type change_type = { change_step, awl__stream_op_cancel,  "awl_stream_change",
                                     __FILE__,    sizeof(awl__stream_op), __LINE__ };

awl_coro awl__stream_change(awl_stream *s)
{
    awl__stream_op *self = awl__op_new(&change_type, sizeof *self);

    if (self)
        self->stream = s;
    return awl__op(self);
}

/* ---- Layers ------------------------------------------------------------------------------------------------------ */

int awl__stream_push(awl_stream *s, const awl_transport *layer, void *self, awl__lower *lower)
{
    if (s->error || s->closing)
        return s->error ? s->error : ECONNABORTED;
    if (s->in.ops_ || s->gate.unsent_ || s->sending)
        return EBUSY;
    if (s->eof_asked)
        return EPIPE;
    awl__input_settle(&s->in);
    *lower = (awl__lower){ s->transport, s->self, s->in.at_, s->in.start_, s->in.end_, s->in.cap_ };
    s->in.at_ = NULL;
    s->in.start_ = s->in.end_ = s->in.cap_ = 0;
    s->transport = layer;
    s->self = self;
    return 0;
}

static void free_early(awl_loop *loop, awl__lower *lower)
{
    awl__free(loop, lower->early, lower->cap);
    lower->early = NULL;
}

ssize_t awl__lower_read(awl_loop *loop, awl__lower *lower, void *buf, size_t cap)
{
    size_t n = lower->end - lower->start;

    if (!lower->early)
        return lower->transport->read(lower->self, buf, cap);
    n = n < cap ? n : cap;
    memcpy(buf, lower->early + lower->start, n);
    lower->start += n;
    if (lower->start == lower->end)
        free_early(loop, lower);
    return (ssize_t)n;
}

void awl__lower_close(awl_loop *loop, awl__lower *lower)
{
    if (lower->early)
        free_early(loop, lower);
    if (lower->transport)
        lower->transport->close(lower->self);
    lower->transport = NULL;
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

/* Everything is sent or lost: the transport goes, and who waits for that goes on. */
static void let_go(awl_stream *s)
{
    if (s->closed)
        return;
    s->closed = true;
    if (s->flush.entry_.flags_ & AWL__READY)
        awl__unready(s->io.loop, &s->flush.entry_);
    awl__closer_remove(&s->closer);
    s->transport->close(s->self);
    free_output(s);
    awl__input_free(&s->in);
    awl__stream_wake(s->gate.ops_, s->error);
    awl__stream_wake(s->watchers, 0);
    awl__stream_wake(s->in.ops_, 0);
    if (s->gone)
        awl__ready(s->io.loop, s->gone);
}

void awl__stream_fail(awl_stream *s, int error)
{
    if (!s->error)
        s->error = (int16_t)error;
    free_output(s);
    awl__gate_lose(&s->gate, s->error, s->error);
    awl__stream_wake(s->watchers, 0);
    awl__stream_wake(s->in.ops_, 0);
    if (s->closing)
        let_go(s);
}

void awl__stream_end(awl_stream *s)
{
    if (s->closing)
        return;
    s->closing = true;
    if (!s->error)
        s->gate.lost_ = ECONNABORTED;
    awl__stream_wake(s->in.ops_, 0);
    awl__stream_flush(s);
}

static void free_unreferenced(awl_stream *s)
{
    if (s->refs == 0 && s->closed)
        awl__free(s->io.loop, s, sizeof *s);
}

void awl__stream_drop(awl_stream *s)
{
    s->refs--;
    free_unreferenced(s);
}

/* ---- Sending what was kept --------------------------------------------------------------------------------------- */

/* Takes n sent bytes off the front. */
static void sent(awl_stream *s, size_t n)
{
    awl__gate_sent(&s->gate, n);
    s->moved += (uint32_t)n;
    while (n) {
        awl__chunk *chunk = s->out;
        const size_t len = chunk->end - chunk->start;

        if (n < len) {
            chunk->start += n;
            return;
        }
        n -= len;
        s->out = chunk->next;
        if (!s->out)
            s->out_last = NULL;
        awl__free(s->io.loop, chunk, sizeof *chunk + chunk->cap);
    }
}

/* Hands over as many chunks as go at once. Result: bytes, or -error. */
static ssize_t send_chunks(awl_stream *s)
{
    struct iovec parts[AWL__MOST_PARTS];
    ssize_t bytes;
    int n = 0;

    for (awl__chunk *chunk = s->out; chunk && n < AWL__MOST_PARTS; chunk = chunk->next)
        parts[n++] = (struct iovec){ chunk->data + chunk->start, chunk->end - chunk->start };
    bytes = s->transport->write(s->self, parts, n);
    if (bytes > 0)
        sent(s, (size_t)bytes);
    return bytes;
}

/* Everything has been handed over: what the transport still holds follows, then the end, then the goodbye. 0, -EAGAIN:
 * not all of it has gone yet, or -error. */
static int send_end(awl_stream *s)
{
    const awl_transport *t = s->transport;
    int rc = t->flush ? t->flush(s->self) : 0;

    if (!rc && s->eof_asked && !s->eof_sent) {
        rc = t->write_eof ? t->write_eof(s->self) : t->goodbye ? t->goodbye(s->self) : 0;
        s->eof_sent = rc == 0;
    }
    return !rc && s->closing && t->goodbye ? t->goodbye(s->self) : rc;
}

void awl__stream_flush(awl_stream *s)
{
    ssize_t rc = 0;

    if (s->closed)
        return;
    while (s->out && rc >= 0)
        rc = send_chunks(s);
    if (rc >= 0 && !s->error)
        rc = send_end(s);
    if (rc < 0 && rc != -EAGAIN)
        awl__stream_fail(s, (int)-rc);
    else if (s->closing && rc >= 0)
        let_go(s);
    free_unreferenced(s);
}

/* ---- Closing ----------------------------------------------------------------------------------------------------- */

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
    free_unreferenced(s); /* a transport may give up what goes on behind a stream that was closed */
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

bool awl_stream_at_eof(const awl_stream *s) { return !s || (s->ended && awl__input_len(&s->in) == 0); }

int awl_stream_error(const awl_stream *s) { return s ? s->error : EINVAL; }

int awl_stream_fd(const awl_stream *s) { return s ? s->io.fd : -1; }

size_t awl_stream_unsent(const awl_stream *s) { return s ? s->gate.unsent_ : 0; }

bool awl_stream_is_closing(const awl_stream *s) { return !s || s->closing; }

bool awl_stream_can_write_eof(const awl_stream *s) { return s && s->transport->write_eof; }
