/* awl_gather. The gather is a future, which its children's callbacks end; the operation awaits it, and awl_gather_future
 * hands it out. */
#include "dump_priv.h"

enum { GATHER_START, GATHER_WAIT };

static awl__gather *gather_of(co_frame *frame) { return (awl__gather *)(void *)(frame + 1); }

/* ---- The arguments --------------------------------------------------------------------------------------------------- */

awl_nursery_ awl_child_open_(void)
{
    return awl_running_ ? awl_nursery_open_(NULL, 0) : (awl_nursery_){ NULL, NULL };
}

awl_child_ awl_child_coro_(awl_nursery_ nursery, awl_coro coroutine, const awl_site *site)
{
    awl_task *task;

    if (!awl_running_)
        return (awl_child_){ NULL, coroutine, true };
    task = awl_nursery_close_(nursery, coroutine, site);
    return (awl_child_){ task ? awl_task_future(task) : NULL, { NULL, 0 }, true };
}

/* Nothing was to be made, so nothing can have been. */
static void child_close(awl_nursery_ nursery)
{
    if (awl_running_) {
        awl_running_->host.into_ = nursery.into;
        awl_running_->nursery_task = nursery.task;
    }
}

awl_child_ awl_child_task_(awl_nursery_ nursery, awl_task *task, const awl_site *site)
{
    return awl_child_future_(nursery, task ? awl_task_future(task) : NULL, site);
}

awl_child_ awl_child_future_(awl_nursery_ nursery, awl_future *future, const awl_site *site)
{
    (void)site;
    child_close(nursery);
    return (awl_child_){ future, { NULL, 0 }, false };
}

void awl__child_release(const awl_child_ *child)
{
    if (child->owned && child->future)
        awl_future_release(child->future);
    else if (child->owned)
        awl_coro_close(child->coroutine);
}

/* ---- The future -------------------------------------------------------------------------------------------------------- */

static void store_outcomes(awl__gather *gather)
{
    for (size_t i = 0; i < gather->n; i++) {
        co_promise promise = { .value_ = { .i = 0 } };

        awl__future_take(gather->children[i].future, &promise);
        if (gather->outcomes)
            gather->outcomes[i] = (awl_outcome){ promise.value_, promise.error_ };
    }
}

/* All children are done, and well or whatever they like. That of awl_gather_future has the outcomes as its result. */
static void finish(awl__gather *gather)
{
    const bool handed_out = gather->future.state_ & AWL__COUNTED;
    const co_typed_ result = handed_out ? co_from_pointer_(gather->outcomes) : (co_typed_){ { .i = 0 }, CO_NONE };

    if (gather->outcomes || gather->return_exceptions || gather->decisive) /* else there are no errors to look at */
        store_outcomes(gather);
    if (gather->requested)
        awl__future_fail(&gather->future, ECANCELED);
    else
        awl__future_finish(&gather->future, result.value, result.kind);
}

/* Cancels the children that are not done. */
static bool cancel_children(awl__gather *gather)
{
    bool any = false;

    gather->cancelling = true;
    for (size_t i = 0; i < gather->n; i++)
        any |= awl_future_cancel(gather->children[i].future);
    gather->cancelling = false;
    return any;
}

/* With AWL_CANCEL_ON_ERROR, or in a race: nothing ends before all have. */
static void count_strictly(awl__gather *gather, awl_future *child)
{
    co_promise promise;

    if (gather->failed) {
        if (gather->left == 0)
            awl__future_fail(&gather->future, gather->requested ? ECANCELED : gather->failed);
        return;
    }
    if (!gather->decisive && (gather->race || child->error_)) {
        gather->decisive = child;
        if (gather->left && !gather->requested)
            cancel_children(gather);
    }
    if (gather->left)
        return;
    if (gather->requested || !gather->decisive) {
        finish(gather);
        return;
    }
    if (gather->outcomes)
        store_outcomes(gather);
    awl__future_take(gather->decisive, &promise);
    if (promise.error_)
        awl__future_fail(&gather->future, promise.error_);
    else
        awl__future_finish(&gather->future, promise.value_, promise.kind_);
}

static void count_child(awl__gather *gather, awl_future *child)
{
    gather->left--;
    if (gather->race || gather->cancel_on_error) {
        count_strictly(gather, child);
        return;
    }
    if (awl__is_done(&gather->future)) {
        child->state_ &= ~(uint32_t)AWL__UNSEEN;
        return;
    }
    if (!gather->return_exceptions && child->error_) {
        child->state_ &= ~(uint32_t)AWL__UNSEEN;
        awl__future_fail(&gather->future, child->error_);
    } else if (gather->left == 0) {
        finish(gather);
    }
}

static void child_done(awl_loop *loop, awl__waiter *waiter)
{
    char *children = (char *)(waiter - waiter->link.entry_.extra_);

    (void)loop;
    count_child((awl__gather *)(void *)(children - offsetof(awl__gather, children)), waiter->future);
}

