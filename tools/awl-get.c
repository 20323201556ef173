/*
 * awl-get: downloads URLs, many at once. See awl-get.1. SPDX-License-Identifier: MIT
 *
 * As many workers as -j says take one URL after the other. What comes goes to NAME.part, which gets its name when it is
 * whole; for -O -, to a file without a name, from where a thread copies it when its turn has come.
 */
#include "awl-get.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AHEAD = 256 }; /* for -O -: how many downloads may be before the one whose turn it is */

static struct job *jobs;
static struct progress all;
static struct options opt;
static awl_http_session *session;
static int folder = -1;
static size_t copied;            /* for -O -: downloads that are on stdout */
static awl_event landed, turned; /* and that one more has come, and has been copied */

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static bool to_file(void) { return !opt.to_stdout && !opt.discard; }

static const char *part_of(const struct job *job, char part[NAME_CAP + 8])
{
    snprintf(part, NAME_CAP + 8, "%s.part", job->name);
    return part;
}

/* 0, or the error of a call that says -1. */
static int error_of(int rc) { return rc < 0 ? errno : 0; }

/* Opens where a body goes, for what is from `from` on. -1 where it goes nowhere. */
static int open_output(struct job *job, int64_t from, int *fd)
{
    char part[NAME_CAP + 8];

    if (opt.discard)
        return 0;
    if (opt.to_stdout) {
        if (!job->spool)
            job->spool = tmpfile();
        *fd = job->spool ? dup(fileno(job->spool)) : -1;
    } else {
        *fd = openat(folder, part_of(job, part), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    }
    if (*fd < 0 || ftruncate(*fd, (off_t)from) || lseek(*fd, (off_t)from, SEEK_SET) < 0)
        return errno;
    return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        const ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR)
            return errno;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Whether a file is what --sums says. Errors: EBADMSG, and the job says why; what reading it brought. */
co_def(check_sum, { struct job *job; const char *name; int fd; ssize_t n; struct sum sum; char buf[32768]; })
{
    const char *wanted;
    char text[SUM_TEXT];

    co_begin;
    self->job->why = "it is not in the list of --sums";
    if (!sums_find(self->job->name))
        co_raise(EBADMSG);
    self->job->why = NULL;
    self->fd = openat(folder, self->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (self->fd < 0)
        co_raise(errno);
    sum_begin(&self->sum);
    while ((self->n = read(self->fd, self->buf, sizeof self->buf)) > 0) {
        sum_add(&self->sum, self->buf, (size_t)self->n);
        co_await(awl_sleep(0)); /* the others go on */
    }
    if (self->n < 0)
        co_raise(errno);
    sum_end(&self->sum, text);
    wanted = sums_find(self->job->name);
    if (strcmp(text, wanted) != 0) {
        self->job->why = "it is not what --sums says: its SHA-256 is another";
        co_raise(EBADMSG);
    }
    co_finally;
    if (self->fd >= 0)
        close(self->fd);
    co_end;
}

/* What came is whole: it gets its name, if it is what it is to be. What is not is of no use to anybody; but that may be
 * only because an earlier run had begun with something else. */
co_def(name_whole, { struct job *job; char part[NAME_CAP + 8]; int error; })
{
    co_begin;
    if (!to_file())
        co_return(0);
    part_of(self->job, self->part);
    if (opt.sums)
        co_try(self->error, co_call(check_sum, .job = self->job, .name = self->part, .fd = -1));
    if (self->error == EBADMSG) {
        self->job->restart = self->job->from != 0;
        unlinkat(folder, self->part, 0);
    }
    if (!self->error)
        self->error = error_of(renameat(folder, self->part, folder, self->job->name));
    if (self->error)
        co_raise(self->error);
    co_end;
}

/* How much of it an earlier run, or attempt, has left. */
static int64_t left_by_earlier(const struct job *job)
{
    char part[NAME_CAP + 8];
    struct stat st;

    if (!opt.go_on || !to_file() || job->restart || fstatat(folder, part_of(job, part), &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    return S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0;
}

/* An empty NAME.part is of no use to anybody. */
static void drop_empty(const struct job *job)
{
    char part[NAME_CAP + 8];
    struct stat st;

    if (to_file() && !fstatat(folder, part_of(job, part), &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
        !st.st_size)
        unlinkat(folder, part, 0);
}

/* In a thread: whoever reads stdout may take his time. */
static int copy_spool(void *arg, awl_result *result)
{
    FILE *spool = arg;
    char buf[65536];
    size_t n;

    (void)result;
    rewind(spool);
    while ((n = fread(buf, 1, sizeof buf, spool)) > 0) {
        const int error = write_all(STDOUT_FILENO, buf, n);

        if (error)
            return error;
    }
    return ferror(spool) ? EIO : 0;
}

/* For -O -: copies what is whole to stdout, in turn. If that fails, nothing else is of use. */
co_def(copy_all, { struct job *job; int error; })
{
    co_begin;
    for (; copied < all.count; copied++) {
        self->job = &jobs[copied];
        while (!self->job->finished) {
            awl_event_clear(&landed);
            co_await(awl_event_wait(&landed));
        }
        if (self->job->spool && !self->job->error) {
            co_try(self->error, awl_run_in_executor(NULL, copy_spool, self->job->spool));
            self->job->error = self->error;
        }
        if (self->job->spool)
            fclose(self->job->spool);
        self->job->spool = NULL;
        if (self->error) {
            show_failure("stdout", self->error);
            co_raise(self->error);
        }
        awl_event_set(&turned);
    }
    co_end;
}

/* ---- A download -------------------------------------------------------------------------------------------------- */

/* The number behind the '/' of "bytes 0-4/10", "bytes *" + "/10"; -1 if there is none. */
static int64_t whole_length(const awl_response *r)
{
    const char *range = awl_response_field(r, "Content-Range"), *slash = range ? strchr(range, '/') : NULL;
    char *end;
    long long n;

    if (!slash || slash[1] < '0' || slash[1] > '9')
        return -1;
    errno = 0;
    n = strtoll(slash + 1, &end, 10);
    return errno || *end ? -1 : n;
}

/* Remembers what the bytes are of, if that can be asked for again (RFC 9110, 13.1.5: no weak one). */
static void remember_etag(struct job *job, const awl_response *r)
{
    const char *etag = awl_response_field(r, "ETag");

    job->etag[0] = '\0';
    if (etag && *etag == '"' && strlen(etag) < sizeof job->etag)
        strcpy(job->etag, etag);
}

/* Reads the body of a response to where it goes. */
co_def(take_body, { struct job *job; awl_response *r; int64_t from; int fd, n; char buf[16384]; })
{
    co_begin;
    self->fd = -1;
    self->job->local = true;
    if ((self->n = open_output(self->job, self->from, &self->fd)))
        co_raise(self->n);
    self->job->local = false;
    for (;;) {
        co_let(self->n, awl_response_read(self->r, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        self->job->got += self->n;
        if (self->fd >= 0 && (self->n = write_all(self->fd, self->buf, (size_t)self->n))) {
            self->job->local = true;
            co_raise(self->n);
        }
    }
    if (self->job->length >= 0 && self->job->got != self->job->length) /* of 206: a part of what is left */
        co_raise(AWL_EINCOMPLETE);
    self->n = self->fd;
    self->fd = -1;
    self->job->local = true;
    if (self->n >= 0 && close(self->n))
        co_raise(errno);
    co_await(co_call(name_whole, .job = self->job));
    self->job->local = false;
    co_finally;
    if (self->fd >= 0)
        close(self->fd);
    co_end;
}

co_def(attempt, { struct job *job; awl_response *r; awl_http_pair pairs[2]; int64_t offset, at; })
{
    co_begin;
    self->offset = self->job->from = self->job->got = left_by_earlier(self->job);
    self->job->length = -1;
    self->job->local = self->job->restart = false;
    self->job->why = NULL;
    self->job->started = awl_loop_time(NULL);
    self->job->status = 0;
    if (self->offset && self->job->etag[0])
        self->pairs[0] = (awl_http_pair){ "If-Range", self->job->etag };
    co_let(self->r, awl_http_get(session, self->job->url,
                                 &(awl_http_request_options){ .offset = (uint64_t)self->offset,
                                                              .headers = self->pairs }));
    self->job->status = awl_response_status(self->r);
    self->at = awl_response_offset(self->r);

    /* 416: there is nothing behind what we have; it is whole, or it is of something else. */
    if (self->offset && self->job->status == 416) {
        self->job->length = whole_length(self->r);
        if (self->job->length == self->offset) {
            self->job->local = true;
            co_await(co_call(name_whole, .job = self->job));
            co_return(0);
        }
        self->job->restart = true;
    }
    if (awl_response_check(self->r))
        co_raise(AWL_ESTATUS);
    if (self->at && self->at != self->offset) {
        self->job->restart = self->offset != 0;
        co_raise(AWL_EPROTOCOL);
    }

    self->job->from = self->job->got = self->at;
    if (self->job->status == 206)
        self->job->length = whole_length(self->r);
    else if (awl_response_length(self->r) >= 0)
        self->job->length = awl_response_length(self->r);
    remember_etag(self->job, self->r);
    co_await(co_call(take_body, .job = self->job, .r = self->r, .from = self->at));
    co_finally;
    awl_response_close(self->r);
    co_end;
}

/* Whether it may go better next time. */
static bool is_passing(const struct job *job)
{
    const int e = job->error, status = job->status;

    if (e == AWL_ESTATUS)
        return status == 408 || status == 429 || status >= 500;
    return !job->local && e != AWL_ECERTIFICATE && e != AWL_ETRUST && e != AWL_EREDIRECT && e != EINVAL &&
           e != EPROTONOSUPPORT && e != ECANCELED;
}

/* All attempts of one: pauses of 1 s, 2 s, 4 s up to 32 s lie between them. */
co_def(download, { struct job *job; int tries, anew; })
{
    co_begin;
    for (;;) {
        co_try(self->job->error, co_call(attempt, .job = self->job));
        if (self->job->error && self->job->restart && !self->anew++)
            continue;
        if (!self->job->error || !is_passing(self->job) || self->tries >= opt.retries)
            break;
        self->job->length = -1;
        co_await(awl_sleep((awl_time)(1 << (self->tries < 5 ? self->tries : 5)) * AWL_SECOND));
        self->tries++;
    }
    co_end;
}

/* -C: a file has its name only if it is whole. */
static bool is_there(struct job *job)
{
    struct stat st;

    if (!opt.go_on || !to_file() || fstatat(folder, job->name, &st, 0) || !S_ISREG(st.st_mode))
        return false;
    job->got = job->from = job->length = (int64_t)st.st_size;
    return true;
}

co_def(work, { struct job *job; int error; bool there; })
{
    co_begin;
    while (all.begun < all.count) {
        if (opt.to_stdout && all.begun >= copied + AHEAD) {
            awl_event_clear(&turned);
            co_await(awl_event_wait(&turned));
            continue;
        }
        self->job = &jobs[all.begun++];
        self->job->active = true;
        self->job->length = -1;
        self->there = is_there(self->job);
        if (self->there && opt.sums)
            co_try(self->error, co_call(check_sum, .job = self->job, .name = self->job->name, .fd = -1));
        if (!self->there || self->error) {
            self->error = 0;
            co_try(self->error, co_call(download, .job = self->job));
        }
        if (self->error && !self->job->error)
            self->job->error = self->error;
        self->error = 0;
        self->job->active = false;
        self->job->finished = true;
        all.finished++;
        if (self->job->error)
            drop_empty(self->job);
        show_end(&all, self->job);
        awl_event_set(&landed);
    }
    co_end;
}

/* ---- Signals ----------------------------------------------------------------------------------------------------- */

static int told[2]; /* a pipe */
static volatile sig_atomic_t signal_number;

static void take_signal(int number)
{
    const int error = errno;

    signal_number = number;
    if (write(told[1], "", 1) < 0)
        signal_number = number; /* nobody can be told: the next signal is not caught */
    errno = error;
}

/* The first SIGINT, SIGTERM or SIGHUP is caught, but not by who was started to ignore it. 0 or the error. */
static int catch_signals(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction before, action = { .sa_handler = take_signal, .sa_flags = (int)SA_RESETHAND };

    signal(SIGPIPE, SIG_IGN); /* what cannot be written is an error, and is said */
    if (pipe2(told, O_NONBLOCK | O_CLOEXEC))
        return errno;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    return 0;
}

/* Leaves the terminal clean, and what has come for -C; then the signal has its way. */
static void interrupted(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < all.begun; i++)
        if (jobs[i].active)
            drop_empty(&jobs[i]);
    for (size_t i = 0; i < all.count; i++)
        all.failed += !jobs[i].finished || jobs[i].error;
    show_failure("interrupted", 0);
    show_total(&all);
    raise(signal_number);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

/* A context that believes those in --cacert; where awl has no TLS, an https URL says so itself. */
static int open_tls(awl_tls **tls)
{
#ifdef WITH_TLS
    awl_trust *trust;

    if (!opt.ca_file)
        return 0;
    trust = awl_trust_from_file(opt.ca_file);
    *tls = awl_tls_client(&(awl_tls_options){ .trust = trust });
    awl_trust_release(trust);
    return awl_tls_error(*tls);
#else
    (void)tls;
    return opt.ca_file ? EPROTONOSUPPORT : 0;
#endif
}

static void close_tls(awl_tls *tls)
{
#ifdef WITH_TLS
    awl_tls_release(tls);
#else
    (void)tls;
#endif
}

/* Returns the exit status. */
co_def(get_all, { awl_tls *tls; awl_task *progress; awl_task_group group; long i; int error; awl_time limit; })
{
    co_begin;
    if ((self->error = open_tls(&self->tls))) {
        fprintf(stderr, "awl-get: %s: %s\n", opt.ca_file, awl_error_message(self->error));
        co_return(2);
    }
    self->limit = (awl_time)(opt.timeout * (double)AWL_SECOND);
    session = awl_http_session_new(&(awl_http_session_options){
        .tls = self->tls,
        .user_agent = "awl-get/" VERSION,
        .raw = true, /* what a Range counts, and the file as it is */
        .limit = (int)opt.jobs,
        .timeouts = { .total = AWL_FOREVER, .connect = self->limit, .read = self->limit },
    });
    if (!session)
        co_raise(errno);
    awl_event_init(&landed);
    awl_event_init(&turned);
    self->error = awl_add_reader(NULL, told[0], interrupted, NULL);
    if (self->error)
        co_raise(self->error);
    all.started = awl_loop_time(NULL);
    if (all.live || all.often)
        self->progress = awl_create_task(show_progress(&all));
    awl_task_group_enter(&self->group);
    if (opt.to_stdout && (self->error = awl_task_group_spawn(&self->group, co_call(copy_all))))
        awl_task_group_cancel(&self->group); /* no memory */
    for (self->i = 0; self->i < opt.jobs && (size_t)self->i < all.count; self->i++)
        if (awl_task_group_spawn(&self->group, co_call(work)))
            break; /* no memory: those that are there do it all */
    co_try(self->error, awl_task_group_exit(&self->group, 0));

    awl_task_cancel(self->progress);
    for (size_t i = 0; i < all.count; i++)
        all.failed += !jobs[i].finished || jobs[i].error;
    show_total(&all);
    co_return(all.failed || self->error ? 1 : 0);
    co_finally;
    awl_remove_reader(NULL, told[0]);
    awl_task_release(self->progress);
    awl_event_fini(&landed);
    awl_event_fini(&turned);
    awl_http_session_close(session);
    close_tls(self->tls);
    co_end;
}

/* ---- The command line -------------------------------------------------------------------------------------------- */

/* Opens the folder, made with those above it if need be. 0 or the error. */
static int open_folder(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777); /* open says if that was in vain */
        *slash = '/';
    }
    mkdir(path, 0777);
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return error_of(folder);
}

/* A file of ours must not take the number of a standard one that is closed. Whether stdout was open. */
static bool open_standard(void)
{
    bool open_out = true;

    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0) {
            open_out = open_out && fd != STDOUT_FILENO;
            open("/dev/null", O_RDWR);
        }
    return open_out;
}

int main(int argc, char **argv)
{
    const bool can_print = open_standard();
    awl_value status = { .i = 1 };
    struct rlimit files;
    int rc;

    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a line is one write, whatever it is put together from */
    rc = options_parse(&opt, argc, argv);
    if (rc >= 0)
        return rc ? rc : fflush(stdout) || ferror(stdout);
    if (opt.to_stdout && !can_print)
        return options_misused("stdout", "it is closed");
    all.quiet = opt.quiet;
    all.often = opt.often;
    if (opt.sums && (rc = sums_read(opt.sums)))
        return options_misused(opt.sums, rc == EINVAL ? "a line is none that sha256sum writes" : strerror(rc));
    if (to_file() && (rc = open_folder(opt.folder)) > 0)
        return options_misused(opt.folder, strerror(rc));

    /* A connection and a file for each, as far as the system lets us. */
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    all.live = !all.quiet && isatty(STDERR_FILENO);
    all.count = (size_t)(argc - opt.first);
    all.jobs = jobs = calloc(all.count, sizeof *jobs);
    for (size_t i = 0; jobs && i < all.count; i++)
        jobs[i].url = argv[opt.first + (int)i];
    if (!jobs || (to_file() && show_names(jobs, all.count))) {
        fprintf(stderr, "awl-get: %s\n", strerror(ENOMEM));
        free(jobs);
        return 1;
    }
    rc = catch_signals();
    if (rc)
        return options_misused("signals", strerror(rc));
    rc = awl_run_with(co_call(get_all), NULL, &status);
    free(jobs);
    sums_free();
    if (folder >= 0)
        close(folder);
    return rc ? 1 : (int)status.i;
}
