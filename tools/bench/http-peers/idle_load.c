/*
 * idle_load PORT N PATH: opens N connections to 127.0.0.1:PORT, from several loopback addresses, and asks each for PATH
 * once. When all answers have come it prints N, and keeps the connections until its input ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOURCES = 8 };

static void fail(const char *what)
{
    fprintf(stderr, "idle_load: %s: %s\n", what, errno ? strerror(errno) : "no answer with 200");
    exit(1);
}

static struct sockaddr_in address(int last, int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr = { htonl((INADDR_LOOPBACK & ~0xffu) + (uint32_t)last) } };
}

/* A connection from the address 127.0.0.`source`, which leaves the port to the kernel until it is connected. */
static int open_one(int source, int port)
{
    const struct sockaddr_in from = address(source, 0), to = address(1, port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        fail("socket");
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&from, sizeof from) < 0 ||
        connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        fail("connect");
    return fd;
}

/* One request, and its answer to the last byte, which ends in a line's end. */
static void ask(int fd, const char *path)
{
    char text[4096];
    const int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
    size_t got = 0;
    const char *body;

    if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        fail("send");
    do {
        const ssize_t n = recv(fd, text + got, sizeof text - 1 - got, 0);

        if (n <= 0)
            fail("recv");
        got += (size_t)n;
        text[got] = '\0';
        body = strstr(text, "\r\n\r\n");
    } while (!body || !body[4] || text[got - 1] != '\n');
    errno = 0;
    if (strncmp(text, "HTTP/1.1 200 ", 13) != 0)
        fail(path);
}

int main(int argc, char **argv)
{
    const int n = argc == 4 ? atoi(argv[2]) : 0;
    struct rlimit limit;

    if (n < 1)
        return 2;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    for (int i = 0; i < n; i++)
        ask(open_one(1 + i % SOURCES, atoi(argv[1])), argv[3]);
    printf("%d\n", n);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
