/* What a request asks beyond a representation: conditions, a part of it, a coding. RFC 9110, 12.5.3, 13 and 14. */
#ifndef AWL_HTTP_CONDITIONAL_H
#define AWL_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "awl/http_server.h"

/* Of a representation. */
typedef struct awl__validators {
    const char *etag; /* quoted, perhaps with W/ before */
    int64_t modified; /* seconds since 1970 */
} awl__validators;

/* Whether a tag is in a list of them, or the list is "*". Strongly compared, weak tags equal nothing. */
bool awl__etag_listed(const char *list, const char *etag, bool strongly);

/* What the conditions of a request come to: 0: go on; 304; 412. */
int awl__http_conditions(const awl_request *request, const awl__validators *of);

/*
 * A field Range, for a representation of `size` bytes.
 *
 * Result   206: bytes *first to *last; 416: none of them; 0: it is no range of bytes, or several: all is wanted.
 */
int awl__http_range(const char *value, int64_t size, int64_t *first, int64_t *last);

/* The same for a request, with regard to If-Range. */
int awl__request_range(const awl_request *request, const awl__validators *of, int64_t size, int64_t *first,
                       int64_t *last);

/* Whether a list of codings or the like, with their weights, takes `name`: a field Accept-Encoding. */
bool awl__http_accepts(const char *value, const char *name);

#endif
