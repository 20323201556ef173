/* Applications: what they are made of, and the chain of handlers; see awl/http_server.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "http_server_priv.h"

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void set_defaults(awl_http_app_options *o)
{
    o->body_limit = o->body_limit ? o->body_limit : (size_t)1 << 20;
    o->upload_limit = o->upload_limit > o->body_limit ? o->upload_limit : o->body_limit;
    o->head_timeout = o->head_timeout ? o->head_timeout : 10 * AWL_SECOND;
    o->body_timeout = o->body_timeout ? o->body_timeout : 30 * AWL_SECOND;
    o->write_timeout = o->write_timeout ? o->write_timeout : 60 * AWL_SECOND;
    o->idle_timeout = o->idle_timeout ? o->idle_timeout : 75 * AWL_SECOND;
}

/* With room for the fields that are the same in all heads: their names and ends take less than 32 bytes. */
static size_t size_with(size_t server_len)
{
    return offsetof(awl_http_app, common) + AWL__HTTP_DATE + 32 + server_len;
}

awl_http_app *awl_http_app_new(const awl_http_app_options *options)
{
    awl_loop *loop = awl_running_;
    const char *server = options && options->server ? options->server : "awl";
    const size_t server_len = strlen(server);
    const bool valid = loop && awl__http_is_value(server, server_len);
    awl_http_app *app = valid ? awl__alloc(loop, size_with(server_len)) : NULL;

    if (!app) {
        errno = valid ? ENOMEM : EINVAL;
        return NULL;
    }
    memset(app, 0, sizeof *app);
    app->loop = loop;
    app->refs = 1;
    app->common_of = INT64_MIN;
    app->server_len = server_len;
    if (options)
        app->options = *options;
    set_defaults(&app->options);
    app->options.server = server;
    return app;
}

void awl__app_retain(awl_http_app *app) { app->refs++; }

static void free_routes(awl_loop *loop, awl__route *route)
{
    while (route) {
        awl__route *next = route->next;

        awl__free(loop, route, route->size);
        route = next;
    }
}

static void free_hooks(awl_loop *loop, awl__hook *hook)
{
    while (hook) {
        awl__hook *next = hook->next;

        awl__free(loop, hook, sizeof *hook);
        hook = next;
    }
}

void awl_http_app_release(awl_http_app *app)
{
    if (!app)
        return;
    awl__loop_check(app->loop);
    if (--app->refs)
        return;
    free_routes(app->loop, app->fixed);
    free_routes(app->loop, app->routes);
    while (app->middlewares) {
        awl__middleware *m = app->middlewares;

        app->middlewares = m->next;
        awl__free(app->loop, m, sizeof *m);
    }
    while (app->pages) {
        awl__page *p = app->pages;

        app->pages = p->next;
        awl__free(app->loop, p, sizeof *p);
    }
    free_hooks(app->loop, app->startup);
    free_hooks(app->loop, app->cleanup);
    awl__folders_free(app->loop, app->folders);
    awl__free(app->loop, app, size_with(app->server_len));
}

int awl_http_middleware(awl_http_app *app, awl_http_handler *handler, void *arg)
{
    awl__middleware **at, *m;

    if (!app || !handler)
        return EINVAL;
    m = awl__alloc(awl__loop_check(app->loop), sizeof *m);
    if (!m)
        return ENOMEM;
    *m = (awl__middleware){ .handler = { handler, arg } };
    for (at = &app->middlewares; *at; at = &(*at)->next)
        ;
    *at = m;
    return 0;
}

int awl_http_error_page(awl_http_app *app, int status, awl_http_handler *handler, void *arg)
{
    awl__page *p;

    if (!app || !handler || (status && (status < 400 || status > 599)))
        return EINVAL;
    p = awl__alloc(awl__loop_check(app->loop), sizeof *p);
    if (!p)
        return ENOMEM;
    *p = (awl__page){ app->pages, { handler, arg }, status };
    app->pages = p;
    return 0;
}

void awl_http_on_access(awl_http_app *app, awl_http_access_fn *fn, void *arg)
{
    if (!app)
        return;
    app->access = fn;
    app->access_arg = arg;
}

/* ---- The chain --------------------------------------------------------------------------------------------------- */

co_def(no_route, { awl_request *request; int status; })
{
    co_begin;
    if (self->status == 404 && strcmp(self->request->path, "*") == 0) /* of the server as such: RFC 9110, 9.3.7 */
        co_return(awl_respond(self->request, 204, NULL, NULL, 0));
    if (self->status == 405 && awl__route_allow(self->request))
        co_raise(ENOMEM);
    co_await(awl__respond_wanted(self->request, self->status));
    co_end;
}

/* Whoever calls has no rest of the chain: to run its end once more could go on for ever. */
co_def(no_next, { awl_request *request; })
{
    co_begin;
    if (self->request)
        awl__error_detail(self->request->app->loop, EINVAL,
                          "awl_http_next: nothing is left of the chain: it is for middlewares, once");
    co_raise(EINVAL);
    co_end;
}

awl_coro awl_http_next(awl_request *request)
{
    const awl__middleware *m = request ? request->next : NULL;
    int status;

    if (!request || request->chain_ended)
        return co_call(no_next, .request = request);
    if (m) {
        request->next = m->next;
        return m->handler.fn(request, m->handler.arg);
    }
    request->chain_ended = true;
    status = awl__route_find(request);
    if (status)
        return co_call(no_route, .request = request, .status = status);
    return request->route->handler.fn(request, request->route->handler.arg);
}

/* ---- Pages for errors -------------------------------------------------------------------------------------------- */

static const awl__page *page_for(const awl_http_app *app, int status)
{
    const awl__page *any = NULL;

    for (const awl__page *p = app->pages; p; p = p->next) {
        if (p->status == status)
            return p;
        if (!p->status && !any)
            any = p;
    }
    return any;
}

/* The application's page, if it has one that responds; else the short one. */
co_def(wanted, { awl_request *request; int status, rc; const awl__page *page; })
{
    co_begin;
    self->request->wanted = (uint16_t)self->status;
    self->page = page_for(self->request->app, self->status);
    if (self->page) {
        co_try(self->rc, self->page->handler.fn(self->request, self->page->handler.arg));
        if (self->rc)
            awl__report(self->request->app->loop,
                        &(awl_report){ .what = "the handler of an error page failed", .error = self->rc });
    }
    if (!self->request->status) {
        self->rc = awl__respond_page(self->request, self->status);
        if (self->rc)
            co_raise(self->rc);
    }
    co_end;
}

awl_coro awl__respond_wanted(awl_request *request, int status)
{
    return co_call(wanted, .request = request, .status = status);
}
