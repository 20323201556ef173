/* The inside of streams: what lies between their operations and the bytes' way out. */
#ifndef AWL_STREAM_PRIV_H
#define AWL_STREAM_PRIV_H

#include <sys/types.h>

#include "../task/task_priv.h"
#include "awl/stream.h"

/* ---- The bytes' way out: a socket, or a layer like TLS over one -------------------------------------------------- */

typedef struct awl__wire {
    /* Both move what they can at once. Result: bytes (for read, 0: the end), or -error; -EAGAIN: after a change. */
    ssize_t (*read)(awl_stream *s, void *buf, size_t cap);
    ssize_t (*write)(awl_stream *s, const void *data, size_t len);
    int (*write_eof)(awl_stream *s); /* after the last byte; 0 or the error */
    void (*close)(awl_stream *s);
} awl__wire;

extern const awl__wire awl__socket_wire;

/* ---- Operations that wait ---------------------------------------------------------------------------------------- */

/* The head of the frame of each. While it is suspended it holds a reference to the stream. */
typedef struct awl__stream_op {
    co_frame co;
    awl_stream *stream;
    struct awl__stream_op *next; /* among those that wait for the same */
    awl_task *task;              /* to wake; NULL: it is not suspended, or has been woken */
} awl__stream_op;

enum { AWL__OP_START, AWL__OP_WAIT, AWL__OP_YIELD, AWL__OP_CANCELLED };

typedef struct awl__chunk {
    struct awl__chunk *next;
    size_t start, end, cap;
    char data[];
} awl__chunk;

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

struct awl_stream {
    awl__io io;
    const awl__wire *wire;
    void *wire_data; /* of a layer over the socket */
    awl__closer closer;
    uint32_t refs;
    int16_t error;  /* the first one */
    uint8_t streak; /* reads that did not suspend, in a row */
    char hidden;    /* what the zero byte behind a line stands for */
    bool hides;
    bool readable;   /* a read may find something */
    bool short_read; /* the last one got less than it asked for */
    bool writable;   /* a write may find room */
    bool connecting;
    bool eof; /* the other side has ended */
    bool eof_asked, eof_sent;
    bool paused;     /* more than `high` bytes were unsent, and not yet as few as `low` */
    bool closing;    /* no more operations; what is unsent goes first */
    bool closed;     /* the descriptor is gone */
    bool given_back; /* awl_stream_close was called */

    /* reading */
    awl__stream_op *reader;
    char *in; /* NULL: empty */
    size_t in_start, in_end, in_cap, limit;

    /* writing */
    awl__chunk *out, *out_last;
    size_t unsent, high, low;
    awl__stream_op *writers; /* that wait for room, for the close, for the connection */
    awl_handle flush;
};

/* stream.c */
awl_stream *awl__stream_new(awl_loop *loop, int fd, const awl_stream_options *options, int *error);
void awl__stream_drop(awl_stream *s); /* one reference */
void awl__stream_fail(awl_stream *s, int error);
void awl__stream_end(awl_stream *s);   /* begins to close */
void awl__stream_flush(awl_stream *s); /* sends what can be sent */

/* Suspends an operation among those of `list`, with a reference to its stream if it has one. */
co_step awl__stream_park(awl__stream_op *op, co_stack *stack, awl__stream_op **list);

/* Makes all of a list ready; what each does when it is resumed: true if it was cancelled; and its co_type's cancel. */
void awl__stream_wake(awl__stream_op *list);
bool awl__stream_unpark(awl__stream_op *op, co_stack *stack, awl__stream_op **list);
bool awl__stream_op_cancel(co_frame *frame, co_stack *stack);

/* read.c */
void awl__stream_free_input(awl_stream *s);
void awl__stream_settle(awl_stream *s);

/* What an operation that reads does first, at its start and when it is resumed: 0 or the error that it ends with.
 * *held: whether it has a reference to the stream. Then one of these: it waits for more, or ends. */
int awl__stream_enter(awl__stream_op *op, co_stack *stack, bool *held);
co_step awl__stream_wait(awl__stream_op *op, co_stack *stack, bool held);
co_step awl__stream_leave(awl__stream_op *op, co_stack *stack, bool held, co_typed_ result);
co_step awl__stream_leave_error(awl__stream_op *op, co_stack *stack, bool held, int error);

/* Bytes from the wire. Result: bytes, 0 at the end, or -error; -EAGAIN: wait, perhaps only a turn of the other tasks. */
ssize_t awl__stream_fetch(awl_stream *s, void *buf, size_t cap);

/* socket.c */
int awl__socket_connect(const awl_address *address, int *fd); /* 0, EINPROGRESS, or the error */
int awl__socket_listen(const awl_address *address, int backlog, int *fd);

#endif
