/* Tasks that take their first step at once. */
#include "task_priv.h"

/* So deep may eager tasks create each other on the C stack; below that they are tasks like others. */
enum { EAGER_DEPTH = 8 * CO_DESCENT };

awl_task *awl_eager_(awl_nursery_ before, awl_coro coroutine, const awl_site *site)
{
    awl_loop *loop = awl_running_;
    awl__entry **end = loop->ready_end;
    awl_task *task = awl_nursery_close_(before, coroutine, site), *current = loop->current;
    co_stack *into = loop->host.into_;
    awl_task *nursery_task = loop->nursery_task;
    char here;

    if (!task || (int32_t)(CO_DEPTH_(&here) - loop->c_limit) < -EAGER_DEPTH)
        return task;
    /* It is the last on the ready queue, and is taken off again. */
    *end = NULL;
    loop->ready_end = end;
    task->entry.flags_ &= (uint8_t)~AWL__READY;
    loop->host.into_ = NULL;
    loop->nursery_task = NULL;
    awl__task_step(loop, &task->entry);
    loop->current = current;
    loop->host.into_ = into;
    loop->nursery_task = nursery_task;
    return task;
}
