/* test_responses.c: what the client makes of responses, right and wrong ones, in whichever pieces they come; the cases are
 * in responses.txt. */
#include <stdbool.h>

#include "../stream/rig.h"
#include "cases.h"

/* ---- A server that answers with a case --------------------------------------------------------------------------- */

static struct {
    const wire_case *c;
    size_t cut, step;
    bool stays_open;
    int connections;
    awl_server *server;
    char url[64];
} the_server;

/* Answers one request after the other; with pauses, in which the client has its turn. */
co_def(answers, { awl_stream *s; char *line; size_t sent, next; })
{
    co_begin;
    the_server.connections++;
    do {
        do {
            co_let(self->line, awl_stream_readline(self->s, NULL));
            if (!self->line)
                co_return(0);
        } while (strcmp(self->line, "\r\n") != 0);
        self->next = the_server.cut ? the_server.cut : the_server.c->len;
        for (self->sent = 0; self->sent < the_server.c->len; self->sent = self->next) {
            self->next = self->sent ? self->sent + the_server.step : self->next;
            if (self->next > the_server.c->len || self->next == self->sent)
                self->next = the_server.c->len;
            if (awl_stream_write(self->s, the_server.c->bytes + self->sent, self->next - self->sent))
                co_return(0);
            co_await(awl_sleep(0));
        }
    } while (the_server.stays_open);
    co_end;
}

static awl_coro answer(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(answers, .s = s);
}

/* ---- A client that says what it got ------------------------------------------------------------------------------ */

static const char *name_of(int error)
{
    static char number[20];

    switch (error) {
    case AWL_EPROTOCOL: return "EPROTOCOL";
    case AWL_EINCOMPLETE: return "EINCOMPLETE";
    case AWL_ELIMIT: return "ELIMIT";
    default: snprintf(number, sizeof number, "%d", error); return number;
    }
}

static char verdict[2000];

/* Asks once, and writes the verdict: what kind of error, or the status and the body, or how that ended. */
co_def(asks, { awl_http_session *session; const char *method; awl_response *r; char *body; int rc; })
{
    co_begin;
    co_try(self->rc, awl_http_request(self->session, self->method, the_server.url, NULL));
    if (self->rc) {
        strcpy(verdict, name_of(self->rc));
        co_return(0);
    }
    co_result(self->r);
    sprintf(verdict, "%d", awl_response_status(self->r));
    co_try(self->rc, awl_response_read_all(self->r, NULL));
    if (self->rc) {
        sprintf(verdict + strlen(verdict), " %s", name_of(self->rc));
    } else {
        co_result(self->body);
        sprintf(verdict + strlen(verdict), "%s%s", self->body[0] ? " " : "", self->body);
    }
    co_finally;
    awl_response_close(self->r);
    co_end;
}

co_def(tries, {
    size_t cut, step;
    awl_http_session *session;
    awl_http_session_options options;
    const char *method;
    int before;
})
{
    const wire_case *c = the_server.c;

    co_begin;
    the_server.cut = self->cut;
    the_server.step = self->step;
    self->options.body_limit = 1000;
    self->options.timeouts.total = 5 * AWL_SECOND;
    self->method = strstr(c->name, "(HEAD)") ? "HEAD" : "GET";
    self->session = awl_http_session_new(&self->options);
    CHECK(self->session != NULL);
    co_await(co_call(asks, .session = self->session, .method = self->method));
    if (the_server.stays_open) { /* and once more, to see over which connection */
        self->before = the_server.connections;
        co_await(awl_sleep(0));
        co_await(co_call(asks, .session = self->session, .method = self->method));
        if (the_server.connections == self->before)
            strcat(verdict, " +");
    }
    if (strcmp(verdict, the_server.c->expected) != 0)
        printf("%s, with a pause at %zu and after each %zu:\n", the_server.c->name, self->cut, self->step);
    CHECK_STR(verdict, the_server.c->expected);
    awl_http_session_close(self->session);
    co_end;
}

/* All at once, byte by byte (where it is long, in small pieces), and with a pause at a dozen places. */
co_def(tries_all, { size_t cut, step; })
{
    co_begin;
    self->step = the_server.c->len / 12 + 1;
    co_let(the_server.server, awl_start_server(answer, NULL, "127.0.0.1", 0, NULL));
    sprintf(the_server.url, "http://127.0.0.1:%d/", awl_server_port(the_server.server));
    co_await(co_call(tries));
    co_await(co_call(tries, .cut = 1, .step = the_server.c->len / 1000 + 1));
    for (self->cut = the_server.c->len - 1; self->cut > 0; self->cut -= self->cut < self->step ? self->cut : self->step)
        co_await(co_call(tries, .cut = self->cut));
    awl_server_cancel_clients(the_server.server);
    co_await(awl_server_wait_closed(the_server.server));
    awl_server_close(the_server.server);
    co_end;
}

static void run_case(const wire_case *c)
{
    the_server.c = c;
    the_server.stays_open = strstr(c->name, "(open)") != NULL;
    run_main(co_call(tries_all), false);
}

static void run_section(const char *name, int at_least) { CHECK(run_cases(RESPONSES, name, run_case) >= at_least); }

TEST(heads) { run_section("Heads", 20); }
TEST(ends) { run_section("Ends", 10); }
TEST(lengths) { run_section("Lengths", 12); }
TEST(codings) { run_section("Codings", 14); }
TEST(interim_responses) { run_section("Interim responses", 5); }
