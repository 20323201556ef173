/* A resolver for tests: answers from a list, after a while of the loop's time, and tells what it was asked. */
#ifndef DNS_FAKE_H
#define DNS_FAKE_H

#include "../stream/rig.h"

typedef struct fake {
    awl_resolver base;
    awl_time delay;       /* until it answers; 0: at once */
    int error;            /* 0: none */
    const char *found[17]; /* addresses as numbers, up to a NULL */
    int asked, cancelled; /* how often */
    char names[256];      /* NAME/FAMILY, with a blank behind each */
    int count;            /* what it says that it found; 0: the truth */
} fake;

/* They outlive every loop. */
static fake f, g;

co_def(fake_answers, { fake *it; const char *host; int family, n, rc; awl_address *addresses; size_t cap; })
{
    size_t used;

    co_begin;
    self->it->asked++;
    used = strlen(self->it->names);
    snprintf(self->it->names + used, sizeof self->it->names - used, "%s/%s ", self->host,
             self->family == AF_INET ? "4" : self->family == AF_INET6 ? "6" : "*");
    co_try_cancel(self->rc, awl_sleep(self->it->delay));
    if (self->rc) {
        self->it->cancelled++;
        co_raise(self->rc);
    }
    if (self->it->error)
        co_raise(self->it->error);
    while (self->n < (int)self->cap && self->it->found[self->n]) {
        CHECK_INT(awl_address_parse(self->it->found[self->n], 0, &self->addresses[self->n]), 0);
        self->n++;
    }
    co_return(self->it->count ? self->it->count : self->n);
    co_end;
}

static awl_coro fake_look_up(awl_resolver *resolver, const char *host, int family, awl_address *addresses, size_t cap)
{
    return co_call(fake_answers, .it = (fake *)(void *)resolver, .host = host, .family = family, .addresses = addresses,
                   .cap = cap);
}

/* Has the running loop ask it. */
static inline void use_fake(fake *it)
{
    (void)f, (void)g;
    it->base.look_up = fake_look_up;
    CHECK_INT(awl_loop_set_resolver(NULL, &it->base), 0);
}

#endif
