/* In the place of bench_tls.c, where awl is built without TLS. */
#include "bench.h"

const bench_entry tls_benches[] = { { NULL, NULL, 0, 0, NULL } };
