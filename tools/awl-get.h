/*
 * What the files of awl-get share: its options, a download, and how it is shown. SPDX-License-Identifier: MIT
 */
#ifndef AWL_GET_H
#define AWL_GET_H

#include <awl.h>
#include <stdint.h>
#include <stdio.h>

#ifndef VERSION
#define VERSION "0.1.0"
#endif

/* What the command line says. */
struct options {
    char *folder;
    const char *ca_file, *sums;
    long jobs, retries;
    double timeout; /* seconds */
    int first;      /* URL, of argv */
    bool to_stdout, discard, go_on, quiet, often;
};

/* Reads the command line. Result: -1 to go on; else the exit status, and all is said. */
int options_parse(struct options *opt, int argc, char **argv);

/* Says what is wrong with an option. Result: the exit status, 2. */
int options_misused(const char *what, const char *why);

enum { NAME_CAP = 224 }; /* of a file, bytes: with ".part" and a number it is still one that file systems take */

/* A URL, and what has become of it. */
struct job {
    const char *url;
    char name[NAME_CAP]; /* of the file; "" if there is none */
    char etag[120];      /* of what the bytes in NAME.part belong to; "" if nobody knows */
    int copies;          /* URLs that would have had this name too */
    FILE *spool;         /* for -O -: what has come, until it is its turn */
    awl_time started;
    int64_t from, got, length; /* bytes: where this attempt began, what is there, what it should be (-1: unknown) */
    int status, error;
    bool local;   /* the error is of the file, not of the server */
    const char *why; /* of it, in words; NULL: those of the error */
    bool restart; /* what is in NAME.part is of no use: begin anew */
    bool active, finished;
};

/* How far all are. */
struct progress {
    const struct job *jobs;
    size_t count, begun, finished, failed;
    bool quiet, live, often; /* nothing but failures; a terminal to draw on; else, a line each second */
    awl_time started;
};

/* Gives each job the name of a file: that of its URL's path, and no name twice. 0 or ENOMEM. */
int show_names(struct job *jobs, size_t count);

/* Says that a download has ended. */
void show_end(const struct progress *all, const struct job *job);

/* Says what ends it all; error: 0: no more than that. */
void show_failure(const char *what, int error);

/* Draws what is going on, every so often, until it is cancelled. */
AWL_CORO show_progress(const struct progress *all);

/* Says what came of all. */
void show_total(const struct progress *all);

/* ---- Checksums (awl-get-sum.c) -------------------------------------------------------------------------------- */

enum { SUM_TEXT = 65 }; /* bytes of a checksum as text */

/* A SHA-256 in the making. */
struct sum {
    uint32_t state[8];
    uint64_t len;
    unsigned char block[64];
};

void sum_begin(struct sum *sum);
void sum_add(struct sum *sum, const void *data, size_t len);
void sum_end(struct sum *sum, char text[SUM_TEXT]);

/* Reads a list as sha256sum writes it. 0; EINVAL: a line is none of such a list; what reading it brought; ENOMEM. */
int sums_read(const char *path);

/* What the checksum of a file is to be; NULL: it is not in the list. */
const char *sums_find(const char *name);
void sums_free(void);

#endif
