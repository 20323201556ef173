/* parts.h: coroutines and generators that a header declares; parts.c defines them, test_header.c and others use them. */
#ifndef CORO_TEST_PARTS_H
#define CORO_TEST_PARTS_H

#include "awl/coro.h"

/* The product of two integers, after one suspension. */
co_declare(parts_product, { int a, b; });

/* Two that await each other until n is 0, and return 1 for the one that was asked. */
co_declare(parts_even, { unsigned n; });
co_declare(parts_odd, { unsigned n; });

/* from, from + 1 … to - 1. */
co_gen_declare(int, parts_count, { int from, to; });

/* Words: yields strings, to show a generator of pointers. */
co_gen_declare(const char *, parts_words, { int n; });

/* What the other translation unit sees of the same generators: the sum that parts_count gives. */
int parts_sum(int from, int to);

#endif
