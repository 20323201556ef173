/* test_unix.c: awl_open_unix_connection, awl_start_unix_server, and the files and credentials of Unix sockets. */
#define _GNU_SOURCE
#include "server_rig.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../../lib/stream/stream_priv.h"

/* ---- A folder for sockets ---------------------------------------------------------------------------------------- */

static char folder[32] = "/tmp/awl-XXXXXX";
static pid_t owner; /* the runner: it removes what the tests leave behind */

static __attribute__((constructor)) void make_folder(void)
{
    owner = getpid();
    if (!mkdtemp(folder))
        abort();
}

/* Removes what is in the folder. Result: how much that was. */
static int empty_folder(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            n += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
    if (dir)
        closedir(dir);
    return n;
}

static __attribute__((destructor)) void remove_folder(void)
{
    if (getpid() != owner)
        return;
    empty_folder();
    rmdir(folder);
}

/* A path in it for this test, of this process. */
static const char *path_of(const char *name)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/%s%d", folder, name, (int)getpid());
    return path;
}

/* The mode of what the last bind has made, right after it. */
static mode_t bound_mode;

int __real_bind(int fd, const struct sockaddr *name, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *name, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *name, socklen_t size)
{
    const int rc = __real_bind(fd, name, size);
    const struct sockaddr_un *of_file = (const void *)name;
    struct stat status;

    if (!rc && name->sa_family == AF_UNIX && !lstat(of_file->sun_path, &status))
        bound_mode = status.st_mode & 07777;
    return rc;
}

static bool is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

STREAM_TEST(a_unix_server_serves, { awl_server *server; awl_stream *s; char text[AWL_ADDRESS_TEXT]; })
{
    awl_credentials c = { 0, 0, 0 };

    co_begin;
    co_let(self->server, awl_start_unix_server(serve, &served, path_of("s"), NULL));
    CHECK_INT(awl_server_port(self->server), 0);
    CHECK_STR(awl_server_local(self->server, 0, self->text, sizeof self->text), path_of("s"));
    co_let(self->s, awl_open_unix_connection(path_of("s"), NULL));
    co_await(co_call(told, .s = self->s, .text = "hello\n"));
    CHECK_STR(awl_stream_peer(self->s, self->text, sizeof self->text), path_of("s"));
    CHECK_STR(awl_stream_local(self->s, self->text, sizeof self->text), "");
    CHECK_STR(awl_stream_peer(self->s, self->text, 5), "");
    CHECK_INT(awl_stream_peer_credentials(self->s, &c), 0);
    CHECK(c.pid == getpid() && c.uid == getuid() && c.gid == getgid());
    awl_stream_close(self->s);
    awl_server_close(self->server);
    CHECK(!is_there(path_of("s")));
    co_end;
}

STREAM_TEST(credentials_are_of_unix_sockets_alone, { awl_server *server; awl_stream *s; int peer, fds[2]; })
{
    awl_credentials c;

    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_peer_credentials(self->s, &c), EOPNOTSUPP);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    CHECK_INT(pipe(self->fds), 0);
    self->s = awl_stream_open(self->fds[0], NULL);
    CHECK(self->s != NULL);
    CHECK_INT(awl_stream_peer_credentials(self->s, &c), EOPNOTSUPP);
    awl_stream_close(self->s);
    close(self->fds[1]);
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_peer_credentials(self->s, NULL), EINVAL);
    CHECK_INT(awl_stream_peer_credentials(NULL, &c), EINVAL);
    awl_stream_abort(self->s);
    CHECK_INT(awl_stream_peer_credentials(self->s, &c), ECONNABORTED);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(abstract_names_are_in_no_file_system, {
    awl_server *server;
    awl_stream *s;
    char name[64], text[AWL_ADDRESS_TEXT];
    int rc;
})
{
    co_begin;
    snprintf(self->name, sizeof self->name, "@awl-test-%d", (int)getpid());
    co_let(self->server, awl_start_unix_server(serve, &served, self->name, NULL));
    CHECK(!is_there(self->name));
    CHECK_FAILS(EADDRINUSE, awl_start_unix_server(serve, &served, self->name, NULL));
    co_let(self->s, awl_open_unix_connection(self->name, NULL));
    CHECK_STR(awl_stream_peer(self->s, self->text, sizeof self->text), self->name);
    co_await(co_call(told, .s = self->s, .text = "hello\n"));
    awl_stream_close(self->s);
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    CHECK_FAILS(ECONNREFUSED, awl_open_unix_connection(self->name, NULL));
    co_end;
}

