/* test_info.c: what streams tell of themselves, and the corners of ends: half-closed, closing, lost. */
#include "rig.h"

STREAM_TEST(a_stream_tells_that_it_is_closing, { awl_stream *s; int peer; })
{
    co_begin;
    CHECK(awl_stream_is_closing(NULL));
    self->s = open_pair(&self->peer, NULL);
    CHECK(!awl_stream_is_closing(self->s));
    co_await(awl_stream_wait_closed(self->s));
    CHECK(awl_stream_is_closing(self->s));
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(an_aborted_stream_is_closing, { awl_stream *s; int peer; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    awl_stream_abort(self->s);
    CHECK(awl_stream_is_closing(self->s));
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(sockets_can_write_eof_and_pipes_cannot, { awl_stream *s; int peer, fds[2]; })
{
    co_begin;
    CHECK(!awl_stream_can_write_eof(NULL));
    self->s = open_pair(&self->peer, NULL);
    CHECK(awl_stream_can_write_eof(self->s));
    awl_stream_close(self->s);
    close(self->peer);
    CHECK_INT(pipe(self->fds), 0);
    self->s = awl_stream_open(self->fds[1], NULL);
    CHECK(self->s != NULL);
    CHECK(!awl_stream_can_write_eof(self->s));
    awl_stream_close(self->s);
    close(self->fds[0]);
    co_end;
}

/* As asyncio's: the end of one direction is not that of the other. */
STREAM_TEST(after_the_peers_end_one_can_still_write, { awl_stream *s; int peer, n; char byte; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "x");
    CHECK_INT(shutdown(self->peer, SHUT_WR), 0);
    co_let(self->n, awl_stream_read(self->s, &self->byte, 1));
    CHECK_INT(self->n, 1);
    CHECK(!awl_stream_at_eof(self->s)); /* nobody has seen it yet */
    co_let(self->n, awl_stream_read(self->s, &self->byte, 1));
    CHECK_INT(self->n, 0);
    CHECK(awl_stream_at_eof(self->s));
    CHECK(!awl_stream_is_closing(self->s));
    CHECK_INT(awl_stream_write(self->s, "still", 5), 0);
    co_await(awl_stream_drain(self->s));
    CHECK_STR(got(self->peer), "still");
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(after_ones_own_end_one_can_still_read, { awl_stream *s; int peer, n; char byte; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    CHECK_STR(got(self->peer), "END");
    put(self->peer, "x");
    co_let(self->n, awl_stream_read(self->s, &self->byte, 1));
    CHECK_INT(self->n, 1);
    CHECK_INT(awl_stream_write(self->s, "x", 1), EPIPE);
    co_await(awl_stream_drain(self->s)); /* nothing is lost by that */
    CHECK_INT(awl_stream_error(self->s), 0);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

/* A stream of TCP whose peer has reset the connection after one byte. */
co_def(reset, { awl_stream **s; int listener, peer, port; })
{
    static const struct linger at_once = { 1, 0 };
    awl_address address;
    socklen_t size = sizeof address.of;

    co_begin;
    awl_address_parse("127.0.0.1", 0, &address);
    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(bind(self->listener, &address.of.any, size = awl_address_size(&address)), 0);
    CHECK_INT(listen(self->listener, 1), 0);
    CHECK_INT(getsockname(self->listener, &address.of.any, &size), 0);
    self->port = awl_address_port(&address);
    co_let(*self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    self->peer = accept(self->listener, NULL, NULL);
    put(self->peer, "x");
    setsockopt(self->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(self->peer);
    close(self->listener);
    co_end;
}

STREAM_TEST(after_a_reset_all_tell_of_it, { awl_stream *s; int rc, n; char byte; })
{
    co_begin;
    co_await(co_call(reset, .s = &self->s));
    co_let(self->n, awl_stream_read(self->s, &self->byte, 1)); /* what came before it is not lost */
    CHECK_INT(self->n, 1);
    CHECK_FAILS(ECONNRESET, awl_stream_read(self->s, &self->byte, 1));
    CHECK(!awl_stream_at_eof(self->s)); /* nobody knows what was still to come */
    CHECK_FAILS(ECONNRESET, awl_stream_drain(self->s));
    CHECK_INT(awl_stream_write(self->s, "x", 1), ECONNRESET);
    CHECK_INT(awl_stream_write_eof(self->s), ECONNRESET);
    CHECK_FAILS(ECONNRESET, awl_stream_wait_closed(self->s));
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(a_drain_learns_of_a_reset_while_it_waits, { awl_stream *s; int peer, rc; awl_task *t; })
{
    static char much[4 << 20];

    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, sizeof much), 0);
    self->t = awl_create_task(awl_stream_drain(self->s));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    close(self->peer);
    co_try(self->rc, self->t);
    CHECK(self->rc == EPIPE || self->rc == ECONNRESET);
    CHECK_INT(awl_stream_unsent(self->s), 0);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    co_end;
}
