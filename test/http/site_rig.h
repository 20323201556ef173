/* What the tests of the server's features share: the fields of responses, and short requests. */
#ifndef HTTP_SITE_RIG_H
#define HTTP_SITE_RIG_H

#include "server_rig.h"

/* What was sent since `answers_to` looked last, as text; for the fields. */
static inline const char *fresh(void) { return the_wire.out + the_wire.read_up_to; }

#define CHECK_FIELD(text) CHECK(strstr(fresh(), "\r\n" text "\r\n"))
#define CHECK_NO_FIELD(name) CHECK(!strstr(fresh(), "\r\n" name ": "))

/* Sends a request for a path, with more fields. */
#define get(path, fields) (client_sends("GET " path " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"))

/* The same, and what comes of it. */
#define CHECK_GET(path, fields, expected)                                                                              \
    do {                                                                                                               \
        get(path, fields);                                                                                             \
        settle();                                                                                                      \
        CHECK_ANSWERS(expected);                                                                                       \
    } while (0)

#endif
