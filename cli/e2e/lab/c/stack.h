/*
 * One-to-one SCTP sockets (RFC 6458, section 4), the same over usrsctp (stack_usrsctp.c) and over
 * the kernel's own SCTP (stack_kernel.c): what the native peers of the tests are written against.
 * All data goes on stream 0. Calls block. Where something fails that the peer has no part in, the
 * process ends with status 1 and says why.
 */
#ifndef STACK_H
#define STACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As in stack_options. The kernel ignores them: it has sysctls for that. */
struct stack_settings {
    uint16_t udp, udp_remote;
    int fast_failover;
};

struct stack_socket;

/*
 * Reads the options in front of the program's own words, and starts the stack:
 *   --udp P          own UDP port of RFC 6951 (default: raw IP)
 *   --udp-remote P   the peer's UDP port (default: none; a listener learns it)
 *   --fast-failover  gives up a silent path after about 1.5 seconds
 * Returns the index of the first word; -1 if there is an option that it does not know.
 */
int stack_options(int argc, char **argv);

void stack_start(const struct stack_settings *settings);

/* At all addresses of the host, IPv4 and IPv6. */
struct stack_socket *stack_listen(uint16_t port);

/* Writes the client's address and port, in words, into `name`. */
struct stack_socket *stack_accept(struct stack_socket *listener, char *name, size_t size);

/* NULL, with errno, if there is no association. */
struct stack_socket *stack_connect(const char *address, uint16_t port);

/* One message. 0, or -1 with errno. */
int stack_send(struct stack_socket *socket, const void *data, size_t size);

/* Bytes of a message or a part of one, 0 at the end, or -1 with errno. */
ssize_t stack_receive(struct stack_socket *socket, void *buffer, size_t size);

/* SHUTDOWN: nothing more is sent. 0, or -1 with errno. */
int stack_shutdown(struct stack_socket *socket);

/* What was sent is still delivered. */
void stack_close(struct stack_socket *socket);

/* Waits until what was closed has ended. */
void stack_finish(void);

/* Ends the process: "PROGRAM: what: errno in words". */
void stack_fail(const char *what);

#endif
