/* The operations that awl does not have yet. A scenario that has one of them is not run: exit status 3. */
#include "op.h"

#define MISSING_NOW(name, least, most, outs) NOW(name, least, most, outs, NULL)
#define MISSING(name, least, most, outs) WAIT(name, least, most, outs, NULL, NULL)

const operation missing_operations[] = {
    NOW_OF("ecreate", 2, -1, 0, 1, -1, NULL),
    MISSING_NOW("shield", 2, 2, 0),
    MISSING("ascompleted", 2, -1, 0),
    MISSING("next", 1, 1, 1),
    MISSING_NOW("reschedule", 2, 2, 0),
    MISSING_NOW("expired", 1, 1, 1),
    NOW_OF("spawn", 3, -1, 0, 2, -1, NULL),

    MISSING_NOW("feed", 2, 2, 0),
    MISSING_NOW("feedeof", 1, 1, 0),
    MISSING_NOW("feederr", 2, 2, 0),
    MISSING_NOW("rpaused", 1, 1, 1),
    MISSING("read", 2, 2, 1),
    MISSING("readexactly", 2, 2, 1),
    MISSING("readuntil", 2, 2, 1),
    MISSING("readline", 1, 1, 1),
    MISSING_NOW("write", 2, 2, 0),
    MISSING_NOW("flush", 2, 2, 0),
    MISSING("drain", 1, 1, 0),
    MISSING_NOW("wlost", 1, 2, 0),
    MISSING_NOW("wpaused", 1, 1, 1),
    MISSING_NOW("ctxset", 2, 2, 0),
    MISSING_NOW("ctxget", 1, 1, 1),
    { .name = NULL },
};
