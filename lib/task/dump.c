/* awl_dump: the tasks of a loop as a tree, each with what it waits for and the lines where its frames are suspended. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "dump_priv.h"

enum { MOST_DEPTH = 40, WIDE = 100 };

/* awl__entry.flags_ of tasks, while a dump is made */
enum { A_CHILD = 32, SHOWN = 64, AN_OWNER = 128 };

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static void say_list(awl__dump *d, const char *format, va_list args)
{
    const int n = vsnprintf(d->line + d->len, sizeof d->line - d->len, format, args);

    if (n > 0)
        d->len = d->len + (size_t)n < sizeof d->line ? d->len + (size_t)n : sizeof d->line - 1;
}

void awl__dump_say(awl__dump *dump, const char *format, ...)
{
    va_list args;

    if (dump->mode != AWL__SAYS)
        return;
    va_start(args, format);
    say_list(dump, format, args);
    va_end(args);
}

/* A name may say anything, but neither end its line nor speak to a terminal. */
static void end_line(awl__dump *d)
{
    for (char *at = d->line; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    d->fn(d->arg, d->line);
    d->len = 0;
    d->line[0] = '\0';
}

/* A line of its own, so deep in the tree and so many columns more. */
static __attribute__((format(printf, 3, 4))) void line(awl__dump *d, int indent, const char *format, ...)
{
    va_list args;

    awl__dump_say(d, "%*s", (int)d->depth * 2 + indent, "");
    va_start(args, format);
    say_list(d, format, args);
    va_end(args);
    end_line(d);
}

void awl__dump_span(awl__dump *dump, awl_time span)
{
    const uint64_t ms = span < 0 ? 0 : (uint64_t)span / 1000000;

    if (span == AWL_FOREVER)
        awl__dump_say(dump, "for ever");
    else
        awl__dump_say(dump, "%llu.%03u s", (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));
}

/* The pointer may be an old one: only that of a task that is there is looked behind. */
void awl__dump_holder(awl__dump *dump, const void *task)
{
    const awl_task *found = NULL;

    if (dump->mode != AWL__SAYS)
        return;
    if (task == dump->known)
        found = dump->known;
    for (awl__block *at = dump->loop->tasks.next; !found && at != &dump->loop->tasks; at = at->next) {
        if (awl__task_at(at) == task)
            found = awl__task_at(at);
    }
    dump->known = found;
    if (found)
        awl__dump_say(dump, "'%s'%s", awl_task_name(found), awl_task_done(found) ? ", which has ended" : "");
    else
        awl__dump_say(dump, "a task that is gone");
}

/* ---- What a task does -------------------------------------------------------------------------------------------- */

static bool waits(const awl_task *task)
{
    const co_stack *stack = &task->stack;

    if (stack->user_ & AWL__CYCLE)
        return false;
    if (stack->user_ & AWL__ON_FUTURE)
        return !awl__is_done((const awl_future *)stack->promise_.value_.p);
    return stack->user_ & AWL__BLOCKED;
}

static awl__inspect_fn *inspector_of(const co_type *type)
{
    static const struct {
        const co_type *type;
        awl__inspect_fn *fn;
    } known[] = {
        { &awl__sleep_type, awl__sleep_inspect },   { &awl__gather_type, awl__gather_inspect },
        { &awl__wait_type, awl__wait_inspect },     { &awl__wait_for_type, awl__wait_for_inspect },
        { &awl__shield_type, awl__shield_inspect }, { &awl__next_type, awl__next_inspect },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].type == type)
            return known[i].fn;
    }
    return NULL;
}

/* One of the layers above may know the operation. */
static bool known_above(awl__dump *d, const co_frame *leaf)
{
    return (awl__sync_inspect && awl__sync_inspect(d, leaf)) || (awl__job_inspect && awl__job_inspect(d, leaf)) ||
           (awl__look_up_inspect && awl__look_up_inspect(d, leaf)) ||
           (awl__datagram_inspect && awl__datagram_inspect(d, leaf)) ||
           (awl__stream_inspect && awl__stream_inspect(d, leaf));
}

/* What a task that waits is waiting for. */
static void inspect(awl__dump *d, const awl_task *task)
{
    const co_stack *stack = &task->stack;
    const co_frame *leaf = stack->leaf_;
    awl__inspect_fn *fn = inspector_of(leaf->type_);

    if (fn)
        fn(d, leaf);
    else if (leaf->type_ == &awl__group_exit_type)
        awl__dump_say(d, "a group, %zu left", ((const awl_task_group *)(const void *)leaf)->live_);
    else if (stack->user_ & AWL__ON_FUTURE)
        awl__dump_future(d, stack->promise_.value_.p);
    else if (!known_above(d, leaf))
        awl__dump_say(d, "%s", leaf->type_->name);
}

static void say_state(awl__dump *d, const awl_task *task)
{
    const unsigned cancelling = awl_task_cancelling(task);

    if (task == d->loop->current) {
        awl__dump_say(d, "running, from where it went on");
    } else if (waits(task)) {
        awl__dump_say(d, "waiting for ");
        inspect(d, task);
    } else {
        awl__dump_say(d, "ready");
    }
    if (cancelling)
        awl__dump_say(d, ", being cancelled");
}

