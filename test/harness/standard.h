/* standard.h: a program without some of its standard descriptors, and how it gets them back. */
#ifndef STANDARD_H
#define STANDARD_H

#include <fcntl.h>
#include <unistd.h>

typedef struct standard {
    int saved[3];
} standard;

static inline void standard_save(standard *s)
{
    for (int i = 0; i < 3; i++)
        s->saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
}

/* Closes those of the set `which`: 1 is input, 2 output, 4 errors. */
static inline void standard_close(unsigned which)
{
    for (int i = 0; i < 3; i++) {
        if (which & 1u << i)
            close(i);
    }
}

static inline void standard_put_back(const standard *s)
{
    for (int i = 0; i < 3; i++)
        dup2(s->saved[i], i);
}

/* They are back, and the copies are not needed any more. */
static inline void standard_forget(const standard *s)
{
    for (int i = 0; i < 3; i++)
        close(s->saved[i]);
}

#endif
