/* Proxies: which requests go through one, and tunnels for those over TLS; see awl/http_client.h. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_client_priv.h"

enum {
    PORT = 1080,       /* of a proxy that is given without one, as curl has it */
    MOST_TURNS = 4096, /* of a proxy that says little at a time, or much that means nothing */
};

/* ---- What is given, and what the environment says --------------------------------------------------------------- */

/* Takes "http://user:password@host:port", or the same without "http://". 0 or the error; *bad: it is no proxy we
 * know. */
static int take_proxy(awl_loop *loop, awl__proxy *p, const char *text)
{
    awl__http_out out = { .loop = loop };
    awl_url url;
    int error;

    if (!text || !*text)
        return 0;
    awl__http_out_text(&out, "http://", strstr(text, "://") ? 0 : 7);
    awl__http_out_text(&out, text, strlen(text) + 1);
    if (out.error)
        return out.error;
    p->text = out.at; /* the parts lie in it */
    p->text_size = out.cap;
    error = awl_url_parse(p->text, &url);
    p->bad = error || !awl_url_part_is_nocase(url.scheme, "http") || !url.host.len || url.host.len >= sizeof p->host;
    if (p->bad)
        return 0;
    memcpy(p->host, url.host.at, url.host.len);
    p->host[url.host.len] = '\0';
    p->port = url.port.len ? awl_url_port(&url) : PORT;
    return url.user.at ? awl__http_take_login(loop, url.user, &p->login) : 0;
}

static const char *environment(const char *small, const char *large)
{
    const char *value = getenv(small);

    return !value && large ? getenv(large) : value;
}

/* HTTP_PROXY in large letters is not read: where a server runs programs, a header of a request sets it. */
static int take_environment(awl_http_session *session)
{
    const char *all = environment("all_proxy", "ALL_PROXY"), *http = environment("http_proxy", NULL);
    const char *https = environment("https_proxy", "HTTPS_PROXY");
    int error = take_proxy(session->loop, &session->proxies[0], http ? http : all);

    return error ? error : take_proxy(session->loop, &session->proxies[1], https ? https : all);
}

/* Says what is wrong with it, but not who we are to it. Result: `error`. */
static int refuse_proxy(awl_loop *loop, const awl__proxy *p, int error)
{
    const char *user = strrchr(p->text, '@'), *scheme = strstr(p->text, "://");

    awl__error_detail(loop, error, "the proxy %.*s%s is not of http://",
                      user && scheme && user > scheme ? (int)(scheme + 3 - p->text) : 0, p->text,
                      user ? user + 1 : p->text);
    return error;
}

int awl__proxies_open(awl_http_session *session, const awl_http_session_options *o)
{
    const char *none = o->no_proxy;
    int error;

    if (o->proxy) {
        error = take_proxy(session->loop, &session->proxies[0], o->proxy);
        if (!error)
            error = take_proxy(session->loop, &session->proxies[1], o->proxy);
        if (!error && session->proxies[0].bad)
            error = refuse_proxy(session->loop, &session->proxies[0], EINVAL);
    } else {
        error = take_environment(session);
        none = none ? none : environment("no_proxy", "NO_PROXY");
    }
    session->no_proxy.loop = session->loop;
    awl__http_out_text(&session->no_proxy, none ? none : "", (none ? strlen(none) : 0) + 1);
    return error ? error : session->no_proxy.error;
}

void awl__proxies_close(awl_http_session *session)
{
    for (int i = 0; i < 2; i++) {
        awl__proxy *p = &session->proxies[i];

        if (p->text)
            awl__free(session->loop, p->text, p->text_size);
        awl__login_free(session->loop, &p->login);
    }
    awl__http_out_free(&session->no_proxy);
}

/* ---- Who goes without one --------------------------------------------------------------------------------------- */

/* Whether an address lies within "192.168.0.0/16". */
static bool is_in_network(const char *host, const char *network, size_t len)
{
    unsigned char a[16], b[16];
    char text[INET6_ADDRSTRLEN];
    const char *slash = memchr(network, '/', len);
    const size_t size = slash ? (size_t)(slash - network) : len;
    const int family = strchr(host, ':') ? AF_INET6 : AF_INET;
    unsigned bits = 0;

    if (!slash || size >= sizeof text || slash[1] < '0' || slash[1] > '9')
        return false;
    memcpy(text, network, size);
    text[size] = '\0';
    for (const char *at = slash + 1; at < network + len && *at >= '0' && *at <= '9' && bits < 1000; at++)
        bits = bits * 10 + (unsigned)(*at - '0');
    if (inet_pton(family, host, a) != 1 || inet_pton(family, text, b) != 1 || bits > (family == AF_INET ? 32 : 128))
        return false;
    return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0);
}

/* Whether a host is an entry, or below it. */
static bool is_under(const char *host, const char *entry, size_t len)
{
    size_t host_len = strlen(host);

    if (host_len && host[host_len - 1] == '.')
        host_len--;
    if (len && entry[0] == '.')
        entry++, len--;
    if (len && entry[len - 1] == '.')
        len--;
    return len && host_len >= len && strncasecmp(host + host_len - len, entry, len) == 0 &&
           (host_len == len || host[host_len - len - 1] == '.');
}

