/* System calls as tests want them: stopped, failing, or done by halves. */
#ifndef FILE_FAULTS_H
#define FILE_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

enum faulty { OPEN, READ, WRITE, TRUNCATE, SYNC, RENAME, FAULTY };

/* From now on: the n-th call (1: the next) of that kind, and all later ones, fail with `error`; 0: none. */
void fail_from(enum faulty kind, int n, int error);

/* The next call alone; as above, but once. */
void fail_once(enum faulty kind, int error);

/* Reads or writes do at most so many bytes; 0: all. */
void at_most(enum faulty kind, size_t bytes);

/* The next call of that kind stops before it does anything, until go_on. await_stopped blocks until it has. */
void stop_at(enum faulty kind);
bool has_stopped(void);
void await_stopped(void);
void go_on(void);

/* Whether streams may read what is in memory without a thread: not unless this was said. */
void allow_now(bool allowed);

/* How many calls there were. */
int calls_of(enum faulty kind);

#endif
