/* test_resolver.c: resolvers of the user's, and the system's with names that hang. */
#define _GNU_SOURCE
#include "fake.h"

#include <netdb.h>
#include <pthread.h>
#include <sched.h>

VIRTUAL_TEST(resolver_is_asked_instead_of_the_system, { awl_address a[4]; int n; char text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.7" } };
    use_fake(&f);
    co_let(self->n, awl_getaddrinfo("localhost", 80, AF_UNSPEC, self->a, 4));
    CHECK_STR(awl_address_text(&self->a[0], self->text, sizeof self->text), "192.0.2.7:80");
    co_let(self->n, awl_getaddrinfo("127.0.0.1", 80, AF_UNSPEC, self->a, 4)); /* numbers do not get there */
    co_let(self->n, awl_getaddrinfo("::1", 80, AF_UNSPEC, self->a, 4));
    CHECK_STR(f.names, "localhost/* ");
    co_end;
}

VIRTUAL_TEST(resolver_can_be_changed, { awl_address a[4]; int n, rc; })
{
    co_begin;
    f = g = (fake){ .found = { "192.0.2.7" } };
    use_fake(&f);
    co_let(self->n, awl_getaddrinfo("localhost", 80, AF_INET, self->a, 4));
    use_fake(&g);
    co_let(self->n, awl_getaddrinfo("localhost", 80, AF_INET, self->a, 4)); /* what the first has said is forgotten */
    CHECK_INT(g.asked, 1);
    CHECK_INT(awl_loop_set_resolver(NULL, NULL), 0);
    co_let(self->n, awl_getaddrinfo("localhost", 80, AF_INET, self->a, 4));
    CHECK_INT(self->a[0].of.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK_INT(f.asked + g.asked, 2);
    co_end;
}

VIRTUAL_TEST(look_up_goes_on_with_the_resolver_that_it_began_with, { awl_address a[2][4]; int n; awl_task *t; })
{
    co_begin;
    f = g = (fake){ .found = { "192.0.2.7" }, .delay = AWL_SECOND };
    use_fake(&f);
    self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a[0], 4));
    co_await(awl_sleep(AWL_MS));
    g.found[0] = "192.0.2.8";
    use_fake(&g);
    co_let(self->n, awl_getaddrinfo("a.test", 80, AF_INET, self->a[1], 4));
    co_await(self->t);
    CHECK_INT(self->a[0][0].of.v4.sin_addr.s_addr, htonl(0xc0000207));
    CHECK_INT(self->a[1][0].of.v4.sin_addr.s_addr, htonl(0xc0000208));
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* Too many, too few, and of the wrong family. */
VIRTUAL_TEST(what_a_resolver_says_is_sifted, { awl_address a[32]; int n, rc; char text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1", "2001:db8::1", "192.0.2.2" }, .count = 1000 };
    use_fake(&f);
    co_let(self->n, awl_getaddrinfo("a.test", 80, AF_INET, self->a, 32));
    CHECK_INT(self->n, 2);
    CHECK_STR(awl_address_text(&self->a[1], self->text, sizeof self->text), "192.0.2.2:80");
    f.count = -1;
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo("b.test", 80, AF_INET, self->a, 32));
    f.count = 0;
    f.found[0] = f.found[2] = "2001:db8::2";
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo("c.test", 80, AF_INET, self->a, 32));
    co_end;
}

