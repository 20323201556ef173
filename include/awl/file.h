/*
 * awl/file.h: files, folders and what is in them, off the loop. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <errno.h>
 *     #include <fcntl.h>
 *     #include <stdio.h>
 *
 *     co_def(show, { awl_file *f; awl_stream *s; char *line; })
 *     {
 *         co_begin;
 *         co_let(self->f, awl_file_open("/etc/hosts", O_RDONLY, 0));
 *         self->s = awl_file_stream(self->f, NULL);
 *         if (!self->s)
 *             co_raise(errno);
 *         for (;;) {
 *             co_let(self->line, awl_stream_readline(self->s, NULL));
 *             if (!self->line)
 *                 break;
 *             fputs(self->line, stdout);
 *         }
 *         co_finally;
 *         awl_stream_close(self->s);
 *         awl_file_close(self->f);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(show)); }
 *
 * WHERE IT HAPPENS. No kernel can say when a disk is ready, so these calls are made in the threads of the loop's
 * default executor (awl/exec.h), and the loop goes on meanwhile. Each passes through a queue and a thread, some 10 µs:
 * read and write pieces of many kB, or by a stream, which does that.
 *
 * CANCELLATION. A call that a thread makes already cannot be stopped: who waits ends at once, the call goes on to its
 * end, and what it brings is dropped. Memory of the caller's is not touched then: bytes go by way of a copy. So what
 * was read is lost to nobody, as the position has not moved; but what was to be written may be in the file, and what
 * was to be renamed or removed may be so. What would be in nobody's hands (an open file, a temporary one) goes.
 *
 * TURNS. Operations on one awl_file that need its position or are about all of it (read, write, sync, truncate, stat,
 * commit) are done one after the other, in the order in which they came, also behind one that was cancelled while it
 * was at work. awl_file_pread and awl_file_pwrite wait for nobody.
 *
 * TEXTS. Paths and data that are given are valid until the operation completes. Of an operation with a path,
 * awl_error_message says the path and the error.
 *
 * THEIR ERRORS are those of the system call, and besides, not named below: ECANCELED; ENOMEM; AWL_ESHUTDOWN if the
 * default executor was shut down, ENOTSUP if it is a pool of processes; AWL_ENOTHREAD; EINVAL for NULL; AWL_EOTHERLOOP
 * for a file of another loop.
 */
#ifndef AWL_FILE_H
#define AWL_FILE_H

#include <sys/types.h>

#include "awl/stream.h"
#include "awl/task.h"

typedef struct awl_file awl_file;

/* What is known of a file: the same on every machine, whatever its struct stat is. Times are nanoseconds since 1970. */
typedef struct awl_file_info {
    int64_t size;
    uint64_t device, inode, links;
    uint32_t mode; /* its kind and permissions, as S_ISDIR() takes it */
    uint32_t owner, group;
    int64_t modified, changed, accessed;
} awl_file_info;

/* ---- Opening and closing ---------------------------------------------------------------------------------------- */

/*
 * Opens a file.
 *
 *   flags   as of open(2); O_CLOEXEC goes without saying. With O_APPEND what is written goes to the end
 *   mode    of a file that is made (O_CREAT), less what the umask has; else of no meaning
 * Result   awl_file *, at position 0.
 * Errors   ENOENT, EACCES, EEXIST, EROFS, ENOSPC, EMFILE, ELOOP …; EISDIR: a folder, also for reading; ESPIPE: a pipe,
 *          a socket or a terminal, which awl_stream_open is for; ENXIO: a pipe that nobody reads.
 * Owns     the caller closes the file: awl_file_close.
 * Source   open(2), aiofiles.open; test/file/test_file.c
 */
AWL_CORO awl_file_open(const char *path, int flags, mode_t mode);

/*
 * Opens a file without a name, for reading and writing by this process alone; it is gone when it is closed.
 *
 *   folder   in whose file system; NULL: $TMPDIR, or /tmp
 * Result   awl_file *.
 * Errors   as above.
 * Source   tempfile.TemporaryFile; test/file/test_file.c
 */
AWL_CORO awl_file_temporary(const char *folder);

/* Gives a file back. It is closed in a thread, when what is at work on it has ended; operations that wait for their
 * turn end with EBADF. What close(2) has to say nobody learns: awl_file_sync before, or awl_file_wait_closed. NULL is
 * let be. Source: test/file/test_file.c */
void awl_file_close(awl_file *file);

/*
 * Closes a file in its turn and waits for that. The handle stays the caller's, for awl_file_close.
 *
 * Result   none.
 * Errors   EIO, ENOSPC, EDQUOT: some file systems say only now that a write was in vain; EBADF: it is closed.
 * Source   test/file/test_file.c
 */
AWL_CORO awl_file_wait_closed(awl_file *file);

/* The descriptor, which stays the file's (awl_stream_sendfile may send from it); -1 after closing, and for NULL. */
int awl_file_fd(const awl_file *file);

/* ---- Reading and writing ---------------------------------------------------------------------------------------- */

