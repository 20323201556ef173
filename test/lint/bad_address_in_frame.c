/* The address of a local in the frame, across an await. */
#include "lint_samples.h"

co_declare(loses, { int n; const char *text; });

co_define(loses)
{
    co_begin;
    char buf[32]; /* lint clang */
    fill(buf, sizeof buf);
    self->text = buf;
    co_await(co_call(leaf));
    print(self->text);
    co_end;
}
