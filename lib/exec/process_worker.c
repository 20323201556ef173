/* In a worker process: takes jobs from its socket, calls their functions, and sends what they reply. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "process_priv.h"

/* Room for a job with its argument, so that one read takes both. */
enum { ROOM = 65536, HEAD = 32 };

typedef struct station {
    int fd;
    size_t filled; /* of room */
    _Alignas(max_align_t) unsigned char room[ROOM];
} station;

_Static_assert(sizeof(awl__job_head) <= HEAD, "an argument begins at an aligned place");

static _Noreturn void leave(int status)
{
    fflush(stdout);
    _exit(status);
}

/* Nobody is there any more whom it would concern: leaves. */
static void receive(const station *s, void *place, size_t len)
{
    for (unsigned char *at = place; len;) {
        const ssize_t n = recv(s->fd, at, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            leave(0);
        at += n;
        len -= (size_t)n;
    }
}

static void reply(const station *s, const awl__reply_head *head, const void *data)
{
    struct iovec parts[] = { { (void *)(uintptr_t)head, sizeof *head },
                             { (void *)(uintptr_t)data, (size_t)head->len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

    while (parts[0].iov_len + parts[1].iov_len) {
        ssize_t n = sendmsg(s->fd, &message, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            leave(0);
        for (int i = 0; i < 2; i++) {
            const size_t part = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;

            if (part) /* a pointer to nothing stays one */
                parts[i].iov_base = (char *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            n -= (ssize_t)part;
        }
    }
}

/* The whole argument, in the station's room or in memory of its own; NULL: there is none for it, and it has been passed
 * over. */
static const void *argument(station *s, size_t len)
{
    unsigned char *in = s->room + HEAD;
    const size_t here = s->filled - sizeof(awl__job_head);

    if (len <= ROOM - HEAD) {
        memmove(in, s->room + sizeof(awl__job_head), here);
        receive(s, in + here, len - here);
        return in;
    }
    in = malloc(len);
    if (in) {
        memcpy(in, s->room + sizeof(awl__job_head), here);
        receive(s, in + here, len - here);
        return in;
    }
    for (len -= here; len;) {
        const size_t part = len < ROOM ? len : ROOM;

        receive(s, s->room, part);
        len -= part;
    }
    return NULL;
}

/* One job: waits for its head, and takes with it what is there of its argument. */
static void work(station *s)
{
    awl__reply_head head = { .what = AWL__JOB_REPLY };
    awl_reply out = { .bytes_ = NULL };
    awl__job_head job;
    const void *in;
    ssize_t n;

    do
        n = recv(s->fd, s->room, sizeof s->room, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        leave(0);
    s->filled = (size_t)n;
    if (s->filled < sizeof job) {
        receive(s, s->room + s->filled, sizeof job - s->filled);
        s->filled = sizeof job;
    }
    memcpy(&job, s->room, sizeof job);
    in = argument(s, (size_t)job.len);

    head.error = (int16_t)(in ? awl__call_make(job.fn, in, (size_t)job.len, &out) : ENOMEM);
    head.what = out.text_ ? AWL__TEXT_REPLY : AWL__JOB_REPLY;
    head.kind = out.result_.kind_;
    head.value = out.result_.value_;
    head.len = out.bytes_ ? out.bytes_->len : 0;
    if (head.len == 0 && out.bytes_)
        head.kind = CO_POINTER; /* bytes, but none */
    fflush(stdout);
    reply(s, &head, out.bytes_ ? out.bytes_->data : NULL);
    free(out.bytes_);
    if (in != s->room + HEAD)
        free((void *)(uintptr_t)in);
}

_Noreturn void awl__worker_main(const awl__process_pool *pool, int fd)
{
    static station s;
    const awl_process_pool_options *o = &pool->options;
    const awl__reply_head ready = { .what = AWL__READY_REPLY, .value.i = getpid() };
    int status;

    prctl(PR_SET_NAME, "awl-worker");
    s.fd = fd;
    status = o->init ? o->init(o->init_arg) : 0;
    if (status)
        leave(status);
    reply(&s, &ready, NULL);
    for (;;)
        work(&s);
}
