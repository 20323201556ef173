/*
 * Targets of requests: the path is what two plain steps make of it (path_model.h), the query's values what a split at '&' and
 * a plain decoder find.
 *
 * The input is the text of a target, see words.h.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>

#include "../http/path_model.h"
#include "http_server/http_server_priv.h"
#include "words.h"

static const char *const words[] = {
    "/", "..", "/../", "/./", ".", "%2e", "%2F", "%00", "%", "%zz", "%4", "//", "?", "&", "=", "+", "a=b", "a", "%61", "%26", "%3D",
    "http://b", "http://", "*", "%25", "%2B", "\xc3", "a=", "&a=c", "/a/b",
};

/* A value of a query, decoded: '+' is a space, and what is no escape, or one for a zero byte, stands for itself. */
static void decode_value(const char *from, size_t len, char *to)
{
    for (size_t i = 0; i < len; i++) {
        const char *one = from[i] == '%' && len - i >= 3 ? model_decode(from + i, 3) : NULL;

        *to++ = from[i] == '+' ? ' ' : one ? *one : from[i];
        i += one ? 2 : 0;
    }
    *to = '\0';
}

/* The first value of a name, which has no '%' and no '+' in it; NULL: there is none. */
static const char *value_of(const char *query, const char *name)
{
    static char found[MOST_TEXT + 1], value[MOST_TEXT + 1];

    while (*query) {
        const size_t len = strcspn(query, "&"), name_len = strcspn(query, "=&");

        decode_value(query, name_len, found);
        if (strcmp(found, name) == 0) {
            decode_value(query + name_len + (name_len < len), len - name_len - (name_len < len), value);
            return value;
        }
        query += len + (query[len] == '&');
    }
    return NULL;
}

static void must_be_same(const char *a, const char *b) { must(a && b ? strcmp(a, b) == 0 : a == b); }

static void check(awl_request *request, const char *target, int status)
{
    const char *path = target[0] == '/' || target[0] == '*' ? target : strstr(target, "://") + 3, *wanted;
    size_t len;

    if (path != target)
        path += strcspn(path, "/?");
    len = strcspn(path, "?");
    wanted = strcmp(target, "*") == 0 ? "*" : len ? model_path(path, len) : "/";
    must(status == (wanted ? 0 : 400));
    must_be_same(awl_request_path(request), wanted ? wanted : "");
    must_be_same(awl_request_query_string(request), path[len] ? path + len + 1 : "");
    must_be_same(awl_request_query(request, "a"), value_of(awl_request_query_string(request), "a"));
    must_be_same(awl_request_query(request, ""), value_of(awl_request_query_string(request), ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static awl_http_app app;
    static char text[MOST_TEXT + 1], head[MOST_TEXT + 100];
    awl_loop *loop = awl_loop_open(NULL);
    awl_request request;
    int n, size;

    text_of(data, len < 4000 ? len : 4000, words, sizeof words / sizeof *words, text);
    size = sprintf(head, "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", text[0] == '*' ? "OPTIONS" : "GET", text);
    memset(&request, 0, sizeof request);
    awl__http_head_begin(&request.head, false);
    n = awl__http_head_parse(&request.head, head, (size_t)size);
    must(loop != NULL);
    app.loop = loop;
    request.app = &app;
    if (n > 0) {
        const int status = awl__request_open(&request, head, (size_t)n);

        check(&request, awl_request_target(&request), status);
        awl__request_close(&request);
    }
    awl_loop_close(loop);
    return 0;
}
