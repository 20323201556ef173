/* What certificates hold, in words for a person; see cert_priv.h. What is not ASCII and printable becomes '?'. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "der_priv.h"

/* ---- Writing into a text that may be too short: what does not fit is left out ------------------------------------ */

typedef struct writer {
    char *at, *end; /* end: where the zero byte goes at the latest */
} writer;

static writer write_to(char *text, size_t cap)
{
    text[0] = '\0';
    return (writer){ text, text + cap - 1 };
}

static void put(writer *w, char c)
{
    if (w->at < w->end) {
        *w->at++ = c >= ' ' && c < 127 ? c : '?';
        *w->at = '\0';
    }
}

static void put_text(writer *w, const char *text)
{
    while (*text)
        put(w, *text++);
}

static void put_number(writer *w, uint64_t number)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, number);
    put_text(w, digits);
}

/* ---- Identifiers ------------------------------------------------------------------------------------------------- */

static void put_oid(writer *w, awl__span oid)
{
    uint64_t arc = 0;
    bool first = true;

    for (size_t i = 0; i < oid.len; i++) {
        if (arc >> 57) {
            put_text(w, "?");
            return;
        }
        arc = arc << 7 | (oid.at[i] & 0x7f);
        if (oid.at[i] & 0x80)
            continue;
        /* The first two arcs are in one number. */
        if (first) {
            const uint64_t top = arc < 40 ? 0 : arc < 80 ? 1 : 2;

            put_number(w, top);
            arc -= 40 * top;
        }
        put(w, '.');
        put_number(w, arc);
        first = false;
        arc = 0;
    }
}

const char *awl__oid_text(awl__span oid, char *text, size_t cap)
{
    writer w = write_to(text, cap);

    put_oid(&w, oid);
    return text;
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* The attributes of RFC 5280, appendix A, that names are made of, by their last arc below 2.5.4. */
static const char *attribute(awl__span oid)
{
    if (oid.len != 3 || oid.at[0] != 0x55 || oid.at[1] != 0x04)
        return NULL;
    switch (oid.at[2]) {
    case 3: return "CN";
    case 6: return "C";
    case 7: return "L";
    case 8: return "ST";
    case 10: return "O";
    case 11: return "OU";
    default: return NULL;
    }
}

static void put_attribute(writer *w, awl__span pair)
{
    enum { BMP_STRING = 0x1e };
    awl__span oid, value;
    int tag;

    if (!awl__der_take(&pair, AWL__OID, &oid))
        return;
    tag = awl__der_next(&pair, NULL, &value);
    if (tag < 0)
        return;
    if (attribute(oid))
        put_text(w, attribute(oid));
    else
        put_oid(w, oid);
    put(w, '=');
    if (tag == BMP_STRING)
        for (size_t i = 1; i < value.len; i += 2)
            put(w, value.at[i - 1] ? '?' : (char)value.at[i]);
    else
        for (size_t i = 0; i < value.len; i++)
            put(w, (char)value.at[i]);
}

const char *awl__name_text(awl__span name, char *text, size_t cap)
{
    writer w = write_to(text, cap);
    awl__span list, set, pair;

    if (!awl__der_take(&name, AWL__SEQUENCE, &list))
        return text;
    while (awl__der_take(&list, AWL__SET, &set))
        while (awl__der_take(&set, AWL__SEQUENCE, &pair)) {
            if (w.at != text)
                put_text(&w, ", ");
            put_attribute(&w, pair);
        }
    if (w.at == text)
        put_text(&w, "(no name)");
    return text;
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

const char *awl__time_text(int64_t seconds, char *text, size_t cap)
{
    /* Days since 0000-03-01, in eras of 400 years: the inverse of what cert.c counts. */
    const int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400 + 719468;
    const int64_t of_day = seconds - (days - 719468) * 86400;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    const int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    const int month = (int)(m < 10 ? m + 3 : m - 9);

    snprintf(text, cap, "%04" PRId64 "-%02d-%02d %02d:%02d:%02d UTC", y + era * 400 + (month <= 2), month,
             (int)(of_year - (153 * m + 2) / 5 + 1), (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
    return text;
}
