/* The loop's end of a worker: starting one, sending it a job, taking what it replies. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "process_priv.h"

enum { AT_ONCE = 4096 }; /* bytes of a reply that are taken together with its head */

static awl_loop *loop_of(const awl__worker *w) { return w->pool->executor.loop; }

/* ---- Its socket ------------------------------------------------------------------------------------------------- */

static bool has_more_to_send(const awl__worker *w)
{
    return w->job && w->sent < sizeof w->head + awl__call_of(w->job)->len;
}

static void changed(awl__io *io, bool readable, bool writable)
{
    awl__worker *w = (awl__worker *)(void *)io;

    if (readable || (writable && has_more_to_send(w)))
        awl_call_soon(loop_of(w), &w->soon, awl__worker_heard, w);
}

/* A slot that no worker has. */
static awl__worker *find_slot(awl__process_pool *pool)
{
    awl__worker *w = pool->workers;

    while (w->state != AWL__NO_WORKER)
        w++;
    return w;
}

int awl__worker_start(awl__process_pool *pool)
{
    awl__worker *w = find_slot(pool);
    const awl__message order = { .what = AWL__FORK, .slot = (uint32_t)(w - pool->workers), .id = ++pool->next_id };
    int fds[2], error = awl__sockets_open(SOCK_STREAM, fds);

    if (error)
        return error;
    *w = (awl__worker){ .pool = pool, .fd = fds[0], .id = order.id, .io = { .quiet = true, .changed = changed } };
    error = awl__io_open(pool->executor.loop, &w->io, fds[0]);
    if (!error)
        error = awl__server_tell(pool, &order, fds[1]);
    close(fds[1]);
    if (error) {
        awl__io_close(&w->io);
        close(fds[0]);
        return error;
    }
    w->state = AWL__STARTING;
    pool->n++;
    pool->starting++;
    return 0;
}

void awl__worker_leave(awl__worker *w)
{
    awl__io_close(&w->io);
    if (w->fd >= 0) {
        shutdown(w->fd, SHUT_RDWR); /* also if a child of this process has a copy of it */
        close(w->fd);
    }
    w->fd = -1;
    w->state = AWL__LEAVING;
}

void awl__worker_kill(awl__worker *w, int sig)
{
    const awl__message order = {
        .what = AWL__KILL, .number = sig, .slot = (uint32_t)(w - w->pool->workers), .id = w->id
    };

    w->doomed = true;
    /* The server has not taken as many orders as its socket holds: it has not looked for ended workers either. */
    if (awl__server_tell(w->pool, &order, -1) == EAGAIN && w->pid)
        kill(w->pid, sig);
}

/* ---- Jobs ------------------------------------------------------------------------------------------------------- */

/* Sends what is left of a job, as much as there is room for: 0 or the error. */
static int send_rest(awl__worker *w)
{
    awl__call *call = awl__call_of(w->job);
    const size_t head = sizeof w->head, all = head + call->len;

    while (w->sent < all) {
        const size_t of_head = w->sent < head ? head - w->sent : 0, of_call = w->sent + of_head - head;
        struct iovec parts[] = { { (char *)&w->head + head - of_head, of_head },
                                 { call->in + of_call, call->len - of_call } };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
        const ssize_t n = sendmsg(w->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        w->sent += (size_t)n;
    }
    return 0;
}

int awl__worker_give(awl__worker *w, awl__job *job)
{
    const awl__call *call = awl__call_of(job);
    int error;

    w->job = job;
    w->head = (awl__job_head){ .len = call->len, .fn = call->fn };
    w->sent = 0;
    w->got = 0;
    w->overdue = false;
    error = send_rest(w);
    if (error && error != EAGAIN && !w->sent) {
        w->job = NULL;
        return EPIPE;
    }
    w->state = AWL__BUSY;
    w->jobs++;
    return 0;
}

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

/* Whether a head is one that a worker in that state sends: its memory may be spoiled. */
static bool can_be(const awl__reply_head *head, uint8_t state)
{
    const bool plain = !head->len && head->kind == CO_NONE;

    if (head->error < 0 || head->kind > CO_POINTER || head->len > SIZE_MAX / 2)
        return false;
    if (state == AWL__STARTING)
        return head->what == AWL__READY_REPLY && plain && head->value.i > 0 && head->value.i <= INT32_MAX;
    if (state != AWL__BUSY)
        return false;
    return head->what == AWL__JOB_REPLY ? !head->error || plain
                                        : head->what == AWL__TEXT_REPLY && head->error && head->kind == CO_NONE;
}

/* The head is there: room for what follows it. */
static bool expect(awl__worker *w)
{
    w->bytes = NULL;
    w->no_memory = false;
    if (!can_be(&w->reply, w->state))
        return false;
    if (w->reply.len || w->reply.kind == CO_POINTER) {
        w->bytes = awl__bytes_new((size_t)w->reply.len);
        w->no_memory = !w->bytes;
    }
    return true;
}

/* Takes n bytes that follow the head. */
static void fill(awl__worker *w, const void *data, size_t n)
{
    if (w->bytes)
        memcpy(w->bytes->data + w->got - sizeof w->reply, data, n);
    w->got += n;
}

/* The head, and what comes with it. Result: 1; 0 if there is nothing now; -1 if nothing will come. */
static int take_head(awl__worker *w)
{
    unsigned char more[AT_ONCE];
    const size_t left = sizeof w->reply - w->got;
    struct iovec parts[] = { { (char *)&w->reply + w->got, left }, { more, sizeof more } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    const ssize_t n = recvmsg(w->fd, &message, MSG_DONTWAIT);

    if (n < 0)
        return errno == EINTR ? 1 : errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    if ((size_t)n < left || n == 0) {
        w->got += (size_t)n;
        return n ? 1 : -1;
    }
    w->got = sizeof w->reply;
    if (!expect(w) || (size_t)n - left > w->reply.len)
        return -1;
    fill(w, more, (size_t)n - left);
    return 1;
}

/* What follows the head; without memory for it, nowhere. */
static int take_bytes(awl__worker *w)
{
    unsigned char nowhere[AT_ONCE];
    const size_t at = w->got - sizeof w->reply, left = (size_t)w->reply.len - at;
    const size_t most = w->bytes || left < sizeof nowhere ? left : sizeof nowhere;
    const ssize_t n = recv(w->fd, w->bytes ? w->bytes->data + at : nowhere, most, MSG_DONTWAIT);

    if (n < 0)
        return errno == EINTR ? 1 : errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    w->got += (size_t)n;
    return n ? 1 : -1;
}

bool awl__worker_take(awl__worker *w)
{
    int more = 1;

    if (w->fd < 0 || w->broken)
        return false;
    if (has_more_to_send(w))
        send_rest(w); /* an error will be known from its end */
    while (more > 0) {
        if (w->got >= sizeof w->reply && w->got - sizeof w->reply == w->reply.len) {
            w->got = 0;
            return true;
        }
        more = w->got < sizeof w->reply ? take_head(w) : take_bytes(w);
    }
    /* What cannot be read ends: it has ended already, or does not speak as a worker does. */
    if (more < 0) {
        w->broken = true;
        awl__worker_kill(w, SIGKILL);
    }
    return false;
}
