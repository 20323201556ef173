/* faults_visits.h: the visits of faults_visit.h that tests of http and https share. */
#ifndef HTTP_FAULTS_VISITS_H
#define HTTP_FAULTS_VISITS_H

#include "faults_visit_runs.h"

#define HOST " HTTP/1.1\r\nHost: a\r\n"
#define LINE "a line of the text that is sent, and then another, to and fro; "

/* All at once, one behind the other. */
static const visit pipelined = { {
    { .head = "GET /hello?0" HOST "\r\n" },
    { .head = "POST /echo?1" HOST "Content-Length: 63\r\n\r\n", .body = LINE },
    { .head = "PUT /sink?2" HOST "Transfer-Encoding: chunked\r\n\r\n",
      .body = "3f;x=y\r\n" LINE "\r\n7\r\nthe end\r\n0\r\nX-Sum: 5\r\n\r\n",
      .taken = LINE "the end" },
    { .head = "HEAD /pieces?3" HOST "\r\n" },
    { .head = "GET /pieces?4" HOST "\r\n" },
    { .head = "POST /hello?5" HOST "Content-Length: 63\r\n\r\n", .body = LINE, .unread = true },
    { .head = "POST /echo?6" HOST "Content-Length: 7\r\nConnection: close\r\n\r\n", .body = "the end" },
} };

/* One after the other, with bodies that are asked for. */
static const visit paced = { {
    { .head = "POST /echo?0" HOST "Content-Length: 63\r\nExpect: 100-continue\r\n\r\n",
      .body = LINE,
      .expects = true,
      .until = LINE },
    { .head = "GET /long?1" HOST "\r\n", .until = "tttttttttt" },
    { .head = "POST /sink?2" HOST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
      .body = "3f\r\n" LINE "\r\n0\r\n\r\n",
      .taken = LINE,
      .expects = true,
      .until = "63 bytes" },
    { .head = "POST /pipe?3" HOST "Content-Length: 126\r\n\r\n", .body = LINE LINE, .until = "\r\n0\r\n\r\n" },
    { .head = "GET /events?4" HOST "Connection: close\r\n\r\n" },
} };

/* Forms of several parts, and files. */
static const visit files = { {
    { .head = "POST /parts?0" HOST "Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: 229\r\n\r\n",
      .body = "--cut\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" LINE
              "\r\n--cut\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n"
              "Content-Type: text/plain\r\n\r\ncontent\r\n--cut--\r\n",
      .taken = "a=" LINE ";f=content;",
      .unread = true }, /* behind the last delimiter there is nothing that counts */
    { .head = "GET /file?1" HOST "\r\n" },
    { .head = "GET /file?2" HOST "Range: bytes=100-199\r\n\r\n" },
    { .head = "HEAD /file?3" HOST "\r\n" },
    { .head = "GET /file?4" HOST "Connection: close\r\n\r\n" },
} };

#endif
