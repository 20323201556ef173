/* See load.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

void load_fail(const char *what)
{
    fprintf(stderr, "net-load: %s: %s\n", what, errno ? strerror(errno) : "no error number");
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) < 0)
        load_fail("clock_gettime");
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double load_now(void) { return seconds_of(CLOCK_MONOTONIC); }

double load_own_cpu(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

double load_server_cpu(const load *l)
{
    clockid_t clock;

    if (!l->pid)
        return 0;
    errno = clock_getcpuclockid(l->pid, &clock);
    if (errno)
        load_fail("the server's processor time");
    return seconds_of(clock);
}

long load_server_rss(const load *l)
{
    char path[64];
    long size, pages = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/statm", (long)l->pid);
    file = fopen(path, "r");
    if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2)
        load_fail(path);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

int load_connect(const load *l)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)l->port),
                                         .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        load_fail("socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        load_fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}
