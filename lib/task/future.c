/* Futures: their results, their callbacks, their waiters. */
#include "task_priv.h"

/* ---- Making and releasing ------------------------------------------------------------------------------------------- */

void awl_future_init(awl_future *future, awl_loop *loop)
{
    memset(future, 0, sizeof *future);
    future->host_ = (co_host *)(void *)(loop ? loop : awl_running_);
}

awl_future *awl_future_new(awl_loop *loop)
{
    awl_future *future;

    loop = awl__loop_check(loop);
    future = loop ? awl__alloc(loop, sizeof *future) : NULL;
    if (!future)
        return NULL;
    awl_future_init(future, loop);
    future->state_ = AWL__COUNTED | AWL__REFERENCE;
    return future;
}

/* The last reference has gone. */
void awl__future_free(awl_future *future)
{
    awl_loop *loop = awl__future_loop(future);

    if (future->state_ & AWL__A_TASK) {
        awl__task_free((awl_task *)(void *)future);
        return;
    }
    if (future->state_ & AWL__UNSEEN)
        awl__report(loop, &(awl_report){ .what = "this future got an error that nobody has looked at",
                                         .error = future->error_ });
    if (future->state_ & AWL__A_GATHER)
        awl__gather_free(future);
    else if (future->state_ & AWL__A_SHIELD)
        awl__shield_free(future);
    else
        awl__free(loop, future, sizeof *future);
}

/* While its loop does not run; or in the child of a fork, where its memory is all that is given back. */
static __attribute__((noinline, cold)) void release_elsewhere(awl_future *future)
{
    if (!awl__loop_forked(awl__future_loop(future)))
        awl__loop_check(awl__future_loop(future));
    awl__future_drop(future);
}

void awl_future_release(awl_future *future)
{
    /* The loop's own reference to a task that is not done is nobody else's to give back. */
    const uint32_t least = future && future->state_ & AWL__A_TASK && !awl__is_done(future) ? 2 : 1;

    if (!future)
        return;
    if (future->state_ & AWL__COUNTED && future->state_ < least * AWL__REFERENCE)
        awl__trap("a task or future was released more often than it was retained", NULL, 0);
    if (!future->host_)
        return;
    if (CO_LIKELY_(awl__future_loop(future) == awl_running_))
        awl__future_drop(future);
    else
        release_elsewhere(future);
}

awl_future *awl_future_retain(awl_future *future)
{
    if (future && future->state_ & AWL__COUNTED && future->state_ >= UINT32_MAX / 2)
        awl__trap("a task or future was retained more often than can be counted", NULL, 0);
    if (future)
        awl__future_keep(future);
    return future;
}

/* ---- Becoming done -------------------------------------------------------------------------------------------------- */

CO_INLINE_ void become(awl_future *future, uint32_t state)
{
    awl__entry *waiters = future->waiters_;

    future->state_ |= state;
    future->waiters_ = NULL;
    if (CO_LIKELY_(waiters && waiters->next_ == waiters)) { /* one */
        waiters->flags_ &= (uint8_t)~AWL__WAITING;
        awl__ready_here(awl__future_loop(future), waiters);
    } else {
        awl__ready_all(awl__future_loop(future), &waiters);
    }
}

void awl__future_become(awl_future *future, uint32_t state) { become(future, state); }

CO_INLINE_ void finish(awl_future *future, awl_value value, uint16_t kind)
{
    future->value_ = value;
    future->kind_ = kind;
    future->error_ = 0;
    become(future, AWL__FINISHED);
}

void awl__future_finish(awl_future *future, awl_value value, uint16_t kind) { finish(future, value, kind); }

void awl__future_fail(awl_future *future, int error)
{
    future->value_.i = 0;
    future->kind_ = CO_NONE;
    future->error_ = (int16_t)error;
    awl__future_become(future, AWL__FINISHED | (future->state_ & AWL__SILENT ? 0 : AWL__UNSEEN));
}

void awl__future_become_cancelled(awl_future *future)
{
    future->value_.i = 0;
    future->kind_ = CO_NONE;
    future->error_ = ECANCELED;
    awl__future_become(future, AWL__CANCELLED);
}

int awl_future_set_typed_(awl_future *future, co_typed_ typed)
{
    if (!future || !future->host_)
        return EINVAL;
    awl__loop_check_here(awl__future_loop(future));
    if (awl__is_done(future) || future->state_ & (AWL__A_TASK | AWL__A_GATHER))
        return AWL_EINVALIDSTATE;
    finish(future, typed.value, typed.kind);
    return 0;
}

int awl_future_set_error(awl_future *future, int error)
{
    if (!future || !future->host_ || error <= 0 || error > INT16_MAX)
        return EINVAL;
    awl__loop_check(awl__future_loop(future));
    if (awl__is_done(future) || future->state_ & (AWL__A_TASK | AWL__A_GATHER))
        return AWL_EINVALIDSTATE;
    awl__future_fail(future, error);
    return 0;
}

