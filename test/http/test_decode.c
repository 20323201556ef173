/* Compressed bodies, by zlib. */
#include <zlib.h>

#include "client_rig.h"

#define GZIP                                                                                                           \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\x49\xd1\x51\xc8\x40\x70\x00\x51" \
    "\x32\xad\xb3\x18\x00\x00\x00"
#define ZLIB "\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\x49\xd1\x51\xc8\x40\x70\x00\x70\x80\x09\x05"
#define BARE "\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\x49\xd1\x51\xc8\x40\x70\x00"
#define CODED(coding, length) "HTTP/1.1 200 OK\r\nContent-Encoding: " coding "\r\nContent-Length: " length "\r\n\r\n"
#define BYTES(...) { .text = __VA_ARGS__, .size = sizeof(__VA_ARGS__) - 1, .again = true }

static const char plain[] = "hello world, hello world";
static answer only[] = { { .text = NULL }, { .text = NULL } };

/* What comes of a body; NULL: the error. */
static const struct {
    answer a;
    const char *body;
    int error;
} cases[] = {
    { BYTES(CODED("gzip", "35") GZIP), plain, 0 },
    { BYTES(CODED("x-GZIP", "35") GZIP), plain, 0 },
    { BYTES(CODED("deflate", "23") ZLIB), plain, 0 },
    { BYTES(CODED("deflate", "17") BARE), plain, 0 },
    { BYTES(CODED("gzip", "70") GZIP GZIP), "hello world, hello worldhello world, hello world", 0 },
    { BYTES(CODED("gzip", "0")), "", 0 },
    { BYTES(CODED("br", "5") "hello"), "hello", 0 }, /* nobody asked for that; the field says so */
    { BYTES(CODED("identity", "5") "hello"), "hello", 0 },
    { BYTES(CODED("gzip, br", "5") "hello"), "hello", 0 },
    { BYTES(CODED("gzip\r\nContent-Encoding: br", "5") "hello"), "hello", 0 }, /* RFC 9110, 5.3: the same */
    { BYTES("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n" GZIP
            "\r\n0\r\n\r\n"),
      plain, 0 },
    { BYTES(CODED("gzip", "5") "hello"), NULL, AWL_EPROTOCOL },
    { BYTES(CODED("gzip", "20") GZIP), NULL, AWL_EINCOMPLETE },
    { BYTES(CODED("deflate", "1") BARE), NULL, AWL_EINCOMPLETE },
    { BYTES(CODED("deflate", "24") ZLIB "x"), NULL, AWL_EPROTOCOL },
    { BYTES(CODED("gzip", "37") GZIP "ab"), NULL, AWL_EPROTOCOL },
};

CLIENT_TEST(compressed_bodies_are_decoded, ANSWERS(SAY("")), { size_t i, piece; })
{
    co_begin;
    script.answers = only;
    OPEN(.keep_alive = -1);
    for (self->i = 0; self->i < sizeof cases / sizeof *cases; self->i++) {
        for (self->piece = 0; self->piece < 3; self->piece++) {
            only[0] = cases[self->i].a;
            only[0].piece = self->piece;
            script.n = 0;
            if (cases[self->i].body) {
                GET(at(0, "/"), NULL);
                CHECK_STR(self->text, cases[self->i].body);
            } else {
                GET_FAILS(cases[self->i].error, at(0, "/"), 0);
            }
        }
    }
    CHECK(said(0, "\r\nAccept-Encoding: gzip, deflate\r\n"));
    CLIENT_END;
}

