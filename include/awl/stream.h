/*
 * awl/stream.h: connections by TCP and Unix sockets, to servers and from clients, and the halves they are made of.
 * SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(head, { awl_stream *s; char *line; })
 *     {
 *         co_begin;
 *         co_let(self->s, awl_open_connection("example.org", 80, NULL));
 *         awl_stream_print(self->s, "HEAD / HTTP/1.0\r\nHost: %s\r\n\r\n", "example.org");
 *         for (;;) {
 *             co_let(self->line, awl_stream_readline(self->s, NULL));
 *             if (!self->line)
 *                 break;
 *             fputs(self->line, stdout);
 *         }
 *         co_finally;
 *         awl_stream_close(self->s);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(head)); }
 *
 * READING is by pull: bytes are asked of the kernel when an operation needs them, straight into the caller's memory
 * where that is possible, and nothing is read ahead but what lies in the one buffer that lines need. Who does not read
 * slows the other side down. One task reads at a time. A cancelled read loses no byte.
 *
 * WRITING is a plain call that sends what the kernel takes at once and keeps a copy of the rest. Await awl_stream_drain
 * after it, and memory stays bounded: it waits while over 64 KiB (`high`) are unsent, until 16 KiB (`low`) are left.
 *
 * ERRORS. The first error of a stream is its error for ever. What the other side sent before is still delivered first.
 * SIGPIPE is never raised. TCP's urgent bytes are let be; what follows them may be read only when more comes. An idle
 * stream has no buffers: it takes about 400 bytes.
 *
 * BY HAND. awl_reader and awl_flow, at the end of this file, are what a stream reads from and waits for room by. Used
 * alone they make a stream of anything: bytes come to a reader from whoever feeds it, and a flow counts what is unsent.
 */
#ifndef AWL_STREAM_H
#define AWL_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "awl/dns.h"
#include "awl/task.h"

typedef struct awl_stream awl_stream;
typedef struct awl_server awl_server;
typedef struct awl_tls awl_tls; /* awl/tls.h */

/* Zero is the default of every option. */
typedef struct awl_stream_options {
    size_t limit;     /* of a line, bytes; 64 KiB */
    size_t high, low; /* of unsent bytes; 64 KiB and 16 KiB */
    int family;       /* AF_INET or AF_INET6: addresses of that family only */
    bool nagle;       /* let TCP hold small writes back until the ones before have arrived: no TCP_NODELAY */
    awl_time keep_alive; /* probe a TCP peer that has been silent for so long (1 second to 9 hours), and give it up with
                          * ETIMEDOUT when it has been twice that; 0: do not */
    awl_time happy_eyeballs_delay; /* of a client: what each address gets before the next is tried, too; 250 ms.
                                    * AWL_FOREVER: one after the other; below 0: all at once */
    const char *local_host; /* of a client: from where, a name or numbers; NULL: any address */
    int local_port;         /* and from which port, 1 to 65535; any */
    awl_tls *tls;     /* speak TLS, with this; NULL: do not. It is retained. One that cannot be used (awl_tls_error), or
                       * is of the other role, is an error at once */
    const char *server_name; /* of a client's TLS: what the certificate is to be for; NULL: the host */

    /* of servers */
    int backlog;        /* connections that the kernel completes ahead; 100 */
    size_t max_clients; /* at once; see awl_start_server. 0: any number */
    bool reuse_port;    /* others may listen on the same port: the kernel deals the connections out among them */
    bool ipv6_only;     /* "::", or no host and AF_INET6, means IPv6 alone */
    bool keep_file;     /* of a Unix server: its socket stays in the file system when it is closed */
    mode_t mode;        /* of that socket: who may connect, such as 0600; 0: everybody whom the umask lets */
} awl_stream_options;

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

/*
 * Connects to a TCP server. Of several addresses of `host` the first that answers is taken: they are tried in the order
 * of awl_getaddrinfo, but IPv6 and IPv4 in turn, each 250 ms after the one before, or as soon as that has failed
 * (RFC 8305).
 *
 *   host      a name or numbers, valid until the operation completes
 *   port      1 to 65535
 *   options   may be NULL; copied by this call. What they point to is valid until the operation completes
 * Result   awl_stream *: the connection.
 * Errors   those of awl_getaddrinfo; that of the address that failed last: ECONNREFUSED, ETIMEDOUT, ENETUNREACH …
 *          (awl_error_message names all); EADDRINUSE, EADDRNOTAVAIL: it cannot be from there; EMFILE, ENFILE; EINVAL;
 *          ENOMEM; ECANCELED.
 * Owns     the caller closes the stream.
 * Context  suspends. The other attempts are closed before it ends, however it does; without a deadline of yours
 *          (awl_wait_for) the kernel's counts, about two minutes for each address.
 * Source   asyncio.open_connection; test/stream/test_connect.c, test_race.c
 */
