/* The inside of name look-ups: what is being asked, what is known, and who is asked. */
#ifndef AWL_DNS_PRIV_H
#define AWL_DNS_PRIV_H

#include "../task/dump_priv.h"
#include "awl/dns.h"

enum { AWL__LONGEST_NAME = 255, AWL__MOST_FOUND = 16 };

typedef struct awl__query awl__query;     /* look_up.c */
typedef struct awl__answer awl__answer;   /* cache.c */
typedef struct awl__helpers awl__helpers; /* system.c */

/* What a loop knows of names, in its memory. */
typedef struct awl__dns {
    awl_resolver *resolver; /* NULL: the system's */
    awl__query *queries;    /* on their way, and to be joined by who asks for the same */
    awl_time ttl;
    size_t most, kept; /* answers: as many as there may be, as there are */
    awl__answer *oldest, *newest;
    awl__helpers *helpers; /* NULL until the system is asked */
} awl__dns;

/* That of a loop, made if there is none yet; NULL: no memory. */
awl__dns *awl__dns_of(awl_loop *loop);

/* look_up.c: what is on its way is neither kept nor joined. */
void awl__queries_part(awl__dns *dns);

/* cache.c: the answer that is known, at most `cap` of its addresses. Result: how many; 0: none is known. keep: where
 * there is no memory, or none is wanted, it is not kept. */
size_t awl__cache_find(awl_loop *loop, const char *name, int family, awl_address *addresses, size_t cap);
void awl__cache_keep(awl_loop *loop, const char *name, int family, const awl_address *found, size_t n);

/* system.c: the system's getaddrinfo; see awl_resolver_look_up. */
awl_coro awl__system_look_up(const char *host, int family, awl_address *addresses, size_t cap);

#endif
