/*
 * A chat: what one says, all others hear, by WebSockets.
 *
 * Shows    awl_websocket_accept, awl_websocket_receive, awl_websocket_write.
 * Build    cc 31_chat.c $(pkg-config --cflags --libs awl), or: ninja examples/31_chat
 * Prints   listening on http://127.0.0.1:PORT       Open that in two windows.
 *
 *     async def chat(request):
 *         ws = web.WebSocketResponse()
 *         await ws.prepare(request)
 *         members.add(ws)
 *         async for message in ws:
 *             for member in members:
 *                 await member.send_str(message.data)
 *         members.discard(ws)
 */
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char page[] =
    "<!DOCTYPE html><meta charset=utf-8><title>Chat</title><ul id=said></ul><form><input autofocus></form><script>\n"
    "const ws = new WebSocket('ws://' + location.host + '/chat'), form = document.forms[0], input = form[0]\n"
    "ws.onmessage = e => { const li = document.createElement('li'); li.textContent = e.data; said.append(li) }\n"
    "form.onsubmit = e => { e.preventDefault(); ws.send(input.value); input.value = '' }\n"
    "</script>\n";

/* Who is here: each is in the frame of its handler. */
typedef struct member {
    struct member *next;
    awl_websocket *ws;
} member;

static member *members;

static void leave(const member *m)
{
    for (member **at = &members; *at; at = &(*at)->next) {
        if (*at == m) {
            *at = m->next;
            return;
        }
    }
}

co_def(index_page, { awl_request *request; })
{
    co_begin;
    awl_respond_text(self->request, 200, "text/html; charset=utf-8", page);
    co_end;
}

co_def(chat, { awl_request *request; member me; awl_websocket_message said; int kind; })
{
    co_begin;
    co_let(self->me.ws, awl_websocket_accept(self->request, &(awl_websocket_options){ .ping = 30 * AWL_SECOND }));
    if (!self->me.ws)
        co_return(0);
    self->me.next = members;
    members = &self->me;
    for (;;) {
        co_let(self->kind, awl_websocket_receive(self->me.ws, &self->said));
        if (self->kind != AWL_WEBSOCKET_TEXT) /* it has left, or sent what is no text */
            break;
        /* Nobody waits for those who read too slowly; they miss something. */
        for (member *m = members; m; m = m->next) {
            if (awl_stream_unsent(awl_websocket_stream(m->ws)) < 65536)
                awl_websocket_write(m->ws, AWL_WEBSOCKET_TEXT, self->said.data, self->said.len);
        }
    }
    co_finally;
    leave(&self->me);
    awl_websocket_close(self->me.ws);
    co_end;
}

static awl_coro on_index(awl_request *request, void *arg) { return (void)arg, co_call(index_page, .request = request); }
static awl_coro on_chat(awl_request *request, void *arg) { return (void)arg, co_call(chat, .request = request); }

static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    const int error = awl_http_route(app, "GET", "/", on_index, NULL);

    (void)options, (void)arg;
    return error ? error : awl_http_route(app, "GET", "/chat", on_chat, NULL);
}

static void listening(int port, void *arg)
{
    (void)arg;
    printf("listening on http://127.0.0.1:%d\n", port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const int port = argc == 3 && !strcmp(argv[1], "--port") ? atoi(argv[2]) : 0;

    return awl_http_run("127.0.0.1", port, setup, NULL,
                        &(awl_http_run_options){ .grace = -1, .listening = listening }) != 0;
}
