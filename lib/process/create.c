/* Starting a process: what the options say, as a plan for the child. See awl/process.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process_priv.h"

extern char **environ;

enum { STANDARD = 3 };

/* What is opened on the way to a process. */
typedef struct making {
    awl_loop *loop;
    const char *const *argv;
    const awl_process_options *options;
    awl__spawn plan;
    int ours[STANDARD]; /* the ends of its pipes that stay here; -1: none */
    int theirs[STANDARD + 1]; /* those that the child gets, and /dev/null; -1: none */
    char *paths;
    size_t paths_size;
} making;

/* ---- Where the program may be ------------------------------------------------------------------------------------ */

static const char *search_path(const char *const *env)
{
    for (; *env; env++) {
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    }
    return "/usr/local/bin:/bin:/usr/bin";
}

/* Writes one path and its zero byte; with nowhere to write it counts. Result: behind it. */
static size_t put_path(char *to, size_t at, const char *folder, size_t folder_len, const char *name, size_t name_len)
{
    if (to) {
        memcpy(to + at, folder, folder_len);
        to[at + folder_len] = '/';
        memcpy(to + at + folder_len + 1, name, name_len + 1);
    }
    return at + folder_len + 1 + name_len + 1;
}

/* All of them, with an empty one at the end; an empty folder is the present one, and no name is nowhere. Result: their
 * size. */
static size_t put_paths(char *to, const char *path, const char *name)
{
    const size_t name_len = strlen(name);
    size_t at = 0;

    if (strchr(name, '/')) {
        if (to)
            memcpy(to, name, name_len + 1);
        at = name_len + 1;
    } else if (name_len) {
        for (const char *end; path; path = *end ? end + 1 : NULL) {
            end = path + strcspn(path, ":");
            at = end == path ? put_path(to, at, ".", 1, name, name_len)
                             : put_path(to, at, path, (size_t)(end - path), name, name_len);
        }
    }
    if (to)
        to[at] = '\0';
    return at + 1;
}

