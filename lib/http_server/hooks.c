/* What is run when an application starts and ends. See awl/http_server.h. */
#include "http_server_priv.h"

/* 0; EINVAL; ENOMEM. In front of the list, or at its end. */
static int add_hook(awl_http_app *app, awl__hook **list, bool in_front, awl_http_hook *fn, void *arg)
{
    awl__hook *hook;

    if (!fn)
        return EINVAL;
    hook = awl__alloc(awl__loop_check(app->loop), sizeof *hook);
    if (!hook)
        return ENOMEM;
    while (*list && !in_front)
        list = &(*list)->next;
    *hook = (awl__hook){ *list, fn, arg };
    *list = hook;
    return 0;
}

int awl_http_on_startup(awl_http_app *app, awl_http_hook *hook, void *arg)
{
    return app ? add_hook(app, &app->startup, false, hook, arg) : EINVAL;
}

int awl_http_on_cleanup(awl_http_app *app, awl_http_hook *hook, void *arg)
{
    return app ? add_hook(app, &app->cleanup, true, hook, arg) : EINVAL;
}

co_def(startup, { awl_http_app *app; const awl__hook *hook; })
{
    co_begin;
    if (!self->app)
        co_raise(EINVAL);
    for (self->hook = self->app->startup; self->hook; self->hook = self->hook->next)
        co_await(self->hook->fn(self->app, self->hook->arg));
    co_end;
}

awl_coro awl_http_startup(awl_http_app *app) { return co_call(startup, .app = app); }

co_def(cleanup, { awl_http_app *app; const awl__hook *hook; int rc, first; })
{
    co_begin;
    if (!self->app)
        co_raise(EINVAL);
    for (self->hook = self->app->cleanup; self->hook; self->hook = self->hook->next) {
        co_try_cancel(self->rc, self->hook->fn(self->app, self->hook->arg));
        self->first = self->first ? self->first : self->rc;
    }
    if (self->first)
        co_raise(self->first);
    co_end;
}

awl_coro awl_http_cleanup(awl_http_app *app) { return co_call(cleanup, .app = app); }
