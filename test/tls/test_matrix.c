/* test_matrix.c: the chains that certs.py makes, and what must become of each. AWL_CERTS names their folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/trust/verify_priv.h"
#include "../task/rig.h"

enum { NOW = 1750000000, FIELDS = 7, MOST_PINS = 4 };

typedef struct test_case {
    char *name, *host, *side, *pins, *expected, *text, *openssl;
} test_case;

/* Splits a line at its tabs. */
static test_case parse_case(char *line)
{
    char *fields[FIELDS];

    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        char *tab = strchr(line, '\t');

        CHECK((tab != NULL) == (i < FIELDS - 1));
        fields[i] = line;
        if (tab) {
            *tab = '\0';
            line = tab + 1;
        }
    }
    return (test_case){ fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6] };
}

static size_t read_file(const char *name, const char *suffix, unsigned char *data, size_t cap)
{
    char path[4096];
    size_t len;
    FILE *file;

    CHECK(snprintf(path, sizeof path, "%s/%s%s", getenv("AWL_CERTS"), name, suffix) < (int)sizeof path);
    file = fopen(path, "rb");
    CHECK(file != NULL);
    len = fread(data, 1, cap, file);
    CHECK(len < cap);
    fclose(file);
    return len;
}

/* Hands a chain over as BearSSL does, in pieces of `step` bytes. Result: the error. */
static unsigned feed_chain(awl__verify *v, const unsigned char *chain, size_t len, size_t step)
{
    const br_x509_class **engine = awl__verify_x509(v);

    (*engine)->start_chain(engine, "not.looked.at");
    while (len) {
        size_t size = (size_t)chain[0] << 24 | (size_t)chain[1] << 16 | (size_t)chain[2] << 8 | chain[3];

        chain += 4, len -= 4 + size;
        (*engine)->start_cert(engine, (uint32_t)size);
        while (size) {
            const size_t n = size < step ? size : step;

            (*engine)->append(engine, chain, n);
            chain += n, size -= n;
        }
        (*engine)->end_cert(engine);
    }
    return (*engine)->end_chain(engine);
}

static size_t parse_pins(char *text, awl_pin *pins)
{
    size_t n = 0;

    for (char *pin = strtok(text, ","); pin; pin = strtok(NULL, ",")) {
        CHECK(n < MOST_PINS);
        CHECK_INT(awl_pin_parse(&pins[n++], pin), 0);
    }
    return n;
}

/* Result: whether the verdict is what it should be; what is not is printed. */
static bool run_case(const test_case *c, awl_trust *trust, size_t step)
{
    static unsigned char chain[200000];
    const size_t len = read_file(c->name, ".chain", chain, sizeof chain);
    const int expected = atoi(c->expected);
    char pin_text[400], text[1000] = "";
    awl_pin pins[MOST_PINS];
    awl__verify_options options = { .trust = trust, .now = NOW, .pins = pins };
    const br_x509_pkey *key;
    awl__verify *v;
    int error, why;
    bool good;

    snprintf(pin_text, sizeof pin_text, "%s", c->pins);
    options.n_pins = parse_pins(pin_text, pins);
    options.name = *c->host ? c->host : NULL;
    options.of_client = strcmp(c->side, "client") == 0;
    v = awl__verify_new(awl_running_, &options);
    CHECK(v != NULL);
    error = (int)feed_chain(v, chain, len, step);
    key = (*awl__verify_x509(v))->get_pkey(awl__verify_x509(v), NULL);
    why = awl__verify_explain(v, error, text, sizeof text);
    CHECK(why != ENOMEM); /* a failing allocation */

    good = error == expected && strstr(text, c->text) && (key != NULL) == (expected == 0) &&
           (why == (expected == 0               ? 0
                    : !trust && !options.n_pins ? AWL_ETRUST
                                                : AWL_ECERTIFICATE));
    if (!good)
        printf("%s: error %d, text '%s'; expected %d, '%s'\n", c->name, error, text, expected, c->text);
    awl__verify_free(v);
    return good;
}

/* Runs all cases, or every one of them whose number is a multiple of `stride`. Result: how many are wrong. */
static int run_cases(size_t step, int stride)
{
    static unsigned char pem[20000];
    static char line[2000];
    int wrong = 0, n = 0;
    char path[600];
    FILE *file;

    if (!getenv("AWL_CERTS"))
        SKIP("AWL_CERTS is not set");
    snprintf(path, sizeof path, "%s/cases.txt", getenv("AWL_CERTS"));
    file = fopen(path, "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file)) {
        const test_case c = parse_case(line);
        const size_t len = read_file(c.name, ".ca", pem, sizeof pem);
        awl_trust *trust;

        if (n++ % stride)
            continue;
        trust = len ? awl_trust_from_memory(pem, len) : NULL;
        if (len && awl_trust_error(trust))
            printf("%s: %s\n", c.name, awl_error_message(errno));
        CHECK(!len || !awl_trust_error(trust));
        wrong += !run_case(&c, trust, step);
        awl_trust_release(trust);
    }
    fclose(file);
    CHECK(n > 150);
    return wrong;
}

TASK_TEST(every_chain_gets_the_verdict_and_the_text_of_the_table, {})
{
    co_begin;
    CHECK_INT(run_cases(SIZE_MAX, 1), 0);
    co_end;
}

TASK_TEST(it_does_not_matter_in_which_pieces_chains_come, {})
{
    co_begin;
    CHECK_INT(run_cases(7, 1), 0);
    co_end;
}

TASK_TEST(all_memory_comes_back, { awl_loop_stats before, after; })
{
    co_begin;
    awl_loop_get_stats(NULL, &self->before);
    CHECK_INT(run_cases(SIZE_MAX, 1), 0);
    awl_loop_get_stats(NULL, &self->after);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    co_end;
}
