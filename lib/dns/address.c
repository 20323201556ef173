/* Addresses and their texts; see awl/dns.h. */
#define _POSIX_C_SOURCE 200809L
#include "awl/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "fe80::1%eth0" or "fe80::1%2": the zone is an interface, by name or number. */
static int parse_with_zone(const char *host, const char *percent, awl_address *address)
{
    char number[INET6_ADDRSTRLEN];
    const size_t len = (size_t)(percent - host);
    unsigned long zone;
    char *end;

    if (len >= sizeof number)
        return EINVAL;
    memcpy(number, host, len);
    number[len] = '\0';
    zone = if_nametoindex(percent + 1);
    if (!zone) {
        zone = strtoul(percent + 1, &end, 10);
        if (end == percent + 1 || *end || zone > UINT32_MAX)
            return EINVAL;
    }
    if (inet_pton(AF_INET6, number, &address->of.v6.sin6_addr) != 1)
        return EINVAL;
    address->of.v6.sin6_scope_id = (uint32_t)zone;
    return 0;
}

int awl_address_parse(const char *host, int port, awl_address *address)
{
    awl_address parsed;
    const char *percent = host ? strchr(host, '%') : NULL;

    if (!host || port < 0 || port > 65535)
        return EINVAL;
    memset(&parsed, 0, sizeof parsed);
    if (inet_pton(AF_INET, host, &parsed.of.v4.sin_addr) == 1) {
        parsed.of.v4.sin_family = AF_INET;
        parsed.of.v4.sin_port = htons((uint16_t)port);
    } else if (percent ? parse_with_zone(host, percent, &parsed) == 0
                       : inet_pton(AF_INET6, host, &parsed.of.v6.sin6_addr) == 1) {
        parsed.of.v6.sin6_family = AF_INET6;
        parsed.of.v6.sin6_port = htons((uint16_t)port);
    } else {
        return EINVAL;
    }
    *address = parsed;
    return 0;
}

const char *awl_address_text(const awl_address *address, char *text, size_t cap)
{
    char number[INET6_ADDRSTRLEN];
    int len = -1;

    if (!cap)
        return text;
    if (address->of.any.sa_family == AF_INET && inet_ntop(AF_INET, &address->of.v4.sin_addr, number, sizeof number))
        len = snprintf(text, cap, "%s:%d", number, awl_address_port(address));
    else if (address->of.any.sa_family == AF_INET6 &&
             inet_ntop(AF_INET6, &address->of.v6.sin6_addr, number, sizeof number))
        len = snprintf(text, cap, "[%s]:%d", number, awl_address_port(address));
    if (len < 0 || (size_t)len >= cap)
        text[0] = '\0';
    return text;
}

int awl_address_port(const awl_address *address)
{
    switch (address->of.any.sa_family) {
    case AF_INET: return ntohs(address->of.v4.sin_port);
    case AF_INET6: return ntohs(address->of.v6.sin6_port);
    default: return 0;
    }
}
