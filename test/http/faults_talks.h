/* faults_talks.h: the talks of faults_talk.h that tests of http and https share. */
#ifndef HTTP_FAULTS_TALKS_H
#define HTTP_FAULTS_TALKS_H

#include "faults_talk_runs.h"

#define LINE "a line of the text that is sent, and then another, to and fro; "
#define BLOCK LINE LINE LINE LINE

/* One connection, all framings that leave it open. */
static const talk kept = { {
    { .method = "GET",
      .answer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
      .status = 200,
      .text = "hello world" },
    { .method = "POST",
      .body = BLOCK,
      .answer =
          "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nmade\r\n10\r\n of many pieces!\r\n0\r\n"
          "X-Sum: 17\r\nX-More: of it\r\n\r\n",
      .status = 201,
      .text = "made of many pieces!" },
    { .method = "HEAD", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", .status = 200 },
    { .method = "DELETE", .answer = "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 204 Gone\r\n\r\n", .status = 204 },
    { .method = "POST", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .status = 200 },
} };

/* Bodies of requests, in chunks and on demand; a redirect; a body to the end of the connection. */
static const talk sent = { {
    { .method = "PUT",
      .body = BLOCK,
      .chunked = true,
      .answer = "HTTP/1.1 303 See\r\nLocation: /1\r\nContent-Length: 4\r\n\r\nthis",
      .leads = true },
    { .method = "GET", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere", .status = 200, .text = "there" },
    { .method = "POST",
      .body = LINE,
      .expects = true,
      .answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ngot",
      .status = 200,
      .text = "got" },
    { .method = "PUT",
      .body = BLOCK,
      .chunked = true,
      .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nput\r\n0\r\n\r\n",
      .status = 200,
      .text = "put" },
    { .method = "GET",
      .answer = "HTTP/1.1 200 OK\r\n\r\n" LINE,
      .ends = true,
      .to_end = true,
      .status = 200,
      .text = LINE },
} };

/* An answer that does not wait for the body, which is more than is under way at any time. */
static char endless[100001];
static const talk refused = { {
    { .method = "POST",
      .body = endless,
      .chunked = true,
      .early = true,
      .ends = true,
      .answer = "HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much",
      .status = 413,
      .text = "too much" },
    { .method = "POST",
      .body = LINE,
      .answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ngot",
      .status = 200,
      .text = "got" },
} };

static inline const talk *refuse(void)
{
    memset(endless, 'e', sizeof endless - 1);
    return &refused;
}

/* 40 lines, compressed: by gzip's format, RFC 1952. */
#define GZIP                                                                                                           \
    "\037\213\010\000\000\000\000\000\002\003\205\323\301\015\302\100\020\103\321\073\125\114\011\214\015\044\324\003" \
    "\023\201\024\110\224\354\201\362\021\005\360\367\374\157\117\366\374\174\127\034\143\231\242\075\052\156\313\153" \
    "\335\152\337\353\036\255\076\355\060\377\152\142\025\126\143\075\141\075\143\275\140\035\260\216\130\257\254\321" \
    "\301\142\255\144\256\144\257\144\260\144\261\144\262\144\263\144\264\144\065\261\232\072\033\143\065\261\232\130" \
    "\115\254\046\126\023\253\211\325\304\152\146\065\263\232\073\327\144\065\263\232\131\315\254\146\126\063\253\371" \
    "\257\332\027\070\147\326\354\316\004\000\000"
enum { GZIP_SIZE = sizeof GZIP - 1, GZIP_TEXT = 1230 };

static char gzip_text[GZIP_TEXT + 1];
static talk compressed; /* with a length, in chunks, and to the end of the connection */

/* Puts an answer with bytes that are no text together. */
static inline void put_answer(exchange *x, const char *head, const char *tail, char *to, size_t cap)
{
    const size_t head_len = strlen(head), tail_len = strlen(tail);

    CHECK(head_len + GZIP_SIZE + tail_len <= cap);
    memcpy(to, head, head_len);
    memcpy(to + head_len, GZIP, GZIP_SIZE);
    memcpy(to + head_len + GZIP_SIZE, tail, tail_len);
    *x = (exchange){
        .method = "GET", .answer = to, .size = head_len + GZIP_SIZE + tail_len, .status = 200, .text = gzip_text
    };
}

static inline const talk *compress(void)
{
    static char answers[3][400];
    size_t len = 0;

    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(gzip_text + len, sizeof gzip_text - len, "line %d of the compressed text\n", i);
    CHECK_INT(len, GZIP_TEXT);
    put_answer(&compressed.all[0], "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 151\r\n\r\n", "",
               answers[0], sizeof answers[0]);
    put_answer(&compressed.all[1],
               "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n97\r\n", "\r\n0\r\n\r\n",
               answers[1], sizeof answers[1]);
    put_answer(&compressed.all[2], "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "", answers[2],
               sizeof answers[2]);
    compressed.all[2].ends = true;
    compressed.all[2].to_end = true;
    return &compressed;
}

#endif
