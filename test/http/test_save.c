/* test_save.c: bodies that become files. */
#define _GNU_SOURCE
#include "client_rig.h"

#include "../file/rig.h"
