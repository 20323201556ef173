/*
 * test_faults_client.c: faults at each offset of what an HTTP session and a server say to each other, in memory: what
 * ends how, that nothing is done twice, hangs or is lost, and that the session goes on. See faults_talk.h.
 *
 *   a reset      ECONNRESET, or EPIPE to who writes
 *   an end       ECONNRESET before anything of the response, then AWL_EINCOMPLETE
 *   silence      ETIMEDOUT
 */
#include "faults_talks.h"

static void everywhere(fault_kind kind, check_fn *check)
{
    static const talk *const talks[] = { &kept, &sent, &refused, &compressed };

    compress(), refuse();
    for (int i = 0; i < (awl__decodings ? 4 : 3); i++) {
        for (int way = 0; way < 2; way++)
            run_main(
                co_call(at_offsets, .t = talks[i], .kind = kind, .way = way, .check = check, .stride = SLOW ? 3 : 1),
                true);
    }
}

TEST(resets_between_client_and_server) { everywhere(FAULT_RESET, check_stop); }
TEST(cuts_between_client_and_server) { everywhere(FAULT_CUT, check_stop); }
TEST(ends_between_client_and_server) { everywhere(FAULT_END, check_stop); }
TEST(silence_between_client_and_server) { everywhere(FAULT_SILENCE, check_stop); }
TEST(changed_bits_between_client_and_server) { everywhere(FAULT_FLIP, check_change); }
TEST(garbage_between_client_and_server) { everywhere(FAULT_GARBAGE, check_change); }

TEST(without_a_fault_of_what_is_kept) { run_main(co_call(in_peace, .t = &kept), true); }
TEST(without_a_fault_of_what_is_sent) { run_main(co_call(in_peace, .t = &sent), true); }

TEST(without_a_fault_of_what_is_refused) { run_main(co_call(in_peace, .t = refuse()), true); }

TEST(without_a_fault_of_what_is_compressed)
{
    if (!awl__decodings)
        SKIP("awl was built without zlib");
    run_main(co_call(in_peace, .t = compress()), true);
}

TEST(client_hears_in_chunks_of_every_size)
{
    run_main(co_call(in_chunks, .t = &kept, .stride = SLOW ? 5 : 1), true);
    run_main(co_call(in_chunks, .t = &sent, .stride = SLOW ? 5 : 1), true);
    if (awl__decodings)
        run_main(co_call(in_chunks, .t = compress(), .stride = SLOW ? 5 : 1), true);
}

TEST(client_over_a_whimsical_transport)
{
    run_main(co_call(with_habits, .t = &kept), true);
    run_main(co_call(with_habits, .t = &sent), true);
    run_main(co_call(with_habits, .t = refuse()), true);
    if (awl__decodings)
        run_main(co_call(with_habits, .t = compress()), true);
}

TEST(client_is_cancelled_at_every_moment)
{
    run_main(co_call(cancelled, .t = &kept, .chunk = 13), true);
    run_main(co_call(cancelled, .t = &sent, .chunk = 17), true);
    run_main(co_call(cancelled, .t = refuse(), .chunk = 5), true);
    if (awl__decodings)
        run_main(co_call(cancelled, .t = compress(), .chunk = 29), true);
}

TEST(session_is_closed_at_every_moment)
{
    run_main(co_call(cancelled, .t = &kept, .chunk = 13, .closes = true), true);
    run_main(co_call(cancelled, .t = &sent, .chunk = 17, .closes = true), true);
    run_main(co_call(cancelled, .t = refuse(), .chunk = 5, .closes = true), true);
}

TEST(every_allocation_between_client_and_server_fails)
{
    each_allocation_fails(&kept);
    each_allocation_fails(&sent);
    each_allocation_fails(refuse());
    if (awl__decodings)
        each_allocation_fails(compress());
}
