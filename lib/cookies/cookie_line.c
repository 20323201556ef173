/* What a Set-Cookie says: RFC 6265, 5.1 and 5.2. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cookies_priv.h"
#include "../http/writer.h"

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static awl_url_part trim(const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    return (awl_url_part){ from, (size_t)(to - from) };
}

/* ---- Dates ------------------------------------------------------------------------------------------------------ */

/* RFC 6265, 5.1.1: what stands between the parts of a date. */
static bool is_delimiter(char c)
{
    return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

/* `least` to `most` digits, and then none. Result: how many; 0: it is something else. */
static size_t number(const char *text, size_t len, size_t least, size_t most, int *n)
{
    size_t digits = 0;

    *n = 0;
    for (; digits < len && awl__http_is_digit(text[digits]); digits++) {
        if (digits == most)
            return 0;
        *n = *n * 10 + (text[digits] - '0');
    }
    return digits >= least ? digits : 0;
}

/* "8:49:37". */
static bool is_time(awl_url_part token, int time[3])
{
    size_t at = 0;

    for (int i = 0; i < 3; i++) {
        const size_t digits = number(token.at + at, token.len - at, 1, 2, &time[i]);

        at += digits;
        if (!digits || (i < 2 && (at == token.len || token.at[at++] != ':')))
            return false;
    }
    return true;
}

static int month_of(awl_url_part token)
{
    static const char names[] = "jan" "feb" "mar" "apr" "may" "jun" "jul" "aug" "sep" "oct" "nov" "dec";

    for (int m = 0; m < 12 && token.len >= 3; m++) {
        if (awl__http_same_n(token.at, 3, (const char[4]){ names[3 * m], names[3 * m + 1], names[3 * m + 2], '\0' }))
            return m + 1;
    }
    return 0;
}

typedef struct date {
    int time[3], day, month, year;
    bool has_time, has_day, has_year;
} date;

/* The first token that can be a time is the time, and so on. */
static void take_token(date *d, awl_url_part token)
{
    int n;

    if (!d->has_time && is_time(token, d->time))
        d->has_time = true;
    else if (!d->has_day && number(token.at, token.len, 1, 2, &n))
        d->has_day = true, d->day = n;
    else if (!d->month && month_of(token))
        d->month = month_of(token);
    else if (!d->has_year && number(token.at, token.len, 2, 4, &n))
        d->has_year = true, d->year = n < 70 ? n + 2000 : n < 100 ? n + 1900 : n;
}

bool awl__cookie_date(awl_url_part text, int64_t *seconds)
{
    const char *at = text.at, *end = at + text.len;
    date d = { .month = 0 };
    int64_t days;

    while (at < end) {
        const char *from = at;

        while (at < end && !is_delimiter(*at))
            at++;
        if (at > from)
            take_token(&d, (awl_url_part){ from, (size_t)(at - from) });
        at += at < end;
    }
    if (!d.has_time || !d.has_day || !d.month || !d.has_year || d.day < 1 || d.day > 31 || d.year < 1601 ||
        d.time[0] > 23 || d.time[1] > 59 || d.time[2] > 59)
        return false;
    days = awl__http_days(d.year, d.month, d.day);
    *seconds = days * 86400 + d.time[0] * 3600 + d.time[1] * 60 + d.time[2];
    return true;
}

/* ---- Attributes ------------------------------------------------------------------------------------------------- */

/* RFC 6265, 5.2.2: the end of a cookie that lives for so many seconds more. false: it is no number. */
static bool max_age(awl_url_part value, int64_t now, int64_t *expires)
{
    const bool negative = value.len && value.at[0] == '-';
    int64_t n = 0;

    if (value.len == negative)
        return false;
    for (size_t i = negative; i < value.len; i++) {
        if (!awl__http_is_digit(value.at[i]))
            return false;
        if (n < INT64_C(1) << 40)
            n = n * 10 + (value.at[i] - '0');
    }
    *expires = negative || !n ? INT64_MIN : now + n;
    return true;
}

static void take_attribute(awl__cookie_line *c, awl_url_part name, awl_url_part value, int64_t now)
{
    int64_t when;

    if (awl_url_part_is_nocase(name, "expires") && !c->has_max_age && awl__cookie_date(value, &when)) {
        c->expires = when;
    } else if (awl_url_part_is_nocase(name, "max-age") && max_age(value, now, &when)) {
        c->expires = when;
        c->has_max_age = true;
    } else if (awl_url_part_is_nocase(name, "domain") && value.len) {
        c->domain = value.at[0] == '.' ? (awl_url_part){ value.at + 1, value.len - 1 } : value;
    } else if (awl_url_part_is_nocase(name, "path")) {
        c->path = value.len && value.at[0] == '/' ? value : (awl_url_part){ NULL, 0 };
    } else if (awl_url_part_is_nocase(name, "secure")) {
        c->secure = true;
    } else if (awl_url_part_is_nocase(name, "httponly")) {
        c->http_only = true;
    }
}

/* "name=value", with blanks around. false: there is no '='. */
static bool split(const char *from, const char *to, awl_url_part *name, awl_url_part *value)
{
    const char *sign = memchr(from, '=', (size_t)(to - from));

    *name = trim(from, sign ? sign : to);
    *value = sign ? trim(sign + 1, to) : (awl_url_part){ to, 0 };
    return sign;
}

int awl__cookie_parse(const char *line, int64_t now, awl__cookie_line *parsed)
{
    const char *end = line + strcspn(line, ";");
    awl__cookie_line c = { .expires = INT64_MAX };
    awl_url_part name, value;

    if (!split(line, end, &c.name, &c.value) || !c.name.len || c.name.len + c.value.len > AWL__COOKIE_MOST ||
        !awl__http_is_value(line, strlen(line)))
        return EINVAL;
    while (*end) {
        const char *from = end + 1;

        end = from + strcspn(from, ";");
        split(from, end, &name, &value);
        if (value.len <= 1024) /* RFC 6265bis */
            take_attribute(&c, name, value, now);
    }
    *parsed = c;
    return 0;
}
