/* See sockets.h: the kernel's SCTP. */
#include "sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void fail(const char *what) {
    fprintf(stderr, "extensions: %s: %s\n", what, strerror(errno));
    exit(1);
}

void start_stack(uint16_t udp) {
    (void)udp;
}

void encapsulate(sctp_socket socket, uint16_t remote) {
    (void)socket;
    (void)remote;
}

sctp_socket open_socket(void) {
    sctp_socket opened = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    int on = 1;

    if (opened < 0) fail("socket");
    setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return opened;
}

void bind_socket(sctp_socket socket, struct sockaddr_in *addresses, int count) {
    if (set_option(socket, SCTP_SOCKOPT_BINDX_ADD, addresses, (socklen_t)sizeof *addresses * (socklen_t)count) < 0) {
        fail("bindx");
    }
}

sctp_socket accept_one(sctp_socket listener) {
    sctp_socket accepted;

    if (listen(listener, 1) < 0) fail("listen");
    puts("listening");
    if ((accepted = accept(listener, NULL, NULL)) < 0) fail("accept");
    return accepted;
}

in_port_t local_port(sctp_socket socket) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    if (getsockname(socket, (struct sockaddr *)&address, &size) < 0) fail("getsockname");
    return address.sin_port;
}

int connect_to(sctp_socket socket, struct sockaddr_in *peer) {
    return connect(socket, (struct sockaddr *)peer, sizeof *peer);
}

int set_option(sctp_socket socket, int name, const void *value, socklen_t size) {
    return setsockopt(socket, IPPROTO_SCTP, name, value, size);
}

int change_address(sctp_socket socket, struct sockaddr_in *address, int add) {
    return set_option(socket, add ? SCTP_SOCKOPT_BINDX_ADD : SCTP_SOCKOPT_BINDX_REM, address, sizeof *address);
}

static void put(struct cmsghdr *header, int type, const void *value, size_t size) {
    header->cmsg_level = IPPROTO_SCTP;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), value, size);
}

int send_message(sctp_socket socket, const void *data, size_t size, const struct sctp_sndinfo *info,
    const struct sctp_prinfo *reliability) {
    char control[CMSG_SPACE(sizeof *info) + CMSG_SPACE(sizeof *reliability)] = { 0 };
    struct iovec part = { .iov_base = (void *)data, .iov_len = size };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    put(header, SCTP_SNDINFO, info, sizeof *info);
    put(CMSG_NXTHDR(&message, header), SCTP_PRINFO, reliability, sizeof *reliability);
    return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void read_info(struct msghdr *message, struct received *what) {
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        struct sctp_rcvinfo info;

        if (header->cmsg_level != IPPROTO_SCTP || header->cmsg_type != SCTP_RCVINFO) continue;
        memcpy(&info, CMSG_DATA(header), sizeof info);
        what->stream = info.rcv_sid;
        what->unordered = (info.rcv_flags & SCTP_UNORDERED) != 0;
    }
}

ssize_t receive_some(sctp_socket socket, void *buffer, size_t size, struct received *what) {
    char control[CMSG_SPACE(sizeof(struct sctp_rcvinfo))];
    struct iovec part = { .iov_base = buffer, .iov_len = size };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control,
    };
    ssize_t got = recvmsg(socket, &message, 0);

    if (got <= 0) return got;
    memset(what, 0, sizeof *what);
    read_info(&message, what);
    what->is_notification = (message.msg_flags & MSG_NOTIFICATION) != 0;
    what->is_end = (message.msg_flags & MSG_EOR) != 0;
    return got;
}

void shut_down(sctp_socket socket) {
    shutdown(socket, SHUT_WR);
}

void leave(int status) {
    exit(status);
}
