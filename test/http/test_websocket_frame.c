/* test_websocket_frame.c: frames, masks and text of WebSockets, against oracles of the plainest kind; SHA-1 and base64.
 * */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "http/base64.h"
#include "websocket/sha1.h"
#include "websocket/websocket_frame.h"

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

/* What RFC 6455, 5.2 to 5.5, says of the first two bytes, sentence by sentence. */
static bool allows(uint8_t first, uint8_t second, bool from_client, bool in_message)
{
    const bool fin = first & 0x80;
    const int opcode = first & 0x0f, len = second & 0x7f;

    if (first & 0x70)
        return false; /* "MUST be 0 unless an extension is negotiated" */
    if (!!(second & 0x80) != from_client)
        return false; /* "A client MUST mask all frames", "A server MUST NOT mask any" */
    switch (opcode) {
    case 0: return in_message;
    case 1:
    case 2: return !in_message;
    case 8:
    case 9:
    case 10:
        return fin && len <= 125; /* "MUST have a payload length of 125 bytes or less and MUST NOT be fragmented" */
    default: return false;
    }
}

TEST(every_first_two_bytes_are_judged_as_the_rfc_says)
{
    for (int state = 0; state < 4; state++) {
        for (int i = 0; i < 65536; i++) {
            uint8_t bytes[AWL__WS_HEAD] = { (uint8_t)(i >> 8), (uint8_t)i, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
            awl__ws_reader reader = { .from_client = state & 1, .message = state & 2 ? AWL__WS_TEXT : 0 };
            awl__ws_head head;
            const bool fine = allows(bytes[0], bytes[1], state & 1, state & 2);
            const int n = awl__ws_head_read(&reader, bytes, 2, &head);

            if (!fine) {
                CHECK_INT(n, -1);
                CHECK_INT(reader.message, state & 2 ? AWL__WS_TEXT : 0);
                continue;
            }
            CHECK_INT(n, (bytes[1] & 127) > 125 || bytes[1] & 128 ? 0 : 2);
            reader = (awl__ws_reader){ .from_client = state & 1, .message = state & 2 ? AWL__WS_TEXT : 0 };
            if ((bytes[1] & 127) == 127)
                bytes[2] = 0, bytes[5] = 1; /* a length that may be so long */
            CHECK_INT(awl__ws_head_read(&reader, bytes, sizeof bytes, &head),
                      2 + ((bytes[1] & 127) == 126 ? 2 : (bytes[1] & 127) == 127 ? 8 : 0) + (bytes[1] & 128 ? 4 : 0));
            if (!(bytes[0] & 8))
                CHECK_INT(reader.message, bytes[0] & 128 ? 0 : bytes[0] & 15 ? bytes[0] & 15 : AWL__WS_TEXT);
        }
    }
}

TEST(lengths_are_as_short_as_they_can_be)
{
    static const uint8_t wrong[][10] = {
        { 0x82, 126, 0, 125 }, { 0x82, 126, 0, 0 },
        { 0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, { 0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1 },
        { 0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0 }, { 0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    };
    static const uint8_t right[][10] = {
        { 0x82, 126, 0, 126 }, { 0x82, 126, 0xff, 0xff }, { 0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0 },
        { 0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    };
    awl__ws_reader reader = { 0 };
    awl__ws_head head;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(awl__ws_head_read(&reader, wrong[i], 10, &head), -1);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        CHECK_INT(awl__ws_head_read(&reader, right[i], 10, &head), right[i][1] == 126 ? 4 : 10);
    CHECK(head.len == INT64_MAX);
}

TEST(what_is_written_is_read_and_not_before_it_is_whole)
{
    static const uint64_t lengths[] = { 0, 1, 125, 126, 127, 65535, 65536, 1 << 20, UINT64_C(1) << 40, INT64_MAX };

    for (int i = 0; i < 10 * 2 * 3; i++) {
        static const uint8_t opcodes[] = { AWL__WS_TEXT, AWL__WS_BINARY, AWL__WS_CONTINUATION };
        const awl__ws_head head = {
            .opcode = opcodes[i % 3], .fin = i % 2, .masked = i / 3 % 2, .key = { 1, 2, 3, 4 }, .len = lengths[i / 6]
        };
        awl__ws_reader reader = { .from_client = head.masked, .message = i % 3 == 2 ? AWL__WS_TEXT : 0 };
        uint8_t bytes[AWL__WS_HEAD];
        const size_t n = awl__ws_head_write(&head, bytes);
        awl__ws_head got;

        for (size_t there = 0; there < n; there++) {
            uint8_t *exact = malloc(there + 1);

            CHECK(exact != NULL);
            memcpy(exact, bytes, there);
            CHECK_INT(awl__ws_head_read(&reader, exact, there, &got), 0);
            free(exact);
        }
        CHECK_INT(awl__ws_head_read(&reader, bytes, n, &got), n);
        CHECK(got.opcode == head.opcode && got.fin == head.fin && got.masked == head.masked && got.len == head.len);
        if (head.masked)
            CHECK_MEM(got.key, head.key, 4);
    }
}

TEST(a_mask_goes_on_where_it_was)
{
    static const uint8_t key[4] = { 0x12, 0x34, 0x56, 0x78 };
    uint8_t bytes[40];

    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (uint64_t offset = 0; offset < 9; offset++) {
            memset(bytes, 0, sizeof bytes);
            awl__ws_mask(bytes, len, key, offset);
            for (size_t i = 0; i < sizeof bytes; i++)
                CHECK_INT(bytes[i], i < len ? key[(offset + i) % 4] : 0);
        }
    }
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

/* RFC 3629, by number: what a character's bytes come to, or -1. */
static long character(const uint8_t *at, size_t len)
{
    static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t n = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    long c = n == 1 ? at[0] : n ? at[0] & (0x7f >> n) : -1;

    if (!n || n != len)
        return -1;
    for (size_t i = 1; i < n; i++) {
        if (at[i] >> 6 != 2)
            return -1;
        c = c << 6 | (at[i] & 63);
    }
    return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? -1 : c;
}

static bool is_utf8(const uint8_t *at, size_t len)
{
    awl__utf8 utf8 = { 0 };

    return awl__utf8_check(&utf8, at, len, true);
}

/* All that is one character or none; sequences of two shorter ones are left out of it. */
TEST(every_sequence_of_bytes_is_a_character_or_is_not)
{
    for (unsigned i = 0; i < 256; i++)
        CHECK_INT(is_utf8((uint8_t[]){ (uint8_t)i }, 1), i < 0x80);
    for (unsigned i = 0xc000; i < 0x10000; i++) {
        const uint8_t two[] = { (uint8_t)(i >> 8), (uint8_t)i };

        CHECK_INT(is_utf8(two, 2), character(two, 2) >= 0);
        for (unsigned j = 0; two[0] >= 0xe0 && j < 256; j++) {
            const uint8_t three[] = { two[0], two[1], (uint8_t)j };

            CHECK_INT(is_utf8(three, 3), character(three, 3) >= 0);
        }
    }
    for (unsigned i = 0xf000; i < 0x10000; i++) {
        for (unsigned j = 0; j < 36; j++) {
            static const uint8_t some[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
            const uint8_t four[] = { (uint8_t)(i >> 8), (uint8_t)i, some[j / 6], some[j % 6] };

            CHECK_INT(is_utf8(four, 4), character(four, 4) >= 0);
        }
    }
}

TEST(text_is_checked_however_it_is_cut)
{
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";

    for (size_t cut = 0; cut < sizeof text; cut++) {
        awl__utf8 utf8 = { 0 };

        CHECK(awl__utf8_check(&utf8, text, cut, false));
        CHECK(awl__utf8_check(&utf8, text + cut, sizeof text - 1 - cut, true));
    }
    CHECK(!is_utf8((const uint8_t *)"a\xe2\x82", 3));
    CHECK(is_utf8((const uint8_t *)"", 0));
}

TEST(codes_that_may_be_sent_are_known)
{
    for (unsigned code = 0; code < 65536; code++) {
        const bool fine = (code >= 1000 && code < 1015 && code != 1004 && code != 1005 && code != 1006) ||
                          (code >= 3000 && code < 5000);

        CHECK_INT(awl__ws_code_is_valid(code), fine);
    }
}

/* ---- Digests ----------------------------------------------------------------------------------------------------- */

static void check_sha1(const void *data, size_t len, const char *expected)
{
    uint8_t digest[AWL__SHA1];
    char text[2 * AWL__SHA1 + 1];

    awl__sha1(data, len, digest);
    for (int i = 0; i < AWL__SHA1; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    CHECK_STR(text, expected);
}

/* The first three are those of FIPS 180; then lengths about the end of a block, as coreutils' sha1sum has them. */
TEST(sha1_is_that_of_the_standard)
{
    static char a[1000000];

    memset(a, 'a', sizeof a);
    check_sha1("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
               "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check_sha1(a, sizeof a, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check_sha1("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_sha1(a, 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    check_sha1(a, 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699");
    check_sha1(a, 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
    check_sha1(a, 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    check_sha1(a, 65, "11655326c708d70319be2610e8a57d9a5b959d3b");
}

/* RFC 4648, 10. */
TEST(base64_goes_there_and_back)
{
    static const char *const pairs[][2] = { { "", "" },
                                            { "f", "Zg==" },
                                            { "fo", "Zm8=" },
                                            { "foo", "Zm9v" },
                                            { "foob", "Zm9vYg==" },
                                            { "fooba", "Zm9vYmE=" },
                                            { "foobar", "Zm9vYmFy" } };
    static const char *const wrong[] = { "Z",    "Zg",    "Zg=",  "Zg===",    "====", "Z===",   "Zh==",
                                         "Zm9=", "Zm9v=", "Zm 9", "Zg==Zg==", "=Zg=", "Zm9\x80" };
    char text[16];
    uint8_t data[16];

    for (size_t i = 0; i < 7; i++) {
        CHECK_INT(awl__base64_encode(pairs[i][0], strlen(pairs[i][0]), text), strlen(pairs[i][1]));
        CHECK_STR(text, pairs[i][1]);
        CHECK_INT(awl__base64_decode(text, strlen(text), data), strlen(pairs[i][0]));
        CHECK_MEM(data, pairs[i][0], strlen(pairs[i][0]));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(awl__base64_decode(wrong[i], strlen(wrong[i]), data), -1);
}
