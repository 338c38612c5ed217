/* See peer.h: notifications, one a line. */
#include <arpa/inet.h>
#include <stdio.h>

#include "peer.h"

enum { EXIT_LOST = 3, EXIT_NO_ASSOCIATION = 4 };

void subscribe(sctp_socket socket) {
    static const uint16_t types[] = {
        SCTP_ASSOC_CHANGE, SCTP_PEER_ADDR_CHANGE, SCTP_SHUTDOWN_EVENT, SCTP_AUTHENTICATION_EVENT,
        SCTP_STREAM_RESET_EVENT, SCTP_ASSOC_RESET_EVENT, SCTP_STREAM_CHANGE_EVENT, SCTP_ADAPTATION_INDICATION,
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct sctp_event event = { .se_assoc_id = SCTP_FUTURE_ASSOC, .se_on = 1, .se_type = types[i] };
        if (set_option(socket, SCTP_EVENT, &event, sizeof event) < 0) fail("SCTP_EVENT");
    }
}

static int tell_association(const struct sctp_assoc_change *change) {
    switch (change->sac_state) {
    case SCTP_RESTART: puts("restart"); break;
    case SCTP_SHUTDOWN_COMP: puts("shutdown-complete"); return 0;
    case SCTP_COMM_LOST: printf("lost %u\n", change->sac_error); return EXIT_LOST;
    case SCTP_CANT_STR_ASSOC: puts("cannot-start"); return EXIT_NO_ASSOCIATION;
    }
    return -1;
}

static const char *path_state(int state) {
    switch (state) {
    case SCTP_ADDR_AVAILABLE: return "available";
    case SCTP_ADDR_UNREACHABLE: return "unreachable";
    case SCTP_ADDR_CONFIRMED: return "confirmed";
    case SCTP_ADDR_ADDED: return "added";
    case SCTP_ADDR_REMOVED: return "removed";
    case SCTP_ADDR_MADE_PRIM: return "preferred";
    default: return "changed";
    }
}

static void tell_path(const struct sctp_paddr_change *change) {
    const struct sockaddr_in *address = (const struct sockaddr_in *)&change->spc_aaddr;
    char text[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    printf("path %s %s\n", text, path_state((int)change->spc_state));
}

/* The direction is that of the one who is told; the streams are all if none is listed. */
static void tell_reset(const struct sctp_stream_reset_event *event) {
    unsigned flags = event->strreset_flags;
    size_t count = (event->strreset_length - sizeof *event) / sizeof(uint16_t);

    printf("reset%s%s%s", flags & SCTP_STREAM_RESET_INCOMING_SSN ? " in" : "",
        flags & SCTP_STREAM_RESET_OUTGOING_SSN ? " out" : "",
        flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED) ? " refused" : "");
    for (size_t i = 0; i < count; i++) printf(" %u", event->strreset_stream_list[i]);
    puts("");
}

static void tell_association_reset(const struct sctp_assoc_reset_event *event) {
    printf("reset all%s\n", event->assocreset_flags ? " refused" : "");
}

static void tell_streams(const struct sctp_stream_change_event *event) {
    printf("streams out %u in %u%s\n", event->strchange_outstrms, event->strchange_instrms,
        event->strchange_flags ? " refused" : "");
}

static void tell_key(const struct sctp_authkey_event *event) {
    if (event->auth_indication == SCTP_AUTH_NEW_KEY) printf("key new %u\n", event->auth_keynumber);
    if (event->auth_indication == SCTP_AUTH_FREE_KEY) printf("key free %u\n", event->auth_keynumber);
}

int tell(const union sctp_notification *notification) {
    switch (notification->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE: return tell_association(&notification->sn_assoc_change);
    case SCTP_PEER_ADDR_CHANGE: tell_path(&notification->sn_paddr_change); break;
    /* The kernel may end the reading here, and the rest of the shutdown goes on without us. */
    case SCTP_SHUTDOWN_EVENT: puts("peer-shutdown"); return 0;
    case SCTP_STREAM_RESET_EVENT: tell_reset(&notification->sn_strreset_event); break;
    case SCTP_ASSOC_RESET_EVENT: tell_association_reset(&notification->sn_assocreset_event); break;
    case SCTP_STREAM_CHANGE_EVENT: tell_streams(&notification->sn_strchange_event); break;
    case SCTP_AUTHENTICATION_EVENT: tell_key((const struct sctp_authkey_event *)notification); break;
    case SCTP_ADAPTATION_INDICATION:
        printf("adaptation %u\n", notification->sn_adaptation_event.sai_adaptation_ind);
        break;
    }
    return -1;
}