CLIENT_TEST(compression_is_the_callers_if_he_asks, ANSWERS(BYTES(CODED("gzip", "35") GZIP)),
            { awl_http_request_options o; })
{
    static const awl_http_pair own[] = { { "Accept-Encoding", "gzip" }, { NULL, NULL } };
    static const awl_http_pair range[] = { { "Range", "bytes=0-34" }, { NULL, NULL } };

    co_begin;
    OPEN(0);
    GET(at(0, "/"), &(awl_http_request_options){ .raw = true });
    CHECK_INT(self->len, 35);
    CHECK_INT(awl_response_length(self->r), 35);
    CHECK(!said(0, "Accept-Encoding"));
    GET(at(0, "/"), &(awl_http_request_options){ .headers = own });
    CHECK_INT(self->len, 35);
    GET(at(0, "/"), &(awl_http_request_options){ .headers = range });
    CHECK_INT(self->len, 35);
    CHECK(!said(2, "Accept-Encoding"));
    GET(at(0, "/"), NULL);
    CHECK_INT(self->len, 24);
    CHECK_INT(awl_response_length(self->r), -1);
    awl_http_session_close(self->session);
    OPEN(.raw = true);
    GET(at(0, "/"), NULL);
    CHECK_INT(self->len, 35);
    CLIENT_END;
}

CLIENT_TEST(head_of_something_compressed, ANSWERS(BYTES(CODED("gzip", "35"))), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_head(self->session, at(0, "/"), NULL));
    CHECK_INT(awl_response_length(self->r), 35);
    co_let(self->text, awl_response_read_all(self->r, &self->len));
    CHECK_INT(self->len, 0);
    CLIENT_END;
}

CLIENT_TEST(connection_is_kept_behind_a_compressed_body, ANSWERS(BYTES(CODED("gzip", "35") GZIP)), { int i; })
{
    co_begin;
    OPEN(0);
    for (self->i = 0; self->i < 4; self->i++) {
        GET(at(0, "/"), NULL);
        CHECK_STR(self->text, plain);
    }
    CHECK_INT(script.conns, 1);
    CLIENT_END;
}

/* 17 bytes that become 24. */
CLIENT_TEST(limit_is_of_what_was_decoded, ANSWERS(BYTES(CODED("deflate", "17") BARE)), { char buf[64]; int n; })
{
    co_begin;
    OPEN(.body_limit = 24);
    GET(at(0, "/"), NULL);
    CHECK_STR(self->text, plain);
    awl_http_session_close(self->session);
    OPEN(.body_limit = 23);
    GET_FAILS(AWL_ELIMIT, at(0, "/"), 0);
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL)); /* and not of pieces */
    co_let(self->n, awl_response_read(self->r, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 24);
    CLIENT_END;
}

/* ---- Bombs ------------------------------------------------------------------------------------------------------ */

enum { MANY = 32 << 20 };
static char bomb[40000];

/* A response of MANY zeros, compressed to a thousandth. Result: its size. */
static size_t make_bomb(void)
{
    static char zeros[65536];
    char *body = bomb + 128;
    z_stream z = { .next_out = (Bytef *)body, .avail_out = sizeof bomb - 128 };
    size_t head;

    CHECK_INT(deflateInit(&z, 9), Z_OK);
    for (int i = 0; i < MANY / (int)sizeof zeros; i++) {
        z.next_in = (Bytef *)zeros;
        z.avail_in = sizeof zeros;
        CHECK_INT(deflate(&z, Z_NO_FLUSH), Z_OK);
    }
    CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    head = (size_t)snprintf(bomb, 128, CODED("deflate", "%lu"), z.total_out);
    memmove(bomb + head, body, z.total_out);
    return head + z.total_out;
}

CLIENT_TEST(bombs_do_not_fill_the_memory, ANSWERS({ .text = bomb, .again = true }), {
    size_t before, all;
    int n;
    char buf[65536];
})
{
    co_begin;
    script.answers[0].size = make_bomb();
    OPEN(.body_limit = 1 << 20);
    self->before = harness_live_bytes();
    GET_FAILS(AWL_ELIMIT, at(0, "/"), 0);
    CHECK(harness_live_bytes() - self->before < 8 << 20);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL)); /* whoever reads pieces of it decides himself */
    for (;;) {
        co_let(self->n, awl_response_read(self->r, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        self->all += (size_t)self->n;
        CHECK(harness_live_bytes() - self->before < 1 << 20);
    }
    CHECK_INT(self->all, MANY);
    CLIENT_END;
}
