/*
 * Bodies of multipart/form-data: the parts, their names and their data are the same in whichever pieces the body comes,
 * and all data together is no more than the body.
 *
 * The first byte is the size of the pieces; the rest is text, see words.h.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "awl/loop.h"
#include "http_forms/multipart_parser.h"
#include "words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const words[] = {
    "--XX\r\n", "--XX", "--XX--",
    "\r\n", "\r\n\r\n", "\r", "\n", "--", "-", "X", "; ", "=", "\"", "\\", "\t", "data", "\xff",
    "Content-Disposition: form-data; name=a",
    "Content-Disposition: form-data; name=\"b\"; filename=\"/c\\d.e\"\r\n",
    "Content-Type: t\r\n\r\n", "\r\n--XX\r\nContent-Disposition: form-data; name=n\r\n\r\n",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
};

/* What was found: names and data, and how it ended. */
typedef struct record {
    char text[3 * MOST_TEXT];
    size_t len, data;
} record;

static record whole, pieces;

static void note(record *r, char kind, const char *text, size_t len)
{
    must(r->len + len + 1 <= sizeof r->text);
    r->text[r->len++] = kind;
    if (len)
        memcpy(r->text + r->len, text, len);
    r->len += len;
}

/* More of the body into the window, in a piece of at most `step`. false: there is no more. */
static bool fill(awl__parts *p, const char **at, const char *end, size_t step)
{
    size_t room;
    char *to = awl__parts_room(p, &room);
    const size_t left = (size_t)(end - *at), n = left < step ? left : step;

    must(room > 0);
    memcpy(to, *at, n < room ? n : room);
    *at += n < room ? n : room;
    p->end += n < room ? n : room;
    return n > 0;
}

static void read_parts(record *r, const char *at, size_t len, size_t step)
{
    static awl__parts p;
    const char *end = at + len;
    bool ended, in_part = false;
    int rc;

    r->len = r->data = 0;
    must(awl__parts_begin(&p, "multipart/form-data; boundary=XX"));
    for (;;) {
        do {
            const size_t n = awl__parts_data(&p, &ended);

            for (size_t i = 0; in_part && i < n; i++)
                note(r, 'd', p.window + p.start + i, 1);
            r->data += in_part ? n : 0;
            p.start += n;
        } while (!ended && fill(&p, &at, end, step));
        if (!ended)
            break;
        while ((rc = awl__parts_next(&p)) == EAGAIN && fill(&p, &at, end, step))
            ;
        note(r, rc == 0 ? '+' : rc == AWL_ELIMIT ? 'l' : rc == EAGAIN ? 'e' : 'm', NULL, 0);
        if (rc || p.state == AWL__PARTS_END)
            return;
        in_part = true;
        must(p.name != NULL);
        note(r, 'n', p.name, strlen(p.name));
        if (p.filename)
            note(r, 'f', p.filename, strlen(p.filename));
        if (p.type)
            note(r, 't', p.type, strlen(p.type));
    }
    note(r, '.', NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char text[MOST_TEXT + 1];
    size_t n;

    if (!len)
        return 0;
    n = text_of(data + 1, len - 1, words, sizeof words / sizeof *words, text);
    read_parts(&whole, text, n, SIZE_MAX);
    read_parts(&pieces, text, n, 1 + data[0] % 60u);
    must(whole.data <= n);

    must(whole.len == pieces.len && memcmp(whole.text, pieces.text, whole.len) == 0);
    return 0;
}
