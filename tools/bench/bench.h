/* What the benchmarks share: each fills in a result, main prints it. */
#ifndef AWL_BENCH_H
#define AWL_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Arguments, and what is printed; a bench that changes n or depth (to what it really did) says so here. */
typedef struct bench {
    const char *name;
    int64_t n, depth;
    double seconds;    /* of the measured part */
    int64_t ops;       /* what ns_per_op divides by; 0: n */
    char extra[512];   /* further members, each beginning with ", " */
} bench;

typedef struct bench_entry {
    const char *name;
    int (*run)(bench *b); /* 0, or an error for awl_strerror */
    int64_t n, depth;     /* defaults */
    const char *what;
} bench_entry;

extern const bench_entry coro_benches[], datagram_benches[], exec_benches[], file_benches[], process_benches[],
    subprocess_benches[], sync_benches[], task_benches[], tls_benches[]; /* end with a NULL name */

double bench_now(void);      /* seconds, monotonic */
long bench_rss_kb(void);     /* resident set of this process */
void bench_add(bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