AWL_CORO awl_open_connection(const char *host, int port, const awl_stream_options *options);

/*
 * Connects to a server on a Unix socket.
 *
 *   path      in the file system, of at most 107 bytes; or "@name", an abstract name of Linux's, which is in no file
 *             system (a file of that name is "./@name"). Valid until the operation completes
 *   options   as above; with `tls`, `server_name` must be set
 * Result   awl_stream *: the connection. While the server's backlog is full it is tried again, up to 64 ms later.
 * Errors   ENOENT; ECONNREFUSED: the server has gone, its socket is left; EACCES; ENAMETOOLONG; ENOTDIR, ELOOP; EMFILE,
 *          ENFILE; EINVAL; ENOMEM; ECANCELED.
 * Owns     the caller closes the stream.
 * Source   asyncio.open_unix_connection; test/stream/test_unix.c
 */
AWL_CORO awl_open_unix_connection(const char *path, const awl_stream_options *options);

/*
 * Makes a stream of a descriptor: a connected socket, an end of a pipe, a terminal, a serial port. A plain file and
 * /dev/null do, too: they are always ready, and hold the loop up for as long as the disk takes.
 *
 *   fd        set to non-blocking mode here; set back when the stream closes it, unless it is a socket
 *   options   may be NULL
 * Result   the stream; NULL with errno ENOMEM, EBADF, EISDIR, or EINVAL without a running loop.
 * Owns     the stream closes fd; on error it stays the caller's.
 * Source   asyncio.open_connection(sock=…), loop.connect_read_pipe; test/stream/test_read.c, test_descriptor.c
 */
awl_stream *awl_stream_open(int fd, const awl_stream_options *options) __attribute__((warn_unused_result));

/*
 * Closes a stream and gives its handle back. What has been written is still sent, in the background; then the
 * connection ends. Operations of other tasks that wait to read end with ECONNABORTED.
 *
 *   s   may be NULL; not to be used afterwards
 * Owns     descriptor and unsent bytes are kept until the other side has taken all, and if it never reads, for ever, or
 *          until the loop is closed: as in asyncio nothing but its reset, or keep_alive if it has gone, ends that. Who
 *          wants a bound awaits awl_wait_for(awl_stream_wait_closed(s), …) first and calls awl_stream_abort when that
 *          has timed out. TLS has one: close_timeout. So has a server: awl_server_shutdown.
 * Context  the loop's thread; does not suspend.
 * Source   asyncio.StreamWriter.close; test/stream/test_close.c
 */
void awl_stream_close(awl_stream *s);

/*
 * Ends the connection as awl_stream_close does, and waits until all is sent and the descriptor closed. The handle stays
 * the caller's, for awl_stream_close.
 *
 * Result   none.
 * Errors   the stream's first error; ECANCELED: the closing goes on; EINVAL for NULL. While the other side does not read
 *          what is unsent, it waits: see awl_stream_close.
 * Source   asyncio.StreamWriter.wait_closed; test/stream/test_close.c
 */
AWL_CORO awl_stream_wait_closed(awl_stream *s);

/* Ends the connection at once; what is unsent is dropped, and every operation on it ends with ECONNABORTED. The handle
 * stays the caller's. NULL is let be. As asyncio's transport.abort; test/stream/test_close.c */
void awl_stream_abort(awl_stream *s);

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/*
 * Reads up to `cap` bytes, as soon as there are any.
 *
 *   buf   caller's memory, valid until the operation completes
 *   cap   bytes, at least 1
 * Result   int: bytes read, 0 at the end of the stream.
 * Errors   ECANCELED; EBUSY if another read is pending; EINVAL; ECONNABORTED after closing; the stream's first error.
 * Owns     nothing passes to the library. After an error the contents of `buf` are unspecified.
 * Context  suspends only while there is nothing to read, or once in a while for the other tasks' sake; allocates
 *          nothing; cancel-safe: no byte is lost.
 * Source   asyncio.StreamReader.read; test/stream/test_read.c
 */
