/* test_file.c: files in responses: conditions, ranges, and how they are sent. */
#define _GNU_SOURCE
#include "../../lib/http_files/conditional.h"
#include "../../lib/http_files/http_files_priv.h"
#include "files_rig.h"

/* ---- What a request asks for ------------------------------------------------------------------------------------- */

TEST(tags_are_compared_weakly_and_strongly)
{
    static const struct {
        const char *list, *etag;
        bool weakly, strongly;
    } cases[] = {
        { "\"a\"", "\"a\"", true, true },       { "W/\"a\"", "\"a\"", true, false },
        { "\"a\"", "W/\"a\"", true, false },    { "W/\"a\"", "W/\"a\"", true, false }, /* RFC 9110, 8.8.3.2 */
        { "\"b\"", "\"a\"", false, false },     { "*", "\"a\"", true, true },
        { " * ", "\"a\"", true, true },         { "\"x\", \"a\"", "\"a\"", true, true },
        { "\"x\",W/\"a\"", "\"a\"", true, false }, { "\"x,\" , \"a\"", "\"a\"", true, true },
        { "", "\"a\"", false, false },          { "a", "\"a\"", false, false },
        { "\"a", "\"a\"", false, false },       { "\"aa\"", "\"a\"", false, false },
        { "**", "\"a\"", false, false },        { ",,\"a\"", "\"a\"", true, true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(awl__etag_listed(cases[i].list, cases[i].etag, false), cases[i].weakly);
        CHECK_INT(awl__etag_listed(cases[i].list, cases[i].etag, true), cases[i].strongly);
    }
}

TEST(ranges_of_bytes_are_understood)
{
    static const struct {
        const char *value;
        int64_t size;
        int status;
        int64_t first, last;
    } cases[] = {
        { "bytes=0-4", 10, 206, 0, 4 },     { "bytes=5-", 10, 206, 5, 9 },      { "bytes=-3", 10, 206, 7, 9 },
        { "bytes=-30", 10, 206, 0, 9 },     { "bytes=0-99", 10, 206, 0, 9 },    { "bytes=9-9", 10, 206, 9, 9 },
        { "Bytes= 1-2 ", 10, 206, 1, 2 },   { "bytes=0-0", 1, 206, 0, 0 },      { "bytes=10-", 10, 416, 0, 0 },
        { "bytes=10-12", 10, 416, 0, 0 },   { "bytes=-0", 10, 416, 0, 0 },      { "bytes=-1", 0, 416, 0, 0 },
        { "bytes=0-", 0, 416, 0, 0 },       { "bytes=4-3", 10, 0, 0, 0 },       { "bytes=", 10, 0, 0, 0 },
        { "bytes=-", 10, 0, 0, 0 },         { "bytes=a-b", 10, 0, 0, 0 },       { "bytes=1-2,4-5", 10, 0, 0, 0 },
        { "lines=1-2", 10, 0, 0, 0 },       { "bytes", 10, 0, 0, 0 },           { "bytes=1-2x", 10, 0, 0, 0 },
        { "bytes=1", 10, 0, 0, 0 },         { "bytes=0-99999999999999999999999", 10, 206, 0, 9 },
        { "bytes=99999999999999999999999-", 10, 416, 0, 0 },
        { "bytes=-99999999999999999999999", 10, 206, 0, 9 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t first = 0, last = 0;

        CHECK_INT(awl__http_range(cases[i].value, cases[i].size, &first, &last), cases[i].status);
        CHECK_INT(first, cases[i].first);
        CHECK_INT(last, cases[i].last);
    }
}

TEST(codings_are_accepted_by_name_and_weight)
{
    static const char *const yes[] = { "gzip",    "GZIP",           "br, gzip",      "gzip;q=0.1", "gzip; q=1",
                                       "*",       "gzip;q=0.001",   "br;q=0, *;q=1", "deflate,,gzip" };
    static const char *const no[] = { "",        "br",             "gzip;q=0",      "gzip; q=0.000", "*;q=0",
                                      "gzipp",   "gzip;q=0, *",    "x-gzip",        "identity" };

    for (size_t i = 0; i < 9; i++) {
        CHECK(awl__http_accepts(yes[i], "gzip"));
        CHECK(!awl__http_accepts(no[i], "gzip"));
    }
}

TEST(types_go_by_extensions)
{
    CHECK_STR(awl_http_type_of("a/b.PNG", NULL), "image/png");
    CHECK_STR(awl_http_type_of("a.tar.gz", NULL), "application/gzip");
    CHECK_STR(awl_http_type_of("a.html/b", NULL), "application/octet-stream");
    CHECK_STR(awl_http_type_of(".css", NULL), "application/octet-stream");
    CHECK_STR(awl_http_type_of("a.", NULL), "application/octet-stream");
    CHECK_STR(awl_http_type_of(NULL, NULL), "application/octet-stream");
}

/* ---- By name and by descriptor ----------------------------------------------------------------------------------- */

/* Responds with the file that the path names, within the folder. */
HANDLER(file, { char path[128]; })
{
    co_begin;
    snprintf(self->path, sizeof self->path, "%s%s", root, awl_request_path(self->request));
    co_await(awl_respond_file(self->request, self->path, NULL));
    co_end;
}

SERVER_TEST(a_file_is_found_by_its_name, {})
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    get("/a.txt", "");
    settle();
    CHECK_FIELD("Content-Length: 5");
    CHECK_FIELD("Content-Type: text/plain; charset=utf-8");
    CHECK_ANSWERS("200 hello");
    CHECK_GET("/in", "", "200 bb"); /* links are followed here */
    CHECK_GET("/none", "", "404");
    CHECK_GET("/sub", "", "404");
    CHECK_GET("/pipe", "", "404");
    server_ends(self);
    co_end;
}

/* The value of ETag in the response that came last. */
static void copy_etag(char etag[80])
{
    const char *at = strstr(fresh(), "\r\nETag: ");

    CHECK(at != NULL);
    snprintf(etag, 80, "%.*s", (int)strcspn(at + 8, "\r"), at + 8);
}

SERVER_TEST(who_has_the_file_is_told_so, { char etag[80], text[256]; })
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    get("/a.txt", "");
    settle();
    copy_etag(self->etag);
    CHECK(self->etag[0] == '"');
    CHECK_ANSWERS("200 hello");
    snprintf(self->text, sizeof self->text,
             "GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\nif-none-match: W/%s\r\n\r\n", self->etag);
    client_sends(self->text);
    settle();
    CHECK_FIELD("Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT");
    CHECK(strstr(fresh(), self->etag));
    CHECK_NO_FIELD("Content-Length");
    CHECK_NO_FIELD("Content-Type");
    CHECK_ANSWERS("304");
    CHECK_GET("/a.txt", "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n", "200 hello");
    CHECK_GET("/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n", "304");
    CHECK_GET("/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n", "200 hello");
    CHECK_GET("/a.txt", "If-Modified-Since: yesterday\r\n", "200 hello");
    CHECK_GET("/a.txt", "If-Match: \"x\"\r\n", "412");
    CHECK_GET("/a.txt", "If-Match: *\r\n", "200 hello");
    CHECK_GET("/a.txt", "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n", "412");
    CHECK_GET("/a.txt", "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n", "200 hello");
    server_ends(self);
    co_end;
}

