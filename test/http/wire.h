/* A client made of memory at the other end of a stream, and the answers that it got in short. */
#ifndef HTTP_WIRE_H
#define HTTP_WIRE_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "awl.h"

/* What has to be so for a test to mean anything. */
#ifdef HARNESS_H
#define must(so) CHECK(so)
#else
#define must(so) ((so) ? (void)0 : abort())
#endif

/* ---- The wire ---------------------------------------------------------------------------------------------------- */

/* Both directions of a connection, in memory. */
typedef struct wire {
    awl_stream *s;
    awl_handle more;
    const char *in; /* what the client sends; a pause after `cut` bytes, and then after every `step` */
    size_t in_len, at, cut, step;
    bool in_ends;   /* and then its end */
    char out[300000];
    size_t out_len, room; /* what the client has read, and how much it still takes */
    size_t read_up_to;    /* by `answers`, for the next time */
    bool out_ended, closed;
} wire;

static wire the_wire; /* not in a frame: it outlives the stream */

static inline void wire_goes_on(void *arg)
{
    wire *w = arg;

    if (w->s)
        awl_stream_changed(w->s, true, true);
}

static inline ssize_t wire_read(void *self, void *buf, size_t cap)
{
    wire *w = self;
    size_t n = w->in_len - w->at;

    if (!n)
        return w->in_ends ? 0 : -EAGAIN;
    if (w->cut && w->at == w->cut) { /* the client pauses here, once */
        w->cut = w->step && w->at + w->step < w->in_len ? w->at + w->step : 0;
        awl_call_soon(awl_running_loop(), &w->more, wire_goes_on, w);
        return -EAGAIN;
    }
    if (w->cut && n > w->cut - w->at)
        n = w->cut - w->at;
    n = n < cap ? n : cap;
    memcpy(buf, w->in + w->at, n);
    w->at += n;
    return (ssize_t)n;
}

static inline ssize_t wire_write(void *self, const struct iovec *parts, int n)
{
    wire *w = self;
    size_t all = 0;

    for (int i = 0; i < n; i++) {
        const size_t len = parts[i].iov_len < w->room ? parts[i].iov_len : w->room;

        must(w->out_len + len < sizeof w->out);
        memcpy(w->out + w->out_len, parts[i].iov_base, len);
        w->out_len += len;
        w->out[w->out_len] = '\0';
        w->room -= len;
        all += len;
    }
    return all ? (ssize_t)all : -EAGAIN;
}

static inline int wire_write_eof(void *self)
{
    ((wire *)self)->out_ended = true;
    return 0;
}

static inline void wire_close(void *self)
{
    wire *w = self;

    awl_handle_cancel(&w->more);
    w->closed = true;
    w->s = NULL;
}

static const awl_transport wire_transport = {
    .read = wire_read, .write = wire_write, .write_eof = wire_write_eof, .close = wire_close
};

/* Puts a stream on a fresh wire. */
static inline awl_stream *wire_open(wire *w, const awl_stream_options *options)
{
    memset(w, 0, sizeof *w);
    w->room = SIZE_MAX;
    w->s = awl_stream_new(&wire_transport, w, options);
    must(w->s != NULL);
    return w->s;
}

/* The client sends; all that it sent before has to have been read. */
static inline void client_sends_n(const char *text, size_t len)
{
    must(the_wire.at == the_wire.in_len || !the_wire.s);
    the_wire.in = text;
    the_wire.in_len = len;
    the_wire.at = 0;
    wire_goes_on(&the_wire);
}

static inline void client_sends(const char *text) { client_sends_n(text, strlen(text)); }

static inline void client_ends(void)
{
    the_wire.in_ends = true;
    wire_goes_on(&the_wire);
}

static inline void client_takes(size_t n)
{
    the_wire.room = n;
    wire_goes_on(&the_wire);
}

/* ---- Answers in short -------------------------------------------------------------------------------------------- */

static char brief[8192]; /* what `answers_to` says */

static inline void brief_add(const char *text, size_t len)
{
    const size_t used = strlen(brief);

    must(used + len < sizeof brief);
    memcpy(brief + used, text, len);
    brief[used + len] = '\0';
}

/* The value of a field, with what is behind it; NULL: the head has no such. */
static inline const char *field_value(const char *head, const char *end, const char *name)
{
    const char *at = strstr(head, name);

    return at && at < end ? at + strlen(name) : NULL;
}

/* Adds the data of chunks. Result: behind the last, or NULL: they do not come to it. */
static inline const char *brief_add_chunks(const char *at, const char *all)
{
    for (;;) {
        char *line;
        const size_t n = strtoul(at, &line, 16), there = (size_t)(all - line);

        if (line == at || there < 4 || n > there - 4)
            return NULL;
        brief_add(line + 2, n);
        at = line + 2 + n + 2;
        if (!n)
            return at;
    }
}

/* Adds a body, but of the short page, which says the status again. Result: behind it. */
static inline const char *brief_add_body(const char *head, const char *at, const char *all)
{
    const char *length = field_value(head, at, "Content-Length: "), *end = all;
    const size_t there = (size_t)(all - at), n = length ? strtoul(length, NULL, 10) : there;

    brief_add(" ", 1);
    if (field_value(head, at, "Transfer-Encoding: chunked"))
        end = brief_add_chunks(at, all);
    else if (n <= there)
        end = at + n;
    else
        end = NULL;
    if (!field_value(head, at, "Transfer-Encoding: ") && (!length || n < 4 || strncmp(at, head + 9, 4) != 0))
        brief_add(at, n < there ? n : there);
    while (strchr(" \r\n", brief[strlen(brief) - 1]))
        brief[strlen(brief) - 1] = '\0';
    if (!end)
        brief_add("!", 1);
    return end ? end : all;
}

/* Adds one answer. Result: behind it. */
static inline const char *brief_add_answer(const char *head, const char *all, bool is_head)
{
    const char *end = strstr(head, "\r\n\r\n");

    if (brief[0])
        brief_add("; ", 2);
    if (!end) {
        brief_add("!", 1);
        return all;
    }
    must(strncmp(head, "HTTP/1.1 ", 9) == 0);
    brief_add(head + 9, 3);
    end += 4;
    if (is_head || head[9] == '1' || strncmp(head + 9, "204", 3) == 0 || strncmp(head + 9, "304", 3) == 0)
        return end;
    return brief_add_body(head, end, all);
}

/*
 * What has come since the last time: "STATUS body" of each response, with "; " between them; "!" behind one that is not whole,
 * and "." where the server has ended. Of a response to HEAD there is no body, if `is_head`.
 */
static inline const char *answers_to(wire *w, bool is_head)
{
    const char *at = w->out + w->read_up_to, *all = w->out + w->out_len;

    brief[0] = '\0';
    while (at < all)
        at = brief_add_answer(at, all, is_head);
    w->read_up_to = w->out_len;
    if (w->out_ended || w->closed)
        brief_add(" .", 2);
    return brief + (brief[0] == ' ');
}

#endif
