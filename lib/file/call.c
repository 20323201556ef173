/* Calls that threads make for files, and the handles of what they work on. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "file_priv.h"

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

awl__file_call *awl__file_call_new(awl_loop *loop, int (*run)(awl__file_call *), const char *path, const char *to)
{
    const size_t n = path ? strlen(path) + 1 : 0, m = to ? strlen(to) + 1 : 0;
    awl__file_call *call = malloc(sizeof *call + n + m);

    if (!call)
        return NULL;
    memset(call, 0, sizeof *call);
    call->run = run;
    call->loop = loop;
    if (path)
        call->path = memcpy(call->text, path, n);
    if (to)
        call->to = memcpy(call->text + n, to, m);
    return call;
}

void awl__file_call_end(void *arg)
{
    awl__file_call *call = arg;

    if (!call || call->kept)
        return;

    /* The loop knows of the turn; where it has been closed, as this is another thread, nobody does. */
    if (call->turn_of && call->loop == awl_running_) {
        awl_lock_release(&call->turn_of->turn);
        awl__file_handle_drop(call->turn_of);
    }
    awl__file_core_put(call->core);
    free(call->data);
    free(call);
}

static int run(void *arg, awl_result *result)
{
    awl__file_call *call = arg;

    (void)result;
    call->error = call->run(call);
    return 0;
}

awl_job awl__file_job(awl__file_call *call) { return (awl_job){ .fn = run, .arg = call, .drop = awl__file_call_end }; }

int awl__file_call_error(const awl__file_call *call)
{
    if (call->error && call->path)
        awl__error_detail(call->loop, call->error, "%s: %s", call->path, awl_strerror(call->error));
    else if (call->error)
        awl__error_plain(call->loop, call->error);
    return call->error;
}

/* ---- Handles ---------------------------------------------------------------------------------------------------- */

/* The loop is closed: its memory goes, and the core is for those calls that are still at work. */
static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    awl__file_handle *handle = (awl__file_handle *)(void *)((char *)closer - offsetof(awl__file_handle, closer));

    (void)loop;
    awl__file_core_put(handle->core);
}

void *awl__file_handle_new(awl_loop *loop, size_t size, awl__file_core *core)
{
    awl__file_handle *handle = awl__alloc(loop, size);

    if (!handle)
        return NULL;
    memset(handle, 0, size);
    handle->loop = loop;
    handle->core = core;
    handle->refs = 1;
    handle->size = (uint32_t)size;
    awl_lock_init(&handle->turn);
    awl__closer_add(loop, &handle->closer, loop_closed);
    return handle;
}

void awl__file_handle_drop(awl__file_handle *handle)
{
    if (!handle || --handle->refs)
        return;
    awl__closer_remove(&handle->closer);
    awl__free(handle->loop, handle, handle->size);
}

int awl__file_let_go(awl__file_call *call)
{
    awl__file_core *core = call->core;

    call->core = NULL;
    return awl__file_core_put(core);
}

/* Where no thread can do it, it is done here. */
void awl__file_handle_close(awl__file_handle *handle)
{
    awl__file_call *call;

    if (!handle)
        return;
    awl__loop_check(handle->loop);
    call = handle->core && awl_running_ ? awl__file_call_new(handle->loop, awl__file_let_go, NULL, NULL) : NULL;
    if (call) {
        call->core = handle->core;
        awl_future_release(awl_executor_submit_job(NULL, awl__file_job(call)));
    } else {
        awl__file_core_put(handle->core);
    }
    handle->core = NULL;
    awl__file_handle_drop(handle);
}

/* ---- Calls that make something ---------------------------------------------------------------------------------- */

co_def(made, {
    awl__file_call *call;
    int64_t position;
    awl_file *file;
    int error;
})
{
    co_begin;
    co_await(awl__file_run(self->call));
    self->error = awl__file_call_error(self->call);
    if (!self->error) {
        self->file = awl__file_handle_new(awl__loop_of(co_), sizeof *self->file, self->call->core);
        self->error = self->file ? 0 : ENOMEM;
    }
    if (self->file) {
        self->call->core = NULL;
        self->file->position = self->position;
    }
    awl__file_call_end(self->call);
    if (self->error)
        co_raise(self->error);
    co_return(self->file);
    co_end;
}

awl_coro awl__file_made(awl__file_call *call, int64_t position)
{
    return co_call(made, .call = call, .position = position);
}