SERVER_TEST(a_part_is_sent_to_who_asks_for_it, { char etag[80], text[256]; })
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    get("/a.txt", "Range: bytes=1-3\r\n");
    settle();
    CHECK_FIELD("Content-Range: bytes 1-3/5");
    CHECK_FIELD("Content-Length: 3");
    copy_etag(self->etag);
    CHECK_ANSWERS("206 ell");
    get("/a.txt", "Range: bytes=5-\r\n");
    settle();
    CHECK_FIELD("Content-Range: bytes */5");
    CHECK_ANSWERS("416");
    CHECK_GET("/a.txt", "Range: bytes=0-1, 3-4\r\n", "200 hello");
    CHECK_GET("/a.txt", "Range: bytes=-2\r\nIf-Range: \"x\"\r\n", "200 hello");
    CHECK_GET("/a.txt", "Range: bytes=-2\r\nIf-Range: Sun, 09 Sep 2001 01:46:39 GMT\r\n", "200 hello");
    CHECK_GET("/a.txt", "Range: bytes=-2\r\nIf-Range: Sun, 09 Sep 2001 01:46:40 GMT\r\n", "206 lo");
    snprintf(self->text, sizeof self->text,
             "GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\nIf-Range: %s\r\n\r\n", self->etag);
    CHECK_SAYS("206 h", self->text);
    server_ends(self);
    co_end;
}

