/*
 * PEM; see pem_priv.h. A text goes through byte by byte, so a file needs no more memory than its largest object.
 *
 * Of what RFC 7468 lets a reader accept this takes: text around the objects, CRLF, blanks at either end of a line,
 * lines of any length, a byte order mark. Headers in an object (RFC 1421, encrypted keys of old) are its fault.
 */
#define _POSIX_C_SOURCE 200809L
#include "pem_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_LINE = 96, FIRST_BUFFER = 2048, AT_ONCE = 4096 };

static const char begin[] = "-----BEGIN ", end[] = "-----END ";

typedef struct digits {
    uint32_t bits; /* of a group of four that is not complete */
    unsigned n, padding;
    bool ended;
} digits;

typedef struct reader {
    awl_loop *loop;
    awl__pem_fn *fn;
    void *arg;
    awl__pem_object object;

    /* the line, without the blanks before it; cut off at the end, which a line that matters never is */
    char text[LONGEST_LINE + 1];
    size_t text_len;
    int line;
    bool marker; /* it began with '-' */

    /* within an object */
    char label[LONGEST_LINE + 1];
    bool inside;
    digits digits;
    unsigned char *der;
    size_t len, cap;
} reader;

/* ---- Base64 ------------------------------------------------------------------------------------------------------ */

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Takes a character. Result: how many bytes it completes, up to 3, in `out`; -1: it cannot stand there. */
static int put_digit(digits *d, char c, unsigned char *out)
{
    int value = digit_value(c), n;

    if (d->ended || (value < 0 ? c != '=' || d->n < 2 : d->padding > 0))
        return -1;
    if (value < 0) {
        d->padding++;
        value = 0;
    }
    d->bits = d->bits << 6 | (uint32_t)value;
    if (++d->n < 4)
        return 0;

    /* Four are three bytes, or fewer with padding: that is the end then, and the bits that are left over must be 0. */
    n = 3 - d->padding;
    if (d->padding && d->bits & (d->padding == 1 ? 0xff : 0xffff))
        return -1;
    out[0] = (unsigned char)(d->bits >> 16);
    out[1] = (unsigned char)(d->bits >> 8);
    out[2] = (unsigned char)d->bits;
    d->ended = d->padding > 0;
    d->bits = 0;
    d->n = 0;
    return n;
}

size_t awl__base64(const char *text, size_t len, unsigned char *out, size_t cap)
{
    digits d = { 0 };
    unsigned char some[3];
    size_t all = 0;

    for (size_t i = 0; i < len; i++) {
        const int n = put_digit(&d, text[i], some);

        if (n < 0 || (size_t)n > cap - all)
            return SIZE_MAX;
        memcpy(out + all, some, (size_t)n);
        all += (size_t)n;
    }
    return d.n ? SIZE_MAX : all;
}

/* ---- What an object decodes to ----------------------------------------------------------------------------------- */

/* Key material stays nowhere: the compiler cannot see that nobody reads this. */
static void wipe(void *memory, size_t len)
{
    volatile unsigned char *at = memory;

    while (len--)
        *at++ = 0;
}

static void drop_buffer(reader *r)
{
    if (r->der)
        wipe(r->der, r->cap);
    awl__free(r->loop, r->der, r->cap);
}

/* Makes room for 3 bytes more, as far as an object may go. */
static int make_room(reader *r)
{
    const size_t cap = r->cap ? 2 * r->cap : FIRST_BUFFER;
    unsigned char *der;

    if (r->cap - r->len >= 3)
        return 0;
    if (cap > AWL__PEM_LARGEST) {
        r->object.fault = "is larger than 64 kB";
        return 0;
    }
    der = awl__alloc(r->loop, cap);
    if (!der)
        return ENOMEM;
    if (r->len)
        memcpy(der, r->der, r->len);
    drop_buffer(r);
    r->der = der;
    r->cap = cap;
    return 0;
}

/* One character of the body. */
static int put_character(reader *r, char c)
{
    int error, n;

    if (r->object.fault)
        return 0;
    error = make_room(r);
    if (error || r->object.fault)
        return error;
    n = put_digit(&r->digits, c, r->der + r->len);
    if (n < 0)
        r->object.fault = c == ':' || c == '-' ? "has headers: encrypted keys are not supported" : "is not base64";
    else
        r->len += (size_t)n;
    return 0;
}

