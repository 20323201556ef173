/* The client in little memory: whatever does not fit is an error, and the loop goes on. */
#include "client_rig.h"
#include "http_client/http_client_priv.h"

static answer answers[] = {
    SAY("HTTP/1.1 302 F\r\nLocation: /b\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nab", .path = "/a",
        .again = true),
    SAY(HELLO, .again = true, .piece = 10),
    { .text = NULL },
};

static int whole_ones, failed; /* requests */

co_def(writes, { awl_http_upload *up; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++)
        co_await(awl_upload_write(self->up, "0123456789", 10));
    co_end;
}

static awl_coro upload(awl_http_upload *up, void *arg) { return (void)arg, co_call(writes, .up = up); }

co_def(asks, { awl_http_session *session; awl_response *r; char *text; bool post; })
{
    static const awl_http_pair params[] = { { "q", "a b" }, { NULL, NULL } };

    co_begin;
    if (self->post)
        co_let(self->r, awl_http_post(self->session, at(0, "/c"), &(awl_http_request_options){ .upload = upload }));
    else
        co_let(self->r, awl_http_get(self->session, at(0, "/a"),
                                     &(awl_http_request_options){ .params = params + 1, .user = "u" }));
    co_let(self->text, awl_response_read_all(self->r, NULL));
    CHECK_STR(self->text, "hello");
    co_finally;
    awl_response_close(self->r);
    co_end;
}

/* Each request ends, one way or the other, in 30 seconds of the loop's time. */
co_def(tries, { awl_http_session *session; int i, rc; })
{
    co_begin;
    memset(&script, 0, sizeof script);
    co_await(co_call(begin_script, .answers = answers));
    self->session =
        awl_http_session_new(&(awl_http_session_options){ .proxy = "", .timeouts = { .total = 30 * AWL_SECOND } });
    if (!self->session)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < 4; self->i++) {
        co_try(self->rc, co_call(asks, .session = self->session, .post = self->i % 2 == 1));
        *(self->rc ? &failed : &whole_ones) += 1;
    }
    CHECK_INT(self->session->slots.value_, 100); /* none is lost, whatever happened */
    co_finally;
    awl_http_session_close(self->session);
    if (script.servers[1])
        co_await(co_call(end_script));
    co_end;
}

TEST(every_size_of_memory_is_survived)
{
    static _Alignas(16) char memory[48 * 1024];

    for (size_t size = 14 * 1024; size <= sizeof memory; size += 72) {
        const awl_loop_options options = {
            .memory = memory, .memory_size = size, .virtual_time = true, .report = note_report
        };
        const int rc = awl_run_with(co_call(tries), &options, NULL);

        reports[0] = '\0';
        CHECK(rc == 0 || rc == ENOMEM || rc == EINVAL);
    }
    CHECK(failed > 5 && whole_ones > 20);
}
