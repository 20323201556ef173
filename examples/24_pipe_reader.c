/*
 * A pipe, a terminal or a serial port, read line by line.
 *
 * Shows    awl_stream_open on a descriptor that is no socket, awl_stream_readline.
 * Build    cc 24_pipe_reader.c $(pkg-config --cflags --libs awl), or: ninja examples/24_pipe_reader
 * Prints   each line:     ls | ./24_pipe_reader -     or     ./24_pipe_reader /dev/ttyUSB0
 *          Without an argument: what a thermometer says at the other end of a pair of terminals.
 *
 *     async def show(file):
 *         reader = asyncio.StreamReader()
 *         protocol = asyncio.StreamReaderProtocol(reader)
 *         await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, file)
 *         while line := await reader.readline():
 *             print("got", line.decode().rstrip())
 */
#define _DEFAULT_SOURCE
#include <awl.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

co_def(show, { int fd; awl_stream *s; char *line; })
{
    co_begin;
    self->s = awl_stream_open(self->fd, NULL); /* which closes it in the end */
    if (!self->s)
        co_raise(errno);
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            break;
        self->line[strcspn(self->line, "\r\n")] = '\0';
        printf("got %s\n", self->line);
    }
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

co_def(thermometer, { int fd, i; awl_stream *s; })
{
    co_begin;
    self->s = awl_stream_open(self->fd, NULL);
    if (!self->s)
        co_raise(errno);
    for (self->i = 0; self->i < 3; self->i++) {
        awl_stream_print(self->s, "%d.%d degrees\r\n", 20 + self->i, 5 * self->i % 10);
        co_await(awl_sleep(50 * AWL_MS));
    }
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

co_def(both, { int port, device; })
{
    co_begin;
    co_await(awl_gather(co_call(show, .fd = self->port), co_call(thermometer, .fd = self->device)));
    co_end;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : NULL;
    struct termios raw = { .c_cflag = CREAD | CLOCAL };
    int port = 0, device = -1;

    cfmakeraw(&raw); /* bytes as they are: no echo, no editing */
    cfsetspeed(&raw, B115200);
    if (!path ? openpty(&device, &port, NULL, &raw, NULL) : strcmp(path, "-") && (port = open(path, O_RDWR)) < 0) {
        perror(path ? path : "openpty");
        return 1;
    }
    if (port) /* of standard input nobody has asked that */
        tcsetattr(port, TCSANOW, &raw);
    return path ? awl_run(co_call(show, .fd = port)) : awl_run(co_call(both, .port = port, .device = device));
}