STREAM_TEST(the_kernel_picks_an_abstract_name, {
    awl_server *server;
    awl_stream *s;
    char name[AWL_ADDRESS_TEXT];
    int rc;
})
{
    co_begin;
    co_let(self->server, awl_start_unix_server(serve, &served, "@", NULL));
    awl_server_local(self->server, 0, self->name, sizeof self->name);
    CHECK_INT(self->name[0], '@');
    CHECK_INT(strlen(self->name), 6);
    co_let(self->s, awl_open_unix_connection(self->name, NULL));
    co_await(co_call(told, .s = self->s, .text = "hello\n"));
    awl_stream_close(self->s);
    awl_server_close(self->server);
    CHECK_FAILS(EINVAL, awl_open_unix_connection("@", NULL));
    co_end;
}

/* A name of n bytes that begins with `first`. */
static const char *long_name(char first, size_t n)
{
    static char name[256];

    memset(name, 'x', n);
    name[0] = first;
    name[n] = '\0';
    return name;
}

STREAM_TEST(names_have_a_limit, { awl_server *server; awl_stream *s; char text[AWL_ADDRESS_TEXT]; int rc; })
{
    co_begin;
    CHECK_FAILS(ENAMETOOLONG, awl_open_unix_connection(long_name('/', 108), NULL));
    CHECK(strstr(awl_error_message(ENAMETOOLONG), "107 bytes") != NULL);
    CHECK_FAILS(ENAMETOOLONG, awl_start_unix_server(serve, &served, long_name('/', 108), NULL));
    CHECK_FAILS(ENOENT, awl_open_unix_connection(long_name('/', 107), NULL));
    CHECK_FAILS(ENAMETOOLONG, awl_start_unix_server(serve, &served, long_name('@', 109), NULL));
    CHECK(strstr(awl_error_message(ENAMETOOLONG), "108 bytes") != NULL);
    co_let(self->server, awl_start_unix_server(serve, &served, long_name('@', 108), NULL));
    co_let(self->s, awl_open_unix_connection(long_name('@', 108), NULL));
    CHECK_STR(awl_stream_peer(self->s, self->text, sizeof self->text), long_name('@', 108));
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(wrong_arguments_of_unix_sockets, { int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_open_unix_connection(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_open_unix_connection("", NULL));
    CHECK_FAILS(EINVAL, awl_start_unix_server(serve, NULL, NULL, NULL));
    CHECK_FAILS(EINVAL, awl_start_unix_server(serve, NULL, "", NULL));
    CHECK_FAILS(EINVAL, awl_start_unix_server(NULL, NULL, path_of("s"), NULL));
    CHECK_FAILS(ENOENT, awl_open_unix_connection(path_of("nothing"), NULL));
    CHECK_FAILS(ENOENT, awl_start_unix_server(serve, NULL, "/nowhere/at/all", NULL));
    CHECK_FAILS(ENOTDIR, awl_open_unix_connection("/dev/null/s", NULL));
    co_end;
}

VIRTUAL_TEST(a_full_backlog_is_waited_for, { awl_server *server; awl_stream *a, *b, *c; awl_task *t; int rc; })
{
    static const awl_stream_options one = { .max_clients = 1, .backlog = 1 };

    co_begin;
    co_let(self->server, awl_start_unix_server(serve, &served, path_of("s"), &one));
    co_let(self->a, awl_open_unix_connection(path_of("s"), NULL));
    co_await(co_call(told, .s = self->a, .text = "a\n"));
    co_let(self->b, awl_open_unix_connection(path_of("s"), NULL)); /* the backlog takes one more than it says */
    co_let(self->c, awl_open_unix_connection(path_of("s"), NULL));
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_open_unix_connection(path_of("s"), NULL), AWL_MINUTE));
    self->t = awl_create_task(awl_open_unix_connection(path_of("s"), NULL));
    CHECK(self->t != NULL);
    co_await(awl_sleep(AWL_SECOND));
    CHECK(!awl_task_done(self->t));
    awl_stream_close(self->a);
    co_let(self->a, self->t);
    awl_task_release(self->t);
    awl_stream_close(self->b);
    awl_stream_close(self->c);
    co_await(co_call(told, .s = self->a, .text = "at last\n"));
    awl_stream_close(self->a);
    awl_server_close(self->server);
    co_end;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* Leaves a socket that nobody listens on. */
static void leave_socket(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(name.sun_path, path, sizeof name.sun_path - 1);
    CHECK_INT(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    close(fd);
}

STREAM_TEST(a_stale_socket_makes_room, { awl_server *server; awl_stream *s; int rc; })
{
    co_begin;
    leave_socket(path_of("s"));
    CHECK_FAILS(ECONNREFUSED, awl_open_unix_connection(path_of("s"), NULL));
    co_let(self->server, awl_start_unix_server(serve, &served, path_of("s"), NULL));
    co_let(self->s, awl_open_unix_connection(path_of("s"), NULL));
    co_await(co_call(told, .s = self->s, .text = "hello\n"));
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(a_server_leaves_the_socket_of_its_successor, { awl_server *before, *after; awl_stream *s; })
{
    co_begin;
    co_let(self->before, awl_start_unix_server(serve, &served, path_of("s"), NULL));
    co_let(self->after, awl_start_unix_server(serve, &served, path_of("s"), NULL));
    awl_server_close(self->before);
    CHECK(is_there(path_of("s")));
    co_let(self->s, awl_open_unix_connection(path_of("s"), NULL));
    co_await(co_call(told, .s = self->s, .text = "hello\n"));
    awl_stream_close(self->s);
    awl_server_close(self->after);
    CHECK(!is_there(path_of("s")));
    co_end;
}

STREAM_TEST(other_files_stay, { int fd, rc; })
{
    co_begin;
    self->fd = open(path_of("f"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK_INT(close(self->fd), 0);
    CHECK_FAILS(EADDRINUSE, awl_start_unix_server(serve, NULL, path_of("f"), NULL));
    CHECK(strstr(awl_error_message(EADDRINUSE), path_of("f")) != NULL);
    CHECK(is_there(path_of("f")));
    CHECK_INT(unlink(path_of("f")), 0);
    CHECK_INT(symlink("elsewhere", path_of("l")), 0);
    CHECK_FAILS(EADDRINUSE, awl_start_unix_server(serve, NULL, path_of("l"), NULL));
    CHECK(is_there(path_of("l")));
    CHECK_INT(unlink(path_of("l")), 0);
    co_end;
}

STREAM_TEST(a_socket_has_the_mode_that_it_is_given, { awl_server *server; awl_stream_options options; })
{
    struct stat status;

    co_begin;
    self->options = (awl_stream_options){ .mode = 0620 };
    co_let(self->server, awl_start_unix_server(serve, &served, path_of("s"), &self->options));
    CHECK_INT(stat(path_of("s"), &status), 0);
    CHECK_INT(status.st_mode & 07777, 0620);
    CHECK_INT(bound_mode & ~0620, 0); /* also in between nobody else might */
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(a_socket_may_stay, { awl_server *server; awl_stream_options options; })
{
    co_begin;
    self->options = (awl_stream_options){ .keep_file = true };
    co_let(self->server, awl_start_unix_server(serve, &served, path_of("s"), &self->options));
    awl_server_close(self->server);
    CHECK_INT(unlink(path_of("s")), 0);
    co_end;
}

co_def(leaves_server, { awl_server *server; })
{
    co_begin;
    co_let(self->server, awl_start_unix_server(serve, &served, path_of("s"), NULL));
    co_end;
}

TEST(the_loop_removes_the_socket_of_a_server_that_is_left)
{
    run_main(co_call(leaves_server), false);
    CHECK(!is_there(path_of("s")));
}

STREAM_TEST(a_server_on_a_descriptor_leaves_the_file, { awl_server *server; awl_stream *s; })
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    const int fd = served.started ? -1 : socket(AF_UNIX, SOCK_STREAM, 0);

    co_begin;
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path_of("s"));
    CHECK_INT(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    co_let(self->server, awl_start_server_on(serve, &served, fd, NULL));
    co_let(self->s, awl_open_unix_connection(path_of("s"), NULL));
    co_await(co_call(told, .s = self->s, .text = "hello\n"));
    awl_stream_close(self->s);
    awl_server_close(self->server);
    CHECK_INT(unlink(path_of("s")), 0);
    co_end;
}

/* ---- With a layer ------------------------------------------------------------------------------------------------ */

static const char *layer_name;
static int layer_error;

co_def(shake_hands, { awl_stream *s; })
{
    co_begin;
    if (layer_error)
        co_raise(layer_error);
    co_end;
}

static awl_coro layer_start(awl_stream *s, awl_tls *tls, const char *server_name)
{
    (void)tls;
    layer_name = server_name;
    return co_call(shake_hands, .s = s);
}

static void count(awl_tls *tls) { (void)tls; }

static int layer_check(awl_tls *tls, bool server)
{
    (void)tls;
    return server ? EINVAL : 0;
}

static const awl__layer layer = { layer_start, count, count, layer_check };

STREAM_TEST(tls_over_a_unix_socket_needs_a_name, {
    awl_server *server;
    awl_stream_options options;
    awl_stream *s;
    int rc;
})
{
    co_begin;
    co_let(self->server, awl_start_unix_server(serve, &served, path_of("s"), NULL));
    self->options = (awl_stream_options){ .tls = (awl_tls *)(uintptr_t)&layer };
    CHECK_FAILS(EINVAL, awl_open_unix_connection(path_of("s"), &self->options));
    CHECK(strstr(awl_error_message(EINVAL), "server_name") != NULL);
    self->options.server_name = "example.org";
    co_let(self->s, awl_open_unix_connection(path_of("s"), &self->options));
    CHECK_STR(layer_name, "example.org");
    awl_stream_close(self->s);
    layer_error = EIO;
    CHECK_FAILS(EIO, awl_open_unix_connection(path_of("s"), &self->options));
    awl_server_close(self->server);
    co_end;
}

/* ---- A forked child ---------------------------------------------------------------------------------------------- */

static awl_server *parents_server;
static awl_stream *parents_stream;

co_def(begins, {})
{
    co_begin;
    co_let(parents_server, awl_start_unix_server(serve, &served, path_of("fork"), NULL));
    co_let(parents_stream, awl_open_unix_connection(path_of("fork"), NULL));
    co_await(co_call(told, .s = parents_stream, .text = "before\n"));
    co_end;
}

co_def(goes_on, {})
{
    co_begin;
    co_await(co_call(told, .s = parents_stream, .text = "after\n"));
    CHECK(is_there(path_of("fork")));
    co_finally;
    awl_stream_close(parents_stream);
    awl_server_close(parents_server);
    co_end;
}

/* In the child: nothing of the parent's is sent to, removed or taken out of its epoll. */
static void close_in_child(awl_loop *loop)
{
    awl_loop_close(loop);
    _exit(0);
}

TEST(a_child_that_closes_its_parents_loop_leaves_streams_and_servers_alone)
{
    awl_loop *loop = awl_loop_open(NULL);
    int error, status = -1;
    char path[64];
    pid_t pid;

    CHECK(loop != NULL);
    snprintf(path, sizeof path, "%s", path_of("fork"));
    error = awl_run_until_complete(loop, co_call(begins), NULL);
    CHECK(error == 0 || error == ENOMEM);
    pid = fork();
    if (pid == 0)
        close_in_child(loop);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    if (!error)
        error = awl_run_until_complete(loop, co_call(goes_on), NULL);
    awl_loop_close(loop);
    CHECK_INT(error, 0);
    CHECK(!is_there(path));
}

co_def(reads_as_child, {})
{
    char byte;

    co_begin;
    co_await(awl_stream_read(parents_stream, &byte, 1));
    co_end;
}

static void read_in_child(awl_loop *loop)
{
    int error;

    error = awl_run_until_complete(loop, co_call(reads_as_child), NULL);
    CHECK_INT(error, AWL_EFORKED);
    (void)awl_stream_print(parents_stream, "a child's");
}

TEST(a_child_that_writes_to_its_parents_stream_traps)
{
    awl_loop *loop = awl_loop_open(NULL);
    int error, status = -1;
    pid_t pid;

    CHECK(loop != NULL);
    error = awl_run_until_complete(loop, co_call(begins), NULL);
    pid = error ? 0 : fork();
    if (!error && pid == 0) {
        close(2);
        read_in_child(loop);
        _exit(0);
    }
    if (!error) {
        CHECK_INT(waitpid(pid, &status, 0), pid);
        CHECK(WIFSIGNALED(status));
        error = awl_run_until_complete(loop, co_call(goes_on), NULL);
    }
    awl_loop_close(loop);
    CHECK_INT(error, 0);
}
