/* The faults of a plan on real sockets: one process, one poll; see proxy.h. */
#define _GNU_SOURCE
#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, BUFFER = 16384 };

/* One direction of a connection. */
typedef struct stretch {
    fault_way way;
    int64_t due; /* when the next chunk may pass */
    size_t held;
    bool ended;    /* who sends has ended */
    bool told;     /* and who receives was told */
    bool swallows;
    char buf[BUFFER];
} stretch;

typedef struct relay {
    int fds[2]; /* of who connected, and of the server; stretches[i] leads away from fds[i]. -1: no connection */
    stretch stretches[2];
} relay;

static relay relays[MOST];

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static void end_relay(relay *l, bool reset)
{
    static char unread[65536];

    for (int i = 0; i < 2; i++) {
        if (reset)
            setsockopt(l->fds[i], SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
        while (!reset && recv(l->fds[i], unread, sizeof unread, 0) > 0) /* else the close would be a reset */
            ;
        close(l->fds[i]);
        l->fds[i] = -1;
    }
}

/* Nothing more is received that way. */
static void tell_end(relay *l, int way)
{
    l->stretches[way].told = true;
    shutdown(l->fds[1 - way], SHUT_WR);
}

static void swallow(stretch *s)
{
    s->swallows = true;
    s->held = 0;
}

/* Result: whether the fault has happened; a byte that is to be changed must come first. */
static bool happen(relay *l, int way)
{
    stretch *s = &l->stretches[way];

    switch (s->way.kind) {
    case FAULT_RESET: end_relay(l, true); break;
    case FAULT_CUT: end_relay(l, false); break;
    case FAULT_END:
        swallow(s);
        tell_end(l, way);
        break;
    case FAULT_SILENCE:
        swallow(&l->stretches[0]);
        swallow(&l->stretches[1]);
        l->stretches[0].told = l->stretches[1].told = true; /* that is, never */
        break;
    case FAULT_FLIP:
        if (!s->held)
            return false;
        s->buf[0] ^= 1;
        break;
    case FAULT_GARBAGE: (void)!send(l->fds[1 - way], fault_garbage, FAULT_GARBAGE_LEN, MSG_NOSIGNAL); break;
    default: break;
    }
    return true;
}

/* ---- Moving ------------------------------------------------------------------------------------------------------ */

/* What it holds at once: a slow one makes who sends wait. */
static size_t room_of(const stretch *s)
{
    return s->way.delay && s->way.chunk && s->way.chunk < BUFFER ? s->way.chunk : BUFFER;
}

/* Reads what there is room for. false: the relay is lost. */
static bool take(relay *l, int way)
{
    stretch *s = &l->stretches[way];
    const size_t room = s->swallows ? BUFFER : room_of(s);
    ssize_t n;

    if (s->ended || (s->held && s->held >= room))
        return true;
    n = recv(l->fds[way], s->buf + s->held, room - s->held, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    s->ended = n == 0;
    s->held = s->swallows ? 0 : s->held + (size_t)n;
    return true;
}

/* Passes on what may pass now. false: the relay is lost, or has been ended. */
static bool pass(relay *l, int way)
{
    stretch *s = &l->stretches[way];

    for (;;) {
        size_t n = fault_may_pass(&s->way, s->held);
        ssize_t sent;

        if (fault_is_due(&s->way)) {
            s->way.done = happen(l, way);
            if (l->fds[0] < 0)
                return false;
            n = fault_may_pass(&s->way, s->held);
        }
        if (!n || now() < s->due)
            break;
        sent = send(l->fds[1 - way], s->buf, n, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (sent < 0)
            return false;
        s->held -= (size_t)sent;
        memmove(s->buf, s->buf + sent, s->held);
        s->way.passed += (size_t)sent;
        s->due = s->way.delay ? now() + s->way.delay : 0;
    }
    if (s->ended && !s->held && !s->told)
        tell_end(l, way);
    return true;
}

static void serve(relay *l)
{
    for (int way = 0; way < 2 && l->fds[0] >= 0; way++) {
        if ((!take(l, way) || !pass(l, way)) && l->fds[0] >= 0)
            end_relay(l, true);
    }
    if (l->fds[0] >= 0 && l->stretches[0].ended && l->stretches[1].ended && l->stretches[0].told &&
        l->stretches[1].told)
        end_relay(l, false);
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)port) };
}

