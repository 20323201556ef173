/* The operations that awl does not have yet. A scenario that has one of them is not run: exit status 3. */
#include "op.h"

#define MISSING_NOW(name, least, most, outs) NOW(name, least, most, outs, NULL)
#define MISSING(name, least, most, outs) WAIT(name, least, most, outs, NULL, NULL)

const operation missing_operations[] = {

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
    { .name = NULL },
};
