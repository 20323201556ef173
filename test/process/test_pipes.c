/* test_pipes.c: the streams to and from a process. */
#define _GNU_SOURCE
#include "rig.h"

PROCESS_TEST(lines_go_to_and_fro, { awl_process *p; char *line; int code; })
{
    co_begin;
    SH(self->p, "while read x; do echo got $x; done; echo end >&2; exit 2", .in = AWL_PIPE, .out = AWL_PIPE,
       .err = AWL_PIPE);
    CHECK_INT(awl_stream_print(awl_process_stdin(self->p), "one\n"), 0);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK_STR(self->line, "got one\n");
    CHECK_INT(awl_stream_print(awl_process_stdin(self->p), "two\n"), 0);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK_STR(self->line, "got two\n");
    awl_process_close_stdin(self->p);
    CHECK(awl_process_stdin(self->p) == NULL);
    awl_process_close_stdin(self->p);
    co_let(self->line, awl_stream_readline(awl_process_stderr(self->p), NULL));
    CHECK_STR(self->line, "end\n");
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK(self->line == NULL);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, 2);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(without_pipes_there_are_no_streams, { awl_process *p; int code; })
{
    co_begin;
    SH(self->p, "exit 0", .out = AWL_DEVNULL);
    CHECK(!awl_process_stdin(self->p) && !awl_process_stdout(self->p) && !awl_process_stderr(self->p));
    co_let(self->code, awl_process_wait(self->p));
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* What is written before the input is closed still arrives, though no pipe holds it. */
PROCESS_TEST(much_is_written_and_then_the_end, { awl_process *p; char *much, *line; int code; })
{
    co_begin;
    SH(self->p, "wc -c", .in = AWL_PIPE, .out = AWL_PIPE);
    self->much = calloc(1, 300000);
    CHECK(self->much != NULL);
    self->code = awl_stream_write(awl_process_stdin(self->p), self->much, 300000);
    free(self->much);
    CHECK_INT(self->code, 0);
    awl_process_close_stdin(self->p);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK_STR(self->line, "300000\n");
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(a_child_that_reads_nothing_is_EPIPE, { awl_process *p; int rc, code; })
{
    co_begin;
    SH(self->p, "exit 0", .in = AWL_PIPE);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(awl_stream_write(awl_process_stdin(self->p), "x", 1), EPIPE);
    CHECK_FAILS(EPIPE, awl_stream_drain(awl_process_stdin(self->p)));
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* What a child wrote before its end is there after it. */
PROCESS_TEST(output_outlives_the_child, { awl_process *p; char *line; int code; })
{
    co_begin;
    SH(self->p, "echo last words", .out = AWL_PIPE);
    co_let(self->code, awl_process_wait(self->p));
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK_STR(self->line, "last words\n");
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(lines_have_the_limit_of_the_options, { awl_process *p; int rc; })
{
    co_begin;
    SH(self->p, "echo 12345678901234567890", .out = AWL_PIPE, .limit = 10);
    CHECK_FAILS(AWL_ELIMIT, awl_stream_readline(awl_process_stdout(self->p), NULL));
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* Its end is told though a child of its own still has the pipe. */
PROCESS_TEST(a_grandchild_with_the_pipe_holds_no_wait_up, { awl_process *p; char *line; int rc, code; pid_t grandchild; })
{
    co_begin;
    SH(self->p, "sleep 1000 & echo $!; exit 3", .out = AWL_PIPE);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    self->grandchild = self->line ? atoi(self->line) : 0;
    CHECK(self->grandchild > 1);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, 3);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_readline(awl_process_stdout(self->p), NULL), AWL_SECOND));
    CHECK(lives(self->grandchild));
    kill(self->grandchild, SIGKILL);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK(self->line == NULL);
    co_finally;
    if (self->grandchild > 1)
        kill(self->grandchild, SIGKILL);
    awl_process_close(self->p);
    co_end;
}