AWL_CORO awl_stream_read(awl_stream *s, void *buf, size_t cap);

/*
 * Reads exactly `n` bytes.
 *
 *   buf   as above, n bytes
 * Result   int: n.
 * Errors   AWL_EINCOMPLETE: the stream ended before; what came can still be read with awl_stream_read. Else as above.
 * Context  as above, but a cancelled read keeps in memory of the stream's what it had got; should there be none, the
 *          stream's error is ENOMEM from then on.
 * Source   asyncio.StreamReader.readexactly; test/stream/test_read.c
 */
AWL_CORO awl_stream_read_exactly(awl_stream *s, void *buf, size_t n);

/*
 * Reads a line, with its '\n'; at the end of the stream perhaps one without.
 *
 *   len   takes its length, which matters if the line has zero bytes in it; may be NULL; untouched on error
 * Result   char *: the line, with a zero byte behind it; NULL at the end of the stream. It lies in the stream's memory,
 *          may be changed, and is valid until the next operation on this stream that reads, or its close.
 * Errors   AWL_ELIMIT: it is longer than the limit; as much as has come of it is dropped. ENOMEM, nothing is lost.
 *          Else as awl_stream_read.
 * Source   asyncio.StreamReader.readline; test/stream/test_line.c
 */
AWL_CORO awl_stream_readline(awl_stream *s, size_t *len);

/*
 * Reads up to and with a separator.
 *
 *   separator, size   1 byte or more, valid until the operation completes
 *   len               as above
 * Result   char *: as above, never NULL.
 * Errors   AWL_EINCOMPLETE: the stream ended before; AWL_ELIMIT: no separator within the limit. In both cases what came
 *          stays to be read. Else as awl_stream_readline.
 * Source   asyncio.StreamReader.readuntil; test/stream/test_line.c
 */
AWL_CORO awl_stream_read_until(awl_stream *s, const void *separator, size_t size, size_t *len);

/* Whether a read has found the end of the stream and everything before it has been delivered. An error is no end. NULL:
 * true. As asyncio.StreamReader.at_eof; test/stream/test_read.c, test_info.c */
bool awl_stream_at_eof(const awl_stream *s);

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/*
 * Sends `len` bytes: what the kernel takes now at once, a copy of the rest when it can.
 *
 * Result   0; ENOMEM: nothing was taken, or, if part of it had been sent, the stream's error is ENOMEM from then on;
 *          EPIPE after awl_stream_write_eof; EBUSY while awl_stream_sendfile is at work; ECONNABORTED after closing;
 *          EINVAL for NULL; the stream's first error.
 * Context  the loop's thread; does not suspend.
 * Source   asyncio.StreamWriter.write; test/stream/test_write.c
 */
int awl_stream_write(awl_stream *s, const void *data, size_t len);

/* Writes several pieces, one behind the other, as one. Result: as awl_stream_write; EINVAL for a negative n, or for more
 * bytes than memory can have. As asyncio.StreamWriter.writelines; test/stream/test_write.c */
int awl_stream_writev(awl_stream *s, const struct iovec *parts, int n);

