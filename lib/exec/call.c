/* Calls: jobs whose argument and result are bytes, which may go to other memory than this. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec_priv.h"

enum { FIRST_ROOM = 64, LONGEST_TEXT = 512 };

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

/* What of the bytes hangs off the loop, which frees those that nobody has freed. */
static awl__closer *closer_of(awl_bytes *bytes)
{
    _Static_assert(sizeof bytes->own_ >= sizeof(awl__closer), "bytes have room for their closer");

    return (awl__closer *)(void *)bytes->own_;
}

static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    (void)loop;
    free((char *)closer - offsetof(awl_bytes, own_));
}

awl_bytes *awl__bytes_new(size_t len)
{
    awl_bytes *bytes = len > SIZE_MAX - sizeof *bytes ? NULL : malloc(sizeof *bytes + len);

    if (!bytes)
        return NULL;
    memset(bytes, 0, sizeof *bytes);
    bytes->len = len;
    return bytes;
}

void awl_bytes_free(awl_bytes *bytes)
{
    if (!bytes)
        return;
    awl__closer_remove(closer_of(bytes));
    free(bytes);
}

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

void *awl_reply_reserve(awl_reply *reply, size_t len)
{
    const size_t used = reply->bytes_ ? reply->bytes_->len : 0;
    size_t room = reply->room_;
    awl_bytes *bytes;

    if (len > SIZE_MAX / 2 - sizeof *bytes - used)
        return NULL;
    if (!reply->bytes_ || used + len > room) {
        room = used ? 2 * room : FIRST_ROOM;
        room = room < used + len ? used + len : room;
        bytes = realloc(reply->bytes_, sizeof *bytes + room);
        if (!bytes)
            return NULL;
        if (!reply->bytes_)
            memset(bytes, 0, sizeof *bytes);
        reply->bytes_ = bytes;
        reply->room_ = room;
    }
    reply->bytes_->len = used + len;
    return reply->bytes_->data + used;
}

int awl_reply_append(awl_reply *reply, const void *data, size_t len)
{
    void *place = awl_reply_reserve(reply, len);

    if (!place)
        return ENOMEM;
    if (len)
        memcpy(place, data, len);
    return 0;
}

int awl_reply_fail(awl_reply *reply, int error, const char *format, ...)
{
    char text[LONGEST_TEXT];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (reply->bytes_)
        reply->bytes_->len = 0;
    reply->text_ = len > 0 && awl_reply_append(reply, text, strlen(text)) == 0;
    return error;
}

int awl__call_make(awl_call_fn *fn, const void *in, size_t len, awl_reply *reply)
{
    int error;

    *reply = (awl_reply){ .result_ = { .kind_ = CO_NONE } };
    error = fn(in, len, reply);
    if (error < 0 || error > INT16_MAX || (!error && reply->result_.kind_ == CO_POINTER))
        error = EINVAL;
    if (error)
        reply->result_ = (awl_result){ .kind_ = CO_NONE };
    if (error && !reply->text_) {
        free(reply->bytes_);
        reply->bytes_ = NULL;
    }
    reply->text_ = error && reply->text_;
    return error;
}

/* ---- Calls as jobs ---------------------------------------------------------------------------------------------- */

int awl__call_run(void *arg, awl_result *result)
{
    awl__call *call = arg;
    awl_reply reply;
    const int error = awl__call_make(call->fn, call->in, call->len, &reply);

    *result = reply.result_;
    call->reply = reply.bytes_;
    call->text = reply.text_;
    return error;
}

static void free_call(void *arg)
{
    awl__call *call = arg;

    free(call->reply);
    free(call);
}

void awl__call_finish(awl__job *job)
{
    awl__call *call = job->what.arg;

    if (call->reply) {
        awl__closer_add(job->executor->loop, closer_of(call->reply), loop_closed);
        job->result.value_.p = call->reply;
        job->result.kind_ = CO_POINTER;
        call->reply = NULL;
    }
    free_call(call);
    job->what = (awl_job){ .fn = NULL };
}

void awl__call_explain(const awl__job *job)
{
    const awl__call *call = awl__call_of(job);

    if (call->text && call->reply)
        awl__error_detail(job->executor->loop, job->error, "%.*s",
                          (int)(call->reply->len < LONGEST_TEXT ? call->reply->len : LONGEST_TEXT),
                          (const char *)call->reply->data);
}

/* The job that is a call, with a copy of its argument: 0 or ENOMEM. Without fn it is a job without one. */
static int make_job(const awl_call *what, awl_job *job)
{
    awl__call *call = NULL;

    *job = (awl_job){ .fn = NULL };
    if (!what->fn)
        return 0;
    if (what->len <= SIZE_MAX / 2)
        call = malloc(sizeof *call + what->len);
    if (!call)
        return ENOMEM;
    *call = (awl__call){ .name = what->name ? what->name : "?", .fn = what->fn, .len = what->len };
    if (what->len)
        memcpy(call->in, what->in, what->len);
    *job = (awl_job){ .fn = awl__call_run, .arg = call, .drop = free_call };
    return 0;
}

awl_coro awl_run_call(awl_executor *executor, awl_call call)
{
    awl_job job;

    return make_job(&call, &job) ? awl__op(NULL) : awl_run_job(executor, job);
}

awl_future *awl_executor_submit_call(awl_executor *executor, awl_call call)
{
    awl_job job;

    if (make_job(&call, &job) == 0)
        return awl_executor_submit_job(executor, job);
    errno = ENOMEM;
    return NULL;
}
