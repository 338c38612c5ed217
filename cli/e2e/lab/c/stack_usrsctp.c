/* See stack.h: usrsctp. */
#include "stack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <usrsctp.h>

#include "stack_common.h"

enum { BUFFER_SIZE = 1 << 20 };

/* A stack_socket is a struct socket of usrsctp. */
#define INNER(handle) ((struct socket *)(handle))
#define HANDLE(inner) ((struct stack_socket *)(inner))

static struct stack_settings settings;

void stack_fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    /* Not exit(): the stack's threads still run. */
    _exit(1);
}

void stack_start(const struct stack_settings *chosen) {
    settings = *chosen;
    usrsctp_init(settings.udp, NULL, NULL);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    if (!settings.fast_failover) return;
    usrsctp_sysctl_set_sctp_rto_initial_default(300);
    usrsctp_sysctl_set_sctp_rto_min_default(200);
    usrsctp_sysctl_set_sctp_rto_max_default(600);
    usrsctp_sysctl_set_sctp_path_rtx_max_default(2);
    usrsctp_sysctl_set_sctp_heartbeat_interval_default(500);
}

static void set(struct socket *socket, int level, int name, const void *value, socklen_t size) {
    if (usrsctp_setsockopt(socket, level, name, value, size) < 0) stack_fail("setsockopt");
}

static struct socket *open_socket(int family) {
    int on = 1, buffer = BUFFER_SIZE;
    struct socket *socket = usrsctp_socket(family, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);

    if (!socket) stack_fail("socket");
    set(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
    set(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    set(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    return socket;
}

struct stack_socket *stack_listen(uint16_t port) {
    union stack_address any;
    socklen_t length = stack_parse_address("::", port, &any);
    struct socket *listener = open_socket(AF_INET6);

    if (usrsctp_bind(listener, &any.any, length) < 0) stack_fail("bind");
    if (usrsctp_listen(listener, 8) < 0) stack_fail("listen");
    return HANDLE(listener);
}

struct stack_socket *stack_accept(struct stack_socket *listener, char *name, size_t size) {
    union stack_address peer;
    socklen_t length = sizeof peer;
    struct socket *accepted = usrsctp_accept(INNER(listener), &peer.any, &length);

    if (!accepted) stack_fail("accept");
    stack_format_address(&peer, name, size);
    return HANDLE(accepted);
}

struct stack_socket *stack_connect(const char *address, uint16_t port) {
    union stack_address peer;
    socklen_t length = stack_parse_address(address, port, &peer);
    struct sctp_udpencaps remote = { .sue_port = htons(settings.udp_remote) };
    struct socket *socket = open_socket(peer.any.sa_family);

    remote.sue_address.ss_family = peer.any.sa_family;
    if (settings.udp_remote) {
        set(socket, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &remote, sizeof remote);
    }
    return usrsctp_connect(socket, &peer.any, length) < 0 ? NULL : HANDLE(socket);
}

int stack_send(struct stack_socket *socket, const void *data, size_t size) {
    struct sctp_sndinfo info = { .snd_sid = 0 };

    return usrsctp_sendv(INNER(socket), data, size, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0) < 0 ? -1 : 0;
}

ssize_t stack_receive(struct stack_socket *socket, void *buffer, size_t size) {
    union stack_address from;
    struct sctp_rcvinfo info;
    socklen_t from_size = sizeof from, info_size = sizeof info;
    unsigned int info_type;
    int flags = 0;

    return usrsctp_recvv(INNER(socket), buffer, size, &from.any, &from_size, &info, &info_size, &info_type, &flags);
}

int stack_shutdown(struct stack_socket *socket) {
    return usrsctp_shutdown(INNER(socket), SHUT_WR);
}

void stack_close(struct stack_socket *socket) {
    usrsctp_close(INNER(socket));
}

void stack_finish(void) {
    while (usrsctp_finish() < 0) usleep(10000);
}
