/* test_pem.c: objects in text, whole and damaged. */
#include "../../lib/trust/pem_priv.h"

#include <unistd.h>

#include "../task/rig.h"

/* ---- Objects ----------------------------------------------------------------------------------------------------- */

static char seen[4096]; /* NUMBER@LINE LABEL=CONTENT; */

static int note(void *arg, const awl__pem_object *object)
{
    const size_t used = strlen(seen);
    int *stop_at = arg;

    if (object->fault)
        snprintf(seen + used, sizeof seen - used, "%d@%d %s %s;", object->number, object->line, object->label,
                 object->fault);
    else
        snprintf(seen + used, sizeof seen - used, "%d@%d %s=%.*s;", object->number, object->line, object->label,
                 (int)object->len, (const char *)object->der);
    return stop_at && *stop_at == object->number ? 77 : 0;
}

static const char *objects_of_bytes(const void *text, size_t len)
{
    seen[0] = '\0';
    CHECK_INT(awl__pem_read(awl_running_, text, len, note, NULL), 0);
    return seen;
}

static const char *objects_of(const char *text) { return objects_of_bytes(text, strlen(text)); }

#define PEM(label, body) "-----BEGIN " label "-----\n" body "\n-----END " label "-----\n"

TASK_TEST(objects_come_one_by_one_with_their_lines, {})
{
    co_begin;
    CHECK_STR(objects_of(PEM("A", "Zm9v") "text\n\n" PEM("B C", "Zm9v\nYmE=")), "1@1 A=foo;2@6 B C=fooba;");
    CHECK_STR(objects_of(""), "");
    CHECK_STR(objects_of("-----\n-\nBEGIN A\n"), "");
    CHECK_STR(objects_of(PEM("EMPTY", "")), "1@1 EMPTY=;");
    co_end;
}

TASK_TEST(forms_that_rfc_7468_allows_a_reader_are_read, {})
{
    co_begin;
    CHECK_STR(objects_of("-----BEGIN A-----\nZm9v\n-----END A-----"), "1@1 A=foo;");
    CHECK_STR(objects_of("-----BEGIN A-----\r\nZm9v\r\n-----END A-----\r\n"), "1@1 A=foo;");
    CHECK_STR(objects_of("\xef\xbb\xbf-----BEGIN A-----\nZm9v\n-----END A-----\n"), "1@1 A=foo;");
    CHECK_STR(objects_of("  -----BEGIN A-----  \n Zm 9\tv \n\n\t-----END A----- \n"), "1@1 A=foo;");
    CHECK_STR(objects_of(PEM("A", "Z\nm\n9\nv")), "1@1 A=foo;");
    co_end;
}

TASK_TEST(damage_is_named, {})
{
    co_begin;
    CHECK_STR(objects_of(PEM("A", "Zm9")), "1@1 A is not base64: it has not the right length;");
    CHECK_STR(objects_of(PEM("A", "Zm9v=")), "1@1 A is not base64;");
    CHECK_STR(objects_of(PEM("A", "Zg==Zg==")), "1@1 A is not base64;");
    CHECK_STR(objects_of(PEM("A", "Zh==")), "1@1 A is not base64;");
    CHECK_STR(objects_of(PEM("A", "Zm_v")), "1@1 A is not base64;");
    CHECK_STR(objects_of(PEM("A", "Proc-Type: 4,ENCRYPTED\n\nZm9v")),
              "1@1 A has headers: encrypted keys are not supported;");
    CHECK_STR(objects_of(PEM("A", "Kind: x\n\nZm9v")), "1@1 A has headers: encrypted keys are not supported;");
    CHECK_STR(objects_of("-----BEGIN A-----\nZm9v\n"), "1@1 A has no END line;");
    CHECK_STR(objects_of("-----BEGIN A-----\nZm9v\n-----END B-----\n"),
              "1@1 A ends with the END line of another object;");
    CHECK_STR(objects_of("-----BEGIN A-----\nZm9v\n" PEM("B", "Zm9v")), "1@1 A has no END line;2@3 B=foo;");
    CHECK_STR(objects_of("-----BEGIN A-----\n-x\n-----END A-----\n"), "1@1 A is not base64;");
    co_end;
}

