/* The inside of datagram endpoints. */
#ifndef AWL_DATAGRAM_PRIV_H
#define AWL_DATAGRAM_PRIV_H

#include <sys/socket.h>

#include "awl/datagram.h"
#include "stream_priv.h"

enum { AWL__BATCH = 32 }; /* datagrams in one system call */

/* A datagram that waits for the kernel. */
typedef struct awl__parcel {
    struct awl__parcel *next;
    awl_address to; /* zeroed: the peer */
    size_t len;
    char data[];
} awl__parcel;

struct awl_datagram {
    awl__io io;
    awl__closer closer;
    awl__stream_op *ops; /* the receive that waits, if one does */
    awl_flow flow;       /* of what is unsent */
    size_t limit;
    awl__parcel *out, *out_last;
    awl_handle flush;
    int16_t error;  /* of a datagram that waited: for the next receive or send; 0: none */
    uint8_t streak; /* receives that did not suspend, in a row */
    bool readable;  /* a receive may find something */
    bool given_back;
    bool closed; /* the descriptor is gone */
    uint16_t family;
};

/* datagram.c */
awl_datagram *awl__datagram_new(awl_loop *loop, int fd, const awl_datagram_options *options, int *error);
void awl__datagram_note(awl_datagram *d, int error); /* for the next receive or send */
static inline int awl__datagram_noted(awl_datagram *d)
{
    const int error = d->error;

    d->error = 0;
    return error;
}

/* datagram_open.c: 0 or the error. */
int awl__datagram_configure(int fd, int family, const awl_datagram_options *options);

/* datagram_receive.c: nobody will get anything from it any more. */
void awl__datagram_no_receivers(awl_datagram *d);

/* datagram_send.c */
void awl__datagram_flush(void *d); /* sends what can be sent; awl_fn */
void awl__datagram_drop_unsent(awl_datagram *d);

#endif
