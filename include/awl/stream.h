/*
 * awl/stream.h: TCP connections, to servers and from clients. SPDX-License-Identifier: MIT
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
 * SIGPIPE is never raised. An idle stream has no buffers: it takes about 400 bytes.
 */
#ifndef AWL_STREAM_H
#define AWL_STREAM_H

#include "awl/dns.h"
#include "awl/task.h"

typedef struct awl_stream awl_stream;
typedef struct awl_server awl_server;

/* Zero is the default of every option. */
typedef struct awl_stream_options {
    size_t limit;     /* of a line, bytes; 64 KiB */
    size_t high, low; /* of unsent bytes; 64 KiB and 16 KiB */
    int family;       /* AF_INET or AF_INET6: addresses of that family only */
    int backlog;      /* of a server: connections that the kernel completes ahead; 100 */
} awl_stream_options;

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

/*
 * Connects to a TCP server, trying the addresses of `host` in turn.
 *
 *   host      a name or numbers, valid until the operation completes
 *   port      1 to 65535
 *   options   may be NULL; valid until the operation completes
 * Result   awl_stream *: the connection.
 * Errors   those of awl_getaddrinfo; that of the last address tried: ECONNREFUSED, ETIMEDOUT, ENETUNREACH …; EMFILE,
 *          ENFILE; EINVAL; ENOMEM; ECANCELED.
 * Owns     the caller closes the stream.
 * Source   asyncio.open_connection; test/stream/test_connect.c
 */
AWL_CORO awl_open_connection(const char *host, int port, const awl_stream_options *options);

/*
 * Makes a stream of a connected stream socket.
 *
 *   fd   set to non-blocking mode here
 * Result   the stream; NULL with errno ENOMEM, ENOTSOCK, EBADF, or EINVAL without a running loop.
 * Owns     the stream closes fd; on error it stays the caller's.
 * Source   asyncio.open_connection(sock=…); test/stream/test_read.c
 */
awl_stream *awl_stream_open(int fd, const awl_stream_options *options) __attribute__((warn_unused_result));

/*
 * Closes a stream and gives its handle back. What has been written is still sent, in the background; then the
 * connection ends. Operations of other tasks that wait to read end with ECONNABORTED.
 *
 *   s   may be NULL; not to be used afterwards
 * Context  the loop's thread; does not suspend.
 * Source   asyncio.StreamWriter.close; test/stream/test_close.c
 */
void awl_stream_close(awl_stream *s);

/*
 * Ends the connection as awl_stream_close does, and waits until all is sent and the descriptor closed. The handle stays
 * the caller's, for awl_stream_close.
 *
 * Result   none.
 * Errors   the stream's first error; ECANCELED: the closing goes on; EINVAL for NULL.
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

/* Whether a read has found the end of the stream and everything before it has been delivered. NULL: true. */
bool awl_stream_at_eof(const awl_stream *s);

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/*
 * Sends `len` bytes: what the kernel takes now at once, a copy of the rest when it can.
 *
 * Result   0; ENOMEM: nothing was taken, or, if part of it had been sent, the stream's error is ENOMEM from then on;
 *          EPIPE after awl_stream_write_eof; ECONNABORTED after closing; EINVAL for NULL; the stream's first error.
 * Context  the loop's thread; does not suspend.
 * Source   asyncio.StreamWriter.write; test/stream/test_write.c
 */
int awl_stream_write(awl_stream *s, const void *data, size_t len);

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
 * Result   0, also when said twice; otherwise as awl_stream_write.
 * Source   asyncio.StreamWriter.write_eof; test/stream/test_write.c
 */
int awl_stream_write_eof(awl_stream *s);

/* Bytes written and not yet taken by the kernel. */
size_t awl_stream_unsent(const awl_stream *s);

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

/* The first error; 0 if there was none. */
int awl_stream_error(const awl_stream *s);

/* The descriptor, which stays the stream's; -1 after closing. */
int awl_stream_fd(const awl_stream *s);

/* The address of the other side, and of this one, as "192.0.2.1:80" or "[2001:db8::1]:80". Result: `text`, of `cap`
 * bytes (AWL_ADDRESS_TEXT do), with an empty string in it if there is none. */
const char *awl_stream_peer(const awl_stream *s, char *text, size_t cap);
const char *awl_stream_local(const awl_stream *s, char *text, size_t cap);

/* ---- Servers ----------------------------------------------------------------------------------------------------- */

/* Makes the coroutine that serves one client: return co_call(…) from it. It need not close the stream: that is done
 * when the coroutine has ended, whatever its end. An error that it ends with is reported, unless it is that of its
 * stream: clients come and go. */
typedef awl_coro awl_client_fn(awl_stream *s, void *arg);

/*
 * Listens for TCP connections and runs a task for each.
 *
 *   client    makes its coroutine; an object without memory is reported, and the connection closed
 *   arg       passed to it
 *   host      where to listen; NULL: everywhere. Valid until the operation completes
 *   port      0: the kernel picks one, see awl_server_port
 *   options   may be NULL; valid until the operation completes
 * Result   awl_server *: it accepts from now on.
 * Errors   those of awl_getaddrinfo; EADDRINUSE, EADDRNOTAVAIL, EACCES; EMFILE, ENFILE; EINVAL; ENOMEM; ECANCELED.
 *          Where descriptors or memory run out later, that is reported, and accepting goes on after a second.
 * Owns     the caller closes the server.
 * Source   asyncio.start_server; test/stream/test_server.c
 */
AWL_CORO awl_start_server(awl_client_fn *client, void *arg, const char *host, int port,
                          const awl_stream_options *options);

/* The port it listens on; how many clients are being served. */
int awl_server_port(const awl_server *server);
size_t awl_server_clients(const awl_server *server);

/* Cancels the tasks that serve clients. NULL is let be. As asyncio.Server.close_clients; test/stream/test_server.c */
void awl_server_cancel_clients(awl_server *server);

/*
 * Stops listening, and waits until all clients have been served. The handle stays the caller's, for awl_server_close.
 *
 * Result   none.
 * Errors   ECANCELED; EINVAL for NULL.
 * Source   asyncio.Server.close, wait_closed; test/stream/test_server.c
 */
AWL_CORO awl_server_wait_closed(awl_server *server);

/* Stops listening and gives the handle back. Clients that are being served are let be. NULL is allowed.
 * As asyncio.Server.close; test/stream/test_server.c */
void awl_server_close(awl_server *server);

#endif