TASK_TEST(a_fault_does_not_spread_to_the_next_object, {})
{
    co_begin;
    CHECK_STR(objects_of(PEM("A", "????") PEM("B", "Zm9v") PEM("C", "Zm9") PEM("D", "YmFy")),
              "1@1 A is not base64;2@4 B=foo;3@7 C is not base64: it has not the right length;4@10 D=bar;");
    co_end;
}

TASK_TEST(what_the_function_returns_ends_the_reading, { int two; })
{
    co_begin;
    self->two = 2;
    seen[0] = '\0';
    CHECK_INT(
        awl__pem_read(awl_running_, PEM("A", "") PEM("B", "") PEM("C", ""), strlen(PEM("A", "")) * 3, note, &self->two),
        77);
    CHECK_STR(seen, "1@1 A=;2@4 B=;");
    co_end;
}

static int measure(void *arg, const awl__pem_object *object)
{
    *(size_t *)arg = object->fault ? SIZE_MAX : object->len;
    return 0;
}

/* An object of n groups of base64, on one line. Result: the bytes it decodes to; SIZE_MAX: it is said to be damaged. */
static size_t size_of_groups(size_t n)
{
    static const char begin[] = "-----BEGIN A-----\n", end[] = "\n-----END A-----\n";
    const size_t len = sizeof begin - 1 + 4 * n + sizeof end - 1;
    char *text = malloc(len);
    size_t size = 0;
    int error;

    CHECK(text != NULL);
    memset(text, 'A', len);
    memcpy(text, begin, sizeof begin - 1);
    memcpy(text + len - (sizeof end - 1), end, sizeof end - 1);
    error = awl__pem_read(awl_running_, text, len, measure, &size);
    free(text);
    CHECK_INT(error, 0);
    return size;
}

TASK_TEST(objects_may_be_as_large_as_64_kb, {})
{
    co_begin;
    CHECK_INT(size_of_groups(683), 2049);
    CHECK_INT(size_of_groups(21000), 63000);
    CHECK(size_of_groups(22000) == SIZE_MAX);
    co_end;
}

TASK_TEST(a_byte_string_of_any_content_is_read, { unsigned char all[256]; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 256; self->i++)
        self->all[self->i] = (unsigned char)self->i;
    CHECK_STR(objects_of_bytes(self->all, sizeof self->all), "");
    co_end;
}

/* ---- Files, base64 ----------------------------------------------------------------------------------------------- */

TASK_TEST(files_that_cannot_be_read_say_why, {})
{
    co_begin;
    CHECK_INT(awl__pem_read_file(awl_running_, "/nonexistent/x.pem", true, note, NULL), ENOENT);
    CHECK_INT(awl__pem_read_file(awl_running_, "/", false, note, NULL), EISDIR);
    co_end;
}

static size_t decode(const char *text, unsigned char *out, size_t cap)
{
    return awl__base64(text, strlen(text), out, cap);
}

TEST(base64_is_decoded_and_nothing_else)
{
    unsigned char out[8];

    CHECK_INT(decode("", out, 0), 0);
    CHECK_INT(decode("Zm9vYmE=", out, 5), 5);
    CHECK_MEM(out, "fooba", 5);
    CHECK_INT(decode("+/+/", out, 8), 3);
    CHECK_MEM(out, "\xfb\xff\xbf", 3);
    CHECK(decode("Zm9vYmE=", out, 4) == SIZE_MAX);
    CHECK(decode("Zm9vYmE", out, 8) == SIZE_MAX);
    CHECK(decode("Zm9vYmF=", out, 8) == SIZE_MAX);
    CHECK(decode("Zm9v\n", out, 8) == SIZE_MAX);
    CHECK(decode("====", out, 8) == SIZE_MAX);
    CHECK(decode("Z===", out, 8) == SIZE_MAX);
}
