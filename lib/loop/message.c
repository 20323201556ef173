/* What is known of an error beyond its number: the last few, for who asks; see awl_error_message in awl/loop.h. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loop_priv.h"

enum { KEPT = 8, LONGEST = 1024 };

typedef struct message {
    const void *task; /* in which it came up; may be gone, and is only compared */
    size_t size;
    int error, status;
    char text[];
} message;

struct awl__messages {
    unsigned next; /* which of them is overwritten next */
    unsigned said; /* how many there have been */
    message *kept[KEPT];
};

static void forget(awl_loop *loop, message *m)
{
    if (m)
        awl__free(loop, m, sizeof *m + m->size);
}

/* Keeps a text of `size` bytes, its zero byte included. Without memory the number has to do. */
static void keep(awl_loop *loop, int error, const char *text, size_t size)
{
    struct awl__messages *all = loop->messages;
    message *m;

    if (!all) {
        all = awl__alloc(loop, sizeof *all);
        if (!all)
            return;
        memset(all, 0, sizeof *all);
        loop->messages = all;
    }
    m = awl__alloc(loop, sizeof *m + size);
    if (!m)
        return;
    *m = (message){ loop->current, size, error, -1 };
    memcpy(m->text, text, size);
    forget(loop, all->kept[all->next]);
    all->kept[all->next] = m;
    all->next = (all->next + 1) % KEPT;
    all->said++;
}

void awl__error_plain(awl_loop *loop, int error)
{
    if (awl__error_find(loop, error)) /* an empty text hides those before */
        keep(loop, error, "", 1);
}

/* Bytes of the character at `at`, which may go to a log or a terminal as it is; 0: it may not, as it is a control
 * character (those from U+0080 to U+009F are some, too) or no UTF-8 (RFC 3629, section 4). */
static size_t plain(const unsigned char *at)
{
    const unsigned char c = at[0];
    const size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if (c < 0x20 || c == 0x7f || (c == 0xc2 && at[1] < 0xa0) || (c == 0xe0 && at[1] < 0xa0) ||
        (c == 0xed && at[1] >= 0xa0) || (c == 0xf0 && at[1] < 0x90) || (c == 0xf4 && at[1] >= 0x90))
        return 0;
    return n;
}

/* What others have said may be in a text: what could forge a line, or drive a terminal, becomes \xHH. Result: the
 * length of what fits. */
static size_t escape(const char *text, char *out, size_t cap)
{
    size_t len = 0;

    while (*text) {
        const size_t n = plain((const unsigned char *)text);

        if (len + (n ? n : 4) >= cap)
            break;
        if (n)
            memcpy(out + len, text, n);
        else
            snprintf(out + len, 5, "\\x%02x", (unsigned)(unsigned char)*text);
        len += n ? n : 4;
        text += n ? n : 1;
    }
    out[len] = '\0';
    return len;
}

void awl__error_detail(awl_loop *loop, int error, const char *format, ...)
{
    char text[LONGEST], out[LONGEST];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= 0)
        keep(loop, error, out, escape(text, out, sizeof out) + 1);
}

/* The youngest of this task, else of any. */
static message *find(const awl_loop *loop, int error)
{
    const struct awl__messages *all = loop ? loop->messages : NULL;
    message *found = NULL;

    for (unsigned i = 1; all && i <= KEPT; i++) {
        message *m = all->kept[(all->next + KEPT - i) % KEPT];

        if (!m || m->error != error)
            continue;
        if (m->task == loop->current || !found)
            found = m;
        if (m->task == loop->current)
            break;
    }
    return found && found->text[0] ? found : NULL;
}

unsigned awl__error_mark(const awl_loop *loop) { return loop->messages ? loop->messages->said : 0; }

const char *awl__error_since(const awl_loop *loop, int error, unsigned mark)
{
    const struct awl__messages *all = loop->messages;

    for (unsigned i = 1; all && i <= KEPT && i <= all->said - mark; i++) {
        const message *m = all->kept[(all->next + KEPT - i) % KEPT];

        if (m && m->error == error && m->task == loop->current)
            return m->text[0] ? m->text : NULL;
    }
    return NULL;
}

const char *awl__error_find(const awl_loop *loop, int error)
{
    const message *found = find(loop, error);

    return found ? found->text : NULL;
}

void awl__error_status(awl_loop *loop, int error, int status)
{
    message *found = find(loop, error);

    if (found)
        found->status = status;
}

int awl_error_status(int error)
{
    const message *found = error ? find(awl_running_, error) : NULL;

    return found ? found->status : -1;
}

const char *awl_error_message(int error)
{
    const char *text = error ? awl__error_find(awl_running_, error) : NULL;

    return text ? text : awl_strerror(error);
}

void awl__messages_close(awl_loop *loop)
{
    struct awl__messages *all = loop->messages;

    for (unsigned i = 0; all && i < KEPT; i++)
        forget(loop, all->kept[i]);
    awl__free(loop, all, sizeof *all);
    loop->messages = NULL;
}