/*
 * Reads up to `cap` bytes: at the position, which moves on; or at an offset.
 *
 *   buf      caller's memory, valid until the operation completes; untouched on error
 *   cap      bytes, at least 1; more than 1 MiB are not read at once
 *   offset   at least 0
 * Result   int64_t: bytes, fewer than `cap` only where the file ends or 1 MiB is full; 0: the end.
 * Errors   EIO; EBADF: not open for reading, or closed; EINVAL.
 * Context  takes `cap` bytes by malloc meanwhile; cancel-safe: no byte is lost.
 * Source   read(2), pread(2); test/file/test_file.c
 */
AWL_CORO awl_file_read(awl_file *file, void *buf, size_t cap);
AWL_CORO awl_file_pread(awl_file *file, void *buf, size_t cap, int64_t offset);

/*
 * Writes `len` bytes, all of them: at the position, which moves on; or at an offset.
 *
 * Result   none.
 * Errors   ENOSPC, EDQUOT, EFBIG, EIO; EBADF: not open for writing, or closed; EINVAL. The position is behind what was
 *          written before the error.
 * Context  a copy of 1 MiB at a time is taken by malloc. If it is cancelled the position is behind the last whole MiB
 *          that was known to be written; what was at work then is perhaps in the file, and comes before what is written
 *          later.
 * Source   write(2), pwrite(2); test/file/test_file.c, test_faults.c
 */
AWL_CORO awl_file_write(awl_file *file, const void *data, size_t len);
AWL_CORO awl_file_pwrite(awl_file *file, const void *data, size_t len, int64_t offset);

/* Moves the position. 0; EINVAL: below 0, or NULL; EBUSY: an operation is at work; EBADF after closing. And tells it:
 * -1 for NULL. Source: lseek(2); test/file/test_file.c */
int awl_file_seek(awl_file *file, int64_t position);
int64_t awl_file_position(const awl_file *file);

/* Waits until what was written is on the disk, with all that is known of the file, or only with what reading it needs.
 * Errors: EIO, ENOSPC, EBADF: see fsync(2). Source: test/file/test_file.c */
AWL_CORO awl_file_sync(awl_file *file);
AWL_CORO awl_file_datasync(awl_file *file);

/* Makes a file `size` bytes long: cuts it, or puts zeros behind it. The position stays. Errors: EINVAL: below 0, or not
 * open for writing; EFBIG, ENOSPC, EIO, EBADF. Source: ftruncate(2); test/file/test_file.c */
AWL_CORO awl_file_truncate(awl_file *file, int64_t size);

/* Writes to *info what is known of a file; on error it is untouched. Errors: EBADF, EIO. Source: fstat(2);
 * test/file/test_file.c */
AWL_CORO awl_file_stat(awl_file *file, awl_file_info *info);

/* ---- Files that get their name when they are whole -------------------------------------------------------------- */

/*
 * Begins a file that is to be at `path`, or to take the place of the one that is. Until awl_file_commit it lies in the
 * same folder under a name of its own, ".NAME.XXXXXXXXXXXXXXXX.part", which goes when it is closed; a process that is
 * killed leaves it there.
 *
 *   mode   of the file, less what the umask has; 0: 0666. That of a file at `path` does not count
 * Result   awl_file *, empty, for reading and writing.
 * Errors   those of awl_file_open for the folder and the new file; EISDIR: a folder is at `path`.
 * Owns     the caller closes the file.
 * Source   tempfile.NamedTemporaryFile and os.replace; test/file/test_whole.c
 */
AWL_CORO awl_file_replace(const char *path, mode_t mode);

/*
 * Gives such a file its name: fsync, rename, fsync of the folder. A link at `path` is replaced, not what it is to. The
 * file stays open.
 *
 * Result   none.
 * Errors   AWL_EINVALIDSTATE: it is not one of awl_file_replace, or has its name; ENOSPC, EIO, EDQUOT of fsync: it is
 *          not named, and cannot be any more; EISDIR, EACCES, EROFS … of rename. An error of the folder's fsync comes when
 *          it has its name: it may have the one before again after a power cut.
 * Context  if it is cancelled it has its name, whole, or not; awl_file_close is right either way.
 * Source   fsync(2), rename(2); test/file/test_whole.c
 */
AWL_CORO awl_file_commit(awl_file *file);

/*
 * Writes a whole file, or the whole of it anew, by the two above: who opens `path` finds what was there before or all
 * of this, never a part.
 *
 *   data   `len` bytes, copied
 *   mode   as of awl_file_replace
 * Result   none.
 * Errors   as above.
 * Context  one call in a thread. If it is cancelled the file is there, whole, or as it was; nothing else is left.
 * Source   test/file/test_whole.c, test_faults.c
 */
AWL_CORO awl_write_file_atomically(const char *path, const void *data, size_t len, mode_t mode);

