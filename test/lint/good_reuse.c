/* One local that serves again after each await, set before it is read each time. */
#include "lint_samples.h"

co_declare(reuses, { const char *name; int i; int total; });

co_define(reuses)
{
    int rc, got = 0;
    char word[16];
    const char *at;

    co_begin;
    for (self->i = 0; self->i < 10; self->i++) {
        co_try(rc, co_call(leaf, .n = self->i));
        if (rc)
            continue;
        co_result(got);
        self->total += got;
        word[0] = (char)got;
        word[1] = 0;
        print(word);
        for (at = self->name; *at; at++)
            show(*at);
        co_await(co_call(leaf, .n = got));
        got = look();
        show(got);
    }
    co_suspend;
    rc = look();
    if (rc < 0)
        co_raise(-rc);
    co_return(self->total);
    co_end;
}
