/* Randomness, from the kernel and nowhere else; and how secrets go. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "tls_priv.h"

/* Where there is no getrandom: a kernel before 3.17, or a filter that does not know it. */
static int read_device(unsigned char *buf, size_t len)
{
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    int error = 0;

    if (fd < 0)
        return errno;
    while (len && !error) {
        const ssize_t n = read(fd, buf, len);

        if (n > 0)
            buf += n, len -= (size_t)n;
        else if (n == 0)
            error = EIO;
        else if (errno != EINTR)
            error = errno;
    }
    close(fd);
    return error;
}

int awl__tls_random(void *buf, size_t len)
{
    unsigned char *at = buf;

    while (len) {
        const ssize_t n = getrandom(at, len, 0);

        if (n < 0 && (errno == ENOSYS || errno == EPERM))
            return read_device(at, len);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0)
            at += n, len -= (size_t)n;
    }
    return 0;
}

void awl__tls_wipe(void *memory, size_t len)
{
    memset(memory, 0, len);
    __asm__ volatile("" : : "r"(memory) : "memory");
}