/*
 * Reads a whole file.
 *
 *   limit   bytes; 0: 64 MiB
 *   len     takes its length; may be NULL; untouched on error
 * Result   char *: what is in it, with a zero byte behind.
 * Errors   AWL_ELIMIT: it is longer; those of awl_file_open and awl_file_read.
 * Owns     the caller: free(3).
 * Source   trio.Path.read_bytes; test/file/test_whole.c
 */
AWL_CORO awl_read_file(const char *path, size_t limit, size_t *len);

/* ---- Streams ---------------------------------------------------------------------------------------------------- */

/*
 * Makes a stream of a file, for awl_stream_readline and the others. What the kernel has in memory is read at once;
 * else it reads ahead, and it writes behind, up to twice 256 KiB each. Reading and writing both begin at the file's
 * position and go their own ways, which that does not follow.
 *
 *   options   may be NULL; of the limits
 * Result   the stream; NULL with errno ENOMEM, EBADF (closed), EINVAL (no running loop, or NULL), AWL_EOTHERLOOP.
 * Owns     the stream keeps what it needs of the file, which may be closed before it.
 * Context  awl_stream_drain says that there is room for more, awl_stream_wait_closed that all is written; errors of the
 *          disk are the stream's. What is not written when it is aborted is dropped. There is no awl_stream_write_eof.
 * Source   test/file/test_stream.c
 */
awl_stream *awl_file_stream(awl_file *file, const awl_stream_options *options) __attribute__((warn_unused_result));

/* The same for a file that others write to, as `tail -f`: at its end, reads wait, and it is looked at again after each
 * `interval` (at least 1 ms). A file that becomes shorter is not begun anew. Source: test/file/test_stream.c */
awl_stream *awl_file_follow(awl_file *file, awl_time interval, const awl_stream_options *options)
    __attribute__((warn_unused_result));

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* Each is the system call of its name, in a thread, with its errors. awl_stat follows a link, awl_lstat does not.
 * Source: trio.Path, aiofiles.os; test/file/test_path.c */
AWL_CORO awl_stat(const char *path, awl_file_info *info);
AWL_CORO awl_lstat(const char *path, awl_file_info *info);
AWL_CORO awl_rename(const char *from, const char *to);
AWL_CORO awl_unlink(const char *path);
AWL_CORO awl_rmdir(const char *path);
AWL_CORO awl_mkdir(const char *path, mode_t mode);

/* Makes a folder and those above it, so far as they are not there; folders above it get 0777 less the umask. Errors:
 * EEXIST: something else than a folder is there; those of mkdir(2). Source: os.makedirs; test/file/test_path.c */
AWL_CORO awl_mkdir_all(const char *path, mode_t mode);

/* ---- What is in a folder ---------------------------------------------------------------------------------------- */

typedef struct awl_walk awl_walk;

/* Zero is the default of every option. */
typedef struct awl_walk_options {
    unsigned depth; /* how deep to go: 1 is the folder itself; 0: as deep as it is, at most 1000 */
    size_t most;    /* entries in all; 0: 1,000,000 */
    bool info;      /* fill in `info` of each entry, too, by a system call for each */
} awl_walk_options;

typedef struct awl_walk_entry {
    const char *path; /* the folder's as it was given, '/', and the names down to this */
    const char *name; /* the last part of it */
    unsigned depth;   /* 1: it is in the folder itself */
    uint32_t kind;    /* S_IFREG, S_IFDIR, S_IFLNK …; 0: it has gone meanwhile */
    int error;        /* not 0: this is a folder, which came before and now cannot be read; the walk goes on */
    awl_file_info info; /* where it was asked for; of a link, the link's own */
} awl_walk_entry;

/*
 * Begins a walk through a folder and all folders in it. First come all entries of a folder, then those of the folders
 * in it, each with what is below it; within a folder in the order of the file system, without "." and "..". Links are
 * entries, and never followed, also if somebody puts one in a folder's place meanwhile.
 *
 *   path      copied; may itself be a link
 *   options   may be NULL; copied
 * Result   the walk; NULL with errno ENOMEM, or EINVAL (no running loop, NULL, an empty path).
 * Owns     awl_walk_close.
 * Context  nothing is read yet; later two descriptors are open at most, of the first folder and of the one being read.
 * Source   os.walk, os.scandir; test/file/test_walk.c
 */
awl_walk *awl_walk_new(const char *path, const awl_walk_options *options) __attribute__((warn_unused_result));

/*
 * The next entry.
 *
 * Result   awl_walk_entry *: the walk's, valid until the next call; NULL at the end.
 * Errors   of the first folder: ENOENT, ENOTDIR, EACCES, EMFILE …; AWL_ELIMIT: there are more than `most`.
 * Context  suspends once for every 64 entries or so; cancel-safe: no entry is lost.
 * Source   test/file/test_walk.c
 */
AWL_CORO awl_walk_next(awl_walk *walk);

/* Does not go into the folder that awl_walk_next has brought last. NULL is let be. Source: test/file/test_walk.c */
void awl_walk_skip(awl_walk *walk);

/* Ends a walk. NULL is let be. */
void awl_walk_close(awl_walk *walk);

#endif
