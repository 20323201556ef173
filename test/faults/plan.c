/* What goes wrong, and when; see plan.h. */
#include "plan.h"

#include <string.h>

const char fault_garbage[] = "\r\n\0;#";

_Static_assert(sizeof fault_garbage == FAULT_GARBAGE_LEN + 1, "it ends in a zero byte, which is not sent");

bool fault_is_due(const fault_way *way) { return way->kind != FAULT_NONE && !way->done && way->passed >= way->at; }

size_t fault_may_pass(const fault_way *way, size_t n)
{
    if (way->chunk && n > way->chunk)
        n = way->chunk;
    if (way->kind != FAULT_NONE && !way->done && n > way->at - way->passed)
        n = way->at - way->passed;
    return n;
}

static const char *const names[FAULT_KINDS] = {
    [FAULT_NONE] = "none", [FAULT_RESET] = "reset",     [FAULT_CUT] = "cut",   [FAULT_END] = "end",
    [FAULT_FLIP] = "flip", [FAULT_SILENCE] = "silence", [FAULT_GARBAGE] = "garbage",
};

const char *fault_name(fault_kind kind) { return kind < FAULT_KINDS ? names[kind] : "?"; }

fault_kind fault_named(const char *name)
{
    int kind = 0;

    while (kind < FAULT_KINDS && strcmp(name, names[kind]) != 0)
        kind++;
    return (fault_kind)kind;
}
