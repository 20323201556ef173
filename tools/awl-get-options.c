/*
 * The command line of awl-get. SPDX-License-Identifier: MIT
 */
#include "awl-get.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: awl-get [options] URL...\n"
                            "  -j, --jobs N      so many at once (16)\n"
                            "  -P, --folder DIR  where the files go, made if need be (here)\n"
                            "  -O, --output -    all to stdout, in the order of the URLs\n"
                            "      --discard     nowhere\n"
                            "  -C, --continue    go on with what an earlier run has left\n"
                            "      --retries N   so many times more, after 1, 2, 4... seconds (0)\n"
                            "      --sums FILE   what each is to be: the SHA-256 of its name, as sha256sum writes it\n"
                            "      --timeout S   seconds to connect, and between two pieces (60)\n"
                            "      --cacert FILE whom to believe in https, instead of the system's\n"
                            "      --progress    a line of progress each second, even if stderr is no terminal\n"
                            "      --quiet       failures only\n"
                            "      --version, --help\n";

int options_misused(const char *what, const char *why)
{
    fprintf(stderr, "awl-get: %s: %s\nTry awl-get --help.\n", what, why);
    return 2;
}

static bool parse_count(const char *text, long least, long most, long *n)
{
    char *end;

    errno = 0;
    *n = strtol(text, &end, 10);
    return end != text && !*end && !errno && *n >= least && *n <= most;
}

/* see awl-get.h */
int options_parse(struct options *opt, int argc, char **argv)
{
    enum { DISCARD = 256, CACERT, SUMS, TIMEOUT, RETRIES, PROGRESS, QUIET, VERSION_, HELP };
    static char here[] = ".";
    static const struct option options[] = {
        { "jobs", 1, NULL, 'j' },           { "folder", 1, NULL, 'P' },         { "output", 1, NULL, 'O' },
        { "continue", 0, NULL, 'C' },       { "discard", 0, NULL, DISCARD },    { "cacert", 1, NULL, CACERT },
        { "sums", 1, NULL, SUMS },          { "timeout", 1, NULL, TIMEOUT },    { "retries", 1, NULL, RETRIES },
        { "progress", 0, NULL, PROGRESS },  { "quiet", 0, NULL, QUIET },        { "version", 0, NULL, VERSION_ },
        { "help", 0, NULL, HELP },          { NULL, 0, NULL, 0 },
    };
    char *end;

    *opt = (struct options){ .folder = here, .jobs = 16, .timeout = 60 };
    for (int c; (c = getopt_long(argc, argv, "j:P:O:C", options, NULL)) != -1;)
        switch (c) {
        case 'j':
            if (!parse_count(optarg, 1, 10000, &opt->jobs))
                return options_misused(optarg, "-j takes a number from 1 to 10000");
            break;
        case 'P':
            if (!*(opt->folder = optarg))
                return options_misused("-P", "no folder");
            break;
        case 'O':
            if (strcmp(optarg, "-") != 0)
                return options_misused(optarg, "-O takes only -, which is stdout");
            opt->to_stdout = true;
            break;
        case 'C': opt->go_on = true; break;
        case DISCARD: opt->discard = true; break;
        case CACERT: opt->ca_file = optarg; break;
        case SUMS: opt->sums = optarg; break;
        case TIMEOUT:
            opt->timeout = strtod(optarg, &end);
            if (end == optarg || *end || !(opt->timeout >= 0.001 && opt->timeout <= 1e6))
                return options_misused(optarg, "--timeout takes seconds, from 0.001 to 1000000");
            break;
        case RETRIES:
            if (!parse_count(optarg, 0, 1000, &opt->retries))
                return options_misused(optarg, "--retries takes a number from 0 to 1000");
            break;
        case PROGRESS: opt->often = true; break;
        case QUIET: opt->quiet = true; break;
        case VERSION_: puts("awl-get " VERSION); return 0;
        case HELP: fputs(usage, stdout); return 0;
        default: fputs("Try awl-get --help.\n", stderr); return 2;
        }
    if (optind == argc)
        return options_misused("no URL", "nothing to do");
    if (opt->to_stdout && opt->discard)
        return options_misused("-O - and --discard", "one or the other");
    if (opt->sums && (opt->to_stdout || opt->discard))
        return options_misused("--sums", "is of files, which -O - and --discard do not make");
    if (opt->quiet && opt->often)
        return options_misused("--progress and --quiet", "one or the other");
    opt->first = optind;
    return -1;
}
