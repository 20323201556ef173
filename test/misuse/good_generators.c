/* expect: silence gcc clang */
#include "awl/coro.h"

#include <errno.h>

struct pair {
    int a, b;
};

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

co_gen(struct pair, pairs, { int n; struct count all; int i; })
{
    int x;

    co_begin;
    self->all = co_iter(count, .n = self->n);
    while (co_next(&self->all, &x))
        co_yield(((struct pair){ x, self->i++ }));
    co_finally;
    co_close(count, &self->all);
    co_end;
}

co_gen(const char *, words, { const char *sent; const char *const *list; })
{
    co_begin;
    for (; *self->list; self->list++)
        co_yield(*self->list);
    if (!self->sent)
        co_raise(EINVAL);
    else
        co_return(0);
    co_end;
}

co_gen(const char *, more_words, { const char *sent; struct words first, second; })
{
    co_begin;
    co_yield_from(self->first);
    co_send_from(self->second);
    co_end;
}

int uses(const char *const *list);
int uses(const char *const *list)
{
    struct more_words it = co_iter(more_words, .first = co_iter(words, .list = list), .second = co_iter(words, .list = list));
    const char *word;
    int n = 0;

    if (!co_next(&it, &word))
        return co_error(&it);
    while (co_send(&it, "again", &word))
        n += word[0];
    co_close(more_words, &it);
    co_for (struct pair, pair, pairs, .n = 3) {
        if (pair.a == pair.b)
            continue;
        co_for (int, x, count, .n = pair.b) {
            if (x == 2)
                break;
            if (x == 3)
                return n;
            n += x;
        }
    }
    return n;
}
