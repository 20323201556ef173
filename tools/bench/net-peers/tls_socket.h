/* BearSSL's engine over a blocking socket, with the fewest system calls that its buffers allow. */
#ifndef NET_TLS_SOCKET_H
#define NET_TLS_SOCKET_H

#include <bearssl.h>
#include <stdbool.h>
#include <string.h>

enum { TLS_RECORD = 16384 };

/* What the client says first, in one byte: it wants it back; it sends; the server is to send. */
enum { TLS_ASKS = 'a', TLS_SENDS = 's', TLS_RECEIVES = 'r' };

/* Sends what there is to send, then receives until the engine's state has one of `wanted`; 0: only sends. false:
 * closed. */
bool tls_advance(br_ssl_engine_context *engine, int fd, unsigned wanted);

/* Some of the bytes: how many; 0: closed. */
size_t tls_write(br_ssl_engine_context *engine, int fd, const void *data, size_t len);
size_t tls_read(br_ssl_engine_context *engine, int fd, void *buf, size_t cap);

/* Ends it in order: a close_notify is sent, none is waited for. */
void tls_say_goodbye(br_ssl_engine_context *engine, int fd);

#endif
