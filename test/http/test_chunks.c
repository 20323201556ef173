/* test_chunks.c: the lines between the data of chunks, RFC 9112, 7.1. */
#include <stdbool.h>
#include <string.h>

#include "harness.h"
#include "http/parser.h"

/* The size that a line says; -1: it is malformed. */
static intmax_t size_of(const char *line)
{
    uint64_t size = 77;

    if (awl__http_chunk_line(line, strlen(line), &size))
        return (intmax_t)size;
    CHECK_INT(size, 77); /* untouched */
    return -1;
}

TEST(sizes_are_hexadecimal)
{
    CHECK_INT(size_of("0"), 0);
    CHECK_INT(size_of("a"), 10);
    CHECK_INT(size_of("F"), 15);
    CHECK_INT(size_of("1fF"), 511);
    CHECK_INT(size_of("00000000000000000000000000000000000010"), 16);
    CHECK_INT(size_of("7fffffffffffffff"), INT64_MAX);
}

TEST(sizes_that_do_not_fit_are_refused)
{
    CHECK_INT(size_of("8000000000000000"), -1);
    CHECK_INT(size_of("ffffffffffffffff"), -1);
    CHECK_INT(size_of("10000000000000001"), -1);
    CHECK_INT(size_of("100000000000000000000000000000005"), -1);
}

TEST(what_is_no_size_is_refused)
{
    static const char *const wrong[] = { "",   " 1", "1 ", "-1", "+1", "0x1", "1g", "g",  "1,2", "1\t", "1.0",
                                         "1_0", ";a", "1:", "1\r", "1 2", "\"1\"" };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(size_of(wrong[i]), -1);
    CHECK(!awl__http_chunk_line("1\0", 2, &(uint64_t){ 0 }));
}

TEST(extensions_are_skipped)
{
    CHECK_INT(size_of("5;a"), 5);
    CHECK_INT(size_of("5;a=b"), 5);
    CHECK_INT(size_of("5 ; a = b ; c"), 5);
    CHECK_INT(size_of("5;a=\"\""), 5);
    CHECK_INT(size_of("5;a=\"b;c=\\\"d\\\\\";e"), 5);
    CHECK_INT(size_of("5;a=\"\t\xff\""), 5);
}

TEST(extensions_that_are_none_are_refused)
{
    static const char *const wrong[] = { "5;",      "5;;a",     "5;a=",     "5;=b",    "5 a",       "5;a b",     "5;a=\"",
                                         "5;a=\"b", "5;a=\"b\\", "5;a=\"b\\\"", "5;a=\"b\"c", "5;a=b\"", "5;a=(b)", "5;a ",
                                         "5;a=\"\001\"", "5;a=b;" };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(size_of(wrong[i]), -1);
}

TEST(trailers_are_fields)
{
    CHECK(awl__http_trailer_line("A: b", 4));
    CHECK(awl__http_trailer_line("A:", 2));
    CHECK(!awl__http_trailer_line("A", 1));
    CHECK(!awl__http_trailer_line(": b", 3));
    CHECK(!awl__http_trailer_line("A : b", 5));
    CHECK(!awl__http_trailer_line(" A: b", 5));
    CHECK(!awl__http_trailer_line("A: b\001", 5));
    CHECK(!awl__http_trailer_line("", 0));
}

/* ---- Against a model --------------------------------------------------------------------------------------------- */

/* The grammar of RFC 9112, 7.1 and 7.1.1, word for word, with backtracking: whether line[i, len) is a `chunk-ext`. */
static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool matches(const char *line, size_t i, size_t len)
{
    size_t name, value;

    if (i == len)
        return true;
    while (i < len && is_blank(line[i]))
        i++;
    if (i == len || line[i++] != ';')
        return false;
    while (i < len && is_blank(line[i]))
        i++;
    for (name = i; name < len && awl__http_is_token(&line[name], 1); name++)
        ;
    if (name == i)
        return false;
    if (matches(line, name, len))
        return true;
    for (i = name; i < len && is_blank(line[i]); i++)
        ;
    if (i == len || line[i++] != '=')
        return false;
    while (i < len && is_blank(line[i]))
        i++;
    if (i < len && line[i] == '"') {
        for (value = i + 1; value < len && line[value] != '"'; value++)
            value += line[value] == '\\';
        return value < len && matches(line, value + 1, len);
    }
    for (value = i; value < len && awl__http_is_token(&line[value], 1); value++)
        ;
    return value > i && matches(line, value, len);
}

/* All lines of up to seven characters that matter, behind a size. */
TEST(all_short_extensions_are_judged_as_the_grammar_does)
{
    static const char letters[] = ";=z \"\\(";
    enum { N = sizeof letters - 1 };
    uint64_t size;
    char line[9] = "5";

    for (size_t len = 0, all = 1; len <= 7; len++, all *= N) {
        for (size_t i = 0; i < all; i++) {
            size_t rest = i;

            for (size_t j = 1; j <= len; j++, rest /= N)
                line[j] = letters[rest % N];
            CHECK_INT(awl__http_chunk_line(line, len + 1, &size), matches(line, 1, len + 1));
        }
    }
}
