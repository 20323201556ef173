/*
 * The log of awl-serve, on stderr, which never holds the server up. SPDX-License-Identifier: MIT
 */
#ifndef AWL_SERVE_LOG_H
#define AWL_SERVE_LOG_H

#include <awl.h>

/* One line in the common log format, for awl_http_on_access. */
void log_access(void *arg, const awl_request *request, int status, uint64_t bytes, awl_time took);

/* One line of other words: "awl-serve: WHAT: WHY". */
void log_report(const char *what, const char *why);

/* What is left of it, for up to a second; a hook for awl_http_on_cleanup. */
awl_coro log_end(awl_http_app *app, void *arg);

#endif
