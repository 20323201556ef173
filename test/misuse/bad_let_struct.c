/* expect: error gcc: conversion to non-scalar type requested */
/* expect: error clang: where arithmetic or pointer type is required */
#include "awl/coro.h"

struct point {
    int x, y;
};

co_def(leaf, { int n; })
{
    co_begin;
    co_return(1);
    co_end;
}

co_def(takes, { struct point at; })
{
    co_begin;
    co_let(self->at, co_call(leaf));
    co_end;
}