bool awl_future_cancel(awl_future *future)
{
    if (!future || !future->host_)
        return false;
    if (future->state_ & AWL__A_TASK)
        return awl_task_cancel((awl_task *)(void *)future);
    if (future->state_ & AWL__A_GATHER)
        return awl__gather_cancel(future);
    awl__loop_check(awl__future_loop(future));
    future->state_ &= ~(uint32_t)AWL__UNSEEN;
    if (awl__is_done(future))
        return false;
    awl__future_become_cancelled(future);
    return true;
}

/* ---- Asking ------------------------------------------------------------------------------------------------------------ */

awl_task *awl_future_task(awl_future *future)
{
    return future && future->state_ & AWL__A_TASK ? (awl_task *)(void *)future : NULL;
}

bool awl_future_done(const awl_future *future) { return future && awl__is_done(future); }

bool awl_future_cancelled(const awl_future *future) { return future && awl__is_cancelled(future); }

int awl_future_error(awl_future *future)
{
    if (!future)
        return EINVAL;
    if (!awl__is_done(future))
        return AWL_EINVALIDSTATE;
    future->state_ &= ~(uint32_t)AWL__UNSEEN;
    return future->error_;
}

bool awl_future_unretrieved(const awl_future *future) { return future && future->state_ & AWL__UNSEEN; }

awl_value awl_future_value(awl_future *future)
{
    return future && awl__is_done(future) ? future->value_ : (awl_value){ .i = 0 };
}

/* ---- Callbacks ------------------------------------------------------------------------------------------------------------ */

/* A done-callback of the user's, in the loop's memory. */
typedef struct done_call {
    awl__waiter waiter;
    awl_done_fn *fn;
    void *arg;
    awl__context *context; /* in which it is called; NULL: none */
} done_call;

static void run_waiter(awl_loop *loop, awl__entry *entry)
{
    awl__waiter *waiter = (awl__waiter *)(void *)entry;
    awl_future *future = waiter->future;
    const bool counted = future->state_ & AWL__COUNTED; /* one in caller's memory may be gone after the call */

    entry->flags_ &= (uint8_t)~AWL__READY;
    waiter->fn(loop, waiter);
    if (counted)
        awl__future_drop(future);
}

void awl__watch(awl_future *future, awl__waiter *waiter, void (*fn)(awl_loop *loop, awl__waiter *waiter))
{
    awl__entry *entry = &waiter->link.entry_, *waiters = future->waiters_;

    entry->kind_ = AWL__WAITER;
    entry->flags_ = AWL__HAS_PREV;
    waiter->fn = fn;
    waiter->future = future;
    awl__future_keep(future);
    if (awl__is_done(future)) {
        awl__ready(awl__future_loop(future), entry);
        return;
    }
    entry->flags_ |= AWL__WAITING;
    awl__list_push(&waiters, entry);
    future->waiters_ = waiters;
}

bool awl__unwatch(awl__waiter *waiter)
{
    awl__entry *entry = &waiter->link.entry_, *waiters;

    if (entry->flags_ & AWL__READY) {
        awl__unready(awl__future_loop(waiter->future), entry);
    } else if (entry->flags_ & AWL__WAITING) {
        waiters = waiter->future->waiters_;
        awl__list_remove(&waiters, entry);
        waiter->future->waiters_ = waiters;
        entry->flags_ &= (uint8_t)~AWL__WAITING;
    } else {
        return false;
    }
    awl__future_drop(waiter->future);
    return true;
}

static void call_done(awl_loop *loop, awl__waiter *waiter)
{
    const done_call call = *(done_call *)(void *)waiter;

    awl__free(loop, waiter, sizeof call);
    if (CO_UNLIKELY_(call.context != NULL))
        awl__context_enter(loop, call.context);
    call.fn(call.waiter.future, call.arg);
}

int awl_future_add_done_callback(awl_future *future, awl_done_fn *fn, void *arg)
{
    done_call *call;

    if (!future || !future->host_ || !fn)
        return EINVAL;
    call = awl__alloc(awl__loop_check(awl__future_loop(future)), sizeof *call);
    if (!call)
        return ENOMEM;
    awl__watch(future, &call->waiter, call_done);
    call->fn = fn;
    call->arg = arg;
    call->context = awl__context_capture(awl__future_loop(future));
    return 0;
}

size_t awl_future_remove_done_callback(awl_future *future, awl_done_fn *fn)
{
    awl__entry *entry, *first;
    size_t n = 0, waiting = 0;

    if (!future || !future->waiters_)
        return 0;
    first = entry = ((awl__entry *)future->waiters_)->next_;
    do {
        waiting++;
        entry = entry->next_;
    } while (entry != first);
    while (waiting-- > 0) {
        awl__waiter *waiter = (awl__waiter *)(void *)entry;
        done_call *call = (done_call *)(void *)entry;

        entry = entry->next_;
        if (call->waiter.link.entry_.kind_ == AWL__WAITER && waiter->fn == call_done && call->fn == fn) {
            awl__unwatch(waiter);
            awl__context_drop(awl__future_loop(future), call->context);
            awl__free(awl__future_loop(future), call, sizeof *call);
            n++;
        }
    }
    return n;
}

void awl__futures_open(awl_loop *loop) { loop->run[AWL__WAITER] = run_waiter; }
