/* test_parser.c: heads of requests and responses; what the table of requests.txt does not show. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "http/parser.h"

static awl__http_head head;
static char text[70000];

/* Parses `len` bytes as they come in pieces of `step` (0: all at once), in a block of exactly their size. */
static int parse_n(const char *bytes, size_t len, size_t step, bool of_response)
{
    char *block = malloc(len + 1);
    int n = 0;

    CHECK(block != NULL);
    memcpy(block, bytes, len);
    awl__http_head_begin(&head, of_response);
    for (size_t there = step ? step : len; !n; there += step) {
        n = awl__http_head_parse(&head, block, there < len ? there : len);
        if (there >= len)
            break;
    }
    memcpy(text, block, len);
    free(block);
    return n;
}

static int parse(const char *bytes, bool of_response) { return parse_n(bytes, strlen(bytes), 0, of_response); }

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

TEST(a_request_is_taken_apart)
{
    static const char bytes[] = "PUT /a?b HTTP/1.1\r\nHost: x:1\r\nA:  b c\t\r\nEmpty:\r\n\r\nrest";

    for (size_t step = 0; step < 4; step++) {
        CHECK_INT(parse_n(bytes, sizeof bytes - 1, step, false), sizeof bytes - 1 - 4);
        CHECK_STR(text + head.method, "PUT");
        CHECK_STR(text + head.target, "/a?b");
        CHECK_INT(head.minor, 1);
        CHECK_INT(head.n, 3);
        CHECK_STR(text + head.fields[1].name, "A");
        CHECK_STR(text + head.fields[1].value, "b c");
        CHECK_STR(awl__http_field(&head, text, "HOST"), "x:1");
        CHECK_STR(awl__http_field(&head, text, "empty"), "");
        CHECK_STR(awl__http_field(&head, text, "emptyy"), NULL);
        CHECK_STR(awl__http_field(&head, text, "empt"), NULL);
    }
}

TEST(the_first_of_two_fields_is_found)
{
    CHECK(parse("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\na: 2\r\n\r\n", false) > 0);
    CHECK_STR(awl__http_field(&head, text, "a"), "1");
}

/* A character within a method, a target, a name and a value: what is let through is what the RFC lists, and no other. */
TEST(each_character_has_its_places)
{
    static const char marks[] = "!#$%&'*+-.^_`|~", more[] = "\"(),/:;<=>?@[\\]{}";

    for (int c = 0; c < 256; c++) {
        const bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        const bool token = word || (c && strchr(marks, c)), target = (token || (c && strchr(more, c))) && c != '#';
        char bytes[60];
        int n;

        n = sprintf(bytes, "G.T / HTTP/1.1\r\nHost: x\r\n\r\n");
        bytes[1] = (char)c;
        CHECK_INT(parse_n(bytes, (size_t)n, 0, false) > 0, token);
        n = sprintf(bytes, "GET /. HTTP/1.1\r\nHost: x\r\n\r\n");
        bytes[5] = (char)c;
        CHECK_INT(parse_n(bytes, (size_t)n, 0, false) > 0, target);
        n = sprintf(bytes, "GET / HTTP/1.1\r\nA.B: x\r\nHost: x\r\n\r\n");
        bytes[17] = (char)c;
        CHECK_INT(parse_n(bytes, (size_t)n, 0, false) > 0, token || c == ':');
        n = sprintf(bytes, "GET / HTTP/1.1\r\nA: x.y\r\nHost: x\r\n\r\n");
        bytes[20] = (char)c;
        CHECK_INT(parse_n(bytes, (size_t)n, 0, false) > 0, c == '\t' || (c >= ' ' && c != 0x7f));
        CHECK_INT(awl__http_is_token(&(char){ (char)c }, 1), token);
    }
    CHECK(!awl__http_is_token("", 0));
    CHECK(awl__http_is_value("", 0));
}

TEST(what_is_wrong_is_said_in_words)
{
    CHECK(parse("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5a\r\n\r\n", false) < 0);
    CHECK_INT(head.status, 400);
    CHECK_STR(head.what, "Content-Length is not one number");
    CHECK(parse("GET / HTTP/3.0\r\n", false) < 0);
    CHECK_INT(head.status, 505);
}

TEST(a_head_that_is_refused_is_refused_at_once)
{
    CHECK(parse("GET\r\n", false) < 0);
    CHECK(parse("GET / HTTP/1.1\r\nno colon\r\n", false) < 0);
    CHECK_INT(parse("GET / HTTP/1.1\r\nno colon", false), 0);
}

TEST(options_of_the_connection_are_understood)
{
    CHECK(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, foo\r\nConnection: KEEP-alive\r\n\r\n", false) > 0);
    CHECK(head.upgrade && head.keep_alive && !head.close);
    CHECK(awl__http_persists(&head));
    CHECK(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: ,, close\t,\r\n\r\n", false) > 0);
    CHECK(!awl__http_persists(&head));
    CHECK(parse("GET / HTTP/1.0\r\n\r\n", false) > 0);
    CHECK(!awl__http_persists(&head));
    CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false) > 0);
    CHECK(awl__http_persists(&head));
}

/* ---- Responses --------------------------------------------------------------------------------------------------- */

TEST(a_response_is_taken_apart)
{
    CHECK_INT(parse("HTTP/1.1 404 Not  Found\r\nA: b\r\n\r\n", true), 33);
    CHECK_INT(head.status, 404);
    CHECK_STR(text + head.reason, "Not  Found");
    CHECK_STR(awl__http_field(&head, text, "a"), "b");
}

