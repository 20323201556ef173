/* Conditions, ranges and codings that requests ask for; see conditional.h. */
#include "conditional.h"

#include <string.h>

#include "../http/parser.h"
#include "../http/writer.h"

static const char *skip(const char *at, const char *blanks) { return at + strspn(at, blanks); }

/* ---- Tags: RFC 9110, 8.8.3 --------------------------------------------------------------------------------------- */

static bool is_weak(const char *tag) { return tag[0] == 'W' && tag[1] == '/'; }

/* The length of a tag without its W/, quotes included; 0: it is none. */
static size_t opaque_tag(const char *at)
{
    size_t n = 1;

    if (*at != '"')
        return 0;
    while (at[n] && at[n] != '"')
        n++;
    return at[n] ? n + 1 : 0;
}

bool awl__etag_listed(const char *list, const char *etag, bool strongly)
{
    const bool etag_weak = is_weak(etag);
    const char *own = etag + 2 * etag_weak, *at = skip(list, " \t");

    if (at[0] == '*' && !*skip(at + 1, " \t"))
        return true;
    for (at = skip(at, ", \t"); *at; at = skip(at, ", \t")) {
        const bool weak = is_weak(at);
        const size_t n = opaque_tag(at + 2 * weak);

        if (!n)
            return false;
        at += 2 * weak;
        if (n == strlen(own) && memcmp(at, own, n) == 0 && !(strongly && (weak || etag_weak)))
            return true;
        at += n;
    }
    return false;
}

/* ---- Conditions: RFC 9110, 13.2.2 -------------------------------------------------------------------------------- */

/* The next field of that name, from `index` on; a list may be in several. NULL: there are no more. */
static const char *next_field(const awl_request *request, const char *name, size_t *index)
{
    const char *own, *value;

    while (awl_request_field_at(request, (*index)++, &own, &value)) {
        if (awl__http_same(own, name))
            return value;
    }
    return NULL;
}

static bool listed(const awl_request *request, const char *name, const char *etag, bool strongly)
{
    size_t index = 0;
    const char *list;

    while ((list = next_field(request, name, &index))) {
        if (awl__etag_listed(list, etag, strongly))
            return true;
    }
    return false;
}

/* A field that is a date; false: there is none that could be understood. */
static bool date_field(const awl_request *request, const char *name, int64_t *date)
{
    const char *value = awl_request_field(request, name);

    *date = value ? awl__http_parse_date(value) : -1;
    return *date >= 0;
}

static bool is_safe(const awl_request *request)
{
    const char *method = awl_request_method(request);

    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

int awl__http_conditions(const awl_request *request, const awl__validators *of)
{
    int64_t date;

    if (awl_request_field(request, "if-match")) {
        if (!listed(request, "if-match", of->etag, true))
            return 412;
    } else if (date_field(request, "if-unmodified-since", &date) && of->modified > date) {
        return 412;
    }
    if (awl_request_field(request, "if-none-match"))
        return !listed(request, "if-none-match", of->etag, false) ? 0 : is_safe(request) ? 304 : 412;
    if (is_safe(request) && date_field(request, "if-modified-since", &date) && of->modified <= date)
        return 304;
    return 0;
}

/* ---- Ranges: RFC 9110, 14.1.2 ------------------------------------------------------------------------------------ */

/* A number at *at, which moves behind it; too large a one is the largest. false: there is none. */
static bool number(const char **at, int64_t *n)
{
    const char *from = *at;

    for (*n = 0; **at >= '0' && **at <= '9'; ++*at)
        *n = *n > (INT64_MAX - 9) / 10 ? INT64_MAX / 10 : *n * 10 + (**at - '0');
    return *at > from;
}

int awl__http_range(const char *value, int64_t size, int64_t *first, int64_t *last)
{
    const char *at = value + 6;
    int64_t from = 0, to = 0;
    bool has_from, has_to;

    if (strlen(value) < 6 || !awl__http_same_n(value, 6, "bytes="))
        return 0;
    at = skip(at, " \t");
    has_from = number(&at, &from);
    if (*at++ != '-')
        return 0;
    has_to = number(&at, &to);
    if (*skip(at, " \t") || (!has_from && !has_to) || (has_from && has_to && to < from))
        return 0;

    /* "-n" are the last n bytes; "m-" those from m on. */
    if (has_from ? from >= size : !to || !size)
        return 416;
    *first = has_from ? from : to < size ? size - to : 0;
    *last = !has_from || !has_to || to >= size ? size - 1 : to;
    return 206;
}

int awl__request_range(const awl_request *request, const awl__validators *of, int64_t size, int64_t *first,
                       int64_t *last)
{
    const char *range = awl_request_field(request, "range"), *unless = awl_request_field(request, "if-range");

    if (!range || strcmp(awl_request_method(request), "GET") != 0)
        return 0;
    if (unless && (unless[0] == '"' || is_weak(unless))) {
        if (strcmp(unless, of->etag) != 0 || is_weak(of->etag))
            return 0;
    } else if (unless && (is_weak(of->etag) || awl__http_parse_date(unless) != of->modified)) {
        return 0;
    }
    return awl__http_range(range, size, first, last);
}

/* ---- Codings: RFC 9110, 12.4.2 and 12.5.3 ------------------------------------------------------------------------ */

/* Whether what follows a name says that it is not acceptable: ";q=0", "; q=0.000". */
static bool has_weight_zero(const char *at)
{
    at = skip(at, " \t;");
    if ((at[0] | 32) != 'q' || at[1] != '=' || at[2] != '0')
        return false;
    at += 3;
    if (*at == '.')
        at = skip(at + 1, "0");
    return !*at || strchr(", \t", *at);
}

bool awl__http_accepts(const char *value, const char *name)
{
    bool any = false;

    for (const char *at = skip(value, ", \t"); *at; at = skip(at, ", \t")) {
        const size_t n = strcspn(at, ",; \t");

        if (n == strlen(name) && awl__http_same_n(at, n, name))
            return !has_weight_zero(at + n);
        if (n == 1 && *at == '*')
            any = !has_weight_zero(at + n);
        at += strcspn(at, ",");
    }
    return any;
}
