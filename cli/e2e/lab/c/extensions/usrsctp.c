/* See sockets.h: usrsctp. */
#include "sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 1 << 20, PARTING_MICROSECONDS = 100000 };

void fail(const char *what) {
    fprintf(stderr, "extensions: %s: %s\n", what, strerror(errno));
    _exit(1);
}

void start_stack(uint16_t udp) {
    usrsctp_init(udp, NULL, NULL);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
}

void encapsulate(sctp_socket socket, uint16_t remote) {
    struct sctp_udpencaps value = { .sue_port = htons(remote) };

    value.sue_address.ss_family = AF_INET;
    if (set_option(socket, SCTP_REMOTE_UDP_ENCAPS_PORT, &value, sizeof value) < 0) fail("encapsulation");
}

sctp_socket open_socket(void) {
    int buffer = BUFFER_SIZE;
    sctp_socket socket = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);

    if (!socket) fail("socket");
    if (usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) < 0) fail("SO_RCVBUF");
    if (usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer) < 0) fail("SO_SNDBUF");
    return socket;
}

void bind_socket(sctp_socket socket, struct sockaddr_in *addresses, int count) {
    if (usrsctp_bindx(socket, (struct sockaddr *)addresses, count, SCTP_BINDX_ADD_ADDR) < 0) fail("bindx");
}

sctp_socket accept_one(sctp_socket listener) {
    sctp_socket accepted;

    if (usrsctp_listen(listener, 1) < 0) fail("listen");
    puts("listening");
    if (!(accepted = usrsctp_accept(listener, NULL, NULL))) fail("accept");
    return accepted;
}

in_port_t local_port(sctp_socket socket) {
    struct sockaddr *addresses;
    in_port_t port;

    if (usrsctp_getladdrs(socket, 0, &addresses) < 1) fail("getladdrs");
    port = ((struct sockaddr_in *)addresses)->sin_port;
    usrsctp_freeladdrs(addresses);
    return port;
}

int connect_to(sctp_socket socket, struct sockaddr_in *peer) {
    return usrsctp_connect(socket, (struct sockaddr *)peer, sizeof *peer);
}

int set_option(sctp_socket socket, int name, const void *value, socklen_t size) {
    return usrsctp_setsockopt(socket, IPPROTO_SCTP, name, value, size);
}

int change_address(sctp_socket socket, struct sockaddr_in *address, int add) {
    int flags = add ? SCTP_BINDX_ADD_ADDR : SCTP_BINDX_REM_ADDR;

    return usrsctp_bindx(socket, (struct sockaddr *)address, 1, flags);
}

int send_message(sctp_socket socket, const void *data, size_t size, const struct sctp_sndinfo *info,
    const struct sctp_prinfo *reliability) {
    struct sctp_sendv_spa all = {
        .sendv_flags = SCTP_SEND_SNDINFO_VALID | SCTP_SEND_PRINFO_VALID,
        .sendv_sndinfo = *info,
        .sendv_prinfo = *reliability,
    };

    return usrsctp_sendv(socket, data, size, NULL, 0, &all, sizeof all, SCTP_SENDV_SPA, 0) < 0 ? -1 : 0;
}

ssize_t receive_some(sctp_socket socket, void *buffer, size_t size, struct received *what) {
    struct sctp_rcvinfo info = { 0 };
    struct sockaddr_storage from;
    socklen_t from_size = sizeof from, info_size = sizeof info;
    unsigned int info_type;
    int flags = 0;
    ssize_t got = usrsctp_recvv(socket, buffer, size, (struct sockaddr *)&from, &from_size, &info, &info_size,
        &info_type, &flags);

    what->stream = info.rcv_sid;
    what->unordered = (info.rcv_flags & SCTP_UNORDERED) != 0;
    what->is_notification = (flags & MSG_NOTIFICATION) != 0;
    what->is_end = (flags & MSG_EOR) != 0;
    return got;
}

void shut_down(sctp_socket socket) {
    usrsctp_shutdown(socket, SHUT_WR);
}

/* ABORT or the last SACK may still be on its way out of the stack's own threads. */
void leave(int status) {
    usleep(PARTING_MICROSECONDS);
    _exit(status);
}
