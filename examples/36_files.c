/*
 * A log that one task writes, another one follows, and that is copied in the end.
 *
 * Shows    awl_file_open, awl_file_stream and awl_file_follow: files by streams, off the loop;
 * awl_write_file_atomically and awl_read_file, for files that are there whole or not at all; awl_walk_next. Build    cc
 * 36_files.c $(pkg-config --cflags --libs awl), or: ninja examples/36_files Prints   what is in expected/36_files.txt
 *
 *     async def write_log():                           async def follow_log():
 *         async with aiofiles.open("log", "a") as f:       async with aiofiles.open("log") as f:
 *             for i in range(3):                               seen = 0
 *                 await f.write(f"entry {i}\n")                while seen < 3:
 *                 await f.flush()                                  if line := await f.readline():
 *                 await asyncio.sleep(0.1)                             print("tail:", line, end=""); seen += 1
 *                                                                  else: await asyncio.sleep(0.02)
 *     await asyncio.gather(write_log(), follow_log())
 *     text = await asyncio.to_thread(pathlib.Path("log").read_text)
 *     await write_atomically("old/copy", text)         # by hand: a temporary file, fsync, os.replace
 *     for folder, _, files in os.walk("."): …          # which blocks the loop
 */
#define _DEFAULT_SOURCE
#include <awl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

co_def(write_log, {
    awl_file *f;
    int i, n;
    char line[32];
})
{
    co_begin;
    co_let(self->f, awl_file_open("log", O_WRONLY | O_APPEND, 0));
    for (self->i = 0; self->i < 3; self->i++) {
        self->n = snprintf(self->line, sizeof self->line, "entry %d\n", self->i);
        co_await(awl_file_write(self->f, self->line, (size_t)self->n));
        co_await(awl_sleep(100 * AWL_MS));
    }
    co_finally;
    awl_file_close(self->f);
    co_end;
}

co_def(follow_log, {
    awl_file *f;
    awl_stream *s;
    int seen;
    char *line;
})
{
    co_begin;
    co_let(self->f, awl_file_open("log", O_RDONLY, 0));
    self->s = awl_file_follow(self->f, 20 * AWL_MS, NULL);
    if (!self->s)
        co_raise(errno);
    for (; self->seen < 3; self->seen++) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        printf("tail: %s", self->line);
    }
    co_finally;
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

co_def(lesson, {
    char *text;
    size_t len;
    awl_walk *walk;
    awl_walk_entry *e;
})
{
    co_begin;
    co_await(awl_write_file_atomically("log", NULL, 0, 0600));
    co_await(awl_gather(co_call(write_log), co_call(follow_log)));

    co_let(self->text, awl_read_file("log", 0, &self->len));
    co_await(awl_mkdir("old", 0700));
    co_await(awl_write_file_atomically("old/copy", self->text, self->len, 0600));

    self->walk = awl_walk_new(".", &(awl_walk_options){ .info = true });
    for (;;) {
        co_let(self->e, awl_walk_next(self->walk)); /* NULL is EINVAL, so nobody need ask whether there was memory */
        if (!self->e)
            break;
        if (S_ISREG(self->e->kind))
            printf("%s: %d bytes\n", self->e->path, (int)self->e->info.size);
    }
    co_await(awl_unlink("old/copy"));
    co_await(awl_rmdir("old"));
    co_await(awl_unlink("log"));
    co_finally;
    free(self->text);
    awl_walk_close(self->walk);
    co_end;
}

int main(void)
{
    char folder[] = "/tmp/awl-lesson-XXXXXX";
    int error;

    if (!mkdtemp(folder) || chdir(folder)) {
        perror(folder);
        return 1;
    }
    error = awl_run(co_call(lesson));
    rmdir(folder);
    return error ? 1 : 0;
}
