/*
 * Names of files, and lines of progress, for awl-get. SPDX-License-Identifier: MIT
 */
#include "awl-get.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- Names --------------------------------------------------------------------------------------------------- */

static int digit_of(char c) { return isdigit((unsigned char)c) ? c - '0' : (tolower((unsigned char)c) - 'a') + 10; }

/* The last part of a URL's path, decoded, as far as it can be a name: no separators, nothing hidden, no option. */
static void name_of(const char *url, char *name)
{
    awl_url parts;
    const char *at, *end;
    size_t len = 0;

    if (awl_url_parse(url, &parts) == 0 && parts.path.len > 0) {
        end = parts.path.at + parts.path.len;
        for (at = end; at > parts.path.at && at[-1] != '/';)
            at--;
        for (; at < end && len < NAME_CAP - 24; at++) {
            unsigned char c = (unsigned char)*at;

            if (c == '%' && end - at > 2) { /* awl_url_parse has seen that two digits follow */
                c = (unsigned char)(digit_of(at[1]) << 4 | digit_of(at[2]));
                at += 2;
            }
            name[len++] = (char)(c < ' ' || c == 127 || c == '/' || c == '\\' ? '_' : c);
        }
    }
    name[len] = '\0';
    if (!len)
        strcpy(name, "index.html");
    if (*name == '.' || *name == '-')
        *name = '_';
    /* A name of ours for what is not whole must be nobody's name. */
    len = strlen(name);
    if (len >= 5 && !strcmp(name + len - 5, ".part"))
        strcpy(name + len, "_");
}

/* The place in a table of 2^n jobs where this name is, or would be. */
static struct job **place_of(struct job **table, size_t size, const char *name)
{
    size_t at = 2166136261u; /* FNV-1a */

    for (const char *c = name; *c; c++)
        at = (at ^ (unsigned char)*c) * 16777619u;
    for (at &= size - 1; table[at] && strcmp(table[at]->name, name) != 0;)
        at = (at + 1) & (size - 1);
    return table + at;
}

int show_names(struct job *jobs, size_t count)
{
    struct job **table, **place;
    size_t size = 4;

    while (size < 2 * count)
        size *= 2;
    table = calloc(size, sizeof *table);
    if (!table)
        return ENOMEM;

    /* The second index.html is index.html.1. */
    for (size_t i = 0; i < count; i++) {
        struct job *first;
        char name[NAME_CAP - 12];

        name_of(jobs[i].url, name);
        first = *(place = place_of(table, size, name));
        snprintf(jobs[i].name, NAME_CAP, "%s", name);
        while (*place) {
            snprintf(jobs[i].name, NAME_CAP, "%s.%d", name, ++first->copies);
            place = place_of(table, size, jobs[i].name);
        }
        *place = &jobs[i];
    }
    free(table);
    return 0;
}

/* ---- Progress ------------------------------------------------------------------------------------------------- */

static int drawn; /* lines of the terminal that are ours, above the cursor */

/* "512 B", "1.5 MB": at most 8 characters. */
static const char *size_text(double bytes, char text[24])
{
    static const char units[][3] = { "B", "kB", "MB", "GB", "TB", "PB" };
    int unit = 0;

    for (; bytes >= 1000 && unit < 5; unit++)
        bytes /= 1000;
    snprintf(text, 24, "%.*f %s", unit && bytes < 100 ? 1 : 0, bytes, units[unit]);
    return text;
}

/* "12 MB of 40 MB, 3.1 MB/s, 9 s left". */
static void describe(char *text, size_t cap, double got, double length, double rate, double left)
{
    char a[24], b[24], c[24];
    int n = snprintf(text, cap, "%s", size_text(got, a));

    if (length >= 0)
        n += snprintf(text + n, cap - (size_t)n, " of %s", size_text(length, b));
    n += snprintf(text + n, cap - (size_t)n, ", %s/s", size_text(rate, c));
    if (left >= 0 && left < 360000)
        snprintf(text + n, cap - (size_t)n, ", %.0f s left", left);
}

static double seconds_since(awl_time then)
{
    const double passed = (double)(awl_loop_time(NULL) - then) / (double)AWL_SECOND;

    return passed > 0.001 ? passed : 0.001;
}

/* What all have brought, and when all will be there: by bytes if every length is known, else by files. */
static void describe_all(const struct progress *all, char *text, size_t cap)
{
    const double passed = seconds_since(all->started);
    double got = 0, fresh = 0, length = 0, left = -1;
    bool known = all->begun == all->count;
    int n;

    for (size_t i = 0; i < all->begun; i++) {
        const struct job *job = &all->jobs[i];

        got += (double)job->got;
        fresh += (double)(job->got - job->from);
        length += job->finished ? (double)job->got : (double)job->length;
        known = known && (job->finished || job->length >= 0);
    }
    if (known && fresh > 0)
        left = (length - got) * passed / fresh;
    else if (!known && all->finished)
        left = passed * (double)(all->count - all->finished) / (double)all->finished;
    n = snprintf(text, cap, "total: %zu of %zu, ", all->finished, all->count);
    describe(text + n, cap - (size_t)n, got, known ? length : -1, fresh / passed, left);
}

