/*
 * client_awl URL N AT_ONCE: gets a URL N times, AT_ONCE at a time over one session, and prints how many bodies came,
 * their bytes, and the CPU seconds that took.
 */
#define _POSIX_C_SOURCE 200809L
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static awl_http_session *session;
static const char *url;
static long left, done;
static uint64_t bytes;

co_def(worker, { awl_response *r; size_t len; char *text; })
{
    co_begin;
    while (left-- > 0) {
        co_let(self->r, awl_http_get(session, url, NULL));
        co_let(self->text, awl_response_read_all(self->r, &self->len));
        done += awl_response_status(self->r) == 200;
        bytes += self->len;
        awl_response_close(self->r);
        self->r = NULL;
    }
    co_finally;
    awl_response_close(self->r);
    co_end;
}

co_def(all, { int at_once, i; awl_task_group group; })
{
    co_begin;
    session = awl_http_session_new(NULL);
    awl_task_group_enter(&self->group);
    for (self->i = 0; self->i < self->at_once; self->i++)
        awl_task_group_spawn(&self->group, co_call(worker));
    co_finally;
    co_await(awl_task_group_exit(&self->group, co_failing));
    awl_http_session_close(session);
    co_end;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

int main(int argc, char **argv)
{
    struct rusage usage;
    int error;

    if (argc != 4) {
        fprintf(stderr, "usage: %s URL N AT_ONCE\n", argv[0]);
        return 2;
    }
    url = argv[1];
    left = atol(argv[2]);
    error = awl_run(co_call(all, .at_once = atoi(argv[3])));
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld %llu %.3f\n", done, (unsigned long long)bytes, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    return error != 0;
}
