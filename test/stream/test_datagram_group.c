/* test_datagram_group.c: awl_datagram_join, awl_datagram_leave, and what is sent to groups. */
#define _GNU_SOURCE
#include "datagram_rig.h"

#include <ifaddrs.h>
#include <net/if.h>

#define GROUP "239.255.77.1" /* of local scope: RFC 2365 */
#define GROUP6 "ff11::7701"  /* of the interface's scope, transient: RFC 4291 2.7 */

/* Whether such groups can be used on loopback here. */
static void need_groups(int error)
{
    if (error == ENODEV || error == ENETUNREACH || error == ENOPROTOOPT)
        SKIP("there is no multicast on loopback here");
    CHECK_INT(error, 0);
}

/* A member hears what is sent to the group until it leaves. The interface has a name or a number. */
co_def(member, { const char *any, *group, *where; awl_datagram *a, *b; awl_address to; int n, rc; char buf[8];
                 awl_datagram_options options; })
{
    co_begin;
    self->options.multicast_interface = self->where;
    co_try(self->rc, awl_open_datagram(self->any, 0, NULL, 0, NULL));
    need_groups(self->rc == EAFNOSUPPORT || self->rc == EADDRNOTAVAIL ? ENODEV : self->rc);
    co_result(self->a);
    need_groups(awl_datagram_join(self->a, self->group, self->where));
    co_try(self->rc, awl_open_datagram(self->any, 0, NULL, 0, &self->options));
    need_groups(self->rc);
    co_result(self->b);
    self->to = at(self->group, awl_datagram_port(self->a));
    need_groups(awl_datagram_send(self->b, "hello", 5, &self->to));
    co_let(self->n, awl_datagram_receive(self->a, self->buf, sizeof self->buf, NULL));
    CHECK_INT(self->n, 5);

    /* It is in only once, and out only once. */
    CHECK_INT(awl_datagram_join(self->a, self->group, self->where), EADDRINUSE);
    CHECK_INT(awl_datagram_leave(self->a, self->group, self->where), 0);
    CHECK_INT(awl_datagram_leave(self->a, self->group, self->where), EADDRNOTAVAIL);
    CHECK_INT(awl_datagram_send(self->b, "gone", 4, &self->to), 0);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_datagram_receive(self->a, self->buf, sizeof self->buf, NULL), AWL_MS));
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

TEST(a_member_of_an_ipv4_group) { run_main(co_call(member, .any = "0.0.0.0", .group = GROUP, .where = "lo"), false); }

/* Linux has no route for such groups on loopback; on another interface they do not leave the machine either. */
TEST(a_member_of_an_ipv6_group)
{
    char where[IF_NAMESIZE] = "lo";
    struct ifaddrs *all = NULL;

    need_options_of_groups();
    CHECK_INT(getifaddrs(&all), 0);
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (i->ifa_flags & IFF_MULTICAST && i->ifa_flags & IFF_UP && i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
            snprintf(where, sizeof where, "%s", i->ifa_name);
    }
    freeifaddrs(all);
    run_main(co_call(member, .any = "::", .group = GROUP6, .where = where), false);
}

TEST(a_member_for_both) { run_main(co_call(member, .any = NULL, .group = GROUP, .where = "lo"), false); }

STREAM_TEST(an_interface_has_a_name_and_a_number, { awl_datagram *d; char number[12]; })
{
    co_begin;
    OPEN(self->d, "0.0.0.0", 0, NULL, 0, NULL);
    need_groups(awl_datagram_join(self->d, GROUP, "lo"));
    snprintf(self->number, sizeof self->number, "%u", if_nametoindex("lo"));
    CHECK_INT(awl_datagram_leave(self->d, GROUP, self->number), 0);
    CHECK_INT(awl_datagram_leave(self->d, GROUP, self->number), EADDRNOTAVAIL);
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(the_zone_of_a_group_is_its_interface, { awl_datagram *d; int rc; })
{
    co_begin;
    co_try(self->rc, awl_open_datagram("::", 0, NULL, 0, NULL));
    need_groups(self->rc == EAFNOSUPPORT || self->rc == EADDRNOTAVAIL ? ENODEV : self->rc);
    co_result(self->d);
    need_groups(awl_datagram_join(self->d, GROUP6 "%lo", NULL));
    CHECK_INT(awl_datagram_leave(self->d, GROUP6, "lo"), 0);
    awl_datagram_close(self->d);
    co_end;
}

STREAM_TEST(members_that_share_a_port_all_hear, { awl_datagram *a, *b; awl_address to; int n; char buf[8]; })
{
    static const awl_datagram_options options = { .reuse_addr = true, .multicast_interface = "lo" };

    co_begin;
    need_options_of_groups();
    OPEN(self->a, "0.0.0.0", 0, NULL, 0, &options);
    OPEN(self->b, "0.0.0.0", awl_datagram_port(self->a), NULL, 0, &options);
    need_groups(awl_datagram_join(self->a, GROUP, "lo"));
    need_groups(awl_datagram_join(self->b, GROUP, "lo"));
    self->to = at(GROUP, awl_datagram_port(self->a));
    need_groups(awl_datagram_send(self->a, "hello", 5, &self->to));
    co_let(self->n, awl_datagram_receive(self->a, self->buf, sizeof self->buf, NULL));
    CHECK_INT(self->n, 5);
    co_let(self->n, awl_datagram_receive(self->b, self->buf, sizeof self->buf, NULL));
    CHECK_INT(self->n, 5);
    awl_datagram_close(self->a);
    awl_datagram_close(self->b);
    co_end;
}

STREAM_TEST(wrong_arguments_of_join, { awl_datagram *d; })
{
    co_begin;
    OPEN(self->d, HERE, 0, NULL, 0, NULL);
    CHECK_INT(awl_datagram_join(NULL, GROUP, "lo"), EINVAL);
    CHECK_INT(awl_datagram_leave(NULL, GROUP, "lo"), EINVAL);
    CHECK_INT(awl_datagram_join(self->d, NULL, NULL), EINVAL);
    CHECK_INT(awl_datagram_join(self->d, "group.example", "lo"), EINVAL);
    CHECK_INT(awl_datagram_join(self->d, "192.0.2.1", "lo"), EINVAL);
    CHECK_INT(awl_datagram_join(self->d, GROUP, "no-such-if"), ENODEV);
    CHECK_INT(awl_datagram_join(self->d, GROUP, "0"), ENODEV);
    CHECK_INT(awl_datagram_join(self->d, GROUP6, "lo"), EAFNOSUPPORT);
    awl_datagram_close(self->d);
    co_end;
}
