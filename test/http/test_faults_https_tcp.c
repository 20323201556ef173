/* test_faults_https_tcp.c: see faults_tcp.h; over TLS. */
#include "faults_tcp.h"

#include "../tls/certs.h"

co_def(secretly, {
    fault_proxy *proxy;
    int n;
    check_fn *check;
})
{
    static const awl_tls_key key = { .cert = server_ec_pem,
                                     .cert_len = sizeof server_ec_pem - 1,
                                     .key = server_ec_key,
                                     .key_len = sizeof server_ec_key - 1 };
    awl_tls_options o = { .handshake_timeout = affair.limit };

    co_begin;
    affair.server = awl_tls_server(&(awl_tls_options){ .handshake_timeout = affair.limit, .keys = &key, .n_keys = 1 });
    CHECK_INT(awl_tls_error(affair.server), 0);
    o.trust = awl_trust_from_memory(ca_pem, sizeof ca_pem - 1);
    affair.client = awl_tls_client(&o);
    awl_trust_release(o.trust);
    CHECK_INT(awl_tls_error(affair.client), 0);
    co_await(co_call(meetings, .proxy = self->proxy, .n = self->n, .check = self->check));
    co_finally;
    awl_tls_release(affair.server);
    awl_tls_release(affair.client);
    co_end;
}

static void everywhere_in_secret(fault_kind kind, size_t step, int n, awl_time limit)
{
    affair.scheme = "https";
    affair.limit = limit;
    signal(SIGPIPE, SIG_DFL);
    for (int way = 0; way < 2; way++) {
        fault_proxy proxy = { .step = step };

        proxy.plan.way[way] = (fault_way){ .kind = kind, .at = 3 };
        run_main(co_call(secretly, .proxy = &proxy, .n = n, .check = check_stop), false);
    }
}

TEST(https_resets_by_tcp) { everywhere_in_secret(FAULT_RESET, 113, 24, 20 * AWL_SECOND); }
TEST(https_cuts_by_tcp) { everywhere_in_secret(FAULT_CUT, 113, 24, 20 * AWL_SECOND); }
TEST(https_ends_by_tcp) { everywhere_in_secret(FAULT_END, 113, 24, 20 * AWL_SECOND); }
TEST(https_silence_by_tcp) { everywhere_in_secret(FAULT_SILENCE, 513, 4, (SLOW ? 500 : 150) * AWL_MS); }
