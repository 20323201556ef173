/* test_server.c: connections of the HTTP server: one request after the other, and how they end. */
#include "server_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

SERVER_TEST(a_request_is_answered_and_the_next_one_too, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("200 GET /a", GET("/a"));
    CHECK_SAYS("200 GET /b?c", GET("/b?c"));
    client_ends();
    settle();
    CHECK_ANSWERS(".");
    server_ends(self);
    co_end;
}
