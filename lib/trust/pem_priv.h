/* PEM as RFC 7468 has it (pem.c): objects in a stream of text, decoded one by one. */
#ifndef AWL_TLS_PEM_PRIV_H
#define AWL_TLS_PEM_PRIV_H

#include "../loop/loop_priv.h"

enum { AWL__PEM_LARGEST = 65536 }; /* bytes of an object, decoded */

typedef struct awl__pem_object {
    const char *label; /* "CERTIFICATE", "PRIVATE KEY" …; in der: the reader's memory, wiped after the call */
    unsigned char *der;
    size_t len;
    int line;   /* of its BEGIN line, from 1 */
    int number; /* of the object, from 1 */
    const char *fault; /* not NULL: what is wrong with it; der and len say nothing then */
} awl__pem_object;

/* Called for each object. Not 0: the reading stops with it as its result. */
typedef int awl__pem_fn(void *arg, const awl__pem_object *object);

/*
 * Reads all objects of a text, or of a file, which need not end with a newline.
 *
 *   plain   refuse pipes and devices, which might have to be waited for
 * Result   0; what `fn` returned; ENOMEM; of a file also the errno of open and read, EISDIR, and ESPIPE: it is not plain.
 */
int awl__pem_read(awl_loop *loop, const void *text, size_t len, awl__pem_fn *fn, void *arg);
int awl__pem_read_file(awl_loop *loop, const char *path, bool plain, awl__pem_fn *fn, void *arg);

/* Decodes base64 without line ends. Result: bytes written to `out`; SIZE_MAX: wrong, or more than `cap`. */
size_t awl__base64(const char *text, size_t len, unsigned char *out, size_t cap);

#endif
