/* Locals that are structs, arrays and pointers, set anew after each await in every way that there is. */
#include "lint_samples.h"

#include <stdio.h>
#include <string.h>

struct shape {
    struct point corners[2];
    const char *name;
    struct {
        int depth;
    };
};

struct point make_point(int x);
int parse(const char *text, int *out);
void draw(const struct shape *shape);

co_declare(places, { int n; struct point at; struct shape shape; const char *text; struct count it; });

co_define(places)
{
    struct point at, other, *where;
    struct shape shape;
    char line[64], *end;
    int list[3], x, i, *to;
    double scale;
    bool found;

    co_begin;
    co_await(co_call(leaf));

    /* By assignment of the whole, by a function, by memset, member by member. */
    at = self->at;
    other = make_point(at.x);
    show(other.y);
    memset(&shape, 0, sizeof shape);
    shape.depth = 1;
    shape.corners[0].x = at.y;
    draw(&shape);
    self->shape = shape;
    co_await(co_call(leaf, .n = shape.depth, .out = &self->at.x));
    shape = self->shape;
    shape.corners[1] = make_point(2);
    draw(&shape);
    at = (struct point){ .x = 1 };
    show_point(&at);
    co_suspend;

    /* Out parameters, scanf, printf. */
    if (parse(self->text, &x))
        co_raise(22);
    if (sscanf(self->text, "%d %lf", &i, &scale) != 2)
        co_raise(22);
    snprintf(line, sizeof line, "%d %d %f", x, i, scale);
    end = strchr(line, ' ');
    *end = 0;
    puts(line);
    co_suspend;

    /* Element by element, by a pointer, by a loop. */
    for (i = 0; i < 3; i++)
        list[i] = i;
    show(list[0] + list[2]);
    to = &x;
    *to = 5;
    show(x);
    where = &self->at;
    where->x++;
    for (found = false, i = 0; !found && i < self->n; i++)
        found = look() == i;
    show(found ? i : -1);
    co_suspend;

    while (co_next(&self->it, &x)) {
        show(x);
        co_await(co_call(leaf, .n = x));
    }
    if ((x = look()) > 3 || (i = look()) > 3)
        show(x);
    (void)other;
    self->n = sizeof line;
    co_end;
}