/* Takes one more, if there is room; its faults come `n` steps later than those of the first. */
static void accept_one(const fault_proxy *proxy, size_t n)
{
    const struct sockaddr_in to = loopback(proxy->to);
    const int one = 1;
    relay *l = relays;

    while (l < relays + MOST && l->fds[0] >= 0)
        l++;
    if (l == relays + MOST)
        return;
    l->fds[0] = accept4(proxy->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (l->fds[0] < 0)
        return;
    l->fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(l->fds[1], (const struct sockaddr *)(const void *)&to, sizeof to) < 0) {
        end_relay(l, true);
        return;
    }
    fcntl(l->fds[1], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 2; i++) {
        setsockopt(l->fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        memset(&l->stretches[i], 0, offsetof(stretch, buf));
        l->stretches[i].way = proxy->plan.way[i];
        l->stretches[i].way.at += n * proxy->step;
    }
}

int fault_proxy_listen(fault_proxy *proxy)
{
    struct sockaddr_in at = loopback(proxy->port);
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)(void *)&at, sizeof at) < 0 || listen(fd, MOST) < 0 ||
        getsockname(fd, (struct sockaddr *)(void *)&at, &size) < 0) {
        const int error = errno;

        close(fd);
        return error;
    }
    proxy->listening = fd;
    proxy->port = ntohs(at.sin_port);
    return 0;
}

/* What a relay waits for. Result: when it can go on without any of that; INT64_MAX: never. */
static int64_t wait_for(const relay *l, struct pollfd *fds)
{
    int64_t next = INT64_MAX;

    for (int i = 0; i < 2; i++)
        fds[i] = (struct pollfd){ .fd = l->fds[i] };
    for (int i = 0; i < 2 && l->fds[0] >= 0; i++) {
        const stretch *s = &l->stretches[i];

        if (!s->ended && (!s->held || s->held < room_of(s)))
            fds[i].events |= POLLIN;
        if (s->held && s->due > now())
            next = s->due < next ? s->due : next;
        else if (s->held)
            fds[1 - i].events |= POLLOUT;
    }
    for (int i = 0; i < 2; i++) {
        if (!fds[i].events) /* or poll would tell of a reset again and again */
            fds[i].fd = -1;
    }
    return next;
}

void fault_proxy_run(const fault_proxy *proxy)
{
    static struct pollfd fds[1 + 2 * MOST];
    size_t accepted = 0;

    for (int i = 0; i < MOST; i++)
        relays[i].fds[0] = relays[i].fds[1] = -1;
    for (;;) {
        int64_t next = INT64_MAX, left;

        fds[0] = (struct pollfd){ .fd = proxy->listening, .events = POLLIN };
        for (int i = 0; i < MOST; i++) {
            const int64_t when = wait_for(&relays[i], fds + 1 + 2 * i);

            next = when < next ? when : next;
        }
        left = next == INT64_MAX ? -1 : next - now();
        poll(fds, 1 + 2 * MOST, left < 0 ? (next == INT64_MAX ? -1 : 0) : (int)(left / 1000000) + 1);
        if (fds[0].revents)
            accept_one(proxy, accepted++);
        for (int i = 0; i < MOST; i++) {
            if (relays[i].fds[0] >= 0)
                serve(&relays[i]);
        }
    }
}

int fault_proxy_start(fault_proxy *proxy)
{
    const int error = fault_proxy_listen(proxy);

    if (error)
        return error;
    proxy->pid = fork();
    if (proxy->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fault_proxy_run(proxy);
        _exit(0);
    }
    close(proxy->listening);
    return proxy->pid < 0 ? errno : 0;
}

void fault_proxy_stop(fault_proxy *proxy)
{
    if (proxy->pid > 0) {
        kill(proxy->pid, SIGKILL);
        waitpid(proxy->pid, NULL, 0);
    }
    proxy->pid = 0;
}
