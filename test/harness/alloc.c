/*
 * alloc.c: every allocation of the test program passes here, by the linker's --wrap, to be counted or refused.
 *
 * Live blocks stand in a hash table keyed by address, not in headers before the blocks: a block that a shared library made may
 * be freed here, aligned blocks need no care, and a sanitizer still sees every block as its user does. The table lies in
 * mmapped memory and holds each address inverted, so that neither LSan nor valgrind takes it for a reference to the block.
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <pthread.h>
#include <sys/mman.h>

#include "harness_priv.h"

struct block {
    uintptr_t inverted; /* ~address; 0 in an empty place */
    size_t size;
    size_t number; /* the how-manieth allocation it was */
    void *caller;
};

enum { PLACES_AT_FIRST = 4096 }; /* a power of two, as each doubling of it */

/* How deep we are in the real functions: in a static musl program calloc calls malloc, and that call comes here, too. */
static _Thread_local int depth;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* All under the lock. */
static struct {
    bool counting;
    size_t count;
    size_t first_refused, last_refused; /* numbers of allocations; 0, 0: none */
    struct verdict *refused_for;        /* set while the plan is the command line's */
    struct block *places;
    size_t places_len, blocks, bytes;
} heap;

/* The real ones, and what their callers get instead: names that the linker dictates. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __real_setenv(const char *name, const char *value, int overwrite);
int __real_unsetenv(const char *name);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void __wrap_free(void *block);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_setenv(const char *name, const char *value, int overwrite);
int __wrap_unsetenv(const char *name);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t len);

/* --- the table ------------------------------------------------------------------------------------------------------ */

static size_t home_of(uintptr_t inverted)
{
    uintptr_t hash = inverted >> 4;
    hash ^= hash >> 12;
    hash *= 0x9E3779B1u;
    hash ^= hash >> 15;
    return (size_t)hash & (heap.places_len - 1);
}

/* The place where the block stands or, if it stands nowhere, the empty place where it belongs. */
static struct block *place_of(uintptr_t inverted)
{
    size_t i = home_of(inverted);
    while (heap.places[i].inverted != 0 && heap.places[i].inverted != inverted)
        i = (i + 1) & (heap.places_len - 1);
    return &heap.places[i];
}

static void resize(size_t len)
{
    struct block *old = heap.places;
    size_t old_len = heap.places_len;

    void *map = mmap(NULL, len * sizeof *old, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        pthread_mutex_unlock(&lock);
        harness__end(VERDICT_BROKEN, __FILE__, __LINE__, "no memory left to count blocks");
    }
    heap.places = map;
    heap.places_len = len;

    for (size_t i = 0; i < old_len; i++)
        if (old[i].inverted != 0)
            *place_of(old[i].inverted) = old[i];
    if (old != NULL)
        munmap(old, old_len * sizeof *old);
}

static void take_out(struct block *place)
{
    heap.blocks--;
    heap.bytes -= place->size;
    place->inverted = 0;

    /* Linear probing must not meet a gap: move up each later block that would not be found any more. */
    size_t mask = heap.places_len - 1, gap = (size_t)(place - heap.places);
    for (size_t i = (gap + 1) & mask; heap.places[i].inverted != 0; i = (i + 1) & mask) {
        size_t home = home_of(heap.places[i].inverted);
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        heap.places[gap] = heap.places[i];
        heap.places[i].inverted = 0;
        gap = i;
    }
}

static void put_in(struct block block)
{
    struct block *place = place_of(block.inverted);

    /* An address that stands here already was freed where we could not see it, in a shared library. */
    if (place->inverted != 0) {
        heap.blocks--;
        heap.bytes -= place->size;
    }
    *place = block;
    heap.blocks++;
    heap.bytes += block.size;
    if (heap.blocks * 2 > heap.places_len)
        resize(heap.places_len * 2);
}

/* --- the life of a block -------------------------------------------------------------------------------------------- */

