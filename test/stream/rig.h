/* What the tests of streams share: tests that are the main task of a loop, and a raw socket at the other end of a stream. */
#ifndef STREAM_RIG_H
#define STREAM_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "awl.h"
#include "harness.h"

/* ---- Loops ------------------------------------------------------------------------------------------------------- */

static char reports[1024]; /* NAME:ERROR, with `; ` between them */

static inline void note_report(void *arg, const awl_report *report)
{
    const size_t used = strlen(reports);

    (void)arg;
    snprintf(reports + used, sizeof reports - used, "%s%s:%d", used ? "; " : "", report->name ? report->name : "-",
             report->error);
}

#define CHECK_REPORTS(expected) (CHECK_STR(reports, (expected)), (void)(reports[0] = '\0'))

/* Runs a coroutine as the main task of a loop. It must succeed, and nothing may be reported. */
static inline void run_main(awl_coro coroutine, bool virtual_time)
{
    const awl_loop_options options = { .virtual_time = virtual_time, .report = note_report };

    CHECK_INT(awl_run_with(coroutine, &options, NULL), 0);
    CHECK_REPORTS("");
}

/* STREAM_TEST(name, { fields }) { body }: a test whose body is that of the main task; VIRTUAL_TEST: with virtual time. */
#define STREAM_TEST(name, ...) RIG_TEST_(name, false, __VA_ARGS__)
#define VIRTUAL_TEST(name, ...) RIG_TEST_(name, true, __VA_ARGS__)
#define RIG_TEST_(name, virtual_time, ...)                                                                             \
    co_declare(name, __VA_ARGS__);                                                                                     \
    TEST(name) { run_main(co_call(name), (virtual_time)); }                                                            \
    co_define(name)

/* Awaits x, which must fail with `error`, a cancellation included. Needs an int field `rc`. */
#define CHECK_FAILS(error, ...)                                                                                        \
    do {                                                                                                               \
        co_try_cancel(self->rc, __VA_ARGS__);                                                                          \
        CHECK_INT(self->rc, (error));                                                                                  \
    } while (0)

/* ---- Peers ------------------------------------------------------------------------------------------------------- */

/* A stream over one end of a socket pair; *peer is the other end, raw and non-blocking. */
static inline awl_stream *open_pair(int *peer, const awl_stream_options *options)
{
    int fds[2];
    awl_stream *s;

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    s = awl_stream_open(fds[0], options);
    CHECK(s != NULL);
    *peer = fds[1];
    return s;
}

/* The same over TCP. */
static inline awl_stream *open_tcp_pair(int *peer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    awl_stream *s;

    CHECK_INT(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(listening, 1), 0);
    CHECK_INT(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    *peer = accept(listening, NULL, NULL);
    CHECK(*peer >= 0);
    CHECK_INT(fcntl(*peer, F_SETFL, O_NONBLOCK), 0);
    close(listening);
    s = awl_stream_open(fd, NULL);
    CHECK(s != NULL);
    return s;
}

/* Closes a peer by a reset. */
static inline void reset(int peer)
{
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close(peer);
}

static inline void put(int peer, const char *text) { CHECK_INT(write(peer, text, strlen(text)), strlen(text)); }

/* What the peer can read now, as a string. */
static inline const char *got(int peer)
{
    static char text[4096];
    const ssize_t n = read(peer, text, sizeof text - 1);

    text[n > 0 ? n : 0] = '\0';
    return n == 0 ? "END" : text;
}

/* Reads and drops all there is. Result: how much. */
static inline size_t swallow(int peer)
{
    static char sink[65536];
    size_t all = 0;
    ssize_t n;

    while ((n = read(peer, sink, sizeof sink)) > 0)
        all += (size_t)n;
    return all;
}

static inline __attribute__((unused)) void rig_may_be_unused_(void)
{
    (void)run_main, (void)open_pair, (void)open_tcp_pair, (void)reset, (void)put, (void)got, (void)swallow;
}

#endif
