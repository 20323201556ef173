/* The inside of servers: what starting, serving and closing share. */
#ifndef AWL_SERVER_PRIV_H
#define AWL_SERVER_PRIV_H

#include "stream_priv.h"

typedef struct awl__client awl__client;

/* A listening descriptor. */
typedef struct awl__listener {
    awl__io io;
    awl_server *server;
    awl_handle accept; /* accepts now, or in a while */
} awl__listener;

struct awl_server {
    awl_loop *loop;
    awl_client_fn *fn;
    void *arg;
    awl_stream_options options;
    void (*stopped_fn)(void *arg), (*released_fn)(void *arg); /* of the layer that has `arg`; NULL: of none */
    awl__client *clients;
    size_t served; /* clients whose coroutine runs, or whose connection is not closed yet */
    uint32_t refs;
    bool stopped;
    bool hurried; /* nobody waits any more for the other side to take what is unsent */
    bool short_of; /* something to accept with, as has been reported */
    bool forever; /* awl_server_serve_forever is at work */
    awl__stream_op *waiters; /* for the stop, or for the last client; their stream is unset */
    awl__closer closer;
    awl__socket_file file; /* of a Unix server */
    int port, n, cap; /* listeners: open, and room for */
    awl__listener listeners[];
};

/* server.c */
void awl__server_listen(awl__listener *at, awl_server *server); /* what is done when the descriptor has changed */
void awl__server_close_listeners(awl_server *server);
void awl__server_stop(awl_server *server);
void awl__server_drop(awl_server *server); /* one reference */
void awl__server_cancel(awl_server *server);
void awl__server_abort(awl_server *server, bool all); /* false: those whose coroutine has ended */
void awl__server_loop_closed(awl_loop *loop, awl__closer *closer);
void awl__server_free(awl_server *server);

#endif
