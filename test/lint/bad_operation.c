/* A local array, or the address of a local, handed to an operation that is awaited. */
#include "awl.h"

co_declare(reads, { awl_stream *s; int n; });

co_define(reads)
{
    co_begin;
    char buf[20]; /* lint clang */

    co_let(self->n, awl_stream_read(self->s, buf, sizeof buf));
    co_end;
}

co_declare(asks, { awl_http_session *s; awl_response *r; });

co_define(asks)
{
    co_begin;
    size_t len;   /* lint clang */
    char url[40]; /* lint clang */

    url[0] = '\0';
    co_let(self->r, awl_http_get(self->s, url, NULL));
    co_await(awl_response_read_all(self->r, &len));
    co_end;
}

co_declare(sends, { awl_websocket *ws; int rc; });

co_define(sends)
{
    co_begin;
    char text[] = "hello"; /* lint clang */

    co_try(self->rc, awl_websocket_send_text(self->ws, text));
    co_end;
}
