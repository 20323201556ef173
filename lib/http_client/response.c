/* Responses: what they say, and their bodies; see awl/http_client.h. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <string.h>

#include "http_client_priv.h"

enum {
    MOST_SKIMMED = 65536, /* bytes of a body that nobody reads, so that its connection can be kept */
    RAW = 8192,           /* bytes that are decoded at once */
};

/* ---- Making and closing ----------------------------------------------------------------------------------------- */

awl_response *awl__response_new(awl_http_session *session)
{
    awl_response *r = awl__alloc(session->loop, sizeof *r);

    if (!r)
        return NULL;
    memset(r, 0, offsetof(awl_response, head));
    awl__http_head_begin(&r->head, true);
    r->refs = 1;
    r->session = session;
    awl__session_retain(session);
    return r;
}

/* How long the connection may be idle: no longer than the server says it will wait. RFC 2068, 19.7.1.1. */
static awl_time keep_alive(const awl_response *r)
{
    const awl_time most = r->session->options.keep_alive;
    const char *field = awl_response_field(r, "Keep-Alive"), *timeout = field ? strstr(field, "timeout=") : NULL;
    awl_time seconds = 0;

    if (!timeout)
        return most;
    for (timeout += 8; *timeout >= '0' && *timeout <= '9' && seconds < 3600; timeout++)
        seconds = seconds * 10 + (*timeout - '0');
    return seconds * AWL_SECOND < most ? seconds * AWL_SECOND : most;
}

void awl__response_let_go(awl_response *r)
{
    awl__conn *conn = r->conn;

    r->conn = NULL;
    if (conn)
        awl__conn_release(r->session, conn, r->reusable && r->in.ended ? keep_alive(r) : 0);
}

void awl__response_reset(awl_response *r)
{
    awl__response_let_go(r);
    awl__free(r->session->loop, r->text, r->size);
    r->text = NULL;
    r->reusable = false;
    awl__incoming_begin(&r->in, NULL, AWL__NO_BODY, 0, 0);
}

static void drop(awl_response *r)
{
    awl_loop *loop = r->session->loop;

    if (--r->refs)
        return;
    awl__response_reset(r);
    awl__decoder_free(r->decoder);
    awl__free(loop, r->raw, RAW);
    awl__free(loop, r->url, r->url_size);
    awl__free(loop, r->whole, r->whole_cap);
    awl__session_drop(r->session);
    awl__free(loop, r, sizeof *r);
}

void awl_response_close(awl_response *r)
{
    if (!r)
        return;
    awl__loop_check(r->session->loop);
    awl__response_skim(r);
    awl__response_let_go(r);
    drop(r);
}

/* ---- What it says ----------------------------------------------------------------------------------------------- */

int awl_response_status(const awl_response *r) { return r ? r->head.status : 0; }

const char *awl_response_reason(const awl_response *r) { return r && r->text ? r->text + r->head.reason : ""; }

int64_t awl_response_length(const awl_response *r)
{
    return !r || r->decoder || r->head.chunked || !r->head.has_length ? -1 : (int64_t)r->head.length;
}

int64_t awl_response_offset(const awl_response *r)
{
    const char *at;
    int64_t offset = 0;

    if (!r || r->head.status != 206)
        return 0;
    at = awl_response_field(r, "Content-Range");
    if (!at || !awl__http_same_n(at, strnlen(at, 6), "bytes ") || at[6] < '0' || at[6] > '9')
        return -1;
    for (at += 6; *at >= '0' && *at <= '9'; at++) {
        if (offset > INT64_MAX / 10 - 1)
            return -1;
        offset = offset * 10 + (*at - '0');
    }
    return *at == '-' ? offset : -1;
}

const char *awl_response_url(const awl_response *r) { return r && r->url ? r->url : ""; }

int awl_response_redirects(const awl_response *r) { return r ? r->redirects : 0; }

const char *awl_response_field(const awl_response *r, const char *name)
{
    return r && r->text && name ? awl__http_field(&r->head, r->text, name) : NULL;
}

bool awl_response_field_at(const awl_response *r, size_t index, const char **name, const char **value)
{
    if (!r || !r->text || index >= r->head.n)
        return false;
    *name = r->text + r->head.fields[index].name;
    *value = r->text + r->head.fields[index].value;
    return true;
}

