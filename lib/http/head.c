/* The head of a response: RFC 9112, sections 2 to 6. */
#include <stdlib.h>

#include "http_priv.h"

/* ---- Characters -------------------------------------------------------------------------------------------------- */

/* RFC 9110, 5.6.2: what names are made of. */
static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr("!#$%&'*+-.^_`|~", c))))
            return false;
    }
    return len > 0;
}

/* RFC 9110, 5.5: no control characters but tabs. */
static bool is_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
            return false;
    }
    return true;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool same_name(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

int awl__http_chomp(const char *line, size_t *len)
{
    if (!*len || line[*len - 1] != '\n')
        return AWL_EINCOMPLETE;
    if (*len < 2 || line[*len - 2] != '\r')
        return AWL_EPROTOCOL;
    *len -= 2;
    return 0;
}

/* ---- Keeping ----------------------------------------------------------------------------------------------------- */

static int reserve(awl_http_response *r, size_t len)
{
    size_t cap = r->head_cap ? r->head_cap : 512;
    char *head;

    if (r->head_cap - r->head_len >= len)
        return 0;
    while (cap - r->head_len < len)
        cap *= 2;
    head = awl__alloc(r->loop, cap);
    if (!head)
        return ENOMEM;
    if (r->head_len)
        memcpy(head, r->head, r->head_len);
    awl__free(r->loop, r->head, r->head_cap);
    r->head = head;
    r->head_cap = cap;
    return 0;
}

/* Adds a text and a zero byte, for which there is room. */
static void add(awl_http_response *r, const char *text, size_t len)
{
    if (len)
        memcpy(r->head + r->head_len, text, len);
    r->head_len += len;
    r->head[r->head_len++] = '\0';
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK"; the second space may be missing with the reason. */
int awl__http_status_line(awl_http_response *r, const char *line, size_t len)
{
    int error;

    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
        (len > 12 && line[12] != ' ') || !is_text(line, len))
        return AWL_EPROTOCOL;
    r->status = 0;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return AWL_EPROTOCOL;
        r->status = r->status * 10 + (line[i] - '0');
    }
    if (r->status < 100)
        return AWL_EPROTOCOL;
    r->minor = line[7] - '0';
    r->head_len = 0;
    error = reserve(r, len);
    if (!error)
        add(r, line + 13, len > 13 ? len - 13 : 0);
    return error;
}

/* "Name: value". A line that goes on from the one before, and a space before the colon, are refused: RFC 9112. */
int awl__http_header_line(awl_http_response *r, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len), *value, *end = line + len;
    int error;

    if (!colon || !is_token(line, (size_t)(colon - line)) || !is_text(line, len))
        return AWL_EPROTOCOL;
    value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    error = reserve(r, len + 2);
    if (error)
        return error;
    add(r, line, (size_t)(colon - line));
    add(r, value, (size_t)(end - value));
    return 0;
}

/* ---- How the body will come -------------------------------------------------------------------------------------- */

static int64_t parse_length(const char *text)
{
    int64_t n = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || n > INT64_MAX / 10 - 1)
            return -1;
        n = n * 10 + (*text - '0');
    }
    return n;
}

/*
 * RFC 9112, 6.3. What could be understood in two ways is refused: two lengths that differ, a length beside chunks,
 * codings that were not asked for.
 */
int awl__http_head_done(awl_http_response *r)
{
    const char *name, *value;
    bool chunked = false;

    r->length = -1;
    for (size_t i = 0; awl_http_header_at(r, i, &name, &value); i++) {
        if (same_name(name, "content-length")) {
            const int64_t length = parse_length(value);

            if (length < 0 || (r->length >= 0 && r->length != length))
                return AWL_EPROTOCOL;
            r->length = length;
        } else if (same_name(name, "transfer-encoding")) {
            if (chunked || r->minor == 0 || !same_name(value, "chunked"))
                return AWL_EPROTOCOL;
            chunked = true;
        }
    }
    if (r->status < 200)
        return r->status == 101 || chunked || r->length >= 0 ? AWL_EPROTOCOL : 0;
    if (chunked && r->length >= 0)
        return AWL_EPROTOCOL;
    r->kind = chunked ? AWL__HTTP_CHUNKED : r->length >= 0 ? AWL__HTTP_LENGTH : AWL__HTTP_UNTIL_CLOSE;
    if (r->status == 204 || r->status == 304) {
        r->kind = AWL__HTTP_LENGTH;
        r->length = 0;
    }
    r->left = r->kind == AWL__HTTP_LENGTH ? r->length : 0;
    return 0;
}

/* ---- Asking; see awl/http.h -------------------------------------------------------------------------------------- */

bool awl_http_header_at(const awl_http_response *r, size_t index, const char **name, const char **value)
{
    const char *at = r && r->head ? r->head : NULL, *end = at ? at + r->head_len : NULL;

    if (!at)
        return false;
    for (at += strlen(at) + 1; at < end; index--) {
        const char *text = at + strlen(at) + 1;

        if (index == 0) {
            *name = at;
            *value = text;
            return true;
        }
        at = text + strlen(text) + 1;
    }
    return false;
}

const char *awl_http_header(const awl_http_response *r, const char *name)
{
    const char *key, *value;

    for (size_t i = 0; awl_http_header_at(r, i, &key, &value); i++) {
        if (same_name(key, name))
            return value;
    }
    return NULL;
}
