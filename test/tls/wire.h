/* A connection in memory, which can be slow, narrow, cut off or reset: a pair of transports for streams. */
#ifndef TLS_WIRE_H
#define TLS_WIRE_H

#include "stream_rig.h"

enum { WIRE_ROOM = 4096 };

typedef struct wire {
    struct wire *other; /* NULL: it is closed */
    awl_stream *s;
    char in[WIRE_ROOM]; /* what the other has written */
    size_t start, end, room;
    size_t most;  /* bytes moved by one call; 0: any number */
    size_t total; /* bytes that were written here */
    size_t cut;   /* how many bytes go through before it breaks; 0: it does not */
    int error;    /* with which it breaks then; 0: by its end */
    bool broken, ended;
} wire;

static inline size_t wire_least(const wire *w, size_t n, size_t cap)
{
    n = n < cap ? n : cap;
    return w->most && n > w->most ? w->most : n;
}

static inline ssize_t wire_read(void *self, void *buf, size_t cap)
{
    wire *w = self;
    const size_t n = wire_least(w, w->end - w->start, cap);

    if (!n)
        return w->broken && w->error ? -w->error : w->ended || w->broken || !w->other ? 0 : -EAGAIN;
    memcpy(buf, w->in + w->start, n);
    w->start += n;
    if (w->start == w->end)
        w->start = w->end = 0;
    if (w->other)
        awl_stream_changed(w->other->s, false, true);
    return (ssize_t)n;
}

static inline void wire_break(wire *w)
{
    w->broken = w->other->broken = true;
    w->other->error = w->error;
    awl_stream_changed(w->s, true, true);
    awl_stream_changed(w->other->s, true, true);
}

static inline ssize_t wire_write(void *self, const struct iovec *parts, int n)
{
    wire *w = self, *to = w->other;
    size_t all = 0;

    if (w->broken || !to)
        return w->error ? -w->error : -EPIPE;
    for (int i = 0; i < n; i++) {
        size_t len = wire_least(w, parts[i].iov_len, to->room - to->end);

        if (w->cut && len > w->cut - w->total)
            len = w->cut - w->total;
        memcpy(to->in + to->end, parts[i].iov_base, len);
        to->end += len;
        w->total += len;
        all += len;
        if (len < parts[i].iov_len)
            break;
    }
    if (w->cut && w->total == w->cut)
        wire_break(w);
    if (!all)
        return w->broken ? (w->error ? -w->error : -EPIPE) : -EAGAIN;
    awl_stream_changed(to->s, true, false);
    if (w->most)
        awl_stream_changed(w->s, false, true);
    return (ssize_t)all;
}

static inline void wire_close(void *self)
{
    wire *w = self;

    if (!w->other)
        return;
    w->other->other = NULL;
    w->other->ended = true;
    awl_stream_changed(w->other->s, true, true);
    w->other = NULL;
}

static const awl_transport wire_transport = { .read = wire_read, .write = wire_write, .close = wire_close };

/* The client's end, and the server's. They outlive a test that fails, whose streams may still be closing. */
static wire ends[2];

/* Streams over both ends, in the place of a socket's; `most` as above. */
static inline void wire_two(two *t, size_t most)
{
    memset(ends, 0, sizeof ends);
    for (int i = 0; i < 2; i++) {
        ends[i].other = &ends[1 - i];
        ends[i].most = most;
        ends[i].room = WIRE_ROOM;
        ends[i].s = awl_stream_new(&wire_transport, &ends[i], NULL);
        CHECK(ends[i].s != NULL);
    }
    awl_stream_close(t->c);
    awl_stream_close(t->s);
    t->c = ends[0].s;
    t->s = ends[1].s;
}

#endif
