/* test_descriptors.c: readers and writers of descriptors. */
#define _GNU_SOURCE
#include "rig.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];

static awl_loop *open_pipe(void)
{
    CHECK_INT(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    return open_virtual();
}

static void end(awl_loop *loop)
{
    awl_loop_close(loop);
    close(fds[0]);
    close(fds[1]);
}

static void put(const char *text) { CHECK_INT(write(fds[1], text, strlen(text)), strlen(text)); }

/* Reads one byte and says it. */
static void take_one(void *arg)
{
    char byte[2] = "";

    (void)arg;
    CHECK_INT(read(fds[0], byte, 1), 1);
    say("%s", byte);
}

/* ---- Readers ---------------------------------------------------------------------------------------------------------- */

TEST(a_reader_is_called_once_an_iteration_while_there_is_something)
{
    awl_loop *loop = open_pipe();

    CHECK_INT(awl_add_reader(loop, fds[0], take_one, NULL), 0);
    run_once(loop);
    CHECK_TRACE("");
    put("abc");
    run_once(loop);
    CHECK_TRACE("a");
    run_once(loop);
    run_once(loop);
    run_once(loop);
    CHECK_TRACE("b c");
    CHECK(awl_remove_reader(loop, fds[0]));
    end(loop);
}

static void put_it(void *text) { put(text); }

static void take_and_stop(void *loop)
{
    take_one(NULL);
    awl_loop_stop(loop);
}

TEST(order_is_ready_then_descriptors_then_timers)
{
    awl_loop *loop = open_pipe();

    CHECK_INT(awl_add_reader(loop, fds[0], take_one, NULL), 0);
    CHECK_INT(awl_call_later(loop, NULL, 0, say_it, "timer"), 0);
    CHECK_INT(awl_call_soon(loop, NULL, say_it, "soon"), 0);
    put("r");
    run_once(loop);
    CHECK_TRACE("soon r timer");
    end(loop);
}

TEST(a_loop_that_rests_wakes_for_a_descriptor)
{
    awl_loop *loop = open_real();

    CHECK_INT(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    CHECK_INT(awl_add_reader(loop, fds[0], take_and_stop, loop), 0);
    CHECK_INT(awl_call_later(loop, NULL, AWL_MS, put_it, "x"), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_TRACE("x");
    end(loop);
}

static int spins;
static void spin(void *loop)
{
    if (!strlen(trace)) {
        spins++;
        CHECK_INT(awl_call_soon(loop, NULL, spin, loop), 0);
    } else {
        awl_loop_stop(loop);
    }
}

TEST(a_busy_loop_looks_at_descriptors_too)
{
    awl_loop *loop = open_real();

    CHECK_INT(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    CHECK_INT(awl_add_reader(loop, fds[0], take_one, NULL), 0);
    put("x");
    CHECK_INT(awl_call_soon(loop, NULL, spin, loop), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK(spins <= 63);
    end(loop);
}

TEST(another_reader_replaces_the_first)
{
    awl_loop *loop = open_pipe();

    CHECK_INT(awl_add_reader(loop, fds[0], say_it, "no"), 0);
    CHECK_INT(awl_add_reader(loop, fds[0], take_one, NULL), 0);
    put("a");
    run_once(loop);
    CHECK_TRACE("a");
    CHECK(awl_remove_reader(loop, fds[0]));
    CHECK(!awl_remove_reader(loop, fds[0]));
    end(loop);
}

static void remove_reader(void *loop) { CHECK(awl_remove_reader(loop, fds[0])); }

TEST(a_reader_removed_when_it_is_due_is_not_called)
{
    awl_loop *loop = open_pipe();

    awl_add_reader(loop, fds[0], say_it, "no");
    put("x");
    awl_call_soon(loop, NULL, remove_reader, loop);
    awl_call_soon(loop, NULL, say_it, "a");
    run_once(loop);
    run_once(loop);
    CHECK_TRACE("a");
    end(loop);
}

TEST(a_reader_may_remove_itself)
{
    awl_loop *loop = open_pipe();

    awl_add_reader(loop, fds[0], remove_reader, loop);
    put("x");
    run_dry(loop);
    end(loop);
}

static void swap(void *loop)
{
    say("first");
    CHECK(awl_remove_reader(loop, fds[0]));
    CHECK_INT(awl_add_reader(loop, fds[0], take_one, NULL), 0);
}

TEST(a_reader_may_be_removed_and_added_again_from_its_call)
{
    awl_loop *loop = open_pipe();

    awl_add_reader(loop, fds[0], swap, loop);
    put("x");
    run_once(loop);
    run_once(loop);
    CHECK_TRACE("first x");
    end(loop);
}

/* ---- Writers ------------------------------------------------------------------------------------------------------------ */

static void remove_writer(void *loop)
{
    say("w");
    CHECK(awl_remove_writer(loop, fds[0]));
}

TEST(reader_and_writer_of_one_socket_are_independent)
{
    awl_loop *loop = open_virtual();

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    CHECK_INT(awl_add_reader(loop, fds[0], take_one, NULL), 0);
    CHECK_INT(awl_add_writer(loop, fds[0], remove_writer, loop), 0);
    run_once(loop);
    CHECK_TRACE("w");
    put("r");
    run_once(loop);
    CHECK_TRACE("r");
    CHECK(!awl_remove_writer(loop, fds[0]));
    CHECK(awl_remove_reader(loop, fds[0]));
    end(loop);
}

TEST(a_writer_is_not_called_while_there_is_no_room)
{
    awl_loop *loop = open_pipe();
    static char much[4096];

    while (write(fds[1], much, sizeof much) > 0)
        ;
    awl_add_writer(loop, fds[1], say_it, "room");
    run_once(loop);
    CHECK_TRACE("");
    CHECK_INT(read(fds[0], much, sizeof much), sizeof much);
    run_once(loop);
    CHECK_TRACE("room");
    end(loop);
}

TEST(the_end_of_a_stream_calls_the_reader)
{
    awl_loop *loop = open_pipe();

    awl_add_reader(loop, fds[0], say_it, "end");
    close(fds[1]);
    run_once(loop);
    CHECK_TRACE("end");
    fds[1] = dup(fds[0]);
    end(loop);
}

/* ---- Errors --------------------------------------------------------------------------------------------------------------- */

TEST(a_plain_file_is_EPERM)
{
    awl_loop *loop = open_virtual();
    const int fd = memfd_create("plain", MFD_CLOEXEC);
    const size_t before = memory_used(loop);

    CHECK_INT(awl_add_reader(loop, fd, say_it, "no"), EPERM);
    CHECK_INT(awl_add_writer(loop, fd, say_it, "no"), EPERM);
    CHECK(!awl_remove_reader(loop, fd));
    CHECK_INT(memory_used(loop), before);
    close(fd);
    awl_loop_close(loop);
}

TEST(what_is_no_descriptor_is_EBADF)
{
    awl_loop *loop = open_virtual();
    const int fd = dup(0);

    close(fd);
    CHECK_INT(awl_add_reader(loop, fd, say_it, "no"), EBADF);
    CHECK_INT(awl_add_writer(loop, fd, say_it, "no"), EBADF);
    CHECK_INT(awl_add_reader(loop, -1, say_it, "no"), EBADF);
    CHECK_INT(awl_add_writer(loop, -5, say_it, "no"), EBADF);
    run_dry(loop);
    awl_loop_close(loop);
}

TEST(descriptors_without_a_loop_are_EINVAL)
{
    CHECK_INT(awl_add_reader(NULL, 0, say_it, "no"), EINVAL);
    CHECK_INT(awl_add_writer(NULL, 0, say_it, "no"), EINVAL);
    CHECK(!awl_remove_reader(NULL, 0));
    CHECK(!awl_remove_writer(NULL, 0));
}

TEST(no_memory_for_a_reader_is_ENOMEM)
{
    awl_loop *loop = open_pipe();
    int error = 0;

    for (int i = 0; i < 1000 && !error; i++) { /* until the memory that is held is used up */
        harness_fail_alloc_from(1);
        error = awl_call_soon(loop, NULL, say_it, "x");
    }
    CHECK_INT(error, ENOMEM);
    CHECK_INT(awl_add_reader(loop, fds[0], say_it, "no"), ENOMEM);
    harness_fail_alloc(0);
    CHECK_INT(awl_add_reader(loop, fds[0], take_one, NULL), 0);
    end(loop);
}

TEST(closing_the_loop_forgets_its_readers)
{
    awl_loop *loop = open_pipe();

    awl_add_reader(loop, fds[0], say_it, "no");
    awl_add_writer(loop, fds[1], say_it, "no");
    end(loop);
    CHECK_TRACE("");
}
