/* awl_map: a call for each element of an array. As many tasks as calls may be under way take the next element. */
#include "exec_priv.h"

typedef struct map {
    awl_executor *executor;
    awl_call call; /* of the first element */
    size_t n, next;
    awl_outcome *outcomes;
    bool *owned; /* which outcomes are bytes */
    unsigned flags;
} map;

static awl_call call_of(const map *m, size_t i)
{
    return (awl_call){ m->call.name, m->call.fn, (const char *)m->call.in + i * m->call.len, m->call.len };
}

/* Takes elements until there are none. */
co_def(take_elements, { map *m; size_t i; int error; })
{
    co_begin;
    while (self->m->next < self->m->n) {
        self->i = self->m->next++;
        co_try_cancel(self->error, awl_run_call(self->m->executor, call_of(self->m, self->i)));
        if (self->error && (!(self->m->flags & AWL_RETURN_EXCEPTIONS) || awl_task_cancelling(awl_current_task())))
            co_raise(self->error);
        self->m->owned[self->i] = !self->error && co_->promise_.kind_ == CO_POINTER;
        self->m->outcomes[self->i] = (awl_outcome){ co_->promise_.value_, self->error };
    }
    co_end;
}

/* As many tasks as there may be calls; fewer, without memory. Result: how many. */
static size_t start_tasks(map *m, awl_task **tasks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tasks[i] = awl_create_task(co_call(take_elements, .m = m));
        if (!tasks[i])
            return i;
    }
    return n;
}

static void free_outcomes(map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->owned[i])
            awl_bytes_free(m->outcomes[i].value.p);
    }
}

co_def(map_all, { map m; size_t limit, n; awl_task **tasks; int error; })
{
    co_begin;
    self->m.executor = awl__executor_find(awl__loop_of(co_), self->m.executor, &self->error);
    if (!self->error && (!self->m.call.fn || (self->m.n && !self->m.outcomes)))
        self->error = EINVAL;
    if (!self->error && self->m.executor->shut)
        self->error = AWL_ESHUTDOWN;
    if (self->error)
        co_raise(self->error);
    if (!self->limit)
        self->limit = 2 * self->m.executor->width;
    if (self->limit > self->m.n)
        self->limit = self->m.n;

    if (self->m.n) {
        self->tasks = awl__alloc(awl__loop_of(co_), self->limit * sizeof *self->tasks);
        self->m.owned = awl__alloc(awl__loop_of(co_), self->m.n * sizeof *self->m.owned);
        if (self->m.owned)
            memset(self->m.owned, 0, self->m.n * sizeof *self->m.owned);
        if (!self->tasks || !self->m.owned)
            co_raise(ENOMEM);
        self->n = start_tasks(&self->m, self->tasks, self->limit);
        if (!self->n)
            co_raise(ENOMEM);
        co_await(awl_gather_n(self->tasks, self->n, NULL, AWL_CANCEL_ON_ERROR));
    }
    co_finally;
    /* Without memory for the gather there are tasks still: what they have is here. */
    self->m.next = self->m.n;
    for (; self->n; self->n--) {
        while (!awl_task_done(self->tasks[self->n - 1])) {
            awl_task_cancel(self->tasks[self->n - 1]);
            co_try_cancel(self->error, self->tasks[self->n - 1]);
        }
        awl_task_release(self->tasks[self->n - 1]);
    }
    if (co_failing && self->m.owned)
        free_outcomes(&self->m);
    awl__free(awl__loop_of(co_), self->tasks, self->limit * sizeof *self->tasks);
    awl__free(awl__loop_of(co_), self->m.owned, self->m.n * sizeof *self->m.owned);
    co_end;
}

awl_coro awl_map_(awl_executor *executor, awl_call call, size_t n, awl_outcome *outcomes, size_t limit, unsigned flags)
{
    return co_call(map_all, .m = { .executor = executor, .call = call, .n = n, .outcomes = outcomes, .flags = flags },
                   .limit = limit);
}