/* Gives an allocation its number (0: it is not counted), or refuses it. */
static bool admit(void *caller, size_t *number)
{
    bool refused = false;
    *number = 0;
    if (depth > 0)
        return true;

    pthread_mutex_lock(&lock);
    if (heap.counting) {
        *number = ++heap.count;
        refused = *number >= heap.first_refused && *number <= heap.last_refused;
    }
    if (refused && heap.refused_for != NULL) {
        if (heap.refused_for->refused == 0)
            heap.refused_for->refused_to = caller;
        heap.refused_for->refused++;
    }
    pthread_mutex_unlock(&lock);

    if (refused)
        errno = ENOMEM;
    return !refused;
}

/* Enters a new block, if there is one, and returns it. */
static void *born(void *address, size_t size, size_t number, void *caller)
{
    if (address == NULL || number == 0)
        return address;
    pthread_mutex_lock(&lock);
    if (heap.counting)
        put_in((struct block){ ~(uintptr_t)address, size, number, caller });
    pthread_mutex_unlock(&lock);
    return address;
}

/* Takes a block out, before it is freed: right after that another thread may get the same address. */
static struct block died(void *address)
{
    struct block was = { 0 };
    if (depth > 0)
        return was;

    pthread_mutex_lock(&lock);
    if (heap.counting && address != NULL) {
        struct block *place = place_of(~(uintptr_t)address);
        was = *place;
        if (was.inverted != 0)
            take_out(place);
    }
    pthread_mutex_unlock(&lock);
    return was;
}

static void *allocate(size_t size, void *caller)
{
    size_t number;
    if (!admit(caller, &number))
        return NULL;
    depth++;
    void *block = __real_malloc(size);
    depth--;
    return born(block, size, number, caller);
}

static void *reallocate(void *old, size_t size, void *caller)
{
    size_t number;
    if (!admit(caller, &number))
        return NULL;

    struct block was = died(old);
    int errno_before = errno;
    errno = 0;
    depth++;
    void *address = __real_realloc(old, size);
    depth--;
    bool failed = address == NULL && errno == ENOMEM; /* and not: asked for 0 bytes, freed */
    errno = failed ? ENOMEM : errno_before;
    if (failed)
        return born(old, was.size, was.number, was.caller), NULL;
    return born(address, size, number, caller);
}

static char *duplicate(const char *string, size_t len, void *caller)
{
    char *copy = allocate(len + 1, caller);
    if (copy == NULL)
        return NULL;
    memcpy(copy, string, len);
    copy[len] = '\0';
    return copy;
}

static void release(void *address)
{
    died(address);
    depth++;
    __real_free(address);
    depth--;
}

/* --- what the program calls ----------------------------------------------------------------------------------------- */

void *__wrap_malloc(size_t size) { return allocate(size, __builtin_return_address(0)); }
void *__wrap_realloc(void *old, size_t size) { return reallocate(old, size, __builtin_return_address(0)); }
void __wrap_free(void *address) { release(address); }

/* see harness.h */
void *harness_malloc(size_t size) { return allocate(size, __builtin_return_address(0)); }
void *harness_realloc(void *old, size_t size) { return reallocate(old, size, __builtin_return_address(0)); }
void harness_free(void *block) { release(block); }

void *__wrap_calloc(size_t count, size_t size)
{
    size_t number;
    void *caller = __builtin_return_address(0);
    if (!admit(caller, &number))
        return NULL;
    depth++;
    void *block = __real_calloc(count, size);
    depth--;
    return born(block, count * size, number, caller);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return reallocate(old, count * size, __builtin_return_address(0));
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    size_t number;
    void *caller = __builtin_return_address(0);
    if (!admit(caller, &number))
        return ENOMEM;
    depth++;
    int error = __real_posix_memalign(block, alignment, size);
    depth--;
    if (error == 0)
        born(*block, size, number, caller);
    return error;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    size_t number;
    void *caller = __builtin_return_address(0);
    if (!admit(caller, &number))
        return NULL;
    depth++;
    void *block = __real_aligned_alloc(alignment, size);
    depth--;
    return born(block, size, number, caller);
}

