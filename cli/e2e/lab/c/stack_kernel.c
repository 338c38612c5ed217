/*
 * See stack.h: the kernel's own SCTP. Its sockets are used as those of TCP, which PROTOCOL can name
 * instead: an application then that knows nothing of SCTP.
 */
#include "stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack_common.h"

#ifndef PROTOCOL
#define PROTOCOL IPPROTO_SCTP
#endif

struct stack_socket {
    int descriptor;
};

void stack_fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

void stack_start(const struct stack_settings *settings) {
    (void)settings;
}

static struct stack_socket *wrap(int descriptor) {
    struct stack_socket *socket = malloc(sizeof *socket);

    if (!socket) stack_fail("malloc");
    socket->descriptor = descriptor;
    return socket;
}

static int open_socket(int family) {
    int descriptor = socket(family, SOCK_STREAM, PROTOCOL);

    if (descriptor < 0) stack_fail("socket");
    return descriptor;
}

struct stack_socket *stack_listen(uint16_t port) {
    union stack_address any;
    socklen_t length = stack_parse_address("::", port, &any);
    int descriptor = open_socket(AF_INET6), on = 1;

    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, &any.any, length) < 0) stack_fail("bind");
    if (listen(descriptor, 8) < 0) stack_fail("listen");
    return wrap(descriptor);
}

struct stack_socket *stack_accept(struct stack_socket *listener, char *name, size_t size) {
    union stack_address peer;
    socklen_t length = sizeof peer;
    int descriptor = accept(listener->descriptor, &peer.any, &length);

    if (descriptor < 0) stack_fail("accept");
    stack_format_address(&peer, name, size);
    return wrap(descriptor);
}

struct stack_socket *stack_connect(const char *address, uint16_t port) {
    union stack_address peer;
    socklen_t length = stack_parse_address(address, port, &peer);
    int descriptor = open_socket(peer.any.sa_family);

    return connect(descriptor, &peer.any, length) < 0 ? NULL : wrap(descriptor);
}

int stack_send(struct stack_socket *socket, const void *data, size_t size) {
    return send(socket->descriptor, data, size, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

ssize_t stack_receive(struct stack_socket *socket, void *buffer, size_t size) {
    return recv(socket->descriptor, buffer, size, 0);
}

int stack_shutdown(struct stack_socket *socket) {
    return shutdown(socket->descriptor, SHUT_WR);
}

void stack_close(struct stack_socket *socket) {
    close(socket->descriptor);
    free(socket);
}

/* The kernel goes on without the process. */
void stack_finish(void) {
}
