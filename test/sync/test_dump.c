/* test_dump.c: what awl_dump says of tasks that wait for locks, events, queues and their like. */
#include "rig.h"

static char text[8192];

static void keep(void *arg, const char *line)
{
    const size_t used = strlen(text);

    (void)arg;
    snprintf(text + used, sizeof text - used, "%s\n", line);
}

/* Dumps when every task has come to where it waits, and cancels the one that waits. */
#define SHOWS(expected)                                                                                                  \
    do {                                                                                                                 \
        text[0] = '\0';                                                                                                  \
        awl_dump_lines(NULL, keep, NULL);                                                                                \
        if (!strstr(text, expected))                                                                                     \
            printf("%s", text);                                                                                          \
        CHECK(strstr(text, expected) != NULL);                                                                           \
    } while (0)

static awl_event event;
static awl_lock lock;
static awl_semaphore semaphore;
static awl_condition condition;
static awl_queue queue;

static void init_all(void)
{
    awl_event_init(&event);
    awl_lock_init(&lock);
    awl_semaphore_init_bounded(&semaphore, 1);
    awl_condition_init(&condition, &lock);
    awl_queue_init(&queue, 1);
}

/* Awaits what is given to it, as a task of that name. */
co_def(waiter, { char what; })
{
    co_begin;
    if (self->what == 'e')
        co_await(awl_event_wait(&event));
    if (self->what == 'l')
        co_await(awl_lock_acquire(&lock));
    if (self->what == 's')
        co_await(awl_semaphore_acquire(&semaphore));
    if (self->what == 'g')
        co_await(awl_queue_get(&queue));
    if (self->what == 'p')
        co_await(awl_queue_put(&queue, 2));
    if (self->what == 'j')
        co_await(awl_queue_join(&queue));
    if (self->what == 'c') {
        co_await(awl_condition_acquire(&condition));
        co_await(awl_condition_wait(&condition));
    }
    co_end;
}

/* What is done before: by the main task, or for one that is gone. */
co_def(prepares, { char what; })
{
    co_begin;
    if (self->what == 'l')
        co_await(awl_lock_acquire(&lock));
    if (self->what == 'g')
        co_await(awl_gather(awl_lock_acquire(&lock)));
    if (self->what == 's')
        co_await(awl_semaphore_acquire(&semaphore));
    if (self->what == 'q')
        co_await(awl_queue_put(&queue, 1));
    co_end;
}

/* A task `t` that waits, and has been cancelled and released when the body ends. */
#define WAIT_TEST(name, how, before)                                                                                     \
    TASK_TEST(name, { awl_task *t; int rc; })                                                                            \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        init_all();                                                                                                      \
        co_await(co_call(prepares, .what = (before)));                                                                   \
        self->t = awl_create_task(co_call(waiter, .what = how));                                                         \
        CHECK(self->t != NULL);                                                                                          \
        co_await(awl_sleep(0));                                                                                          \
        CHECK(!awl_task_done(self->t));                                                                                  \
        shows_##name();                                                                                                  \
        awl_task_cancel(self->t);                                                                                        \
        co_try_cancel(self->rc, self->t);                                                                                \
        awl_task_release(self->t);                                                                                       \
        if (awl_lock_locked(&lock))                                                                                      \
            awl_lock_release(&lock);                                                                                     \
        awl_queue_fini(&queue);                                                                                          \
        co_end;                                                                                                          \
    }

static void shows_an_event(void) { SHOWS("'waiter': waiting for an event, which is not set, 1 waiting\n    in awl_event_wait\n    in waiter (" __FILE__); }
WAIT_TEST(an_event, 'e', 0)

static void shows_a_lock(void) { SHOWS("'waiter': waiting for a lock, held by 'a_lock'\n    in awl_lock_acquire\n"); }
WAIT_TEST(a_lock, 'l', 'l')

static void shows_a_lock_of_one_that_is_gone(void) { SHOWS("waiting for a lock, held by a task that is gone\n"); }
WAIT_TEST(a_lock_of_one_that_is_gone, 'l', 'g')

static void shows_a_semaphore(void) { SHOWS("waiting for a semaphore, 0 free of 1, 1 waiting\n    in awl_semaphore_acquire\n"); }
WAIT_TEST(a_semaphore, 's', 's')

static void shows_an_empty_queue(void) { SHOWS("waiting for an item of a queue, which has none, 1 waiting\n    in awl_queue_get\n"); }
WAIT_TEST(an_empty_queue, 'g', 0)

static void shows_a_full_queue(void)
{
    SHOWS("waiting for room in a queue, which has 1 of 1 items, 1 waiting\n    in awl_queue_put\n    in waiter (");
}
WAIT_TEST(a_full_queue, 'p', 'q')

static void shows_a_queue_whose_items_are_not_done(void)
{
    SHOWS("waiting for a queue, 1 items of which are not done\n    in awl_queue_join\n");
}
WAIT_TEST(a_queue_whose_items_are_not_done, 'j', 'q')

static void shows_a_condition(void) { SHOWS("waiting for a condition, whose lock is free\n    in awl_condition_wait\n"); }
WAIT_TEST(a_condition, 'c', 0)

/* Notified, it waits for the lock. */
co_def(notifies, { awl_task *t; })
{
    co_begin;
    co_await(awl_lock_acquire(&lock));
    CHECK_INT(awl_condition_notify_all(&condition), 0);
    co_await(awl_sleep(0));
    SHOWS("'waiter': waiting for a condition, notified; its lock is held by 'notifies'\n    in awl_condition_wait\n");
    co_finally;
    if (awl_lock_locked(&lock))
        awl_lock_release(&lock);
    co_end;
}

TASK_TEST(a_condition_that_was_notified, { awl_task *t; })
{
    co_begin;
    init_all();
    self->t = awl_create_task(co_call(waiter, .what = 'c'));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t));
    co_await(awl_gather(co_call(notifies)));
    co_await(self->t);
    awl_task_release(self->t);
    CHECK_INT(awl_lock_release(&lock), 0);
    co_end;
}
