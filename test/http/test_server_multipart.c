/* test_server_multipart.c: forms with files, part by part. */
#include "../../lib/http_forms/multipart_parser.h"
#include "awl/http_forms.h"
#include "site_rig.h"

/* ---- Through the server ------------------------------------------------------------------------------------------ */

/* How the handler reads: so many bytes at once; 0: each part whole; -1: it skips them. */
static int step;

HANDLER(parts, { awl_multipart *m; bool more; char text[4096], buf[64], *whole; size_t len; int64_t n; })
{
    co_begin;
    self->m = awl_request_multipart(self->request);
    if (!self->m)
        co_raise(errno);
    for (;;) {
        co_let(self->more, awl_multipart_next(self->m));
        if (!self->more)
            break;
        sprintf(self->text + strlen(self->text), "[%s|%s|%s|", awl_multipart_name(self->m),
                awl_multipart_filename(self->m) ? awl_multipart_filename(self->m) : "-", awl_multipart_type(self->m));
        while (step > 0) {
            co_let(self->n, awl_multipart_read(self->m, self->buf, (size_t)step));
            if (!self->n)
                break;
            sprintf(self->text + strlen(self->text), "%.*s", (int)self->n, self->buf);
        }
        if (step == 0) {
            co_let(self->whole, awl_multipart_read_all(self->m, &self->len));
            CHECK_INT(strlen(self->whole), self->len);
            strcat(self->text, self->whole);
        }
        strcat(self->text, "]");
    }
    co_let(self->more, awl_multipart_next(self->m)); /* asked again */
    CHECK(!self->more);
    co_let(self->n, awl_multipart_read(self->m, self->buf, 1));
    CHECK_INT(self->n, 0);
    awl_respond_text(self->request, 200, NULL, self->text[0] ? self->text : "none");
    co_end;
}

static char message[40000];

/* A request with a body; what stands for the boundary is "XX". */
static const char *post(const char *type, const char *body)
{
    sprintf(message, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", type,
            strlen(body), body);
    return message;
}

#define TYPE "multipart/form-data; boundary=XX"
#define PART(fields, data) "--XX\r\nContent-Disposition: form-data; " fields "\r\n\r\n" data "\r\n"
#define END "--XX--\r\n"

/* Whole and in pieces of several sizes, read in several ways. */
#define CHECK_PARTS(expected, type, body)                                                                              \
    do {                                                                                                               \
        for (step = 0; step < 64; step = step * 3 + 1) {                                                               \
            self->app = app_of(on_parts, NULL);                                                                        \
            server_begins(self);                                                                                       \
            the_wire.cut = 60 + (size_t)step;                                                                          \
            the_wire.step = (size_t)step;                                                                              \
            CHECK_SAYS(expected, post(type, body));                                                                    \
            server_ends(self);                                                                                         \
        }                                                                                                              \
    } while (0)

SERVER_TEST(parts_come_with_their_names, {})
{
    co_begin;
    CHECK_PARTS("200 [a|-|text/plain|1][f|x.txt|text/x|two\r\nlines]", TYPE,
                PART("name=\"a\"", "1") PART("name=f; filename=\"x.txt\"\r\ncontent-type: text/x ", "two\r\nlines")
                    END);
    CHECK_PARTS("200 [a|-|text/plain|]", TYPE, PART("name=\"a\"", "") END);
    CHECK_PARTS("200 none", TYPE, END);
    CHECK_PARTS("200 [a|-|text/plain|1]", TYPE,
                "preamble\r\n--X\r\n" PART("name=\"a\"", "1") END "epilogue\r\n--XX\r\n");
    CHECK_PARTS("200 [a|-|text/plain|1]", "Multipart/Form-Data; charset=utf-8; Boundary=\"XX\"",
                PART("name=\"a\"", "1") END);
    co_end;
}

/* What looks like a delimiter, but is none. */
SERVER_TEST(data_may_look_like_a_delimiter, {})
{
    co_begin;
    CHECK_PARTS("200 [a|-|text/plain|\r\n--X\r\n-\r\n\r\n--\r--XX--]", TYPE,
                PART("name=\"a\"", "\r\n--X\r\n-\r\n\r\n--\r--XX--") END);
    CHECK_PARTS("200 [a|-|text/plain|1]", TYPE, "--XX \t \r\nContent-Disposition:form-data;name=a\r\n\r\n1\r\n--XX--");
    co_end;
}

SERVER_TEST(names_of_files_have_no_folders, {})
{
    co_begin;
    CHECK_PARTS("200 [a|c|text/plain|]", TYPE, PART("name=a; filename=\"/b/../c\"", "") END);
    CHECK_PARTS("200 [a|c.txt|text/plain|]", TYPE, PART("name=a; filename=\"C:\\b\\c.txt\"", "") END);
    CHECK_PARTS("200 [q\"\\|say \"x\"|text/plain|]", TYPE,
                PART("name=\"q\\\"\\\\\"; filename=\"say \\\"x\\\"\"", "") END);
    CHECK_PARTS("200 [a||text/plain|]", TYPE, PART("name=a; filename=\"\"", "") END);
    co_end;
}

