/* Walks through folders: see awl/file.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_priv.h"

enum { BATCH = 64, DEEPEST = 1000, MOST = 1000000 };

/* A folder that is still to be read: its names below the first, "" for that one itself. */
typedef struct folder {
    struct folder *next;
    unsigned depth;
    char names[];
} folder;

/* What the thread works on; the loop looks at it only in its own turn. */
typedef struct tree {
    awl__file_core core; /* first */
    awl_walk_options options;
    int root;                      /* -1: not open yet */
    DIR *dir;                      /* that is being read; NULL: none */
    folder *now, *pending, *inner; /* which one that is; those to come; those in it, the last one first */
    size_t count;
    int n, next, failed; /* entries of the batch; which one is due; the first folder's error, or that of too many */
    bool over;
    char *paths[BATCH];
    awl_walk_entry entries[BATCH];
    char path[]; /* as it was given */
} tree;

struct awl_walk {
    awl__file_handle handle; /* first */
    tree *tree;
    bool shown, skips; /* an entry has been brought; its folder is to be left out */
};

/* ---- In a thread ------------------------------------------------------------------------------------------------ */

static void free_folders(folder *first)
{
    while (first) {
        folder *next = first->next;

        free(first);
        first = next;
    }
}

static void leave_folder(tree *t)
{
    if (t->dir)
        closedir(t->dir);
    t->dir = NULL;
    free(t->now);
    t->now = NULL;
}

static void free_batch(tree *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->paths[i]);
    t->n = t->next = 0;
}

static int end(awl__file_core *core)
{
    tree *t = (tree *)(void *)core;

    free_batch(t);
    leave_folder(t);
    free_folders(t->pending);
    free_folders(t->inner);
    if (t->root >= 0)
        close(t->root);
    free(t);
    return 0;
}

/* A path from the first folder's on. NULL: no memory. */
static char *path_to(const tree *t, const char *names, const char *name)
{
    const size_t root = strlen(t->path), n = strlen(names), m = name ? strlen(name) : 0;
    char *path = malloc(root + n + m + 3), *at = path;

    if (!path)
        return NULL;
    memcpy(at, t->path, root);
    at += root;
    if ((n || m) && at[-1] != '/')
        *at++ = '/';
    memcpy(at, names, n);
    at += n;
    if (n && m)
        *at++ = '/';
    if (m)
        memcpy(at, name, m);
    at[m] = '\0';
    return path;
}

/* Adds an entry to the batch: what is called `name` in the folder, or with NULL, the folder itself. 0 or the error. */
static int add_entry(tree *t, const folder *in, const char *name, awl_walk_entry what)
{
    char *path = path_to(t, in->names, name);

    if (!path)
        return ENOMEM;
    what.path = t->paths[t->n] = path;
    what.name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    t->entries[t->n++] = what;
    return 0;
}

static uint32_t kind_of(unsigned char type) { return type == DT_UNKNOWN ? 0 : DTTOIF(type); }

