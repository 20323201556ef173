/* test_dns.c: addresses as text, and awl_getaddrinfo. */
#define _POSIX_C_SOURCE 200809L
#include "../stream/rig.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <time.h>

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

TEST(addresses_are_parsed_and_written)
{
    static const char *const good[][2] = {
        { "127.0.0.1", "127.0.0.1:80" }, { "0.0.0.0", "0.0.0.0:80" },     { "::1", "[::1]:80" },
        { "2001:DB8::1", "[2001:db8::1]:80" }, { "fe80::1%1", "[fe80::1]:80" }, { "::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80" },
    };
    char text[AWL_ADDRESS_TEXT];
    awl_address address;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_INT(awl_address_parse(good[i][0], 80, &address), 0);
        CHECK_STR(awl_address_text(&address, text, sizeof text), good[i][1]);
        CHECK_INT(awl_address_port(&address), 80);
    }
}

TEST(what_is_no_address_is_refused)
{
    static const char *const bad[] = { "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::g", "[::1]", "1.2.3.4%1",
                                       "fe80::1%", "fe80::1%nosuchinterface", "1:2:3:4:5:6:7:8:9" };
    awl_address address, before;

    memset(&address, 0x5a, sizeof address);
    before = address;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(awl_address_parse(bad[i], 80, &address), EINVAL);
    CHECK_INT(awl_address_parse("127.0.0.1", -1, &address), EINVAL);
    CHECK_INT(awl_address_parse("127.0.0.1", 65536, &address), EINVAL);
    CHECK_INT(awl_address_parse(NULL, 80, &address), EINVAL);
    CHECK_MEM(&address, &before, sizeof address);
}

