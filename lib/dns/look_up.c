/*
 * awl_getaddrinfo: numbers, then the cache, then the resolver; see awl/dns.h.
 *
 * What is asked of a resolver is a query, with a task of its own. All who ask for the same name meanwhile wait for it,
 * each by a future in its frame: so one that is cancelled leaves the others alone, and the last one takes the query
 * with it.
 */
#include "dns_priv.h"

typedef struct waiter {
    awl_future done;
    struct waiter *next;
} waiter;

struct awl__query {
    awl__waiter answered; /* of the task */
    awl_loop *loop;
    awl_task *task;
    waiter *waiting;
    awl__query *next; /* in dns->queries, as long as it is `listed` */
    bool listed;
    unsigned refs; /* of those who wait, until they have had their turn, and of the task */
    int family, error;
    size_t n;
    awl_address found[AWL__MOST_FOUND];
    char name[];
};

/* ---- Queries ----------------------------------------------------------------------------------------------------- */

static size_t size_for(const char *name) { return sizeof(awl__query) + strlen(name) + 1; }

static void drop(awl__query *q)
{
    if (--q->refs == 0)
        awl__free(q->loop, q, size_for(q->name));
}

static void unlist(awl__query *q)
{
    awl__query **at = &q->loop->dns->queries;

    if (!q->listed)
        return;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    q->listed = false;
}

void awl__queries_part(awl__dns *dns)
{
    while (dns->queries)
        unlist(dns->queries);
}

/* A resolver may say what it likes: what is left is what was asked for. */
static size_t sift(awl__query *q, int64_t n)
{
    const int64_t most = n < AWL__MOST_FOUND ? n : AWL__MOST_FOUND;
    size_t left = 0;

    for (int64_t i = 0; i < most; i++) {
        const int family = q->found[i].of.any.sa_family;

        if ((family == AF_INET || family == AF_INET6) && (q->family == AF_UNSPEC || q->family == family))
            q->found[left++] = q->found[i];
    }
    return left;
}

/* The resolver's task has ended: all who wait may come for the answer. */
static void answered(awl_loop *loop, awl__waiter *done)
{
    awl__query *q = (awl__query *)(void *)((char *)done - offsetof(awl__query, answered));

    q->error = awl_task_error(q->task);
    if (!q->error) {
        q->n = sift(q, awl_task_value(q->task).i);
        q->error = q->n ? 0 : AWL_ENOHOST;
    }
    awl_task_release(q->task);
    q->task = NULL;
    if (q->listed && !q->error)
        awl__cache_keep(loop, q->name, q->family, q->found, q->n);
    unlist(q);
    for (waiter *w = q->waiting; w; w = w->next)
        awl__future_wake(&w->done);
    drop(q);
}

/* Asks the loop's resolver. Result: 0 or the error. */
static int ask(awl_loop *loop, const char *name, int family, awl__query **query)
{
    awl__dns *dns = awl__dns_of(loop);
    awl__query *q = dns ? awl__alloc(loop, size_for(name)) : NULL;
    awl_nursery_ before;

    if (!q)
        return ENOMEM;
    memset(q, 0, sizeof *q);
    q->loop = loop;
    q->family = family;
    strcpy(q->name, name);
    before = awl_nursery_open_(__FILE__, __LINE__);
    q->task = awl_nursery_close_(
        before, awl_resolver_look_up(dns->resolver, q->name, family, q->found, AWL__MOST_FOUND), &awl__no_site);
    if (!q->task) {
        awl__free(loop, q, size_for(name));
        return ENOMEM;
    }
    q->refs = 1;
    awl__watch(awl_task_future(q->task), &q->answered, answered);
    q->next = dns->queries;
    dns->queries = q;
    q->listed = true;
    *query = q;
    return 0;
}

static awl__query *on_its_way(awl_loop *loop, const char *name, int family)
{
    awl__query *q = loop->dns ? loop->dns->queries : NULL;

    while (q && (q->family != family || strcmp(q->name, name) != 0))
        q = q->next;
    return q;
}

/* ---- Waiting for one --------------------------------------------------------------------------------------------- */

static void join(awl__query *q, waiter *w)
{
    awl_future_init(&w->done, q->loop);
    w->next = q->waiting;
    q->waiting = w;
    q->refs++;
}

