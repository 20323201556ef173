/* test_queue_kind.c: in a debug build, what is got must be of the type of the place it is stored to. */
#ifndef AWL_DEBUG
#define AWL_DEBUG 1
#endif
#include "rig.h"

static awl_queue queue;

#define GETS(name, type, before)                \
    co_def(name, { type x; })                   \
    {                                           \
        co_begin;                               \
        awl_queue_init(&queue, 0);              \
        before;                                 \
        co_let(self->x, awl_queue_get(&queue)); \
        co_finally;                             \
        awl_queue_fini(&queue);                 \
        co_end;                                 \
    }

GETS(gets_int_as_double, double, CHECK_INT(awl_queue_put_nowait(&queue, 1), 0))
GETS(gets_double_as_int, int, CHECK_INT(awl_queue_put_nowait(&queue, 1.5), 0))
GETS(gets_string_as_int, int, CHECK_INT(awl_queue_put_nowait(&queue, "a"), 0))
GETS(gets_from_a_mixture, double, (CHECK_INT(awl_queue_put_nowait(&queue, 1.5), 0), CHECK_INT(awl_queue_put_nowait(&queue, 2), 0)))

TEST(an_item_of_another_type_traps)
{
    EXPECT_TRAP(run_unwatched(co_call(gets_int_as_double)), "the result is of another type");
    EXPECT_TRAP(run_unwatched(co_call(gets_double_as_int)), "the result is of another type");
    EXPECT_TRAP(run_unwatched(co_call(gets_string_as_int)), "the result is of another type");
}

TEST(of_items_of_several_types_nothing_is_known) { run_main(co_call(gets_from_a_mixture)); }

/* When a queue is empty its items are of no type. */
TASK_TEST(a_queue_may_have_items_of_one_type_and_then_of_another, { int i; double d; const char *s; })
{
    co_begin;
    awl_queue_init(&queue, 0);
    CHECK_INT(awl_queue_put_nowait(&queue, 1), 0);
    co_let(self->i, awl_queue_get(&queue));
    CHECK_INT(awl_queue_put_nowait(&queue, 2.5), 0);
    co_let(self->d, awl_queue_get(&queue));
    CHECK_INT(awl_queue_put_nowait(&queue, "c"), 0);
    co_let(self->s, awl_queue_get(&queue));
    CHECK(self->i == 1 && self->d > 2 && self->s[0] == 'c');
    co_finally;
    awl_queue_fini(&queue);
    co_end;
}
