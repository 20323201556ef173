/* Talking to a process: its streams, and all of them at once. See awl/process.h. */
#include <errno.h>
#include <string.h>

#include "process_priv.h"

enum { PIECE = 65536, FIRST_ROOM = 4096 };

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

awl_stream *awl_process_stdin(awl_process *p) { return p ? p->in : NULL; }

awl_stream *awl_process_stdout(awl_process *p) { return p ? p->out : NULL; }

awl_stream *awl_process_stderr(awl_process *p) { return p ? p->err : NULL; }

void awl_process_close_stdin(awl_process *p)
{
    awl_stream *in = p ? p->in : NULL;

    if (p)
        p->in = NULL;
    awl_stream_close(in);
}

/* ---- What has been read ------------------------------------------------------------------------------------------ */

static const char *text_of(const awl__collected *all, size_t *len)
{
    if (len)
        *len = all->len;
    return all->data ? all->data : "";
}

const char *awl_process_output(const awl_process *p, size_t *len)
{
    return text_of(p ? &p->output : &(awl__collected){ .len = 0 }, len);
}

const char *awl_process_errors(const awl_process *p, size_t *len)
{
    return text_of(p ? &p->errors : &(awl__collected){ .len = 0 }, len);
}

/* Room for some bytes more and a zero byte. False: no memory. */
static bool make_room(awl_loop *loop, awl__collected *all)
{
    const size_t cap = all->cap ? 2 * all->cap : FIRST_ROOM;
    char *data;

    if (all->cap > all->len + 1)
        return true;
    data = cap > all->cap ? awl__alloc(loop, cap) : NULL;
    if (!data)
        return false;
    if (all->len)
        memcpy(data, all->data, all->len);
    awl__free(loop, all->data, all->cap);
    all->data = data;
    all->cap = cap;
    return true;
}

/* How many bytes may be read at once: one beyond the limit tells that there are more. */
static size_t most_of(const awl__collected *all, size_t limit)
{
    const size_t room = all->cap - 1 - all->len, left = limit ? limit - all->len + 1 : room;

    return room < left ? room : left;
}

/* Reads a stream to its end. This and `feed` are tasks of `communicate`, which outlives them; the streams need not. */
co_def(collect, { awl_loop *loop; awl_stream **s; awl__collected *all; size_t limit; int n; })
{
    co_begin;
    do {
        if (self->limit && self->all->len > self->limit)
            co_raise(AWL_ELIMIT);
        if (!*self->s)
            co_raise(ECONNABORTED);
        if (!make_room(self->loop, self->all))
            co_raise(ENOMEM);
        co_let(self->n, awl_stream_read(*self->s, self->all->data + self->all->len, most_of(self->all, self->limit)));
        self->all->len += (size_t)self->n;
        self->all->data[self->all->len] = '\0';
    } while (self->n);
    co_end;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Hands the next piece to the stream. 0 or the error. */
static int feed_some(awl_process *p, const char *input, size_t len)
{
    const size_t left = len - p->fed, n = left < PIECE ? left : PIECE;
    const int error = awl_stream_write(p->in, input + p->fed, n);

    if (!error)
        p->fed += n;
    return error;
}

/* Whether an error means no more than that the child reads no further. */
static bool is_deaf(int error) { return error == EPIPE || error == ECONNRESET; }

co_def(feed, { awl_process *p; const char *input; size_t len; int rc; })
{
    co_begin;
    while (self->p->in && self->p->fed < self->len && !self->rc) {
        self->rc = feed_some(self->p, self->input, self->len);
        if (!self->rc)
            co_try(self->rc, awl_stream_drain(self->p->in));
    }
    if (self->rc && !is_deaf(self->rc))
        co_raise(self->rc);
    awl_process_close_stdin(self->p);
    co_end;
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */

/* Adds a task to those that are at work. False: no memory. */
static bool begin(awl_task **tasks, size_t *n, awl_coro coroutine)
{
    tasks[*n] = awl_create_task(coroutine);
    if (!tasks[*n])
        return false;
    ++*n;
    return true;
}

/* One task for each pipe. 0 or ENOMEM. */
static int begin_all(awl_process *p, const void *input, size_t len, size_t limit, awl_task **tasks, size_t *n)
{
    if (p->in && !begin(tasks, n, co_call(feed, .p = p, .input = input, .len = len)))
        return ENOMEM;
    if (p->out && !begin(tasks, n, co_call(collect, .loop = p->loop, .s = &p->out, .all = &p->output, .limit = limit)))
        return ENOMEM;
    if (p->err && !begin(tasks, n, co_call(collect, .loop = p->loop, .s = &p->err, .all = &p->errors, .limit = limit)))
        return ENOMEM;
    return 0;
}

co_define(awl__communicate)
{
    co_begin;
    if (!self->held || (self->len && (!self->input || !self->held->takes_input)))
        co_raise(EINVAL);
    if (self->held->closed)
        co_raise(ECONNABORTED);
    if (self->held->communicating)
        co_raise(EBUSY);
    self->held->communicating = self->begun = true;
    self->rc = begin_all(self->held, self->input, self->len, self->limit, self->tasks, &self->n);
    if (self->rc)
        co_raise(self->rc);
    if (self->n)
        co_await(awl_gather_n(self->tasks, self->n, NULL, AWL_CANCEL_ON_ERROR));
    co_let(self->code, awl_process_wait(self->held));
    co_return(self->code);
    co_finally;
    /* They end before this does, however often it is cancelled: what they work on is here. */
    for (; self->n > 0; self->n--) {
        while (!awl_task_done(self->tasks[self->n - 1])) {
            awl_task_cancel(self->tasks[self->n - 1]);
            co_try_cancel(self->rc, self->tasks[self->n - 1]);
        }
        awl_task_release(self->tasks[self->n - 1]);
    }
    if (self->begun)
        self->held->communicating = false;
    if (self->held)
        awl__process_drop(self->held);
    co_end;
}

awl_coro awl_process_communicate(awl_process *p, const void *input, size_t len, size_t limit)
{
    return awl__process_hold(
        p, co_call(awl__communicate, .held = p, .input = input, .len = len, .limit = limit < SIZE_MAX ? limit : 0));
}
