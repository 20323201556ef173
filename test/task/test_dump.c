/* test_dump.c: awl_dump: the tree of tasks, what each waits for, and where it is suspended. */
#include "rig.h"

#include <fcntl.h>
#include <unistd.h>

RIG_COROUTINES;

static char text[16384];

static void keep(void *arg, const char *line)
{
    const size_t used = strlen(text);

    (void)arg;
    snprintf(text + used, sizeof text - used, "%s\n", line);
}

static void dump(awl_loop *loop)
{
    text[0] = '\0';
    awl_dump_lines(loop, keep, NULL);
}

static void dump_in_callback(void *arg) { dump(arg); }

static void stop_loop(void *loop) { awl_loop_stop(loop); }

/* ---- Lines that a test can name ------------------------------------------------------------------------------------ */

#line 100 "tree.c"
co_def(nap, { awl_time t; })
{
    co_begin;
    co_await(awl_sleep(self->t));
    co_end;
}
#line 200 "tree.c"
co_def(work, { awl_time t; })
{
    co_begin;
    co_await(co_call(nap, .t = self->t));
    co_finally;
    co_await(awl_sleep(10 * AWL_SECOND));
    co_end;
}
#line 300 "tree.c"
co_def(awaits_task, { awl_task *t; })
{
    co_begin;
    co_await(self->t);
    co_end;
}
#line 400 "tree.c"
co_def(pair, { awl_task *a, *b; })
{
    co_begin;
    self->a = awl_create_task(co_call(nap, .t = AWL_SECOND));
    self->b = awl_create_task(co_call(awaits_task, .t = self->a));
    co_await(awl_gather(self->a, self->b));
    co_finally;
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}
#line 60 "test_dump.c"

/* ---- The tree ------------------------------------------------------------------------------------------------------ */

/* Runs `coroutine` as the main task, and dumps at a moment of its own. */
static void dump_at(awl_coro coroutine, awl_time when)
{
    awl_loop *loop = open_virtual();
    awl_task *task = awl_loop_create_task(loop, coroutine);

    CHECK(task != NULL);
    CHECK_INT(awl_task_set_name(task, "main"), 0);
    CHECK_INT(awl_call_later(loop, NULL, when, dump_in_callback, loop), 0);
    CHECK_INT(awl_run_until_complete(loop, task, NULL), 0);
    awl_task_release(task);
    awl_loop_close(loop);
}

TEST(a_task_stands_below_the_one_that_waits_for_it)
{
    dump_at(co_call(pair), 250 * AWL_MS);
    CHECK_STR(text, "tasks: 0 running, 0 ready, 3 waiting, 0 done and not released\n"
                    "'main': waiting for a gather, 2 of 2 left\n"
                    "    in awl_gather\n"
                    "    in pair (tree.c:405)\n"
                    "    created at test_dump.c:67\n"
                    "  'nap': waiting for a timer, 0.750 s left\n"
                    "      in awl_sleep\n"
                    "      in nap (tree.c:103)\n"
                    "      created at tree.c:403\n"
                    "  'awaits_task': waiting for 'nap'\n"
                    "      in awaits_task (tree.c:303)\n"
                    "      created at tree.c:404\n"
                    "    'nap': see above\n"
                    "ready: nothing\n"
                    "waiting: 'main', 'nap', 'awaits_task'\n");
}

TEST(every_frame_of_a_task_has_its_line)
{
    dump_at(co_call(work, .t = AWL_SECOND), 500 * AWL_MS);
    CHECK_STR(text, "tasks: 0 running, 0 ready, 1 waiting, 0 done and not released\n"
                    "'main': waiting for a timer, 0.500 s left\n"
                    "    in awl_sleep\n"
                    "    in nap (tree.c:103)\n"
                    "    in work (tree.c:203)\n"
                    "    created at test_dump.c:67\n"
                    "ready: nothing\n"
                    "waiting: 'main'\n");
}

TEST(one_that_cleans_up_says_so)
{
    dump_at(co_call(work, .t = AWL_SECOND), 3 * AWL_SECOND);
    CHECK(strstr(text, "    in work (tree.c:205), in co_finally\n") != NULL);
}

/* ---- What tasks wait for ------------------------------------------------------------------------------------------- */

