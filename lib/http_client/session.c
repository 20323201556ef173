/* Sessions: what all their requests have in common; see awl/http_client.h. */
#include <errno.h>
#include <string.h>

#include "http_client_priv.h"

/* ---- Options that are copied ------------------------------------------------------------------------------------ */

static size_t size_of(const char *text) { return text ? strlen(text) + 1 : 0; }

static const char *keep(char **to, const char *text)
{
    const char *copy = *to;

    if (!text)
        return NULL;
    strcpy(*to, text);
    *to += strlen(text) + 1;
    return copy;
}

static size_t count(const awl_http_pair *pairs)
{
    size_t n = 0;

    while (pairs && pairs[n].name)
        n++;
    return n;
}

/* Copies all texts of the options into one block. false: no memory. */
static bool copy_options(awl_http_session *session)
{
    awl_http_session_options *o = &session->options;
    const size_t n = count(o->headers);
    size_t size = (n + 1) * sizeof *o->headers + size_of(o->base_url) + size_of(o->user_agent) + size_of(o->user) +
                  size_of(o->password) + size_of(o->unix_path);
    char *to;

    for (size_t i = 0; i < n; i++)
        size += size_of(o->headers[i].name) + size_of(o->headers[i].value);
    session->block = awl__alloc(session->loop, size);
    session->block_size = size;
    if (!session->block)
        return false;
    session->headers = (awl_http_pair *)(void *)session->block;
    to = session->block + (n + 1) * sizeof *o->headers;
    for (size_t i = 0; i < n; i++) {
        session->headers[i].name = keep(&to, o->headers[i].name);
        session->headers[i].value = keep(&to, o->headers[i].value);
    }
    session->headers[n] = (awl_http_pair){ NULL, NULL };
    o->headers = session->headers;
    o->base_url = keep(&to, o->base_url);
    o->user_agent = keep(&to, o->user_agent);
    o->user = keep(&to, o->user);
    o->password = keep(&to, o->password);
    o->unix_path = keep(&to, o->unix_path);
    return true;
}

static void set_defaults(awl_http_session_options *o)
{
    o->user_agent = o->user_agent ? o->user_agent : "awl";
    o->timeouts.total = o->timeouts.total ? o->timeouts.total : 5 * AWL_MINUTE;
    o->timeouts.connect = o->timeouts.connect ? o->timeouts.connect : 30 * AWL_SECOND;
    o->timeouts.read = o->timeouts.read ? o->timeouts.read : AWL_FOREVER;
    o->limit = o->limit > 0 ? o->limit : 100;
    o->keep_alive = o->keep_alive ? o->keep_alive : 15 * AWL_SECOND;
    o->redirects = o->redirects ? o->redirects : 10;
    o->body_limit = o->body_limit ? o->body_limit : (size_t)64 << 20;
}

/* Whether all headers can be sent: each is put into a head that goes nowhere. 0 or the error. */
static int check_headers(awl_loop *loop, const awl_http_session_options *o)
{
    awl__http_out out = { .loop = loop };
    int error = awl__http_out_users_field(&out, "User-Agent", o->user_agent);

    for (const awl_http_pair *h = o->headers; h && h->name && !error; h++)
        error = awl__http_out_users_field(&out, h->name, h->value);
    awl__http_out_free(&out);
    return error;
}

/* ---- Making and closing ----------------------------------------------------------------------------------------- */

awl_http_session *awl_http_session_new(const awl_http_session_options *options)
{
    static const awl_http_session_options none;
    awl_loop *loop = awl_running_;
    awl_http_session_options all = options ? *options : none;
    awl_http_session *session = NULL;
    awl_url base;
    int error = loop ? 0 : EINVAL;

    set_defaults(&all);
    if (!error)
        error = awl__http_check_user(all.user);
    if (!error)
        error = check_headers(loop, &all);
    if (!error && all.base_url && (awl_url_parse(all.base_url, &base) || !base.scheme.at || !base.host.at))
        error = awl__http_no_url(all.base_url);
    if (!error) {
        error = ENOMEM;
        session = awl__alloc(loop, sizeof *session);
    }
    if (session) {
        memset(session, 0, sizeof *session);
        session->loop = loop;
        session->refs = 1;
        session->options = all;
        session->options.proxy = session->options.no_proxy = NULL; /* which are kept otherwise */
        session->idle = (awl__block){ &session->idle, &session->idle };
        awl_semaphore_init(&session->slots, (size_t)all.limit);
        error = copy_options(session) ? awl__proxies_open(session, &all) : ENOMEM;
        if (error) {
            awl__session_drop(session);
            session = NULL;
        }
    }
    if (!session) {
        errno = error;
        return NULL;
    }
    session->cookies = awl_cookie_jar_retain(all.cookies);
    session->tls = all.tls;
    if (all.tls)
        awl__layer_of(all.tls)->retain(all.tls);
    return session;
}

awl_cookie_jar *awl_http_session_cookies(awl_http_session *session)
{
    if (session && !session->cookies && !session->options.no_cookies)
        session->cookies = awl_cookie_jar_new();
    return session ? session->cookies : NULL;
}

void awl__session_retain(awl_http_session *session) { session->refs++; }

void awl__session_drop(awl_http_session *session)
{
    if (--session->refs)
        return;
    if (session->tls)
        awl__layer_of(session->tls)->release(session->tls);
    awl_cookie_jar_release(session->cookies);
    awl__proxies_close(session);
    if (session->block)
        awl__free(session->loop, session->block, session->block_size);
    awl__free(session->loop, session, sizeof *session);
}

void awl_http_session_close(awl_http_session *session)
{
    if (!session)
        return;
    awl__loop_check(session->loop);
    session->closed = true;
    awl__pool_sweep(session, true);
    awl__pool_wake(session);
    awl_handle_cancel(&session->sweep);
    awl__session_drop(session);
}