SERVER_TEST(a_head_has_the_fields_of_a_get, {})
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    client_sends("HEAD /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n");
    settle();
    CHECK_FIELD("Content-Length: 300000");
    CHECK_FIELD("Content-Type: application/octet-stream");
    CHECK_STR(answers_to(&the_wire, true), "200");
    CHECK_GET("/a.txt", "", "200 hello");
    server_ends(self);
    co_end;
}

/* A file that was changed just now may change again within its date. */
SERVER_TEST(a_young_file_has_a_weak_tag, { char etag[80], text[256]; })
{
    co_begin;
    write_file("young", "young", 5);
    self->app = app_of(on_file, NULL);
    server_begins(self);
    get("/young", "");
    settle();
    copy_etag(self->etag);
    CHECK(strncmp(self->etag, "W/\"", 3) == 0);
    CHECK_ANSWERS("200 young");
    snprintf(self->text, sizeof self->text,
             "GET /young HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\nIf-Range: %s\r\n\r\n", self->etag);
    CHECK_SAYS("200 young", self->text);
    server_ends(self);
    co_end;
}

HANDLER(misuse, { char path[128]; int fd; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_respond_file(self->request, NULL, NULL));
    CHECK_FAILS(EINVAL, awl_respond_file(NULL, "/dev/null", NULL));
    CHECK_FAILS(EINVAL, awl_respond_fd(self->request, -1, NULL));
    CHECK_FAILS(EINVAL, awl_respond_fd(NULL, 0, NULL));
    self->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_FAILS(EINVAL, awl_respond_fd(self->request, self->fd, NULL));
    close(self->fd);
    snprintf(self->path, sizeof self->path, "%s/a.txt", root);
    self->fd = open(self->path, O_RDONLY | O_CLOEXEC);
    CHECK(self->fd >= 0);
    co_try(self->rc, awl_respond_fd(self->request, self->fd, "text/x"));
    close(self->fd);
    CHECK_INT(self->rc, 0);
    CHECK_FAILS(EALREADY, awl_respond_file(self->request, self->path, NULL));
    co_end;
}

SERVER_TEST(a_descriptor_stays_the_callers, {})
{
    co_begin;
    self->app = app_of(on_misuse, NULL);
    server_begins(self);
    get("/", "");
    settle();
    CHECK_FIELD("Content-Type: text/x");
    CHECK_ANSWERS("200 hello");
    server_ends(self);
    co_end;
}

/* A file that cannot be read leaves nothing behind in the response that there is instead. */
HANDLER(cannot_read, { char path[128]; int fd; })
{
    co_begin;
    CHECK_INT(awl_respond_field(self->request, "X-Own", "1"), 0);
    snprintf(self->path, sizeof self->path, "%s/a.txt", root);
    self->fd = open(self->path, O_WRONLY | O_CLOEXEC);
    CHECK(self->fd >= 0);
    co_try(self->rc, awl_respond_fd(self->request, self->fd, NULL));
    close(self->fd);
    CHECK_INT(self->rc, EBADF);
    CHECK_INT(awl_respond_text(self->request, 200, NULL, "sorry"), 0);
    co_end;
}

