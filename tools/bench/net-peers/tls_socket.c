/* See tls_socket.h. */
#include <stddef.h>
#include <sys/socket.h>

#include "tls_socket.h"

bool tls_advance(br_ssl_engine_context *engine, int fd, unsigned wanted)
{
    for (;;) {
        const unsigned state = br_ssl_engine_current_state(engine);
        unsigned char *buf;
        size_t len;
        ssize_t n;

        if (state & BR_SSL_CLOSED || !state)
            return false;
        if (state & BR_SSL_SENDREC) {
            buf = br_ssl_engine_sendrec_buf(engine, &len);
            n = send(fd, buf, len, MSG_NOSIGNAL);
            if (n <= 0)
                return false;
            br_ssl_engine_sendrec_ack(engine, (size_t)n);
        } else if (!wanted || state & wanted) {
            return true;
        } else {
            buf = br_ssl_engine_recvrec_buf(engine, &len);
            n = buf ? recv(fd, buf, len, 0) : 0;
            if (n <= 0)
                return false;
            br_ssl_engine_recvrec_ack(engine, (size_t)n);
        }
    }
}

size_t tls_write(br_ssl_engine_context *engine, int fd, const void *data, size_t len)
{
    unsigned char *room;
    size_t cap;

    if (!tls_advance(engine, fd, BR_SSL_SENDAPP))
        return 0;
    room = br_ssl_engine_sendapp_buf(engine, &cap);
    if (len > cap)
        len = cap;
    memcpy(room, data, len);
    br_ssl_engine_sendapp_ack(engine, len);
    br_ssl_engine_flush(engine, 0);
    return tls_advance(engine, fd, 0) ? len : 0;
}

size_t tls_read(br_ssl_engine_context *engine, int fd, void *buf, size_t cap)
{
    const unsigned char *data;
    size_t len;

    if (!tls_advance(engine, fd, BR_SSL_RECVAPP))
        return 0;
    data = br_ssl_engine_recvapp_buf(engine, &len);
    if (len > cap)
        len = cap;
    memcpy(buf, data, len);
    br_ssl_engine_recvapp_ack(engine, len);
    return len;
}

void tls_say_goodbye(br_ssl_engine_context *engine, int fd)
{
    br_ssl_engine_close(engine);
    tls_advance(engine, fd, 0);
}
