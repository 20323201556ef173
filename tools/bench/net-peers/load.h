/* What drives a server: net-load's parts, and what they share with the load for TLS. */
#ifndef NET_LOAD_H
#define NET_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What to do, from the command line. */
typedef struct load {
    const char *what;
    pid_t pid; /* of the server; 0: its processor time is not asked for */
    int port;  /* on 127.0.0.1 */
    int connections;
    double seconds; /* of the measured part */
} load;

/* Parts of net-load. Each drives one server, reads its processor time, and prints what it saw as one JSON object on one
 * line. Result: the program's exit status. */
int load_echo(const load *l);
int load_hold(const load *l);
int load_send(const load *l);
int load_receive(const load *l);

double load_now(void);                 /* seconds, monotonic */
double load_own_cpu(void);             /* seconds of processor time that this program has taken */
double load_server_cpu(const load *l); /* and the server, with all its threads */
long load_server_rss(const load *l);   /* bytes of its memory that are resident */
int load_connect(const load *l);       /* a connected socket, in blocking mode; or ends the program */
void load_fail(const char *what) __attribute__((noreturn)); /* says so, with errno, and ends the program */

#endif
