/*
 * dialogue.h: what two parties say to each other while things go wrong between them, and what must be so afterwards.
 *
 * One asks with a line, and gets an answer that is read in two ways: exactly so many bytes, and up to a separator. It then
 * sends 10 kB in pieces, waiting for room and for the echo of each, and says that this was all; it is told goodbye with a
 * line, and the end. Each reads with all its heart: it checks every byte, and when something has failed it still reads
 * what had come before.
 */
#ifndef FAULTS_DIALOGUE_H
#define FAULTS_DIALOGUE_H

#include "awl.h"

enum { DIALOGUE_BLOCK = 1280, DIALOGUE_ECHO = 8 * DIALOGUE_BLOCK };

/* Bytes that go forth, from who asks, and back: how many, and which. */
extern const size_t dialogue_total[2];
const char *dialogue_text(int way);

/* Low marks, so that drains have to wait. */
extern const awl_stream_options dialogue_options;

/* One of the two; set the first four fields, the rest zero. */
typedef struct party {
    awl_stream *s;     /* closed at the end */
    bool answers;      /* or asks */
    awl_time limit;    /* for all of it */
    awl_time patience; /* 0: as long as it takes; else each read is given up after that, and tried anew */

    size_t len; /* of `got`: all that it has read */
    int error;  /* its end: 0; ETIMEDOUT; ECANCELED; EBADMSG: other bytes than those that should have come; AWL_EINCOMPLETE:
                   the end came too early; or its stream's error */
    char got[24576];
} party;

/* Plays a party. Result: none; errors: none, see party.error, ECANCELED too. */
awl_coro dialogue_play(party *p);

#endif
