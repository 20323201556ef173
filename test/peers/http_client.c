/*
 * Our HTTP client against servers of others:
 *
 *   http_client get URL N FILE    gets a URL N times, five at once, over one session: each body must be what is in FILE
 *   http_client put URL FILE      sends FILE to it in chunks, and prints what comes back
 */
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static awl_http_session *session;
static const char *url, *file;
static char *expected;
static size_t expected_len;
static int left;

/* What is in `file`. */
static bool read_expected(void)
{
    FILE *f = fopen(file, "rb");
    char buf[4096];
    size_t n;

    if (!f)
        return false;
    while ((n = fread(buf, 1, sizeof buf, f)) > 0) {
        expected = realloc(expected, expected_len + n);
        if (!expected)
            break;
        memcpy(expected + expected_len, buf, n);
        expected_len += n;
    }
    fclose(f);
    return expected || !expected_len;
}

co_def(gets, { awl_response *r; char *text; size_t len; })
{
    co_begin;
    while (left-- > 0) {
        co_let(self->r, awl_http_get(session, url, NULL));
        co_let(self->text, awl_response_read_all(self->r, &self->len));
        if (awl_response_check(self->r) || self->len != expected_len ||
            (self->len && memcmp(self->text, expected, self->len) != 0)) {
            fprintf(stderr, "%s: status %d, %zu bytes\n", awl_response_url(self->r), awl_response_status(self->r),
                    self->len);
            co_raise(AWL_ESTATUS);
        }
        awl_response_close(self->r);
        self->r = NULL;
    }
    co_finally;
    awl_response_close(self->r);
    co_end;
}

co_def(sends, { awl_http_upload *up; size_t at, n; })
{
    co_begin;
    for (; self->at < expected_len; self->at += self->n) {
        self->n = expected_len - self->at < 5000 ? expected_len - self->at : 5000;
        co_await(awl_upload_write(self->up, expected + self->at, self->n));
    }
    co_end;
}

static awl_coro upload(awl_http_upload *up, void *arg) { return (void)arg, co_call(sends, .up = up); }

co_def(puts_it, { awl_response *r; char *text; size_t len; })
{
    co_begin;
    co_let(self->r, awl_http_put(session, url, &(awl_http_request_options){ .upload = upload, .expect = true }));
    co_let(self->text, awl_response_read_all(self->r, &self->len));
    fwrite(self->text, 1, self->len, stdout);
    co_finally;
    awl_response_close(self->r);
    co_end;
}

co_def(all, { bool put; int i; awl_task_group group; })
{
    co_begin;
    session = awl_http_session_new(&(awl_http_session_options){ .timeouts = { .total = 20 * AWL_SECOND } });
    awl_task_group_enter(&self->group);
    for (self->i = 0; self->i < (self->put ? 1 : 5); self->i++)
        awl_task_group_spawn(&self->group, self->put ? co_call(puts_it) : co_call(gets));
    co_finally;
    co_await(awl_task_group_exit(&self->group, co_failing));
    awl_http_session_close(session);
    co_end;
}

int main(int argc, char **argv)
{
    const bool put = argc == 4 && strcmp(argv[1], "put") == 0;
    int error;

    if (!put && (argc != 5 || strcmp(argv[1], "get") != 0))
        return 2;
    url = argv[2];
    left = put ? 1 : atoi(argv[3]);
    file = argv[put ? 3 : 4];
    if (!read_expected())
        return 2;
    error = awl_run(co_call(all, .put = put));
    free(expected);
    return error != 0;
}