/* One name that was read. Where the folder does not say what it is, the file does. */
static int add_name(tree *t, const struct dirent *d)
{
    awl_walk_entry what = { .depth = t->now->depth + 1, .kind = kind_of(d->d_type) };
    struct stat st;

    if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
        return 0;
    if (t->count++ >= t->options.most)
        return AWL_ELIMIT;
    if ((t->options.info || !what.kind) && !fstatat(dirfd(t->dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
        what.kind = st.st_mode & S_IFMT;
        awl__file_info_of(&st, &what.info);
    } else if (t->options.info) {
        what.kind = 0;
    }
    return add_entry(t, t->now, d->d_name, what);
}

/* Opens the folder that is next. 0 or the error. */
static int open_next(tree *t)
{
    int fd;

    if (!t->now->depth) {
        t->root = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (t->root < 0)
            return errno;
    }
    if (t->now->depth >= DEEPEST)
        return AWL_ELIMIT;
    fd = awl__open_step_by_step(t->root, *t->now->names ? t->now->names : ".");
    if (fd < 0)
        return -fd;
    t->dir = fdopendir(fd);
    if (t->dir)
        return 0;
    fd = (close(fd), errno);
    return fd;
}

/* Goes on to the next folder: those in the last one come before what was to come after that. A folder that cannot be
 * read is an entry, with its error; but for the first, and where there is no memory. */
static int next_folder(tree *t)
{
    int error;

    while (t->inner) {
        folder *last = t->inner;

        t->inner = last->next;
        last->next = t->pending;
        t->pending = last;
    }
    t->now = t->pending;
    if (!t->now) {
        t->over = true;
        return 0;
    }
    t->pending = t->now->next;
    error = open_next(t);
    if (error && error != ENOMEM && t->now->depth) {
        const awl_walk_entry what = { .depth = t->now->depth, .kind = S_IFDIR, .error = error };

        error = add_entry(t, t->now, NULL, what);
    }
    if (!t->dir)
        leave_folder(t);
    return error;
}

/* Reads until the batch is full, or a folder ends: which are in it is to be known before the next. */
static int run_fill(awl__file_call *call)
{
    tree *t = (tree *)(void *)call->core;
    const struct dirent *d;

    free_batch(t);
    while (!t->failed && !t->over && !t->n) {
        if (!t->now)
            t->failed = next_folder(t);
        while (t->dir && !t->failed && t->n < BATCH) {
            errno = 0;
            d = readdir(t->dir);
            if (d) {
                t->failed = add_name(t, d);
                continue;
            }
            if (errno)
                t->failed = add_entry(t, t->now, NULL,
                                      (awl_walk_entry){ .depth = t->now->depth, .kind = S_IFDIR, .error = errno });
            leave_folder(t);
        }
    }
    return 0;
}

/* ---- In the loop ------------------------------------------------------------------------------------------------ */

awl_walk *awl_walk_new(const char *path, const awl_walk_options *options)
{
    const size_t n = path ? strlen(path) : 0;
    tree *t = NULL;
    folder *first = NULL;
    awl_walk *walk;

    errno = EINVAL;
    if (!n || !awl_running_)
        return NULL;
    t = calloc(1, sizeof *t + n + 1);
    first = calloc(1, sizeof *first + 1);
    walk = t && first ? awl__file_handle_new(awl_running_, sizeof *walk, &t->core) : NULL;
    if (!walk) {
        free(t);
        free(first);
        errno = ENOMEM;
        return NULL;
    }
    atomic_init(&t->core.refs, 1);
    t->core.end = end;
    t->options = options ? *options : (awl_walk_options){ .depth = 0 };
    if (!t->options.most)
        t->options.most = MOST;
    t->root = -1;
    t->pending = first;
    memcpy(t->path, path, n);
    walk->tree = t;
    return walk;
}

/* The entry that was brought last is left behind: if it is a folder, it is one that is to be read. 0 or ENOMEM. */
static int leave_entry(awl_walk *walk)
{
    tree *t = walk->tree;
    const awl_walk_entry *e = &t->entries[t->next];
    const char *names;
    folder *in;

    if (!walk->shown)
        return 0;
    if (S_ISDIR(e->kind) && !e->error && !walk->skips && (!t->options.depth || e->depth < t->options.depth)) {
        names = e->path + strlen(t->path);
        names += *names == '/';
        in = malloc(sizeof *in + strlen(names) + 1);
        if (!in)
            return ENOMEM;
        in->depth = e->depth;
        strcpy(in->names, names);
        in->next = t->inner;
        t->inner = in;
    }
    walk->shown = walk->skips = false;
    t->next++;
    return 0;
}

/* What is there without asking: an entry, the end (NULL), or the error. false: a thread has to look. */
static bool look(awl_walk *walk, awl_walk_entry **entry, int *error)
{
    tree *t = walk->tree;

    *entry = NULL;
    *error = leave_entry(walk);
    if (*error)
        return true;
    if (t->next < t->n) {
        *entry = &t->entries[t->next];
        walk->shown = true;
        return true;
    }
    *error = t->failed;
    return t->failed || t->over;
}

static void tell(const awl_walk *walk, int error)
{
    const char *path = walk->tree->path;

    if (error != ENOMEM)
        awl__error_detail(walk->handle.loop, error, "%s: %s", path, awl_strerror(error));
}

/* Who waits for the turn waits for a call that was given up while it was at work. */
co_def(next_entry, {
    awl_walk *walk;
    awl__file_call *call;
    awl_walk_entry *entry;
    int error;
    bool held, turn;
})
{
    co_begin;
    self->error = awl__file_handle_check(self->walk ? &self->walk->handle : NULL, co_);
    if (self->error)
        co_raise(self->error);
    self->walk->handle.refs++;
    self->held = true;
    for (;;) {
        co_await(awl_lock_acquire(&self->walk->handle.turn));
        self->turn = true;
        if (!self->walk->handle.core)
            co_raise(EBADF);
        if (look(self->walk, &self->entry, &self->error))
            break;
        self->call = awl__file_call_new(awl__loop_of(co_), run_fill, NULL, NULL);
        if (!self->call)
            co_raise(ENOMEM);
        self->call->core = awl__file_core_keep(self->walk->handle.core);
        self->call->turn_of = &self->walk->handle;
        self->walk->handle.refs++;
        self->turn = false;
        co_await(awl__file_run(self->call));
        awl__file_call_end(self->call);
    }
    if (self->error) {
        tell(self->walk, self->error);
        co_raise(self->error);
    }
    co_return(self->entry);
    co_finally;
    if (self->turn)
        awl_lock_release(&self->walk->handle.turn);
    if (self->held)
        awl__file_handle_drop(&self->walk->handle);
    co_end;
}

awl_coro awl_walk_next(awl_walk *walk) { return co_call(next_entry, .walk = walk); }

void awl_walk_skip(awl_walk *walk)
{
    if (walk)
        walk->skips = walk->shown;
}

void awl_walk_close(awl_walk *walk) { awl__file_handle_close(walk ? &walk->handle : NULL); }