SERVER_TEST(parts_may_be_skipped, {})
{
    co_begin;
    step = -1;
    self->app = app_of(on_parts, NULL);
    server_begins(self);
    CHECK_SAYS("200 [a|-|text/plain|][b|-|text/plain|]", post(TYPE, PART("name=a", "1\r\n2") PART("name=b", "3") END));
    server_ends(self);
    co_end;
}

SERVER_TEST(what_is_malformed_is_refused, { size_t i; })
{
    static const char *const bodies[] = {
        "", "--XX", "--XX\r\n", PART("name=a", "1"), "--XX\r\n\r\n1\r\n" END,
        "--XX\r\nContent-Type: a\r\n\r\n1\r\n" END,                      /* no name */
        "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data; name\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data; name=\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data; name=a b\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n" END,
        "--XX\r\n folded\r\nContent-Disposition: form-data; name=a\r\n\r\n" END,
        "--XX\r\nno field\r\nContent-Disposition: form-data; name=a\r\n\r\n" END,
        "--XX\r\nContent-Disposition: form-data; name=\"a\001\"\r\n\r\n" END,
        "--XXjunk\r\nContent-Disposition: form-data; name=a\r\n\r\n" END,
        "--XX\nContent-Disposition: form-data; name=a\r\n\r\n" END,
    };

    co_begin;
    step = 0;
    for (self->i = 0; self->i < sizeof bodies / sizeof *bodies; self->i++) {
        self->app = app_of(on_parts, NULL);
        server_begins(self);
        CHECK_SAYS("400", post(TYPE, bodies[self->i]));
        server_ends(self);
    }
    co_end;
}

SERVER_TEST(other_types_are_refused, { size_t i; })
{
    static const char *const types[] = {
        "text/plain",
        "multipart/mixed; boundary=XX",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=\"a[\"",
        "multipart/form-dataX; boundary=XX",
        "multipart/form-data boundary=XX",
        "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
    };

    co_begin;
    self->app = app_of(on_parts, NULL);
    server_begins(self);
    for (self->i = 0; self->i < sizeof types / sizeof *types; self->i++)
        CHECK_SAYS("415", post(types[self->i], END));
    server_ends(self);
    co_end;
}

SERVER_TEST(fields_and_parts_have_their_limits, { char body[5200]; })
{
    co_begin;
    step = 0;
    strcpy(self->body, "--XX\r\nX: ");
    memset(self->body + 9, 'x', 4080);
    strcpy(self->body + 9 + 4080, "\r\nContent-Disposition: form-data; name=a\r\n\r\n" "\r\n" END);
    self->app = app_of(on_parts, NULL);
    server_begins(self);
    CHECK_SAYS("413", post(TYPE, self->body));
    server_ends(self);

    /* As many bytes of fields as there may be, and one more, in whichever pieces they come. */
    memmove(self->body + 9 + 4051, self->body + 9 + 4080, strlen(self->body + 9 + 4080) + 1);
    CHECK_INT(strstr(self->body, "\r\n\r\n") - strstr(self->body, "\r\n"), AWL__PART_HEAD);
    CHECK_PARTS("200 [a|-|text/plain|]", TYPE, self->body);
    memmove(self->body + 10, self->body + 9, strlen(self->body + 9) + 1);
    CHECK_PARTS("413", TYPE, self->body);
    step = 0;

    /* A part that is read whole, and one that is read piece by piece. */
    strcpy(self->body, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n");
    memset(self->body + 50, 'x', 1000);
    strcpy(self->body + 1050, "\r\n" END);
    for (int i = 0; i < 3; i++)
        self->body[48 + i] = 'x';
    self->app = app_of(on_parts, &(awl_http_app_options){ .body_limit = 500, .upload_limit = 5000 });
    server_begins(self);
    CHECK_SAYS("413", post(TYPE, self->body));
    step = 40;
    client_sends(post(TYPE, self->body));
    settle();
    CHECK(strncmp(answers_to(&the_wire, false), "200 ", 4) == 0);
    server_ends(self);
    co_end;
}

HANDLER(misuse, { char c; awl_multipart *m; })
{
    co_begin;
    CHECK(!awl_request_multipart(NULL) && errno == EINVAL);
    CHECK_FAILS(EINVAL, awl_multipart_next(NULL));
    CHECK_FAILS(EINVAL, awl_multipart_read(NULL, &self->c, 1));
    CHECK_FAILS(EINVAL, awl_multipart_read_all(NULL, NULL));
    CHECK(!awl_multipart_name(NULL) && !awl_multipart_filename(NULL));
    CHECK_STR(awl_multipart_type(NULL), "text/plain");
    self->m = awl_request_multipart(self->request);
    CHECK(self->m != NULL);
    CHECK_FAILS(EINVAL, awl_multipart_read(self->m, &self->c, 0));
    CHECK_FAILS(EINVAL, awl_multipart_read(self->m, NULL, 1));
    CHECK(!awl_multipart_name(self->m));
    awl_respond_text(self->request, 200, NULL, "fine");
    co_end;
}

SERVER_TEST(misuse_is_an_error, {})
{
    co_begin;
    self->app = app_of(on_misuse, NULL);
    server_begins(self);
    CHECK_SAYS("200 fine", post(TYPE, END));
    server_ends(self);
    co_end;
}