/* With nobody left that waits, the query is of no use. NULL is let be. */
static void leave(awl__query *q, waiter *w)
{
    waiter **at;

    if (!q)
        return;
    for (at = &q->waiting; *at != w;)
        at = &(*at)->next;
    *at = w->next;
    if (!q->waiting && q->task) {
        unlist(q);
        awl_task_cancel(q->task);
    }
    drop(q);
}

/* Result: as awl_getaddrinfo, without a port. */
co_def(shared_look_up, {
    const char *host;
    awl_address *addresses;
    size_t cap;
    int family, error;
    awl__query *query;
    waiter place;
})
{
    size_t n;

    co_begin;
    self->query = on_its_way(awl_running_, self->host, self->family);
    if (!self->query)
        self->error = ask(awl_running_, self->host, self->family, &self->query);
    if (!self->query)
        co_raise(self->error);
    join(self->query, &self->place);
    co_await(&self->place.done);
    if (self->query->error) {
        awl__error_detail(awl_running_, self->query->error, "%s: %s", self->query->name,
                          awl_strerror(self->query->error));
        co_raise(self->query->error);
    }
    n = self->query->n < self->cap ? self->query->n : self->cap;
    memcpy(self->addresses, self->query->found, n * sizeof *self->addresses);
    co_return((int)n);
    co_finally;
    leave(self->query, &self->place);
    co_end;
}

/* ---- awl_getaddrinfo --------------------------------------------------------------------------------------------- */

static void set_port(awl_address *address, int port)
{
    if (address->of.any.sa_family == AF_INET)
        address->of.v4.sin_port = htons((uint16_t)port);
    else
        address->of.v6.sin6_port = htons((uint16_t)port);
}

/* An address of another family is none. Result: 0, EINVAL if they are not numbers, or AWL_ENOHOST. */
static int parse(const char *host, int port, int family, awl_address *address)
{
    awl_address parsed;

    if (awl_address_parse(host, port, &parsed))
        return EINVAL;
    if (family != AF_UNSPEC && family != parsed.of.any.sa_family)
        return AWL_ENOHOST;
    *address = parsed;
    return 0;
}

/* Says why a host is not even looked up. Result: AWL_ENOHOST. */
static int refuse(const char *host)
{
    if (strlen(host) > AWL__LONGEST_NAME)
        awl__error_detail(awl_running_, AWL_ENOHOST, "%.40s...: no host name has more than %d bytes", host,
                          AWL__LONGEST_NAME);
    else
        awl__error_detail(awl_running_, AWL_ENOHOST, "%s: this is an address of another family", host);
    return AWL_ENOHOST;
}

co_def(look_up, { const char *host; awl_address *addresses; size_t cap; int port, family, n; })
{
    int error;

    co_begin;
    if (!self->host || !self->host[0] || self->port < 0 || self->port > 65535 || !self->cap ||
        (self->family != AF_UNSPEC && self->family != AF_INET && self->family != AF_INET6)) {
        awl__error_plain(awl_running_, EINVAL);
        co_raise(EINVAL);
    }

    /* Numbers, as they are. */
    error = parse(self->host, self->port, self->family, self->addresses);
    if (!error)
        co_return(1);
    if (error != EINVAL || strlen(self->host) > AWL__LONGEST_NAME)
        co_raise(refuse(self->host));

    /* What is known, or else what is found out. */
    self->n = (int)awl__cache_find(awl_running_, self->host, self->family, self->addresses, self->cap);
    if (!self->n)
        co_let(self->n, co_call(shared_look_up, .host = self->host, .family = self->family,
                                .addresses = self->addresses, .cap = self->cap));
    for (int i = 0; i < self->n; i++)
        set_port(&self->addresses[i], self->port);
    co_return(self->n);
    co_end;
}

awl_coro awl_getaddrinfo(const char *host, int port, int family, awl_address *addresses, size_t cap)
{
    return co_call(look_up, .host = host, .port = port, .family = family, .addresses = addresses, .cap = cap);
}

awl_coro awl_resolver_look_up(awl_resolver *resolver, const char *host, int family, awl_address *addresses, size_t cap)
{
    return resolver ? resolver->look_up(resolver, host, family, addresses, cap)
                    : awl__system_look_up(host, family, addresses, cap);
}
