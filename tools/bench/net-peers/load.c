/*
 * The load for the servers in this folder, the same for all.
 *
 *     net-load echo    PID PORT CONNECTIONS SECONDS    64-byte messages, one outstanding on each connection
 *     net-load hold    PID PORT CONNECTIONS SECONDS    memory while they idle, and after each has echoed in turn
 *     net-load send    PID PORT 1 SECONDS              one stream to the server
 *     net-load receive PID PORT 1 SECONDS              one stream from the server
 *
 * PID is the server's: its processor time between the two ends of the measured part is what its work is divided by. Every
 * byte that comes back is compared with what it has to be. Prints one JSON object on one line; exit status 1 on an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
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

int main(int argc, char **argv)
{
    static const struct {
        const char *what;
        int (*run)(const load *l);
    } kinds[] = { { "echo", load_echo }, { "hold", load_hold }, { "send", load_send }, { "receive", load_receive } };
    load l;

    if (argc == 6) {
        l = (load){ argv[1], (pid_t)atol(argv[2]), atoi(argv[3]), atoi(argv[4]), atof(argv[5]) };
        signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (strcmp(l.what, kinds[i].what) == 0 && l.connections > 0 && l.port > 0)
                return kinds[i].run(&l);
        }
    }
    fputs("usage: net-load echo|hold|send|receive PID PORT CONNECTIONS SECONDS\n", stderr);
    return 2;
}
