/* lint_samples.h: what the samples of tools/lint call. None of it is ever linked. */
#ifndef LINT_SAMPLES_H
#define LINT_SAMPLES_H

#include "awl/coro.h"

int look(void);
void show(int x);
void fill(char *buf, size_t size);
void print(const char *text);

struct point {
    int x, y;
};

void show_point(const struct point *at);

/* Something to await, that may keep an address. */
co_declare(leaf, { int n; int *out; char *buf; });

/* Something to iterate. */
co_gen_declare(int, count, { int n, i; });

#endif
