/*
 * Heads of requests and responses: the verdict is the same in whichever pieces they come, what is accepted is made of what it
 * may be made of, and how the body comes follows from the fields as a few plain lines say it.
 *
 * The first byte is the role, the second the size of the pieces; the rest is text, see words.h.
 */
#include <stdbool.h>
#include <stdio.h>

#include "http/parser.h"
#include "words.h"

static const char *const words[] = {
    "GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "Host: a\r\n", "\r\n", "\r\n\r\n", "GET ", "/", " HTTP/1.", "HTTP/", "\r", "\n",
    ": ", ":", "Content-Length", "Content-Length: 5\r\n", "Transfer-Encoding: ", "chunked", "chunked\r\n", ", ", "gzip", "Connection: ",
    "close", "keep-alive", "Expect: 100-continue\r\n", "HTTP/1.0 204 No\r\n", "OPTIONS * ", "CONNECT a:1 ", "http://", "[::1]",
    "18446744073709551615", "9223372036854775807", "X: y\r\n", " z\r\n", "\t", "%41", "\xff", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

/* A text of 32 KiB in few bytes: what comes behind the length-many first ones. */
static char text[MOST_TEXT + 1];

static int parse(awl__http_head *head, char *copy, size_t len, bool of_response, size_t first, size_t step)
{
    int n = 0;

    memcpy(copy, text, len);
    awl__http_head_begin(head, of_response);
    for (size_t there = first < len ? first : len;; there = step < len - there ? there + step : len) {
        n = awl__http_head_parse(head, copy, there);
        if (n || there == len)
            return n;
    }
}

/* Two verdicts on the same bytes. */
static void must_agree(const awl__http_head *a, const char *x, int n, const awl__http_head *b, const char *y, int m)
{
    must(n == m);
    if (n < 0)
        must(a->status == b->status && a->what == b->what);
    if (n <= 0)
        return;
    must(a->n == b->n && memcmp(a->fields, b->fields, a->n * sizeof *a->fields) == 0 && memcmp(x, y, (size_t)n) == 0);
    must(a->method == b->method && a->target == b->target && a->reason == b->reason && a->status == b->status);
    must(a->minor == b->minor && a->length == b->length && a->close == b->close && a->keep_alive == b->keep_alive);
    must(awl__http_framing(a, false) == awl__http_framing(b, false));
}

/* How many fields of a name there are, and the last one's value. */
static unsigned count(const awl__http_head *head, const char *at, const char *name, const char **value)
{
    unsigned n = 0;

    for (unsigned i = 0; i < head->n; i++) {
        if (awl__http_same(at + head->fields[i].name, name)) {
            *value = at + head->fields[i].value;
            n++;
        }
    }
    return n;
}

/* RFC 9112, 6.3, of a head that was accepted. */
static void must_be_framed(const awl__http_head *head, const char *at)
{
    const char *length = NULL, *coding = NULL;
    const unsigned lengths = count(head, at, "content-length", &length), codings = count(head, at, "transfer-encoding", &coding);
    const enum awl__framing framing = awl__http_framing(head, false);
    const bool bodiless = head->of_response && (head->status < 200 || head->status == 204 || head->status == 304);
    char *end = NULL;

    must(!lengths || !codings);
    must(lengths < 2 || head->of_response);
    if (lengths) {
        must(strtoull(length, &end, 10) == head->length && !*end && end != length && length[0] >= '0' && length[0] <= '9');
        must(framing == (bodiless || !head->length ? AWL__NO_BODY : AWL__BODY_LENGTH));
    } else if (codings) {
        must(head->minor == 1 && strlen(coding) >= strlen("chunked"));
        must(framing == (bodiless ? AWL__NO_BODY : AWL__BODY_CHUNKED));
    } else {
        must(framing == (bodiless || !head->of_response ? AWL__NO_BODY : AWL__BODY_TO_END));
    }
    if (!head->of_response)
        must(count(head, at, "host", &length) == 1 || head->minor == 0);
}

static void must_be_made_of(const awl__http_head *head, const char *at, int n)
{
    for (unsigned i = 0; i < head->n; i++) {
        const char *name = at + head->fields[i].name, *value = at + head->fields[i].value;

        must(awl__http_is_token(name, strlen(name)) && awl__http_is_value(value, strlen(value)));
        must(!value[0] || !strchr(" \t", value[0]));
        must(!value[0] || !strchr(" \t", value[strlen(value) - 1]));
        must(value + strlen(value) < at + n);
    }
    if (head->of_response)
        must(head->status >= 100 && head->status < 1000 && awl__http_is_value(at + head->reason, strlen(at + head->reason)));
    else
        must(awl__http_is_token(at + head->method, strlen(at + head->method)) && at[head->target]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char whole[MOST_TEXT + 1], pieces[MOST_TEXT + 1];
    static awl__http_head a, b;
    size_t size;
    int n, m;

    if (len < 2)
        return 0;
    size = text_of(data + 2, len - 2, words, sizeof words / sizeof *words, text);
    n = parse(&a, whole, size, data[0] & 1, size, size + 1);
    m = parse(&b, pieces, size, data[0] & 1, data[1], data[1] % 7 + 1);
    must_agree(&a, whole, n, &b, pieces, m);
    m = parse(&b, pieces, size, data[0] & 1, 1, 1);
    must_agree(&a, whole, n, &b, pieces, m);
    if (n > 0) {
        must((size_t)n <= size && n <= AWL__HEAD_LIMIT && memcmp(text + n - 2, "\r\n", 2) == 0);
        must_be_made_of(&a, whole, n);
        must_be_framed(&a, whole);
    }
    return 0;
}