/* Formats as printf does, and writes that. Result: as awl_stream_write; EINVAL if the format is wrong. */
int awl_stream_print(awl_stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Waits until there is room for more: at once unless more than `high` bytes are unsent, else until `low` are left. Any
 * number of tasks may wait.
 *
 * Result   none.
 * Errors   the stream's first error; ECONNABORTED; ECANCELED; EINVAL for NULL.
 * Source   asyncio.StreamWriter.drain; test/stream/test_write.c
 */
AWL_CORO awl_stream_drain(awl_stream *s);

/*
 * Says that nothing more will be written: the other side reads the end of the stream when it has read the rest.
 *
 * Result   0, also when said twice; EOPNOTSUPP where only the whole can be closed: TLS, pipes; otherwise as
 *          awl_stream_write.
 * Source   asyncio.StreamWriter.write_eof; test/stream/test_write.c
 */
int awl_stream_write_eof(awl_stream *s);

/* Whether awl_stream_write_eof is possible. As asyncio.StreamWriter.can_write_eof; test/stream/test_info.c */
bool awl_stream_can_write_eof(const awl_stream *s);

/* Bytes written and not yet taken by the kernel. */
size_t awl_stream_unsent(const awl_stream *s);

/*
 * Sends a part of a file, behind what was written before: by sendfile(2) over a plain socket, else by way of 16 KiB of
 * memory and the stream's own, which it waits to drain.
 *
 *   fd       a plain file or a block device, open for reading, until the operation completes
 *   offset   of the first byte, at least 0
 *   count    bytes; 0: to the end of the file
 * Result   int64_t: bytes handed over; fewer than `count` if the file ends before, also because somebody shortens it.
 * Errors   those of pread: EBADF, EISDIR, ESPIPE, EIO …, which the stream survives; EPIPE after awl_stream_write_eof;
 *          EBUSY if another one is at work; EINVAL; EOVERFLOW; ENOMEM; ECANCELED; ECONNABORTED; the stream's first
 *          error.
 * Context  suspends until the kernel or the stream has taken everything; holds the loop up while the disk is read; has
 *          a turn for the other tasks after each MiB. Meanwhile nobody else can write. However it ends, the position of
 *          fd is behind the last byte handed over (if fd has one); such bytes stay sent.
 * Source   asyncio.loop.sendfile; test/stream/test_sendfile.c
 */
AWL_CORO awl_stream_sendfile(awl_stream *s, int fd, int64_t offset, int64_t count);

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

/* The first error; 0 if there was none. */
int awl_stream_error(const awl_stream *s);

/* The descriptor, which stays the stream's; -1 after closing. */
int awl_stream_fd(const awl_stream *s);

/* Whether it is closed, or being closed. NULL: true. As asyncio.StreamWriter.is_closing; test/stream/test_info.c */
bool awl_stream_is_closing(const awl_stream *s);

/* The address of the other side, and of this one, as "192.0.2.1:80", "[2001:db8::1]:80", "/run/name" or "@name".
 * Result: `text`, of `cap` bytes (AWL_ADDRESS_TEXT do), with an empty string in it if there is none: the client's side
 * of a Unix socket has no name. Source: test/stream/test_connect.c, test_unix.c */
const char *awl_stream_peer(const awl_stream *s, char *text, size_t cap);
const char *awl_stream_local(const awl_stream *s, char *text, size_t cap);

/* Who a process is. */
typedef struct awl_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
} awl_credentials;

/* Writes to *credentials who opened the other end of a Unix socket, or listened there, as the kernel knows it. Result:
 * 0; EOPNOTSUPP: it is no Unix socket; ECONNABORTED after closing; EINVAL for NULL. Source: test/stream/test_unix.c */
int awl_stream_peer_credentials(const awl_stream *s, awl_credentials *credentials);

/* ---- Transports: what moves the bytes of a stream ----------------------------------------------------------------- */

/*
 * The functions of a transport, for streams that are not over a descriptor. None of them blocks or calls back. Each
 * result is what was done, or -errno: -EAGAIN is "not now", and whoever gets that is told by awl_stream_changed when to
 * try again; any other error is the stream's from then on.
 *
 *   read        moves up to cap bytes, at least 1, to buf. Result: bytes; 0: the end
 *   write       takes bytes of n pieces, at least one byte. Result: bytes taken
 *   flush       passes on what it has taken and holds back; called whenever it can be written to. NULL: it holds nothing
 *   write_eof   passes on that nothing more will come. NULL: there is no such thing
 *   goodbye     the last words before an orderly close, when all is written. NULL: there are none
 *   close       the end of it, orderly or not; called once, also when the loop is closed. May free `self`
 */
typedef struct awl_transport {
    ssize_t (*read)(void *self, void *buf, size_t cap);
    ssize_t (*write)(void *self, const struct iovec *parts, int n);
    int (*flush)(void *self);
    int (*write_eof)(void *self);
    int (*goodbye)(void *self);
    void (*close)(void *self);
} awl_transport;

/*
 * Makes a stream over a transport of yours.
 *
 *   transport   read, write and close at least; must outlive the stream
 *   self        what its functions get
 *   options     may be NULL; of the limits
 * Result   the stream; NULL with errno ENOMEM, or EINVAL without a running loop or with a function missing.
 * Owns     the stream calls `close`; on error it does not.
 * Source   asyncio.Transport; test/stream/test_transport.c
 */
awl_stream *awl_stream_new(const awl_transport *transport, void *self, const awl_stream_options *options)
    __attribute__((warn_unused_result));

/* A transport says that there may be something to read, or room to write: what got -EAGAIN is tried again. From the
 * loop's thread, until `close` was called; nothing is called from within. */