bool awl__gather_cancel(awl_future *future)
{
    awl__gather *gather = (awl__gather *)(void *)future;
    bool any;

    if (awl__is_done(future) || gather->cancelling) /* the latter: a child waits for the task that waits for this */
        return false;
    any = cancel_children(gather);
    gather->requested |= any;
    return any;
}

static const awl_site gather_site = { __FILE__, __LINE__ };

/* Whether it ends before none of its children does. One that is handed out has not begun then, and has made none. */
static bool waits_for_all(const awl__gather *gather)
{
    return (gather->race || gather->cancel_on_error) && !(gather->future.state_ & AWL__COUNTED);
}

/* Not all of those that nothing ends before are there: the others are cancelled, and waited for. 0 if there are some. */
static int give_up(awl__gather *gather, int error)
{
    gather->left = 0;
    for (size_t i = 0; i < gather->n; i++)
        gather->left += (gather->children[i].link.entry_.flags_ & AWL__WAITING) != 0;
    if (gather->left == 0)
        return error;
    gather->failed = (int16_t)error;
    cancel_children(gather);
    return 0;
}

/*
 * Begins: makes tasks of the coroutines that could not be tasks yet, and watches the children. 0 or the error, after
 * which let_go is still to be called. One pass, because there may be a million of them: each reads memory anew.
 */
static int begin(awl__gather *gather, awl_loop *loop, uint32_t state)
{
    size_t done = 0;
    int error = gather->race && gather->n == 0 ? EINVAL : 0;

    awl_future_init(&gather->future, loop);
    gather->future.state_ = AWL__A_GATHER | state;
    gather->left = gather->n;
    for (size_t i = 0; i < gather->n; i++) {
        awl__waiter *child = &gather->children[i];
        const uint16_t owned = child->link.entry_.slot_;

        if (CO_UNLIKELY_(gather->coroutines && owned && !child->future)) {
            awl_task *task = awl__task_new(loop, gather->coroutines[i], &gather_site);
            gather->coroutines[i] = (awl_coro){ NULL, 0 };
            child->future = task ? awl_task_future(task) : NULL;
        }
        if (CO_UNLIKELY_(!child->future)) {
            error = error ? error : owned ? ENOMEM : EINVAL;
        } else if (CO_UNLIKELY_(child->future->host_ != &loop->host)) {
            error = error ? error : AWL_EOTHERLOOP;
            child->future = NULL;
        } else if (CO_LIKELY_(!error) || waits_for_all(gather)) {
            if (!owned) /* it is read at the end: until then it stays, even if all others let go of it */
                awl__future_keep(child->future);
            if (awl__is_done(child->future))
                done++;
            else
                awl__watch(child->future, child, child_done);
            child->link.entry_.slot_ = true;
            child->link.entry_.extra_ = (uint32_t)i;
        }
    }
    if (error)
        return waits_for_all(gather) ? give_up(gather, error) : error;
    for (size_t i = 0; done && i < gather->n; i++) {
        if (!gather->children[i].link.entry_.flags_) /* it is not watched: it was done already */
            count_child(gather, gather->children[i].future);
    }
    if (gather->n == 0)
        finish(gather);
    return 0;
}

/* ---- The operation ------------------------------------------------------------------------------------------------------ */

/* Leaves the children alone, in whatever state they are, and gives back those that were made or kept here. */
static void let_go(awl__gather *gather)
{
    const bool all = gather->left == 0; /* then nothing is to be taken back, and every error has been seen */

    for (size_t i = 0; i < gather->n; i++) {
        awl__waiter *child = &gather->children[i];
        awl_future *future = child->future;

        if (!future)
            continue;
        /* What it says, or will say, is not wanted any more; but of one that was cancelled for another it is news. */
        if (!all && awl__is_done(&gather->future) && !gather->decisive) {
            future->state_ &= ~(uint32_t)AWL__UNSEEN;
            future->state_ |= awl__is_done(future) ? 0 : AWL__SILENT;
        }
        if (!all)
            awl__unwatch(child);
        if (child->link.entry_.slot_)
            awl__future_drop(future);
    }
    for (size_t i = 0; gather->coroutines && i < gather->n; i++)
        awl_coro_close(gather->coroutines[i]);
}

static co_step gather_step(co_frame *frame, co_stack *stack)
{
    awl__gather *gather = gather_of(frame);
    co_step step;

    if (frame->state_ == GATHER_START) {
        stack->promise_.error_ = (int16_t)begin(gather, awl__loop_of(stack), 0);
        if (!stack->promise_.error_) {
            step = awl__await_in(stack, frame, &gather->future, GATHER_WAIT);
            if (step.code_ != CO_DONE_)
                return step;
        }
    }
    let_go(gather);
    return awl__op_end(frame, stack, stack->promise_.error_);
}

const co_type awl__gather_type = { gather_step, NULL, "awl_gather", __FILE__, sizeof(co_frame), __LINE__ };

/* One that several wait for is marked once, and shown once: gathers of gathers may have very many ways through them. */
void awl__gather_dump(awl__dump *dump, awl__gather *gather)
{
    awl__dump_say(dump, "a %s, %zu of %zu left%s", gather->race ? "race" : "gather", gather->left, gather->n,
                  gather->dumped == AWL__SHOWS ? ", see above" : "");
    if (dump->mode == AWL__SAYS || gather->dumped == dump->mode)
        return;
    gather->dumped = (uint8_t)dump->mode;
    for (size_t i = 0; i < gather->n; i++)
        awl__dump_child(dump, gather->children[i].future);
}

