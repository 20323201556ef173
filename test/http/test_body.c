/* test_body.c: heads and bodies, well-formed and not, whole and in pieces. */
#include "rig.h"

/* ---- Well-formed ------------------------------------------------------------------------------------------------- */

/* Each: the response, its status, its body. */
static const struct {
    const char *text;
    int status;
    const char *body;
} good[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", 200, "hello" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "" },
    { "HTTP/1.1 200 OK\r\ncontent-LENGTH:5\r\nContent-Length: 5 \t\r\n\r\nhello", 200, "hello" },
    { "HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end" },
    { "HTTP/1.1 200\r\n\r\nx", 200, "x" },
    { "HTTP/1.1 200 \r\n\r\nx", 200, "x" },
    { "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", 404, "gone" },
    { "HTTP/1.1 204 No Content\r\n\r\n", 204, "" },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", 304, "" },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", 200, "x" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200, "" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nA;x=\"y\" ;z\r\n0123456789\r\n0000\r\nT: u\r\n\r\n",
      200, "a0123456789" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0b\r\n01234567890\r\n0\r\n\r\n", 200,
      "\r\n01234567890" },
};
enum { GOOD = sizeof good / sizeof *good };

HTTP_TEST(well_formed_responses, { int i; size_t len; })
{
    co_begin;
    for (self->i = 0; self->i < 2 * GOOD; self->i++) { /* whole, and byte by byte */
        self->x->answers[0] = good[self->i / 2].text;
        self->x->piece = self->i % 2;
        co_let(self->r, co_call(fetches, .url = self->x->url));
        CHECK_INT(awl_http_status(self->r), good[self->i / 2].status);
        CHECK_STR(awl_http_body(self->r, &self->len), good[self->i / 2].body);
        CHECK_INT(self->len, strlen(good[self->i / 2].body));
        awl_http_close(self->r);
        self->r = NULL;
    }
    co_finally;
    awl_http_close(self->r);
    co_end;
}

HTTP_TEST(response_that_ends_early_is_incomplete, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < GOOD; self->i++) {
        self->x->answers[0] = good[self->i].text;
        if (!strstr(good[self->i].text, "chunked") && !strstr(good[self->i].text, "Length: 5\r\n\r\nhello"))
            continue;
        for (self->x->stop = 1; self->x->stop < strlen(good[self->i].text); self->x->stop++) {
            co_try(self->rc, co_call(fetches, .url = self->x->url));
            if (!self->rc) { /* only what comes behind the end may be missing */
                co_result(self->r);
                CHECK(strstr(good[self->i].text, " and more") != NULL);
                awl_http_close(self->r);
                break;
            }
            CHECK_INT(self->rc, AWL_EINCOMPLETE);
        }
    }
    co_end;
}

/* ---- Malformed --------------------------------------------------------------------------------------------------- */

#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKS HEAD "Transfer-Encoding: chunked\r\n\r\n"

static const char *const bad[] = {
    "220 smtp.example.org\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n", "\r\n" HEAD "\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
    "HTTP/1.1 200 OK\n\n", HEAD "A: b\n\r\n", HEAD "A: b\r\r\n\r\n", HEAD "A b\r\n\r\n", HEAD "A : b\r\n\r\n",
    HEAD ": b\r\n\r\n", HEAD " A: b\r\n\r\n", HEAD "A: b\r\n c\r\n\r\n", HEAD "A\x01: b\r\n\r\n", HEAD "A: \x7f\r\n\r\n",
    HEAD "Content-Length: -1\r\n\r\n", HEAD "Content-Length: +1\r\n\r\n", HEAD "Content-Length: 1x\r\n\r\n",
    HEAD "Content-Length: \r\n\r\n", HEAD "Content-Length: 1, 1\r\n\r\n", HEAD "Content-Length: 0x1\r\n\r\n",
    HEAD "Content-Length: 99999999999999999999\r\n\r\n", HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD "Transfer-Encoding: gzip\r\n\r\n", HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\nx",
    CHUNKS "x\r\n", CHUNKS "\r\n", CHUNKS "-1\r\n", CHUNKS "0x1\r\na\r\n0\r\n\r\n", CHUNKS "1 a\r\na\r\n0\r\n\r\n",
    CHUNKS "1\na\r\n0\r\n\r\n", CHUNKS "1\r\nab\r\n0\r\n\r\n", CHUNKS "1\r\na\n0\r\n\r\n", CHUNKS "1\r\na0\r\n\r\n",
    CHUNKS "1000000000000000\r\n", CHUNKS "ffffffffffffffff\r\n", CHUNKS "1;\x01\r\na\r\n0\r\n\r\n",
    CHUNKS "0\r\ntrailer\r\n\r\n", CHUNKS "0\r\n: x\r\n\r\n", CHUNKS "0\r\n\n",
};

HTTP_TEST(malformed_responses, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < (int)(2 * sizeof bad / sizeof *bad); self->i++) {
        self->x->answers[0] = bad[self->i / 2];
        self->x->piece = self->i % 2;
        CHECK_FAILS(AWL_EPROTOCOL, co_call(fetches, .url = self->x->url));
    }
    co_end;
}

HTTP_TEST(malformed_chunk_is_an_error_for_ever, { char buf[8]; int n; })
{
    co_begin;
    self->x->answers[0] = CHUNKS "1\r\naX\r\n1\r\nb\r\n0\r\n\r\n";
    co_let(self->r, awl_http_get(self->x->url, NULL));
    co_let(self->n, awl_http_read(self->r, self->buf, 8));
    CHECK_INT(self->n, 1);
    CHECK_FAILS(AWL_EPROTOCOL, awl_http_read(self->r, self->buf, 8));
    CHECK_FAILS(AWL_EPROTOCOL, awl_http_read(self->r, self->buf, 8));
    co_finally;
    awl_http_close(self->r);
    co_end;
}