/* What these keep, in a static musl program on our heap, they keep for good. */
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    depth++;
    int error = __real_pthread_atfork(prepare, parent, child);
    depth--;
    return error;
}

int __wrap_setenv(const char *name, const char *value, int overwrite)
{
    depth++;
    int error = __real_setenv(name, value, overwrite);
    depth--;
    return error;
}

int __wrap_unsetenv(const char *name)
{
    depth++;
    int error = __real_unsetenv(name);
    depth--;
    return error;
}

char *__wrap_strdup(const char *string) { return duplicate(string, strlen(string), __builtin_return_address(0)); }

char *__wrap_strndup(const char *string, size_t len)
{
    return duplicate(string, strnlen(string, len), __builtin_return_address(0));
}

/* --- what the test and the harness ask ------------------------------------------------------------------------------ */

static void plan(size_t n, bool from, struct verdict *verdict)
{
    pthread_mutex_lock(&lock);
    heap.first_refused = n == 0 ? 0 : heap.count + n;
    heap.last_refused = n == 0 ? 0 : from ? SIZE_MAX : heap.count + n;
    heap.refused_for = verdict;
    pthread_mutex_unlock(&lock);
}

/* see harness.h */
void harness_fail_alloc(size_t n) { plan(n, false, NULL); }
void harness_fail_alloc_from(size_t n) { plan(n, true, NULL); }

static size_t read_locked(const size_t *value)
{
    pthread_mutex_lock(&lock);
    size_t copy = *value;
    pthread_mutex_unlock(&lock);
    return copy;
}

/* see harness.h */
size_t harness_alloc_count(void) { return read_locked(&heap.count); }
size_t harness_live_blocks(void) { return read_locked(&heap.blocks); }
size_t harness_live_bytes(void) { return read_locked(&heap.bytes); }

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

void harness__heap_start(struct verdict *verdict, struct refusal refusal)
{
    /* A child that the test forks while a thread of it allocates must find the lock open. */
    pthread_atfork(before_fork, after_fork, after_fork);
    plan(refusal.n, refusal.from, verdict);
    pthread_mutex_lock(&lock);
    resize(PLACES_AT_FIRST);
    heap.counting = true;
    pthread_mutex_unlock(&lock);
}

void harness__heap_refuse_no_more(void)
{
    pthread_mutex_lock(&lock);
    if (heap.refused_for != NULL)
        heap.first_refused = heap.last_refused = 0;
    pthread_mutex_unlock(&lock);
}

void harness__heap_stop(void)
{
    pthread_mutex_lock(&lock);
    heap.counting = false;
    pthread_mutex_unlock(&lock);
}

bool harness__heap_report(struct text *why)
{
    if (heap.blocks == 0)
        return false;

    /* The oldest few are named: the later ones often hang from them. */
    harness__add(why, "leaked %zu block%s, %zu bytes:", heap.blocks, heap.blocks == 1 ? "" : "s", heap.bytes);
    size_t named = 0;
    for (size_t last = 0; named < heap.blocks && named < 8; named++) {
        const struct block *oldest = NULL;
        for (const struct block *b = heap.places; b < heap.places + heap.places_len; b++)
            if (b->inverted != 0 && b->number > last && (oldest == NULL || b->number < oldest->number))
                oldest = b;
        last = oldest->number;
        harness__add(why, "%s allocation %zu (%zu bytes, ", named == 0 ? "" : ",", oldest->number, oldest->size);
        harness__add_caller(why, oldest->caller);
        harness__add(why, ")");
    }
    harness__add(why, "%s\n", named < heap.blocks ? ", …" : "");
    return true;
}
