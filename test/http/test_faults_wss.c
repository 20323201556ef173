/* test_faults_wss.c: what test_faults_websocket.c has, over TLS, at a sample of the offsets. */
#include "faults_chat.h"

#include "faults_tls.h"

/* What is changed costs a whole handshake, as no session is trusted any more. */
static void everywhere(fault_kind kind, check_fn *check)
{
    for (int way = 0; way < 2; way++)
        run_secret(co_call(at_offsets, .kind = kind, .way = way, .check = check,
                           .stride = (SLOW ? 13 : 3) * (kind >= FAULT_FLIP ? 5 : 1)));
}

TEST(tls_resets_between_websockets) { everywhere(FAULT_RESET, check_stop); }
TEST(tls_cuts_between_websockets) { everywhere(FAULT_CUT, check_stop); }
TEST(tls_ends_between_websockets) { everywhere(FAULT_END, check_stop); }
TEST(tls_silence_between_websockets) { everywhere(FAULT_SILENCE, check_stop); }
TEST(tls_changed_bits_between_websockets) { everywhere(FAULT_FLIP, check_change); }
TEST(tls_garbage_between_websockets) { everywhere(FAULT_GARBAGE, check_change); }

TEST(tls_without_a_fault_between_websockets) { run_secret(co_call(in_peace)); }
TEST(tls_websockets_hear_in_chunks_of_many_sizes) { run_secret(co_call(in_chunks, .stride = SLOW ? 37 : 7)); }
TEST(tls_websockets_over_a_whimsical_transport) { run_secret(co_call(with_habits)); }
TEST(tls_websocket_is_cancelled_at_every_moment) { run_secret(co_call(cancelled)); }
TEST(every_allocation_between_tls_websockets_fails)
{
    net.secrecy = &tls_secrecy;
    each_allocation_fails();
}