SERVER_TEST(a_file_that_cannot_be_read_leaves_no_fields, {})
{
    co_begin;
    self->app = app_of(on_cannot_read, NULL);
    server_begins(self);
    get("/", "Range: bytes=0-1\r\n");
    settle();
    CHECK_FIELD("X-Own: 1");
    CHECK_NO_FIELD("ETag");
    CHECK_NO_FIELD("Last-Modified");
    CHECK_NO_FIELD("Content-Range");
    CHECK_ANSWERS("200 sorry");
    server_ends(self);
    co_end;
}

/* ---- Large files ------------------------------------------------------------------------------------------------- */

/* Checks that the body that was sent is that part of the large file. */
static void check_big(size_t first, size_t len)
{
    const char *body = strstr(fresh(), "\r\n\r\n");

    CHECK(body != NULL);
    body += 4;
    CHECK_INT(the_wire.out + the_wire.out_len - body, len);
    for (size_t i = 0; i < len; i++)
        CHECK(body[i] == big_byte(first + i));
    the_wire.read_up_to = the_wire.out_len;
}

SERVER_TEST(a_large_file_is_sent_piece_by_piece, {})
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    get("/big.bin", "Range: bytes=7-200006\r\n");
    settle();
    CHECK_FIELD("Content-Range: bytes 7-200006/300000");
    check_big(7, 200000);
    CHECK_GET("/a.txt", "", "200 hello");
    server_ends(self);
    co_end;
}

/* Whose handler did not read it, though the client was told to send it. */
SERVER_TEST(a_large_file_can_be_the_answer_to_a_body, {})
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    get("/big.bin", "Range: bytes=7-200006\r\nExpect: 100-continue\r\nContent-Length: 2\r\n");
    settle();
    CHECK(strncmp(fresh(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 206 ", 38) == 0);
    the_wire.read_up_to += strlen("HTTP/1.1 100 Continue\r\n\r\n");
    check_big(7, 200000);
    client_sends("hi");
    settle();
    CHECK_GET("/a.txt", "", "200 hello");
    server_ends(self);
    co_end;
}

/* Slow is not stuck: a client that takes something now and then is served for as long as it takes. */
SERVER_TEST(a_slow_client_gets_all_of_a_large_file, { int i; })
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    client_takes(0);
    get("/big.bin", "Range: bytes=0-199999\r\n");
    for (self->i = 0; self->i < 25; self->i++) {
        co_await(awl_sleep(50 * AWL_SECOND));
        client_takes(10000);
    }
    settle();
    check_big(0, 200000);
    server_ends(self);
    co_end;
}

SERVER_TEST(a_client_that_takes_nothing_is_given_up, {})
{
    co_begin;
    self->app = app_of(on_file, NULL);
    server_begins(self);
    client_takes(1000);
    get("/big.bin", "");
    co_await(awl_sleep(121 * AWL_SECOND));
    CHECK(the_wire.closed);
    server_ends(self);
    co_end;
}

/* Over a socket the kernel sends it. Here the client goes away in the middle: nobody is told but the connection. */
co_def(fetch, { int port; const char *request; size_t want, all; awl_stream *s; char buf[4096]; int64_t n; })
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    awl_stream_write(self->s, self->request, strlen(self->request));
    while (self->all < self->want) {
        co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        self->all += (size_t)self->n;
    }
    co_return((int64_t)self->all);
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(the_kernel_sends_large_files_over_sockets, { awl_http_app *app; awl_server *server; int64_t n; })
{
    static const char whole[] = "GET /big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    co_begin;
    self->app = app_of(on_file, NULL);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    co_let(self->n, co_call(fetch, .port = awl_server_port(self->server), .request = whole, .want = SIZE_MAX));
    CHECK(self->n > BIG && self->n < BIG + 400);
    co_let(self->n, co_call(fetch, .port = awl_server_port(self->server), .request = whole, .want = 1000));
    CHECK(self->n >= 1000);
    co_await(awl_server_wait_closed(self->server));
    co_finally;
    awl_server_close(self->server);
    awl_http_app_release(self->app);
    co_end;
}
