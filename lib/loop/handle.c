/* Callbacks: awl_call_soon and its kin, from this thread and from others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop_priv.h"

/* ---- Calls of this thread ------------------------------------------------------------------------------------------ */

/* A handle whose turn has come. It may be scheduled again, or its memory reused, by the function itself. */
static void run_handle(awl_loop *loop, awl__entry *entry)
{
    awl_handle *handle = (awl_handle *)(void *)entry;
    awl_fn *fn = handle->fn_;
    void *arg = handle->arg_;

    entry->flags_ &= (uint8_t)~AWL__READY;
    if (entry->flags_ & AWL__HEAP)
        awl__free(loop, handle, sizeof *handle);
    fn(arg);
}

/* Fills in a handle, its own or the caller's. Result: 0 or the error. */
static int prepare(awl_loop **loop, awl_handle **handle, awl_fn *fn, void *arg)
{
    uint8_t flags = AWL__HAS_PREV;

    *loop = awl__loop_check(*loop);
    if (!*loop || !fn)
        return EINVAL;
    if (!*handle) {
        *handle = awl__alloc(*loop, sizeof **handle);
        if (!*handle)
            return ENOMEM;
        flags |= AWL__HEAP;
    } else if ((*handle)->timer_.link_.entry_.flags_ & (AWL__READY | AWL__TIMED)) {
        return EBUSY;
    }
    memset(*handle, 0, sizeof **handle);
    (*handle)->timer_.link_.entry_.kind_ = AWL__HANDLE;
    (*handle)->timer_.link_.entry_.flags_ = flags;
    (*handle)->loop_ = *loop;
    (*handle)->fn_ = fn;
    (*handle)->arg_ = arg;
    if (CO_UNLIKELY_((*loop)->capture != NULL))
        (*loop)->capture(*loop, *handle);
    return 0;
}

int awl_call_soon(awl_loop *loop, awl_handle *handle, awl_fn *fn, void *arg)
{
    const int error = prepare(&loop, &handle, fn, arg);

    if (!error)
        awl__ready(loop, &handle->timer_.link_.entry_);
    return error;
}

int awl_call_at(awl_loop *loop, awl_handle *handle, awl_time when, awl_fn *fn, void *arg)
{
    const int error = prepare(&loop, &handle, fn, arg);

    if (!error)
        awl__timer_start(loop, &handle->timer_, when);
    return error;
}

int awl_call_later(awl_loop *loop, awl_handle *handle, awl_time delay, awl_fn *fn, void *arg)
{
    loop = awl__loop_check(loop);
    return loop ? awl_call_at(loop, handle, awl__later(loop, delay), fn, arg) : EINVAL;
}

void awl_handle_cancel(awl_handle *handle)
{
    if (!handle || !(handle->timer_.link_.entry_.flags_ & (AWL__READY | AWL__TIMED)) || !handle->loop_)
        return;
    awl__loop_check(handle->loop_);
    awl__timer_stop(handle->loop_, &handle->timer_);
    if (CO_UNLIKELY_(handle->loop_->forget != NULL))
        handle->loop_->forget(handle->loop_, handle);
}

/* ---- Calls of other threads ------------------------------------------------------------------------------------------ */

int awl_call_soon_threadsafe(awl_loop *loop, awl_handle *handle, awl_fn *fn, void *arg)
{
    if (!loop || !fn)
        return EINVAL;
    if (CO_UNLIKELY_(awl__loop_forked(loop)))
        return AWL_EFORKED; /* it would wake the parent's */
    if (!__atomic_load_n(&loop->called_by_threads, __ATOMIC_RELAXED))
        __atomic_store_n(&loop->called_by_threads, true, __ATOMIC_RELAXED);
    return awl__post(loop, handle, fn, arg);
}

int awl__post(awl_loop *loop, awl_handle *handle, awl_fn *fn, void *arg)
{
    uint8_t flags = 0;

    if (!handle) {
        handle = malloc(sizeof *handle);
        if (!handle)
            return ENOMEM;
        flags = AWL__HEAP;
    }
    memset(handle, 0, sizeof *handle);
    handle->timer_.link_.entry_.flags_ = flags;
    handle->fn_ = fn;
    handle->arg_ = arg;
    awl__backend_post(loop, &handle->timer_.link_.entry_);
    return 0;
}

static void run_posted(awl_loop *loop, awl__entry *entry)
{
    awl_handle *handle = (awl_handle *)(void *)entry;
    awl_fn *fn = handle->fn_;
    void *arg = handle->arg_;

    (void)loop;
    entry->flags_ &= (uint8_t)~AWL__READY;
    if (entry->flags_ & AWL__HEAP)
        free(handle);
    fn(arg);
}

void awl__handles_open(awl_loop *loop)
{
    loop->run[AWL__HANDLE] = run_handle;
    loop->run[AWL__POSTED] = run_posted;
}

/* Calls that will not be made: their handles are like new, and their memory, where it is not the pool's, goes back. */
void awl__handles_close(awl_loop *loop)
{
    awl__timers_close(loop);
    while (loop->ready) {
        awl__entry *entry = loop->ready;

        loop->ready = entry->next_;
        entry->flags_ &= (uint8_t)~AWL__READY;
        if (entry->kind_ == AWL__POSTED && entry->flags_ & AWL__HEAP)
            free(entry);
    }
    loop->ready_end = &loop->ready;
}
