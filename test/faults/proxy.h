/*
 * proxy.h: the faults of a plan on real sockets: a TCP proxy on loopback, without awl. The program awl-fault-proxy is this
 * with a command line.
 */
#ifndef FAULTS_PROXY_H
#define FAULTS_PROXY_H

#include <sys/types.h>

#include "plan.h"

typedef struct fault_proxy {
    fault_plan plan; /* of the first connection */
    size_t step;     /* that each further one has its faults later, bytes */
    int port;        /* of 127.0.0.1, where it listens; 0: the kernel picks one */
    int to;          /* port of 127.0.0.1, where it connects to */

    int listening; /* the descriptor */
    pid_t pid;     /* of the child */
} fault_proxy;

/*
 * Opens the listening socket; sets `port` and `listening`. 0 or the error.
 * Then: serves for ever in this process, or in a child until it is stopped.
 */
int fault_proxy_listen(fault_proxy *proxy);
void fault_proxy_run(const fault_proxy *proxy);
int fault_proxy_start(fault_proxy *proxy);
void fault_proxy_stop(fault_proxy *proxy);

#endif
