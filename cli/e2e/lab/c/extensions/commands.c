/*
 * See peer.h: commands, each in one message of stream 0. "done" or "failed COMMAND: why" is printed.
 *
 *   reset out N | reset in N     a stream (RFC 6525), all for -1
 *   reset all                    the association
 *   more OUT IN                  streams
 *   add A | remove A | prefer A  an address of this side (RFC 5061)
 *   send STREAM SIZE COUNT POLICY VALUE
 *                                messages, numbered; POLICY is none, ttl or rtx
 *   key ID | retire ID           activates a shared key, deactivates it
 *   shutdown
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

static int reset_stream(sctp_socket socket, int flags, int stream) {
    union {
        struct sctp_reset_streams head;
        uint8_t bytes[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
    } value = { .head = { .srs_flags = (uint16_t)flags, .srs_number_streams = stream >= 0 } };

    value.head.srs_stream_list[0] = (uint16_t)stream;
    return set_option(socket, SCTP_RESET_STREAMS, &value, sizeof value.head + (stream >= 0 ? sizeof(uint16_t) : 0));
}

static int reset_all(sctp_socket socket) {
    sctp_assoc_t this = 0;

    return set_option(socket, SCTP_RESET_ASSOC, &this, sizeof this);
}

static int add_streams(sctp_socket socket, unsigned out, unsigned in) {
    struct sctp_add_streams value = { .sas_outstrms = (uint16_t)out, .sas_instrms = (uint16_t)in };

    return set_option(socket, SCTP_ADD_STREAMS, &value, sizeof value);
}

static int prefer(sctp_socket socket, const struct sockaddr_in *address) {
    struct sctp_setpeerprim value = { .sspp_assoc_id = 0 };

    memcpy(&value.sspp_addr, address, sizeof *address);
    return set_option(socket, SCTP_SET_PEER_PRIMARY_ADDR, &value, sizeof value);
}

static int set_key_state(sctp_socket socket, int option, unsigned id) {
    struct sctp_authkeyid key = { .scact_keynumber = (uint16_t)id };

    return set_option(socket, option, &key, sizeof key);
}

static struct sctp_prinfo policy_of(const char *name, unsigned value) {
    struct sctp_prinfo info = { .pr_value = value, .pr_policy = SCTP_PR_SCTP_NONE };

    if (strcmp(name, "ttl") == 0) info.pr_policy = SCTP_PR_SCTP_TTL;
    if (strcmp(name, "rtx") == 0) info.pr_policy = SCTP_PR_SCTP_RTX;
    return info;
}

/* The first four bytes are the number of the message, the others follow from it (core/sim/content.ts
 * does the like): what arrives can be told from anything else. */
static void fill(uint8_t *bytes, size_t size, uint32_t number) {
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8) * 13);
    for (size_t i = 0; i < 4 && i < size; i++) bytes[i] = (uint8_t)(number >> (24 - 8 * i));
}

static int send_numbered(sctp_socket socket, unsigned stream, size_t size, unsigned count, struct sctp_prinfo policy) {
    struct sctp_sndinfo info = { .snd_sid = (uint16_t)stream };
    uint8_t *bytes = malloc(size);
    int result = 0;

    if (!bytes) fail("malloc");
    for (uint32_t n = 0; n < count && result == 0; n++) {
        fill(bytes, size, n);
        result = send_message(socket, bytes, size, &info, &policy);
    }
    free(bytes);
    return result;
}

/* 0, or -1 with errno; ends the process where there is no such command. */
static int act(sctp_socket socket, const char *command) {
    char word[64], policy[8];
    unsigned a, b, c, d;
    int stream;

    if (sscanf(command, "reset out %d", &stream) == 1) return reset_stream(socket, SCTP_STREAM_RESET_OUTGOING, stream);
    if (sscanf(command, "reset in %d", &stream) == 1) return reset_stream(socket, SCTP_STREAM_RESET_INCOMING, stream);
    if (strcmp(command, "reset all") == 0) return reset_all(socket);
    if (sscanf(command, "more %u %u", &a, &b) == 2) return add_streams(socket, a, b);
    if (sscanf(command, "send %u %u %u %7s %u", &a, &b, &c, policy, &d) == 5) {
        return send_numbered(socket, a, b, c, policy_of(policy, d));
    }
    if (sscanf(command, "key %u", &a) == 1) return set_key_state(socket, SCTP_AUTH_ACTIVE_KEY, a);
    if (sscanf(command, "retire %u", &a) == 1) return set_key_state(socket, SCTP_AUTH_DEACTIVATE_KEY, a);
    if (strcmp(command, "shutdown") == 0) return shut_down(socket), 0;
    for (const char *verbs[] = { "add", "remove", "prefer" }, **verb = verbs; verb < verbs + 3; verb++) {
        size_t length = strlen(*verb);
        struct sockaddr_in address;

        if (strncmp(command, *verb, length) != 0 || sscanf(command + length, " %63s", word) != 1) continue;
        address = parse_address(word, ntohs(local_port(socket)));
        return **verb == 'p' ? prefer(socket, &address) : change_address(socket, &address, **verb == 'a');
    }
    errno = EINVAL;
    fail(command);
}

void carry_out(sctp_socket socket, const char *command) {
    if (act(socket, command) == 0) printf("done %s\n", command);
    else printf("failed %s: %s\n", command, strerror(errno));
}
