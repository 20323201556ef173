/* test_value.c: co_return, co_let, co_result: values of every type, and the places they go to. */
#include "rig.h"

/* ---- Each type of value into a place of the same type */

/* Two coroutines for a type: gives_NAME returns `given`, takes_NAME stores what it awaits to *out. */
#define ROUND_TRIP(name, type, given)                                                                                  \
    co_def(gives_##name, {})                                                                                            \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        co_return((type)(given));                                                                                      \
        co_end;                                                                                                        \
    }                                                                                                                  \
    co_def(takes_##name, { type *out; })                                                                                \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        co_let(*self->out, co_call(gives_##name));                                                                      \
        co_end;                                                                                                        \
    }                                                                                                                  \
    TEST(let_stores_##name)                                                                                            \
    {                                                                                                                  \
        type out;                                                                                                      \
        memset(&out, 0x55, sizeof out);                                                                                \
        RUN(takes_##name, .out = &out);                                                                                 \
        CHECK_ENDED(0);                                                                                                \
        CHECK(out == (type)(given));                                                                                   \
    }

typedef int (*callback)(int);
enum colour { RED, GREEN = 7, BLUE };
static int some_int;
static const char some_text[] = "text";
static struct rope { int n; } some_rope;

ROUND_TRIP(true, bool, true)
ROUND_TRIP(false, bool, false)
ROUND_TRIP(char, char, 'x')
ROUND_TRIP(schar, signed char, -128)
ROUND_TRIP(uchar, unsigned char, 255)
ROUND_TRIP(short, short, -32768)
ROUND_TRIP(ushort, unsigned short, 65535)
ROUND_TRIP(int, int, INT32_MIN)
ROUND_TRIP(unsigned, unsigned, UINT32_MAX)
ROUND_TRIP(long, long, -1)
ROUND_TRIP(ulong, unsigned long, -1)
ROUND_TRIP(llong, long long, INT64_MIN)
ROUND_TRIP(ullong, unsigned long long, UINT64_MAX)
ROUND_TRIP(size, size_t, 12345)
ROUND_TRIP(enum, enum colour, GREEN)
ROUND_TRIP(float, float, 1.5f)
ROUND_TRIP(double, double, -0.1)
ROUND_TRIP(infinity, double, 1e300 * 1e300)
ROUND_TRIP(void_pointer, void *, &some_int)
ROUND_TRIP(int_pointer, int *, &some_int)
ROUND_TRIP(struct_pointer, struct rope *, &some_rope)
ROUND_TRIP(const_pointer, const struct rope *, &some_rope)
ROUND_TRIP(string, const char *, some_text)
ROUND_TRIP(null, const char *, NULL)
ROUND_TRIP(pointer_to_pointer, char **, NULL)

/* ---- Conversions, as by a cast */

co_def(later_int, { int64_t n; })
{
    co_begin;
    co_suspend;
    co_return(self->n);
    co_end;
}

co_def(convert, { int64_t n; bool truth; uint8_t byte; int8_t small; uint32_t word; int64_t wide; })
{
    co_begin;
    co_let(self->truth, co_call(later_int, .n = self->n));
    co_let(self->byte, co_call(later_int, .n = self->n));
    co_let(self->small, co_call(later_int, .n = self->n));
    co_let(self->word, co_call(later_int, .n = self->n));
    co_let(self->wide, co_call(later_int, .n = self->n));
    trail_int(self->truth), trail_int(self->byte), trail_int(self->small), trail_int(self->word);
    trail_int(self->wide);
    co_end;
}

static const char *converted(int64_t n)
{
    RUN(convert, .n = n);
    while (resume())
        ;
    CHECK_ENDED(0);
    return trailed();
}

TEST(integers_are_cut_to_their_place)
{
    CHECK_STR(converted(0x1234567890), "1 144 -112 878082192 78187493520");
    CHECK_STR(converted(-1), "1 255 -1 4294967295 -1");
    CHECK_STR(converted(0), "0 0 0 0 0");
}

co_def(a_tenth, {})
{
    co_begin;
    co_return(0.1);
    co_end;
}

co_def(double_to_float, { float *out; })
{
    co_begin;
    co_let(*self->out, co_call(a_tenth));
    co_end;
}

TEST(double_is_rounded_to_float)
{
    float out = 0;

    RUN(double_to_float, .out = &out);
    CHECK(out == (float)0.1f);
}

/* ---- No value, and zero */

co_def(falls_off, {})
{
    co_begin;
    co_end;
}

co_def(returns_zero, {})
{
    co_begin;
    co_return(0);
    co_end;
}

co_def(stores_zero, { bool fall; int n; double d; const char *p; })
{
    co_begin;
    self->n = 1, self->d = 1, self->p = "";
    co_let(self->n, co_call(falls_off));
    co_let(self->d, co_call(falls_off));
    co_let(self->p, co_call(falls_off));
    CHECK(self->n == 0 && self->d == 0 && self->p == NULL);
    self->n = 1, self->d = 1, self->p = "";
    co_let(self->n, co_call(returns_zero));
    co_let(self->d, co_call(returns_zero));
    co_let(self->p, co_call(returns_zero));
    CHECK(self->n == 0 && self->d == 0 && self->p == NULL);
    co_end;
}

TEST(end_and_plain_zero_fit_every_place)
{
    RUN(stores_zero);
    CHECK_ENDED(0);
}

co_def(drops_result, { int x; })
{
    co_begin;
    co_await(co_call(later_int, .n = 5));
    co_end;
}

TEST(await_drops_the_result)
{
    RUN(drops_result);
    CHECK(!resume());
    CHECK_RETURNED(0);
    CHECK_INT(rig.promise_.kind_, CO_NONE);
}

/* ---- Places */

co_def(fills_array, { int at; int list[4]; })
{
    co_begin;
    while (self->at < 4)
        co_let(self->list[self->at++], co_call(later_int, .n = self->at * 11));
    trail_int(self->list[0]), trail_int(self->list[1]), trail_int(self->list[2]), trail_int(self->list[3]);
    co_return(self->at);
    co_end;
}

TEST(let_evaluates_its_place_once)
{
    RUN(fills_array);
    while (resume())
        ;
    CHECK_RETURNED(4);
    CHECK_STR(trailed(), "0 11 22 33");
}

static int place_of_nobody;

co_def(fails, {})
{
    co_begin;
    co_raise(5);
    co_end;
}

co_def(lets_failure, {})
{
    co_begin;
    co_let(place_of_nobody, co_call(fails));
    co_end;
}

TEST(let_leaves_its_place_alone_on_error)
{
    place_of_nobody = 77;
    RUN(lets_failure);
    CHECK_ENDED(5);
    CHECK_INT(place_of_nobody, 77);
}

co_def(tries_for_results, { int rc, n; double d; const char *p; })
{
    co_begin;
    co_try(self->rc, co_call(later_int, .n = 6));
    if (self->rc == 0)
        co_result(self->n);
    co_try(self->rc, co_call(a_tenth));
    co_result(self->d);
    co_try_cancel(self->rc, co_call(gives_string));
    co_result(self->p);
    CHECK_INT(self->n, 6);
    CHECK(self->d == 0.1);
    CHECK_STR(self->p, "text");
    co_end;
}

TEST(result_follows_a_try)
{
    RUN(tries_for_results);
    CHECK(!resume());
    CHECK_ENDED(0);
}

/* ---- The result of a whole stack */

TEST(ended_value_is_the_result)
{
    RUN(a_tenth);
    CHECK_ENDED(0);
    CHECK(co_ended_value(&rig).d == 0.1);
    CHECK_INT(rig.promise_.kind_, CO_DOUBLE);
    RUN(gives_string);
    CHECK_STR((const char *)co_ended_value(&rig).p, "text");
    CHECK_INT(rig.promise_.kind_, CO_POINTER);
}