void awl_stream_changed(awl_stream *s, bool readable, bool writable);

/* ---- Servers ----------------------------------------------------------------------------------------------------- */

/* Makes the coroutine that serves one client: return co_call(…) from it. It need not close the stream: that is done
 * when the coroutine has ended, whatever its end, and what it wrote is still sent. An error that it ends with is
 * reported, unless it is that of its stream: clients come and go. */
typedef awl_coro awl_client_fn(awl_stream *s, void *arg);

/*
 * Listens for TCP connections and runs a task for each.
 *
 *   client    makes its coroutine; an object without memory is reported, and the connection closed
 *   arg       passed to it
 *   host      where to listen, on all addresses of a name that this machine has; NULL: everywhere. Valid until the
 *             operation completes
 *   port      0: the kernel picks one, see awl_server_port
 *   options   may be NULL; copied by this call. What they point to is valid until the operation completes
 * Result   awl_server *: it accepts from now on.
 * Errors   those of awl_getaddrinfo; EADDRINUSE, EADDRNOTAVAIL, EACCES; EMFILE, ENFILE; EINVAL; ENOMEM; ECANCELED.
 * Owns     the caller closes the server.
 * Context  While options.max_clients are being served, others wait in the kernel's backlog, and one is accepted
 *          whenever one has gone. Where descriptors or memory run out (EMFILE, ENFILE, ENOBUFS, ENOMEM), that is
 *          reported, once until a client is served again; accepting goes on after a second, or when a client has gone,
 *          and who waits, waits.
 * Source   asyncio.start_server; test/stream/test_server.c, test_server_options.c
 */
AWL_CORO awl_start_server(awl_client_fn *client, void *arg, const char *host, int port,
                          const awl_stream_options *options);

/*
 * The same on a Unix socket. A socket that is there already is removed first, even if a server still listens on it; a
 * file of another kind is not. When the server is closed its socket is removed, if it is still the one that was made
 * here.
 *
 *   path   as for awl_open_unix_connection; "@" alone: the kernel picks an abstract name, see awl_server_local
 * Errors   ENAMETOOLONG; EADDRINUSE: a file that is no socket, or an abstract name in use; EACCES, ENOENT, ENOTDIR,
 *          EROFS; EMFILE, ENFILE; EINVAL; ENOMEM; ECANCELED.
 * Source   asyncio.start_unix_server of 3.13; test/stream/test_unix.c
 */
AWL_CORO awl_start_unix_server(awl_client_fn *client, void *arg, const char *path, const awl_stream_options *options);

/*
 * The same on a descriptor that is there already, of a TCP or Unix socket, bound, perhaps listening.
 *
 *   fd   for example AWL_LISTEN_FD + 0 to awl_listen_fds() - 1. It is made non-blocking, for all who share it, and is
 *        not passed on by exec
 * Errors   EBADF, ENOTSOCK; EINVAL: no stream socket, or connected; ENOMEM.
 * Owns     the server closes fd, and leaves the file of a Unix socket alone; on error fd stays the caller's.
 * Source   asyncio.start_server(sock=…); test/stream/test_server_options.c
 */
AWL_CORO awl_start_server_on(awl_client_fn *client, void *arg, int fd, const awl_stream_options *options);

/* How many listening descriptors a service manager has left to this process, from AWL_LISTEN_FD on: as LISTEN_FDS and
 * LISTEN_PID say, see sd_listen_fds(3). Source: test/stream/test_server_options.c */
enum { AWL_LISTEN_FD = 3 };
int awl_listen_fds(void);

/* The TCP port it listens on, else 0; how many clients are being served, those included of whose connections the last
 * bytes have not been sent. */
int awl_server_port(const awl_server *server);
size_t awl_server_clients(const awl_server *server);

/* Its i-th descriptor, from 0 on, which stays the server's (-1: it has not so many, or is closed), and the text of its
 * address, as awl_stream_local writes it. As asyncio.Server.sockets; test/stream/test_server_options.c */
int awl_server_fd(const awl_server *server, int i);
const char *awl_server_local(const awl_server *server, int i, char *text, size_t cap);

/* Cancels the tasks that serve clients. NULL is let be. As asyncio.Server.close_clients;
 * test/stream/test_server_close.c */
void awl_server_cancel_clients(awl_server *server);

