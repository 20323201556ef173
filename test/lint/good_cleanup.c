/* What co_finally needs is in the frame; it awaits; objects are arguments of objects. */
#include "lint_samples.h"

co_declare(wraps, { co_object op; int rc; });

co_define(wraps)
{
    int rc;

    co_begin;
    co_try(rc, self->op);
    self->rc = rc;
    if (rc)
        co_raise(rc);
    co_end;
}

co_declare(cleans_up, { const char *text; int x, rc; });

co_define(cleans_up)
{
    co_begin;
    self->text = "one";
    co_let(self->x, co_call(wraps, .op = co_call(leaf, .n = 1)));
    if (self->x > 3)
        co_return(self->x);
    co_try_cancel(self->rc, co_call(wraps, .op = co_call(wraps, .op = co_call(leaf, .out = &self->x))));
    co_finally;
    if (self->text) {
        int length = 0;
        while (self->text[length])
            length++;
        co_await(co_call(leaf, .n = length));
        print(self->text);
        self->text = NULL;
    }
    co_end;
}
