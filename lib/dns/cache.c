/*
 * What a loop knows of names for a while; see awl_dns_set_cache in awl/dns.h.
 *
 * Answers lie in a list, oldest first, so those that are too old are at its front. They are few, and what a look-up at
 * all of them costs is nothing beside asking.
 */
#include "dns_priv.h"

static const awl_time default_ttl = 10 * AWL_SECOND;
enum { DEFAULT_ENTRIES = 64 };

struct awl__answer {
    awl__answer *next;
    awl_time when; /* it came */
    size_t size;   /* of this block */
    int family;
    unsigned n;
    awl_address found[];
    /* behind them: the name */
};

static char *name_of(awl__answer *answer) { return (char *)&answer->found[answer->n]; }

awl__dns *awl__dns_of(awl_loop *loop)
{
    awl__dns *dns = loop->dns;

    if (dns)
        return dns;
    dns = awl__alloc(loop, sizeof *dns);
    if (!dns)
        return NULL;
    memset(dns, 0, sizeof *dns);
    dns->ttl = default_ttl;
    dns->most = DEFAULT_ENTRIES;
    return loop->dns = dns;
}

/* ---- The list ---------------------------------------------------------------------------------------------------- */

static void drop_oldest(awl_loop *loop)
{
    awl__dns *dns = loop->dns;
    awl__answer *answer = dns->oldest;

    dns->oldest = answer->next;
    if (!dns->oldest)
        dns->newest = NULL;
    dns->kept--;
    awl__free(loop, answer, answer->size);
}

/* Drops what is too old, and what is too much. */
static void tidy(awl_loop *loop)
{
    awl__dns *dns = loop->dns;
    const awl_time now = awl_loop_time(loop);

    while (dns->oldest && (dns->kept > dns->most || now - dns->oldest->when >= dns->ttl))
        drop_oldest(loop);
}

size_t awl__cache_find(awl_loop *loop, const char *name, int family, awl_address *addresses, size_t cap)
{
    size_t n;

    if (!loop->dns)
        return 0;
    tidy(loop);
    for (awl__answer *answer = loop->dns->oldest; answer; answer = answer->next) {
        if (answer->family != family || strcmp(name_of(answer), name) != 0)
            continue;
        n = answer->n < cap ? answer->n : cap;
        memcpy(addresses, answer->found, n * sizeof *addresses);
        return n;
    }
    return 0;
}

void awl__cache_keep(awl_loop *loop, const char *name, int family, const awl_address *found, size_t n)
{
    awl__dns *dns = loop->dns;
    const size_t len = strlen(name) + 1, size = sizeof(awl__answer) + n * sizeof *found + len;
    awl__answer *answer = awl__alloc(loop, size);

    if (!answer)
        return;
    *answer = (awl__answer){ .when = awl_loop_time(loop), .size = size, .family = family, .n = (unsigned)n };
    memcpy(answer->found, found, n * sizeof *found);
    memcpy(name_of(answer), name, len);

    /* As the newest, for as long as that may be. There is no other of this name: who finds one does not ask. */
    if (dns->newest)
        dns->newest->next = answer;
    else
        dns->oldest = answer;
    dns->newest = answer;
    dns->kept++;
    tidy(loop);
}

/* ---- What the user says ------------------------------------------------------------------------------------------ */

int awl_dns_set_cache(awl_loop *loop, awl_time ttl, size_t entries)
{
    awl__dns *dns;

    loop = awl__loop_check(loop);
    if (!loop)
        return EINVAL;
    dns = awl__dns_of(loop);
    if (!dns)
        return ENOMEM;
    dns->ttl = ttl;
    dns->most = entries;
    tidy(loop);
    return 0;
}

void awl_dns_clear_cache(awl_loop *loop)
{
    loop = awl__loop_check(loop);
    if (!loop || !loop->dns)
        return;
    while (loop->dns->oldest)
        drop_oldest(loop);
    awl__queries_part(loop->dns);
}

int awl_loop_set_resolver(awl_loop *loop, awl_resolver *resolver)
{
    awl__dns *dns;

    loop = awl__loop_check(loop);
    if (!loop || (resolver && !resolver->look_up))
        return EINVAL;
    dns = awl__dns_of(loop);
    if (!dns)
        return ENOMEM;
    dns->resolver = resolver;
    awl_dns_clear_cache(loop);
    return 0;
}
