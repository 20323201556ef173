/* An echo server on libevent's bufferevents: what has come is moved from the input's buffer to the output's. */
#define _GNU_SOURCE
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>

#include "peer.h"

enum { HIGH = 65536, LOW = 16384 }; /* bytes that are unsent: as awl's */

/* Low again: the other side may send more. */
static void on_write(struct bufferevent *b, void *arg)
{
    (void)arg;
    bufferevent_enable(b, EV_READ);
}

static void on_read(struct bufferevent *b, void *arg)
{
    (void)arg;
    bufferevent_write_buffer(b, bufferevent_get_input(b));
    if (evbuffer_get_length(bufferevent_get_output(b)) > HIGH)
        bufferevent_disable(b, EV_READ);
}

static void on_event(struct bufferevent *b, short what, void *arg)
{
    (void)arg;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(b);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size,
                      void *arg)
{
    struct bufferevent *b = bufferevent_socket_new(arg, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)listener, (void)address, (void)size;
    if (!b)
        peer_fail("bufferevent_socket_new");
    peer_nodelay(fd);
    bufferevent_setcb(b, on_read, on_write, on_event, NULL);
    bufferevent_setwatermark(b, EV_WRITE, LOW, 0);
    bufferevent_enable(b, EV_READ | EV_WRITE);
}

int main(void)
{
    struct event_config *config = event_config_new();
    const int fd = peer_listen();
    struct event_base *base;

    if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) < 0 ||
        !(base = event_base_new_with_config(config)))
        peer_fail("event_base_new_with_config");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (!evconnlistener_new(base, on_accept, base, LEV_OPT_CLOSE_ON_EXEC, 0, fd))
        peer_fail("evconnlistener_new");
    event_base_dispatch(base);
    return 1;
}