/* Anybody can cancel a task; then there is no answer for those who wait. */
VIRTUAL_TEST(resolver_task_that_somebody_cancels, { awl_address a[4]; int rc; awl_task *all[4], *t; })
{
    co_begin;
    f = (fake){ .found = { "192.0.2.1" }, .delay = AWL_SECOND };
    use_fake(&f);
    self->t = awl_create_task(awl_getaddrinfo("a.test", 80, AF_INET, self->a, 4));
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(awl_all_tasks(NULL, self->all, 4), 3);
    awl_task_cancel(self->all[2]);
    CHECK_FAILS(ECANCELED, self->t);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

static awl_coro no_memory(awl_resolver *resolver, const char *host, int family, awl_address *addresses, size_t cap)
{
    (void)resolver, (void)host, (void)family, (void)addresses, (void)cap;
    return (awl_coro){ NULL, 0 };
}

VIRTUAL_TEST(resolver_without_memory, { awl_resolver r; awl_address a[4]; int rc; })
{
    co_begin;
    self->r.look_up = no_memory;
    CHECK_INT(awl_loop_set_resolver(NULL, &self->r), 0);
    CHECK_FAILS(ENOMEM, awl_getaddrinfo("a.test", 80, AF_INET, self->a, 4));
    co_end;
}

TEST(resolver_of_no_loop_or_without_a_function)
{
    awl_resolver none = { NULL };
    awl_loop *loop = awl_loop_open(NULL);

    CHECK(loop != NULL);
    CHECK_INT(awl_loop_set_resolver(NULL, NULL), EINVAL);
    CHECK_INT(awl_loop_set_resolver(loop, &none), EINVAL);
    awl_loop_close(loop);
}

/* ---- One that asks another --------------------------------------------------------------------------------------- */

static awl_coro ask_the_system(awl_resolver *resolver, const char *host, int family, awl_address *addresses, size_t cap)
{
    (void)resolver;
    return awl_resolver_look_up(NULL, strcmp(host, "alias.test") == 0 ? "localhost" : host, family, addresses, cap);
}

STREAM_TEST(resolver_can_ask_the_system, { awl_resolver r; awl_address a[4]; int n, rc; })
{
    co_begin;
    self->r.look_up = ask_the_system;
    CHECK_INT(awl_loop_set_resolver(NULL, &self->r), 0);
    co_let(self->n, awl_getaddrinfo("alias.test", 80, AF_INET, self->a, 4));
    CHECK(self->n >= 1);
    CHECK_INT(self->a[0].of.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK_INT(awl_address_port(&self->a[0]), 80);
    co_let(self->n, awl_resolver_look_up(&self->r, "alias.test", AF_INET, self->a, 1));
    CHECK_INT(self->n, 1);
    CHECK_INT(awl_address_port(&self->a[0]), 0);
    CHECK_FAILS(EINVAL, awl_resolver_look_up(NULL, NULL, AF_INET, self->a, 1));
    CHECK_FAILS(EINVAL, awl_resolver_look_up(NULL, "", AF_INET, self->a, 1));
    CHECK_FAILS(EINVAL, awl_resolver_look_up(NULL, "localhost", AF_INET, self->a, 0));
    co_end;
}

/* ---- A name service that hangs ----------------------------------------------------------------------------------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: names that begin with `hang` do not return */
static const char *const hanging[] = { "hang0", "hang1", "hang2", "hang3", "hang4", "hang5", "hang6", "hang7" };
static awl_address addresses[8]; /* here, as tasks may outlive a test's frame that fails */
static bool held;
static int inside, most_inside, asked;

static void hold(void)
{
    pthread_mutex_lock(&gate);
    held = true;
}

static void let_in(void)
{
    if (held)
        pthread_mutex_unlock(&gate);
    held = false;
}

/* In the place of libc's, for the library in this program (by the linker's --wrap). */
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list);
int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    const int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    int code;

    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    if (now > __atomic_load_n(&most_inside, __ATOMIC_SEQ_CST))
        __atomic_store_n(&most_inside, now, __ATOMIC_SEQ_CST);
    if (strncmp(name, "hang", 4) == 0) {
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
        name = "127.0.0.9";
    }
    if (strcmp(name, "again.test") == 0)
        code = EAI_AGAIN;
    else if (strcmp(name, "memory.test") == 0)
        code = EAI_MEMORY;
    else if (strcmp(name, "system.test") == 0)
        code = (errno = EMFILE, EAI_SYSTEM);
    else if (strcmp(name, "none.test") == 0)
        code = EAI_NONAME;
    else
        code = __real_getaddrinfo(strcmp(name, "quick.test") ? name : "127.0.0.1", service, hints, list);
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    return code;
}

/* Waits until so many are within getaddrinfo, or one of the tasks has failed. */
co_def(until_inside, { int n; awl_task *const *tasks; size_t count; })
{
    co_begin;
    while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) != self->n) {
        co_await(awl_sleep(100 * AWL_US));
        for (size_t i = 0; i < self->count; i++) {
            if (awl_task_done(self->tasks[i]))
                co_raise(awl_task_error(self->tasks[i]));
        }
    }
    co_end;
}

STREAM_TEST(errors_of_the_system_are_told_apart, { awl_address a; int rc; })
{
    co_begin;
    CHECK_FAILS(AWL_EDNS, awl_getaddrinfo("again.test", 80, AF_INET, &self->a, 1));
    CHECK_FAILS(ENOMEM, awl_getaddrinfo("memory.test", 80, AF_INET, &self->a, 1));
    CHECK_FAILS(EMFILE, awl_getaddrinfo("system.test", 80, AF_INET, &self->a, 1));
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo("none.test", 80, AF_INET, &self->a, 1));
    co_end;
}

