/*
 * Linked into programs for MIPS that run under qemu-user: it translates the numbers of errors that system calls end with,
 * but not those that getsockopt hands over, which MIPS has others of. (asm/errno.h of both; qemu 7.2, linux-user/syscall.c)
 */
#include <sys/socket.h>

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    static const int numbers[][2] = { /* the host's, those of MIPS */
                                      { 101, 128 }, { 103, 130 }, { 104, 131 }, { 110, 145 },
                                      { 111, 146 }, { 112, 147 }, { 113, 148 } };
    const int rc = __real_getsockopt(fd, level, name, value, len);
    int *error = value;

    for (unsigned i = 0; rc == 0 && level == SOL_SOCKET && name == SO_ERROR && i < sizeof numbers / sizeof *numbers; i++) {
        if (*error == numbers[i][0]) {
            *error = numbers[i][1];
            break;
        }
    }
    return rc;
}
