/* test_cache.c: what awl_getaddrinfo knows, and what several of them ask together. */
#include "fake.h"

/* Looks `host` up, which must succeed. Needs a field `a` and a field `n`. */
#define LOOK_UP(host) co_let(self->n, awl_getaddrinfo((host), 80, AF_UNSPEC, self->a, 4))

/* ---- The cache --------------------------------------------------------------------------------------------------- */

VIRTUAL_TEST(answers_keep_their_order_and_get_the_port, { awl_address a[4]; int n; char text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    f = (fake){ .found = { "2001:db8::1", "192.0.2.1", "192.0.2.2" } };
    use_fake(&f);
    LOOK_UP("a.test");
    CHECK_INT(self->n, 3);
    memset(self->a, 0, sizeof self->a);
    co_let(self->n, awl_getaddrinfo("a.test", 81, AF_UNSPEC, self->a, 2));
    CHECK_INT(self->n, 2);
    CHECK_STR(awl_address_text(&self->a[0], self->text, sizeof self->text), "[2001:db8::1]:81");
    CHECK_STR(awl_address_text(&self->a[1], self->text, sizeof self->text), "192.0.2.1:81");
    CHECK_STR(f.names, "a.test/* ");
    co_end;
}

VIRTUAL_TEST(known_answer_costs_nothing, { awl_address a[4]; int n; awl_loop_stats before, after; size_t count; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" } };
    use_fake(&f);
    LOOK_UP("a.test");
    awl_loop_get_stats(NULL, &self->before);
    self->count = harness_alloc_count();
    LOOK_UP("a.test");
    awl_loop_get_stats(NULL, &self->after);
    CHECK_INT(self->after.iterations, self->before.iterations);
    CHECK_INT(harness_alloc_count(), self->count);
    co_end;
}

VIRTUAL_TEST(answers_last_for_ten_seconds, { awl_address a[4]; int n; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" }, .delay = 3 * AWL_SECOND };
    use_fake(&f);
    LOOK_UP("a.test"); /* counted from when the answer came, not from when it was asked for */
    co_await(awl_sleep(10 * AWL_SECOND - 1 * AWL_US));
    LOOK_UP("a.test");
    CHECK_INT(f.asked, 1);
    co_await(awl_sleep(1 * AWL_US));
    LOOK_UP("a.test");
    CHECK_INT(f.asked, 2);
    co_end;
}

VIRTUAL_TEST(families_are_known_apart, { awl_address a[4]; int n; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1", "2001:db8::1" } };
    use_fake(&f);
    LOOK_UP("a.test");
    co_let(self->n, awl_getaddrinfo("a.test", 80, AF_INET, self->a, 4));
    CHECK_INT(self->n, 1);
    CHECK_INT(self->a[0].of.any.sa_family, AF_INET);
    co_let(self->n, awl_getaddrinfo("a.test", 80, AF_INET6, self->a, 4));
    CHECK_INT(self->n, 1);
    CHECK_INT(self->a[0].of.any.sa_family, AF_INET6);
    LOOK_UP("A.test"); /* another spelling is another name, which costs no more than a question */
    CHECK_STR(f.names, "a.test/* a.test/4 a.test/6 A.test/* ");
    co_end;
}

VIRTUAL_TEST(errors_are_not_kept, { awl_address a[4]; int n, rc; })
{
    co_begin;
    f = (fake){ .error = AWL_ENOHOST };
    use_fake(&f);
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo("a.test", 80, AF_UNSPEC, self->a, 4));
    CHECK_STR(awl_error_message(AWL_ENOHOST), "a.test: no such host name");
    f.error = AWL_EDNS;
    CHECK_FAILS(AWL_EDNS, awl_getaddrinfo("a.test", 80, AF_UNSPEC, self->a, 4));
    f.error = 0;
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo("a.test", 80, AF_UNSPEC, self->a, 4)); /* it found nothing */
    f.found[0] = "192.0.2.1";
    LOOK_UP("a.test");
    CHECK_INT(f.asked, 4);

    /* And they take no room. */
    CHECK_INT(awl_dns_set_cache(NULL, AWL_FOREVER, 1), 0);
    f.error = AWL_ENOHOST;
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo("b.test", 80, AF_UNSPEC, self->a, 4));
    LOOK_UP("a.test");
    CHECK_INT(f.asked, 5);
    co_end;
}

VIRTUAL_TEST(oldest_answers_make_room, { awl_address a[4]; int n, i; char name[24]; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" } };
    use_fake(&f);
    for (self->i = 0; self->i < 65; self->i++) {
        snprintf(self->name, sizeof self->name, "n%d.test", self->i);
        LOOK_UP(self->name);
    }
    LOOK_UP("n64.test");
    LOOK_UP("n1.test");
    CHECK_INT(f.asked, 65);
    LOOK_UP("n0.test");
    CHECK_INT(f.asked, 66);
    LOOK_UP("n1.test"); /* which was the oldest then: that it was of use does not count */
    CHECK_INT(f.asked, 67);
    co_end;
}

VIRTUAL_TEST(cache_can_be_set, { awl_address a[4]; int n; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" } };
    use_fake(&f);
    CHECK_INT(awl_dns_set_cache(NULL, 60 * AWL_SECOND, 2), 0);
    LOOK_UP("a.test");
    LOOK_UP("b.test");
    co_await(awl_sleep(59 * AWL_SECOND));
    LOOK_UP("a.test");
    CHECK_STR(f.names, "a.test/* b.test/* ");
    CHECK_INT(awl_dns_set_cache(NULL, 60 * AWL_SECOND, 1), 0); /* the older one goes at once */
    LOOK_UP("b.test");
    LOOK_UP("a.test");
    CHECK_STR(f.names, "a.test/* b.test/* a.test/* ");
    co_await(awl_sleep(5 * AWL_SECOND));
    CHECK_INT(awl_dns_set_cache(NULL, 5 * AWL_SECOND, 1), 0);
    LOOK_UP("a.test");
    CHECK_INT(f.asked, 4);
    co_end;
}

VIRTUAL_TEST(cache_can_be_off, { awl_address a[4]; int n; awl_loop_stats before, after; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" } };
    use_fake(&f);
    LOOK_UP("a.test");
    CHECK_INT(awl_dns_set_cache(NULL, AWL_FOREVER, 0), 0);
    awl_loop_get_stats(NULL, &self->before);
    LOOK_UP("a.test");
    CHECK_INT(awl_dns_set_cache(NULL, 0, 64), 0);
    LOOK_UP("a.test");
    CHECK_INT(awl_dns_set_cache(NULL, -1, 64), 0);
    LOOK_UP("a.test");
    awl_loop_get_stats(NULL, &self->after);
    CHECK_INT(f.asked, 4);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    CHECK_INT(awl_dns_set_cache(NULL, AWL_FOREVER, 64), 0);
    LOOK_UP("a.test");
    co_await(awl_sleep(1000000 * AWL_SECOND));
    LOOK_UP("a.test");
    CHECK_INT(f.asked, 5);
    co_end;
}

VIRTUAL_TEST(cache_can_be_cleared, { awl_address a[4]; int n; awl_loop_stats before, after; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" } };
    use_fake(&f);
    LOOK_UP("a.test");
    awl_dns_clear_cache(NULL);
    awl_loop_get_stats(NULL, &self->before);
    LOOK_UP("a.test");
    LOOK_UP("b.test");
    awl_dns_clear_cache(NULL);
    awl_loop_get_stats(NULL, &self->after);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    LOOK_UP("a.test");
    LOOK_UP("a.test");
    CHECK_INT(f.asked, 4);
    co_end;
}

TEST(cache_without_a_loop)
{
    awl_loop *loop;

    CHECK_INT(awl_dns_set_cache(NULL, AWL_SECOND, 1), EINVAL);
    awl_dns_clear_cache(NULL);
    loop = awl_loop_open(NULL);
    CHECK(loop != NULL);
    awl_dns_clear_cache(loop);
    CHECK_INT(awl_dns_set_cache(loop, AWL_SECOND, 1), 0);
    awl_loop_close(loop);
}

/* ---- Asking together --------------------------------------------------------------------------------------------- */

/* Eight look-ups at once, of two names. */
VIRTUAL_TEST(look_ups_of_one_name_ask_once, { awl_address a[8][4]; int i; awl_task *t[8]; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" }, .delay = AWL_SECOND };
    use_fake(&f);
    for (self->i = 0; self->i < 8; self->i++) {
        self->t[self->i] = awl_create_task(
            awl_getaddrinfo(self->i % 2 ? "a.test" : "b.test", 80 + self->i, AF_INET, self->a[self->i], 4));
        if (self->i == 5)
            co_await(awl_sleep(AWL_SECOND / 2));
    }
    co_await(awl_gather_n(self->t, 8, NULL, 0));
    CHECK_INT(awl_loop_time(NULL), AWL_SECOND);
    CHECK_STR(f.names, "b.test/4 a.test/4 ");
    for (self->i = 0; self->i < 8; self->i++) {
        CHECK_INT(awl_task_value(self->t[self->i]).i, 1);
        CHECK_INT(awl_address_port(&self->a[self->i][0]), 80 + self->i);
    }
    co_finally;
    for (self->i = 0; self->i < 8; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

VIRTUAL_TEST(families_are_asked_for_apart, { awl_address a[2][4]; awl_task *t; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1", "2001:db8::1" }, .delay = AWL_SECOND };
    use_fake(&f);
    self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a[0], 4));
    co_await(awl_getaddrinfo("a.test", 80, AF_INET6, self->a[1], 4));
    co_await(self->t);
    CHECK_INT(self->a[0][0].of.any.sa_family, AF_INET);
    CHECK_INT(self->a[1][0].of.any.sa_family, AF_INET6);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

VIRTUAL_TEST(error_is_for_all_who_wait, { awl_address a[2][4]; int rc; awl_task *t; })
{
    co_begin;
    f = (fake){ .error = AWL_EDNS, .delay = AWL_SECOND };
    use_fake(&f);
    self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a[0], 4));
    CHECK_FAILS(AWL_EDNS, awl_getaddrinfo("a.test", 80, AF_INET, self->a[1], 4));
    CHECK_FAILS(AWL_EDNS, self->t);
    CHECK_INT(f.asked, 1);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* Cancels the first, the second, or both of two that wait. */
co_def(cancels, { awl_address a[2][4]; int which, i, rc; awl_task *t[2]; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" }, .delay = AWL_SECOND };
    use_fake(&f);
    for (self->i = 0; self->i < 2; self->i++)
        self->t[self->i] = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a[self->i], 4));
    co_await(awl_sleep(AWL_SECOND / 2));
    for (self->i = 0; self->i < 2; self->i++) {
        if (self->which & 1 << self->i)
            awl_task_cancel(self->t[self->i]);
    }
    for (self->i = 0; self->i < 2; self->i++)
        CHECK_FAILS(self->which & 1 << self->i ? ECANCELED : 0, self->t[self->i]);
    CHECK_INT(awl_loop_time(NULL), self->which == 3 ? AWL_SECOND / 2 : AWL_SECOND);
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    CHECK_INT(f.cancelled, self->which == 3);
    co_await(awl_getaddrinfo("a.test", 80, AF_INET, self->a[0], 4));
    CHECK_INT(f.asked, self->which == 3 ? 2 : 1);
    co_finally;
    awl_task_release(self->t[0]);
    awl_task_release(self->t[1]);
    co_end;
}

TEST(first_of_two_is_cancelled) { run_main(co_call(cancels, .which = 1), true); }
TEST(second_of_two_is_cancelled) { run_main(co_call(cancels, .which = 2), true); }
TEST(both_of_two_are_cancelled) { run_main(co_call(cancels, .which = 3), true); }

/* A name that is asked for again while a query that nobody wants is still ending is asked anew. */
VIRTUAL_TEST(what_was_cancelled_is_not_joined, { awl_address a[2][4]; int n, rc; awl_task *t; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" }, .delay = AWL_SECOND };
    use_fake(&f);
    self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a[0], 4));
    co_await(awl_sleep(AWL_SECOND / 2));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    co_let(self->n, awl_getaddrinfo("a.test", 80, AF_INET, self->a[1], 4));
    CHECK_INT(self->n, 1);
    CHECK_INT(f.asked, 2);
    CHECK_INT(f.cancelled, 1);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* In each iteration up to its end, that included in which the answer has come, but has not been fetched. */
VIRTUAL_TEST(cancelled_in_any_iteration, { awl_address a[4]; int i, rc, cancelled; awl_task *t; })
{
    co_begin;
    for (self->i = 0; self->i < 8; self->i++) {
        f = (fake){ .found = { "192.0.2.1" } };
        use_fake(&f);
        self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a, 4));
        for (self->rc = 0; self->rc < self->i; self->rc++)
            co_await(awl_sleep(0));
        awl_task_cancel(self->t);
        co_try_cancel(self->rc, self->t);
        CHECK(self->rc == ECANCELED ? self->cancelled == self->i : !self->rc);
        self->cancelled += self->rc == ECANCELED;
        awl_task_release(self->t);
        self->t = NULL;
    }
    CHECK(self->cancelled > 3 && self->cancelled < 8);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

VIRTUAL_TEST(clearing_parts_from_what_is_on_its_way, { awl_address a[2][4]; awl_task *t; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" }, .delay = AWL_SECOND };
    use_fake(&f);
    self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a[0], 4));
    co_await(awl_sleep(AWL_SECOND / 2));
    awl_dns_clear_cache(NULL);
    co_await(awl_getaddrinfo("a.test", 80, AF_INET, self->a[1], 4));
    CHECK_INT(f.asked, 2);
    CHECK_INT(awl_loop_time(NULL), AWL_SECOND * 3 / 2);
    CHECK_INT(awl_task_value(self->t).i, 1); /* it has ended as it would */
    awl_task_release(self->t);
    awl_dns_clear_cache(NULL);

    /* What comes in after that is not kept. */
    self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a[0], 4));
    co_await(awl_sleep(AWL_SECOND / 2));
    awl_dns_clear_cache(NULL);
    co_await(self->t);
    CHECK_INT(f.asked, 3);
    co_await(awl_getaddrinfo("a.test", 80, AF_INET, self->a[1], 4));
    CHECK_INT(f.asked, 4);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* Each loop's end is one of look-ups that are on their way. */
VIRTUAL_TEST(look_up_is_left_at_the_end_of_the_loop, { awl_address a[4]; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" }, .delay = AWL_SECOND };
    use_fake(&f);
    CHECK_INT(awl_spawn(awl_getaddrinfo("a.test", 80, AF_INET, self->a, 4)), 0);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(f.asked, 1);
    co_end;
}