/* The frames, the innermost first. An operation of awl's own has no line, and is shown once if it is made of two. */
static void show_frames(awl__dump *d, const awl_task *task)
{
    const char *above = "";

    for (const co_frame *frame = task->stack.leaf_; frame; frame = frame->caller_) {
        const co_type *type = frame->type_;
        const unsigned at = CO_LINE_(frame->state_);

        if (frame->state_ && !at && strcmp(type->name, above) == 0)
            continue;
        above = type->name;
        awl__dump_say(d, "%*sin %s", (int)d->depth * 2 + 4, "", type->name);
        if (!frame->state_)
            awl__dump_say(d, " (%s:%u), %s", type->file, (unsigned)type->line,
                          task == d->loop->current ? "from its beginning" : "not started");
        else if (at)
            awl__dump_say(d, " (%s:%u)", type->file, at);
        if (type == &awl__wait_for_type)
            awl__wait_for_dump(d, frame);
        if (frame->link_ & CO_FINALLY_)
            awl__dump_say(d, ", in co_finally");
        end_line(d);
    }
}

/* ---- The tree ---------------------------------------------------------------------------------------------------- */

static void show_task(awl__dump *d, awl_task *task);

/* What is below: asked for in a mode that says nothing. */
static void below(awl__dump *d, int mode, const awl_task *task)
{
    if (!waits(task) || task == d->loop->current)
        return;
    d->mode = mode;
    inspect(d, task);
    d->mode = AWL__SAYS;
}

/* The tasks of groups that a task has entered. */
static void show_groups(awl__dump *d, const awl_task *owner)
{
    for (awl__block *at = d->loop->tasks.next; at != &d->loop->tasks; at = at->next) {
        awl_task *task = awl__task_at(at);

        if (!awl_task_done(task) && !(task->entry.flags_ & SHOWN) && awl__group_owner(awl_task_future(task)) == owner)
            show_task(d, task);
    }
}

static void show_task(awl__dump *d, awl_task *task)
{
    const awl_site *site = awl__task_site(task);

    if (task->entry.flags_ & SHOWN || d->depth >= MOST_DEPTH) {
        line(d, 0, "'%s': see %s", awl_task_name(task), task->entry.flags_ & SHOWN ? "above" : "below");
        return;
    }
    task->entry.flags_ |= SHOWN;
    awl__dump_say(d, "%*s'%s': ", (int)d->depth * 2, "", awl_task_name(task));
    say_state(d, task);
    end_line(d);
    show_frames(d, task);
    if (site && site->file)
        line(d, 4, "created at %s:%d", site->file, site->line);
    d->depth++;
    below(d, AWL__SHOWS, task);
    if (task->entry.flags_ & AN_OWNER)
        show_groups(d, task);
    d->depth--;
}

void awl__dump_future(awl__dump *dump, awl_future *future)
{
    if (future->state_ & AWL__A_TASK) {
        awl__dump_say(dump, "'%s'", awl_task_name(awl_future_task(future)));
        awl__dump_child(dump, future);
    } else if (future->state_ & AWL__A_GATHER) {
        awl__gather_dump(dump, (awl__gather *)(void *)future);
    } else if (future->state_ & AWL__A_SHIELD) {
        awl__dump_say(dump, "a shield");
        awl__dump_child(dump, awl__shield_inner(future));
    } else {
        awl__dump_say(dump, "a future");
    }
}

/* A future that is waited for among others has a line of its own, and what it waits for is below that. */
static void show_future(awl__dump *d, awl_future *future)
{
    d->mode = AWL__SAYS;
    awl__dump_say(d, "%*s", (int)d->depth * 2, "");
    awl__dump_future(d, future);
    end_line(d);
    if (d->depth >= MOST_DEPTH)
        return;
    d->mode = AWL__SHOWS;
    d->depth++;
    awl__dump_future(d, future);
    d->depth--;
}

void awl__dump_child(awl__dump *dump, awl_future *child)
{
    awl_task *task = awl_future_task(child);
    const int mode = dump->mode;

    if (mode == AWL__SAYS || !child || awl__is_done(child))
        return;
    if (mode == AWL__MARKS && task) {
        task->entry.flags_ |= A_CHILD;
    } else if (mode == AWL__MARKS) {
        if (dump->depth++ < MOST_DEPTH)
            awl__dump_future(dump, child);
        dump->depth--;
    } else if (task) {
        dump->mode = AWL__SAYS;
        show_task(dump, task);
    } else {
        show_future(dump, child);
    }
    dump->mode = mode;
}

/* ---- The lists --------------------------------------------------------------------------------------------------- */

