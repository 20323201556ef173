/* Heads and bodies that go out; see writer.h. */
#define _POSIX_C_SOURCE 200809L
#include "writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../loop/loop_priv.h"

/* ---- Text -------------------------------------------------------------------------------------------------------- */

/* Room for n bytes more. false: no memory, and that is the head's error. */
static bool reserve(awl__http_out *out, size_t n)
{
    size_t cap = out->cap ? out->cap : 256;
    char *at;

    if (out->error)
        return false;
    if (out->cap - out->len >= n)
        return true;
    while (cap - out->len < n && cap < SIZE_MAX / 2)
        cap *= 2;
    at = cap - out->len >= n ? awl__alloc(out->loop, cap) : NULL;
    if (!at) {
        out->error = ENOMEM;
        return false;
    }
    if (out->len)
        memcpy(at, out->at, out->len);
    if (out->at)
        awl__free(out->loop, out->at, out->cap);
    out->at = at;
    out->cap = cap;
    return true;
}

void awl__http_out_free(awl__http_out *out)
{
    if (out->at) /* a zeroed one has no loop */
        awl__free(out->loop, out->at, out->cap);
    out->at = NULL;
    out->len = out->cap = 0;
}

char *awl__http_out_room(awl__http_out *out, size_t n) { return reserve(out, n) ? out->at + out->len : NULL; }

void awl__http_out_text(awl__http_out *out, const char *text, size_t len)
{
    if (!len || !reserve(out, len))
        return;
    memcpy(out->at + out->len, text, len);
    out->len += len;
}

void awl__http_out_print(awl__http_out *out, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 && !out->error)
        out->error = EINVAL;
    if (len < 0 || !reserve(out, (size_t)len + 1))
        return;
    va_start(args, format);
    vsnprintf(out->at + out->len, (size_t)len + 1, format, args);
    va_end(args);
    out->len += (size_t)len;
}

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

