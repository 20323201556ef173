/* Values, the kinds of errors, variables, and the memory for all of it. */
#include "scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

typedef union piece {
    union piece *next;
    max_align_t align;
} piece;

static piece *pieces;

void *scn_alloc(size_t size)
{
    piece *p = calloc(1, sizeof *p + size);

    if (!p)
        scn_fail(0, "no memory");
    p->next = pieces;
    pieces = p;
    return p + 1;
}

void scn_free_all(void)
{
    while (pieces) {
        piece *p = pieces;

        pieces = p->next;
        free(p);
    }
}

void scn_exit(int status, int line, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("scenario: ", stderr);
    if (line)
        fprintf(stderr, "line %d: ", line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _Exit(status);
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static value *value_new(enum value_kind kind)
{
    value *v = scn_alloc(sizeof *v);

    v->kind = kind;
    return v;
}

const value *value_int(int64_t number)
{
    value *v = value_new(VALUE_INT);

    v->number = number;
    return v;
}

const value *value_word(const char *word)
{
    value *v = value_new(VALUE_WORD);

    v->word = word;
    return v;
}

const value *value_error(int error)
{
    value *v = value_new(VALUE_ERROR);

    v->number = error;
    return v;
}

const value *value_list(const value **items, size_t n)
{
    value *v = value_new(VALUE_LIST);

    v->items = items;
    v->n = n;
    return v;
}

const value *value_bytes(const char *bytes, size_t n)
{
    value *v = value_new(VALUE_BYTES);

    v->word = bytes;
    v->n = n;
    return v;
}

bool value_equal(const value *a, const value *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_INT: return a->number == b->number;
    case VALUE_WORD: return strcmp(a->word, b->word) == 0;
    case VALUE_BYTES: return a->n == b->n && memcmp(a->word, b->word, a->n) == 0;
    case VALUE_ERROR: return false; /* two exceptions are never the same one */
    case VALUE_LIST: break;
    }
    for (size_t i = 0; i < a->n && a->n == b->n; i++) {
        if (!value_equal(a->items[i], b->items[i]))
            return false;
    }
    return a->n == b->n;
}

void text_add(text *t, const char *word)
{
    const size_t len = strlen(word);

    if (t->len + len + 1 > t->cap) {
        char *at = scn_alloc(2 * (t->len + len) + 64);

        if (t->len)
            memcpy(at, t->at, t->len);
        t->at = at;
        t->cap = 2 * (t->len + len) + 64;
    }
    memcpy(t->at + t->len, word, len + 1);
    t->len += len;
}

/* As a scenario writes them. */
static void text_add_bytes(text *t, const char *bytes, size_t n)
{
    static const char special[] = "\n\r\t \\", names[] = "nrts\\";

    for (size_t i = 0; i < n; i++) {
        const char *found = bytes[i] ? strchr(special, bytes[i]) : NULL;

        text_add(t, found ? (char[]){ '\\', names[found - special], '\0' } : (char[]){ bytes[i], '\0' });
    }
    if (n == 0)
        text_add(t, "\\e");
}

void text_add_value(text *t, const value *v)
{
    char number[32];

    if (!v) {
        text_add(t, "None");
    } else if (v->kind == VALUE_INT) {
        snprintf(number, sizeof number, "%" PRId64, v->number);
        text_add(t, number);
    } else if (v->kind == VALUE_WORD) {
        text_add(t, v->word);
    } else if (v->kind == VALUE_ERROR) {
        text_add(t, "!");
        text_add(t, error_kind((int)v->number));
    } else if (v->kind == VALUE_BYTES) {
        text_add_bytes(t, v->word, v->n);
    } else {
        text_add(t, "[");
        for (size_t i = 0; i < v->n; i++) {
            text_add(t, i ? "," : "");
            text_add_value(t, v->items[i]);
        }
        text_add(t, "]");
    }
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

enum { FIRST_OF_USER = 2000, MOST_OF_USER = 1000 };

/* RuntimeError is EDEADLK when a task awaits itself, and AWL_ECLOSED of a timeout or group that is over. */
static const struct {
    const char *kind;
    int error;
} kinds[] = {
    { "Cancelled", ECANCELED }, { "Timeout", ETIMEDOUT }, { "Invalid", AWL_EINVALIDSTATE },
    { "Runtime", AWL_ECLOSED }, { "Runtime", EDEADLK }, { "Value", EINVAL }, { "ConnReset", ECONNRESET },
    { "Runtime", AWL_ENOTLOCKED }, { "Value", AWL_EOVERRELEASE }, { "Value", AWL_ETOOMANYDONE },
    { "BrokenBarrier", AWL_EBROKENBARRIER }, { "QueueFull", AWL_EQUEUEFULL }, { "QueueEmpty", AWL_EQUEUEEMPTY },
    { "QueueShutDown", AWL_EQUEUESHUTDOWN }, { "StopIter", AWL_EEND },
};

static const char *of_user[MOST_OF_USER];

int error_number(const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].error;
    }
    return kind[0] == 'E' ? error_new(kind) : 0;
}

int error_new(const char *kind)
{
    for (int i = 0; i < MOST_OF_USER; i++) {
        if (!of_user[i])
            of_user[i] = kind;
        if (strcmp(of_user[i], kind) == 0)
            return FIRST_OF_USER + i;
    }
    scn_fail(0, "too many kinds of errors");
}

const char *error_kind(int error)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].error == error)
            return kinds[i].kind;
    }
    if (error < FIRST_OF_USER || error >= FIRST_OF_USER + MOST_OF_USER || !of_user[error - FIRST_OF_USER])
        scn_fail(0, "the library raised error %d: %s", error, awl_strerror(error));
    return of_user[error - FIRST_OF_USER];
}
