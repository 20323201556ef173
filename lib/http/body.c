/* The body of a response, piece by piece or whole; see awl/http.h. */
#include "http_priv.h"

/* ---- Chunks: RFC 9112, 7.1 --------------------------------------------------------------------------------------- */

/* A chunk's first line, without its end. Result: the chunk's size, -1 if it is malformed. */
static int64_t chunk_size(const char *line, size_t len)
{
    int64_t size = 0;
    size_t i = 0;

    for (; i < len && i < 15; i++) { /* 15 digits, so that it cannot overflow */
        const char c = line[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            break;
        size = size * 16 + digit;
    }
    if (i == 0)
        return -1;
    while (i < len && (line[i] == ' ' || line[i] == '\t'))
        i++;
    if (i < len && line[i] != ';') /* extensions are skipped */
        return -1;
    for (; i < len; i++) {
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return -1;
    }
    return size;
}

/* A line between data, with its end: takes the response to what comes next. 0 or the error. */
static int take_line(awl_http_response *r, const char *line, size_t len)
{
    const size_t size = len;
    const int error = line ? awl__http_chomp(line, &len) : AWL_EINCOMPLETE;

    if (error)
        return error;
    switch (r->next) {
    case AWL__CHUNK_END:
        r->next = AWL__CHUNK_SIZE;
        return len ? AWL_EPROTOCOL : 0;
    case AWL__CHUNK_SIZE:
        r->left = chunk_size(line, len);
        r->next = r->left ? AWL__CHUNK_DATA : AWL__CHUNK_TRAILER;
        r->head_seen = 0;
        return r->left < 0 ? AWL_EPROTOCOL : 0;
    default: /* header lines of no interest, then an empty one */
        r->head_seen += size;
        r->ended = len == 0;
        if (len && (line[0] == ':' || !memchr(line, ':', len)))
            return AWL_EPROTOCOL;
        return r->head_seen > r->head_limit ? AWL_ELIMIT : 0;
    }
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* Which errors leave a response as it was. */
static bool is_passing(int error) { return error == ECANCELED || error == EBUSY || error == EINVAL || error == ENOMEM; }

/* What has been done of a read that is cancelled stays done: the next one goes on from there. */
co_def(http_read, {
    awl_http_response *r;
    char *buf, *line;
    size_t cap, len;
    int64_t n;
    int error;
})
{
    awl_http_response *r = self->r;

    co_begin;
    if (!r || !self->cap)
        co_raise(EINVAL);
    if (r->error)
        co_raise(r->error);
    while (r->kind == AWL__HTTP_CHUNKED && r->next != AWL__CHUNK_DATA && !r->ended) {
        co_try(self->error, awl_stream_readline(r->s, &self->len));
        if (!self->error) {
            co_result(self->line);
            self->error = take_line(r, self->line, self->len);
        }
        if (self->error) {
            r->error = is_passing(self->error) ? 0 : self->error;
            co_raise(self->error);
        }
    }
    if (r->ended || (r->kind == AWL__HTTP_LENGTH && !r->left))
        co_return(0);
    if (r->kind != AWL__HTTP_UNTIL_CLOSE && (uint64_t)r->left < self->cap)
        self->cap = (size_t)r->left;
    co_let(self->n, awl_stream_read(r->s, self->buf, self->cap));
    if (!self->n && r->kind != AWL__HTTP_UNTIL_CLOSE)
        co_raise(AWL_EINCOMPLETE);
    r->ended = !self->n;
    r->left -= self->n;
    if (r->kind == AWL__HTTP_CHUNKED && !r->left)
        r->next = AWL__CHUNK_END;
    co_return(self->n);
    co_end;
}

awl_coro awl_http_read(awl_http_response *response, void *buf, size_t cap)
{
    return co_call(http_read, .r = response, .buf = buf, .cap = cap);
}

/* ---- Keeping all of it ------------------------------------------------------------------------------------------- */

static int resize(awl_http_response *r, size_t cap)
{
    char *body = awl__alloc(r->loop, cap);

    if (!body)
        return ENOMEM;
    if (r->body_len)
        memcpy(body, r->body, r->body_len);
    awl__free(r->loop, r->body, r->body_cap);
    r->body = body;
    r->body_cap = cap;
    return 0;
}

/* Room for more, and a zero byte. Result: 0 or the error. */
static int make_room(awl_http_response *r, size_t limit)
{
    size_t cap = r->body_cap ? r->body_cap * 2 : 16384;

    if ((r->length > 0 && (uint64_t)r->length > limit) || r->body_len > limit)
        return AWL_ELIMIT;
    if (r->body_len + 1 < r->body_cap)
        return 0;
    if (r->length >= 0) /* one more than that: the end is read, too */
        cap = (uint64_t)r->length > SIZE_MAX - 2 ? SIZE_MAX : (size_t)r->length + 2;
    return resize(r, cap);
}

co_def(http_fetch, {
    const char *url;
    const awl_http_options *options;
    awl_http_response *r;
    size_t limit;
    int64_t n;
    int error;
})
{
    co_begin;
    self->limit = self->options && self->options->body_limit ? self->options->body_limit : (size_t)64 << 20;
    co_let(self->r, awl_http_get(self->url, self->options));
    do {
        self->error = make_room(self->r, self->limit);
        if (self->error)
            co_raise(self->error);
        co_let(self->n,
               awl_http_read(self->r, self->r->body + self->r->body_len, self->r->body_cap - self->r->body_len - 1));
        self->r->body_len += (size_t)self->n;
    } while (self->n);
    if (self->r->body_len > self->limit)
        co_raise(AWL_ELIMIT);
    self->r->body[self->r->body_len] = '\0';
    co_return(self->r);
    co_finally;
    if (co_failing) {
        awl_http_close(self->r);
        self->r = NULL;
    }
    co_end;
}

awl_coro awl_http_fetch(const char *url, const awl_http_options *options)
{
    return co_call(http_fetch, .url = url, .options = options);
}

const char *awl_http_body(const awl_http_response *response, size_t *len)
{
    if (len)
        *len = response ? response->body_len : 0;
    return response ? response->body : NULL;
}
