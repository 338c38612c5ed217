/*
 * One-to-one sockets with all that RFC 6458 has, the same over usrsctp (usrsctp.c) and over the kernel's
 * SCTP (kernel.c): the two name their options and structures alike, and differ in the calls. What fails
 * ends the process with status 1, unless the call says otherwise.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef USRSCTP
#include <usrsctp.h>
typedef struct socket *sctp_socket;
/* The library has it, its header does not name it. */
#ifndef SCTP_INTERLEAVING_SUPPORTED
#define SCTP_INTERLEAVING_SUPPORTED 0x00001206
#endif
#else
#include <linux/sctp.h>
typedef int sctp_socket;
#endif

/* What comes with a message, or with a part of one. */
struct received {
    uint16_t stream;
    int unordered, is_notification, is_end;
};

void start_stack(uint16_t udp);

/* Packets go to this UDP port of the peer (usrsctp; the kernel has a sysctl for it). */
void encapsulate(sctp_socket socket, uint16_t remote);

sctp_socket open_socket(void);
void bind_socket(sctp_socket socket, struct sockaddr_in *addresses, int count);
sctp_socket accept_one(sctp_socket listener);
/* SCTP port of this side, in network order. */
in_port_t local_port(sctp_socket socket);
/* 0, or -1 with errno. */
int connect_to(sctp_socket socket, struct sockaddr_in *peer);

/* An option of level IPPROTO_SCTP. 0, or -1 with errno. */
int set_option(sctp_socket socket, int name, const void *value, socklen_t size);
/* sctp_bindx(): 0, or -1 with errno. */
int change_address(sctp_socket socket, struct sockaddr_in *address, int add);

/* 0, or -1 with errno. */
int send_message(sctp_socket socket, const void *data, size_t size, const struct sctp_sndinfo *info,
    const struct sctp_prinfo *reliability);
/* Bytes, 0 at the end, or -1 with errno. */
ssize_t receive_some(sctp_socket socket, void *buffer, size_t size, struct received *what);
/* SHUTDOWN. */
void shut_down(sctp_socket socket);
/* Does not wait for what the stack still has to do. */
void leave(int status) __attribute__((noreturn));

/* "extensions: what: errno in words". */
void fail(const char *what) __attribute__((noreturn));

#endif