/* ---- Limits ------------------------------------------------------------------------------------------------------ */

static char large[200000];

/* A head of `n` bytes of header lines, or with one line of n bytes. */
static const char *large_head(size_t n, bool one_line)
{
    size_t len = strlen(strcpy(large, HEAD));

    if (one_line) {
        len += strlen(strcpy(large + len, "A: "));
        memset(large + len, 'x', n);
        len += n;
        strcpy(large + len, "\r\n");
        len += 2;
    } else {
        while (len < n)
            len += strlen(strcpy(large + len, "Name: value\r\n"));
    }
    strcpy(large + len, "\r\n");
    return large;
}

HTTP_TEST(heads_have_a_limit, { int n; awl_http_options small; const char *name, *value; })
{
    co_begin;
    self->x->answers[0] = large_head(60000, false);
    co_let(self->r, awl_http_get(self->x->url, NULL));
    CHECK(awl_http_header_at(self->r, 4000, &self->name, &self->value));
    CHECK_STR(self->value, "value");
    awl_http_close(self->r);
    self->r = NULL;
    self->x->answers[0] = large_head(70000, false);
    CHECK_FAILS(AWL_ELIMIT, awl_http_get(self->x->url, NULL));
    self->x->answers[0] = large_head(70000, true);
    CHECK_FAILS(AWL_ELIMIT, awl_http_get(self->x->url, NULL));
    self->x->answers[0] = large_head(1000, false);
    self->small.head_limit = 1000;
    CHECK_FAILS(AWL_ELIMIT, awl_http_get(self->x->url, &self->small));
    co_finally;
    awl_http_close(self->r);
    co_end;
}

HTTP_TEST(fetched_bodies_have_a_limit, { int i; awl_http_options small; })
{
    static const char *const texts[] = { HEAD "Content-Length: 6\r\n\r\n123456", HEAD "\r\n123456",
                                         CHUNKS "6\r\n123456\r\n0\r\n\r\n" };

    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        self->x->answers[0] = texts[self->i];
        self->small.body_limit = 5;
        CHECK_FAILS(AWL_ELIMIT, awl_http_fetch(self->x->url, &self->small));
        self->small.body_limit = 6;
        co_let(self->r, awl_http_fetch(self->x->url, &self->small));
        CHECK_STR(awl_http_body(self->r, NULL), "123456");
        awl_http_close(self->r);
        self->r = NULL;
        self->small.body_limit = SIZE_MAX;
        co_let(self->r, awl_http_fetch(self->x->url, &self->small));
        CHECK_STR(awl_http_body(self->r, NULL), "123456");
        awl_http_close(self->r);
        self->r = NULL;
    }
    co_finally;
    awl_http_close(self->r);
    co_end;
}

HTTP_TEST(trailers_have_a_limit, { int n; })
{
    co_begin;
    strcpy(large, CHUNKS "0\r\n");
    for (size_t len = strlen(large); len < 70000;)
        len += strlen(strcpy(large + len, "Name: value\r\n"));
    strcat(large, "\r\n");
    self->x->answers[0] = large;
    CHECK_FAILS(AWL_ELIMIT, co_call(fetches, .url = self->x->url));
    co_end;
}

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */

HTTP_TEST(body_can_be_read_in_small_pieces, { char buf[3], all[16]; int n; size_t len; })
{
    co_begin;
    self->x->answers[0] = CHUNKS "4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\n";
    co_let(self->r, awl_http_get(self->x->url, NULL));
    CHECK_INT(awl_http_length(self->r), -1);
    do {
        co_let(self->n, awl_http_read(self->r, self->buf, 3));
        memcpy(self->all + self->len, self->buf, (size_t)self->n);
        self->len += (size_t)self->n;
    } while (self->n);
    CHECK_INT(self->len, 9);
    CHECK_MEM(self->all, "abcdefghi", 9);
    co_let(self->n, awl_http_read(self->r, self->buf, 3));
    CHECK_INT(self->n, 0);
    CHECK_FAILS(EINVAL, awl_http_read(self->r, self->buf, 0));
    CHECK_FAILS(EINVAL, awl_http_read(NULL, self->buf, 1));
    co_finally;
    awl_http_close(self->r);
    co_end;
}

HTTP_TEST(cancelled_reads_lose_nothing, { char all[32]; int n, tries; size_t len; })
{
    co_begin;
    self->x->answers[0] = CHUNKS "4\r\nabcd\r\n5;extension\r\nefghi\r\n0\r\nTrailer: x\r\n\r\n";
    self->x->piece = 1;
    co_let(self->r, awl_http_get(self->x->url, NULL));
    for (self->tries = 0; self->tries < 100000; self->tries++) {
        co_try(self->rc, awl_wait_for(awl_http_read(self->r, self->all + self->len, 32 - self->len), AWL_US));
        if (self->rc == ETIMEDOUT)
            continue;
        CHECK_INT(self->rc, 0);
        co_result(self->n);
        if (!self->n)
            break;
        self->len += (size_t)self->n;
    }
    CHECK_INT(self->len, 9);
    CHECK_MEM(self->all, "abcdefghi", 9);
    co_finally;
    awl_http_close(self->r);
    co_end;
}

HTTP_TEST(reset_within_a_body_is_an_error, { int n; })
{
    co_begin;
    self->x->answers[0] = HEAD "\r\nsome of it";
    self->x->reset = true;
    CHECK_FAILS(ECONNRESET, co_call(fetches, .url = self->x->url));
    co_end;
}
