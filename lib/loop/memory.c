/*
 * The loop's memory: free lists by size over chunks that grow, or over one block that the caller lends.
 *
 * Sizes are rounded up to 8 bytes up to 256, to powers of two above, so freeing and allocating again is one pop. What
 * is larger than 64 kB comes from malloc by itself. Under AddressSanitizer every block does, so that it sees each.
 */
#include <stdlib.h>
#include <string.h>

#include "loop_priv.h"

enum { FIRST_CHUNK = 2048, LAST_CHUNK = 65536, LARGEST = AWL__SMALL << (AWL__LARGE_CLASSES - 1) };

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVERY_BLOCK_ALONE 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(EVERY_BLOCK_ALONE)
#define EVERY_BLOCK_ALONE 1
#endif
#ifndef EVERY_BLOCK_ALONE
#define EVERY_BLOCK_ALONE 0
#endif

/* The least n for which AWL__SMALL << n has room for `size`, which is more than AWL__SMALL. */
static unsigned large_class(size_t size)
{
    const unsigned long long most = (size - 1) / AWL__SMALL;

    return (unsigned)(sizeof most * 8) - (unsigned)__builtin_clzll(most);
}

static size_t rounded(size_t size)
{
    if (CO_LIKELY_(size <= AWL__SMALL))
        return size ? (size + 7) & ~(size_t)7 : 8;
    return size > LARGEST ? (size + 7) & ~(size_t)7 : (size_t)AWL__SMALL << large_class(size);
}

/* The free list for a rounded size. */
static void **list_for(awl__pool *pool, size_t size)
{
    return size <= AWL__SMALL ? &pool->small[size / 8] : &pool->large[large_class(size)];
}

/* A block of its own from malloc, in the ring of chunks. */
static void *take_alone(awl__pool *pool, size_t size)
{
    awl__block *block;

    if (pool->fixed || size > SIZE_MAX - sizeof *block)
        return NULL;
    block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->next = &pool->chunks;
    block->prev = pool->chunks.prev;
    block->prev->next = block;
    pool->chunks.prev = block;
    pool->held += sizeof *block + size;
    return block + 1;
}

static void give_alone(awl__pool *pool, void *memory, size_t size)
{
    awl__block *block = (awl__block *)memory - 1;

    block->next->prev = block->prev;
    block->prev->next = block->next;
    pool->held -= sizeof *block + size;
    free(block);
}

/* Room for `size` more bytes between top and end; what is left of the old chunk goes to the free lists. */
static bool extend(awl__pool *pool, size_t size)
{
    size_t chunk = pool->next_chunk;
    size_t left = (size_t)(pool->end - pool->top);
    void *memory;

    if (pool->fixed)
        return false;
    while (chunk < size)
        chunk *= 2;
    memory = take_alone(pool, chunk);
    if (!memory)
        return false;
    while (left >= 8) {
        const size_t piece = left < AWL__SMALL ? left : AWL__SMALL;
        void **list = list_for(pool, piece);

        memcpy(pool->top, list, sizeof *list);
        *list = pool->top;
        pool->top += piece;
        left -= piece;
    }
    pool->top = memory;
    pool->end = pool->top + chunk;
    if (pool->next_chunk < LAST_CHUNK)
        pool->next_chunk *= 2;
    return true;
}

void *awl__alloc(awl_loop *loop, size_t wanted)
{
    awl__pool *pool = &loop->pool;
    const size_t size = rounded(wanted);
    void *memory, **list;

    if (wanted > SIZE_MAX / 2)
        return NULL;
    if (size > LARGEST || (EVERY_BLOCK_ALONE && !pool->fixed)) {
        memory = take_alone(pool, size);
        if (!memory)
            return NULL;
    } else {
        list = list_for(pool, size);
        memory = *list;
        if (memory) {
            memcpy(list, memory, sizeof *list);
        } else {
            if (CO_UNLIKELY_((size_t)(pool->end - pool->top) < size) && !extend(pool, size))
                return NULL;
            memory = pool->top;
            pool->top += size;
        }
    }
    pool->used += size;
    return memory;
}

void *awl__alloc_zeroed(awl_loop *loop, size_t size, size_t zeroed)
{
    void *memory = awl__alloc(loop, size);

    return memory ? memset(memory, 0, zeroed) : NULL;
}

void awl__free(awl_loop *loop, void *memory, size_t wanted)
{
    awl__pool *pool = &loop->pool;
    const size_t size = rounded(wanted);
    void **list;

    if (!memory)
        return;
    pool->high = awl__pool_high(pool);
    pool->used -= size;
    if (size > LARGEST || (EVERY_BLOCK_ALONE && !pool->fixed)) {
        give_alone(pool, memory, size);
        return;
    }
    list = list_for(pool, size);
    memcpy(memory, list, sizeof *list);
    *list = memory;
}

/* `memory`: what the pool may use, for ever; NULL: malloc's. */
void awl__pool_open(awl__pool *pool, void *memory, size_t size)
{
    memset(pool, 0, sizeof *pool);
    pool->chunks.next = pool->chunks.prev = &pool->chunks;
    pool->next_chunk = FIRST_CHUNK;
    if (memory) {
        pool->fixed = true;
        pool->top = memory;
        pool->end = pool->top + (size & ~(size_t)7);
        pool->held = size;
    }
}

void awl__pool_close(awl__pool *pool)
{
    while (pool->chunks.next != &pool->chunks) {
        awl__block *block = pool->chunks.next;
        pool->chunks.next = block->next;
        free(block);
    }
}
