/* test_faults_tcp.c: see faults_tcp.h; without TLS. */
#include "faults_tcp.h"

static void plain(awl_time limit)
{
    affair.scheme = "http";
    affair.limit = limit;
}

TEST(http_resets_by_tcp) { plain(20 * AWL_SECOND), everywhere(FAULT_RESET, 61, 32, check_stop); }
TEST(http_cuts_by_tcp) { plain(20 * AWL_SECOND), everywhere(FAULT_CUT, 61, 32, check_stop); }
TEST(http_ends_by_tcp) { plain(20 * AWL_SECOND), everywhere(FAULT_END, 61, 32, check_stop); }
TEST(http_silence_by_tcp) { plain((SLOW ? 500 : 150) * AWL_MS), everywhere(FAULT_SILENCE, 311, 5, check_stop); }
TEST(http_chunks_by_tcp) { plain(20 * AWL_SECOND), in_chunks(); }