/* With one, two and three names that hang another one is still looked up; a fifth waits. */
STREAM_TEST(hanging_names_leave_room_for_others, { int i, n; awl_task *t[6]; })
{
    co_begin;
    hold();
    for (self->i = 0; self->i < 5; self->i++) {
        if (self->i < 4) {
            awl_dns_clear_cache(NULL);
            co_let(self->n, awl_getaddrinfo("quick.test", 80, AF_INET, &addresses[5], 1));
        }
        self->t[self->i] = awl_create_task(awl_getaddrinfo(hanging[self->i], 80, AF_INET, &addresses[self->i], 1));
        CHECK(self->t[self->i] != NULL);
        co_await(co_call(until_inside, .n = self->i < 4 ? self->i + 1 : 4, .tasks = self->t,
                         .count = (size_t)self->i + 1));
    }
    /* The cache needs no thread. */
    self->t[5] = awl_create_task(awl_getaddrinfo("quick.test", 81, AF_INET, &addresses[5], 1));
    co_await(awl_wait_for(self->t[5], 2 * AWL_SECOND));
    awl_dns_clear_cache(NULL);
    awl_task_cancel(self->t[0]); /* whose thread is no freer for it */
    co_await(awl_sleep(2 * AWL_MS));
    CHECK_INT(__atomic_load_n(&inside, __ATOMIC_SEQ_CST), 4);
    let_in();
    for (self->i = 1; self->i < 5; self->i++) {
        co_await(self->t[self->i]);
        CHECK_INT(addresses[self->i].of.v4.sin_addr.s_addr, htonl(0x7f000009));
    }
    CHECK_INT(__atomic_load_n(&most_inside, __ATOMIC_SEQ_CST), 4);
    co_finally;
    let_in();
    for (self->i = 0; self->i < 6; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

/* Those that are cancelled before a thread takes them are never asked for. */
STREAM_TEST(queued_names_can_be_cancelled, { int i, rc; awl_task *t[9]; })
{
    co_begin;
    hold();
    for (self->i = 0; self->i < 8; self->i++) {
        self->t[self->i] = awl_create_task(awl_getaddrinfo(hanging[self->i], 80, AF_INET, &addresses[self->i], 1));
        CHECK(self->t[self->i] != NULL);
    }
    co_await(co_call(until_inside, .n = 4, .tasks = self->t, .count = (size_t)self->i));
    awl_task_cancel(self->t[7]); /* the last, the first and one between of those that wait */
    awl_task_cancel(self->t[4]);
    awl_task_cancel(self->t[5]);
    for (self->i = 4; self->i < 8; self->i++) {
        if (self->i != 6)
            CHECK_FAILS(ECANCELED, self->t[self->i]);
    }
    /* Behind what is left. */
    self->t[8] = awl_create_task(awl_getaddrinfo("quick.test", 80, AF_INET, &addresses[7], 1));
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    let_in();
    co_await(self->t[6]);
    co_await(self->t[8]);
    CHECK_INT(__atomic_load_n(&asked, __ATOMIC_SEQ_CST), 6);
    co_finally;
    let_in();
    for (self->i = 0; self->i < 9; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

static int threads(void)
{
    char line[128];
    int n = 0;
    FILE *status = fopen("/proc/self/status", "r");

    while (status && fgets(line, sizeof line, status))
        sscanf(line, "Threads: %d", &n);
    if (status)
        fclose(status);
    return n;
}

/* The others have nothing to do, and end. */
STREAM_TEST(one_thread_is_left_after_a_rush, { int i, before; awl_task *t[4]; })
{
    co_begin;
    co_await(awl_getaddrinfo("quick.test", 80, AF_INET, &addresses[0], 1));
    self->before = threads();
    hold();
    for (self->i = 0; self->i < 4; self->i++) {
        self->t[self->i] = awl_create_task(awl_getaddrinfo(hanging[self->i], 80, AF_INET, &addresses[self->i], 1));
        CHECK(self->t[self->i] != NULL);
    }
    co_await(co_call(until_inside, .n = 4, .tasks = self->t, .count = (size_t)self->i));
    CHECK_INT(threads(), self->before + 3);
    let_in();
    for (self->i = 0; self->i < 4; self->i++)
        co_await(self->t[self->i]);
    while (threads() > self->before) /* the time limit is the test's */
        co_await(awl_sleep(1 * AWL_MS));
    co_finally;
    let_in();
    for (self->i = 0; self->i < 4; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

/* With virtual time: nothing is to come of it. */
co_def(waits_for_ever, { int rc; awl_task *t[1]; awl_future never; })
{
    co_begin;
    hold();
    self->t[0] = awl_create_task(awl_getaddrinfo(hanging[0], 80, AF_INET, &addresses[0], 1));
    CHECK(self->t[0] != NULL);
    co_await(co_call(until_inside, .n = 1, .tasks = self->t, .count = 1));
    awl_task_cancel(self->t[0]);
    CHECK_FAILS(ECANCELED, self->t[0]);
    awl_future_init(&self->never, NULL);
    co_await(&self->never);
    co_finally;
    let_in();
    awl_task_release(self->t[0]);
    co_end;
}

TEST(cancelled_look_up_keeps_no_loop_waiting)
{
    const awl_loop_options options = { .virtual_time = true, .report = note_report };

    CHECK_INT(awl_run_with(co_call(waits_for_ever), &options, NULL), EDEADLK);
    while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST))
        sched_yield();
}
