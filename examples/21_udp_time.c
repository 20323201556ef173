/*
 * What time is it? The oldest question on the net: a time server over UDP, and a client.
 *
 * Shows    awl_open_datagram, awl_datagram_receive, awl_datagram_send, awl_wait_for as the answer to lost datagrams.
 * Build    cc 21_udp_time.c $(pkg-config --cflags --libs awl), or: ninja examples/21_udp_time
 * Prints   the clocks agree: yes          of itself and itself; and of another one, where it runs:
 *          ./21_udp_time HOST 37          1795305600 seconds since 1970
 *
 * The question is an empty datagram, the answer the seconds since 1900 in four bytes (RFC 868).
 *
 *     class Time(asyncio.DatagramProtocol):
 *         def connection_made(self, transport):
 *             self.transport = transport
 *         def datagram_received(self, data, address):
 *             self.transport.sendto(struct.pack("!I", int(time.time()) + SINCE_1900), address)
 *
 *     await loop.create_datagram_endpoint(Time, local_addr=("127.0.0.1", 0))
 */
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SINCE_1900 2208988800u /* seconds from there to 1970 */

co_def(serve, { awl_datagram *d; awl_address from; uint32_t now; int error; unsigned char buf[4]; })
{
    co_begin;
    for (;;) {
        co_try(self->error, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
        if (self->error && self->error != AWL_ELIMIT) /* who asks at length gets an answer, too */
            co_raise(self->error);
        self->now = (uint32_t)time(NULL) + SINCE_1900;
        for (int i = 0; i < 4; i++)
            self->buf[i] = (unsigned char)(self->now >> (24 - 8 * i));
        awl_datagram_send(self->d, self->buf, 4, &self->from); /* if that fails, they will ask again */
    }
    co_end;
}

/* On the way datagrams may get lost: it asks three times. Result: seconds since 1970. */
co_def(ask, { const char *host; int port, tries, error; awl_datagram *d; unsigned char buf[4]; })
{
    co_begin;
    co_let(self->d, awl_open_datagram(NULL, 0, self->host, self->port, NULL));
    for (self->tries = 0; self->tries < 3; self->tries++) {
        awl_datagram_send(self->d, NULL, 0, NULL);
        co_try(self->error, awl_wait_for(awl_datagram_receive(self->d, self->buf, 4, NULL), 1 * AWL_SECOND));
        if (!self->error)
            break;
    }
    if (self->error)
        co_raise(self->error);
    co_return(((int64_t)self->buf[0] << 24 | self->buf[1] << 16 | self->buf[2] << 8 | self->buf[3]) - SINCE_1900);
    co_finally;
    awl_datagram_close(self->d);
    co_end;
}

/* The whole conversation in one program. */
co_def(both, { awl_datagram *d; awl_task *server; int64_t then; })
{
    co_begin;
    co_let(self->d, awl_open_datagram("127.0.0.1", 0, NULL, 0, NULL));
    self->server = awl_create_task(co_call(serve, .d = self->d));
    co_let(self->then, co_call(ask, .host = "127.0.0.1", .port = awl_datagram_port(self->d)));
    printf("the clocks agree: %s\n", llabs(time(NULL) - self->then) <= 5 ? "yes" : "no");
    co_finally;
    awl_task_cancel(self->server);
    awl_task_release(self->server);
    awl_datagram_close(self->d);
    co_end;
}

int main(int argc, char **argv)
{
    awl_value then;
    int error;

    if (argc != 3)
        return awl_run(co_call(both));
    error = awl_run_with(co_call(ask, .host = argv[1], .port = atoi(argv[2])), NULL, &then);
    if (!error)
        printf("%lld seconds since 1970\n", (long long)then.i);
    return error;
}
