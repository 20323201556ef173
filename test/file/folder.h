/* A folder for each test, which is gone when the program ends. */
#ifndef FILE_FOLDER_H
#define FILE_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

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
static inline const char *path_of(const char *name)
{
    static char text[8][128];
    static int i;

    snprintf(text[i = (i + 1) % 8], sizeof text[0], "%s/%d", base, (int)getpid());
    mkdir(text[i], 0755);
    if (*name)
        strcat(strcat(text[i], "/"), name);
    return text[i];
}

static inline void put_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");

    CHECK(f && fputs(text, f) >= 0);
    CHECK_INT(fclose(f), 0);
}

/* What is in a file, up to 4095 bytes; "-": there is none. */
static inline const char *text_in(const char *name)
{
    static char text[4096];
    FILE *f = fopen(path_of(name), "r");

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

    snprintf(command, sizeof command, "ls -A %s", path_of(""));
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

static inline __attribute__((unused)) void folder_may_be_unused_(void) { (void)put_file, (void)text_in, (void)names; }

#endif
