/*
 * test_trees.c: random trees of awaits, to find fault with where frames live.
 *
 * Each frame has a random size, from 8 bytes of fields to 2,000, full of a pattern that is looked at after every await.
 * Children are awaited in all ways that place objects differently. The result of a tree is known from its seed alone.
 */
#include "rig.h"

/* ---- What a tree is, without coroutines ------------------------------------------------------------------------------ */

static uint64_t hash(uint64_t seed, uint64_t i)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + (i + 1) * 0xbf58476d1ce4e5b9u;

    z = (z ^ z >> 30) * 0x94d049bb133111ebu;
    return z ^ z >> 29;
}

enum way { PLAIN, TIMED, TIMED_TWICE, HELD, HELD_TIMED, ARGUMENT, DROPPED, PAIR, PAIR_BACK, GATHERED, TOO_LATE, RAISED, TASK, WAYS };

/* The ways that occur: all of them, unless a test wants only one. */
static enum way only = WAYS;

static enum way way_of(uint64_t seed, int i)
{
    return only != WAYS ? only : (enum way)(hash(seed, 100 + (uint64_t)i) % WAYS);
}
static int children_of(uint64_t seed, int depth) { return depth ? (int)(hash(seed, 200) % 4) : 0; }
static int64_t own(uint64_t seed) { return (int64_t)(hash(seed, 300) % 1000); }

static int64_t result_of(uint64_t seed, int depth)
{
    int64_t sum = own(seed);

    for (int i = 0; i < children_of(seed, depth); i++) {
        const uint64_t a = hash(seed, (uint64_t)i), b = hash(a, 999);

        switch (way_of(seed, i)) {
        case DROPPED: sum += 7; break;
        case TOO_LATE: sum += ETIMEDOUT; break;
        case RAISED: sum += EIO; break;
        case PAIR: /* fall through */
        case PAIR_BACK: /* fall through */
        case GATHERED: sum += result_of(b, depth - 1); /* fall through */
        default: sum += result_of(a, depth - 1); break;
        }
    }
    return sum;
}

/* ---- The same with coroutines ------------------------------------------------------------------------------------------ */

#define TREE_FIELDS(size)                                                                                                \
    {                                                                                                                    \
        uint64_t seed;                                                                                                   \
        int depth, i, rc;                                                                                                \
        int64_t sum, x;                                                                                                  \
        awl_coro held;                                                                                                   \
        awl_task *task;                                                                                                  \
        awl_outcome *out;                                                                                                \
        char pad[size];                                                                                                  \
    }
#define FOR_SIZES(x) x(8) x(40) x(96) x(200) x(440) x(900) x(2000)
#define DECLARE(size) co_declare(tree_##size, TREE_FIELDS(size));
FOR_SIZES(DECLARE)

/* An object of a tree, with a frame of a size that its seed says. */
static awl_coro tree(uint64_t seed, int depth)
{
    switch (hash(seed, 400) % 7) {
    case 0: return co_call(tree_8, .seed = seed, .depth = depth);
    case 1: return co_call(tree_40, .seed = seed, .depth = depth);
    case 2: return co_call(tree_96, .seed = seed, .depth = depth);
    case 3: return co_call(tree_200, .seed = seed, .depth = depth);
    case 4: return co_call(tree_440, .seed = seed, .depth = depth);
    case 5: return co_call(tree_900, .seed = seed, .depth = depth);
    default: return co_call(tree_2000, .seed = seed, .depth = depth);
    }
}

static awl_coro take(awl_coro *held)
{
    const awl_coro object = *held;

    *held = (awl_coro){ NULL, 0 };
    return object;
}

co_def(hands_on, { awl_coro inner; char pad[72]; int64_t x; })
{
    co_begin;
    memset(self->pad, 0x33, sizeof self->pad);
    co_let(self->x, self->inner);
    for (size_t i = 0; i < sizeof self->pad; i++)
        CHECK_INT(self->pad[i], 0x33);
    co_return(self->x);
    co_end;
}

co_def(drops, { awl_coro inner; })
{
    co_begin;
    co_await(awl_sleep(0));
    co_return(7);
    co_end;
}

co_def(adds, { awl_coro a, b; bool back; int64_t x, y; char pad[24]; })
{
    co_begin;
    memset(self->pad, 0x55, sizeof self->pad);
    if (self->back)
        co_let(self->y, self->b);
    co_let(self->x, awl_wait_for(self->a, AWL_MINUTE));
    if (!self->back)
        co_let(self->y, self->b);
    co_return(self->x + self->y);
    co_finally;
    CHECK_INT(self->pad[0], 0x55);
    CHECK_INT(self->pad[23], 0x55);
    co_await(awl_sleep(0));
    CHECK_INT(self->pad[23], 0x55);
    co_end;
}

co_def(too_slow, { char pad[300]; })
{
    co_begin;
    memset(self->pad, 0x77, sizeof self->pad);
    co_await(awl_sleep(10 * AWL_MINUTE));
    co_finally;
    CHECK_INT(self->pad[299], 0x77);
    co_end;
}

