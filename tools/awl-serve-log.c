/*
 * The log of awl-serve. SPDX-License-Identifier: MIT
 *
 * Lines are collected while the loop is at work, and written together when it has come around. What stderr does not take
 * at once, as a pipe that nobody reads, is kept, up to a limit, and tried again; what comes then is lost, and counted.
 */
#define _GNU_SOURCE
#include "awl-serve-log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    KEPT = 256 * 1024, /* bytes */
    AT_ONCE = 4096,    /* that a pipe which can be written to takes without blocking (PIPE_BUF of Linux) */
    AGAIN = 100,       /* milliseconds */
};

static char kept[KEPT];
static size_t used;
static unsigned long lost; /* lines */
static awl_handle later;   /* when to go on writing */
static bool scheduled;

/* ---- Writing ------------------------------------------------------------------------------------------------------- */

/* Where to write without ever blocking. A pipe or a terminal is opened anew for that, as others share the old one and may
 * want it to block; plain files do not, and sockets have a flag for it. */
static int output(bool *is_socket)
{
    static int fd = -1;
    static bool socket;
    struct stat st;

    if (fd < 0 && !fstat(STDERR_FILENO, &st)) {
        if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
            fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        socket = S_ISSOCK(st.st_mode);
    }
    if (fd < 0)
        fd = STDERR_FILENO;
    *is_socket = socket;
    return fd;
}

/* The length of what is written next: whole lines, so that those of several workers do not mix, if they are no longer than
 * that. */
static size_t next_piece(void)
{
    const size_t most = used < AT_ONCE ? used : AT_ONCE;
    const char *end = memrchr(kept, '\n', most);

    return end ? (size_t)(end - kept) + 1 : most;
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Writes what is taken within so many milliseconds. Where nothing can be written at all, the log is dropped. */
static void write_some(int milliseconds)
{
    const int64_t end = milliseconds ? now() + milliseconds : 0;
    bool is_socket;
    struct pollfd p = { .fd = output(&is_socket), .events = POLLOUT };

    while (used) {
        const int64_t left = milliseconds ? end - now() : 0;
        ssize_t n;

        if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
            return;
        n = is_socket ? send(p.fd, kept, next_piece(), MSG_DONTWAIT | MSG_NOSIGNAL) : write(p.fd, kept, next_piece());
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        n = n < 0 ? (ssize_t)used : n;
        used -= (size_t)n;
        memmove(kept, kept + n, used);
    }
}

static size_t line; /* where the one begins that is being put together */
static bool cut;    /* there is no room for it */

static void begin_line(void)
{
    line = used;
    cut = false;
}

static void put_char(char c)
{
    if (used < sizeof kept)
        kept[used++] = c;
    else
        cut = true;
}

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const char *c = text; *c; c++)
        put_char(*c);
}

static void write_on(void *arg);

/* It goes when the loop has come around, together with those that come meanwhile. */
static void end_line(void)
{
    put_char('\n');
    if (cut) {
        used = line;
        lost++;
    }
    if (!scheduled)
        scheduled = !awl_call_soon(NULL, &later, write_on, NULL);
}

static void write_on(void *arg)
{
    (void)arg;
    write_some(0);
    scheduled = used && !awl_call_later(NULL, &later, AGAIN * AWL_MS, write_on, NULL);
    if (!used && lost) {
        begin_line();
        put("awl-serve: %lu lines of the log are lost, as nobody read it", lost);
        lost = 0;
        end_line();
    }
}

co_def(end, {})
{
    co_begin;
    awl_handle_cancel(&later);
    write_some(1000);
    co_end;
}

awl_coro log_end(awl_http_app *app, void *arg)
{
    (void)app, (void)arg;
    return co_call(end);
}

/* ---- Lines --------------------------------------------------------------------------------------------------------- */

/* The address without the port, as the log has it: "192.0.2.1", "2001:db8::1", and "-" where there is none. */
static void put_client(const awl_request *request)
{
    char text[AWL_ADDRESS_TEXT];
    const char *host = awl_stream_peer(awl_request_stream(request), text, sizeof text);
    char *colon = strrchr(text, ':');

    if (colon)
        *colon = '\0';
    if (host[0] == '[') {
        host++;
        text[strcspn(text, "]")] = '\0';
    }
    put("%s", *host ? host : "-");
}

/* What a client sent may neither end the line nor the quotes, nor command a terminal. */
static void put_escaped(const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            put("\\x%02x", c);
        else
            put_char((char)c);
    }
}

/* "[21/Nov/2026:18:31:45 +0000]", in English in any locale. */
static void put_time(void)
{
    static const char months[12][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    };
    const time_t now = time(NULL);
    struct tm tm;
    char zone[8];

    if (!localtime_r(&now, &tm) || !strftime(zone, sizeof zone, "%z", &tm)) {
        put("[-]");
        return;
    }
    put("[%02d/%s/%d:%02d:%02d:%02d %s]", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
        tm.tm_sec, zone);
}

/* Client, two names that we do not know, time, request, status, bytes. */
void log_access(void *arg, const awl_request *request, int status, uint64_t bytes, awl_time took)
{
    (void)arg, (void)took;
    begin_line();
    put_client(request);
    put(" - - ");
    put_time();
    if (*awl_request_method(request)) {
        put(" \"");
        put_escaped(awl_request_method(request));
        put(" ");
        put_escaped(awl_request_target(request));
        put(" HTTP/1.%d\"", awl_request_minor(request));
    } else
        put(" \"-\"");
    if (bytes)
        put(" %d %llu", status, (unsigned long long)bytes);
    else
        put(" %d -", status);
    end_line();
}

void log_report(const char *what, const char *why)
{
    begin_line();
    put("awl-serve: %s: %s", what, why);
    end_line();
    write_some(0); /* the loop may be about to end */
}
