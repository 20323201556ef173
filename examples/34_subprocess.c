/*
 * Other programs: their output, their input, a time limit, and what happens when there is no such program.
 *
 * Shows    awl_create_subprocess_exec, awl_create_subprocess_shell, awl_process_communicate, awl_process_wait, kill.
 * Build    cc 34_subprocess.c $(pkg-config --cflags --libs awl), or: ninja examples/34_subprocess
 * Prints   what is in examples/expected/34_subprocess.txt.
 *
 *     async def sort():
 *         p = await asyncio.create_subprocess_exec("sort", "-n", stdin=PIPE, stdout=PIPE)
 *         out, _ = await p.communicate(b"10\n9\n1\n")
 *         print(f"sorted: {out.decode()!r}, status {p.returncode}")
 *
 *     async def lines():
 *         p = await asyncio.create_subprocess_shell("for i in 1 2 3; do echo line $i; done", stdout=PIPE)
 *         while line := await p.stdout.readline():
 *             print("got", line.decode().rstrip())
 *
 *     async def impatient():
 *         p = await asyncio.create_subprocess_exec("sleep", "60")
 *         try:
 *             await asyncio.wait_for(p.wait(), 0.1)
 *         except TimeoutError:
 *             p.kill()
 *         print("sleep was ended by signal", -await p.wait())
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

co_def(sort, { awl_process *p; int status; })
{
    co_begin;
    co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("sort", "-n"),
                                               &(awl_process_options){ .in = AWL_PIPE, .out = AWL_PIPE }));
    co_let(self->status, awl_process_communicate(self->p, "10\n9\n1\n", 7, 0));
    printf("sorted:\n%sstatus %d\n", awl_process_output(self->p, NULL), self->status);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

co_def(lines, { awl_process *p; char *line; })
{
    co_begin;
    co_let(self->p, awl_create_subprocess_shell("for i in 1 2 3; do echo line $i; done",
                                                &(awl_process_options){ .out = AWL_PIPE }));
    for (;;) {
        co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
        if (!self->line)
            break;
        self->line[strcspn(self->line, "\n")] = '\0';
        printf("got %s\n", self->line);
    }
    co_finally;
    awl_process_close(self->p);
    co_end;
}

co_def(impatient, { awl_process *p; int rc, status; })
{
    co_begin;
    co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("sleep", "60"), NULL));
    co_try(self->rc, awl_wait_for(awl_process_wait(self->p), 100 * AWL_MS));
    if (self->rc == ETIMEDOUT)
        awl_process_kill(self->p);
    co_let(self->status, awl_process_wait(self->p));
    printf("sleep was ended by signal %d\n", -self->status);
    co_finally;
    awl_process_close(self->p); /* which would kill it, too */
    co_end;
}

co_def(all, { int rc; })
{
    co_begin;
    co_await(co_call(sort));
    co_await(co_call(lines));
    co_await(co_call(impatient));
    co_try(self->rc, awl_create_subprocess_exec(AWL_ARGV("no-such-program"), NULL));
    printf("%s\n", awl_error_message(self->rc));
    co_end;
}

int main(void) { return awl_run(co_call(all)); }
