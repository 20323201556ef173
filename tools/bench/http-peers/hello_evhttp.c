/* libevent's evhttp: one callback, which finds the name in the path. */
#define _GNU_SOURCE
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <string.h>

#include "peer.h"

static void on_request(struct evhttp_request *request, void *arg)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    struct evbuffer *body;

    (void)arg;
    if (strncmp(path, "/hello/", 7) != 0) {
        evhttp_send_error(request, 404, NULL);
        return;
    }
    body = evbuffer_new();
    if (!body)
        peer_fail("evbuffer_new");
    evbuffer_add_printf(body, "Hello %s\n", path + 7);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/plain");
    evhttp_send_reply(request, 200, NULL, body);
    evbuffer_free(body);
}

int main(void)
{
    struct event_config *config = event_config_new();
    const int fd = peer_listen();
    struct event_base *base;
    struct evhttp *http;

    if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) < 0 ||
        !(base = event_base_new_with_config(config)))
        peer_fail("event_base_new_with_config");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    http = evhttp_new(base);
    if (!http || evhttp_accept_socket(http, fd) < 0)
        peer_fail("evhttp_new");
    evhttp_set_gencb(http, on_request, NULL);
    event_base_dispatch(base);
    return 1;
}
