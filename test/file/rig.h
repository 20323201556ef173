/* What the tests of this folder share: a folder for each test, which is gone when the program ends. */
#ifndef FILE_RIG_H
#define FILE_RIG_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../task/rig.h"
#include "faults.h"

/* ---- Folders ---------------------------------------------------------------------------------------------------- */

static char base[48];
static pid_t maker;

__attribute__((constructor)) static void make_base(void)
{
    snprintf(base, sizeof base, "/tmp/awl-file-XXXXXX");
    if (!mkdtemp(base))
        abort();
    maker = getpid();
}

__attribute__((destructor)) static void remove_base(void)
{
    char command[160];

    if (getpid() != maker)
        return;
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", base, base);
    if (system(command))
        abort();
}

/* The path of a name in the test's own folder ("": the folder), until the next eighth call. */
static inline const char *at(const char *name)
{
    static char text[8][128];
    static int i;

    snprintf(text[i = (i + 1) % 8], sizeof text[0], "%s/%d", base, (int)getpid());
    mkdir(text[i], 0755);
    if (*name)
        strcat(strcat(text[i], "/"), name);
    return text[i];
}

static inline void put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");

    CHECK(f && fputs(text, f) >= 0);
    CHECK_INT(fclose(f), 0);
}

/* What is in a file, up to 4095 bytes; "-": there is none. */
static inline const char *in(const char *name)
{
    static char text[4096];
    FILE *f = fopen(at(name), "r");

    if (!f)
        return "-";
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static inline int compare_names(const void *a, const void *b) { return strcmp(a, b); }

/* The names in the test's folder, sorted, with a blank between them. */
static inline const char *names(void)
{
    static char all[1024], list[32][32];
    char command[192];
    size_t n = 0;
    FILE *f;

    snprintf(command, sizeof command, "ls -A %s", at(""));
    f = popen(command, "r");
    CHECK(f != NULL);
    while (n < 32 && fgets(list[n], sizeof list[0], f))
        list[n][strcspn(list[n], "\n")] = '\0', n++;
    pclose(f);
    qsort(list, n, sizeof list[0], compare_names);
    all[0] = '\0';
    for (size_t i = 0; i < n; i++)
        strcat(strcat(all, i ? " " : ""), list[i]);
    return all;
}

/* ---- Tasks ------------------------------------------------------------------------------------------------------ */

/* Awaits x, which must fail with `error`, a cancellation included. Needs an int field `rc`. */
#define CHECK_FAILS(error, ...)                                                                                        \
    do {                                                                                                               \
        co_try_cancel(self->rc, __VA_ARGS__);                                                                          \
        CHECK_INT(self->rc, (error));                                                                                  \
    } while (0)

/* Makes a task in self->t that stops in a thread at such a call. */
#define START_UP_TO(kind, ...)                                                                                         \
    do {                                                                                                               \
        stop_at(kind);                                                                                                 \
        self->t = awl_create_task(__VA_ARGS__);                                                                        \
        CHECK(self->t != NULL);                                                                                        \
        do                                                                                                             \
            co_await(awl_sleep(0));                                                                                    \
        while (!has_stopped() && !awl_task_done(self->t));                                                             \
        CHECK(!awl_task_done(self->t)); /* ENOMEM */                                                                   \
    } while (0)

/* Cancels it where it has stopped, and lets the thread go on. */
#define CANCEL_IT                                                                                                      \
    do {                                                                                                               \
        awl_task_cancel(self->t);                                                                                      \
        CHECK_FAILS(ECANCELED, self->t);                                                                               \
        awl_task_release(self->t);                                                                                     \
        self->t = NULL;                                                                                                \
        go_on();                                                                                                       \
    } while (0)

/* Until no thread has anything to do, and what came of the last job has been seen. */
co_def(quiet, { awl_executor_stats stats; int turns; })
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

static inline __attribute__((unused)) void rig_may_be_unused_(void)
{
    (void)put, (void)in, (void)names, (void)&quiet_type_, (void)run_main;
}

#endif