/* One more word of a list that goes on over several lines. */
static __attribute__((format(printf, 2, 3))) void item(awl__dump *d, const char *format, ...)
{
    va_list args;

    if (d->len > WIDE) {
        awl__dump_say(d, ",");
        end_line(d);
        awl__dump_say(d, "   ");
    } else if (d->line[d->len - 1] != ':') {
        awl__dump_say(d, ",");
    }
    awl__dump_say(d, " ");
    va_start(args, format);
    say_list(d, format, args);
    va_end(args);
}

/* What runs next, in its order; what are not tasks are callbacks, of the user's or of awl's own. */
static void show_ready(awl__dump *d)
{
    size_t others = 0, all = 0;

    awl__dump_say(d, "ready:");
    for (int i = 0; i < 2; i++) {
        for (const awl__entry *entry = i ? d->loop->ready : d->loop->batch; entry; entry = entry->next_, all++) {
            if (entry->kind_ == AWL__TASK)
                item(d, "'%s'",
                     awl_task_name((const awl_task *)(const void *)((const char *)entry - offsetof(awl_task, entry))));
            else
                others++;
        }
    }
    if (others)
        item(d, "%zu callback%s", others, others == 1 ? "" : "s");
    if (!all)
        item(d, "nothing");
    end_line(d);
}

static void show_waiting(awl__dump *d)
{
    size_t n = 0;

    awl__dump_say(d, "waiting:");
    for (awl__block *at = d->loop->tasks.next; at != &d->loop->tasks; at = at->next) {
        const awl_task *task = awl__task_at(at);

        if (!awl_task_done(task) && task != d->loop->current && waits(task)) {
            item(d, "'%s'", awl_task_name(task));
            n++;
        }
    }
    if (!n)
        item(d, "nobody");
    end_line(d);
}

/* Those that are done and that somebody still holds, with their errors. */
static void show_done(awl__dump *d)
{
    if (!d->loop->tasks_held)
        return;
    awl__dump_say(d, "done, not released:");
    for (awl__block *at = d->loop->tasks.next; at != &d->loop->tasks; at = at->next) {
        const awl_task *task = awl__task_at(at);

        if (!awl_task_done(task))
            continue;
        if (task->stack.promise_.error_)
            item(d, "'%s' (%s)", awl_task_name(task), awl_strerror(task->stack.promise_.error_));
        else
            item(d, "'%s'", awl_task_name(task));
    }
    end_line(d);
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

/* Counts the tasks, and marks those that others wait for, or own. */
static void survey(awl__dump *d)
{
    size_t running = 0, ready = 0, waiting = 0;

    for (awl__block *at = d->loop->tasks.next; at != &d->loop->tasks; at = at->next)
        awl__task_at(at)->entry.flags_ &= (uint8_t) ~(A_CHILD | SHOWN | AN_OWNER);
    for (awl__block *at = d->loop->tasks.next; at != &d->loop->tasks; at = at->next) {
        awl_task *task = awl__task_at(at), *owner;

        if (awl_task_done(task))
            continue;
        running += task == d->loop->current;
        waiting += task != d->loop->current && waits(task);
        ready += task != d->loop->current && !waits(task);
        below(d, AWL__MARKS, task);
        owner = awl__group_owner(awl_task_future(task));
        if (owner && owner != task) {
            task->entry.flags_ |= A_CHILD;
            owner->entry.flags_ |= AN_OWNER;
        }
    }
    line(d, 0, "tasks: %zu running, %zu ready, %zu waiting, %zu done and not released", running, ready, waiting,
         d->loop->tasks_held);
}

void awl_dump_lines(awl_loop *loop, awl_line_fn *fn, void *arg)
{
    awl__dump d = { .fn = fn, .arg = arg };

    d.loop = loop = awl__loop_check(loop);
    if (!loop || !fn || !loop->dump) /* the last: it is being closed, and its tasks have been dropped */
        return;
    d.now = awl_loop_time(loop);
    survey(&d);
    for (int i = 0; i < 2;
         i++) { /* first those that nobody waits for; then what is left, as it is too deep or in a ring */
        for (awl__block *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
            awl_task *task = awl__task_at(at);

            if (!awl_task_done(task) && !(task->entry.flags_ & (i ? SHOWN : SHOWN | A_CHILD)))
                show_task(&d, task);
        }
    }
    show_ready(&d);
    show_waiting(&d);
    show_done(&d);
}

/* ---- To a descriptor --------------------------------------------------------------------------------------------- */

typedef struct output {
    int fd;
    size_t len;
    char text[4096];
} output;

static void flush(output *out)
{
    size_t done = 0;

    while (done < out->len) {
        const ssize_t n = write(out->fd, out->text + done, out->len - done);

        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    out->len = 0;
}

static void put_line(void *arg, const char *text)
{
    output *out = arg;
    const size_t len = strlen(text);

    if (len + 1 > sizeof out->text - out->len)
        flush(out);
    memcpy(out->text + out->len, text, len);
    out->text[out->len + len] = '\n';
    out->len += len + 1;
}

void awl_dump(awl_loop *loop, int fd)
{
    output out = { .fd = fd };
    const int error = errno;

    awl_dump_lines(loop, put_line, &out);
    flush(&out);
    errno = error;
}
