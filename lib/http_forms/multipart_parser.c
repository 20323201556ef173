/* Bodies of multipart/form-data; see multipart_parser.h. */
#define _GNU_SOURCE
#include "multipart_parser.h"

#include <errno.h>
#include <string.h>

#include "awl/loop.h"
#include "../http/parser.h"

enum {
    MOST_PADDING = 64, /* blanks behind a boundary */
    UNSEEN = 3,        /* the last bytes that have come may be the beginning of the fields' end */
};

/* ---- Parameters of fields: RFC 9110, 5.6.6 ----------------------------------------------------------------------- */

/* A text that is read, and where what is found goes, each with a zero byte behind it: never more than was read. */
typedef struct cursor {
    const char *at, *end;
    char *to;
} cursor;

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

/* What comes before one of `stops`. NULL: nothing does. */
static const char *take_word(cursor *c, const char *stops)
{
    const char *word = c->to;

    while (c->at < c->end && *c->at && !strchr(stops, *c->at))
        *c->to++ = *c->at++;
    if (c->to == word)
        return NULL;
    *c->to++ = '\0';
    return word;
}

/* What is in quotes. Of what a backslash may stand before, only quotes and backslashes are taken for that: browsers
 * write the others as they are. NULL: it does not end. */
static const char *take_quoted(cursor *c)
{
    const char *text = c->to;

    for (c->at++; c->at < c->end && *c->at != '"'; c->at++) {
        if (*c->at == '\\' && c->end - c->at > 1 && (c->at[1] == '"' || c->at[1] == '\\'))
            c->at++;
        *c->to++ = *c->at;
    }
    if (c->at == c->end)
        return NULL;
    c->at++;
    *c->to++ = '\0';
    return text;
}

/* The next one, with the semicolon before it. 1; 0: there are no more; -1: malformed. */
static int take_parameter(cursor *c, const char **name, const char **value)
{
    skip_blanks(c);
    if (c->at == c->end)
        return 0;
    if (*c->at++ != ';')
        return -1;
    skip_blanks(c);
    *name = take_word(c, "=; \t\"");
    if (!*name || c->at == c->end || *c->at++ != '=')
        return -1;
    *value = c->at < c->end && *c->at == '"' ? take_quoted(c) : take_word(c, "; \t\"");
    return *value ? 1 : -1;
}

/* ---- The boundary: RFC 2046, 5.1.1 ------------------------------------------------------------------------------- */

static bool is_boundary(const char *text)
{
    const size_t n = strlen(text);

    if (!n || n > AWL__BOUNDARY || text[n - 1] == ' ')
        return false;
    for (; *text; text++) {
        if (!awl__http_is_token(text, 1) && !strchr("(),/:=? ", *text))
            return false;
    }
    return true;
}

bool awl__parts_begin(awl__parts *parts, const char *type)
{
    static const char wanted[] = "multipart/form-data";
    const size_t len = type ? strlen(type) : 0, n = sizeof wanted - 1;
    const char *name, *value, *boundary = NULL;
    cursor c;
    int rc;

    if (len < n || len > AWL__PART_HEAD || !awl__http_same_n(type, n, wanted))
        return false;
    c = (cursor){ type + n, type + len, parts->texts };
    while ((rc = take_parameter(&c, &name, &value)) > 0) {
        if (!boundary && awl__http_same(name, "boundary"))
            boundary = value;
    }
    if (rc || !boundary || !is_boundary(boundary))
        return false;
    parts->delimiter_len = strlen(boundary) + 4;
    memcpy(parts->delimiter, "\r\n--", 4);
    strcpy(parts->delimiter + 4, boundary);
    parts->name = parts->filename = parts->type = NULL;
    parts->state = AWL__PREAMBLE;

    /* The first delimiter may stand at the beginning, without the line end that is part of the others. */
    memcpy(parts->window, "\r\n", 2);
    parts->start = 0;
    parts->end = 2;
    return true;
}

/* ---- The window -------------------------------------------------------------------------------------------------- */

char *awl__parts_room(awl__parts *parts, size_t *len)
{
    memmove(parts->window, parts->window + parts->start, parts->end - parts->start);
    parts->end -= parts->start;
    parts->start = 0;
    *len = sizeof parts->window - parts->end;
    return parts->window + parts->end;
}

