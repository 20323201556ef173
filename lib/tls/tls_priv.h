/*
 * The inside of TLS: contexts, engines and the table of a backend, sessions.
 *
 * An engine does no I/O. Bytes of the network go in and out of it on one side, the application's on the other, each
 * through a pair of calls: …_buf says where there is something, or room, and …_ack how much of it was used. No call of
 * …_ack is for zero bytes.
 */
#ifndef AWL_TLS_PRIV_H
#define AWL_TLS_PRIV_H

#include "../stream/stream_priv.h"
#include "awl/sync.h"
#include "awl/tls.h"

/* ---- Sessions (session.c) ---------------------------------------------------------------------------------------- */

/* Who the other side has shown to be. Shared by a connection and the sessions that come of it. */
typedef struct awl__tls_peer {
    uint32_t refs, size; /* size: of this block, bytes */
    bool verified;
    uint8_t certificate_sha256[32], key_sha256[32];
    char subject[];
} awl__tls_peer;

awl__tls_peer *awl__tls_peer_retain(awl__tls_peer *peer);
void awl__tls_peer_release(awl_loop *loop, awl__tls_peer *peer);

/* What both sides remember of a handshake (RFC 5246, section 7.4.1.2, and its appendix F.1.4). */
typedef struct awl__tls_session {
    uint8_t id[32], id_len;
    uint8_t secret[48];
    uint16_t suite, version;
    uint8_t name[16];    /* a digest of the server's name that was asked for */
    awl__tls_peer *peer; /* a reference; NULL: it has shown no certificate */
} awl__tls_session;

typedef struct awl__tls_entry awl__tls_entry;

/* The sessions that were used last, found by a key: a client's by host and port, a server's by their id. */
typedef struct awl__tls_cache {
    awl_loop *loop;
    awl_time life;
    size_t n, most, n_buckets;
    awl__tls_entry **buckets; /* NULL until there is an entry */
    awl__tls_entry *newest, *oldest;
} awl__tls_cache;

/* Looks a session up; what is too old is forgotten. *session, written on success, holds a reference of its own to the
 * peer. */
bool awl__tls_cache_get(awl__tls_cache *cache, const void *key, size_t len, awl__tls_session *session);

/* Copies a session in, instead of one of the same key or, where the cache is full, of the one that was used longest
 * ago. Without memory nothing is kept. */
void awl__tls_cache_put(awl__tls_cache *cache, const void *key, size_t len, const awl__tls_session *session);
void awl__tls_cache_forget(awl__tls_cache *cache, const void *key, size_t len);
void awl__tls_cache_clear(awl__tls_cache *cache);

uint64_t awl__tls_hash(const void *data, size_t len);

/* ---- Backends ---------------------------------------------------------------------------------------------------- */

/* What an engine has or wants, a set. */
enum awl__tls_state {
    AWL__TLS_CLOSED = 1,   /* it will take and give no more; but its last words may still be there to send */
    AWL__TLS_SENDS = 2,    /* bytes for the network */
    AWL__TLS_RECEIVES = 4, /* it takes bytes from the network */
    AWL__TLS_WRITES = 8,   /* it takes the application's bytes */
    AWL__TLS_READS = 16,   /* it has bytes for the application */
    AWL__TLS_GOODBYE = 32, /* the other side has said goodbye: there is nothing to read any more, nor to write */
    AWL__TLS_OPEN = AWL__TLS_WRITES | AWL__TLS_READS, /* either of these: the handshake is over */
};

typedef struct awl__tls_engine {
    awl_tls *tls; /* borrowed */
} awl__tls_engine;

