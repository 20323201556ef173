/*
 * Streams of files: see awl/file.h.
 *
 * What the kernel has in memory is read here and now, into the reader's memory. Where the disk has to be waited for, a
 * thread reads the next block while the loop hands out the one before, and some blocks later it is tried here again. A
 * thread writes a block while the loop fills the next. So there are two blocks a way, each in its call, and at most one
 * of a way is in a thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "../stream/stream_priv.h"
#include "file_priv.h"

enum {
    LEAST = 16384, /* bytes of a block: as long as all are full, the next is twice as large */
    MOST = 262144,
    NOW = 65536,  /* that are read here at once, at most */
    PATIENCE = 8, /* blocks that threads read before it is tried here again */
};

/* One way: at most one call is at work. */
typedef struct way {
    awl__waiter waiter;
    awl_future *future;
    awl__file_call *busy; /* NULL: none is */
} way;

typedef struct file_stream {
    awl__closer closer; /* before that of the stream */
    awl_loop *loop;
    awl_stream *s;
    awl__file_core *core;
    awl_time follow; /* 0: the end is the end */
    awl_handle again;
    bool waits; /* for `again`, at the end */
    bool dying; /* the loop is being closed */

    way in;
    awl__file_call *have, *ahead, *spare; /* that is handed out; that is full already; that is free */
    int64_t read_at;
    size_t block;
    int patience; /* blocks for threads to read; 0: the next read is tried here; -1: always threads */
    bool ended;
    int read_error;

    way out;
    awl__file_call *filling, *used; /* that is to be written next; that is free */
    int64_t write_at;
    int write_error;
} file_stream;

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

static int run_read(awl__file_call *call)
{
    size_t done;
    const int error = awl__file_read_at(awl__file_fd_of(call->core)->fd, call->data, call->cap, call->offset, &done);

    call->len = done;
    call->ended = !error && done < call->cap;
    return error;
}

static int run_write(awl__file_call *call)
{
    size_t done;

    return awl__file_write_at(awl__file_fd_of(call->core), call->data, call->len, call->offset, &done);
}

/* A call with a block, of those that are free if it is large enough. NULL: no memory. */
static awl__file_call *take_block(file_stream *fs, awl__file_call **spare, size_t cap, int (*run)(awl__file_call *))
{
    awl__file_call *call = *spare;

    *spare = NULL;
    if (call && call->cap >= cap) {
        call->len = 0;
        call->result = 0;
        return call;
    }
    awl__file_call_end(call);
    call = awl__file_call_new(fs->loop, run, NULL, NULL);
    if (!call)
        return NULL;
    call->core = awl__file_core_keep(fs->core);
    call->cap = cap;
    call->data = malloc(cap);
    if (!call->data) {
        awl__file_call_end(call);
        return NULL;
    }
    return call;
}

/* A block is free: one is kept. */
static void give_block(awl__file_call **spare, awl__file_call *call)
{
    awl__file_call_end(*spare);
    *spare = call;
}

static void try_again(void *arg);

/* Hands a call to a thread. Result: 0; EAGAIN: there is no room now, it will be tried again; or the error. In both
 * cases the call stays here. */
static int launch(file_stream *fs, way *w, awl__file_call *call, void (*done)(awl_loop *, awl__waiter *))
{
    int error;

    call->kept = true; /* or it would be dropped with what is in it */
    w->future = awl_executor_submit_job(NULL, awl__file_job(call));
    error = w->future ? 0 : errno;
    call->kept = false;
    if (!error) {
        w->busy = call;
        awl__watch(w->future, &w->waiter, done);
    } else if (error == EAGAIN) {
        awl_handle_cancel(&fs->again);
        awl_call_later(fs->loop, &fs->again, AWL_MS, try_again, fs);
    }
    return error;
}

/* A call has come back. Its error; if it was dropped, NULL is in *call. */
static int take_back(way *w, awl__file_call **call)
{
    const int error = awl_future_error(w->future);

    *call = error ? NULL : w->busy;
    awl_future_release(w->future);
    w->future = NULL;
    w->busy = NULL;
    return *call ? (*call)->error : error;
}

