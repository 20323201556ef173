/*
 * test_faults_https.c: the same over TLS, at a sample of the offsets: what TLS makes of each is in test/tls. A body
 * that only the end of the connection ends is not cut off unseen here.
 *
 *   a reset      ECONNRESET, or EPIPE to who writes
 *   an end       AWL_ETLS in the handshake, AWL_ETRUNCATED later
 *   silence      ETIMEDOUT
 *   a bit        AWL_ETLS, or what the other side's end brings
 */
#include "faults_talks.h"

#include "faults_tls.h"

/* What is changed costs a whole handshake, as no session is trusted any more. */
static void everywhere(fault_kind kind, check_fn *check)
{
    const size_t stride = (SLOW ? 23 : 7) * (kind >= FAULT_FLIP ? 7 : 1);

    for (int way = 0; way < 2; way++) {
        run_secret(co_call(at_offsets, .t = &kept, .kind = kind, .way = way, .check = check, .stride = stride));
        run_secret(co_call(at_offsets, .t = &sent, .kind = kind, .way = way, .check = check, .stride = stride + 2));
    }
}

TEST(tls_resets_between_client_and_server) { everywhere(FAULT_RESET, check_stop); }
TEST(tls_cuts_between_client_and_server) { everywhere(FAULT_CUT, check_stop); }
TEST(tls_ends_between_client_and_server) { everywhere(FAULT_END, check_stop); }
TEST(tls_silence_between_client_and_server) { everywhere(FAULT_SILENCE, check_stop); }
TEST(tls_changed_bits_between_client_and_server) { everywhere(FAULT_FLIP, check_change); }
TEST(tls_garbage_between_client_and_server) { everywhere(FAULT_GARBAGE, check_change); }

TEST(tls_without_a_fault_of_what_is_kept) { run_secret(co_call(in_peace, .t = &kept)); }
TEST(tls_without_a_fault_of_what_is_sent) { run_secret(co_call(in_peace, .t = &sent)); }

TEST(tls_client_hears_in_chunks_of_many_sizes)
{
    run_secret(co_call(in_chunks, .t = &kept, .stride = SLOW ? 37 : 7));
    run_secret(co_call(in_chunks, .t = &sent, .stride = SLOW ? 37 : 7));
}

TEST(tls_client_over_a_whimsical_transport)
{
    run_secret(co_call(with_habits, .t = &kept));
    run_secret(co_call(with_habits, .t = &sent));
}

TEST(tls_client_is_cancelled_at_every_moment)
{
    run_secret(co_call(cancelled, .t = &kept, .chunk = 53));
    run_secret(co_call(cancelled, .t = &sent, .chunk = 71));
}

TEST(every_allocation_between_client_and_tls_server_fails)
{
    net.secrecy = &tls_secrecy;
    each_allocation_fails(&kept);
    each_allocation_fails(&sent);
}

/* ---- Through a proxy --------------------------------------------------------------------------------------------- */

static void everywhere_in_a_tunnel(fault_kind kind, check_fn *check)
{
    const size_t stride = (SLOW ? 31 : 13) * (kind >= FAULT_FLIP ? 7 : 1);

    net.tunnel = true;
    for (int way = 0; way < 2; way++)
        run_secret(co_call(at_offsets, .t = &kept, .kind = kind, .way = way, .check = check, .stride = stride));
}

TEST(resets_in_a_tunnel) { everywhere_in_a_tunnel(FAULT_RESET, check_stop); }
TEST(cuts_in_a_tunnel) { everywhere_in_a_tunnel(FAULT_CUT, check_stop); }
TEST(ends_in_a_tunnel) { everywhere_in_a_tunnel(FAULT_END, check_stop); }
TEST(silence_in_a_tunnel) { everywhere_in_a_tunnel(FAULT_SILENCE, check_stop); }
TEST(changed_bits_in_a_tunnel) { everywhere_in_a_tunnel(FAULT_FLIP, check_change); }

TEST(tunnel_without_a_fault)
{
    net.tunnel = true;
    run_secret(co_call(in_peace, .t = &kept));
    run_secret(co_call(in_chunks, .t = &kept, .stride = SLOW ? 37 : 7));
    run_secret(co_call(cancelled, .t = &kept, .chunk = 53));
}

TEST(every_allocation_for_a_tunnel_fails)
{
    net.tunnel = true;
    net.secrecy = &tls_secrecy;
    each_allocation_fails(&kept);
}