/* Aborts the connections of all clients, so their streams' operations end with ECONNABORTED. NULL is let be.
 * As asyncio.Server.abort_clients; test/stream/test_server_close.c */
void awl_server_abort_clients(awl_server *server);

/*
 * Stops listening, and waits until all clients have been served and their connections are closed, what was written to
 * them sent. The handle stays the caller's, for awl_server_close.
 *
 * Result   none.
 * Errors   ECANCELED; EINVAL for NULL.
 * Source   asyncio.Server.close, wait_closed; test/stream/test_server.c
 */
AWL_CORO awl_server_wait_closed(awl_server *server);

/*
 * The same with an end to the patience: after `grace` the clients' tasks are cancelled. Those are waited for; but what
 * is then unsent when a client's task has ended, is dropped.
 *
 *   grace   AWL_FOREVER: as awl_server_wait_closed; zero or less: none
 * Result   none.
 * Errors   ECANCELED: it has stopped listening, and the clients that are left are served on; ENOMEM: likewise; EINVAL
 *          for NULL.
 * Context  who does not trust tasks to end when they are cancelled puts it into awl_wait_for, and
 *          awl_server_abort_clients behind that.
 * Source   test/stream/test_server_close.c
 */
AWL_CORO awl_server_shutdown(awl_server *server, awl_time grace);

/*
 * Waits until the task is cancelled, then shuts the server down with `grace`. The handle stays the caller's.
 *
 * Errors   ECANCELED, always: after the shutdown; at once if a second cancellation comes meanwhile; also when somebody
 *          else stops the server. EBUSY if another task waits so; EINVAL for NULL, or if it has stopped already;
 *          ENOMEM, after the shutdown, too.
 * Source   asyncio.Server.serve_forever; test/stream/test_server_close.c
 */
AWL_CORO awl_server_serve_forever(awl_server *server, awl_time grace);

/*
 * Waits until SIGINT or SIGTERM comes (see awl/signals.h), then shuts the server down with `grace`; a second signal cuts the
 * clients that are left. SIGINT does not cancel awl_run's main task meanwhile. The handle stays the caller's.
 *
 * Result   int: the signal; 0: somebody else has stopped the server.
 * Errors   ECANCELED: the server goes on, unless it was being shut down; EINVAL for NULL, or if it has stopped already;
 *          ENOMEM.
 * Source   test/stream/test_server_signal.c
 */
AWL_CORO awl_server_serve_until_signal(awl_server *server, awl_time grace);

/* Stops listening and gives the handle back. Clients that are being served are let be. NULL is allowed.
 * As asyncio.Server.close; test/stream/test_server.c */
void awl_server_close(awl_server *server);

/* ---- Readers: bytes that somebody feeds -------------------------------------------------------------------------- */

/* The buffer, which a stream has, too. */
typedef struct awl_input_ {
    size_t cap_, limit_, start_, end_;
    char *at_; /* NULL: empty */
    struct awl__stream_op *ops_;
    char hidden_; /* what the zero byte behind a line stands for */
    bool hides_, lends_, eof_, fed_;
} awl_input_;

/*
 * A reader is a buffer that one side feeds and the other reads, with asyncio's order of events. It tells the feeding
 * side to pause when more than twice its limit is buffered, and to go on when that is down to the limit, or when a read
 * has to wait for more.
 *
 * ONE TASK READS AT A TIME. A second one that would have to wait gets EBUSY. Until the task that was woken has had its
 * turn, others can still come before it, as in asyncio: what they find in the buffer they take, so that its
 * awl_reader_read gets 0; and if one of them has to wait, that turn forgets it, and only a cancellation ends it.
 *
 * ERRORS. One that awl_reader_set_error has set ends the read that waits, and every later one, before what is buffered:
 * so it is in asyncio, while an awl_stream delivers first what came before its error.
 */
typedef struct awl_reader {
    awl_input_ in_;
    awl_loop *loop_;
    char *lent_; /* what the line lies in that was read last, if the buffer has moved on */
    size_t lent_cap_;
    size_t detail_; /* of the last error: the bytes that the accessors below are about */
    struct awl__stream_op *waiter_;
    void (*pause_)(void *arg, bool pause);
    void *pause_arg_;
    int16_t error_;
    bool paused_;
} awl_reader;

