/*
 * The inside of files. A thing that threads work on (a descriptor, a folder that is being read) is a core, from malloc,
 * with a count of those who need it; the last of them, in whatever thread, ends it. A call is one job of the executor:
 * it holds its core, copies of all it reads, and the memory for what it brings, so nobody need be there when it ends.
 */
#ifndef AWL_FILE_PRIV_H
#define AWL_FILE_PRIV_H

#include <stdatomic.h>

#include "../exec/exec_priv.h"
#include "awl/file.h"

_Static_assert(sizeof(off_t) == 8, "files are large: -D_FILE_OFFSET_BITS=64");

enum { AWL__FILE_PIECE = 1 << 20 }; /* bytes that are read or written by one call, at most */

/* ---- Cores ------------------------------------------------------------------------------------------------------ */

typedef struct awl__file_core awl__file_core;
struct awl__file_core {
    atomic_uint refs;
    int (*end)(awl__file_core *core); /* by the last; frees it. Result: 0 or the error */
};

static inline awl__file_core *awl__file_core_keep(awl__file_core *core)
{
    if (core)
        atomic_fetch_add_explicit(&core->refs, 1, memory_order_relaxed);
    return core;
}
static inline int awl__file_core_put(awl__file_core *core)
{
    if (!core || atomic_fetch_sub_explicit(&core->refs, 1, memory_order_acq_rel) != 1)
        return 0;
    return core->end(core);
}

/* ---- Handles: what users have of a core ------------------------------------------------------------------------- */

/* The head of an awl_file and of an awl_walk, in the loop's memory. */
typedef struct awl__file_handle {
    awl_loop *loop;
    awl__file_core *core; /* NULL: closed */
    awl__closer closer;
    awl_lock turn; /* who has it may have a call at work that needs the position, or all of the core */
    uint32_t refs;
    uint32_t size; /* of what this is the head of, bytes */
} awl__file_handle;

/* Makes a handle, zeroed beyond its head, with one reference; it takes that to the core. NULL: no memory. */
void *awl__file_handle_new(awl_loop *loop, size_t size, awl__file_core *core);
void awl__file_handle_drop(awl__file_handle *handle);  /* one reference; NULL is let be */
void awl__file_handle_close(awl__file_handle *handle); /* the user's: the core goes in a thread */

/* 0, or why nothing can be done with it here. */
static inline int awl__file_handle_check(const awl__file_handle *handle, co_stack *stack)
{
    return !handle ? EINVAL : handle->loop != awl__loop_of(stack) ? AWL_EOTHERLOOP : 0;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

typedef struct awl__file_call awl__file_call;
struct awl__file_call {
    int (*run)(awl__file_call *call); /* in a thread: 0, or the error, which is put into `error` */
    awl_loop *loop;
    awl__file_handle *turn_of; /* whose turn it has, and holds; NULL: nobody's */
    awl__file_core *core;      /* that it holds, or makes; NULL: none */
    int error;
    bool kept;  /* not to be freed by the executor */
    bool ended; /* what it reads from has no more */
    int flags;
    mode_t mode;
    int64_t offset, result;
    awl_file_info info;
    char *data; /* from malloc */
    size_t len, cap;
    const char *path, *to; /* in `text` */
    char text[];
};

/* Makes a call with copies of two texts, which may be NULL. NULL: no memory. */
awl__file_call *awl__file_call_new(awl_loop *loop, int (*run)(awl__file_call *), const char *path, const char *to);

/* The end of it, wherever: frees it, lets go of its core, passes on the turn. */
void awl__file_call_end(void *call);
awl_job awl__file_job(awl__file_call *call);
int awl__file_let_go(awl__file_call *call); /* to run: lets go of its core; 0, or what the end of that says */

/* A coroutine object: the call, which it takes: it is ended if this ends with an error. One of the call's own is in it,
 * not raised. NULL: ENOMEM. */
static inline awl_coro awl__file_run(awl__file_call *call)
{
    return call ? awl_run_job(NULL, awl__file_job(call)) : (awl_coro){ NULL, 0 };
}

/* What has come of a call with a path: its error, and the text that goes with it. */
int awl__file_call_error(const awl__file_call *call);

/* ---- Open files ------------------------------------------------------------------------------------------------- */

typedef struct awl__file_fd {
    awl__file_core core;
    int fd;
    bool append;

    /* of a file that is to get its name: */
    bool failed; /* what was written is perhaps not there */
    int folder;  /* -1: it is none such, or has its name */
    unsigned forks; /* awl__forks when it was begun: in a forked child it is the parent's */
    char *name, *part;
} awl__file_fd;

struct awl_file {
    awl__file_handle handle; /* first */
    int64_t position;
};

static inline awl__file_fd *awl__file_fd_of(awl__file_core *core) { return (awl__file_fd *)(void *)core; }

/* A new one around a descriptor, which it takes, or closes if there is no memory. */
awl__file_core *awl__file_fd_new(int fd);

/* In a thread: opens as awl_file_open does; makes a file that is to get its name, and gives it. 0 or the error. */
int awl__file_fd_open(const char *path, int flags, mode_t mode, awl__file_core **core);
int awl__file_fd_replace(const char *path, mode_t mode, awl__file_core **core);
int awl__file_fd_commit(awl__file_fd *file);
uint64_t awl__file_random(void);

/* Up to `len` bytes at `offset`; *done: how many. Less is the end, or an error, which is the result. */
int awl__file_read_at(int fd, char *data, size_t len, int64_t offset, size_t *done);
int awl__file_write_at(const awl__file_fd *file, const char *data, size_t len, int64_t offset, size_t *done);

/* In the loop: the same, but only what the kernel has in memory. Result: bytes, perhaps fewer than there are; 0 at the
 * end; -EAGAIN: a thread has to look; -EOPNOTSUPP: nothing can be read so here. */
ssize_t awl__file_read_now(int fd, void *data, size_t len, int64_t offset);

void awl__file_info_of(const void *stat, awl_file_info *info); /* a struct stat */

/* A coroutine object: a call that makes a core, as a handle for the user. Takes `call`. */
awl_coro awl__file_made(awl__file_call *call, int64_t position);

/* ---- Opening within a folder (beneath.c) ------------------------------------------------------------------------ */

/*
 * Opens for reading what `path` is within the folder `root`. A path that is absolute or leads out of it, by ".." or by
 * a link, is -EXDEV or -ELOOP.
 *
 * Result   the descriptor, or -error. The second one is what does where the kernel has no openat2: it follows no link.
 */
int awl__open_beneath(int root, const char *path);
int awl__open_step_by_step(int root, const char *path);

#endif
