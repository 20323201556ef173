/* test_forms.c: forms that are sent in one piece. */
#include "awl/http_forms.h"
#include "site_rig.h"

/* Says all fields, and the first value of "a". */
HANDLER(form, { int n, again; })
{
    char text[512] = "";
    const char *name, *value;

    co_begin;
    CHECK(!awl_request_form_value(self->request, "a"));
    co_let(self->n, awl_request_form(self->request));
    co_let(self->again, awl_request_form(self->request));
    CHECK_INT(self->again, self->n);
    for (size_t i = 0; awl_request_form_at(self->request, i, &name, &value); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "[%s|%s]", name, value);
    value = awl_request_form_value(self->request, "a");
    awl_respond_print(self->request, 200, NULL, "%d %s %s", self->n, text, value ? value : "none");
    CHECK(!awl_request_form_value(self->request, NULL));
    CHECK(!awl_request_form_at(NULL, 0, &name, &value));
    CHECK_FAILS(EINVAL, awl_request_form(NULL));
    co_end;
}

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define POST(fields, len, body) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " #len "\r\n" fields "\r\n" body

SERVER_TEST(a_form_is_taken_apart, {})
{
    co_begin;
    self->app = app_of(on_form, NULL);
    server_begins(self);
    CHECK_SAYS("200 2 [a|1][b|x y&=] 1", POST(FORM, 15, "a=1&b=x+y%26%3D"));
    CHECK_SAYS("200 0  none", POST(FORM, 0, ""));
    CHECK_SAYS("200 3 [a|][a|2][|3]", POST(FORM, 9, "a&&a=2&=3"));
    CHECK_SAYS("200 1 [a|%%zz%00] %%zz%00", POST(FORM, 9, "a=%%zz%00"));
    CHECK_SAYS("200 1 [a|1=2] 1=2",
               POST("content-type: Application/X-WWW-Form-URLencoded; charset=utf-8\r\n", 5, "a=1=2"));
    server_ends(self);
    co_end;
}

SERVER_TEST(what_is_no_form_is_refused, {})
{
    co_begin;
    self->app = app_of(on_form, NULL);
    server_begins(self);
    CHECK_SAYS("415", POST("Content-Type: text/plain\r\n", 3, "a=1"));
    CHECK_SAYS("415", POST("", 3, "a=1"));
    server_ends(self);
    co_end;
}

SERVER_TEST(a_form_has_its_limits, { char *text; size_t n; })
{
    co_begin;
    self->app = app_of(on_form, &(awl_http_app_options){ .body_limit = 10, .upload_limit = 3000 });
    server_begins(self);
    CHECK_SAYS("200 1 [a|1234567] 1234567", POST(FORM, 9, "a=1234567"));
    CHECK_SAYS("413", POST(FORM, 11, "a=123456789"));
    CHECK_SAYS("413 .", POST(FORM, 3001, ""));
    server_ends(self);

    self->app = app_of(on_form, NULL);
    server_begins(self);
    self->text = calloc(1, 4096);
    CHECK(self->text != NULL);
    self->n = (size_t)sprintf(self->text, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2001\r\n" FORM "\r\n");
    for (int i = 0; i < 1000; i++)
        memcpy(self->text + self->n + 2 * i, "a&", 2);
    self->text[self->n + 2000] = 'a';
    client_sends_n(self->text, self->n + 2001);
    settle();
    free(self->text);
    CHECK_ANSWERS("413");
    server_ends(self);
    co_end;
}
