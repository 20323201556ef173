/*
 * One stream by blocking calls and nothing else, 64 kB each: `receive` reads to the end and says how many bytes there
 * were, `send` writes until the other side has gone.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bulk.h"
#include "peer.h"

static char buf[PEER_BUFFER];

static int receive_all(int fd)
{
    unsigned char text[8];
    uint64_t count = 0;
    ssize_t n;

    while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
        count += (uint64_t)n;
    bulk_count(text, count);
    return send(fd, text, sizeof text, MSG_NOSIGNAL) == sizeof text ? 0 : 1;
}

static int send_all(int fd)
{
    size_t at = 0;
    ssize_t n;

    bulk_fill(buf, sizeof buf);
    while ((n = send(fd, buf + at, sizeof buf - at, MSG_NOSIGNAL)) > 0)
        at = (at + (size_t)n) % sizeof buf;
    return 0;
}

int main(int argc, char **argv)
{
    const int listener = peer_listen(), fd = accept(listener, NULL, NULL);
    const bool receives = argc == 2 && strcmp(argv[1], "receive") == 0;
    int status;

    if (fd < 0)
        peer_fail("accept");
    peer_nodelay(fd);
    status = receives ? receive_all(fd) : send_all(fd);
    close(fd);
    return status;
}
