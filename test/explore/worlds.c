/* What is tried. */
#include "explore.h"

const world worlds[] = {
    { "event", EVENT, 0, 3, { "w", "yw" }, "sc", 8 },
    { "lock", LOCK, 0, 3, { "ayr", "ak" }, "r", 14 },
    { "lock taken twice", LOCK, 0, 3, { "arayr" }, "", 12 },
    { "lock of four", LOCK, 0, 4, { "ak" }, "r", 11 },
    { "semaphore of 0", SEMAPHORE, 0, 3, { "ak", "ayr" }, "r", 8 },
    { "semaphore of 1", SEMAPHORE, 1, 3, { "ak", "ayr" }, "r", 8 },
    { "semaphore of 2", SEMAPHORE, 2, 4, { "ayr", "aark" }, "r", 7 },
    { "bounded semaphore of 1", BOUNDED, 1, 3, { "ak", "ayr" }, "r", 8 },
    { "bounded semaphore of 2", BOUNDED, 2, 4, { "ak" }, "r", 11 },
    { "condition", CONDITION, 0, 3, { "awr", "anr", "aNr" }, "", 11 },
    { "condition with its lock kept", CONDITION, 0, 3, { "awyr", "ak" }, "rnN", 10 },
    { "condition waited for twice", CONDITION, 0, 3, { "awwr", "ayNr" }, "nN", 10 },
    { "barrier for 1", BARRIER, 1, 3, { "ww", "x", "X" }, "", 20 },
    { "barrier for 2", BARRIER, 2, 4, { "w", "x", "X" }, "", 8 },
    { "barrier for 2, twice", BARRIER, 2, 3, { "ww", "x" }, "", 14 },
    { "barrier for 3", BARRIER, 3, 4, { "w", "x" }, "", 10 },
    { "queue", FIFO, 0, 3, { "g", "gdj", "pj" }, "pgh", 6 },
    { "queue of 1", FIFO, 1, 3, { "p", "g" }, "pgh", 7 },
    { "queue of 2", FIFO, 2, 4, { "pp", "gg" }, "pg", 7 },
    { "queue, shut down", FIFO, 1, 3, { "p", "g" }, "phH", 7 },
    { "queue, joined", FIFO, 1, 3, { "j", "pj", "gd" }, "pdH", 6 },
    { "LIFO queue of 2", LIFO, 2, 3, { "pp", "g" }, "pgh", 7 },
    { "priority queue", PRIORITY, 0, 3, { "ppp", "g" }, "pgH", 7 },
    { "priority queue of 2", PRIORITY, 2, 3, { "pp", "g" }, "pg", 7 },
};

const unsigned n_worlds = sizeof worlds / sizeof *worlds;
