/* The inside of programs that are servers. */
#ifndef AWL_HTTP_RUN_PRIV_H
#define AWL_HTTP_RUN_PRIV_H

#include "awl/http_run.h"
#include "../http_server/http_server_priv.h"

/* What is to be run, and by whom. */
typedef struct awl__run {
    const char *host;
    int port;
    awl_http_setup *setup;
    void *arg;
    awl_http_run_options options;
    bool is_worker;                              /* SIGINT is for the process that watches over it */
    void (*ready)(const struct awl__run *run, int port); /* is told once it accepts */
    int ready_fd;                                /* of a worker: where it says so */
} awl__run;

/* Serves in this process. Result: as awl_http_run. */
int awl__run_here(const awl__run *run);

/* Watches over processes that do (workers.c). */
int awl__run_workers(const awl__run *run);

#endif
