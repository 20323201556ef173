/* test_faults_https_server.c: what test_faults_server.c has, over TLS, at a sample of the offsets. */
#include "faults_visits.h"

#include "faults_tls.h"

/* What is changed costs a whole handshake, as no session is trusted any more. */
static void everywhere(fault_kind kind, check_fn *check)
{
    const size_t stride = (SLOW ? 23 : 7) * (kind >= FAULT_FLIP ? 7 : 1);

    for (int way = 0; way < 2; way++) {
        run_secret(co_call(at_offsets, .v = &pipelined, .kind = kind, .way = way, .check = check, .stride = stride));
        run_secret(
            co_call(at_offsets, .v = &paced, .kind = kind, .way = way, .check = check, .stride = 2 * stride + 1));
    }
}

TEST(tls_resets_between_server_and_client) { everywhere(FAULT_RESET, check_stop); }
TEST(tls_cuts_between_server_and_client) { everywhere(FAULT_CUT, check_stop); }
TEST(tls_ends_between_server_and_client) { everywhere(FAULT_END, check_stop); }
TEST(tls_silence_between_server_and_client) { everywhere(FAULT_SILENCE, check_stop); }
TEST(tls_changed_bits_between_server_and_client) { everywhere(FAULT_FLIP, check_change); }
TEST(tls_garbage_between_server_and_client) { everywhere(FAULT_GARBAGE, check_change); }

TEST(tls_without_a_fault_of_what_is_pipelined) { run_secret(co_call(in_peace, .v = &pipelined)); }
TEST(tls_without_a_fault_of_what_is_paced) { run_secret(co_call(in_peace, .v = &paced)); }

TEST(tls_server_hears_in_chunks_of_many_sizes)
{
    run_secret(co_call(in_chunks, .v = &pipelined, .stride = SLOW ? 37 : 7));
    run_secret(co_call(in_chunks, .v = &paced, .stride = SLOW ? 37 : 7));
}

TEST(tls_server_over_a_whimsical_transport)
{
    run_secret(co_call(with_habits, .v = &pipelined));
    run_secret(co_call(with_habits, .v = &paced));
}

TEST(every_allocation_between_tls_server_and_client_fails)
{
    net.secrecy = &tls_secrecy;
    each_allocation_fails(&pipelined);
}