/*
 * Makes a reader in caller's memory, for the running loop or the one given.
 *
 *   limit   of a line, bytes; half of what is buffered before the feeding side is to pause; 0: 64 KiB
 * Errors   none here; without a loop every operation is EINVAL, as on a zeroed reader.
 * Owns     awl_reader_fini, before the loop is closed.
 * Source   asyncio.StreamReader; test/stream/test_reader.c
 */
void awl_reader_init(awl_reader *reader, awl_loop *loop, size_t limit);

/* Drops what is buffered. Reads that wait end with ECONNABORTED, and the memory is the caller's at once. NULL and a
 * zeroed reader are let be. */
void awl_reader_fini(awl_reader *reader);

/* Has fn(arg, true) called when the feeding side is to pause, fn(arg, false) when it is to go on. fn is called from
 * within the other calls; it may feed the reader, not read from it nor fini it. NULL: nobody pauses. */
void awl_reader_on_pause(awl_reader *reader, void (*fn)(void *arg, bool pause), void *arg);

/*
 * Puts bytes behind what is buffered, whatever its limit, and wakes the read that waits.
 *
 *   data   copied; may be NULL if len is 0
 * Result   0; ENOMEM: nothing was taken; EPIPE after awl_reader_feed_eof; EINVAL for NULL.
 * Context  the loop's thread; does not suspend.
 * Source   asyncio.StreamReader.feed_data; test/stream/test_reader.c
 */
int awl_reader_feed_data(awl_reader *reader, const void *data, size_t len);

/* Says that nothing more will come. 0, also when said twice; EINVAL for NULL. As asyncio.StreamReader.feed_eof. */
int awl_reader_feed_eof(awl_reader *reader);

/* Sets the error that reads end with from now on; a later one replaces it. 0; EINVAL for NULL, or an error that is not
 * from 1 to 32767. As asyncio.StreamReader.set_exception. */
int awl_reader_set_error(awl_reader *reader, int error);

/*
 * Takes up to `cap` bytes, as soon as there are any.
 *
 *   buf   caller's memory, valid until the operation completes; untouched on error
 *   cap   bytes; 0: nothing is waited for
 * Result   int: bytes read; 0 at the end, for cap 0, or if another task took what came.
 * Errors   ECANCELED; EBUSY if another read waits and this one would have to; ECONNABORTED after awl_reader_fini;
 *          AWL_EOTHERLOOP; EINVAL; the error that was set.
 * Context  suspends only if there is nothing; allocates nothing; cancel-safe: no byte is lost.
 * Source   asyncio.StreamReader.read; test/stream/test_reader.c
 */
AWL_CORO awl_reader_read(awl_reader *reader, void *buf, size_t cap);

/*
 * Takes everything up to the end.
 *
 *   len   takes the length; may be NULL; untouched on error
 * Result   char *: with a zero byte behind it, valid as a line below; NULL if there was nothing.
 * Errors   ENOMEM; else as above. What came by then can still be read; should there be no memory for that, ENOMEM is
 *          the reader's error from then on.
 * Source   asyncio.StreamReader.read(-1), which loses what it had got when it is cancelled; test/stream/test_reader.c,
 *          test_reader_faults.c
 */
AWL_CORO awl_reader_read_all(awl_reader *reader, size_t *len);

/*
 * Takes exactly `n` bytes, once that many are buffered; the limit does not matter.
 *
 *   buf   caller's memory, n bytes, valid until the operation completes; untouched on error
 * Result   int: n.
 * Errors   AWL_EINCOMPLETE: the end came before, and what was there is taken: see awl_reader_partial. Else as above.
 * Source   asyncio.StreamReader.readexactly; test/stream/test_reader.c
 */
AWL_CORO awl_reader_read_exactly(awl_reader *reader, void *buf, size_t n);

/*
 * Takes a line, with its '\n'; at the end perhaps one without.
 *
 *   len   as above
 * Result   char *: the line, with a zero byte behind it; NULL at the end. It lies in the reader's memory, may be
 *          changed, and is valid until the next operation that reads, or awl_reader_fini; feeding does not touch it.
 * Errors   AWL_ELIMIT: it is longer than the limit without its '\n', and dropped; where there is no '\n' yet, all that
 *          is buffered is. Else as above.
 * Context  as above; allocates nothing.
 * Source   asyncio.StreamReader.readline, whose ValueError is AWL_ELIMIT here; test/stream/test_reader.c
 */
AWL_CORO awl_reader_readline(awl_reader *reader, size_t *len);