co_def(raises, { int64_t x; awl_coro inner; })
{
    co_begin;
    co_let(self->x, awl_wait_for(self->inner, AWL_MINUTE));
    co_raise(EIO);
    co_end;
}

static void check_pad(const char *pad, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++)
        CHECK_INT((unsigned char)pad[i], (seed + i) & 0xff);
}

#define SEED hash(self->seed, (uint64_t)self->i)
#define BODY(size)                                                                                                       \
    co_define(tree_##size)                                                                                               \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        for (size_t i = 0; i < size; i++)                                                                                \
            self->pad[i] = (char)(self->seed + i);                                                                       \
        self->sum = own(self->seed);                                                                                     \
        if (self->sum % 3 == 0)                                                                                          \
            co_await(awl_sleep(self->sum % 2 * AWL_US));                                                                 \
        for (self->i = 0; self->i < children_of(self->seed, self->depth); self->i++) {                                   \
            self->x = self->rc = 0;                                                                                      \
            if (way_of(self->seed, self->i) == PLAIN)                                                                    \
                co_let(self->x, tree(SEED, self->depth - 1));                                                            \
            if (way_of(self->seed, self->i) == TIMED)                                                                    \
                co_let(self->x, awl_wait_for(tree(SEED, self->depth - 1), AWL_MINUTE));                                  \
            if (way_of(self->seed, self->i) == TIMED_TWICE)                                                              \
                co_let(self->x, awl_wait_for(awl_wait_for(tree(SEED, self->depth - 1), AWL_MINUTE), 2 * AWL_MINUTE));    \
            if (way_of(self->seed, self->i) == HELD || way_of(self->seed, self->i) == HELD_TIMED) {                      \
                self->held = tree(SEED, self->depth - 1);                                                                \
                co_await(co_call(hands_on, .inner = co_call(drops)));                                                    \
                if (way_of(self->seed, self->i) == HELD)                                                                 \
                    co_let(self->x, take(&self->held));                                                                  \
                else                                                                                                     \
                    co_let(self->x, awl_wait_for(take(&self->held), AWL_MINUTE));                                        \
            }                                                                                                            \
            if (way_of(self->seed, self->i) == ARGUMENT)                                                                 \
                co_let(self->x, co_call(hands_on, .inner = tree(SEED, self->depth - 1)));                                \
            if (way_of(self->seed, self->i) == DROPPED)                                                                  \
                co_let(self->x, co_call(drops, .inner = tree(SEED, self->depth - 1)));                                   \
            if (way_of(self->seed, self->i) == PAIR || way_of(self->seed, self->i) == PAIR_BACK)                         \
                co_let(self->x,                                                                                          \
                       co_call(adds, .a = tree(SEED, self->depth - 1), .b = tree(hash(SEED, 999), self->depth - 1),      \
                               .back = way_of(self->seed, self->i) == PAIR_BACK));                                       \
            if (way_of(self->seed, self->i) == GATHERED) {                                                               \
                self->out = calloc(2, sizeof *self->out);                                                                \
                if (!self->out)                                                                                          \
                    co_raise(ENOMEM);                                                                                    \
                co_await(awl_gather_return_exceptions(self->out, tree(SEED, self->depth - 1),                            \
                                                      tree(hash(SEED, 999), self->depth - 1)));                          \
                if (self->out[0].error || self->out[1].error)                                                            \
                    co_raise(ENOMEM);                                                                                    \
                self->x = self->out[0].value.i + self->out[1].value.i;                                                   \
                free(self->out);                                                                                         \
                self->out = NULL;                                                                                        \
            }                                                                                                            \
            if (way_of(self->seed, self->i) == TOO_LATE) {                                                               \
                co_try(self->rc, awl_wait_for(co_call(hands_on, .inner = co_call(too_slow)), AWL_US));                   \
                self->x = self->rc;                                                                                      \
            }                                                                                                            \
            if (way_of(self->seed, self->i) == RAISED) {                                                                 \
                co_try(self->rc, co_call(raises, .inner = tree(SEED, self->depth - 1)));                                 \
                self->x = self->rc;                                                                                      \
            }                                                                                                            \
            if (way_of(self->seed, self->i) == TASK) {                                                                   \
                self->task = awl_create_task(awl_wait_for(tree(SEED, self->depth - 1), AWL_MINUTE));                     \
                if (!self->task)                                                                                         \
                    co_raise(ENOMEM);                                                                                    \
                co_let(self->x, self->task);                                                                             \
                awl_task_release(self->task);                                                                            \
                self->task = NULL;                                                                                       \
            }                                                                                                            \
            if (self->rc == ENOMEM)                                                                                      \
                co_raise(ENOMEM);                                                                                        \
            check_pad(self->pad, size, self->seed);                                                                      \
            self->sum += self->x;                                                                                        \
        }                                                                                                                \
        co_return(self->sum);                                                                                            \
        co_finally;                                                                                                      \
        check_pad(self->pad, size, self->seed);                                                                          \
        awl_coro_close(take(&self->held));                                                                               \
        awl_task_release(self->task);                                                                                    \
        free(self->out);                                                                                                 \
        if (self->sum % 5 == 0)                                                                                          \
            co_try_cancel(self->rc, awl_sleep(0));                                                                       \
        check_pad(self->pad, size, self->seed);                                                                          \
        co_end;                                                                                                          \
    }