/* Nobody waits for it any more. The executor drops what is at work, and what has come back is ours. */
static void give_up(file_stream *fs, way *w)
{
    const bool mine = w->future && awl_future_done(w->future) && !awl_future_error(w->future);

    if (!w->future)
        return;
    if (!fs->dying) {
        if (!awl_future_done(w->future) || w->waiter.future)
            awl__unwatch(&w->waiter);
        awl_future_release(w->future);
    }
    if (mine)
        awl__file_call_end(w->busy);
    w->future = NULL;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static void block_read(awl_loop *loop, awl__waiter *waiter);

/* Has the next block read, if there is room for one and something to come. */
static void read_ahead(file_stream *fs)
{
    int error;

    if (fs->in.busy || fs->ahead || fs->ended || fs->read_error || !fs->patience)
        return;
    fs->spare = take_block(fs, &fs->spare, fs->block, run_read);
    if (!fs->spare) {
        fs->read_error = ENOMEM;
        return;
    }
    fs->spare->offset = fs->read_at;
    error = launch(fs, &fs->in, fs->spare, block_read);
    if (!error)
        fs->spare = NULL;
    else if (error != EAGAIN)
        fs->read_error = error;
}

static void block_read(awl_loop *loop, awl__waiter *waiter)
{
    file_stream *fs = (file_stream *)(void *)((char *)waiter - offsetof(file_stream, in.waiter));
    awl__file_call *call;

    (void)loop;
    waiter->future = NULL;
    fs->read_error = take_back(&fs->in, &call);
    if (call) {
        fs->read_at += (int64_t)call->len;
        fs->ended = call->ended;
        fs->patience -= fs->patience > 0;
        if (call->len == call->cap && fs->block < MOST)
            fs->block *= 2;
        if (call->len)
            fs->ahead = call;
        else
            give_block(&fs->spare, call);
    }
    if (fs->ended && fs->follow && !fs->ahead) {
        awl_call_later(fs->loop, &fs->again, fs->follow, try_again, fs);
        fs->waits = true;
    }
    awl_stream_changed(fs->s, true, false);
}

/* The block that was read ahead is the one to hand out, and the next is read. */
static bool next_block(file_stream *fs)
{
    if (!fs->ahead) {
        if (fs->ended && fs->follow && !fs->waits)
            fs->ended = false;
        read_ahead(fs);
        return false;
    }
    fs->have = fs->ahead;
    fs->have->offset = 0; /* from here on: how much of it has been handed out */
    fs->ahead = NULL;
    read_ahead(fs);
    return true;
}

/* Bytes that the kernel has in memory. Result: how many; 0: a thread has to look, which tells the end, too. */
static ssize_t read_now(file_stream *fs, void *buf, size_t cap)
{
    ssize_t n = -EAGAIN;

    if (!fs->patience && !fs->in.busy && !fs->ahead && !fs->read_error) {
        n = awl__file_read_now(awl__file_fd_of(fs->core)->fd, buf, cap < NOW ? cap : NOW, fs->read_at);
        fs->patience = n == -EOPNOTSUPP ? -1 : n > 0 ? 0 : PATIENCE;
    }
    if (n <= 0)
        return 0;
    fs->read_at += n;
    return n;
}

static ssize_t file_read(void *self, void *buf, size_t cap)
{
    file_stream *fs = self;
    awl__file_call *have;
    ssize_t now;
    size_t n;

    now = fs->have ? 0 : read_now(fs, buf, cap);
    if (now)
        return now;
    if (!fs->have && !next_block(fs))
        return fs->in.busy ? -EAGAIN : fs->read_error ? -fs->read_error : fs->ended && !fs->follow ? 0 : -EAGAIN;
    have = fs->have;
    n = have->len - (size_t)have->offset;
    n = n < cap ? n : cap;
    memcpy(buf, have->data + have->offset, n);
    have->offset += (int64_t)n;
    if ((size_t)have->offset == have->len) {
        give_block(&fs->spare, have);
        fs->have = NULL;
        next_block(fs);
    }
    return (ssize_t)n;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

static void block_written(awl_loop *loop, awl__waiter *waiter);

/* Has what was gathered written, if nothing is being written. */
static void write_behind(file_stream *fs)
{
    int error;

    if (fs->out.busy || !fs->filling || fs->write_error)
        return;
    fs->filling->offset = fs->write_at;
    error = launch(fs, &fs->out, fs->filling, block_written);
    if (!error) {
        fs->write_at += (int64_t)fs->filling->len;
        fs->filling = NULL;
    } else if (error != EAGAIN) {
        fs->write_error = error;
    }
}

static void block_written(awl_loop *loop, awl__waiter *waiter)
{
    file_stream *fs = (file_stream *)(void *)((char *)waiter - offsetof(file_stream, out.waiter));
    awl__file_call *call;

    (void)loop;
    waiter->future = NULL;
    fs->write_error = take_back(&fs->out, &call);
    if (call)
        give_block(&fs->used, call);
    write_behind(fs);
    awl_stream_changed(fs->s, false, true);
}

static ssize_t file_write(void *self, const struct iovec *parts, int n)
{
    file_stream *fs = self;
    ssize_t taken = 0;

    if (fs->write_error)
        return -fs->write_error;
    if (!fs->filling)
        fs->filling = take_block(fs, &fs->used, MOST, run_write);
    if (!fs->filling)
        return -ENOMEM;
    for (int i = 0; i < n && fs->filling->len < fs->filling->cap; i++) {
        const size_t room = fs->filling->cap - fs->filling->len;
        const size_t len = parts[i].iov_len < room ? parts[i].iov_len : room;

        memcpy(fs->filling->data + fs->filling->len, parts[i].iov_base, len);
        fs->filling->len += len;
        taken += (ssize_t)len;
    }
    write_behind(fs);
    return fs->write_error ? -fs->write_error : taken ? taken : -EAGAIN;
}

static int file_flush(void *self)
{
    file_stream *fs = self;

    write_behind(fs);
    return fs->write_error ? -fs->write_error : fs->out.busy || fs->filling ? -EAGAIN : 0;
}

/* ---- Both ------------------------------------------------------------------------------------------------------- */

/* There may be room in the executor, or more in the file. */
static void try_again(void *arg)
{
    file_stream *fs = arg;

    fs->waits = false;
    if (fs->follow)
        fs->ended = false;
    read_ahead(fs);
    write_behind(fs);
    awl_stream_changed(fs->s, true, true);
}

static void file_close(void *self)
{
    file_stream *fs = self;
    awl__file_call *calls[] = { fs->have, fs->ahead, fs->spare, fs->filling, fs->used };

    give_up(fs, &fs->in);
    give_up(fs, &fs->out);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        awl__file_call_end(calls[i]);
    if (!fs->dying) {
        awl_handle_cancel(&fs->again);
        awl__closer_remove(&fs->closer);
    }
    awl__file_core_put(fs->core);
    awl__free(fs->loop, fs, sizeof *fs);
}

static const awl_transport file_transport = {
    .read = file_read, .write = file_write, .flush = file_flush, .close = file_close
};

static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    (void)loop;
    ((file_stream *)(void *)closer)->dying = true;
}

static awl_stream *open_stream(awl_file *file, awl_time follow, const awl_stream_options *options)
{
    awl_loop *loop = awl_running_;
    file_stream *fs;

    errno = !file || !loop || follow < 0 ? EINVAL : file->handle.loop != loop ? AWL_EOTHERLOOP : 0;
    if (!errno && !file->handle.core)
        errno = EBADF;
    if (errno)
        return NULL;
    fs = awl__alloc(loop, sizeof *fs);
    if (!fs)
        goto no_memory;
    memset(fs, 0, sizeof *fs);
    fs->loop = loop;
    fs->follow = follow;
    fs->block = LEAST;
    fs->read_at = fs->write_at = file->position;
    awl__closer_add(loop, &fs->closer, loop_closed);
    fs->s = awl_stream_new(&file_transport, fs, options);
    if (!fs->s)
        goto free_it;
    fs->core = awl__file_core_keep(file->handle.core);
    return fs->s;

free_it:
    awl__closer_remove(&fs->closer);
    awl__free(loop, fs, sizeof *fs);
no_memory:
    errno = ENOMEM;
    return NULL;
}

awl_stream *awl_file_stream(awl_file *file, const awl_stream_options *options) { return open_stream(file, 0, options); }

awl_stream *awl_file_follow(awl_file *file, awl_time interval, const awl_stream_options *options)
{
    return open_stream(file, interval < AWL_MS ? interval < 0 ? -1 : AWL_MS : interval, options);
}
