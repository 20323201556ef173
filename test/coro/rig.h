/*
 * rig.h: what the tests of coro.h share: a stack to run coroutines on, and a trail of what they did.
 *
 *     RUN(f, .arg = v …);              starts f on the rig's stack and runs it until it suspends or ends
 *     resume();                        goes on; true while there is something to go on with
 *     trail("a"); CHECK_STR(trailed(), "a b c");
 *
 *     EXPECT_NAMED_TRAP(resume(), "why");   a trap of what runs on the rig's stack, for this reason
 */
#ifndef CORO_TEST_RIG_H
#define CORO_TEST_RIG_H

#include "awl/coro.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

/* Everything is static: each test runs in a process of its own. */
enum { RIG_SIZE = 4096 };
static __attribute__((unused)) uint64_t rig_memory[RIG_SIZE / 8];
static __attribute__((unused)) co_stack rig;

static __attribute__((unused)) void rig_trap(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

/* A host that can do nothing but name traps. The stacks here have none until something is expected to trap. */
static __attribute__((unused)) co_host rig_host = { .trap_ = rig_trap };

#define EXPECT_NAMED_TRAP(statement, text)                                                                             \
    EXPECT_TRAP(                                                                                                       \
        {                                                                                                              \
            rig.promise_.host_ = &rig_host;                                                                            \
            statement;                                                                                                 \
        },                                                                                                             \
        text)

/* Bytes that a frame of this type takes. */
#define FRAME_SIZE(type) ((sizeof(type) + 7) / 8 * 8)

/* Bytes in use on `stack`, which lies in `memory`. */
static __attribute__((unused)) long rig_used(const co_stack *stack, const void *memory)
{
    return (long)(stack->top_ - (const char *)memory);
}

#define RUN(...)                                                                                                       \
    do {                                                                                                               \
        co_stack_init(&rig, rig_memory, sizeof rig_memory);                                                            \
        CHECK(co_start(&rig, __VA_ARGS__));                                                                            \
        CHECK_PTR(co_run(&rig), &rig);                                                                                 \
    } while (0)

/* The coroutine of the rig ended with this error (0: none), and all of its memory is free again. */
#define CHECK_ENDED(error)                                                                                             \
    do {                                                                                                               \
        CHECK(co_ended(&rig));                                                                                         \
        CHECK_INT(co_ended_error(&rig), error);                                                                        \
        CHECK_INT(rig_used(&rig, rig_memory), 0);                                                                      \
    } while (0)

/* The same, without an error and with this integer as the result. */
#define CHECK_RETURNED(value)                                                                                          \
    do {                                                                                                               \
        CHECK_ENDED(0);                                                                                                \
        CHECK_INT(co_ended_value(&rig).i, value);                                                                      \
    } while (0)

static __attribute__((unused)) bool resume(void)
{
    co_run(&rig);
    return !co_ended(&rig);
}

static __attribute__((unused)) char trail_text[512];

static __attribute__((unused)) void trail(const char *word)
{
    size_t len = strlen(trail_text);

    snprintf(trail_text + len, sizeof trail_text - len, "%s%s", len ? " " : "", word);
}

static __attribute__((unused)) void trail_int(long long number)
{
    char word[24];

    snprintf(word, sizeof word, "%lld", number);
    trail(word);
}

/* What was left on the trail since the last time. */
static __attribute__((unused)) const char *trailed(void)
{
    static char text[sizeof trail_text];

    memcpy(text, trail_text, sizeof text);
    trail_text[0] = '\0';
    return text;
}

#endif
