/*
 * The load for the servers in this folder, the same for all.
 *
 *     net-load echo    PID PORT CONNECTIONS SECONDS    64-byte messages, one outstanding on each connection
 *     net-load hold    PID PORT CONNECTIONS SECONDS    memory while they idle, and after each has echoed in turn
 *     net-load send    PID PORT 1 SECONDS              one stream to the server
 *     net-load receive PID PORT 1 SECONDS              one stream from the server
 *
 * PID is the server's: its processor time between the two ends of the measured part is what its work is divided by.
 * Every byte that comes back is compared with what it has to be. Prints one JSON object on one line; exit status 1 on
 * an error.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *what;
        int (*run)(const load *l);
    } kinds[] = { { "echo", load_echo }, { "hold", load_hold }, { "send", load_send }, { "receive", load_receive } };
    load l;

    if (argc == 6) {
        l = (load){ argv[1], (pid_t)atol(argv[2]), atoi(argv[3]), atoi(argv[4]), atof(argv[5]) };
        signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (strcmp(l.what, kinds[i].what) == 0 && l.connections > 0 && l.port > 0)
                return kinds[i].run(&l);
        }
    }
    fputs("usage: net-load echo|hold|send|receive PID PORT CONNECTIONS SECONDS\n", stderr);
    return 2;
}
