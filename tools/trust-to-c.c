/*
 * Certificates to compile in: writes those of PEM files and folders as a C constant for awl_trust_from_anchors.
 *
 *     awl-trust-to-c [-n NAME] CA.pem... > anchors.c        NAME: of the constant; `anchors` unless given
 *
 * The program then says `extern const awl_anchors NAME;`. The constant takes no RAM. It is the same whatever machine it
 * is made on, so awl-trust-to-c may run where the program is built.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "awl/task.h"
#include "trust/trust_priv.h"

static void print_bytes(const unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s%u,", i % 24 ? "" : "\n    ", at[i]);
}

/* The head, then each anchor below its name. */
static int print_data(const awl_trust *trust, const char *name)
{
    const awl__span data = awl__trust_data(trust);
    size_t at = 0, begin = AWL__ANCHORS_HEAD;
    char subject[200], until[40];
    awl__anchor anchor;

    printf("/* %zu trust anchors, by awl-trust-to-c. */\n#include <awl/trust.h>\n\n", awl_trust_count(trust));
    printf("static const unsigned char %s_data[] = {", name);
    print_bytes(data.at, begin);
    for (; awl__trust_next(trust, &at, &anchor); begin = at) {
        /* A name may not end the comment that it stands in. */
        awl__name_text(anchor.subject, subject, sizeof subject);
        for (char *c = subject; (c = strpbrk(c, "*/\\?")) != NULL;)
            *c = '.';
        printf("\n    /* %s, until %s */", subject, awl__time_text(anchor.not_after, until, sizeof until));
        print_bytes(data.at + begin, at - begin);
    }
    printf("\n};\nconst awl_anchors %s = { %s_data, sizeof %s_data };\n", name, name, name);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : EIO;
}

co_def(convert, { const char *name; const char *const *paths; size_t n; awl_trust *trust; int rc; })
{
    co_begin;
    self->trust = awl__trust_from_paths(self->paths, self->n);
    self->rc = self->trust ? print_data(self->trust, self->name) : errno;
    if (self->rc)
        fprintf(stderr, "awl-trust-to-c: %s\n", awl_error_message(self->rc));
    else if (awl_trust_skipped(self->trust))
        fprintf(stderr, "awl-trust-to-c: %zu certificates are of a kind that awl cannot use\n",
                awl_trust_skipped(self->trust));
    awl_trust_release(self->trust);
    co_return (self->rc != 0);
    co_end;
}

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return !*text;
}

int main(int argc, char **argv)
{
    const char *name = "anchors";
    awl_value failed = { .i = 1 };
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        name = argv[2];
        first = 3;
    }
    if (argc <= first || argv[first][0] == '-' || !is_name(name)) {
        fputs("usage: awl-trust-to-c [-n NAME] CA.pem... > anchors.c\n", stderr);
        return 2;
    }
    if (awl_run_with(
            co_call(convert, .name = name, .paths = (const char *const *)argv + first, .n = (size_t)(argc - first)),
            NULL, &failed) != 0)
        return 1;
    return failed.i != 0;
}