/* Waits for a nap of a second in some way, which is the line of the dump that begins with this task's name. */
co_def(waits, { char how; awl_task *t; awl_future f, *g, *list[2]; awl_as_completed it; awl_task_group group; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(nap, .t = AWL_SECOND));
    CHECK(self->t != NULL);
    self->list[0] = awl_task_future(self->t);
    if (self->how == 't')
        co_await(self->t);
    if (self->how == 'a')
        co_await(awl_await_task(self->t));
    if (self->how == 'w')
        co_await(awl_wait(&self->t, 1, AWL_ALL_COMPLETED, AWL_FOREVER));
    if (self->how == 'f')
        co_await(awl_wait(&self->t, 1, AWL_FIRST_COMPLETED, 1500 * AWL_MS));
    if (self->how == 'e')
        co_await(awl_wait(&self->t, 1, AWL_FIRST_EXCEPTION, AWL_FOREVER));
    if (self->how == 'o')
        co_await(awl_wait_for(self->t, 1500 * AWL_MS));
    if (self->how == 'c')
        co_await(awl_wait_for(co_call(awaits_task, .t = self->t), 1500 * AWL_MS));
    if (self->how == 's')
        co_await(awl_shield(self->t));
    if (self->how == 'r')
        co_await(awl_race(self->t, awl_sleep(AWL_MINUTE)));
    if (self->how == 'n') {
        CHECK_INT(awl_as_completed_init(&self->it, &self->t, 1, AWL_FOREVER), 0);
        co_await(awl_as_completed_next(&self->it));
        awl_as_completed_close(&self->it);
    }
    if (self->how == 'g') { /* a gather of a gather of a shield */
        self->g = awl_shield_future(self->t);
        self->list[0] = self->g;
        self->list[1] = awl_gather_future(self->list, 1, 0);
        awl_future_release(self->g);
        co_await(awl_gather_n(self->list + 1, 1, NULL, 0));
        awl_future_release(self->list[1]);
    }
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* The dump of that must have these lines, one after the other. */
static void waits_so(char how, const char *lines)
{
    dump_at(co_call(waits, .how = how), 250 * AWL_MS);
    if (!strstr(text, lines))
        printf("%s", text);
    CHECK(strstr(text, lines) != NULL);
    CHECK(strstr(text, "\n  'nap': waiting for a timer, 0.750 s left\n") || how == 'g');
}

TEST(a_task_is_waited_for) { waits_so('t', "'main': waiting for 'nap'\n    in waits"); }
TEST(as_a_coroutine) { waits_so('a', "'main': waiting for 'nap'\n    in awl_await_future\n    in waits"); }
TEST(by_a_wait_for_all) { waits_so('w', "'main': waiting for all of 1, 1 left\n    in awl_wait\n"); }
TEST(by_a_wait_for_the_first) { waits_so('f', "'main': waiting for the first of 1, 1 left, at most 1.250 s\n"); }
TEST(by_a_wait_for_an_error) { waits_so('e', "'main': waiting for the first error of 1, 1 left\n"); }
TEST(with_a_timeout) { waits_so('o', "'main': waiting for 'nap'\n    in awl_wait_for, 1.250 s left\n"); }
TEST(by_a_coroutine_with_a_timeout)
{
    waits_so('c', "'main': waiting for 'nap'\n    in awaits_task (tree.c:303)\n    in awl_wait_for, 1.250 s left\n");
}
TEST(behind_a_shield) { waits_so('s', "'main': waiting for a shield\n    in awl_shield\n"); }
TEST(in_a_race) { waits_so('r', "'main': waiting for a race, 2 of 2 left\n    in awl_gather\n"); }
TEST(as_completed) { waits_so('n', "'main': waiting for the next to be completed, 1 of 1 left\n"); }
TEST(in_a_gather_of_a_gather)
{
    waits_so('g', "'main': waiting for a gather, 1 of 1 left\n");
    CHECK(strstr(text, "\n  a gather, 1 of 1 left\n    a shield\n      'nap': waiting for a timer, 0.750 s left\n"));
}

/* Each of 30 gathers waits for the one before, twice: as many ways as there are stars lead to the nap. */
co_def(awaits_much, { awl_task *t; awl_future *list[2]; })
{
    co_begin;
    self->t = awl_create_task(co_call(nap, .t = AWL_SECOND));
    self->list[0] = self->list[1] = awl_task_future(self->t);
    for (int i = 0; i < 30; i++) {
        awl_future *g = awl_gather_future(self->list, 2, 0);

        CHECK(g != NULL);
        if (i)
            awl_future_release(self->list[0]);
        self->list[0] = self->list[1] = g;
    }
    co_await(awl_gather_n(self->list, 2, NULL, 0));
    co_finally;
    awl_future_release(self->list[0]);
    awl_task_release(self->t);
    co_end;
}

TEST(by_more_ways_than_can_be_shown)
{
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        dump_at(co_call(awaits_much), 250 * AWL_MS);
        CHECK(strstr(text, "\n    a gather, 2 of 2 left, see above\n  a gather, 2 of 2 left, see above\nready: nothing\n") !=
              NULL);
    }
    for (const char *at = text; (at = strstr(at, "'nap'")) != NULL; at++)
        n++;
    CHECK_INT(n, 3); /* it, see above, and waiting */
}

