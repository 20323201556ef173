/* See peer.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "peer.h"

void peer_fail(const char *what)
{
    perror(what);
    exit(1);
}

int peer_listen(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        peer_fail("socket");
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, PEER_BACKLOG) < 0)
        peer_fail("listen");
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        peer_fail("getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

void peer_nodelay(int fd)
{
    const int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}