/* ---- Lines and objects ------------------------------------------------------------------------------------------- */

/* What stands between `before` and "-----" on the line, which has no blanks at its ends. NULL: it is another line. */
static const char *between(reader *r, const char *before)
{
    const size_t skip = strlen(before);

    while (r->text_len && (unsigned char)r->text[r->text_len - 1] <= ' ')
        r->text_len--;
    if (r->text_len < skip + 5 || memcmp(r->text, before, skip) != 0 ||
        memcmp(r->text + r->text_len - 5, "-----", 5) != 0)
        return NULL;
    r->text[r->text_len - 5] = '\0';
    return r->text + skip;
}

static int deliver(reader *r)
{
    int error;

    if (!r->object.fault && r->digits.n)
        r->object.fault = "is not base64: it has not the right length";
    r->object.label = r->label;
    r->object.der = r->der;
    r->object.len = r->object.fault ? 0 : r->len;
    r->inside = false;
    error = r->fn(r->arg, &r->object);
    if (r->der)
        wipe(r->der, r->len);
    r->len = 0;
    return error;
}

static void begin_object(reader *r, const char *label)
{
    memcpy(r->label, label, strlen(label) + 1);
    r->inside = true;
    r->len = 0;
    r->digits = (digits){ 0 };
    r->object = (awl__pem_object){ .line = r->line, .number = r->object.number + 1 };
}

/* A line that began with '-' has ended: it begins an object, ends one, or is text. */
static int end_marker(reader *r)
{
    const char *label;
    int error = 0;

    if (r->inside && (label = between(r, end)) != NULL) {
        if (strcmp(label, r->label) != 0)
            r->object.fault = "ends with the END line of another object";
        return deliver(r);
    }
    label = between(r, begin);
    if (r->inside) {
        r->object.fault = label ? "has no END line" : "is not base64";
        if (label)
            error = deliver(r);
    }
    if (label && !error)
        begin_object(r, label);
    return error;
}

static int feed(reader *r, const char *text, size_t len)
{
    int error = 0;

    for (size_t i = 0; i < len && !error; i++) {
        const char c = text[i];

        if (c == '\n') {
            if (r->marker)
                error = end_marker(r);
            r->line++;
            r->text_len = 0;
            r->marker = false;
            continue;
        }
        /* Blanks before a line are none of it, and those within base64 mean nothing. A byte order mark is a blank. */
        if (!r->marker && ((unsigned char)c <= ' ' || (r->line == 1 && !r->inside && strchr("\xef\xbb\xbf", c))))
            continue;
        if (r->text_len == 0 && c == '-')
            r->marker = true;
        if (r->text_len < LONGEST_LINE)
            r->text[r->text_len++] = c;
        if (!r->marker && r->inside)
            error = put_character(r, c);
    }
    return error;
}

/* The end of the text: the last line may have no newline, the last object no end. */
static int finish(reader *r, int error)
{
    if (!error && r->marker)
        error = end_marker(r);
    if (!error && r->inside) {
        if (!r->object.fault)
            r->object.fault = "has no END line";
        error = deliver(r);
    }
    drop_buffer(r);
    wipe(&r->digits, sizeof r->digits);
    wipe(r->text, sizeof r->text);
    return error;
}

int awl__pem_read(awl_loop *loop, const void *text, size_t len, awl__pem_fn *fn, void *arg)
{
    reader r = { .loop = loop, .fn = fn, .arg = arg, .line = 1 };

    return finish(&r, feed(&r, text, len));
}

int awl__pem_read_file(awl_loop *loop, const char *path, bool plain, awl__pem_fn *fn, void *arg)
{
    reader r = { .loop = loop, .fn = fn, .arg = arg, .line = 1 };
    char some[AT_ONCE];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (plain ? O_NONBLOCK : 0));
    struct stat status;
    int error = 0;

    if (fd < 0)
        return errno;
    if (plain && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        close(fd);
        return ESPIPE;
    }
    for (;;) {
        const ssize_t n = read(fd, some, sizeof some);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            error = errno;
        else
            error = feed(&r, some, (size_t)n);
        if (n <= 0 || error)
            break;
    }
    close(fd);
    error = finish(&r, error);
    wipe(some, sizeof some);
    return error;
}
