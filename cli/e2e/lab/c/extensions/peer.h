/* The parts of the peer of main.c. */
#ifndef PEER_H
#define PEER_H

#include "sockets.h"

enum { LARGEST = 1 << 19 };

/* ---- what it is told at the start (options.c) ---- */

struct setting {
    int listens;
    uint16_t port, udp, udp_remote;
    struct sockaddr_in peer, locals[4];
    int local_count;
};

/* Reads the words that main.c explains. */
struct setting read_setting(int argc, char **argv);
/* Does to a socket what the words ask for. */
void configure(sctp_socket socket, const struct setting *setting);
struct sockaddr_in parse_address(const char *text, uint16_t port);

/* ---- what it does when it is told to (commands.c) ---- */

void carry_out(sctp_socket socket, const char *command);

/* ---- what it tells (events.c) ---- */

void subscribe(sctp_socket socket);
/* Prints it. Gives the exit status that it means for the association, or -1 while that lives. */
int tell(const union sctp_notification *notification);

#endif
