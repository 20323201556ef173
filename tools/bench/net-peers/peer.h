/* What the C servers here have in common: where they listen, and how they say so. */
#ifndef NET_PEER_H
#define NET_PEER_H

enum { PEER_BACKLOG = 1024, PEER_BUFFER = 65536 };

/* Listens on a free port of 127.0.0.1 and prints its number. Result: the descriptor; on an error the program ends. */
int peer_listen(void);

void peer_nodelay(int fd);
void peer_fail(const char *what) __attribute__((noreturn)); /* says so, with errno, and ends the program */

#endif