bool awl__http_is_framing(const char *name, size_t len)
{
    switch (len) {
    case 10: return awl__http_same_n(name, len, "connection");
    case 14: return awl__http_same_n(name, len, "content-length");
    case 17: return awl__http_same_n(name, len, "transfer-encoding");
    default: return false;
    }
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

int awl__http_out_field(awl__http_out *out, const char *name, const char *value)
{
    const size_t name_len = name ? strlen(name) : 0, len = value ? strlen(value) : 0;

    if (!awl__http_is_token(name, name_len) || awl__http_is_framing(name, name_len) || !value ||
        !awl__http_is_value(value, len) || (len && (is_blank(value[0]) || is_blank(value[len - 1]))))
        return EINVAL;
    if (!reserve(out, name_len + len + 4))
        return out->error;
    awl__http_out_text(out, name, name_len);
    awl__http_out_text(out, ": ", 2);
    awl__http_out_text(out, value, len);
    awl__http_out_text(out, "\r\n", 2);
    return 0;
}

/* ---- Dates: RFC 9110, 5.6.7 -------------------------------------------------------------------------------------- */

static const char days[] = "Sun" "Mon" "Tue" "Wed" "Thu" "Fri" "Sat";
static const char months[] = "Jan" "Feb" "Mar" "Apr" "May" "Jun" "Jul" "Aug" "Sep" "Oct" "Nov" "Dec";

/* Years begin in March, so that leap days end them. */
int awl__http_days(int year, int month, int day)
{
    const int y = month < 3 ? year - 1 : year;
    const int m = month < 3 ? month + 9 : month - 3;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719469;
}

/* Not by gmtime_r: where time_t has 32 bits it knows no date after 2038. */
void awl__http_date(int64_t seconds, char text[AWL__HTTP_DATE])
{
    const uint64_t t = seconds < 0 || seconds >= 253402300800 ? 0 : (uint64_t)seconds; /* the year 10000 */
    const int day = (int)(t / 86400);
    const unsigned time = t % 86400;
    int year = 1970 + day / 366, month = 1;

    while (awl__http_days(year + 1, 1, 1) <= day)
        year++;
    while (month < 12 && awl__http_days(year, month + 1, 1) <= day)
        month++;
    snprintf(text, AWL__HTTP_DATE, "%.3s, %02u %.3s %04d %02u:%02u:%02u GMT", days + 3 * ((day + 4) % 7),
             (unsigned)(day - awl__http_days(year, month, 0)) % 32, months + 3 * (month - 1), year % 10000, time / 3600,
             time / 60 % 60, time % 60);
}

static int month_of(const char *text)
{
    for (int m = 0; m < 12; m++) {
        if (memcmp(text, months + 3 * m, 3) == 0)
            return m + 1;
    }
    return 0;
}

/*
 * Reads a date by its shape: 'a' stands for a letter, 'm' for the three of a month, and the letters d, y, h, i, s for a
 * digit of that number (d: or a space before a single one). All else stands for itself. false: the text is another.
 */
static bool read_shape(const char *text, const char *shape, int numbers[128])
{
    for (; *shape; shape++, text++) {
        const bool digit = *text >= '0' && *text <= '9', letter = (*text | 32) >= 'a' && (*text | 32) <= 'z';

        if (*shape == 'm') {
            if (strlen(text) < 3 || !(numbers['m'] = month_of(text)))
                return false;
            text += 2;
        } else if (strchr("dyhis", *shape)) {
            if (!digit && (*text != ' ' || *shape != 'd' || numbers['d']))
                return false;
            numbers[(int)*shape] = numbers[(int)*shape] * 10 + (digit ? *text - '0' : 0);
        } else if (*shape == 'a' ? !letter : *shape != *text) {
            return false;
        }
    }
    return !*text;
}

/* A year of two digits is the last such one that is not more than 50 years ahead. */
static int full_year(int year)
{
    const int64_t now = (int64_t)time(NULL) / 31556952 + 1970;

    year += (int)(now / 100 * 100);
    return year > now + 50 ? year - 100 : year <= now - 50 ? year + 100 : year;
}

/* How many days a month has. */
static int days_of(int64_t year, int month)
{
    return (int)(month == 12 ? 31 : awl__http_days(year, month + 1, 1) - awl__http_days(year, month, 1));
}

int64_t awl__http_parse_date(const char *text)
{
    /* The form that is written today, then those that RFC 9110 still has readers know. */
    static const char *const shapes[] = { "aaa, dd m yyyy hh:ii:ss GMT", ", dd-m-yy hh:ii:ss GMT",
                                          "aaa m dd hh:ii:ss yyyy" };
    int n[128] = { 0 };

    if (!read_shape(text, shapes[0], n)) {
        const char *comma = strchr(text, ',');

        memset(n, 0, sizeof n);
        if (comma && comma - text >= 6 && comma - text <= 9 && read_shape(comma, shapes[1], n)) {
            n['y'] = full_year(n['y']);
        } else {
            memset(n, 0, sizeof n);
            if (!read_shape(text, shapes[2], n))
                return -1;
        }
    }
    if (n['y'] < 1970 || n['d'] < 1 || n['d'] > days_of(n['y'], n['m']) || n['h'] > 23 || n['i'] > 59 || n['s'] > 60)
        return -1;
    return awl__http_days(n['y'], n['m'], n['d']) * INT64_C(86400) + n['h'] * 3600 + n['i'] * 60 + n['s'];
}

int awl__http_out_date(awl__http_out *out)
{
    char text[AWL__HTTP_DATE];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    awl__http_date(now.tv_sec, text);
    return awl__http_out_field(out, "Date", text);
}

/* ---- Bodies ------------------------------------------------------------------------------------------------------ */

int awl__body_write(awl__body_out *body, awl_stream *s, const void *data, size_t len)
{
    char size[24];
    struct iovec parts[3] = { { size, 0 }, { (void *)(uintptr_t)data, len }, { (void *)(uintptr_t)"\r\n", 2 } };

    if (body->error || !len)
        return body->error;
    if (body->ended || body->framing == AWL__NO_BODY || (body->framing == AWL__BODY_LENGTH && len > body->left))
        return body->error = EMSGSIZE;
    if (body->framing == AWL__BODY_LENGTH)
        body->left -= len;
    if (body->discard)
        return 0;
    if (body->framing != AWL__BODY_CHUNKED)
        return body->error = awl_stream_write(s, data, len);
    parts[0].iov_len = (size_t)snprintf(size, sizeof size, "%zx\r\n", len);
    return body->error = awl_stream_writev(s, parts, 3);
}

int awl__body_end(awl__body_out *body, awl_stream *s)
{
    if (body->error || body->ended)
        return body->error;
    body->ended = true;
    if (body->discard)
        return 0;
    if (body->framing == AWL__BODY_LENGTH && body->left)
        body->error = EMSGSIZE;
    else if (body->framing == AWL__BODY_CHUNKED)
        body->error = awl_stream_write(s, "0\r\n\r\n", 5);
    return body->error;
}