int awl_response_check(const awl_response *r)
{
    if (!r)
        return awl__http_invalid("a NULL for a response");
    if (r->head.status < 400)
        return 0;
    awl__error_detail(r->session->loop, AWL_ESTATUS, "%s: %d %s", awl_response_url(r), r->head.status,
                      awl_response_reason(r));
    return AWL_ESTATUS;
}

/* ---- The body --------------------------------------------------------------------------------------------------- */

/* Up to `cap` bytes that have come, 0: none have. */
static size_t take_now(awl_stream *s, char *buf, size_t cap)
{
    size_t n = awl__input_len(&s->in);
    ssize_t more;

    if (n) {
        n = n < cap ? n : cap;
        memcpy(buf, s->in.at_ + s->in.start_, n);
        awl__input_take(&s->in, n);
        awl__input_settle(&s->in);
        return n;
    }
    more = s->error || s->closing || s->in.eof_ ? 0 : s->transport->read(s->self, buf, cap);
    return more > 0 ? (size_t)more : 0;
}

/* A body with a length is skimmed to its end; one in chunks, only if nothing but the last chunk is left. */
void awl__response_skim(awl_response *r)
{
    static const char ends[] = "\r\n0\r\n\r\n";
    char buf[4096];
    size_t n, all = 0;

    if (!r->conn || !r->reusable || r->in.ended || r->in.error || r->conn->s->in.ops_)
        return;
    awl__input_settle(&r->conn->s->in);
    if (r->in.framing == AWL__BODY_LENGTH && r->in.left <= MOST_SKIMMED) {
        while (r->in.left && (n = take_now(r->conn->s, buf, r->in.left < sizeof buf ? (size_t)r->in.left : sizeof buf)))
            r->in.left -= n;
        r->in.ended = !r->in.left;
    } else if (r->in.framing == AWL__BODY_CHUNKED && r->in.next != AWL__CHUNK_BYTES) {
        const char *end = r->in.next == AWL__CHUNK_CRLF ? ends : r->in.next == AWL__CHUNK_LINE ? ends + 2 : ends + 5;

        while (all < strlen(end) && (n = take_now(r->conn->s, buf + all, strlen(end) - all)))
            all += n;
        r->in.ended = all == strlen(end) && memcmp(buf, end, all) == 0;
    }
}

/* A piece as it comes. A read holds the response, which may be closed meanwhile. */
co_def(read_raw, { awl_response *r; void *buf; size_t cap; awl_timeout timeout; int rc; unsigned mark; int64_t n; bool held; })
{
    awl_time when;

    co_begin;
    if (!self->r || !self->cap)
        co_raise(awl__http_invalid("a NULL for a response, or no room to read it to"));
    if (!self->r->conn)
        co_return(0);
    self->r->refs++;
    self->held = true;
    self->mark = awl__error_mark(self->r->session->loop);
    when = awl__later(self->r->session->loop, self->r->read_timeout);
    awl_timeout_enter_at(&self->timeout, self->r->deadline < when ? self->r->deadline : when);
    co_try_cancel(self->rc, awl__incoming_read(&self->r->in, self->buf, self->cap));
    if (!self->rc)
        co_result(self->n);
    self->rc = awl_timeout_exit(&self->timeout, self->rc);
    if (self->rc) {
        awl__response_name_url(self->r, self->rc, self->mark);
        co_raise(self->rc);
    }
    if (self->r->in.ended)
        awl__response_let_go(self->r);
    co_return(self->n);
    co_finally;
    if (self->held)
        drop(self->r);
    co_end;
}

void awl__response_name_url(const awl_response *r, int error, unsigned mark)
{
    awl_loop *loop = r->session->loop;
    const char *known = awl__error_since(loop, error, mark);

    if (!r->url || error == ECANCELED || error == EINVAL || error == ENOMEM || error == EBUSY)
        return;
    if (!known || !strstr(known, r->url))
        awl__error_detail(loop, error, "%s: %s", r->url, known ? known : awl_strerror(error));
}

/* The coding of the body; NULL: it has none, or several, in as many fields, which are let be as those in one are. */
static const char *coding_of(const awl_response *r)
{
    const char *name, *value, *coding = NULL;

    for (size_t i = 0; awl_response_field_at(r, i, &name, &value); i++) {
        if (!awl__http_same(name, "content-encoding"))
            continue;
        if (coding)
            return NULL;
        coding = value;
    }
    return coding;
}

