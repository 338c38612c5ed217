/* See peer.h and main.c: the words at the start. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { MAX_SECRET = 64, RTO_MAX_FACTOR = 3, INBOUND = 512, OUTBOUND = 16 };

/* A word as it was given, to be carried out once there is a socket. */
struct action {
    void (*act)(sctp_socket socket, const char *value);
    const char *value;
};

static struct action actions[16];
static int action_count;

static void set(sctp_socket socket, int name, const void *value, socklen_t size) {
    if (set_option(socket, name, value, size) < 0) fail("setsockopt");
}

static void set_number(sctp_socket socket, int name, uint32_t number) {
    struct sctp_assoc_value value = { .assoc_value = number };

    set(socket, name, &value, sizeof value);
}

static void set_rto(sctp_socket socket, const char *value) {
    uint32_t rto = (uint32_t)atoi(value);
    struct sctp_rtoinfo info = { .srto_initial = rto, .srto_min = rto, .srto_max = RTO_MAX_FACTOR * rto };

    set(socket, SCTP_RTOINFO, &info, sizeof info);
}

static void switch_off(sctp_socket socket, const char *name) {
    static const struct { const char *name; int option; } table[] = {
        { "auth", SCTP_AUTH_SUPPORTED }, { "asconf", SCTP_ASCONF_SUPPORTED }, { "pr", SCTP_PR_SUPPORTED },
        { "reconfig", SCTP_RECONFIG_SUPPORTED }, { "ecn", SCTP_ECN_SUPPORTED },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) == 0) set_number(socket, table[i].option, 0);
    }
}

/* usrsctp takes "level 2", the kernel but 0 and 1; and their names for round robin differ. */
static void interleave(sctp_socket socket, const char *value) {
    int level = 1;
#ifdef USRSCTP
    level = 2;
#endif

    (void)value;
    set(socket, SCTP_FRAGMENT_INTERLEAVE, &level, sizeof level);
    set_number(socket, SCTP_INTERLEAVING_SUPPORTED, 1);
#ifdef USRSCTP
    set_number(socket, SCTP_PLUGGABLE_SS, SCTP_SS_ROUND_ROBIN);
#else
    set_number(socket, SCTP_STREAM_SCHEDULER, SCTP_SS_RR);
#endif
}

static void offer_nr_sack(sctp_socket socket, const char *value) {
    (void)value;
#ifdef USRSCTP
    set_number(socket, SCTP_NRSACK_SUPPORTED, 1);
#else
    (void)socket;
#endif
}

static void set_key(sctp_socket socket, const char *text) {
    static int has_active;
    union {
        struct sctp_authkey head;
        uint8_t bytes[sizeof(struct sctp_authkey) + MAX_SECRET];
    } key = { .head = { .sca_keynumber = (uint16_t)atoi(text) } };
    struct sctp_authkeyid this = { .scact_keynumber = key.head.sca_keynumber }, null_key = { 0 };
    const char *at = strchr(text, ':');
    unsigned byte;

    if (!at) fail("key=ID:HEX");
    for (at++; sscanf(at, "%2x", &byte) == 1 && key.head.sca_keylength < MAX_SECRET; at += 2) {
        key.head.sca_key[key.head.sca_keylength++] = (uint8_t)byte;
    }
    set(socket, SCTP_AUTH_KEY, &key, (socklen_t)(sizeof key.head + key.head.sca_keylength));
    if (has_active++) return;
    set(socket, SCTP_AUTH_ACTIVE_KEY, &this, sizeof this);
    set(socket, SCTP_AUTH_DELETE_KEY, &null_key, sizeof null_key);
}

static void authenticate_chunk(sctp_socket socket, const char *value) {
    struct sctp_authchunk chunk = { .sauth_chunk = (uint8_t)atoi(value) };

    set(socket, SCTP_AUTH_CHUNK, &chunk, sizeof chunk);
}

static void indicate(sctp_socket socket, const char *value) {
    struct sctp_setadaptation adaptation = { .ssb_adaptation_ind = (uint32_t)atol(value) };

    set(socket, SCTP_ADAPTATION_LAYER, &adaptation, sizeof adaptation);
}

struct sockaddr_in parse_address(const char *text, uint16_t port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) fail(text);
    return address;
}

static void add_locals(struct setting *setting, char *list) {
    uint16_t port = setting->listens ? setting->port : 0;

    for (char *one = strtok(list, ","); one; one = strtok(NULL, ",")) {
        if (setting->local_count == 4) fail("too many addresses");
        setting->locals[setting->local_count++] = parse_address(one, port);
    }
}

static void read_word(struct setting *setting, char *word) {
    static const struct { const char *name; void (*act)(sctp_socket, const char *); } table[] = {
        { "rto=", set_rto }, { "off=", switch_off }, { "interleave", interleave }, { "key=", set_key },
        { "nrsack", offer_nr_sack },
        { "chunk=", authenticate_chunk }, { "adaptation=", indicate },
    };

    if (strncmp(word, "local=", 6) == 0) {
        add_locals(setting, word + 6);
        return;
    }
    if (sscanf(word, "udp=%hu,%hu", &setting->udp, &setting->udp_remote) == 2) return;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t length = strlen(table[i].name);

        if (strncmp(word, table[i].name, length) != 0 || action_count == 16) continue;
        actions[action_count++] = (struct action){ table[i].act, word + length };
        return;
    }
    fail(word);
}

struct setting read_setting(int argc, char **argv) {
    struct setting setting = { 0 };
    int next = 3;

    if (argc < 3) fail("see the head of main.c");
    setting.listens = strcmp(argv[1], "listen") == 0;
    if (setting.listens) {
        setting.port = (uint16_t)atoi(argv[2]);
    } else {
        if (argc < 4) fail("see the head of main.c");
        setting.port = (uint16_t)atoi(argv[3]);
        setting.peer = parse_address(argv[2], setting.port);
        next = 4;
    }
    while (next < argc) read_word(&setting, argv[next++]);
    return setting;
}

/* Whatever may be allowed to the peer is: each test asks for what it is about. */
static void allow_resets(sctp_socket socket) {
    set_number(socket, SCTP_ENABLE_STREAM_RESET,
        SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_RESET_ASSOC_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ);
}

void configure(sctp_socket socket, const struct setting *setting) {
    struct sctp_initmsg init = { .sinit_num_ostreams = OUTBOUND, .sinit_max_instreams = INBOUND };
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(setting->port) };
    int on = 1;

    set(socket, SCTP_INITMSG, &init, sizeof init);
    set(socket, SCTP_NODELAY, &on, sizeof on);
    set(socket, SCTP_RECVRCVINFO, &on, sizeof on);
    subscribe(socket);
    allow_resets(socket);
    for (int i = 0; i < action_count; i++) actions[i].act(socket, actions[i].value);
    if (setting->udp_remote) encapsulate(socket, setting->udp_remote);
    if (setting->local_count > 0) bind_socket(socket, (struct sockaddr_in *)setting->locals, setting->local_count);
    else if (setting->listens) bind_socket(socket, &any, 1);
}
