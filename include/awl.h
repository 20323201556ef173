/*
 * awl: await + loop, an asyncio for C. SPDX-License-Identifier: MIT
 *
 * The headers in reading order. Two vocabularies: `co_…` is the language, a dozen macros that may suspend or return for
 * you; `awl_…` is the library, plain functions and types that never hide control flow. Durations are nanoseconds,
 * written with units (250 * AWL_MS). Errors are errno numbers and awl's own, all named by awl_strerror. Names that end
 * in `_` are not yours.
 */
#ifndef AWL_H
#define AWL_H

#define AWL_VERSION "0.1.0"

#include "awl/coro.h" /* coroutines and generators; stands alone */
#include "awl/loop.h" /* the event loop, callbacks, timers, descriptors */
#include "awl/task.h" /* tasks, futures, sleep, gather, wait, timeouts */
#include "awl/sync.h" /* events, locks, semaphores, conditions, barriers, queues */
#include "awl/signals.h" /* signals: handlers on the loop, and waiting for them */
#include "awl/exec.h" /* blocking calls and computations in threads and processes: executors */
#include "awl/dns.h"  /* addresses, and names to addresses */
#include "awl/stream.h" /* streams: TCP, Unix sockets, pipes; servers */
#include "awl/datagram.h" /* UDP */
#include "awl/process.h" /* other programs */
#include "awl/file.h" /* files and folders */
#ifdef __has_include
#if __has_include("awl/tls.h") /* not where awl was built without TLS */
#include "awl/trust.h" /* whom TLS believes */
#include "awl/tls.h" /* TLS over streams */
#endif
#endif
#include "awl/http.h" /* HTTP: a client, a server, WebSockets */

#endif