int awl__response_decode(awl_response *r)
{
    const char *coding = coding_of(r);

    if (!coding || r->in.ended || !awl__decodes(coding))
        return 0;
    r->raw = awl__alloc(r->session->loop, RAW);
    r->decoder = r->raw ? awl__decoder_new(r->session->loop, coding) : NULL;
    return r->decoder ? 0 : ENOMEM;
}

/* Decodes what is there. Result: as awl__decode; the error stays. */
static ssize_t decode(awl_response *r, char *out, size_t cap)
{
    ssize_t n;

    do {
        size_t len = r->raw_end - r->raw_start;

        n = awl__decode(r->decoder, r->raw + r->raw_start, &len, out, cap);
        if (!n && !len && r->raw_start < r->raw_end)
            n = -AWL_EPROTOCOL;
        r->raw_start += len;
    } while (!n && r->raw_start < r->raw_end);
    if (n < 0 && n != -ENOMEM) {
        awl__error_detail(r->session->loop, (int)-n, "%s: the compressed body is damaged", r->url);
        r->decode_error = (int)-n;
    }
    return n;
}

/* A piece of what was compressed. */
co_def(read_decoded, { awl_response *r; char *buf; size_t cap; int64_t n; bool held; })
{
    co_begin;
    if (!self->cap)
        co_raise(awl__http_invalid("no room to read the response to"));
    self->r->refs++;
    self->held = true;
    for (;;) {
        if (self->r->decode_error)
            co_raise(self->r->decode_error);
        self->n = decode(self->r, self->buf, self->cap);
        if (self->n < 0)
            co_raise((int)-self->n);
        if (self->n)
            co_return(self->n);
        co_let(self->n, co_call(read_raw, .r = self->r, .buf = self->r->raw, .cap = RAW));
        self->r->raw_start = 0;
        self->r->raw_end = (size_t)self->n;
        if (self->n)
            continue;
        if (!awl__decoder_whole(self->r->decoder))
            co_raise(AWL_EINCOMPLETE);
        co_return(0);
    }
    co_finally;
    if (self->held)
        drop(self->r);
    co_end;
}

awl_coro awl_response_read(awl_response *response, void *buf, size_t cap)
{
    if (response && response->decoder)
        return co_call(read_decoded, .r = response, .buf = buf, .cap = cap);
    return co_call(read_raw, .r = response, .buf = buf, .cap = cap);
}

/* Room for more, and a zero byte. 0 or the error. */
static int make_room(awl_response *r)
{
    const size_t limit = r->session->options.body_limit;
    const int64_t length = r->is_head ? 0 : awl_response_length(r);
    size_t cap = r->whole_cap                               ? r->whole_cap * 2
                 : length >= 0 && (uint64_t)length <= limit ? (size_t)length + 2
                                                            : 16384;
    char *more;

    if (r->whole_len > limit || (length > 0 && (uint64_t)length > limit))
        return AWL_ELIMIT;
    if (r->whole_len + 1 < r->whole_cap)
        return 0;
    if (cap < r->whole_cap || cap > SIZE_MAX / 2)
        return ENOMEM;
    more = awl__alloc(r->session->loop, cap);
    if (!more)
        return ENOMEM;
    if (r->whole_len)
        memcpy(more, r->whole, r->whole_len);
    awl__free(r->session->loop, r->whole, r->whole_cap);
    r->whole = more;
    r->whole_cap = cap;
    return 0;
}

co_def(response_read_all, { awl_response *r; size_t *len; int rc; int64_t n; bool held; })
{
    co_begin;
    if (!self->r)
        co_raise(awl__http_invalid("a NULL for a response"));
    self->r->refs++;
    self->held = true;
    do {
        self->rc = make_room(self->r);
        if (self->rc)
            co_raise(self->rc);
        co_let(self->n, awl_response_read(self->r, self->r->whole + self->r->whole_len,
                                          self->r->whole_cap - self->r->whole_len - 1));
        self->r->whole_len += (size_t)self->n;
    } while (self->n);
    self->r->whole[self->r->whole_len] = '\0';
    if (self->len)
        *self->len = self->r->whole_len;
    co_return(self->r->whole);
    co_finally;
    if (self->held)
        drop(self->r);
    co_end;
}

awl_coro awl_response_read_all(awl_response *response, size_t *len)
{
    return co_call(response_read_all, .r = response, .len = len);
}
