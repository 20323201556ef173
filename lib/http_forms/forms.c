/* Forms and uploads; see awl/http_forms.h. */
#include <errno.h>
#include <string.h>

#include "awl/http_forms.h"
#include "multipart_parser.h"
#include "../http_server/http_server_priv.h"

enum { MOST_FIELDS = 1000 };

/* Whether the body is of a type, whatever its parameters. */
static bool is_type(const awl_request *request, const char *type)
{
    const char *value = awl_request_field(request, "content-type");
    const size_t n = value ? strcspn(value, "; \t") : 0;

    return n && awl__http_same_n(value, n, type);
}

/* ---- Forms: HTML, "application/x-www-form-urlencoded" ------------------------------------------------------------ */

struct awl__form {
    size_t n;
    struct {
        const char *name, *value;
    } fields[];
};

static size_t count(const char *text, size_t len, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += text[i] == c;
    return n;
}

/* One field, decoded. false: no memory. */
static bool take_field(awl_request *request, struct awl__form *form, const char *at, const char *end)
{
    const char *equals = memchr(at, '=', (size_t)(end - at));
    const char *name = awl__request_decode(request, at, equals ? equals : end);
    const char *value = awl__request_decode(request, equals ? equals + 1 : end, end);

    if (!name || !value)
        return false;
    form->fields[form->n].name = name;
    form->fields[form->n++].value = value;
    return true;
}

/* 0 or the error. */
static int take_form(awl_request *request, const char *text, size_t len)
{
    const size_t n = count(text, len, '&') + 1;
    const char *at = text, *all = text + len;
    struct awl__form *form;

    if (n > MOST_FIELDS)
        return awl__request_refuse(request, 413, AWL_ELIMIT);
    form = awl_request_alloc(request, sizeof *form + n * sizeof form->fields[0]);
    if (!form)
        return ENOMEM;
    form->n = 0;
    while (at < all) {
        const char *end = memchr(at, '&', (size_t)(all - at));

        end = end ? end : all;
        if (end > at && !take_field(request, form, at, end))
            return ENOMEM;
        at = end + 1;
    }
    request->form = form;
    return 0;
}

co_def(request_form, { awl_request *request; char *text; size_t len; int rc; })
{
    co_begin;
    if (!self->request)
        co_raise(EINVAL);
    if (self->request->form)
        co_return((int64_t)self->request->form->n);
    if (!is_type(self->request, "application/x-www-form-urlencoded"))
        co_raise(awl__request_refuse(self->request, 415, AWL_EPROTOCOL));
    co_let(self->text, awl_request_read_all(self->request, &self->len));
    self->rc = take_form(self->request, self->text, self->len);
    if (self->rc)
        co_raise(self->rc);
    co_return((int64_t)self->request->form->n);
    co_end;
}

awl_coro awl_request_form(awl_request *request) { return co_call(request_form, .request = request); }

bool awl_request_form_at(const awl_request *request, size_t index, const char **name, const char **value)
{
    if (!request || !request->form || index >= request->form->n)
        return false;
    *name = request->form->fields[index].name;
    *value = request->form->fields[index].value;
    return true;
}

const char *awl_request_form_value(const awl_request *request, const char *name)
{
    const char *own, *value;

    for (size_t i = 0; name && awl_request_form_at(request, i, &own, &value); i++) {
        if (strcmp(own, name) == 0)
            return value;
    }
    return NULL;
}

/* ---- Multipart --------------------------------------------------------------------------------------------------- */

struct awl_multipart {
    awl_request *request;
    awl__parts p;
};

awl_multipart *awl_request_multipart(awl_request *request)
{
    awl_multipart *m = request ? awl_request_alloc(request, sizeof *m) : NULL;

    if (!m) {
        errno = request ? ENOMEM : EINVAL;
        return NULL;
    }
    m->request = request;
    if (!awl__parts_begin(&m->p, awl_request_field(request, "content-type"))) {
        errno = awl__request_refuse(request, 415, AWL_EPROTOCOL);
        return NULL;
    }
    return m;
}

