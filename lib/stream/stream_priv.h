/* The inside of streams: what lies between their operations and the bytes' way out. */
#ifndef AWL_STREAM_PRIV_H
#define AWL_STREAM_PRIV_H

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/un.h>

#include "../task/dump_priv.h"
#include "awl/stream.h"

/* ---- Operations that wait ---------------------------------------------------------------------------------------- */

/* The head of the frame of each. While it is suspended it holds a reference to the stream. */
typedef struct awl__stream_op {
    co_frame co;
    awl_stream *stream;          /* NULL: it is of no stream */
    struct awl__stream_op *next; /* among those that wait for the same */
    awl_task *task;              /* to wake; NULL: it is not suspended, or has been woken */
    int error;                   /* with which it was woken */
} awl__stream_op;

/* That of those that read. With a stream, bytes are pulled from it when they are needed; without one they are fed. */
typedef struct awl__read_op {
    awl__stream_op op;
    awl_input_ *in; /* NULL: awl_reader_fini */
} awl__read_op;

typedef struct awl__drain_op {
    awl__stream_op op;
    awl_gate_ *gate; /* of the stream, or the first in a flow; NULL: awl_flow_fini */
} awl__drain_op;

enum {
    AWL__MOST_AT_ONCE = 32, /* reads of one stream without a turn for the other tasks */
    AWL__MOST_PARTS = 16,   /* that are handed to a transport at once */
};

enum { AWL__OP_START, AWL__OP_WAIT, AWL__OP_YIELD, AWL__OP_CANCELLED };

typedef struct awl__chunk {
    struct awl__chunk *next;
    size_t start, end, cap;
    char data[];
} awl__chunk;

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

/* What each message touches lies together, from the end of `in` to the middle of `gate`: two lines of the cache. With
 * thousands of streams none of it is there when its turn comes. */
struct awl_stream {
    awl_input_ in;
    const awl_transport *transport;
    void *self; /* its first argument; of a descriptor's transport, the stream */
    awl__io io; /* the descriptor below it all, if there is one (else fd is -1); its loop is the stream's */
    uint32_t refs;
    int16_t error;   /* the first one */
    uint8_t streak;  /* reads that did not suspend, in a row */
    bool ended;      /* a read has found the end, not an error */
    bool eof_asked, eof_sent;
    bool closing;    /* no more operations; what is unsent goes first */
    bool closed;     /* the transport is gone */
    bool given_back; /* awl_stream_close was called */
    bool sending;    /* awl_stream_sendfile is at work: nobody else writes */
    bool end_tells;  /* the other side takes the end to say that all is there: one after an error has to be a reset */

    /* what is known of the descriptor, for its transport alone */
    bool readable;   /* a read may find something */
    bool short_read; /* the last one got less than it asked for */
    bool tcp;        /* it is a socket of TCP */
    bool writable;   /* a write may find room */
    int flags;       /* of fcntl, to be set again at the close; -1: none */

    uint32_t moved; /* bytes of what was kept, or of a file, that have gone, or that were dropped behind a goodbye; modulo
                       2^32: tells slow from stuck */

    awl__stream_op *watchers; /* that wait for any change */
    awl_gate_ gate; /* in its list are those, too, that wait for the close */
    awl__closer closer;
    awl__chunk *out, *out_last;
    awl__link flush; /* on the ready queue when there is something to send */
    awl__entry *gone; /* made ready when it has closed; NULL: nobody cares */
};

/* A copy for the frame of an operation: what the pointer is to may be gone when that goes on. */
static inline awl_stream_options awl__stream_options(const awl_stream_options *options)
{
    return options ? *options : (awl_stream_options){ .limit = 0 };
}

/* stream.c. The first makes a stream without a transport's state; NULL: no memory. */
awl_stream *awl__stream_make(awl_loop *loop, const awl_transport *transport, const awl_stream_options *options);
void awl__stream_drop(awl_stream *s); /* one reference */
void awl__stream_fail(awl_stream *s, int error);
void awl__stream_end(awl_stream *s);   /* begins to close */
void awl__stream_flush(awl_stream *s); /* sends what can be sent */

/* After what is unsent goes the end of this direction or, of a transport that has none (TLS), its goodbye, after which
 * what comes is read and dropped. 0 or the stream's error. */
int awl__stream_part(awl_stream *s);

/* A coroutine object: suspended until the transport has changed, or the stream is closed. Errors: ECANCELED. */
awl_coro awl__stream_change(awl_stream *s);

