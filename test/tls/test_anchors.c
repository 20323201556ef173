/* test_anchors.c: what awl-trust-to-c has written, compiled in. */
#include "../task/rig.h"
#include "awl/trust.h"

extern const awl_anchors test_anchors;

TASK_TEST(anchors_that_the_tool_has_written_are_a_set, { awl_trust *trust; })
{
    co_begin;
    self->trust = awl_trust_from_anchors(&test_anchors);
    CHECK(self->trust != NULL);
    CHECK_INT(awl_trust_count(self->trust), 2);
    CHECK_STR(awl_trust_source(self->trust), "the anchors that were compiled in");
    awl_trust_release(self->trust);
    co_end;
}
