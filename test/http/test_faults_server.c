/*
 * test_faults_server.c: faults at each offset of what an HTTP server and a client say to each other, in memory: which
 * handlers run, what they get, what the client hears, and that the server goes on. See faults_visit.h.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "faults_visits.h"

static void everywhere(fault_kind kind, check_fn *check)
{
    static const visit *const visits[] = { &pipelined, &paced };

    for (int i = 0; i < 2; i++) {
        for (int way = 0; way < 2; way++)
            run_main(co_call(at_offsets, .v = visits[i], .kind = kind, .way = way, .check = check,
                             .stride = (SLOW ? 7 : 1) << (way && i)),
                     true);
    }
}

TEST(resets_between_server_and_client) { everywhere(FAULT_RESET, check_stop); }
TEST(cuts_between_server_and_client) { everywhere(FAULT_CUT, check_stop); }
TEST(ends_between_server_and_client) { everywhere(FAULT_END, check_stop); }
TEST(silence_between_server_and_client) { everywhere(FAULT_SILENCE, check_stop); }
TEST(changed_bits_between_server_and_client) { everywhere(FAULT_FLIP, check_change); }
TEST(garbage_between_server_and_client) { everywhere(FAULT_GARBAGE, check_change); }

TEST(without_a_fault_of_what_is_pipelined) { run_main(co_call(in_peace, .v = &pipelined), true); }
TEST(without_a_fault_of_what_is_paced) { run_main(co_call(in_peace, .v = &paced), true); }

TEST(server_hears_in_chunks_of_every_size)
{
    run_main(co_call(in_chunks, .v = &pipelined, .stride = SLOW ? 5 : 1), true);
    run_main(co_call(in_chunks, .v = &paced, .stride = SLOW ? 5 : 1), true);
}

TEST(server_over_a_whimsical_transport)
{
    run_main(co_call(with_habits, .v = &pipelined), true);
    run_main(co_call(with_habits, .v = &paced), true);
}

TEST(server_is_cancelled_at_every_moment)
{
    run_main(co_call(cancelled, .v = &pipelined, .chunk = 13), true);
    run_main(co_call(cancelled, .v = &paced, .chunk = 17), true);
}

TEST(every_allocation_between_server_and_client_fails)
{
    each_allocation_fails(&pipelined);
    each_allocation_fails(&paced);
    watches = true;
    each_allocation_fails(&pipelined);
}

/* ---- The same where handlers are cancelled when their clients have gone --------------------------------------------
 */

static void watched(fault_kind kind)
{
    watches = true;
    everywhere(kind, check_stop);
}

TEST(resets_of_clients_that_are_watched) { watched(FAULT_RESET); }
TEST(cuts_of_clients_that_are_watched) { watched(FAULT_CUT); }
TEST(silence_of_clients_that_are_watched) { watched(FAULT_SILENCE); }
TEST(clients_that_are_watched_in_chunks_of_every_size)
{
    watches = true;
    run_main(co_call(in_chunks, .v = &pipelined, .stride = SLOW ? 5 : 1), true);
    run_main(co_call(in_chunks, .v = &paced, .stride = SLOW ? 5 : 1), true);
}
TEST(without_a_fault_of_clients_that_are_watched)
{
    watches = true;
    run_main(co_call(in_peace, .v = &pipelined), true);
}

/* ---- Files and forms --------------------------------------------------------------------------------------------- */

/* Makes the file of the visits. Result: its descriptor. */
static int open_file(void)
{
    static const struct timespec then[2] = { { 1000000000, 0 }, { 1000000000, 0 } }; /* what is new has another tag */
    const int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char text[2000];

    if (fd < 0)
        SKIP("/tmp has no files without names");
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('A' + i * 5 % 26);
    CHECK_INT(write(fd, text, sizeof text), sizeof text);
    CHECK_INT(futimens(fd, then), 0);
    snprintf(file_path, sizeof file_path, "/proc/self/fd/%d", fd);
    return fd;
}

TEST(faults_amid_files_and_forms)
{
    static const fault_kind kinds[] = { FAULT_RESET, FAULT_CUT, FAULT_END, FAULT_SILENCE };
    const int fd = open_file();

    for (int i = 0; i < 4; i++) {
        for (int way = 0; way < 2; way++)
            run_main(co_call(at_offsets, .v = &files, .kind = kinds[i], .way = way, .check = check_stop,
                             .stride = (SLOW ? 7 : 1) << 2 * way),
                     true);
    }
    run_main(co_call(in_chunks, .v = &files, .stride = SLOW ? 5 : 1), true);
    run_main(co_call(with_habits, .v = &files), true);
    run_main(co_call(cancelled, .v = &files, .chunk = 11), true);
    close(fd);
}

TEST(every_allocation_amid_files_and_forms_fails)
{
    const int fd = open_file();

    each_allocation_fails(&files);
    close(fd);
}
