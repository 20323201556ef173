/* What is copied when an operation is made, or outlives it. */
#include "awl.h"

co_declare(opens, { awl_http_session *session; awl_stream *s; awl_response *r; char buf[20]; int n; });

co_define(opens)
{
    static char shared[20];
    const awl_stream_options options = { .limit = 4096 };
    awl_http_pair headers[] = { { "Accept", "text/html" }, { NULL, NULL } };
    const char *url = "http://127.0.0.1/";

    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", 80, &options));
    co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
    co_let(self->n, awl_stream_read(self->s, shared, sizeof shared));
    co_let(self->r, awl_http_get(self->session, url, &(awl_http_request_options){ .headers = headers }));
    co_let(self->r, awl_http_get(self->session, "http://127.0.0.1/", NULL));
    co_end;
}
