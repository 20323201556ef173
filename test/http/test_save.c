/* test_save.c: bodies that become files. */
#define _GNU_SOURCE
#include "client_rig.h"

#include "../file/folder.h"

/* Lets threads close what was given back. */
co_def(quiet, {
    awl_executor_stats stats;
    int turns;
})
{
    co_begin;
    while (self->turns++ < 4) {
        co_await(awl_sleep(0));
        awl_executor_get_stats(NULL, &self->stats);
        if (self->stats.jobs)
            self->turns = 0;
    }
    co_end;
}

CLIENT_TEST(a_body_becomes_a_file, ANSWERS(SAY(HELLO), SAY(EMPTY)), { int64_t n; })
{
    co_begin;
    OPEN(.raw = true);
    put_file("a", "before");
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    co_let(self->n, awl_response_save(self->r, path_of("a"), 5));
    CHECK_INT(self->n, 5);
    CHECK_STR(text_in("a"), "hello");
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    co_let(self->n, awl_response_save(self->r, path_of("b"), 0));
    CHECK_INT(self->n, 0);
    CHECK_STR(text_in("b"), "");
    CHECK_STR(names(), "a b");
    CLIENT_END;
}

static char much[1000000];
static char answer_of_much[1000100];

CLIENT_TEST(much_becomes_a_file, ANSWERS({ .text = answer_of_much, .size = 1, .then = KEEP }), {
    int64_t n;
    struct stat st;
})
{
    co_begin;
    memset(much, 'x', sizeof much - 1);
    script.answers->size = (size_t)snprintf(answer_of_much, sizeof answer_of_much,
                                            "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", sizeof much - 1, much);
    OPEN(.raw = true);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    co_let(self->n, awl_response_save(self->r, path_of("a"), 0));
    CHECK_INT(self->n, sizeof much - 1);
    CHECK_INT(stat(path_of("a"), &self->st), 0);
    CHECK_INT(self->st.st_size, sizeof much - 1);
    CLIENT_END;
}

CLIENT_TEST(what_is_not_whole_is_no_file,
            ANSWERS({ .text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", .then = CLOSE }, SAY(HELLO),
                    SAY(HELLO)),
            {})
{
    co_begin;
    OPEN(.raw = true);
    put_file("a", "before");
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    CHECK_FAILS(AWL_EINCOMPLETE, awl_response_save(self->r, path_of("a"), 0));
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    CHECK_FAILS(AWL_ELIMIT, awl_response_save(self->r, path_of("a"), 4));
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    CHECK_FAILS(ENOENT, awl_response_save(self->r, path_of("none/a"), 0));
    CHECK_FAILS(EINVAL, awl_response_save(self->r, NULL, 0));
    CHECK_FAILS(EINVAL, awl_response_save(NULL, path_of("a"), 0));
    co_await(co_call(quiet));
    CHECK_STR(text_in("a"), "before");
    CHECK_STR(names(), "a");
    CLIENT_END;
}

CLIENT_TEST(a_cancelled_download_leaves_nothing,
            ANSWERS({ .text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", .then = HANG }), {})
{
    co_begin;
    OPEN(.raw = true);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_response_save(self->r, path_of("a"), 0), 50 * AWL_MS));
    co_await(co_call(quiet));
    CHECK_STR(names(), "");
    CLIENT_END;
}
