/* What the library says: the names of errors, reports that nobody else can take, and the last words of a trap. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop_priv.h"

const char *awl_strerror(int error)
{
    switch (error) {
    case 0: return "no error";
    case ECANCELED: return "cancelled";
    case ETIMEDOUT: return "timed out";
    case EDEADLK: return "tasks wait for each other, or for what nobody will do: awl_dump shows it";
    case AWL_EINVALIDSTATE: return "the future is not in the right state: done already, or not done yet";
    case AWL_ESTOPPED: return "the loop was stopped before the task was done";
    case AWL_EOTHERLOOP: return "the task or future belongs to another loop";
    case AWL_EGROUP: return "tasks of the group failed";
    case AWL_ECLOSED: return "the timeout or group has not been entered, or is over";
    case AWL_EEND: return "there is nothing more";
    case AWL_EFORKED: return "the loop was opened before a fork: the child must open its own";
    case AWL_EPROTOCOL: return "the peer does not speak the protocol";
    case AWL_ELIMIT: return "more data than the limit allows";
    case AWL_EINCOMPLETE: return "the stream ended before what was promised";
    case AWL_ESTATUS: return "the HTTP status says failure";
    case AWL_EREDIRECT: return "too many redirects";
    case AWL_ENOHOST: return "no such host name";
    case AWL_EDNS: return "the name service has no answer now";
    case AWL_ENOTLOCKED: return "the lock is not locked";
    case AWL_EOVERRELEASE: return "the semaphore was released more often than it was acquired";
    case AWL_EBROKENBARRIER: return "the barrier was reset or aborted";
    case AWL_EQUEUEFULL: return "the queue is full";
    case AWL_EQUEUEEMPTY: return "the queue is empty";
    case AWL_EQUEUESHUTDOWN: return "the queue was shut down";
    case AWL_ETOOMANYDONE: return "more items of the queue are done than were put";
    case AWL_ETLS: return "the TLS connection failed";
    case AWL_ECERTIFICATE: return "the certificate is not accepted";
    case AWL_ESHUTDOWN: return "the executor was shut down";
    case AWL_ENOTHREAD: return "no thread could be started";
    case AWL_ENOWORKER: return "no worker process could be started";
    case AWL_EWORKEREXIT: return "the worker process exited in the middle of its job";
    case AWL_EWORKERKILLED: return "a signal ended the worker process in the middle of its job";
    case AWL_EINTERRUPTED: return "interrupted";
    case AWL_ETRUNCATED: return "the TLS connection was cut off: what came may be only a part";
    case AWL_ETRUST: return "there are no certificates to trust";
    case AWL_EKEY: return "the key or certificate cannot be used";
    default: return strerror(error);
    }
}

/* One line on stderr: where, who, what, why. */
static void print_report(const awl_report *report)
{
    fputs("awl: ", stderr);
    if (report->file && report->line)
        fprintf(stderr, "%s:%d: ", report->file, report->line);
    else if (report->file)
        fprintf(stderr, "%s: ", report->file);
    if (report->name)
        fprintf(stderr, "'%s': ", report->name);
    fputs(report->what, stderr);
    if (report->error)
        fprintf(stderr, " (error %d: %s)", report->error,
                report->message ? report->message : awl_strerror(report->error));
    if (report->raiser)
        fprintf(stderr, ", last raised in '%s' at %s:%d", report->raiser, report->raised_file, report->raised_line);
    fputc('\n', stderr);
}

void awl__report(awl_loop *loop, const awl_report *report)
{
    awl_report full = *report;

    if (full.error && !full.message)
        full.message = awl__error_find(loop, full.error);
    if (loop && full.error && full.error == loop->host.raised_) {
        full.raiser = loop->host.raiser_->name;
        full.raised_file = loop->host.raiser_->file;
        full.raised_line = loop->host.raised_line_;
    }
    if (loop && loop->options.report)
        loop->options.report(loop->options.report_arg, &full);
    else
        print_report(&full);
}

void awl__trap(const char *what, const char *file, int line)
{
    print_report(&(awl_report){ .what = what, .file = file, .line = line });
    abort();
}