void awl__gather_inspect(awl__dump *dump, const co_frame *leaf)
{
    awl__gather_dump(dump, gather_of((co_frame *)(uintptr_t)leaf));
}

void awl__gather_close(co_frame *frame) { let_go(gather_of(frame)); }

static void prepare(awl__gather *gather, size_t n, awl_outcome *outcomes, unsigned flags)
{
    memset(gather, 0, sizeof *gather);
    gather->n = n;
    gather->outcomes = outcomes;
    gather->return_exceptions = flags & AWL_RETURN_EXCEPTIONS;
    gather->cancel_on_error = (flags & (AWL_CANCEL_ON_ERROR | AWL_RETURN_EXCEPTIONS)) == AWL_CANCEL_ON_ERROR;
    gather->race = flags & AWL_RACE_;
}

/* An operation with room for n children, and as many coroutines; NULL: no memory. */
static awl__gather *gather_new(size_t n, bool coroutines, awl_outcome *outcomes, unsigned flags, co_frame **frame)
{
    const size_t size = sizeof(awl__gather) + n * sizeof(awl__waiter);
    awl__gather *gather;

    *frame = NULL;
    if (n < SIZE_MAX / 256 && n < UINT32_MAX)
        *frame = awl__op_new(&awl__gather_type, sizeof **frame + size + (coroutines ? n * sizeof(awl_coro) : 0));
    if (!*frame)
        return NULL;
    gather = gather_of(*frame);
    prepare(gather, n, outcomes, flags);
    gather->coroutines = coroutines ? (awl_coro *)(void *)((char *)gather + size) : NULL;
    return gather;
}

/* Fills in what is known of a child before it is watched. */
static void set_child(awl__gather *gather, size_t i, awl_future *future, bool owned)
{
    gather->children[i] = (awl__waiter){ .link.entry_.slot_ = owned, .future = future };
}

static void set_children(awl__gather *gather, const void *awaitables)
{
    for (size_t i = 0; i < gather->n; i++)
        set_child(gather, i, awl__awaitable_at(awaitables, i), false);
}

awl_coro awl_gather_children_(const awl_child_ *children, size_t n, awl_outcome *outcomes, unsigned flags)
{
    const bool coroutines = !awl_running_;
    co_frame *frame;
    awl__gather *gather = gather_new(n, coroutines, outcomes, flags, &frame);

    for (size_t i = 0; i < n; i++) {
        if (gather) {
            set_child(gather, i, children[i].future, children[i].owned);
            if (coroutines)
                gather->coroutines[i] = children[i].coroutine;
        } else {
            if (flags & (AWL_RACE_ | AWL_CANCEL_ON_ERROR) && children[i].owned)
                awl_future_cancel(children[i].future); /* before its first step: there is nothing to wait for */
            awl__child_release(&children[i]);
        }
    }
    return awl__op(frame);
}

awl_coro awl_gather_n_(const void *awaitables, size_t n, awl_outcome *outcomes, unsigned flags)
{
    co_frame *frame;
    awl__gather *gather = gather_new(n, false, outcomes, flags, &frame);

    if (gather)
        set_children(gather, awaitables);
    return awl__op(frame);
}

/* ---- The future by itself -------------------------------------------------------------------------------------------- */

/* The block of a gather that is handed out: behind the children lie the outcomes. */
static size_t block_size(size_t n)
{
    return sizeof(awl__gather) + n * (sizeof(awl__waiter) + sizeof(awl_outcome));
}

void awl__gather_free(awl_future *future)
{
    awl__gather *gather = (awl__gather *)(void *)future;

    let_go(gather);
    awl__free(awl__future_loop(future), gather, block_size(gather->n));
}

/* The loop that the first of them belongs to, or the running one; NULL: there is none. */
static awl_loop *loop_of(const void *awaitables, size_t n)
{
    awl_future *first;

    if (n == 0)
        return awl_running_;
    first = awl__awaitable_at(awaitables, 0);
    return first && first->host_ ? awl__loop_check(awl__future_loop(first)) : NULL;
}

awl_future *awl_gather_future_(const void *awaitables, size_t n, unsigned flags)
{
    awl_loop *loop = loop_of(awaitables, n);
    awl__gather *gather;

    errno = loop ? ENOMEM : EINVAL;
    gather = loop && n < SIZE_MAX / 256 && n < UINT32_MAX ? awl__alloc(loop, block_size(n)) : NULL;
    if (!gather)
        return NULL;
    prepare(gather, n, (awl_outcome *)(void *)&gather->children[n], flags);
    set_children(gather, awaitables);
    errno = begin(gather, loop, AWL__COUNTED | AWL__REFERENCE);
    if (errno) {
        let_go(gather);
        awl__free(loop, gather, block_size(n));
        return NULL;
    }
    return &gather->future;
}