/* Takes a port off an entry, "a.org:8080", and brackets, "[::1]:80". Result: the port; 0: any; -1: it is none. */
static int take_port(const char **entry, size_t *len)
{
    const bool v6 = *len && **entry == '[';
    const char *end = *entry + *len, *colon = v6 ? memchr(*entry, ']', *len) : memchr(*entry, ':', *len);
    int port = 0;

    if (!colon || (!v6 && memchr(colon + 1, ':', (size_t)(end - colon - 1)))) /* an address as such, "::1" */
        return v6 ? -1 : 0;
    *len = (size_t)(colon - *entry) - v6;
    *entry += v6;
    colon += v6;
    if (colon < end && *colon != ':')
        return -1;
    for (const char *at = colon + 1; at < end; at++) {
        if (*at < '0' || *at > '9' || port > 6553)
            return -1;
        port = port * 10 + (*at - '0');
    }
    return port;
}

static bool goes_without(const char *list, const char *host, int port)
{
    if (strcmp(list, "*") == 0)
        return true;
    while (*list) {
        const char *entry = list;
        size_t len = strcspn(list, ", ");
        int only;

        list += len + strspn(list + len, ", ");
        only = take_port(&entry, &len);
        if ((!only || only == port) && (is_under(host, entry, len) || is_in_network(host, entry, len)))
            return true;
    }
    return false;
}

int awl__proxy_for(awl_http_session *session, const awl__target *target, const awl__proxy **found)
{
    const awl__proxy *p = &session->proxies[target->https];

    *found = NULL;
    if (!p->text || session->options.unix_path || goes_without(session->no_proxy.at, target->host, target->port))
        return 0;
    if (p->bad)
        return refuse_proxy(session->loop, p, EPROTONOSUPPORT);
    *found = p;
    return 0;
}

/* ---- Tunnels: RFC 9110, 9.3.6 ----------------------------------------------------------------------------------- */

void awl__proxy_put_login(awl__http_out *out, const awl__proxy *p)
{
    if (p->login.at)
        awl__http_put_basic(out, "Proxy-Authorization", p->login.at, p->login.user_len,
                            p->login.at + p->login.user_len + 1);
}

/* Asks for a tunnel. 0 or the error. */
static int ask(const awl_http_session *session, const awl__proxy *p, awl_stream *s, const char *host, int port)
{
    awl__http_out out = { .loop = session->loop };
    const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";
    int error;

    awl__http_out_print(&out, "CONNECT %s%s%s:%d HTTP/1.1\r\nHost: %s%s%s:%d\r\nUser-Agent: %s\r\n", open, host, close,
                        port, open, host, close, port, session->options.user_agent);
    awl__proxy_put_login(&out, p);
    awl__http_out_text(&out, "\r\n", 2);
    error = out.error ? out.error : awl_stream_write(s, out.at, out.len);
    awl__http_out_free(&out);
    return error;
}

/* What the proxy has said so far. 0: more is needed; 1: the tunnel is there; -1: another head follows; else the
 * error. */
static int take_answer(const awl_http_session *session, const awl__proxy *p, awl_stream *s, awl__http_head *head)
{
    awl_input_ *in = &s->in;
    const int n = in->at_ ? awl__http_head_parse(head, in->at_ + in->start_, awl__input_len(in)) : 0;
    const int status = head->status;

    if (n < 0)
        awl__error_detail(session->loop, AWL_EPROTOCOL, "proxy %s: %s", p->host, head->what);
    if (n <= 0)
        return n ? AWL_EPROTOCOL : 0;
    if (status >= 300)
        awl__error_detail(session->loop, AWL_ESTATUS, "proxy %s: %d %s", p->host, status,
                          in->at_ + in->start_ + head->reason);
    awl__input_take(in, (size_t)n);
    awl__input_settle(in);
    if (status < 200) {
        awl__http_head_begin(head, true);
        return -1;
    }
    if (status < 300 && awl__input_len(in)) /* TLS begins with the client */
        return AWL_EPROTOCOL;
    return status < 300 ? 1 : AWL_ESTATUS;
}

co_def(tunnel, {
    awl_http_session *session;
    const awl__proxy *p;
    awl_stream *s;
    const char *host;
    int port, rc, turns;
    int64_t n;
    awl__http_head head;
})
{
    co_begin;
    awl__http_head_begin(&self->head, true);
    self->rc = ask(self->session, self->p, self->s, self->host, self->port);
    if (self->rc)
        co_raise(self->rc);
    for (;;) {
        self->rc = take_answer(self->session, self->p, self->s, &self->head);
        if (self->rc == 1)
            co_return(0);
        if (self->rc > 0)
            co_raise(self->rc);
        if (++self->turns > MOST_TURNS)
            co_raise(AWL_EPROTOCOL);
        if (self->rc < 0)
            continue;
        co_let(self->n, awl__stream_fill(self->s));
        if (!self->n)
            co_raise(AWL_EINCOMPLETE);
    }
    co_end;
}

awl_coro awl__proxy_tunnel(awl_http_session *session, const awl__proxy *p, awl_stream *s, const char *host, int port)
{
    return co_call(tunnel, .session = session, .p = p, .s = s, .host = host, .port = port);
}