static void erase(void)
{
    if (drawn)
        fprintf(stderr, "\033[%dA\r\033[J", drawn);
    drawn = 0;
}

/* Bytes of a character that may go to a terminal: ASCII, or UTF-8 that is no control character; 0: it may not. */
static size_t shown(const char *at)
{
    const unsigned char *c = (const unsigned char *)at;
    const size_t n = c[0] < 0x80 ? 1 : c[0] >= 0xc2 && c[0] < 0xe0 ? 2 : c[0] >= 0xe0 && c[0] < 0xf0 ? 3 : 4;

    if (c[0] < ' ' || c[0] == 127 || (c[0] >= 0x80 && c[0] < 0xc2) || c[0] > 0xf4 || (c[0] == 0xc2 && c[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

/* Writes a text to stderr. Servers' words, and URLs that somebody else has listed, are not to command the terminal. */
static void say(const char *text)
{
    while (*text) {
        const size_t n = shown(text);

        if (n)
            fwrite(text, 1, n, stderr);
        else
            putc('?', stderr);
        text += n ? n : 1;
    }
}

/* Writes a line that is no wider than the terminal; what is not ASCII may be of any width. */
static void draw_line(char *text, int columns)
{
    if ((int)strlen(text) >= columns)
        text[columns - 1] = '\0';
    for (char *c = text; *c; c++)
        *c = *c < ' ' || *c > '~' ? '?' : *c;
    fprintf(stderr, "%s\n", text);
    drawn++;
}

static void draw(const struct progress *all)
{
    struct winsize size = { .ws_row = 0 };
    char text[400], state[120];
    int rows, columns;

    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    rows = size.ws_row > 2 ? size.ws_row - 2 : 22;
    columns = size.ws_col > 20 ? size.ws_col : 80;
    erase();
    for (size_t i = 0; i < all->begun && drawn < rows; i++) {
        const struct job *job = &all->jobs[i];
        const double fresh = (double)(job->got - job->from);
        const char *host = strstr(job->url, "://");
        double rate;

        if (!job->active)
            continue;
        rate = fresh / seconds_since(job->started);
        describe(state, sizeof state, (double)job->got, (double)job->length, rate,
                 job->length >= 0 && rate > 0 ? (double)(job->length - job->got) / rate : -1);
        snprintf(text, sizeof text, "%-32.*s %s", columns > 80 ? columns - 48 : 32,
                 *job->name ? job->name : host ? host + 3 : job->url, state);
        draw_line(text, columns);
    }
    describe_all(all, text, sizeof text);
    draw_line(text, columns);
}

co_def(show, { const struct progress *all; char text[200]; })
{
    co_begin;
    for (;;) {
        co_await(awl_sleep(self->all->live ? 200 * AWL_MS : AWL_SECOND));
        if (self->all->live) {
            draw(self->all);
        } else {
            describe_all(self->all, self->text, sizeof self->text);
            fprintf(stderr, "%s\n", self->text);
        }
    }
    co_end;
}

AWL_CORO show_progress(const struct progress *all) { return co_call(show, .all = all); }

void show_end(const struct progress *all, const struct job *job)
{
    const char *why = job->why ? job->why : job->local ? awl_strerror(job->error) : awl_error_message(job->error);
    const size_t len = strlen(job->url);

    erase();
    if (!job->error && all->quiet)
        return;
    if (job->error)
        fputs("awl-get: ", stderr);
    if (job->error && (job->local || strncmp(why, job->url, len) != 0 || why[len] != ':')) { /* else it names the URL */
        say(job->url);
        fputs(": ", stderr);
    }
    if (!job->error || job->local)
        say(*job->name ? job->name : job->error ? "what came" : job->url);
    if (job->error && job->local)
        fputs(": ", stderr);
    if (job->error)
        say(why);
    else
        fprintf(stderr, ": %lld bytes", (long long)job->got);
    putc('\n', stderr);
}

void show_failure(const char *what, int error)
{
    erase();
    if (error)
        fprintf(stderr, "awl-get: %s: %s\n", what, strerror(error));
    else
        fprintf(stderr, "awl-get: %s\n", what);
}

void show_total(const struct progress *all)
{
    const double passed = seconds_since(all->started);
    double fresh = 0;
    char a[24], b[24];

    erase();
    if (all->quiet)
        return;
    for (size_t i = 0; i < all->count; i++)
        fresh += (double)(all->jobs[i].got - all->jobs[i].from);
    fprintf(stderr, "total: %zu of %zu arrived, %s in %.2f s, %s/s\n", all->count - all->failed, all->count,
            size_text(fresh, a), passed, size_text(fresh / passed, b));
}
