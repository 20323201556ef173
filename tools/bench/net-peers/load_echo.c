/* Messages that have to come back: on many connections at once, and on ten thousand in turn. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { SIZE = 64, BATCH = 512 };
static const double warm_up = 0.3; /* seconds before the measured part */

/* A connection and what it expects; a byte more than a message shows an answer that is too long. */
typedef struct conn {
    int fd;
    unsigned got;
    uint64_t number; /* of the message that is under way */
    char message[SIZE], answer[SIZE + 1];
} conn;

/* The bytes of a message: the first 8 are its number, the rest is the connection's. */
static void send_next(conn *c)
{
    c->number++;
    memcpy(c->message, &c->number, sizeof c->number);
    c->got = 0;
    if (send(c->fd, c->message, SIZE, MSG_NOSIGNAL) != SIZE)
        load_fail("send");
}

/* Takes what has come. 1: that was the whole answer; 0: not yet; -1: it is not the message, or never comes. */
static int take(conn *c)
{
    for (;;) {
        const ssize_t n = recv(c->fd, c->answer + c->got, sizeof c->answer - c->got, 0);

        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return -1;
        c->got += (unsigned)n;
        if (c->got >= SIZE)
            return c->got == SIZE && memcmp(c->answer, c->message, SIZE) == 0 ? 1 : -1;
    }
}

static conn *open_all(const load *l)
{
    conn *conns = calloc((size_t)l->connections, sizeof *conns);

    if (!conns)
        load_fail("memory");
    for (int i = 0; i < l->connections; i++) {
        conns[i].fd = load_connect(l);
        snprintf(conns[i].message, SIZE, "--------%*d", SIZE - 9, i);
    }
    return conns;
}

static void close_all(const load *l, conn *conns)
{
    for (int i = 0; i < l->connections; i++)
        close(conns[i].fd);
    free(conns);
}

/* ---- Many at once --------------------------------------------------------------------------------------------------
 */

/* Answers and sends until `end`. Result: how many answers came. */
static long run_until(int epoll, double end)
{
    struct epoll_event events[BATCH];
    long answers = 0;

    while (load_now() < end) {
        const int n = epoll_wait(epoll, events, BATCH, 1000);

        if (n == 0) {
            errno = 0;
            load_fail("no answer for a second");
        }
        for (int i = 0; i < n; i++) {
            const int taken = take(events[i].data.ptr);

            if (taken < 0) {
                errno = 0;
                load_fail("a connection was lost, or an answer is not the message");
            }
            if (taken) {
                send_next(events[i].data.ptr);
                answers++;
            }
        }
    }
    return answers;
}

int load_echo(const load *l)
{
    conn *conns = open_all(l);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    double start, cpu, own, seconds;
    long before, requests;

    if (epoll < 0)
        load_fail("epoll_create1");
    for (int i = 0; i < l->connections; i++) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data = { .ptr = &conns[i] } };

        fcntl(conns[i].fd, F_SETFL, O_NONBLOCK);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, conns[i].fd, &event) < 0)
            load_fail("epoll_ctl");
        send_next(&conns[i]);
    }
    before = run_until(epoll, load_now() + warm_up);
    start = load_now();
    cpu = load_server_cpu(l);
    own = load_own_cpu();
    requests = run_until(epoll, start + l->seconds);
    seconds = load_now() - start;
    cpu = load_server_cpu(l) - cpu;
    own = load_own_cpu() - own;
    printf("{\"requests\": %ld, \"all\": %ld, \"seconds\": %.6f, \"cpu\": %.6f, \"load_cpu\": %.6f}\n", requests,
           before + requests, seconds, cpu, own);
    close(epoll);
    close_all(l, conns);
    return 0;
}

/* ---- Ten thousand ---------------------------------------------------------------------------------------------------
 */

/* One message on each connection, one after the other. Result: how many answers are wrong, or have not come in a
 * second. */
static int echo_in_turn(const load *l, conn *conns)
{
    const struct timeval second = { .tv_sec = 1 };
    int errors = 0;

    for (int i = 0; i < l->connections; i++) {
        setsockopt(conns[i].fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
        send_next(&conns[i]);
        errors += take(&conns[i]) != 1;
    }
    return errors;
}

/* Waits until the server's processor time stands still: all connections have been accepted. */
static void settle(const load *l)
{
    double last;

    do {
        last = load_server_cpu(l);
        usleep(200000);
    } while (load_server_cpu(l) - last > 0.002);
}

int load_hold(const load *l)
{
    const long empty = load_server_rss(l);
    const double start = load_now();
    conn *conns = open_all(l);
    double opened, last, echoed, cpu;
    long idle;
    int errors;

    settle(l);
    opened = load_now() - start;
    idle = load_server_rss(l);

    /* Twice in turn: the second shows that the first left all of them alive. */
    cpu = load_server_cpu(l);
    last = load_now();
    errors = echo_in_turn(l, conns);
    errors += echo_in_turn(l, conns);
    echoed = load_now() - last;
    cpu = load_server_cpu(l) - cpu;
    settle(l);
    printf("{\"connections\": %d, \"opened\": %.3f, \"empty\": %ld, \"idle\": %ld, \"after\": %ld, \"echoed\": %.3f, "
           "\"requests\": %d, \"cpu\": %.6f, \"errors\": %d}\n",
           l->connections, opened, empty, idle, load_server_rss(l), echoed, 2 * l->connections, cpu, errors);
    close_all(l, conns);
    return 0;
}