size_t awl__parts_data(awl__parts *parts, bool *ended)
{
    const char *at = parts->window + parts->start;
    const size_t len = parts->end - parts->start;
    const char *found = memmem(at, len, parts->delimiter, parts->delimiter_len);

    *ended = found != NULL;
    if (found)
        return (size_t)(found - at);

    /* What may be the beginning of a delimiter is not given out. */
    for (size_t i = len < parts->delimiter_len ? 0 : len - parts->delimiter_len + 1; i < len; i++) {
        if (memcmp(at + i, parts->delimiter, len - i) == 0)
            return i;
    }
    return len;
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

/* "form-data; name="a"; filename="b"", RFC 7578, 4.2. false: it is not that. */
static bool take_disposition(awl__parts *parts, cursor *c)
{
    const char *name, *value, *kind = take_word(c, "; \t\"");
    int rc;

    if (!kind || !awl__http_same(kind, "form-data") || parts->name)
        return false;
    while ((rc = take_parameter(c, &name, &value)) > 0) {
        const char **of = awl__http_same(name, "name")       ? &parts->name
                          : awl__http_same(name, "filename") ? &parts->filename
                                                             : NULL;

        if (of && *of)
            return false;
        if (of)
            *of = value;
    }
    return !rc && parts->name;
}

/* What is behind the last folder in a name, of any system. */
static const char *base_name(const char *name)
{
    const char *base = name;

    for (; name && *name; name++) {
        if (*name == '/' || *name == '\\')
            base = name + 1;
    }
    return base;
}

/* A field of a part. false: it is none. */
static bool take_field(awl__parts *parts, const char *line, size_t len, char **to)
{
    const char *colon = memchr(line, ':', len), *end = line + len;
    const size_t name_len = colon ? (size_t)(colon - line) : 0;
    cursor c = { line + name_len + 1, end, *to };
    bool fine = true;

    if (!awl__http_is_token(line, name_len) || !awl__http_is_value(c.at, (size_t)(end - c.at)))
        return false;
    skip_blanks(&c);
    if (awl__http_same_n(line, name_len, "content-disposition")) {
        fine = take_disposition(parts, &c);
    } else if (awl__http_same_n(line, name_len, "content-type") && !parts->type) {
        while (c.end > c.at && (c.end[-1] == ' ' || c.end[-1] == '\t'))
            c.end--;
        parts->type = take_word(&c, "");
    }
    *to = c.to;
    return fine;
}

/* The fields of a part, each with its CR LF; and what they say. 0 or the error. */
static int take_fields(awl__parts *parts, const char *at, const char *end)
{
    char *to = parts->texts;

    parts->name = parts->filename = parts->type = NULL;
    while (at < end) {
        const char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);

        if (!take_field(parts, at, (size_t)(stop - at), &to))
            return AWL_EPROTOCOL;
        at = stop + 2;
    }
    if (!parts->name)
        return AWL_EPROTOCOL;
    parts->filename = base_name(parts->filename);
    parts->state = AWL__PART_DATA;
    return 0;
}

int awl__parts_next(awl__parts *parts)
{
    const char *at = parts->window + parts->start + parts->delimiter_len, *all = parts->window + parts->end, *end;
    const char *line = at;

    if (all - at < 2)
        return EAGAIN;
    if (at[0] == '-' && at[1] == '-') {
        parts->state = AWL__PARTS_END;
        return 0;
    }
    while (line < all && (*line == ' ' || *line == '\t'))
        line++;
    if (line - at > MOST_PADDING || (line < all && *line != '\r') || (all - line > 1 && line[1] != '\n'))
        return AWL_EPROTOCOL;

    /* The line end that is here ends the fields, too, if there are none. */
    end = memmem(line, (size_t)(all - line), "\r\n\r\n", 4);
    if ((end ? end : all - UNSEEN) - line > AWL__PART_HEAD)
        return AWL_ELIMIT;
    if (!end)
        return EAGAIN;
    parts->start = (size_t)(end + 4 - parts->window);
    return end == line ? AWL_EPROTOCOL : take_fields(parts, line + 2, end + 2);
}
