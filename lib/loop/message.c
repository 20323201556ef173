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
}

void awl__error_plain(awl_loop *loop, int error)
{
    if (awl__error_find(loop, error)) /* an empty text hides those before */
        keep(loop, error, "", 1);
}

void awl__error_detail(awl_loop *loop, int error, const char *format, ...)
{
    char text[LONGEST];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= 0)
        keep(loop, error, text, ((size_t)len < sizeof text ? (size_t)len : sizeof text - 1) + 1);
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
