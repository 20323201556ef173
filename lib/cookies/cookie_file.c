/* Cookies in files: Netscape's format, as curl writes it; see awl/cookies.h. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../loop/loop_priv.h"
#include "cookies_priv.h"
#include "../http/parser.h"

enum { FIELDS = 7, LONGEST = 3 * AWL__COOKIE_MOST };

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* "domain TAB below TAB path TAB secure TAB end TAB name TAB value". 0, also for what is no cookie; ENOMEM. */
static int take_line(awl_cookie_jar *jar, char *line)
{
    awl__cookie_line c = { .expires = INT64_MAX };
    awl_url_part *field[FIELDS] = { &c.domain, NULL, &c.path, NULL, NULL, &c.name, &c.value };
    const char *words[FIELDS], *at = line;
    size_t lens[FIELDS];
    int64_t end;

    line[strcspn(line, "\r\n")] = '\0';
    c.http_only = strncmp(at, "#HttpOnly_", 10) == 0;
    at += c.http_only ? 10 : 0;
    if (*at == '#' || !*at)
        return 0;
    for (int i = 0; i < FIELDS; i++) {
        words[i] = at;
        lens[i] = strcspn(at, "\t");
        at += lens[i];
        if (i < FIELDS - 1 && *at++ != '\t')
            return 0;
        if (field[i])
            *field[i] = (awl_url_part){ words[i], lens[i] };
    }
    if (c.domain.len && c.domain.at[0] == '.')
        c.domain = (awl_url_part){ c.domain.at + 1, c.domain.len - 1 };
    if (*at || !c.domain.len || !c.name.len || c.path.at[0] != '/' || !awl__http_is_value(line, strlen(line)) ||
        strchr(c.value.at, ';') || memchr(c.name.at, '=', c.name.len))
        return 0;
    c.secure = lens[3] == 4 && strncmp(words[3], "TRUE", 4) == 0;
    end = strtoll(words[4], NULL, 10);
    c.expires = end ? end : INT64_MAX;
    return awl__jar_put(jar, &c, !(lens[1] == 4 && strncmp(words[1], "TRUE", 4) == 0));
}

int awl_cookie_jar_load(awl_cookie_jar *jar, const char *path)
{
    char line[LONGEST];
    int error = 0;
    FILE *f;

    if (!jar || !path)
        return EINVAL;
    f = fopen(path, "re");
    if (!f)
        return errno;
    while (!error && fgets(line, sizeof line, f)) {
        if (strchr(line, '\n') || feof(f)) {
            error = take_line(jar, line);
            continue;
        }
        while (fgets(line, sizeof line, f) && !strchr(line, '\n')) /* too long to be one */
            ;
    }
    if (!error && ferror(f))
        error = EIO;
    fclose(f);
    return error;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

static bool put_line(FILE *f, const awl__cookie *c)
{
    return fprintf(f, "%s%s%s\t%s\t%s\t%s\t%" PRId64 "\t%s\t%s\n", c->http_only ? "#HttpOnly_" : "",
                   c->host_only ? "" : ".", c->domain, c->host_only ? "FALSE" : "TRUE", c->path,
                   c->secure ? "TRUE" : "FALSE", c->expires == INT64_MAX ? 0 : c->expires, c->name, c->value) > 0;
}

/* All lines. 0 or the error. */
static int put_all(const awl_cookie_jar *jar, FILE *f)
{
    const int64_t now = awl__jar_now(jar);
    bool good = fputs("# Netscape HTTP Cookie File\n", f) >= 0;

    for (const awl__cookie *c = jar->first; c && good; c = c->next)
        good = c->expires <= now || put_line(f, c);
    errno = 0;
    if (fclose(f) != 0 || !good)
        return errno ? errno : EIO;
    return 0;
}

int awl_cookie_jar_save(const awl_cookie_jar *jar, const char *path)
{
    const size_t size = path ? strlen(path) + 8 : 0;
    char *temporary = jar && path ? awl__alloc(jar->loop, size) : NULL;
    FILE *f = NULL;
    int fd, error = 0;

    if (!jar || !path)
        return EINVAL;
    if (!temporary)
        return ENOMEM;
    snprintf(temporary, size, "%s.XXXXXX", path);
    fd = mkstemp(temporary); /* which only its owner can read */
    if (fd < 0)
        error = errno;
    else if (!(f = fdopen(fd, "w")))
        error = errno, close(fd);
    else
        error = put_all(jar, f);
    if (!error && rename(temporary, path) != 0)
        error = errno;
    if (error && fd >= 0)
        unlink(temporary);
    awl__free(jar->loop, temporary, size);
    return error;
}
