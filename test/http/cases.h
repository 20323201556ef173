/* Reads tables of cases: requests.txt and responses.txt say what is in them. */
#ifndef HTTP_CASES_H
#define HTTP_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

typedef struct wire_case {
    char name[200];
    char *bytes; /* unescaped, of `len` */
    size_t len;
    char *expected;
} wire_case;

/* Unescapes a text up to `end` into `to`; returns behind what it wrote. */
static inline char *unescape_into(const char *from, const char *end, char *to)
{
    static const char letters[] = "r\rn\nt\t\\\\\"\"";

    while (from < end) {
        const char *letter;

        if (*from != '\\') {
            *to++ = *from++;
        } else if (from[1] == 'x') {
            const char digits[3] = { from[2], from[3], '\0' };

            *to++ = (char)strtol(digits, NULL, 16);
            from += 4;
        } else if (from[1] == '0') {
            *to++ = '\0';
            from += 2;
        } else if (from[1] == '{') { /* \{N*TEXT}, in which there may be another */
            char *text;
            unsigned long n = strtoul(from + 2, &text, 10);
            const char *close = text;

            for (int depth = 1; depth; depth -= *close == '}', depth += close[0] == '\\' && close[1] == '{')
                close++;
            CHECK(*text == '*' && *close == '}');
            while (n--)
                to = unescape_into(text + 1, close, to);
            from = close + 1;
        } else {
            letter = strchr(letters, from[1]);
            CHECK(letter && from[1]);
            *to++ = letter[1];
            from += 2;
        }
    }
    return to;
}

static inline char *unescaped(const char *text, size_t *len)
{
    char *to = malloc(70000), *end;

    CHECK(to != NULL);
    end = unescape_into(text, text + strcspn(text, "\n"), to);
    CHECK(end - to < 70000);
    *end = '\0';
    *len = (size_t)(end - to);
    return to;
}

/* Calls `run` for each case below the heading "---- section ----" of a file; returns how many there were. */
static inline int run_cases(const char *path, const char *section, void (*run)(const wire_case *c))
{
    static char line[8192], bytes[8192];
    FILE *file = fopen(path, "r");
    bool in_section = false;
    wire_case c = { .len = 0 };
    size_t ignored;
    int n = 0;

    CHECK(file != NULL);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "---- ", 5) == 0)
            in_section = strncmp(line + 5, section, strlen(section)) == 0 && line[5 + strlen(section)] == ' ';
        if (!in_section || strncmp(line, "# ", 2) != 0)
            continue;
        snprintf(c.name, sizeof c.name, "%.*s", (int)strcspn(line + 2, "\n"), line + 2);
        CHECK(fgets(bytes, sizeof bytes, file) && fgets(line, sizeof line, file) && strncmp(line, "= ", 2) == 0);
        c.bytes = unescaped(bytes, &c.len);
        c.expected = unescaped(line + 2, &ignored);
        run(&c);
        free(c.bytes);
        free(c.expected);
        n++;
    }
    fclose(file);
    return n;
}

#endif
