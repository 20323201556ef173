/*
 * harness.c: the runner: reads the command line, has the tests run (run.c), judges them and counts.
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <getopt.h>

#include "harness_priv.h"

static struct {
    bool verbose, list, fail_alloc, from;
    const char *filter;
    size_t jobs, limit, max;
} options = { .filter = "", .jobs = 2, .max = 2000 };

static struct harness_test_ *tests, **tests_end = &tests;
static size_t passed, failed, skipped;

/* see harness.h */
void harness_add_(struct harness_test_ *test)
{
    *tests_end = test;
    tests_end = &test->next_;
}

/* Seconds a test may take; under a sanitizer everything is several times slower. */
static size_t default_limit(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 100;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
    return 100;
#endif
#endif
    return 20;
}

/* --- one run -------------------------------------------------------------------------------------------------------- */

static enum outcome judge(const struct slot *slot, const siginfo_t *how, struct text *why)
{
    const struct verdict *v = slot->verdict;

    if (slot->timed_out)
        harness__add(why, "timed out after %zu s\n", options.limit);
    else
        harness__explain_end(why, &slot->tail, v, how->si_code, how->si_status);
    if (why->len > 0)
        return OUTCOME_FAILED;

    /* A check that failed has seen the refusal. */
    if (v->kind == VERDICT_CHECK && v->refused > 0)
        return OUTCOME_PASSED;
    harness__add(why, "%s", v->why.at);
    return v->kind == VERDICT_PASSED ? OUTCOME_PASSED : v->kind == VERDICT_SKIPPED ? OUTCOME_SKIPPED : OUTCOME_FAILED;
}

/* Prints each line of `why` as one line of ours. */
static void report(const struct slot *slot, enum outcome outcome, struct text *why)
{
    static const char *const words[] = { "ok      ", "skipped ", "" };
    FILE *to = outcome == OUTCOME_FAILED ? stderr : stdout;
    const struct verdict *v = slot->verdict;
    struct text refusal = { 0 };

    if (outcome != OUTCOME_FAILED && !options.verbose)
        return;
    if (v->refused > 0) {
        harness__add(&refusal, "allocation %zu%s failed, in ", slot->refusal.n, slot->refusal.from ? " and later" : "");
        harness__add_caller(&refusal, v->refused_to);
        harness__add(&refusal, ": ");
    }

    bool located = v->kind > VERDICT_WRITING && !slot->timed_out;
    char *state = NULL, *line = strtok_r(why->at, "\n", &state);
    do {
        fprintf(to, "%s%s:%d: %s: %s%s\n", words[outcome], located ? v->file : slot->test->file_,
                located ? v->line : slot->test->line_, slot->test->name_, refusal.at, line == NULL ? "passed" : line);
    } while (line != NULL && (line = strtok_r(NULL, "\n", &state)) != NULL);
    harness__tail_print(&slot->tail, to);
    fflush(to);
}

/* --- all runs ------------------------------------------------------------------------------------------------------- */

static void start_test(struct slot *slot, const struct harness_test_ *test)
{
    slot->test = test;
    slot->failed = false;
    slot->refusal = (struct refusal){ .n = options.fail_alloc ? 1 : 0, .from = options.from };
    harness__run_start(slot, options.limit);
}

/* Judges a run that has ended. With --fail-alloc starts the test's next one, unless this was refused nothing any more. */
static void finish_run(struct slot *slot, const siginfo_t *how)
{
    struct text why = { 0 };
    enum outcome outcome = judge(slot, how, &why);
    report(slot, outcome, &why);
    slot->failed |= outcome == OUTCOME_FAILED;

    if (slot->verdict->refused > 0 && slot->refusal.n < options.max) {
        slot->refusal.n++;
        harness__run_start(slot, options.limit);
        return;
    }
    if (slot->failed)
        failed++;
    else if (outcome == OUTCOME_SKIPPED)
        skipped++;
    else
        passed++;
    slot->test = NULL;
}

/* The next test that the filter lets through, at or after this one. */
static const struct harness_test_ *wanted(const struct harness_test_ *test)
{
    while (test != NULL && strstr(test->name_, options.filter) == NULL)
        test = test->next_;
    return test;
}

static void run_all(void)
{
    struct slot *slots = harness__slots_new(options.jobs);
    const struct harness_test_ *next = wanted(tests);
    size_t busy;

    do {
        busy = 0;
        for (size_t i = 0; i < options.jobs; i++) {
            siginfo_t how;
            if (slots[i].test != NULL && harness__run_ended(&slots[i], &how))
                finish_run(&slots[i], &how);
            if (slots[i].test == NULL && next != NULL) {
                start_test(&slots[i], next);
                next = wanted(next->next_);
            }
            busy += slots[i].test != NULL;
        }
        if (busy > 0)
            harness__slots_wait();
    } while (busy > 0);
    harness__slots_free();
}

/* --- the command line ----------------------------------------------------------------------------------------------- */

__attribute__((noreturn)) static void usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [-v] [--list] [--filter TEXT] [--jobs N] [--limit SECONDS] [--fail-alloc [--from] [--max N]]\n",
            program);
    exit(2);
}

/* A number from 1 to `most`. */
static size_t number(const char *digits, size_t most, const char *program)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(digits, &end, 10);
    if (errno != 0 || end == digits || *end != '\0' || value == 0 || value > most || strchr(digits, '-') != NULL)
        usage(program);
    return value;
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        { "list", no_argument, NULL, 'l' },       { "filter", required_argument, NULL, 'f' },
        { "jobs", required_argument, NULL, 'j' }, { "limit", required_argument, NULL, 't' },
        { "fail-alloc", no_argument, NULL, 'a' }, { "from", no_argument, NULL, 'o' },
        { "max", required_argument, NULL, 'm' },  { NULL, 0, NULL, 0 },
    };

    options.limit = default_limit();
    for (int option; (option = getopt_long(argc, argv, "v", known, NULL)) != -1;) {
        switch (option) {
        case 'v': options.verbose = true; break;
        case 'l': options.list = true; break;
        case 'f': options.filter = optarg; break;
        case 'j': options.jobs = number(optarg, 256, argv[0]); break;
        case 't': options.limit = number(optarg, 1000000, argv[0]); break;
        case 'a': options.fail_alloc = true; break;
        case 'o': options.from = true; break;
        case 'm': options.max = number(optarg, SIZE_MAX, argv[0]); break;
        default: usage(argv[0]);
        }
    }
    if (optind != argc || (options.from && !options.fail_alloc))
        usage(argv[0]);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    if (options.list) {
        for (const struct harness_test_ *test = wanted(tests); test != NULL; test = wanted(test->next_))
            puts(test->name_);
        return 0;
    }

    if (wanted(tests) != NULL)
        run_all();
    printf("%zu passed, %zu failed", passed, failed);
    if (skipped > 0)
        printf(", %zu skipped", skipped);
    printf("\n");
    if (failed > 0)
        return 1;
    return passed > 0 ? 0 : skipped > 0 ? 77 : 1;
}