TEST(a_reason_may_be_missing)
{
    CHECK(parse("HTTP/1.1 200 \r\n\r\n", true) > 0);
    CHECK_STR(text + head.reason, "");
    CHECK(parse("HTTP/1.0 200\r\n\r\n", true) > 0);
    CHECK_STR(text + head.reason, "");
    CHECK_INT(head.minor, 0);
}

TEST(status_lines_that_are_none_are_refused)
{
    static const char *const wrong[] = {
        "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK", "HTTP/1.1  200 OK", "HTTP/2.0 200 OK", "HTTP/1.1 20x OK",
        "HTTP/1.1 200OK", "ICY 200 OK",      "HTTP/1.1",        "",                 "HTTP/1.1 200 O\001K", "HTTP/1.1 +20 OK",
        "HTTP/1.1\t200 OK", "http/1.1 200 OK", "HTTP/1.1 200 a\rb",
    };
    char bytes[60];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(bytes, sizeof bytes, "%s\r\n\r\n", wrong[i]);
        CHECK(parse(bytes, true) < 0);
    }
}

/* RFC 9112, 5.2. */
TEST(a_response_may_have_folded_fields)
{
    static const char bytes[] = "HTTP/1.1 200 OK\r\nA: b \r\n \t c\r\n\r\n";
    char *value;

    for (size_t step = 0; step < 3; step++) {
        CHECK(parse_n(bytes, sizeof bytes - 1, step, true) > 0);
        value = text + head.fields[0].value;
        CHECK_INT(strspn(value, "bc "), strlen(value));
        CHECK_STR(strtok(value, " "), "b");
        CHECK_STR(strtok(NULL, " "), "c");
        CHECK_STR(strtok(NULL, " "), NULL);
    }
    CHECK(parse("HTTP/1.1 200 OK\r\nA:\r\n b\r\n  \r\nC: d\r\n\r\n", true) > 0);
    CHECK_STR(awl__http_field(&head, text, "A"), "b");
    CHECK_STR(awl__http_field(&head, text, "C"), "d");
}

TEST(what_the_protocol_goes_by_may_not_be_folded)
{
    CHECK(parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n , gzip\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 200 OK\r\nConnection:\r\n close\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 200 OK\r\n A: b\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 200 OK\r\nA: b\r\n c\001\r\n\r\n", true) < 0);
}

TEST(a_response_may_say_its_length_twice_if_it_is_the_same)
{
    CHECK(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", true) > 0);
    CHECK_INT(head.length, 5);
    CHECK(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", true) < 0);
}

/* ---- How bodies come: RFC 9112, 6.3 ------------------------------------------------------------------------------ */

TEST(how_the_body_of_a_response_comes)
{
    static const struct {
        const char *bytes;
        bool no_body;
        enum awl__framing framing;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, AWL__BODY_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, AWL__NO_BODY },
        { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, AWL__NO_BODY },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, AWL__BODY_CHUNKED },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, AWL__NO_BODY },
        { "HTTP/1.1 200 OK\r\n\r\n", false, AWL__BODY_TO_END },
        { "HTTP/1.0 200 OK\r\n\r\n", false, AWL__BODY_TO_END },
        { "HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n", false, AWL__NO_BODY },
        { "HTTP/1.1 304 OK\r\nContent-Length: 5\r\n\r\n", false, AWL__NO_BODY },
        { "HTTP/1.1 304 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, AWL__NO_BODY },
        { "HTTP/1.1 100 Continue\r\n\r\n", false, AWL__NO_BODY },
        { "HTTP/1.1 999 Whatever\r\n\r\n", false, AWL__BODY_TO_END },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(parse(cases[i].bytes, true) > 0);
        CHECK_INT(awl__http_framing(&head, cases[i].no_body), cases[i].framing);
    }
}

TEST(lengths_of_a_response_that_contradict_are_refused)
{
    CHECK(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true) < 0);
    CHECK(parse("HTTP/1.1 100 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true) < 0);
}

/* ---- Limits ------------------------------------------------------------------------------------------------------ */

/* "HTTP/1.1 200 …" in a line of n bytes, and a field line of m. */
static int parse_long(size_t n, size_t m, size_t step)
{
    static char bytes[40000];
    size_t at = 0;

    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "HTTP/1.1 200 ", 13);
    memcpy(bytes + n, "\r\nX:", 4);
    at = n + 2 + m;
    memcpy(bytes + at, "\r\n\r\n", 4);
    return parse_n(bytes, at + 4, step, true);
}

TEST(lines_have_at_most_8190_bytes_however_they_come)
{
    for (size_t step = 0; step < 3000; step = step * 3 + 1) {
        CHECK(parse_long(8190, 8190, step) > 0);
        CHECK(parse_long(8191, 10, step) < 0);
        CHECK_INT(head.status, 431);
        CHECK(parse_long(20, 8191, step) < 0);
        CHECK_INT(head.status, 431);
    }
}

TEST(offsets_reach_to_the_end_of_the_largest_head)
{
    static char bytes[40000];
    int n = sprintf(bytes, "GET / HTTP/1.1\r\nHost: x\r\n");

    while (n < AWL__HEAD_LIMIT - 2 - 4000)
        n += sprintf(bytes + n, "X: %0*d\r\n", 3000, 1);
    n += sprintf(bytes + n, "Last: %0*d\r\n\r\n", AWL__HEAD_LIMIT - 2 - 8 - n, 7);
    CHECK_INT(n, AWL__HEAD_LIMIT);
    CHECK_INT(parse_n(bytes, (size_t)n, 0, false), n);
    CHECK_INT(strlen(awl__http_field(&head, text, "last")) + (size_t)(awl__http_field(&head, text, "last") - text), n - 4);
}
