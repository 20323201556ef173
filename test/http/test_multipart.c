/* Uploads of several parts. */
#define _DEFAULT_SOURCE
#include "client_rig.h"

/* What the n-th request said is between its parts. */
static const char *boundary_of(int n)
{
    static char text[64];
    const char *at = strstr(script.notes[n].head, "boundary=");

    CHECK(at != NULL);
    snprintf(text, sizeof text, "--%.*s", (int)strcspn(at + 9, "\r"), at + 9);
    return text;
}

static char path[64];

static void make_file(size_t size)
{
    FILE *f;

    snprintf(path, sizeof path, "upload \"%d\".txt", (int)getpid());
    f = fopen(path, "w");
    CHECK(f != NULL);
    for (size_t i = 0; i < size; i++)
        fputc('f', f);
    fclose(f);
}

CLIENT_TEST(parts_of_memory_are_framed, ANSWERS(SAY(HELLO)), {})
{
    char expected[512];
    const char *line;
    int len;

    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_post(self->session, at(0, "/"),
                                  &(awl_http_request_options){
                                      .parts = (awl_http_part[]){ { .name = "a\"b\r\n", .data = "1" },
                                                                  { .name = "f",
                                                                    .data = "\0\1",
                                                                    .size = 2,
                                                                    .filename = "x.bin",
                                                                    .type = "a/b" },
                                                                  { .name = NULL } } }));
    line = boundary_of(0);
    len = snprintf(expected, sizeof expected,
                   "%s\r\nContent-Disposition: form-data; name=\"a%%22b%%0D%%0A\"\r\n\r\n1\r\n"
                   "%s\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\nContent-Type: "
                   "a/b\r\n\r\n%c\1\r\n%s--\r\n",
                   line, line, 0, line);
    CHECK_INT(script.notes[0].body_size, len);
    CHECK_MEM(script.notes[0].body, expected, sizeof script.notes[0].body - 1);
    CHECK(said(0, "\r\nContent-Type: multipart/form-data; boundary=awl-"));
    CLIENT_END;
}

CLIENT_TEST(files_are_streamed, ANSWERS(SAY(HELLO, .again = true)), { awl_http_part parts[2]; })
{
    char expected[256];

    co_begin;
    OPEN(0);
    make_file(1000000);
    self->parts[0] = (awl_http_part){ .name = "f", .path = path };
    co_let(self->r, awl_http_post(self->session, at(0, "/"), &(awl_http_request_options){ .parts = self->parts }));
    snprintf(expected, sizeof expected,
             "%s\r\nContent-Disposition: form-data; name=\"f\"; filename=\"upload %%22%d%%22.txt\"\r\n"
             "Content-Type: application/octet-stream\r\n\r\nffff", boundary_of(0), (int)getpid());
    CHECK_MEM(script.notes[0].body, expected, strlen(expected));
    CHECK_INT(script.notes[0].body_size, 1000000 + strlen(expected) - 4 + 2 + strlen(boundary_of(0)) + 4);
    awl_response_close(self->r);
    self->r = NULL;
    make_file(0);
    co_let(self->r, awl_http_post(self->session, at(0, "/"), &(awl_http_request_options){ .parts = self->parts }));
    CHECK_INT(script.conns, 1);
    co_finally;
    unlink(path);
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    co_end;
}

CLIENT_TEST(parts_that_cannot_be_sent, ANSWERS(SAY(HELLO, .again = true)), { size_t i; })
{
    static const struct {
        awl_http_part parts[2];
        int error;
    } bad[] = {
        { { { .name = "a", .path = "/nowhere/at/all" } }, ENOENT },
        { { { .name = "a", .path = "/" } }, EISDIR },
        { { { .name = "a", .path = "/dev/null" } }, EINVAL },
        { { { .name = "a", .path = "/dev/null", .data = "x" } }, EINVAL },
        { { { .name = "a", .size = 5 } }, EINVAL },
        { { { .name = "a", .data = "x", .type = "a\r\nb" } }, EINVAL },
    };

    co_begin;
    OPEN(0);
    for (self->i = 0; self->i < sizeof bad / sizeof *bad; self->i++)
        CHECK_FAILS(bad[self->i].error, awl_http_post(self->session, at(0, "/"),
                                                      &(awl_http_request_options){ .parts = bad[self->i].parts }));
    CHECK_FAILS(EINVAL,
                awl_http_post(self->session, at(0, "/"),
                              &(awl_http_request_options){ .parts = bad[0].parts, .body = "x", .body_size = 1 }));
    CHECK_INT(script.conns, 0);
    CLIENT_END;
}

co_def(posts, { awl_http_session *session; const awl_http_part *parts; awl_response *r; })
{
    co_begin;
    co_let(self->r, awl_http_post(self->session, at(0, "/"),
                                  &(awl_http_request_options){ .parts = self->parts, .expect = true }));
    co_finally;
    awl_response_close(self->r);
    co_end;
}

/* It is found, and never passed off as whole. */
TIMED_CLIENT_TEST(file_that_changes_its_size, ANSWERS(SAY(HELLO, .again = true)), {
    awl_http_part parts[2];
    awl_task *t;
    int i;
})
{
    co_begin;
    OPEN(0);
    self->parts[0] = (awl_http_part){ .name = "f", .path = path };
    for (self->i = 0; self->i < 2; self->i++) {
        make_file(1000);
        self->t = awl_create_task(co_call(posts, .session = self->session, .parts = self->parts));
        CHECK(self->t != NULL);
        co_await(awl_sleep(AWL_MS)); /* it waits for the server to say that it may go on */
        make_file(self->i ? 999 : 100000);
        CHECK_FAILS(EMSGSIZE, self->t);
        awl_task_release(self->t);
        self->t = NULL;
    }
    co_finally;
    unlink(path);
    awl_task_release(self->t);
    awl_http_session_close(self->session);
    co_end;
}
