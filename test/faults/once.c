/*
 * once: one dialogue by TCP on loopback, both parties in this process; for check_inject.sh, which makes system calls fail.
 *
 * Prints `ERROR ERROR`, how who asked and who answered ended; 0 is a good end. Exit status 0 unless the loop failed.
 */
#include <signal.h>
#include <stdio.h>

#include "dialogue.h"

static party parties[2];
static bool served;

co_def(serve_one, { awl_stream *s; })
{
    co_begin;
    parties[1] = (party){ .s = self->s, .answers = true, .limit = 5 * AWL_SECOND };
    co_await(dialogue_play(&parties[1]));
    co_finally;
    served = true;
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg) { return (void)arg, co_call(serve_one, .s = s); }

co_def(once, { awl_server *server; int rc; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, &dialogue_options));
    parties[0] = (party){ .limit = 5 * AWL_SECOND };
    co_try(parties[0].error, awl_open_connection("127.0.0.1", awl_server_port(self->server), &dialogue_options));
    if (!parties[0].error) {
        co_result(parties[0].s);
        co_await(dialogue_play(&parties[0]));
        while (!served)
            co_await(awl_sleep(AWL_MS));
    }
    printf("%s %s\n", awl_strerror(parties[0].error), awl_strerror(parties[1].error));
    co_finally;
    awl_server_close(self->server);
    co_end;
}

int main(void)
{
    signal(SIGPIPE, SIG_DFL);
    return awl_run(co_call(once));
}
