/* Loops and branches whose variables are fields; a flag before co_begin that each resume sets anew. */
#include "lint_samples.h"

co_declare(loops, { int i, j; char buf[64]; struct point at; });

co_define(loops)
{
    bool done = false;

    co_begin;
    while (!done) {
        co_await(co_call(leaf, .n = self->i));
        done = look();
    }
    for (self->i = 0; self->i < 3; self->i++) {
        for (self->j = 0; self->j < self->i; self->j++) {
            if (look())
                co_await(co_call(leaf, .buf = self->buf, .out = &self->at.x));
            else
                co_suspend;
            show_point(&self->at);
        }
        switch (self->j) {
        case 1:
            show(self->j);
            break;
        case 2:
            co_raise(5);
        default:
            break;
        }
    }
again:
    fill(self->buf, sizeof self->buf);
    co_await(co_call(leaf));
    print(self->buf);
    if (look())
        goto again;
    co_end;
}