FOR_SIZES(BODY)

/* ---- Tests ----------------------------------------------------------------------------------------------------------------- */

/* Sets two trees growing in turn, twice, so that one goes on where another one was. */
co_def(forest, { uint64_t seed; int depth; int64_t x; })
{
    co_begin;
    co_let(self->x, tree(self->seed, self->depth));
    CHECK_INT(self->x, result_of(self->seed, self->depth));
    co_let(self->x, awl_wait_for(tree(self->seed + 1, self->depth), 1000 * AWL_MINUTE));
    CHECK_INT(self->x, result_of(self->seed + 1, self->depth));
    co_let(self->x, tree(self->seed, self->depth));
    CHECK_INT(self->x, result_of(self->seed, self->depth));
    co_end;
}

static void grow(uint64_t from, uint64_t to, int depth)
{
    awl_loop *loop = open_virtual();
    const size_t before = stats_of(loop).memory_used;

    for (uint64_t seed = from; seed < to; seed++) {
        CHECK_INT(awl_run_until_complete(loop, co_call(forest, .seed = seed, .depth = depth), NULL), 0);
        CHECK_INT(stats_of(loop).memory_used, before);
        CHECK_INT(stats_of(loop).tasks + stats_of(loop).tasks_held, 0);
    }
    awl_loop_close(loop);
    CHECK_REPORTS("");
}

static void grow_only(enum way way)
{
    only = way;
    grow(1, 200, 3);
    grow(200, 220, 5);
}

TEST(trees_of_plain_awaits) { grow_only(PLAIN); }
TEST(trees_of_timeouts) { grow_only(TIMED); }
TEST(trees_of_timeouts_in_timeouts) { grow_only(TIMED_TWICE); }
TEST(trees_of_held_objects) { grow_only(HELD); }
TEST(trees_of_timeouts_of_held_objects) { grow_only(HELD_TIMED); }
TEST(trees_of_objects_as_arguments) { grow_only(ARGUMENT); }
TEST(trees_of_objects_never_awaited) { grow_only(DROPPED); }
TEST(trees_of_two_objects_as_arguments) { grow_only(PAIR); }
TEST(trees_of_two_objects_awaited_in_reverse) { grow_only(PAIR_BACK); }
TEST(trees_of_gathers) { grow_only(GATHERED); }
TEST(trees_of_what_is_too_late) { grow_only(TOO_LATE); }
TEST(trees_of_errors) { grow_only(RAISED); }
TEST(trees_of_tasks) { grow_only(TASK); }
TEST(many_small_trees) { grow(1, 2000, 2); }
TEST(many_trees) { grow(2000, 2600, 4); }
TEST(some_large_trees) { grow(3000, 3040, 7); }

/* A tree that is cancelled at any moment lets everything go. */
TEST(trees_that_are_cancelled)
{
    awl_loop *loop = open_virtual();
    const size_t before = stats_of(loop).memory_used;

    for (uint64_t seed = 1; seed < 400; seed++) {
        int error = awl_run_until_complete(
            loop, awl_wait_for(co_call(forest, .seed = seed, .depth = 4), (awl_time)(1 + seed % 20) * AWL_US / 2), NULL);

        CHECK(error == 0 || error == ETIMEDOUT);
        CHECK_INT(awl_loop_run_forever(loop), EDEADLK); /* children of a gather may still have something to do */
        CHECK_INT(stats_of(loop).memory_used, before);
    }
    awl_loop_close(loop);
    CHECK_REPORTS("");
}

/* One that runs out of memory anywhere says ENOMEM, and gives everything back. */
TEST(trees_in_too_little_memory)
{
    static _Alignas(16) char memory[40000];
    int ended = 0, failed = 0;

    for (size_t size = 4096; size < sizeof memory; size += 328) {
        awl_loop *loop = awl_loop_open(
            &(awl_loop_options){ .memory = memory, .memory_size = size, .virtual_time = true, .report = note_report });

        for (uint64_t seed = 1; loop && seed < 60; seed++) {
            const size_t before = stats_of(loop).memory_used;
            const int error = awl_run_until_complete(loop, co_call(forest, .seed = seed, .depth = 3), NULL);

            CHECK(error == 0 || error == ENOMEM);
            *(error ? &failed : &ended) += 1;
            CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
            CHECK_INT(stats_of(loop).memory_used, before);
        }
        awl_loop_close(loop);
    }
    CHECK(failed > 50);
    CHECK(ended > 500);
}