TEST(text_that_does_not_fit_is_empty)
{
    char text[14] = "x";
    awl_address address;

    CHECK_INT(awl_address_parse("127.0.0.1", 8000, &address), 0);
    CHECK_STR(awl_address_text(&address, text, 14), "");
    CHECK_STR(awl_address_text(&address, text, 0), "");
    CHECK_STR(awl_address_text(&(awl_address){ .of.any.sa_family = AF_UNIX }, text, sizeof text), "");
    CHECK_INT(awl_address_port(&(awl_address){ .of.any.sa_family = AF_UNIX }), 0);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* Counts threads of this process. */
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

STREAM_TEST(numbers_need_no_thread, { awl_address a[2]; int n, before; char text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    self->before = threads();
    co_let(self->n, awl_getaddrinfo("127.0.0.1", 80, AF_UNSPEC, self->a, 2));
    CHECK_INT(self->n, 1);
    CHECK_STR(awl_address_text(&self->a[0], self->text, sizeof self->text), "127.0.0.1:80");
    co_let(self->n, awl_getaddrinfo("::1", 80, AF_INET6, self->a, 2));
    CHECK_INT(self->n, 1);
    CHECK_INT(threads(), self->before);
    co_end;
}

STREAM_TEST(names_are_looked_up, { awl_address a[8]; int n; char text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    co_let(self->n, awl_getaddrinfo("localhost", 80, AF_INET, self->a, 8));
    CHECK(self->n >= 1);
    CHECK_STR(awl_address_text(&self->a[0], self->text, sizeof self->text), "127.0.0.1:80");
    co_let(self->n, awl_getaddrinfo("localhost", 81, AF_UNSPEC, self->a, 1));
    CHECK_INT(self->n, 1);
    CHECK_INT(awl_address_port(&self->a[0]), 81);
    co_end;
}

/* The clock has nowhere to jump to, but an answer is on its way. */
VIRTUAL_TEST(names_are_looked_up_under_virtual_time, { awl_address a[2]; int i, n; })
{
    co_begin;
    for (self->i = 0; self->i < 20; self->i++) {
        co_let(self->n, awl_getaddrinfo("localhost", 80, AF_UNSPEC, self->a, 2));
        CHECK(self->n >= 1);
    }
    co_end;
}

STREAM_TEST(several_look_ups_at_once, { awl_address a[8][4]; int i; awl_task *t[8]; })
{
    co_begin;
    for (self->i = 0; self->i < 8; self->i++)
        self->t[self->i] = awl_create_task(awl_getaddrinfo("localhost", 80 + self->i, AF_INET, self->a[self->i], 4));
    co_await(awl_gather_n(self->t, 8, NULL, 0));
    for (self->i = 0; self->i < 8; self->i++) {
        CHECK_INT(awl_address_port(&self->a[self->i][0]), 80 + self->i);
        awl_task_release(self->t[self->i]);
    }
    co_end;
}

STREAM_TEST(name_that_does_not_exist, { awl_address a; int rc; char long_name[300]; })
{
    co_begin;
    co_try(self->rc, awl_getaddrinfo("no-such-host.invalid", 80, AF_UNSPEC, &self->a, 1));
    CHECK(self->rc == AWL_ENOHOST || self->rc == AWL_EDNS); /* without a name server, nobody knows */
    memset(self->long_name, 'a', sizeof self->long_name - 1);
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo(self->long_name, 80, AF_UNSPEC, &self->a, 1));
    CHECK(strstr(awl_error_message(AWL_ENOHOST), "more than 255 bytes") != NULL);
    CHECK_FAILS(AWL_ENOHOST, awl_getaddrinfo("127.0.0.1", 80, AF_INET6, &self->a, 1));
    CHECK_STR(awl_error_message(AWL_ENOHOST), "127.0.0.1: this is an address of another family");
    co_end;
}

STREAM_TEST(wrong_arguments_of_getaddrinfo, { awl_address a; int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_open_connection("example.org", 0, NULL));
    CHECK_FAILS(EINVAL, awl_getaddrinfo(NULL, 80, AF_UNSPEC, &self->a, 1));
    CHECK_STR(awl_error_message(EINVAL), awl_strerror(EINVAL)); /* and nothing of example.org */
    CHECK_FAILS(EINVAL, awl_getaddrinfo("", 80, AF_UNSPEC, &self->a, 1));
    CHECK_FAILS(EINVAL, awl_getaddrinfo("localhost", -1, AF_UNSPEC, &self->a, 1));
    CHECK_FAILS(EINVAL, awl_getaddrinfo("localhost", 65536, AF_UNSPEC, &self->a, 1));
    CHECK_FAILS(EINVAL, awl_getaddrinfo("localhost", 80, AF_UNSPEC, &self->a, 0));
    co_end;
}

STREAM_TEST(look_ups_can_be_cancelled, { awl_address a[4][2]; int i, rc; awl_task *t[4]; awl_loop_stats before, after; })
{
    co_begin;
    awl_loop_get_stats(awl_running_loop(), &self->before);
    for (self->i = 0; self->i < 4; self->i++)
        self->t[self->i] = awl_create_task(awl_getaddrinfo("localhost", 80, AF_INET, self->a[self->i], 2));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t[0]);
    awl_task_cancel(self->t[2]);
    awl_task_cancel(self->t[3]);
    CHECK_FAILS(ECANCELED, self->t[0]);
    CHECK_FAILS(ECANCELED, self->t[2]);
    CHECK_FAILS(ECANCELED, self->t[3]);
    co_await(self->t[1]);
    for (self->i = 0; self->i < 4; self->i++)
        awl_task_release(self->t[self->i]);
    for (self->i = 0; self->i < 100; self->i++) { /* what was found for nobody is freed when it arrives */
        awl_loop_get_stats(awl_running_loop(), &self->after);
        if (self->after.memory_used < self->before.memory_used + 256)
            break;
        co_await(awl_sleep(1 * AWL_MS));
    }
    CHECK(self->after.memory_used < self->before.memory_used + 256); /* the resolver's own */
    co_end;
}

co_def(leaves_look_up, { awl_address a[2]; })
{
    co_begin;
    awl_spawn(awl_getaddrinfo("localhost", 80, AF_INET, self->a, 2));
    co_await(awl_sleep(0));
    co_end;
}

static void *come_and_go(void *arg) { return arg; }

TEST(loop_can_be_closed_while_a_look_up_is_pending)
{
    pthread_t first;
    int before;

    /* With the first thread a sanitizer may start one of its own, which stays. */
    CHECK_INT(pthread_create(&first, NULL, come_and_go, NULL), 0);
    pthread_join(first, NULL);
    before = threads();
    run_main(co_call(leaves_look_up), false);
    for (int i = 0; i < 2000 && threads() > before; i++) /* the thread goes when its look-up is over */
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    CHECK(threads() <= before); /* the first one was joined, but may have been counted */
}