static int find_paths(making *m)
{
    const char *path = search_path(m->plan.env);

    m->paths_size = put_paths(NULL, path, m->argv[0]);
    m->paths = awl__alloc(m->loop, m->paths_size);
    if (!m->paths)
        return ENOMEM;
    put_paths(m->paths, path, m->argv[0]);
    m->plan.paths = m->paths;
    return 0;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------- */

static int open_pipe(making *m, int i)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return errno;
    m->ours[i] = fds[i == 0];
    m->theirs[i] = m->plan.fds[i] = fds[i != 0];
    return fcntl(m->ours[i], F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
}

static int open_null(making *m, int i)
{
    int *null = &m->theirs[STANDARD];

    if (*null < 0)
        *null = open("/dev/null", O_RDWR | O_CLOEXEC);
    m->plan.fds[i] = *null;
    return *null < 0 ? errno : 0;
}

/* Its standard error goes where its output does. If this program's own is closed a descriptor of ours may have got the
 * place, and it goes nowhere. */
static int join_outputs(making *m)
{
    const int flags = m->plan.fds[1] == AWL__AS_IT_IS ? fcntl(1, F_GETFD) : 0;

    if (flags < 0 || flags & FD_CLOEXEC)
        return open_null(m, 2);
    m->plan.fds[2] = m->plan.fds[1] == AWL__AS_IT_IS ? 1 : m->plan.fds[1];
    return 0;
}

/* One of its standard descriptors. 0 or the error. */
static int arrange(making *m, int i, int what)
{
    m->plan.fds[i] = what ? what : AWL__AS_IT_IS;
    if (what == AWL_PIPE)
        return open_pipe(m, i);
    if (what == AWL_DEVNULL)
        return open_null(m, i);
    if (what == AWL_STDOUT && i == 2)
        return join_outputs(m);
    if (what < 0)
        return EINVAL;
    return what > 0 && fcntl(what, F_GETFD) < 0 ? errno : 0;
}

static int compare(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

/* Those that it has beside, ascending, once each. */
static int arrange_passed(making *m)
{
    const size_t n = m->options->n_pass_fds;
    int *keep;
    size_t kept = 0;

    if (n && !m->options->pass_fds)
        return EINVAL;
    m->plan.keep = keep = n < INT_MAX / sizeof *keep ? awl__alloc(m->loop, (n + 1) * sizeof *keep) : NULL;
    if (!keep)
        return ENOMEM;
    for (size_t i = 0; i < n; i++) {
        keep[i] = m->options->pass_fds[i];
        if (keep[i] < 3)
            return EINVAL;
        if (fcntl(keep[i], F_GETFD) < 0)
            return errno;
    }
    qsort(keep, n, sizeof *keep, compare);
    for (size_t i = 0; i < n; i++) {
        if (!kept || keep[kept - 1] != keep[i])
            keep[kept++] = keep[i];
    }
    m->plan.n_keep = kept;
    return 0;
}

/* ---- The plan ---------------------------------------------------------------------------------------------------- */

static int make_plan(making *m)
{
    static const char *const nothing[] = { NULL };
    const char *const *ours = environ ? (const char *const *)environ : nothing; /* clearenv leaves none */
    const awl_process_options *o = m->options;
    int error;

    if (!m->argv || !m->argv[0] || o->group < AWL_NEW_GROUP)
        return EINVAL;
    m->plan = (awl__spawn){ .argv = m->argv,
                            .env = o->env ? o->env : ours,
                            .cwd = o->cwd,
                            .group = o->group,
                            .new_session = o->new_session,
                            .set_umask = o->set_umask,
                            .umask = o->umask };
    error = arrange_passed(m);
    if (!error)
        error = arrange(m, 0, o->in);
    if (!error)
        error = arrange(m, 1, o->out);
    if (!error)
        error = arrange(m, 2, o->err);
    return error ? error : find_paths(m);
}

/* Closes and frees what the process has not taken over. */
static void clear(making *m)
{
    for (int i = 0; i <= STANDARD; i++) {
        if (m->theirs[i] >= 0)
            close(m->theirs[i]);
        if (i < STANDARD && m->ours[i] >= 0)
            close(m->ours[i]);
    }
    awl__free(m->loop, m->paths, m->paths_size);
    awl__free(m->loop, m->plan.keep, (m->options->n_pass_fds + 1) * sizeof *m->plan.keep);
}

/* Streams over our ends of its pipes. */
static int open_streams(making *m, awl_process *p)
{
    awl_stream **const streams[STANDARD] = { &p->in, &p->out, &p->err };

    for (int i = 0; i < STANDARD; i++) {
        if (m->ours[i] < 0)
            continue;
        *streams[i] = awl_stream_open(m->ours[i], &(awl_stream_options){ .limit = m->options->limit });
        if (!*streams[i])
            return errno;
        m->ours[i] = -1;
    }
    p->takes_input = p->in != NULL;
    return 0;
}

/* What the child says, with the name of what it is about. */
static int fail(const making *m, int error, awl__spawn_stage stage)
{
    switch (stage) {
    case AWL__AT_EXEC:
        awl__error_detail(m->loop, error, "%s: %s", m->argv[0], awl_strerror(error));
        break;
    case AWL__AT_CWD:
        awl__error_detail(m->loop, error, "%s, the directory to start %s in: %s", m->plan.cwd, m->argv[0],
                          awl_strerror(error));
        break;
    case AWL__AT_GROUP:
        awl__error_detail(m->loop, error, "%s: no process group %d for it: %s", m->argv[0], (int)m->plan.group,
                          awl_strerror(error));
        break;
    default: awl__error_detail(m->loop, error, "%s: no process for it: %s", m->argv[0], awl_strerror(error));
    }
    return error;
}

static int begin(making *m, awl_process *p)
{
    awl__spawn_stage stage = AWL__AT_FORK;
    pid_t pid;
    int error = make_plan(m);

    if (!error)
        error = open_streams(m, p);
    if (error)
        return error;
    error = awl__spawn_child(&m->plan, &pid, &stage);
    if (error)
        return fail(m, error, stage);
    return awl__process_watch(p, pid, m->plan.new_session || m->plan.group == AWL_NEW_GROUP);
}

/* ---- The operations ---------------------------------------------------------------------------------------------- */

/* Result: 0 with *process, or the error. */
static int create(awl_loop *loop, const char *const *argv, const awl_process_options *options, awl_process **process)
{
    making m = { .loop = loop, .argv = argv, .options = options, .ours = { -1, -1, -1 }, .theirs = { -1, -1, -1, -1 } };
    awl_process *p = awl__process_new(loop);
    int error;

    if (!p)
        return ENOMEM;
    error = begin(&m, p);
    clear(&m);
    if (error)
        awl_process_close(p);
    else
        *process = p;
    return error;
}

co_def(create_exec, { const char *const *argv; awl_process_options options; awl_process *process; int error; })
{
    co_begin;
    self->error = create(awl__loop_of(co_), self->argv, &self->options, &self->process);
    if (self->error)
        co_raise(self->error);
    co_return(self->process);
    co_end;
}

static awl_process_options copy_of(const awl_process_options *options)
{
    return options ? *options : (awl_process_options){ .in = 0 };
}

awl_coro awl_create_subprocess_exec(const char *const *argv, const awl_process_options *options)
{
    return co_call(create_exec, .argv = argv, .options = copy_of(options));
}

co_def(create_shell, {
    const char *command;
    awl_process_options options;
    const char *argv[4];
    awl_process *process;
    int error;
})
{
    co_begin;
    if (!self->command)
        co_raise(EINVAL);
    self->argv[0] = "/bin/sh";
    self->argv[1] = "-c";
    self->argv[2] = self->command;
    self->error = create(awl__loop_of(co_), self->argv, &self->options, &self->process);
    if (self->error)
        co_raise(self->error);
    co_return(self->process);
    co_end;
}

awl_coro awl_create_subprocess_shell(const char *command, const awl_process_options *options)
{
    return co_call(create_shell, .command = command, .options = copy_of(options));
}
