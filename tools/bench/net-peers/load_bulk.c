/* One stream as fast as it goes, to the server and from it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bulk.h"
#include "load.h"

enum { PIECE = BULK_PIECE };
static const double warm_up = 0.3;

/* What both directions carry: one piece, over and over. */
static const char *pattern(void)
{
    static char bytes[PIECE];

    bulk_fill(bytes, PIECE);
    return bytes;
}

static void print(uint64_t bytes, double seconds, double cpu, double own)
{
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"cpu\": %.6f, \"load_cpu\": %.6f}\n", (unsigned long long)bytes,
           seconds, cpu, own);
}

/* ---- To the server --------------------------------------------------------------------------------------------------
 */

static uint64_t send_until(int fd, const char *bytes, double end)
{
    uint64_t sent = 0;

    while (load_now() < end) {
        for (size_t at = 0; at < PIECE;) {
            const ssize_t n = send(fd, bytes + at, PIECE - at, MSG_NOSIGNAL);

            if (n < 0)
                load_fail("send");
            at += (size_t)n;
        }
        sent += PIECE;
    }
    return sent;
}

/* The server says at the end how many bytes it has got. */
static uint64_t receipt(int fd)
{
    unsigned char text[8];

    shutdown(fd, SHUT_WR);
    errno = 0;
    if (recv(fd, text, sizeof text, MSG_WAITALL) != sizeof text)
        load_fail("the server's count of bytes");
    return bulk_counted(text);
}

int load_send(const load *l)
{
    const int fd = load_connect(l);
    const char *bytes = pattern();
    const uint64_t before = send_until(fd, bytes, load_now() + warm_up);
    const double start = load_now(), cpu = load_server_cpu(l), own = load_own_cpu();
    const uint64_t sent = send_until(fd, bytes, start + l->seconds);
    const double seconds = load_now() - start, used = load_server_cpu(l) - cpu, own_used = load_own_cpu() - own;

    if (receipt(fd) != before + sent) {
        errno = 0;
        load_fail("the server did not get all bytes");
    }
    close(fd);
    print(sent, seconds, used, own_used);
    return 0;
}

/* ---- From the server ------------------------------------------------------------------------------------------------
 */

/* Reads until `end`; `*at` is where in the pattern the stream is. */
static uint64_t receive_until(int fd, const char *bytes, size_t *at, double end)
{
    static char buf[PIECE];
    uint64_t got = 0;

    while (load_now() < end) {
        const ssize_t n = recv(fd, buf, PIECE - *at, 0); /* to the end of the pattern, so one comparison is enough */

        if (n <= 0) {
            errno = n ? errno : 0;
            load_fail(n ? "recv" : "the server ended the stream");
        }
        if (memcmp(buf, bytes + *at, (size_t)n) != 0) {
            errno = 0;
            load_fail("a byte is not what it has to be");
        }
        *at = (*at + (size_t)n) % PIECE;
        got += (uint64_t)n;
    }
    return got;
}

int load_receive(const load *l)
{
    const int fd = load_connect(l);
    const char *bytes = pattern();
    size_t at = 0;
    double start, cpu, own, seconds, used, own_used;
    uint64_t got;

    receive_until(fd, bytes, &at, load_now() + warm_up);
    start = load_now();
    cpu = load_server_cpu(l);
    own = load_own_cpu();
    got = receive_until(fd, bytes, &at, start + l->seconds);
    seconds = load_now() - start;
    used = load_server_cpu(l) - cpu;
    own_used = load_own_cpu() - own;
    close(fd);
    print(got, seconds, used, own_used);
    return 0;
}
