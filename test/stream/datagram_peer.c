/*
 * One side of a conversation by UDP, for check_datagram.sh.
 *
 *     datagram_peer serve                    prints its port, and echoes until it is told "bye"
 *     datagram_peer ask HOST PORT TEXT…      sends each text, until it is answered, and prints the answers
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

co_def(serve, { awl_datagram *d; awl_address from; int n; char buf[2048]; })
{
    co_begin;
    co_let(self->d, awl_open_datagram("127.0.0.1", 0, NULL, 0, NULL));
    printf("%d\n", awl_datagram_port(self->d));
    fflush(stdout);
    do {
        co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, &self->from));
        if (awl_datagram_send(self->d, self->buf, (size_t)self->n, &self->from))
            co_raise(EIO);
        co_await(awl_datagram_drain(self->d));
    } while (self->n != 3 || memcmp(self->buf, "bye", 3));
    co_finally;
    awl_datagram_close(self->d);
    co_end;
}

/* The other side may not be there yet: it is asked again after a refusal, or half a second of silence. */
co_def(ask_one, { awl_datagram *d; const char *text; char *buf; size_t cap; int n, error, tries; })
{
    co_begin;
    for (self->tries = 0; self->tries < 100; self->tries++) {
        self->error = awl_datagram_send(self->d, self->text, strlen(self->text), NULL);
        if (!self->error)
            co_try(self->error,
                   awl_wait_for(awl_datagram_receive(self->d, self->buf, self->cap, NULL), 500 * AWL_MS));
        if (!self->error)
            break;
        if (self->error != ECONNREFUSED && self->error != ETIMEDOUT)
            co_raise(self->error);
        co_await(awl_sleep(20 * AWL_MS));
    }
    if (self->error)
        co_raise(self->error);
    co_result(self->n);
    co_return(self->n);
    co_end;
}

co_def(ask, { char **words; awl_datagram *d; int n; char buf[2048]; })
{
    co_begin;
    co_let(self->d, awl_open_datagram(NULL, 0, self->words[0], atoi(self->words[1]), NULL));
    for (self->words += 2; *self->words; self->words++) {
        co_let(self->n,
               co_call(ask_one, .d = self->d, .text = *self->words, .buf = self->buf, .cap = sizeof self->buf));
        printf("%.*s\n", self->n, self->buf);
    }
    co_finally;
    awl_datagram_close(self->d);
    co_end;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "serve"))
        return awl_run(co_call(serve));
    if (argc > 4 && !strcmp(argv[1], "ask"))
        return awl_run(co_call(ask, .words = argv + 2));
    fprintf(stderr, "usage: %s serve | ask HOST PORT TEXT...\n", argv[0]);
    return 2;
}
