/* What the tests of files share: a folder that is made when the program begins, and is gone when that ends. */
#ifndef HTTP_FILES_RIG_H
#define HTTP_FILES_RIG_H

#include <sys/stat.h>
#include <time.h>

#include "site_rig.h"

static char root[64]; /* the folder that is served; beside it lies "secret" */
static char base[48];
static pid_t maker;

enum { BIG = 300000 }; /* bytes of "big.bin" */

static inline void write_file(const char *name, const char *text, size_t len)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/%s", root, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd))
        abort();
}

/* Sets when a file was changed, seconds since 1970. */
static inline void date_file(const char *name, time_t when)
{
    const struct timespec times[2] = { { when, 0 }, { when, 0 } };
    char path[128];

    snprintf(path, sizeof path, "%s/%s", root, name);
    if (utimensat(AT_FDCWD, path, times, 0))
        abort();
}

static inline char big_byte(size_t i) { return (char)('a' + i % 23); }

__attribute__((constructor)) static void make_files(void)
{
    static char big[BIG];
    char path[128];

    snprintf(base, sizeof base, "/tmp/awl-files-XXXXXX");
    if (!mkdtemp(base))
        abort();
    maker = getpid();
    snprintf(root, sizeof root, "%s/root", base);
    mkdir(root, 0755);
    snprintf(path, sizeof path, "%s/sub", root), mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/indexed", root), mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/.git", root), mkdir(path, 0755);
    for (size_t i = 0; i < BIG; i++)
        big[i] = big_byte(i);
    write_file("../secret", "secret", 6);
    write_file("a.txt", "hello", 5);
    write_file("empty", "", 0);
    write_file("big.bin", big, BIG);
    write_file(".hidden", "h", 1);
    write_file(".git/config", "h", 1);
    write_file("indexed/index.html", "<p>index", 8);
    write_file("style.css", "body{}", 6);
    write_file("style.css.gz", "GZIPPED", 7);
    write_file("old.css", "new", 3);
    write_file("old.css.gz", "OLD", 3);
    write_file("sub/<&\"'>.html", "x", 1);
    write_file("sub/b", "bb", 2);
    write_file("sub/c d", "", 0);
    date_file("a.txt", 1000000000);
    date_file("big.bin", 1000000000);
    date_file("style.css", 1000000000);
    date_file("style.css.gz", 1000000000);
    date_file("old.css", 1000000001);
    date_file("old.css.gz", 1000000000);
    snprintf(path, sizeof path, "%s/out", root), (void)!symlink("../secret", path);
    snprintf(path, sizeof path, "%s/abs", root), (void)!symlink("/etc/passwd", path);
    snprintf(path, sizeof path, "%s/in", root), (void)!symlink("sub/b", path);
    snprintf(path, sizeof path, "%s/up", root), (void)!symlink("..", path);
    snprintf(path, sizeof path, "%s/pipe", root), mkfifo(path, 0644);
}

__attribute__((destructor)) static void remove_files(void)
{
    char command[96];

    if (getpid() != maker)
        return;
    snprintf(command, sizeof command, "rm -rf %s", base);
    if (system(command))
        abort();
}

#endif