/* ---- Layers: a transport over a transport, put there while the stream lives -------------------------------------- */

typedef struct awl__lower {
    const awl_transport *transport;
    void *self;
    char *early; /* what had been read ahead; NULL: nothing */
    size_t start, end, cap;
} awl__lower;

/*
 * Puts a layer between a stream and its transport, which is moved to *lower; the layer's close has to close that, by
 * awl__lower_close. A layer that has got something to read or can be written to calls awl_stream_changed.
 *
 * Result   0; EBUSY if a read is pending or bytes are unsent; EPIPE after awl_stream_write_eof; the stream's error,
 *          ECONNABORTED after closing.
 */
int awl__stream_push(awl_stream *s, const awl_transport *layer, void *self, awl__lower *lower);
ssize_t awl__lower_read(awl_loop *loop, awl__lower *lower, void *buf, size_t cap); /* as awl_transport's */
void awl__lower_close(awl_loop *loop, awl__lower *lower);

/* What an awl_tls begins with: how streams, which know no more of it, use it. */
typedef struct awl__layer {
    awl_coro (*start)(awl_stream *s, awl_tls *tls, const char *server_name); /* the handshake; fails the stream */
    void (*retain)(awl_tls *tls);
    void (*release)(awl_tls *tls);
    int (*check)(awl_tls *tls, bool server); /* 0, or why it is of no use for that; the text is left with the loop */
} awl__layer;

static inline const awl__layer *awl__layer_of(const awl_tls *tls) { return (const awl__layer *)(const void *)tls; }

/* Before anything else is done with options. 0 or the error. */
static inline int awl__layer_check(const awl_stream_options *options, bool server)
{
    return options->tls ? awl__layer_of(options->tls)->check(options->tls, server) : 0;
}

/* ---- What operations do ------------------------------------------------------------------------------------------ */

/* Suspends an operation among those of `list`, with a reference to its stream if it has one. */
co_step awl__stream_park(awl__stream_op *op, co_stack *stack, awl__stream_op **list);

/* Makes all of a list ready; what each does when it is resumed: true if it was cancelled; and its co_type's cancel. */
void awl__stream_wake(awl__stream_op *list, int error);
bool awl__stream_unpark(awl__stream_op *op, co_stack *stack, awl__stream_op **list);
bool awl__stream_op_cancel(co_frame *frame, co_stack *stack);
static inline bool awl__stream_cancelled(const awl__stream_op *op, const co_stack *stack)
{
    return op->co.state_ == AWL__OP_CANCELLED || stack->promise_.error_;
}

/* Whether an operation, which has not suspended again in this step, holds a reference to its stream. */
static inline bool awl__stream_held(const awl__stream_op *op) { return op->stream && op->co.state_ != AWL__OP_START; }

/* Ends an operation, which lets go of its stream. */
co_step awl__stream_leave(awl__stream_op *op, co_stack *stack, co_typed_ result);
co_step awl__stream_leave_error(awl__stream_op *op, co_stack *stack, int error); /* 0: none, and no result */

/* Bytes from the transport. Result: bytes, 0 at the end, or -error; -EAGAIN: wait, perhaps only a turn of the other
 * tasks. */
ssize_t awl__stream_fetch(awl_stream *s, void *buf, size_t cap);

/* Whether it is known that there is nothing to read, and not the end either. */
static inline bool awl__stream_is_dry(const awl_stream *s)
{
    return !s->readable && !s->in.eof_ && !s->error && s->self == s;
}

/* server.c: tells the layer whose `arg` a server has when it accepts no more, and when no client is left. */
void awl__server_adopt(awl_server *server, void (*stopped)(void *arg), void (*released)(void *arg));

/* A coroutine object: the handshake with a client. Its failure is an everyday thing, told in debug mode only. */
awl_coro awl__server_handshake(awl_stream *s, awl_tls *tls);

/* input.c: the buffer. It is that of a stream, or the first in a reader that is fed. */
static inline awl_reader *awl__reader_of(awl_input_ *in) { return in->fed_ ? (awl_reader *)(void *)in : NULL; }
static inline size_t awl__input_len(const awl_input_ *in) { return in->end_ - in->start_; }
void awl__input_free(awl_input_ *in);
bool awl__input_room(awl_input_ *in, size_t n); /* for n bytes more and a zero byte; false: no memory */
bool awl__input_push_back(awl_input_ *in, const void *data, size_t len);

