/* Bodies that become files; see awl/http_client.h. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>

#include "awl/file.h"
#include "http_client_priv.h"

/* The stream gathers what comes for the threads, which write it meanwhile. */
co_def(save, {
    awl_response *r;
    const char *path;
    uint64_t limit, all;
    awl_file *f;
    awl_stream *s;
    int n;
    char buf[16384];
})
{
    co_begin;
    if (!self->r || !self->path)
        co_raise(awl__http_invalid("to save a response takes one, and a path"));
    co_let(self->f, awl_file_replace(self->path, 0));
    self->s = awl_file_stream(self->f, NULL);
    if (!self->s)
        co_raise(errno);
    for (;;) {
        co_let(self->n, awl_response_read(self->r, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        self->all += (uint64_t)self->n;
        if (self->limit && self->all > self->limit)
            co_raise(AWL_ELIMIT);
        self->n = awl_stream_write(self->s, self->buf, (size_t)self->n);
        if (self->n)
            co_raise(self->n);
        co_await(awl_stream_drain(self->s));
    }
    co_await(awl_stream_wait_closed(self->s));
    co_await(awl_file_commit(self->f));
    co_return((int64_t)self->all);
    co_finally;
    awl_stream_abort(self->s);
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

awl_coro awl_response_save(awl_response *response, const char *path, uint64_t limit)
{
    return co_call(save, .r = response, .path = path, .limit = limit);
}
