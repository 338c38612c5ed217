/*
 * The far end of an association in the tests of SCTP's extensions, on usrsctp or the kernel's SCTP.
 *
 *   extensions listen PORT [words]
 *   extensions connect ADDRESS PORT [words]
 *
 *   local=A,B       addresses to bind (default: any)
 *   udp=OWN,PEER    UDP ports of RFC 6951 (usrsctp)
 *   rto=N           milliseconds of RTO.Initial and RTO.Min, a third of RTO.Max
 *   off=NAME        an extension of usrsctp that is not offered: auth, asconf, reconfig, pr, ecn
 *   interleave      RFC 8260 is offered
 *   nrsack          NR-SACK is offered (usrsctp; the kernel has none)
 *   key=ID:HEX      a shared key (RFC 4895), the first one active; the null key goes
 *   chunk=TYPE      a chunk type that must be authenticated
 *   adaptation=N    the adaptation indication
 *
 * What comes on stream 0 is a command (see commands.c); every other message is sent back on the stream
 * on which it came, unordered if it was. Prints one event a line. Exit status: 0 the association ended by
 * shutdown, 3 it was lost, 4 there was none, 1 anything else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { EXIT_LOST = 3, EXIT_NO_ASSOCIATION = 4, STREAMS = 256, COMMANDS = 0 };

/* What has come so far of a message, by stream and by order: interleaved ones grow side by side. */
static struct { char *bytes; size_t size; } parts[STREAMS][2];

static void on_message(sctp_socket socket, const struct received *what, char *bytes, size_t size) {
    struct sctp_prinfo reliable = { .pr_policy = SCTP_PR_SCTP_NONE };
    struct sctp_sndinfo info = { .snd_sid = what->stream, .snd_flags = what->unordered ? SCTP_UNORDERED : 0 };

    if (what->stream == COMMANDS) {
        bytes[size] = 0;
        carry_out(socket, bytes);
    } else if (send_message(socket, bytes, size, &info, &reliable) < 0) {
        perror("echo");
    }
}

static void on_part(sctp_socket socket, const struct received *what, const char *bytes, size_t size) {
    char **whole = &parts[what->stream % STREAMS][what->unordered].bytes;
    size_t *filled = &parts[what->stream % STREAMS][what->unordered].size;

    if (*filled + size > LARGEST) fail("a message is too long");
    if (!*whole && !(*whole = malloc(LARGEST + 1))) fail("malloc");
    memcpy(*whole + *filled, bytes, size);
    *filled += size;
    if (!what->is_end) return;
    on_message(socket, what, *whole, *filled);
    *filled = 0;
}

static int serve(sctp_socket socket) {
    static char buffer[LARGEST];
    struct received what;
    int status = EXIT_LOST, verdict;
    ssize_t size;

    while ((size = receive_some(socket, buffer, sizeof buffer, &what)) > 0) {
        if (!what.is_notification) on_part(socket, &what, buffer, (size_t)size);
        else if ((verdict = tell((union sctp_notification *)buffer)) >= 0) status = verdict;
    }
    return status;
}

int main(int argc, char **argv) {
    struct setting setting = read_setting(argc, argv);
    sctp_socket socket;

    setvbuf(stdout, NULL, _IOLBF, 0);
    start_stack(setting.udp);
    socket = open_socket();
    configure(socket, &setting);
    if (setting.listens) {
        socket = accept_one(socket);
    } else if (connect_to(socket, &setting.peer) < 0) {
        perror("connect");
        leave(EXIT_NO_ASSOCIATION);
    }
    puts("up");
    leave(serve(socket));
}
