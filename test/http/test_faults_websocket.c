/*
 * test_faults_websocket.c: faults at each offset between two WebSockets, in memory, with the handshake by HTTP before.
 * See faults_chat.h.
 *
 *   a reset, an end     AWL_EINCOMPLETE, or what the stream was told
 *   silence             ETIMEDOUT, by pings
 */
#include "faults_chat.h"

static void everywhere(fault_kind kind, check_fn *check)
{
    for (int way = 0; way < 2; way++)
        run_main(co_call(at_offsets, .kind = kind, .way = way, .check = check, .stride = SLOW ? 3 : 1), true);
}

TEST(resets_between_websockets) { everywhere(FAULT_RESET, check_stop); }
TEST(cuts_between_websockets) { everywhere(FAULT_CUT, check_stop); }
TEST(ends_between_websockets) { everywhere(FAULT_END, check_stop); }
TEST(silence_between_websockets) { everywhere(FAULT_SILENCE, check_stop); }
TEST(changed_bits_between_websockets) { everywhere(FAULT_FLIP, check_change); }
TEST(garbage_between_websockets) { everywhere(FAULT_GARBAGE, check_change); }

TEST(without_a_fault_between_websockets) { run_main(co_call(in_peace), true); }
TEST(websockets_hear_in_chunks_of_every_size) { run_main(co_call(in_chunks, .stride = SLOW ? 5 : 1), true); }
TEST(websockets_over_a_whimsical_transport) { run_main(co_call(with_habits), true); }
TEST(websocket_is_cancelled_at_every_moment) { run_main(co_call(cancelled), true); }
TEST(every_allocation_between_websockets_fails) { each_allocation_fails(); }
