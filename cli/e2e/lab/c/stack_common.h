/* What the stacks share: addresses in words. */
#ifndef STACK_COMMON_H
#define STACK_COMMON_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address of either family with its port. */
union stack_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Reads an address; its length as a sockaddr. Ends the process if it is none. */
socklen_t stack_parse_address(const char *text, uint16_t port, union stack_address *address);

/* Writes "ADDRESS PORT". */
void stack_format_address(const union stack_address *address, char *text, size_t size);

#endif
