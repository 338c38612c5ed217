/* See stack.h and stack_common.h. */
#include "stack_common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack.h"

int stack_options(int argc, char **argv) {
    static const struct option table[] = {
        { "udp", 1, 0, 'u' }, { "udp-remote", 1, 0, 'U' }, { "fast-failover", 0, 0, 'f' }, { 0, 0, 0, 0 },
    };
    struct stack_settings settings = { 0 };
    int option;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt_long(argc, argv, "+", table, NULL)) != -1) {
        switch (option) {
        case 'u': settings.udp = (uint16_t)atoi(optarg); break;
        case 'U': settings.udp_remote = (uint16_t)atoi(optarg); break;
        case 'f': settings.fast_failover = 1; break;
        default: return -1;
        }
    }
    stack_start(&settings);
    return optind;
}

socklen_t stack_parse_address(const char *text, uint16_t port, union stack_address *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) != 1) {
        errno = EINVAL;
        stack_fail(text);
    }
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(port);
    return sizeof address->v6;
}

void stack_format_address(const union stack_address *address, char *text, size_t size) {
    char host[INET6_ADDRSTRLEN];
    int is_v4 = address->any.sa_family == AF_INET;
    const struct in6_addr *v6 = &address->v6.sin6_addr;

    if (is_v4) inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
    else if (IN6_IS_ADDR_V4MAPPED(v6)) inet_ntop(AF_INET, v6->s6_addr + 12, host, sizeof host);
    else inet_ntop(AF_INET6, v6, host, sizeof host);
    snprintf(text, size, "%s %u", host, ntohs(is_v4 ? address->v4.sin_port : address->v6.sin6_port));
}
