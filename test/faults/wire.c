/* Two streams that are joined in memory; see wire.h. */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int other(int side) { return 1 - side; }

static int side_of(const wire_end *end) { return end == &end->wire->ends[1]; }

/* The pipe into an end, and the one out of it. */
static wire_pipe *in_of(const wire_end *end) { return &end->wire->pipes[other(side_of(end))]; }

static wire_pipe *out_of(const wire_end *end) { return &end->wire->pipes[side_of(end)]; }

/* Whoever was told "not now" may try again. */
static void changed(wire_end *end, bool readable, bool writable)
{
    readable &= end->wants_read;
    writable &= end->wants_write;
    if (end->closed || !(readable || writable))
        return;
    end->wants_read &= !readable;
    end->wants_write &= !writable;
    awl_stream_changed(end->s, readable, writable);
}

static bool is_full(const wire_end *end)
{
    const wire_pipe *p = out_of(end);

    return p->held + p->arrived - p->taken >= end->wire->habits.room;
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

/* Nothing comes or goes any more; what has arrived can still be read. */
static void hang_up(wire_end *end, int error)
{
    if (end->down)
        return;
    end->down = true;
    end->error = error;
    in_of(end)->held = out_of(end)->held = 0;
    in_of(end)->swallows = out_of(end)->swallows = true;
    changed(end, true, true);
}

/* The other side has gone, in an orderly way. */
static void end_pipe(wire_pipe *p, wire_end *reader)
{
    p->held = 0;
    p->ended = p->swallows = true;
    changed(reader, true, false);
}

static void garble(wire_pipe *p)
{
    memcpy(p->log + p->arrived, fault_garbage, FAULT_GARBAGE_LEN);
    p->arrived += FAULT_GARBAGE_LEN;
}

/* Result: whether the fault has happened; a byte that is to be changed must come first. */
static bool happen(wire *w, int way)
{
    wire_pipe *p = &w->pipes[way];

    switch (p->way.kind) {
    case FAULT_RESET:
        hang_up(&w->ends[0], ECONNRESET);
        hang_up(&w->ends[1], ECONNRESET);
        break;
    case FAULT_CUT:
        end_pipe(&w->pipes[0], &w->ends[1]);
        end_pipe(&w->pipes[1], &w->ends[0]);
        w->ends[0].gone = w->ends[1].gone = true;
        break;
    case FAULT_END: end_pipe(p, &w->ends[other(way)]); break;
    case FAULT_SILENCE:
        w->pipes[0].swallows = w->pipes[1].swallows = true;
        w->pipes[0].held = w->pipes[1].held = 0;
        break;
    case FAULT_GARBAGE: garble(p); break;
    case FAULT_FLIP:
        if (!p->held)
            return false;
        p->store[0] ^= 1;
        break;
    default: break;
    }
    return true;
}

/* ---- Moving ------------------------------------------------------------------------------------------------------ */

static void move_forth(void *wire);
static void move_back(void *wire);

static void schedule(wire *w, int way)
{
    wire_pipe *p = &w->pipes[way];
    awl_fn *const fn = way == FAULT_FORTH ? move_forth : move_back;

    if (p->way.delay) /* either is let be where it is scheduled already */
        awl_call_later(NULL, &p->mover, p->way.delay, fn, w);
    else
        awl_call_soon(NULL, &p->mover, fn, w);
}

/* Lets the next chunk arrive, and then the fault happen if it is due, or the end. */
static void move(wire *w, int way)
{
    wire_pipe *p = &w->pipes[way];
    wire_end *sender = &w->ends[way], *reader = &w->ends[other(way)];
    const size_t n = fault_may_pass(&p->way, p->held);

    if (n > sizeof p->log - p->arrived)
        abort(); /* a test that sends more than a wire is for */
    memcpy(p->log + p->arrived, p->store, n);
    memmove(p->store, p->store + n, p->held - n);
    p->held -= n;
    p->arrived += n;
    p->way.passed += n;
    if (fault_is_due(&p->way))
        p->way.done = happen(w, way);
    if (p->ending && !p->held && !p->swallows)
        p->ended = true;
    changed(reader, true, false);
    changed(sender, false, true);
    if (p->held && fault_may_pass(&p->way, p->held))
        schedule(w, way);
}

static void move_forth(void *w) { move(w, FAULT_FORTH); }
static void move_back(void *w) { move(w, FAULT_BACK); }

/* ---- The transport ----------------------------------------------------------------------------------------------- */

static int tell(wire_end *end, int error)
{
    if (!end->told)
        end->told = error;
    return -error;
}

/* The error that waits to be told, once; 0: none. */
static int pending(wire_end *end)
{
    const int error = end->error;

    end->error = 0;
    end->refuses |= error != 0;
    return error ? tell(end, error) : 0;
}

static int not_now(bool *wants)
{
    *wants = true;
    return -EAGAIN;
}

static void nudge(void *self)
{
    wire_end *end = self;
    const bool read = end->nudges_read, write = end->nudges_write;

    end->nudges_read = end->nudges_write = false;
    changed(end, read, write);
}

/* Refuses a call for no reason, for a short while. */
static int whim(wire_end *end, bool reads)
{
    end->nudges_read |= reads;
    end->nudges_write |= !reads;
    awl_call_soon(NULL, &end->nudge, nudge, end);
    return not_now(reads ? &end->wants_read : &end->wants_write);
}

/* With a connection that is lost, "not now" would mean never. */
static bool is_whim(const wire_end *end, unsigned calls)
{
    return end->wire->habits.again && calls % end->wire->habits.again == 0 && !end->told;
}

static size_t at_most(const wire_end *end, size_t n)
{
    const size_t most = end->wire->habits.most;

    return most && n > most ? most : n;
}

static ssize_t wire_read(void *self, void *buf, size_t cap)
{
    wire_end *end = self;
    wire_pipe *p = in_of(end);
    size_t n = at_most(end, p->arrived - p->taken);

    if (is_whim(end, ++end->reads))
        return whim(end, true);
    if (!n && end->error)
        return pending(end);
    if (!n && (p->ended || end->down)) {
        end->told_end |= !end->told;
        return 0;
    }
    if (!n)
        return not_now(&end->wants_read);
    n = n < cap ? n : cap;
    memcpy(buf, p->log + p->taken, n);
    p->taken += n;
    changed(&end->wire->ends[other(side_of(end))], false, true);
    return (ssize_t)n;
}

/* Takes bytes that go nowhere. */
static ssize_t lose(const wire_end *end, const struct iovec *parts, int n)
{
    size_t all = 0;

    for (int i = 0; i < n; i++)
        all += parts[i].iov_len;
    return (ssize_t)at_most(end, all);
}

static ssize_t wire_write(void *self, const struct iovec *parts, int n)
{
    wire_end *end = self;
    wire_pipe *p = out_of(end);
    size_t all = 0, room;

    if (!n || !parts->iov_len)
        return tell(end, EINVAL); /* against the contract */
    if (is_whim(end, ++end->writes))
        return whim(end, false);
    if (end->error)
        return pending(end);
    if (end->refuses)
        return tell(end, EPIPE);
    if (p->swallows) {
        end->refuses = end->gone;
        return lose(end, parts, n);
    }
    if (is_full(end))
        return not_now(&end->wants_write);
    room = at_most(end, end->wire->habits.room - p->held - (p->arrived - p->taken));
    for (int i = 0; i < n && room; i++) {
        const size_t len = parts[i].iov_len < room ? parts[i].iov_len : room;

        memcpy(p->store + p->held, parts[i].iov_base, len);
        p->held += len;
        room -= len;
        all += len;
    }
    schedule(end->wire, side_of(end));
    return (ssize_t)all;
}

static int wire_eof(void *self)
{
    wire_end *end = self;

    if (end->wire->habits.late_eof && !end->ends++)
        return whim(end, false);
    if (end->error || end->refuses)
        return end->error ? pending(end) : tell(end, EPIPE);
    out_of(end)->ending = true;
    schedule(end->wire, side_of(end));
    return 0;
}

static void wire_close(void *self)
{
    wire_end *end = self, *peer = &end->wire->ends[other(side_of(end))];
    wire_pipe *in = in_of(end), *out = out_of(end);

    end->closed = true;
    awl_handle_cancel(&end->nudge);
    if (peer->closed) {
        awl_handle_cancel(&in->mover);
        awl_handle_cancel(&out->mover);
    } else if (!in->swallows && in->arrived + in->held > in->taken) {
        hang_up(peer, ECONNRESET);
    } else {
        peer->gone = !in->swallows;
        in->swallows = true;
        out->ending = true;
        schedule(end->wire, side_of(end));
    }
}

static const awl_transport transport = { .read = wire_read, .write = wire_write, .write_eof = wire_eof,
                                         .close = wire_close };

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

int wire_open(wire *w, const fault_plan *plan, const wire_habits *habits, const awl_stream_options *options)
{
    memset(w->ends, 0, sizeof w->ends);
    w->habits = habits ? *habits : (wire_habits){ 0 };
    if (!w->habits.room)
        w->habits.room = 700;
    for (int i = 0; i < 2; i++) {
        memset(&w->pipes[i], 0, offsetof(wire_pipe, store));
        if (plan)
            w->pipes[i].way = plan->way[i];
        w->ends[i].wire = w;
    }
    for (int i = 0; i < 2; i++) {
        w->ends[i].s = awl_stream_new(&transport, &w->ends[i], options);
        if (!w->ends[i].s) {
            w->ends[1].closed = true; /* so that nothing is on its way to it */
            if (i)
                awl_stream_close(w->ends[0].s);
            w->ends[0].s = NULL;
            return ENOMEM;
        }
    }
    for (int i = 0; i < 2; i++)
        if (fault_is_due(&w->pipes[i].way))
            schedule(w, i);
    return 0;
}

bool wire_is_over(const wire *w) { return w->ends[0].closed && w->ends[1].closed; }
