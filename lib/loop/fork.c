/*
 * A forked child. What a loop has in the kernel (its epoll, its descriptors) is shared with the parent after a fork,
 * and the threads that serve it are not there: so a child must not use a loop of before, and this file sees to it that
 * it does not do so unawares. It may close one, and open others.
 */
#include <pthread.h>

#include "loop_priv.h"

unsigned awl__forks;

static const char foreign[] =
    "this loop was opened before a fork, and is the parent process's: in the child open another "
    "one, or end by exec or _exit";

void awl__not_here(const awl_loop *loop)
{
    awl__trap(awl__loop_forked(loop) ? foreign : "this loop runs in another thread: use awl_call_soon_threadsafe", NULL,
              0);
}

/* ---- The step in which the fork was ------------------------------------------------------------------------------ */

/* It goes on in the child, until it ends or suspends; what it awaits now is refused. */
static co_step refuse_await(co_stack *stack, co_frame *self, uintptr_t token, char *mark)
{
    (void)stack, (void)token, (void)mark;
    awl__trap(foreign, self->type_->file, (int)self->type_->line);
}

static bool refuse_place(co_stack *stack, co_frame *self, co_frame *frame, char *mark)
{
    (void)stack, (void)frame, (void)mark;
    awl__trap(foreign, self->type_->file, (int)self->type_->line);
}

/* What was to run behind the step goes back to where it was before the iteration. */
static void give_back_batch(awl_loop *loop)
{
    awl__entry *first = loop->batch, *last = first;

    if (!first)
        return;
    while (last->next_)
        last = last->next_;
    last->next_ = loop->ready;
    if (!loop->ready)
        loop->ready_end = &last->next_;
    else if (loop->ready->flags_ & AWL__HAS_PREV)
        ((awl__link *)(void *)loop->ready)->prev_ = last;
    loop->ready = first;
    if (first->flags_ & AWL__HAS_PREV)
        ((awl__link *)(void *)first)->prev_ = (awl__entry *)(void *)&loop->ready;
    loop->batch = NULL;
}

/* Called by fork, in the child. */
static void in_child(void)
{
    awl_loop *loop = awl_running_;

    awl__forks++;
    if (!loop)
        return;
    awl_running_ = NULL;
    loop->in_child = loop->running;
    loop->stopping = true;
    give_back_batch(loop);
    loop->host.into_ = NULL;
    loop->host.await_ = refuse_await;
    loop->host.place_ = refuse_place;
    if (loop->refuse)
        loop->refuse(loop);
}

static void begin(void) { pthread_atfork(NULL, NULL, in_child); }

void awl__fork_open(awl_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, begin);
    loop->forks = awl__forks;
}
