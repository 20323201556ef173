/* Sites: the connections of a server, how many there may be, and which go first. See awl/http_server.h. */
#include <sys/resource.h>

#include "http_server_priv.h"

enum {
    PRESSED = 5,       /* seconds that idle connections are kept when there are many */
    SPARE = 16,        /* descriptors that are not for connections, and an eighth of all */
    LEAST = 16,
};

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

/* Among the idle ones the newest is the last; among the others the order does not matter. */
static void enter_list(awl__connection *c, bool idle)
{
    awl__site *site = c->site;

    c->is_idle = idle;
    c->next = idle ? NULL : site->busy;
    c->at = idle ? site->idle_end : &site->busy;
    if (c->next)
        c->next->at = &c->next;
    if (idle)
        site->idle_end = &c->next;
    *c->at = c;
}

static void leave_list(awl__connection *c)
{
    *c->at = c->next;
    if (c->next)
        c->next->at = c->at;
    else if (c->is_idle)
        c->site->idle_end = c->at;
    c->at = NULL;
}

void awl__site_set_idle(awl__connection *c, bool idle)
{
    idle = idle && c->counts; /* to end one that does not would make no room */
    if (c->is_idle == idle || !c->at)
        return;
    leave_list(c);
    enter_list(c, idle);
}

/* ---- How many there may be --------------------------------------------------------------------------------------- */

static size_t descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > (rlim_t)(SIZE_MAX / 2))
        return SIZE_MAX;
    return (size_t)limit.rlim_cur;
}

void awl__site_open(awl__site *site, awl_http_app *app)
{
    const size_t all = descriptors(), spare = all / 8 + SPARE;

    *site = (awl__site){ .app = app, .limit = app->options.max_connections };
    site->idle_end = &site->idle;
    if (!site->limit)
        site->limit = all == SIZE_MAX ? all : all > spare + LEAST ? all - spare : LEAST;
}

awl_time awl__site_patience(const awl__site *site)
{
    const awl_time patience = site->app->options.idle_timeout;

    return site->n > site->limit - site->limit / 4 && patience > PRESSED * AWL_SECOND ? PRESSED * AWL_SECOND : patience;
}

/* Makes room by ending the connection that has had no whole head for longest. It does not count from now on. Those that
 * have just begun to send theirs are no better than those that have not: who opens many would push all others out. */
static bool shed(awl__site *site)
{
    awl__connection *oldest = site->idle;

    if (!oldest)
        return false;
    oldest->counts = false;
    awl__site_set_idle(oldest, false);
    site->n--;
    if (oldest->phase == AWL__HEAD)
        awl__connection_say_busy(oldest->s);
    awl__stream_end(oldest->s);
    return true;
}

bool awl__site_join(awl__connection *c)
{
    awl__site *site = c->site;

    enter_list(c, false);
    c->counts = site->n < site->limit || shed(site);
    site->n += c->counts;
    c->was_refused = !c->counts;
    site->refused += c->was_refused;
    return c->counts;
}

void awl__site_leave(awl__connection *c)
{
    if (!c->at)
        return;
    leave_list(c);
    c->site->n -= c->counts;
    c->site->refused -= c->was_refused;
}

void awl__request_on_stop(awl_request *request, void (*stop)(void *arg), void *arg)
{
    request->stop = stop;
    request->stop_arg = arg;
    if (request->connection->site->closing)
        awl__request_stop(request);
}

/* A request that has arrived, though nobody has looked yet, is answered like those that have begun: its client cannot tell
 * whether it was, and may not be allowed to send it again. */
void awl__site_stop(awl__site *site)
{
    site->closing = true;
    for (awl__connection *c = site->busy; c; c = c->next)
        awl__request_stop(c->request);
    for (awl__connection *c = site->idle; c; c = c->next)
        if (c->phase == AWL__IDLE && awl__connection_is_quiet(c))
            awl__stream_end(c->s);
}