co_def(awaits_nothing, { awl_future f; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    co_try(self->f.error_, awl_wait_for(&self->f, AWL_SECOND));
    co_end;
}

TEST(a_future_of_nobodys)
{
    dump_at(co_call(awaits_nothing), 500 * AWL_MS);
    CHECK(strstr(text, "'main': waiting for a future\n    in awl_wait_for, 0.500 s left\n"));
}

co_def(ignores, { awl_task *t; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

co_def(no_patience, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(ignores));
    co_await(awl_sleep(0));
    co_try(self->rc, awl_wait_for(self->t, 0));
    awl_task_release(self->t);
    co_end;
}

TEST(what_was_cancelled_for_want_of_time)
{
    dump_at(co_call(no_patience), 500 * AWL_MS);
    CHECK(strstr(text, "'main': waiting for the end of what it has cancelled\n    in awl_wait_for\n"));
    CHECK(strstr(text, "\n  'ignores': waiting for a timer, 0.500 s left, being cancelled\n"));
}

/* ---- Groups -------------------------------------------------------------------------------------------------------- */

co_def(has_group, { awl_task_group g; awl_time body; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    CHECK_INT(awl_task_group_spawn(&self->g, co_call(nap, .t = 2 * AWL_SECOND)), 0);
    co_await(awl_sleep(self->body));
    co_finally;
    co_await(awl_task_group_exit(&self->g, co_failing));
    co_end;
}

TEST(tasks_of_a_group_stand_below_its_owner)
{
    dump_at(co_call(has_group, .body = AWL_SECOND), 500 * AWL_MS);
    CHECK(strstr(text, "'main': waiting for a timer, 0.500 s left\n"));
    CHECK(strstr(text, "\n  'nap': waiting for a timer, 1.500 s left\n"));
}

TEST(also_when_it_waits_for_them)
{
    dump_at(co_call(has_group, .body = AWL_SECOND), 1500 * AWL_MS);
    CHECK(strstr(text, "'main': waiting for a group, 1 left\n    in awl_task_group_exit\n    in has_group (test_dump.c:"));
    CHECK(strstr(text, "\n  'nap': waiting for a timer, 0.500 s left\n"));
}

/* ---- States and lists ---------------------------------------------------------------------------------------------- */

static char first[sizeof text];

#line 600 "tree.c"
co_def(looks, { awl_task *done, *failed, *fresh, *gone; })
{
    co_begin;
    self->done = awl_create_task(co_call(sleeps));
    self->failed = awl_create_task(co_call(sleeps, .error = EPIPE));
    co_await(awl_sleep(AWL_MS));
    self->fresh = awl_create_task(co_call(nap, .t = 0));
    self->gone = awl_create_task(co_call(nap, .t = 0));
    awl_task_cancel(self->gone);
    awl_call_soon(NULL, NULL, dump_in_callback, NULL);
    dump(NULL);
    strcpy(first, text);
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    awl_task_error(self->failed);
    awl_task_release(self->done);
    awl_task_release(self->failed);
    awl_task_release(self->fresh);
    awl_task_release(self->gone);
    co_end;
}
#line 300 "test_dump.c"

TEST(a_task_may_look_itself)
{
    awl_loop *loop = open_virtual();

    CHECK_INT(awl_run_until_complete(loop, co_call(looks), NULL), 0);
    awl_loop_close(loop);
    CHECK_STR(first, "tasks: 1 running, 2 ready, 0 waiting, 2 done and not released\n"
                     "'looks': running, from where it went on\n"
                     "    in looks (tree.c:605)\n"
                     "'nap': ready\n"
                     "    in nap (tree.c:100), not started\n"
                     "    created at tree.c:606\n"
                     "'nap': ready, being cancelled\n"
                     "    in nap (tree.c:100), not started\n"
                     "    created at tree.c:607\n"
                     "ready: 'nap', 'nap', 1 callback\n"
                     "waiting: nobody\n"
                     "done, not released: 'sleeps', 'sleeps' (Broken pipe)\n");
    CHECK_STR(text, "tasks: 0 running, 1 ready, 1 waiting, 3 done and not released\n"
                    "'looks': waiting for a timer, 1.000 s left\n"
                    "    in awl_sleep\n"
                    "    in looks (tree.c:612)\n"
                    "'nap': ready\n"
                    "    in nap (tree.c:103)\n"
                    "    created at tree.c:606\n"
                    "ready: 'nap'\n"
                    "waiting: 'looks'\n"
                    "done, not released: 'sleeps', 'sleeps' (Broken pipe), 'nap' (cancelled)\n");
}

co_def(looks_at_once, {})
{
    co_begin;
    dump(NULL);
    co_end;
}

TEST(in_its_first_step)
{
    run_main(co_call(looks_at_once));
    CHECK(strstr(text, "in looks_at_once (test_dump.c:") && strstr(text, "), from its beginning\nready: nothing\n"));
}

/* ---- What is not a tree, or large ---------------------------------------------------------------------------------- */

enum { MANY = 300 };

co_def(chain, { awl_task *t[MANY]; int i, rc; })
{
    co_begin;
    self->t[0] = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    for (self->i = 1; self->i < MANY; self->i++)
        self->t[self->i] = awl_create_task(co_call(awaits_task, .t = self->t[self->i - 1]));
    co_await(self->t[MANY - 1]);
    co_finally;
    for (self->i = 0; self->i < MANY; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

static size_t lines, shown, longest;

static void count_line(void *arg, const char *line)
{
    (void)arg;
    lines++;
    shown += strncmp(line + strspn(line, " "), "'", 1) == 0 && strstr(line, "': waiting") != NULL;
    longest = strlen(line) > longest ? strlen(line) : longest;
}

static void count_in_callback(void *loop) { awl_dump_lines(loop, count_line, NULL); }

TEST(a_long_chain_is_shown_in_pieces_and_each_task_once)
{
    awl_loop *loop = open_virtual();
    awl_coro object = co_call(chain);

    CHECK_INT(awl_call_later(loop, NULL, AWL_MS, count_in_callback, loop), 0);
    CHECK_INT(awl_run_until_complete(loop, object, NULL), 0);
    awl_loop_close(loop);
    CHECK_INT(shown, MANY + 1);
    CHECK(longest < 200);
}

co_def(ring, { awl_task **next; })
{
    co_begin;
    co_await(awl_wait(self->next, 1, AWL_ALL_COMPLETED, AWL_SECOND));
    co_end;
}

co_def(rings, { awl_task *t[2]; })
{
    co_begin;
    self->t[0] = awl_create_task(co_call(ring, .next = &self->t[1]));
    self->t[1] = awl_create_task(co_call(ring, .next = &self->t[0]));
    co_await(awl_sleep(AWL_MS));
    dump(NULL);
    co_await(self->t[0]);
    co_finally;
    awl_task_release(self->t[0]);
    awl_task_release(self->t[1]);
    co_end;
}

TEST(tasks_that_wait_for_each_other_are_shown)
{
    run_main(co_call(rings));
    CHECK(strstr(text, "\n'ring': waiting for all of 1, 1 left"));
    CHECK(strstr(text, "\n  'ring': waiting for all of 1, 1 left"));
    CHECK(strstr(text, "\n    'ring': see above\n"));
}

TEST(a_name_may_say_anything_and_stays_in_its_line)
{
    awl_loop *loop = open_virtual();
    awl_task *task = awl_loop_create_task(loop, co_call(sleeps, .t = AWL_MS));

    CHECK(task != NULL);
    CHECK_INT(awl_task_set_name(task, "a\nb\033[2J\x7f\xc3\xa4"), 0);
    dump(loop);
    CHECK(strstr(text, "\n'a?b?[2J?\xc3\xa4': ready\n"));
    CHECK(strstr(text, "\nready: 'a?b?[2J?\xc3\xa4'\n"));
    CHECK_INT(awl_run_until_complete(loop, task, NULL), 0);
    awl_task_release(task);
    awl_loop_close(loop);
}

TEST(a_name_of_any_length_is_cut)
{
    awl_loop *loop = open_virtual();
    awl_task *task = awl_loop_create_task(loop, co_call(sleeps, .t = AWL_MS));
    char name[2000];

    CHECK(task != NULL);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_INT(awl_task_set_name(task, name), 0);
    awl_dump_lines(loop, count_line, NULL);
    CHECK_INT(longest, 511);
    CHECK_INT(awl_run_until_complete(loop, task, NULL), 0);
    awl_task_release(task);
    awl_loop_close(loop);
}

/* ---- While a loop is being closed ------------------------------------------------------------------------------------ */

static awl_loop *closing;

static void dump_at_report(void *arg, const awl_report *report)
{
    (void)arg, (void)report;
    dump(closing);
}

/* None has been dropped when it is told that the second has not ended either. */
TEST(a_report_may_dump_what_is_left)
{
    awl_task *t[2];

    closing = awl_loop_open(&(awl_loop_options){ .virtual_time = true, .report = dump_at_report });
    CHECK(closing != NULL);
    t[0] = awl_loop_create_task(closing, co_call(nap, .t = AWL_SECOND));
    t[1] = awl_loop_create_task(closing, co_call(awaits_task, .t = t[0]));
    CHECK(t[0] && t[1]);
    CHECK_INT(awl_call_later(closing, NULL, AWL_MS, stop_loop, closing), 0);
    CHECK_INT(awl_loop_run_forever(closing), 0);
    awl_loop_close(closing);
    CHECK(strstr(text, "'awaits_task': waiting for 'nap'\n"));
    CHECK(strstr(text, "\n  'nap': waiting for a timer, 0.999 s left\n      in awl_sleep\n      in nap (tree.c:103)\n"));
}

/* ---- Where it goes ------------------------------------------------------------------------------------------------- */

TEST(to_a_descriptor)
{
    awl_loop *loop = open_virtual();
    awl_task *task = awl_loop_create_task(loop, co_call(chain));
    char read_back[1 << 16];
    size_t len = 0, used;
    ssize_t n = 1;
    int fds[2];

    CHECK(task != NULL);
    CHECK_INT(pipe(fds), 0);
    used = harness_alloc_count();
    awl_dump(loop, fds[1]);
    CHECK_INT(harness_alloc_count(), used); /* it takes no memory */
    close(fds[1]);
    while (n > 0 && len < sizeof read_back - 1) {
        n = read(fds[0], read_back + len, sizeof read_back - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fds[0]);
    read_back[len] = '\0';
    dump(loop);
    CHECK_STR(read_back, text);
    CHECK(strstr(text, "\n'chain': ready\n    in chain (test_dump.c:"));
    CHECK(strstr(text, "), not started\n"));
    CHECK_INT(awl_run_until_complete(loop, task, NULL), 0);
    awl_task_release(task);
    awl_loop_close(loop);
}

TEST(without_a_loop_nothing_is_written)
{
    dump(NULL);
    CHECK_STR(text, "");
    awl_dump(NULL, 2);
}

TEST(where_nobody_reads_it_is_dropped)
{
    awl_loop *loop = open_virtual();

    errno = EDOM;
    awl_dump(loop, -1);
    CHECK_INT(errno, EDOM);
    awl_dump_lines(loop, NULL, NULL);
    awl_loop_close(loop);
}
