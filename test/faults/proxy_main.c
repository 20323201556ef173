/*
 * awl-fault-proxy: a TCP proxy on loopback that makes things go wrong.
 *
 *     awl-fault-proxy --listen PORT --to PORT [--step N] [WAY] [--chunk N] [--delay MS] [--FAULT-at N] …
 *
 *   --listen PORT    where it listens; 0: the kernel picks one. It prints `listening on 127.0.0.1:PORT`
 *   --to PORT        where it connects to for each connection
 *   --forth, --back  what follows is about the bytes from who connected, which is so at first; to it
 *   --chunk N        N bytes pass at once
 *   --delay MS       milliseconds between two chunks
 *   --FAULT-at N     once N bytes have passed that way: reset, cut (both are closed), end (that way is), silence (nothing
 *                    passes any more), flip (the lowest bit of the next byte), garbage (some bytes are added)
 *   --step N         with each further connection, faults come N bytes later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"

static int usage(void)
{
    fprintf(stderr, "usage: awl-fault-proxy --listen PORT --to PORT [--step N] [--forth | --back] [--chunk N] [--delay MS] "
                    "[--reset-at N | --cut-at N | --end-at N | --silence-at N | --flip-at N | --garbage-at N]\n");
    return 2;
}

/* The fault of `--NAME-at`; FAULT_KINDS if it is none. */
static fault_kind fault_of(const char *option)
{
    char name[32];
    const size_t len = strlen(option);

    if (strncmp(option, "--", 2) != 0 || len < 6 || len - 4 > sizeof name || strcmp(option + len - 3, "-at") != 0)
        return FAULT_KINDS;
    snprintf(name, sizeof name, "%.*s", (int)len - 5, option + 2);
    return fault_named(name);
}

/* Takes an option with a number. false: there is no such option. */
static bool take(fault_proxy *proxy, fault_way *way, const char *option, unsigned long n)
{
    if (!strcmp(option, "--listen"))
        proxy->port = (int)n;
    else if (!strcmp(option, "--to"))
        proxy->to = (int)n;
    else if (!strcmp(option, "--step"))
        proxy->step = n;
    else if (!strcmp(option, "--chunk"))
        way->chunk = n;
    else if (!strcmp(option, "--delay"))
        way->delay = (int64_t)n * 1000000;
    else if (fault_of(option) < FAULT_KINDS)
        way->kind = fault_of(option), way->at = n;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    fault_proxy proxy = { .to = 0 };
    fault_way *way = &proxy.plan.way[FAULT_FORTH];

    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        unsigned long n;

        if (!strcmp(argv[i], "--forth") || !strcmp(argv[i], "--back")) {
            way = &proxy.plan.way[argv[i][2] == 'b' ? FAULT_BACK : FAULT_FORTH];
            continue;
        }
        n = i + 1 < argc ? strtoul(argv[i + 1], &end, 10) : 0;
        if (!end || end == argv[i + 1] || *end || !take(&proxy, way, argv[i], n))
            return usage();
        i++;
    }
    if (!proxy.to)
        return usage();
    if (fault_proxy_listen(&proxy)) {
        perror("awl-fault-proxy");
        return 1;
    }
    printf("listening on 127.0.0.1:%d\n", proxy.port);
    fflush(stdout);
    fault_proxy_run(&proxy);
}