/* The line that was given is no more, and an empty buffer goes. */
void awl__reader_settle(awl_reader *r);
static inline void awl__input_settle(awl_input_ *in)
{
    if (in->hides_)
        in->at_[in->start_] = in->hidden_;
    in->hides_ = in->lends_ = false;
    if (in->fed_)
        awl__reader_settle(awl__reader_of(in));
    if (in->at_ && in->start_ == in->end_)
        awl__input_free(in);
}

/* Takes n bytes off the front; lends them, with a zero byte behind them. Who feeds a reader may be told to go on, and
 * do so at once. */
void awl__reader_tell(awl_reader *r, bool pause);
void awl__reader_taken(awl_reader *r);
static inline void awl__input_take(awl_input_ *in, size_t n)
{
    in->start_ += n;
    if (in->fed_)
        awl__reader_taken(awl__reader_of(in));
}
static inline char *awl__input_lend_last(awl_input_ *in, size_t n) /* at the end of all, where nobody is told */
{
    char *line = in->at_ + in->start_;

    in->start_ += n;
    in->hidden_ = line[n];
    in->hides_ = in->lends_ = true;
    line[n] = '\0';
    return line;
}
static inline char *awl__input_lend(awl_input_ *in, size_t n)
{
    char *line = awl__input_lend_last(in, n);

    awl__input_take(in, 0);
    return line;
}

/* read.c: what an operation that reads does first, at its start and when it is resumed: 0 or the error that it ends
 * with. Then it waits for more, or ends. */
int awl__read_enter(awl__read_op *op, co_stack *stack);
co_step awl__read_wait(awl__read_op *op, co_stack *stack);
ssize_t awl__read_more(awl__read_op *op); /* more bytes into the buffer; result: as awl__stream_fetch */

/* A coroutine object: at least one byte more in the buffer of a stream, which may move. Result: int: how many; 0 at the
 * end. Errors: as awl_stream_read; ENOMEM. */
awl_coro awl__stream_fill(awl_stream *s);

/* The end came before what was asked for. What did come stays in a stream, and leaves a reader that is fed. */
co_step awl__read_incomplete(awl__read_op *op, co_stack *stack);

/* flow.c */
void awl__gate_written(awl_gate_ *gate, size_t n);
void awl__gate_sent(awl_gate_ *gate, size_t n);
void awl__gate_lose(awl_gate_ *gate, int error, int later); /* the error of drains that wait, and of later ones */

/* sendfile.c: as awl_stream_sendfile, but the position in the file stays. */
awl_coro awl__stream_sendfile(awl_stream *s, int fd, int64_t offset, int64_t count);

/* write.c: 0, or why nothing can be written; and writing without asking that. */
int awl__stream_may_write(const awl_stream *s);
int awl__stream_write(awl_stream *s, const void *data, size_t len);

/* What a transport over a descriptor makes of the result of a system call, and of errno: bytes, or -error; *ready is
 * cleared where it has to wait. */
static inline ssize_t awl__io_result(ssize_t n, bool *ready)
{
    if (n >= 0)
        return n;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return -errno;
    *ready = false;
    return -EAGAIN;
}

/* descriptor.c */
awl_stream *awl__stream_new(awl_loop *loop, int fd, bool is_socket, const awl_stream_options *options, int *error);

/* socket.c */
extern const awl_transport awl__socket_transport;
/* From one of `n_local` addresses, if there are any. Result: 0, EINPROGRESS, or the error. */
int awl__socket_connect(const awl_address *address, const awl_address *local, int n_local, int *fd);
int awl__socket_listen(const awl_address *address, const awl_stream_options *options, int *fd);
bool awl__socket_tune(int fd, const awl_stream_options *options); /* as the options for TCP say; whether it is one */

/* unix.c: the name of a Unix socket in the file system, with which it is known there. */
typedef struct awl__socket_file {
    dev_t device;
    ino_t inode;
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* empty: there is none */
} awl__socket_file;

int awl__unix_listen(const char *path, const awl_stream_options *options, awl__socket_file *file, int *fd);
void awl__unix_unlink(awl__socket_file *file); /* if it is still that socket */

/* The text of a socket's own name or of its peer's (as getsockname and getpeername get it), empty if there is none. */
typedef int awl__name_fn(int fd, struct sockaddr *address, socklen_t *size);
const char *awl__socket_text(awl__name_fn *name, int fd, char *text, size_t cap);

#endif