/*
 * Takes what comes up to and with a separator.
 *
 *   separator, size   1 byte or more (else EINVAL), valid until the operation completes
 * Result   char *: as above, never NULL.
 * Errors   AWL_EINCOMPLETE: as above. AWL_ELIMIT: more than the limit before the separator; all of it stays to be read,
 *          see awl_reader_consumed. Else as above.
 * Source   asyncio.StreamReader.readuntil; test/stream/test_reader.c
 */
AWL_CORO awl_reader_read_until(awl_reader *reader, const void *separator, size_t size, size_t *len);

/* After AWL_EINCOMPLETE: what was there before the end, with a zero byte behind it; it is valid as a line is. `len` may
 * be NULL. As asyncio.IncompleteReadError.partial. */
char *awl_reader_partial(awl_reader *reader, size_t *len);

/* After AWL_ELIMIT of awl_reader_read_until: how many bytes at the front of the buffer hold no separator; 0 for NULL.
 * As asyncio.LimitOverrunError.consumed. */
size_t awl_reader_consumed(const awl_reader *reader);

/* Whether the end was fed and nothing is buffered (NULL: true); bytes buffered; whether the feeding side was told to
 * pause; the error that was set, 0 if none was (NULL: EINVAL). */
bool awl_reader_at_eof(const awl_reader *reader);
size_t awl_reader_buffered(const awl_reader *reader);
bool awl_reader_paused(const awl_reader *reader);
int awl_reader_error(const awl_reader *reader);

/* ---- Flows: who may write on, and who has to wait ---------------------------------------------------------------- */

/* The marks, which a stream has, too. */
typedef struct awl_gate_ {
    size_t unsent_;
    struct awl__stream_op *ops_;
    int16_t lost_; /* the error of drains that begin now */
    bool paused_, closing_;
    size_t high_, low_;
} awl_gate_;

/* A flow counts bytes that are written and not sent yet. It pauses when they are more than `high`, until they are as
 * few as `low`; while it is paused, drains wait. */
typedef struct awl_flow {
    awl_gate_ gate_;
    awl_loop *loop_;
} awl_flow;

/*
 * Makes a flow in caller's memory, for the running loop or the one given.
 *
 *   high, low   bytes; `low` is no more than `high`, else it is taken to be that
 * Errors   none here; without a loop every operation is EINVAL, as on a zeroed flow.
 * Owns     awl_flow_fini, before the loop is closed.
 * Source   asyncio.WriteTransport.set_write_buffer_limits; test/stream/test_flow.c
 */
void awl_flow_init(awl_flow *flow, awl_loop *loop, size_t high, size_t low);

/* Drains that wait end with ECONNABORTED, and the memory is the caller's at once. NULL and a zeroed flow are let be. */
void awl_flow_fini(awl_flow *flow);

/* Counts n bytes more, or n bytes less (at most all); the latter may wake all drains. 0; EINVAL for NULL; EOVERFLOW if
 * there would be more than a size_t holds, and nothing is counted. Source: test/stream/test_flow.c */
int awl_flow_written(awl_flow *flow, size_t n);
int awl_flow_sent(awl_flow *flow, size_t n);

/*
 * Waits while the flow is paused. Any number of tasks may wait; they go on in their order.
 *
 * Result   none.
 * Errors   ECONNRESET once the connection is lost; if it is lost while this waits: the error given to awl_flow_lost;
 *          ECANCELED; ECONNABORTED after awl_flow_fini; AWL_EOTHERLOOP; EINVAL.
 * Context  suspends only while the flow is paused, or, after awl_flow_close, for one turn of the other tasks: so a loop
 *          of writes and drains comes to see that the connection is lost.
 * Source   asyncio.StreamWriter.drain; test/stream/test_flow.c
 */
AWL_CORO awl_flow_drain(awl_flow *flow);

/* The connection is being closed, but not lost yet. NULL is let be. As asyncio's transport.is_closing. */
void awl_flow_close(awl_flow *flow);

/* The connection is lost: drains that wait end with `error`, without one if it is 0. 0; EINVAL for NULL, or an error
 * that is not from 0 to 32767. As asyncio's protocol.connection_lost; test/stream/test_flow.c */
int awl_flow_lost(awl_flow *flow, int error);

/* Whether drains wait; bytes written and not sent. */
bool awl_flow_paused(const awl_flow *flow);
size_t awl_flow_unsent(const awl_flow *flow);

#endif
