/* Sessions that can be resumed: those used last, in a table and in the order of their use. */
#include "tls_priv.h"

struct awl__tls_entry {
    awl__tls_entry *next; /* in its bucket */
    awl__tls_entry *newer, *older;
    awl_time until;
    awl__tls_session session;
    size_t len;
    unsigned char key[];
};

/* FNV-1a. Keys that count are random, or of our own choice: nobody can make them collide. */
uint64_t awl__tls_hash(const void *data, size_t len)
{
    const unsigned char *at = data;
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    return hash;
}

/* ---- Peers ------------------------------------------------------------------------------------------------------- */

awl__tls_peer *awl__tls_peer_retain(awl__tls_peer *peer)
{
    if (peer)
        peer->refs++;
    return peer;
}

void awl__tls_peer_release(awl_loop *loop, awl__tls_peer *peer)
{
    if (peer && --peer->refs == 0)
        awl__free(loop, peer, peer->size);
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

/* Where the pointer to the entry of a key is, or would be. */
static awl__tls_entry **find(const awl__tls_cache *cache, const void *key, size_t len)
{
    awl__tls_entry **at = &cache->buckets[awl__tls_hash(key, len) & (cache->n_buckets - 1)];

    while (*at && ((*at)->len != len || memcmp((*at)->key, key, len)))
        at = &(*at)->next;
    return at;
}

static void unlink_use(awl__tls_cache *cache, awl__tls_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void link_use(awl__tls_cache *cache, awl__tls_entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void drop(awl__tls_cache *cache, awl__tls_entry **at)
{
    awl__tls_entry *entry = *at;
    const size_t size = sizeof *entry + entry->len;

    *at = entry->next;
    unlink_use(cache, entry);
    awl__tls_peer_release(cache->loop, entry->session.peer);
    awl__tls_wipe(entry, size);
    awl__free(cache->loop, entry, size);
    cache->n--;
}

/* The table is made when it is first needed, with a place for each entry that it may have. */
static bool make_buckets(awl__tls_cache *cache)
{
    size_t n = 1;

    if (cache->buckets)
        return true;
    while (n < cache->most)
        n *= 2;
    cache->buckets = awl__alloc(cache->loop, n * sizeof *cache->buckets);
    if (!cache->buckets)
        return false;
    memset(cache->buckets, 0, n * sizeof *cache->buckets);
    cache->n_buckets = n;
    return true;
}

/* ---- What is kept ------------------------------------------------------------------------------------------------ */

bool awl__tls_cache_get(awl__tls_cache *cache, const void *key, size_t len, awl__tls_session *session)
{
    awl__tls_entry **at = cache->n ? find(cache, key, len) : NULL;

    if (!at || !*at)
        return false;
    if ((*at)->until <= awl_loop_time(cache->loop)) {
        drop(cache, at);
        return false;
    }
    unlink_use(cache, *at);
    link_use(cache, *at);
    *session = (*at)->session;
    awl__tls_peer_retain(session->peer);
    return true;
}

void awl__tls_cache_put(awl__tls_cache *cache, const void *key, size_t len, const awl__tls_session *session)
{
    awl__tls_entry *entry, **at;

    if (!cache->most || !make_buckets(cache))
        return;
    awl__tls_cache_forget(cache, key, len);
    if (cache->n == cache->most)
        drop(cache, find(cache, cache->oldest->key, cache->oldest->len));
    entry = awl__alloc(cache->loop, sizeof *entry + len);
    if (!entry)
        return;
    at = find(cache, key, len);
    *entry = (awl__tls_entry){ .until = awl__later(cache->loop, cache->life), .session = *session, .len = len };
    awl__tls_peer_retain(entry->session.peer);
    memcpy(entry->key, key, len);
    *at = entry;
    link_use(cache, entry);
    cache->n++;
}

void awl__tls_cache_forget(awl__tls_cache *cache, const void *key, size_t len)
{
    awl__tls_entry **at = cache->n ? find(cache, key, len) : NULL;

    if (at && *at)
        drop(cache, at);
}

void awl__tls_cache_clear(awl__tls_cache *cache)
{
    while (cache->oldest)
        drop(cache, find(cache, cache->oldest->key, cache->oldest->len));
    awl__free(cache->loop, cache->buckets, cache->n_buckets * sizeof *cache->buckets);
    cache->buckets = NULL;
}
