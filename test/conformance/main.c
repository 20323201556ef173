/*
 * awl-scenario FILE.scn: runs one scenario under virtual time and prints its trace.
 *
 * Exit status: 0 it ran; 2 the scenario, or the run of it, is wrong; 3 it uses an operation that awl does not have.
 */
#include "scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

static program scenario;
static awl_loop *loop;

/* ---- The trace --------------------------------------------------------------------------------------------------- */

void emit_text(const char *label, const char *line)
{
    printf("%lld %s %s\n", (long long)(awl_loop_time(loop) / UNIT), label, line);
}

void emit(const char *label, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    emit_text(label, line);
}

/* What awl would say on stderr is part of the trace, or is of no account. */
static void no_report(void *arg, const awl_report *report) { (void)arg, (void)report; }

/* ---- The phases of a run ----------------------------------------------------------------------------------------- */

static void declare(void)
{
    for (const declaration *d = scenario.declarations; d; d = d->next) {
        if (d->kind[0] == 'v')
            variable_declare(d->name, d->first.literal);
        else if (strcmp(d->kind, "ctxvar") == 0)
            context_declare(d->name, d->first.literal);
        else if (!object_declare(d) && !declare_stream(d))
            name_future(d->name, awl_future_new(NULL), NULL, 0);
    }
}

/* The main task. */
co_def(entry, { void *result; })
{
    co_begin;
    name_future("main", awl_task_future(awl_task_retain(awl_current_task())), awl_current_task(), 0);
    declare();
    co_let(self->result, co_call(interpret, .code = scenario.main, .label = "main"));
    co_return(self->result);
    co_end;
}

static void emit_deadlock(void)
{
    text pending = { NULL, 0, 0 };

    text_add(&pending, "pending");
    for (const named *f = named_first(); f; f = f->next) {
        if (f->task && !awl_task_done(f->task)) {
            text_add(&pending, " ");
            text_add(&pending, f->name);
        }
    }
    emit("*", "DEADLOCK");
    emit_text("*", pending.at);
}

/* Runs the main task; false if it cannot go on. */
static bool run_main(void)
{
    awl_value result;
    text line = { NULL, 0, 0 };
    const int error = awl_run_until_complete(loop, co_call(entry), &result);
    const named *main_task = named_first();

    if (main_task && awl_future_done(main_task->future)) {
        text_add(&line, "main ");
        if (!error)
            text_add(&line, "return ");
        else if (error != ECANCELED)
            text_add(&line, "raise ");
        if (error)
            text_add(&line, error == ECANCELED ? "cancelled" : error_kind(error));
        else
            text_add_value(&line, result.p);
        emit_text("*", line.at);
    } else if (error == EDEADLK) {
        emit_deadlock();
        return false;
    } else if (error == AWL_ESTOPPED) {
        emit("*", "stopped");
    } else {
        scn_fail(0, "the main task could not be run: %s", awl_strerror(error));
    }
    return true;
}

/* Cancels the tasks that are left, and waits for them: what asyncio.run does at its end. */
static void clean_up(void)
{
    const size_t n = awl_all_tasks(loop, NULL, 0);
    awl_task **tasks = scn_alloc((n + 1) * sizeof *tasks);
    awl_future *gather;
    int error;

    awl_all_tasks(loop, tasks, n);
    for (size_t i = 0; i < n; i++)
        awl_task_cancel(tasks[i]);
    if (n == 0)
        return;
    gather = awl_gather_future(tasks, n, AWL_RETURN_EXCEPTIONS);
    error = awl_run_until_complete(loop, gather, NULL);
    if (error == EDEADLK)
        emit_deadlock();
    else if (error == AWL_ESTOPPED)
        emit("*", "stopped");
    for (size_t i = 0; i < n && !error; i++) {
        if (!awl_task_cancelled(tasks[i]) && awl_task_error(tasks[i]))
            emit("*", "unhandled shutdown %s %s", name_of_task(tasks[i]), error_kind(awl_task_error(tasks[i])));
    }
    awl_future_release(gather);
}

/* Errors that nobody has looked at; then all that the scenario has made is let go. */
static void end_run(void)
{
    for (named *f = named_first(); f; f = f->next)
        f->unretrieved = awl_future_unretrieved(f->future); /* of all, before any is asked: two names may be of one */
    for (const named *f = named_first(); f; f = f->next) {
        if (f->unretrieved)
            emit("*", "unretrieved %s %s", f->name, error_kind(awl_future_error(f->future)));
    }
    emit("*", "end");
    scopes_close();
    for (const named *f = named_first(); f; f = f->next)
        awl_future_release(f->future);
    awl_loop_close(loop);
}

/* ---- The program ------------------------------------------------------------------------------------------------- */

/* The whole of a file, as a string. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    text all = { NULL, 0, 0 };
    char piece[4097];
    size_t n;

    if (!file)
        scn_fail(0, "%s cannot be opened", path);
    text_add(&all, "");
    while ((n = fread(piece, 1, sizeof piece - 1, file)) > 0) {
        piece[n] = '\0';
        text_add(&all, piece);
    }
    if (ferror(file))
        scn_fail(0, "%s cannot be read", path);
    fclose(file);
    return all.at;
}

int main(int argc, char **argv)
{
    awl_loop_options options = { .virtual_time = true, .report = no_report };

    if (argc == 4 && strcmp(argv[1], "--shuffle") == 0)
        options.shuffle_seed = strtoull(argv[2], NULL, 10);
    if (argc != 2 && !options.shuffle_seed) {
        fputs("usage: awl-scenario [--shuffle SEED] FILE.scn\n", stderr);
        return EXIT_WRONG;
    }
    program_parse(&scenario, read_file(argv[argc - 1]));
    loop = awl_loop_open(&options);
    if (!loop)
        scn_fail(0, "the loop cannot be opened: %s", awl_strerror(errno));
    if (run_main())
        clean_up();
    end_run();
    scn_free_all();
    return 0;
}