typedef struct awl__tls_backend {
    const char *name;

    /* Makes what a context needs besides keys; reads one of our keys and its chain into it. 0 or the error, whose text
     * is left with the loop. forget undoes both. */
    int (*prepare)(awl_tls *tls);
    int (*add_key)(awl_tls *tls, const awl_tls_key *key);
    void (*forget)(awl_tls *tls);

    /*
     * An engine at the beginning of a handshake; NULL: *error says why, perhaps with a text.
     *
     *   name     that a client wants, or NULL; valid until `settle`
     *   session  to offer, or NULL
     */
    awl__tls_engine *(*open)(awl_tls *tls, const char *name, const awl__tls_session *session, int *error);
    void (*free)(awl__tls_engine *engine); /* NULL is let be */
    unsigned (*state)(const awl__tls_engine *engine);

    unsigned char *(*recv_buf)(awl__tls_engine *engine, size_t *cap); /* NULL, while it receives: no memory */
    void (*recv_ack)(awl__tls_engine *engine, size_t n);
    void (*recv_rest)(awl__tls_engine *engine); /* nothing more comes for now: gives back what can be spared */
    const unsigned char *(*send_buf)(const awl__tls_engine *engine, size_t *len);
    void (*send_ack)(awl__tls_engine *engine, size_t n);

    const unsigned char *(*read_buf)(const awl__tls_engine *engine, size_t *len);
    void (*read_ack)(awl__tls_engine *engine, size_t n);
    unsigned char *(*write_buf)(awl__tls_engine *engine, size_t want,
                                size_t *cap); /* room for `want` bytes if it can */
    void (*write_ack)(awl__tls_engine *engine, size_t n);
    void (*flush)(awl__tls_engine *engine); /* what was written is to be sent now */

    /* Says goodbye. What has not been read is dropped. */
    void (*close)(awl__tls_engine *engine);

    /* After the handshake: frees what only that needed. The engine may move. */
    awl__tls_engine *(*settle)(awl__tls_engine *engine);

    /* Why it is closed: 0, with the other side's goodbye, or the error, and in `text` what is wrong. */
    int (*explain)(const awl__tls_engine *engine, char *text, size_t cap);

    /* What a client should remember, with a reference to the peer; false: nothing. */
    bool (*session)(const awl__tls_engine *engine, awl__tls_session *session);
    void (*info)(const awl__tls_engine *engine, awl_tls_details *details);
} awl__tls_backend;

extern const awl__tls_backend awl__tls_bearssl;

/* ---- Streams (layer.c) ------------------------------------------------------------------------------------------- */

/* What a stream that speaks TLS has for its transport. */
typedef struct awl__tls_conn {
    awl_tls *tls; /* a reference */
    awl__tls_engine *engine;
    awl_stream *s;
    awl__lower lower;
    awl_address peer;    /* of family AF_UNSPEC: it has none. A socket that has failed does not know it any more */
    awl_handle deadline; /* of closing */
    int unsendable;      /* the error of the first write that failed; 0: none */
    bool open;           /* the handshake is over */
    bool closing;
    bool stalled;   /* a read waits until the engine has sent what it has: see AWL__TLS_RECEIVES */
    size_t key_len; /* of what a client's session is found by; 0: nothing is remembered of this connection */
    char *key;
} awl__tls_conn;

/* Puts TLS between a stream and its transport, at the beginning of a handshake. 0 or the error. */
int awl__tls_push(awl_stream *s, awl_tls *tls, const char *name, awl__tls_conn **conn);

/* Whether a stream speaks TLS, or has begun to; and of such a one, whether its handshake is over. */
bool awl__tls_speaks(const awl_stream *s);
bool awl__tls_opened(const awl_stream *s);

/* Does what can be done of the handshake now. 0: it is over; -EAGAIN: after a change; or -error. */
int awl__tls_shake(awl__tls_conn *c);

/* Keeps, or forgets, the session of a client's connection. */
void awl__tls_remember(awl__tls_conn *c, const char *name);
void awl__tls_forget(awl_tls *tls, const awl_stream *s, const char *name);

/* Says for the error that is to be raised what is known of it, after "HOST:PORT: ". */
void awl__tls_detail(const awl_stream *s, const char *name, int error, const char *text);

/* ---- Contexts (context.c) ---------------------------------------------------------------------------------------- */

struct awl_tls {
    awl__layer layer; /* first: what streams know of it */
    const awl__tls_backend *backend;
    awl_loop *loop;
    uint32_t refs;
    bool is_server, do_not_verify, refuse_unknown_names, tolerate_truncation;
    uint8_t ask;
    awl_trust *trust;
    awl_pin *pins;
    size_t n_pins;
    const char **alpn; /* with the texts in one block of alpn_size bytes */
    size_t n_alpn, alpn_size;
    struct awl__tls_key *keys; /* the backend's, in the order of the options */
    void *model;               /* the backend's: what engines have in common before they are opened */
    void *asked_names;         /* the backend's, of the CAs that clients are told of */
    size_t n_asked_names;
    awl__tls_cache cache;
    awl_semaphore turns; /* of handshakes */
    bool limited;
    awl_time handshake_timeout, close_timeout;
    int error; /* it could not be made, and has nothing of the above but loop and refs; 0: it can be used */
    char *why; /* what was said of that, in a block of why_size bytes; NULL: nothing */
    size_t why_size;
};

/* Says again why a context could not be made, for who tries to use it. Result: its error; 0: it can be used. */
int awl__tls_usable(const awl_tls *tls);

/* start.c: the handshake on a stream that is connected. */
awl_coro awl__tls_start(awl_stream *s, awl_tls *tls, const char *name);

/* random.c: fills `buf` from the system's generator. 0 or the error. */
int awl__tls_random(void *buf, size_t len);

/* Overwrites what was secret, which no compiler leaves out. */
void awl__tls_wipe(void *memory, size_t len);

#endif
