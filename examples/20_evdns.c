/*
 * A resolver of one's own: names are looked up by libevent's evdns, in the loop's thread, with no helper.
 *
 * Shows    awl_resolver, awl_loop_set_resolver, awl_loop_base; a coroutine around a callback that has to come. The name
 *          server that is asked is one of evdns too, and runs in the same loop.
 * Build    cc 20_evdns.c $(pkg-config --cflags --libs awl libevent_extra),
 *          or, in awl's own tree: meson setup build && ninja -C build examples/20_evdns
 * Prints   what is in expected/20_evdns.txt
 *
 *     # Python: the loop's getaddrinfo is that of a class of one's own.
 *     class Loop(asyncio.SelectorEventLoop):
 *         async def getaddrinfo(self, host, port, **hints): return await my_look_up(host, port)
 */
#define _GNU_SOURCE
#include <awl.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- The resolver ---- */

typedef struct evdns {
    awl_resolver resolver; /* first: the one is the other */
    struct evdns_base *base;
} evdns;

typedef struct answer {
    awl_future arrived;
    struct evdns_getaddrinfo_request *request; /* NULL: it has, and evdns is done with us */
    struct evutil_addrinfo *list;
    int code;
} answer;

static void arrived(int code, struct evutil_addrinfo *list, void *arg)
{
    answer *a = arg;

    *a = (answer){ .arrived = a->arrived, .list = list, .code = code };
    awl_future_set_result(&a->arrived, 0);
}

co_def(ask, { evdns *dns; const char *host; int family, n, rc; awl_address *addresses; size_t cap; answer a; })
{
    const struct evutil_addrinfo hints = { .ai_family = self->family, .ai_socktype = SOCK_STREAM };

    co_begin;
    awl_future_init(&self->a.arrived, NULL);
    self->a.request = evdns_getaddrinfo(self->dns->base, self->host, NULL, &hints, arrived, &self->a);
    co_await(&self->a.arrived);
    if (self->a.code)
        co_raise(self->a.code == EVUTIL_EAI_NONAME || self->a.code == EVUTIL_EAI_NODATA ? AWL_ENOHOST : AWL_EDNS);
    for (struct evutil_addrinfo *at = self->a.list; at && (size_t)self->n < self->cap; at = at->ai_next)
        memcpy(&self->addresses[self->n++], at->ai_addr, at->ai_addrlen);
    co_return(self->n);
    co_finally;
    while (self->a.request) { /* cancelled: evdns calls back once more, into this frame */
        evdns_getaddrinfo_cancel(self->a.request);
        awl_future_init(&self->a.arrived, NULL);
        co_try_cancel(self->rc, &self->a.arrived);
    }
    if (self->a.list)
        evutil_freeaddrinfo(self->a.list);
    co_end;
}

static awl_coro look_up(awl_resolver *resolver, const char *host, int family, awl_address *addresses, size_t cap)
{
    return co_call(ask, .dns = (evdns *)resolver, .host = host, .family = family, .addresses = addresses, .cap = cap);
}

/* ---- A name server that knows one name, so that this lesson needs no other ---- */

static int questions;

static void serve(struct evdns_server_request *request, void *arg)
{
    const struct evdns_server_question *q = request->questions[0];
    const uint32_t address = htonl(0xc0000207); /* 192.0.2.7 */
    const int known = q->type == EVDNS_TYPE_A && evutil_ascii_strcasecmp(q->name, "example.test") == 0;

    (void)arg;
    questions++;
    if (known)
        evdns_server_request_add_a_reply(request, q->name, 1, &address, 60);
    evdns_server_request_respond(request, known ? 0 : 3);
}

/* Starts it on a port of its own, and has `dns` ask it. NULL: it cannot be. */
static struct evdns_server_port *start(struct event_base *base, struct evdns_base *dns)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && !bind(fd, (struct sockaddr *)&at, size) && !getsockname(fd, (struct sockaddr *)&at, &size) &&
        !evdns_base_nameserver_sockaddr_add(dns, (struct sockaddr *)&at, size, 0))
        return evdns_add_server_port_with_base(base, fd, 0, serve, NULL);
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* ---- Names, as ever ---- */

co_def(lesson, { awl_address a; int port, rc; char text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    for (self->port = 80; self->port < 83; self->port++) { /* asks once: then the answer is known for a while */
        co_await(awl_getaddrinfo("example.test", self->port, AF_INET, &self->a, 1));
        puts(awl_address_text(&self->a, self->text, sizeof self->text));
    }
    co_try(self->rc, awl_getaddrinfo("other.test", 80, AF_INET, &self->a, 1));
    puts(awl_error_message(self->rc));
    printf("%d questions\n", questions);
    co_end;
}

int main(void)
{
    awl_loop *loop = awl_loop_open(NULL);
    struct event_base *base = loop ? awl_loop_base(loop) : NULL;
    evdns dns = { { look_up }, base ? evdns_base_new(base, 0) : NULL };
    struct evdns_server_port *server = dns.base ? start(base, dns.base) : NULL;
    int error = server ? awl_loop_set_resolver(loop, &dns.resolver) : ENOMEM;

    if (!error)
        error = awl_run_until_complete(loop, co_call(lesson), NULL);
    if (server)
        evdns_close_server_port(server);
    if (dns.base)
        evdns_base_free(dns.base, 0); /* before the base that it is on */
    awl_loop_close(loop);
    return error;
}