/* More of the body into the window. The end of the body comes too early here. */
co_def(fill_window, { awl_multipart *m; char *room; size_t len; int64_t n; })
{
    co_begin;
    self->room = awl__parts_room(&self->m->p, &self->len);
    co_let(self->n, awl_request_read(self->m->request, self->room, self->len));
    if (!self->n)
        co_raise(awl__request_refuse(self->m->request, 400, AWL_EPROTOCOL));
    self->m->p.end += (size_t)self->n;
    co_end;
}

co_def(multipart_next, { awl_multipart *m; int rc; bool ended; })
{
    co_begin;
    if (!self->m)
        co_raise(EINVAL);
    if (self->m->p.state == AWL__PARTS_END)
        co_return(false);
    for (;;) { /* what is left of the part before */
        self->m->p.start += awl__parts_data(&self->m->p, &self->ended);
        if (self->ended)
            break;
        co_await(co_call(fill_window, .m = self->m));
    }
    for (;;) {
        self->rc = awl__parts_next(&self->m->p);
        if (self->rc != EAGAIN)
            break;
        co_await(co_call(fill_window, .m = self->m));
    }
    if (self->rc)
        co_raise(awl__request_refuse(self->m->request, self->rc == AWL_ELIMIT ? 413 : 400, self->rc));
    co_return(self->m->p.state != AWL__PARTS_END);
    co_end;
}

awl_coro awl_multipart_next(awl_multipart *parts) { return co_call(multipart_next, .m = parts); }

const char *awl_multipart_name(const awl_multipart *parts) { return parts ? parts->p.name : NULL; }

const char *awl_multipart_filename(const awl_multipart *parts) { return parts ? parts->p.filename : NULL; }

const char *awl_multipart_type(const awl_multipart *parts)
{
    return parts && parts->p.type ? parts->p.type : "text/plain";
}

co_def(multipart_read, { awl_multipart *m; char *buf; size_t cap, n; bool ended; })
{
    co_begin;
    if (!self->m || !self->buf || !self->cap)
        co_raise(EINVAL);
    if (self->m->p.state != AWL__PART_DATA)
        co_return(0);
    for (;;) {
        self->n = awl__parts_data(&self->m->p, &self->ended);
        if (self->n || self->ended)
            break;
        co_await(co_call(fill_window, .m = self->m));
    }
    self->n = self->n < self->cap ? self->n : self->cap;
    memcpy(self->buf, self->m->p.window + self->m->p.start, self->n);
    self->m->p.start += self->n;
    co_return((int64_t)self->n);
    co_end;
}

awl_coro awl_multipart_read(awl_multipart *parts, void *buf, size_t cap)
{
    return co_call(multipart_read, .m = parts, .buf = buf, .cap = cap);
}

/* Grows with what has come; then it is the request's, in one piece of just its size. */
co_def(multipart_read_all, { awl_multipart *m; size_t *len; awl__http_out all; char piece[1024], *text; int64_t n; })
{
    co_begin;
    if (!self->m)
        co_raise(EINVAL);
    self->all.loop = self->m->request->app->loop;
    do {
        co_let(self->n, awl_multipart_read(self->m, self->piece, sizeof self->piece));
        awl__http_out_text(&self->all, self->piece, (size_t)self->n);
        if (self->all.error)
            co_raise(ENOMEM);
        if (self->all.len > self->m->request->app->options.body_limit)
            co_raise(awl__request_refuse(self->m->request, 413, AWL_ELIMIT));
    } while (self->n);
    self->text = awl_request_alloc(self->m->request, self->all.len + 1);
    if (!self->text)
        co_raise(ENOMEM);
    if (self->all.len)
        memcpy(self->text, self->all.at, self->all.len);
    self->text[self->all.len] = '\0';
    if (self->len)
        *self->len = self->all.len;
    co_return(self->text);
    co_finally;
    awl__http_out_free(&self->all);
    co_end;
}

awl_coro awl_multipart_read_all(awl_multipart *parts, size_t *len)
{
    return co_call(multipart_read_all, .m = parts, .len = len);
}
