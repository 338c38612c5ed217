/*
 * An SCTP peer for tests, on usrsctp: one association, one input file, one output file.
 *
 *   usrsctp_peer listen  --port P [options]
 *   usrsctp_peer connect --port P --peer A[,B] [options]
 *
 *   --local A[,B]       addresses to bind (default: any)
 *   --local-port P      source port of `connect` (default: chosen by the stack)
 *   --udp P             local UDP port of RFC 6951 (default: raw IP only)
 *   --udp-remote P      the peer's UDP port (default: none; a listener learns it)
 *   --send FILE         send this file as messages
 *   --receive FILE      write what arrives to this file
 *   --message-size N    bytes per sent message (default 16384)
 *   --streams N         spread sent messages over N streams (default 1)
 *   --echo              send every message back on the stream it came on
 *   --expect N          do not end before N bytes have arrived
 *   --end HOW           after sending and --expect: shutdown, abort, or wait for the peer
 *                       (default: shutdown if there is a file to send, else wait)
 *   --sysctl NAME=N     rto_min, rto_max, rto_initial, path_max_retrans, heartbeat_interval,
 *                       assoc_max_retrans, init_rtx_max (milliseconds or counts), nrsack_enable
 *                       (1 for NR-SACK), before the stack starts
 *   --auth-key ID:HEX   a shared key (RFC 4895), the first one active; may be repeated
 *   --auth-chunk N      take chunks of this type only if they are authenticated; may be repeated
 *   --interleave        let messages of several streams be interleaved (RFC 8260); what arrives on
 *                       stream N is written to the file of --receive with .N behind its name
 *   --pr POLICY:VALUE   what is sent may be given up: ttl (milliseconds) or rtx (retransmissions)
 *
 * Prints one event a line: "listening", "up", "restart", "path ADDRESS STATE", "peer-shutdown",
 * "key new ID", "key free ID", "sent N", "received N", "shutdown-complete", "lost CODE". Exit status:
 * 0 the association ended by shutdown, 3 it was aborted or lost, 4 it could not be set up, 2 usage, 1 anything else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <usrsctp.h>

/* The library has it, its header does not name it. */
#ifndef SCTP_INTERLEAVING_SUPPORTED
#define SCTP_INTERLEAVING_SUPPORTED 0x00001206
#endif

enum { EXIT_LOST = 3, EXIT_NO_ASSOCIATION = 4, MAX_ADDRESSES = 8, BUFFER_SIZE = 1 << 20 };
enum { MAX_FILES = 16, INTERLEAVING_LEVEL = 2 };
enum { MAX_KEYS = 4, MAX_SECRET = 64, MAX_CHUNKS = 32 };
enum end { END_DEFAULT, END_SHUTDOWN, END_ABORT, END_WAIT };

struct address_list {
    char packed[MAX_ADDRESSES * sizeof(struct sockaddr_in6)];
    int count;
    int has_v6;
};

struct shared_key {
    uint16_t id, length;
    uint8_t secret[MAX_SECRET];
};

static struct {
    struct shared_key keys[MAX_KEYS];
    int key_count;
    uint8_t chunks[MAX_CHUNKS];
    int chunk_count;
    int listen, echo, streams, interleave;
    uint16_t port, local_port, udp, udp_remote;
    const char *send_file, *receive_file;
    size_t message_size;
    unsigned long long expect;
    enum end end;
    char *local, *peer;
    struct sctp_prinfo pr;
} options = { .message_size = 16384, .streams = 1 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned long long received;
static int up, over, exit_status = EXIT_LOST;
static struct socket *association;
static FILE *output, *outputs[MAX_FILES];

static void fail(const char *what) {
    fprintf(stderr, "usrsctp_peer: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static void usage(const char *what) {
    fprintf(stderr, "usrsctp_peer: %s; see the head of usrsctp_peer.c\n", what);
    _exit(2);
}

static void append_address(struct address_list *list, char **end, const char *text, uint16_t port) {
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    if (list->count == MAX_ADDRESSES) usage("too many addresses");
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(*end, &v4, sizeof v4);
        *end += sizeof v4;
    } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(*end, &v6, sizeof v6);
        *end += sizeof v6;
        list->has_v6 = 1;
    } else {
        usage("not an address");
    }
    list->count++;
}

/* The packed form that bindx and connectx take. */
static struct address_list parse_addresses(char *text, uint16_t port) {
    struct address_list list = { .count = 0 };
    char *end = list.packed;

    if (!text) return list;
    for (char *one = strtok(text, ","); one; one = strtok(NULL, ","))
        append_address(&list, &end, one, port);
    return list;
}

static void set_sysctl(const char *setting) {
    static const struct { const char *name; int (*set)(uint32_t); } table[] = {
        { "rto_min", usrsctp_sysctl_set_sctp_rto_min_default },
        { "rto_max", usrsctp_sysctl_set_sctp_rto_max_default },
        { "rto_initial", usrsctp_sysctl_set_sctp_rto_initial_default },
        { "path_max_retrans", usrsctp_sysctl_set_sctp_path_rtx_max_default },
        { "assoc_max_retrans", usrsctp_sysctl_set_sctp_assoc_rtx_max_default },
        { "heartbeat_interval", usrsctp_sysctl_set_sctp_heartbeat_interval_default },
        { "init_rtx_max", usrsctp_sysctl_set_sctp_init_rtx_max_default },
        { "nrsack_enable", usrsctp_sysctl_set_sctp_nrsack_enable },
    };
    const char *equals = strchr(setting, '=');

    for (size_t i = 0; equals && i < sizeof table / sizeof *table; i++) {
        if (strncmp(table[i].name, setting, (size_t)(equals - setting)) == 0) {
            if (table[i].set((uint32_t)strtoul(equals + 1, NULL, 10)) < 0) fail(setting);
            return;
        }
    }
    usage("unknown sysctl");
}

static enum end parse_end(const char *text) {
    if (strcmp(text, "shutdown") == 0) return END_SHUTDOWN;
    if (strcmp(text, "abort") == 0) return END_ABORT;
    if (strcmp(text, "wait") == 0) return END_WAIT;
    usage("--end takes shutdown, abort or wait");
    return END_SHUTDOWN;
}

static void add_key(const char *text) {
    struct shared_key *key = &options.keys[options.key_count];
    const char *colon = strchr(text, ':');
    unsigned byte;

    if (!colon || options.key_count == MAX_KEYS) usage("--auth-key takes ID:HEX, a few times");
    key->id = (uint16_t)atoi(text);
    for (const char *at = colon + 1; sscanf(at, "%2x", &byte) == 1 && key->length < MAX_SECRET; at += 2)
        key->secret[key->length++] = (uint8_t)byte;
    options.key_count++;
}

static void add_chunk(const char *text) {
    if (options.chunk_count == MAX_CHUNKS) usage("too many chunks");
    options.chunks[options.chunk_count++] = (uint8_t)atoi(text);
}

static void set_reliability(const char *text) {
    static const struct { const char *name; uint16_t policy; } table[] = {
        { "ttl:", SCTP_PR_SCTP_TTL }, { "rtx:", SCTP_PR_SCTP_RTX },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strncmp(text, table[i].name, strlen(table[i].name)) != 0) continue;
        options.pr.pr_policy = table[i].policy;
        options.pr.pr_value = (uint32_t)atol(text + strlen(table[i].name));
        return;
    }
    usage("--pr takes ttl:N or rtx:N");
}

/* Sysctls are applied after usrsctp_init has set the defaults, so they are collected first. */
static int collect_options(int argc, char **argv, const char **sysctls, int room) {
    static const struct option table[] = {
        { "port", 1, 0, 'p' }, { "local-port", 1, 0, 'P' }, { "udp", 1, 0, 'u' },
        { "udp-remote", 1, 0, 'U' }, { "send", 1, 0, 's' }, { "receive", 1, 0, 'r' },
        { "message-size", 1, 0, 'm' }, { "streams", 1, 0, 'S' }, { "echo", 0, 0, 'e' },
        { "expect", 1, 0, 'x' }, { "end", 1, 0, 'E' }, { "local", 1, 0, 'l' },
        { "peer", 1, 0, 'a' }, { "sysctl", 1, 0, 'y' }, { "auth-key", 1, 0, 'k' },
        { "auth-chunk", 1, 0, 'c' }, { "pr", 1, 0, 'R' },
        { "interleave", 0, 0, 'I' },
        { 0, 0, 0, 0 },
    };
    int count = 0, option;

    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (option) {
        case 'p': options.port = (uint16_t)atoi(optarg); break;
        case 'P': options.local_port = (uint16_t)atoi(optarg); break;
        case 'u': options.udp = (uint16_t)atoi(optarg); break;
        case 'U': options.udp_remote = (uint16_t)atoi(optarg); break;
        case 's': options.send_file = optarg; break;
        case 'r': options.receive_file = optarg; break;
        case 'm': options.message_size = (size_t)atol(optarg); break;
        case 'S': options.streams = atoi(optarg); break;
        case 'e': options.echo = 1; break;
        case 'x': options.expect = strtoull(optarg, NULL, 10); break;
        case 'E': options.end = parse_end(optarg); break;
        case 'l': options.local = optarg; break;
        case 'a': options.peer = optarg; break;
        case 'k': add_key(optarg); break;
        case 'c': add_chunk(optarg); break;
        case 'R': set_reliability(optarg); break;
        case 'I': options.interleave = 1; break;
        case 'y':
            if (count == room) usage("too many sysctls");
            sysctls[count++] = optarg;
            break;
        default: usage("unknown option");
        }
    }
    if (optind != argc - 1) usage("listen or connect is missing");
    if (options.end == END_DEFAULT) options.end = options.send_file ? END_SHUTDOWN : END_WAIT;
    options.listen = strcmp(argv[optind], "listen") == 0;
    return count;
}

static void set_option(struct socket *socket, int name, const void *value, socklen_t size) {
    if (usrsctp_setsockopt(socket, IPPROTO_SCTP, name, value, size) < 0) fail("setsockopt");
}

static void subscribe(struct socket *socket) {
    static const uint16_t types[] = {
        SCTP_ASSOC_CHANGE, SCTP_PEER_ADDR_CHANGE, SCTP_SHUTDOWN_EVENT, SCTP_AUTHENTICATION_EVENT,
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct sctp_event event = { .se_assoc_id = SCTP_FUTURE_ASSOC, .se_on = 1, .se_type = types[i] };
        set_option(socket, SCTP_EVENT, &event, sizeof event);
    }
}

static void set_key(struct socket *socket, const struct shared_key *key) {
    union {
        struct sctp_authkey head;
        uint8_t bytes[sizeof(struct sctp_authkey) + MAX_SECRET];
    } value = { .head = { .sca_keynumber = key->id, .sca_keylength = key->length } };

    memcpy(value.head.sca_key, key->secret, key->length);
    set_option(socket, SCTP_AUTH_KEY, &value, (socklen_t)(sizeof value.head + key->length));
}

static void activate_key(struct socket *socket, uint16_t id) {
    struct sctp_authkeyid key = { .scact_keynumber = id };

    set_option(socket, SCTP_AUTH_ACTIVE_KEY, &key, sizeof key);
}

/* With keys the null key, which everybody has, goes. */
static void configure_authentication(struct socket *socket) {
    struct sctp_authkeyid null_key = { .scact_keynumber = 0 };

    for (int i = 0; i < options.key_count; i++) set_key(socket, &options.keys[i]);
    if (options.key_count > 0) {
        activate_key(socket, options.keys[0].id);
        set_option(socket, SCTP_AUTH_DELETE_KEY, &null_key, sizeof null_key);
    }
    for (int i = 0; i < options.chunk_count; i++) {
        struct sctp_authchunk chunk = { .sauth_chunk = options.chunks[i] };
        set_option(socket, SCTP_AUTH_CHUNK, &chunk, sizeof chunk);
    }
}

static void configure_interleaving(struct socket *socket) {
    struct sctp_assoc_value on = { .assoc_value = 1 };
    struct sctp_assoc_value scheduler = { .assoc_value = SCTP_SS_ROUND_ROBIN };
    int level = INTERLEAVING_LEVEL;

    set_option(socket, SCTP_FRAGMENT_INTERLEAVE, &level, sizeof level);
    set_option(socket, SCTP_INTERLEAVING_SUPPORTED, &on, sizeof on);
    set_option(socket, SCTP_PLUGGABLE_SS, &scheduler, sizeof scheduler);
}

static void configure(struct socket *socket, int family) {
    struct sctp_udpencaps encapsulation = { .sue_port = htons(options.udp_remote) };
    struct sctp_initmsg init = { .sinit_num_ostreams = (uint16_t)options.streams, .sinit_max_instreams = 2048 };
    int on = 1, buffer = BUFFER_SIZE;

    subscribe(socket);
    configure_authentication(socket);
    set_option(socket, SCTP_RECVRCVINFO, &on, sizeof on);
    set_option(socket, SCTP_NODELAY, &on, sizeof on);
    set_option(socket, SCTP_INITMSG, &init, sizeof init);
    if (options.interleave) configure_interleaving(socket);
    if (usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) < 0) fail("SO_RCVBUF");
    if (usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer) < 0) fail("SO_SNDBUF");
    encapsulation.sue_address.ss_family = (sa_family_t)family;
    if (options.udp_remote) set_option(socket, SCTP_REMOTE_UDP_ENCAPS_PORT, &encapsulation, sizeof encapsulation);
}

static void bind_local(struct socket *socket, int family) {
    uint16_t port = options.listen ? options.port : options.local_port;
    struct address_list list = parse_addresses(options.local, port);

    if (list.count == 0) {
        if (!port) return;
        list.has_v6 = family == AF_INET6;
        char *end = list.packed;
        append_address(&list, &end, family == AF_INET6 ? "::" : "0.0.0.0", port);
    }
    if (usrsctp_bindx(socket, (struct sockaddr *)list.packed, list.count, SCTP_BINDX_ADD_ADDR) < 0) fail("bindx");
}

/* connectx returns before the handshake is over. */
static void started(void) {
    puts("up");
    pthread_mutex_lock(&lock);
    up = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Ends the wait of both threads; the first verdict counts. */
static void finish(int status) {
    pthread_mutex_lock(&lock);
    if (!over) exit_status = status;
    over = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_association_change(const struct sctp_assoc_change *change) {
    switch (change->sac_state) {
    case SCTP_COMM_UP: started(); break;
    case SCTP_RESTART: puts("restart"); break;
    case SCTP_SHUTDOWN_COMP: puts("shutdown-complete"); finish(0); break;
    case SCTP_COMM_LOST: printf("lost %u\n", change->sac_error); finish(EXIT_LOST); break;
    case SCTP_CANT_STR_ASSOC: puts("cannot-start"); finish(EXIT_NO_ASSOCIATION); break;
    }
}

static const char *path_state(uint32_t state) {
    switch (state) {
    case SCTP_ADDR_AVAILABLE: return "available";
    case SCTP_ADDR_UNREACHABLE: return "unreachable";
    case SCTP_ADDR_CONFIRMED: return "confirmed";
    case SCTP_ADDR_ADDED: return "added";
    case SCTP_ADDR_REMOVED: return "removed";
    default: return "changed";
    }
}

static void on_path_change(const struct sctp_paddr_change *change) {
    const struct sockaddr_storage *address = &change->spc_aaddr;
    const void *bytes = address->ss_family == AF_INET
        ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
        : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
    char text[INET6_ADDRSTRLEN];

    inet_ntop(address->ss_family, bytes, text, sizeof text);
    printf("path %s %s\n", text, path_state(change->spc_state));
}

static void on_authentication(const struct sctp_authkey_event *event) {
    if (event->auth_indication == SCTP_AUTH_NEW_KEY) printf("key new %u\n", event->auth_keynumber);
    if (event->auth_indication == SCTP_AUTH_FREE_KEY) printf("key free %u\n", event->auth_keynumber);
}

static void on_notification(const union sctp_notification *notification) {
    switch (notification->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE: on_association_change(&notification->sn_assoc_change); break;
    case SCTP_PEER_ADDR_CHANGE: on_path_change(&notification->sn_paddr_change); break;
    case SCTP_SHUTDOWN_EVENT: puts("peer-shutdown"); break;
    case SCTP_AUTHENTICATION_EVENT: on_authentication(&notification->sn_auth_event); break;
    }
}

static int send_message(const char *data, size_t size, uint16_t stream) {
    struct sctp_sendv_spa info = {
        .sendv_flags = SCTP_SEND_SNDINFO_VALID | (options.pr.pr_policy ? SCTP_SEND_PRINFO_VALID : 0),
        .sendv_sndinfo = { .snd_sid = stream },
        .sendv_prinfo = options.pr,
    };

    return usrsctp_sendv(association, data, size, NULL, 0, &info, sizeof info, SCTP_SENDV_SPA, 0) < 0 ? -1 : 0;
}

/* Where the bytes of a stream go: several messages are under way at once. */
static FILE *file_of(uint16_t stream) {
    char name[256];

    if (!options.receive_file) return NULL;
    if (stream >= MAX_FILES) usage("too many streams");
    snprintf(name, sizeof name, "%s.%u", options.receive_file, stream);
    if (!outputs[stream] && !(outputs[stream] = fopen(name, "wb"))) fail(name);
    return outputs[stream];
}

/* A message may arrive in parts; the echo sends what it has when the message ends. */
static void on_data(char *buffer, size_t *filled, size_t size, const struct sctp_rcvinfo *info, int flags) {
    FILE *file = options.interleave ? file_of(info->rcv_sid) : output;

    if (file && fwrite(buffer + *filled, 1, size, file) != size) fail("write");
    *filled += size;
    pthread_mutex_lock(&lock);
    received += size;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    if (!options.echo) *filled = 0;
    else if (flags & MSG_EOR) {
        if (send_message(buffer, *filled, info->rcv_sid) < 0) perror("usrsctp_peer: echo");
        *filled = 0;
    }
    if (*filled == BUFFER_SIZE) usage("message too large to echo");
}

static void *receive_all(void *unused) {
    char *buffer = malloc(BUFFER_SIZE);
    size_t filled = 0;

    for (;;) {
        struct sctp_rcvinfo info;
        struct sockaddr_storage from;
        socklen_t from_size = sizeof from, info_size = sizeof info;
        unsigned int info_type;
        int flags = 0;
        ssize_t size = usrsctp_recvv(association, buffer + filled, BUFFER_SIZE - filled,
            (struct sockaddr *)&from, &from_size, &info, &info_size, &info_type, &flags);

        if (size <= 0) break;
        if (flags & MSG_NOTIFICATION) on_notification((union sctp_notification *)(buffer + filled));
        else on_data(buffer, &filled, (size_t)size, &info, flags);
    }
    finish(EXIT_LOST);
    free(buffer);
    return unused;
}

static void send_file(void) {
    FILE *input = fopen(options.send_file, "rb");
    char *buffer = malloc(options.message_size);
    unsigned long long sent = 0;
    size_t size;

    if (!input || !buffer) fail(options.send_file);
    for (int n = 0; (size = fread(buffer, 1, options.message_size, input)) > 0; n++) {
        if (send_message(buffer, size, (uint16_t)(n % options.streams)) < 0) break;
        sent += size;
    }
    fclose(input);
    free(buffer);
    printf("sent %llu\n", sent);
}

static void await_up(void) {
    pthread_mutex_lock(&lock);
    while (!over && !up) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void await_expected(void) {
    pthread_mutex_lock(&lock);
    while (!over && received < options.expect) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void end_association(void) {
    struct sctp_sndinfo abort = { .snd_flags = SCTP_ABORT };

    if (options.end == END_SHUTDOWN) usrsctp_shutdown(association, SHUT_WR);
    if (options.end == END_ABORT) {
        usrsctp_sendv(association, "", 0, NULL, 0, &abort, sizeof abort, SCTP_SENDV_SNDINFO, 0);
        puts("aborted");
        finish(EXIT_LOST);
    }
}

static void await_end(void) {
    pthread_mutex_lock(&lock);
    while (!over) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct socket *accept_one(struct socket *listener) {
    struct socket *accepted;

    if (usrsctp_listen(listener, 1) < 0) fail("listen");
    puts("listening");
    accepted = usrsctp_accept(listener, NULL, NULL);
    if (!accepted) fail("accept");
    return accepted;
}

static struct socket *connect_one(struct socket *socket) {
    struct address_list peer = parse_addresses(options.peer, options.port);

    if (peer.count == 0) usage("--peer is missing");
    if (usrsctp_connectx(socket, (struct sockaddr *)peer.packed, peer.count, NULL) < 0) {
        printf("cannot-start %s\n", strerror(errno));
        _exit(EXIT_NO_ASSOCIATION);
    }
    return socket;
}

int main(int argc, char **argv) {
    const char *sysctls[8];
    int sysctl_count = collect_options(argc, argv, sysctls, 8);
    int family = (options.peer && strchr(options.peer, ':')) || (options.local && strchr(options.local, ':'))
        ? AF_INET6 : AF_INET;
    struct socket *socket;
    pthread_t receiver;

    setvbuf(stdout, NULL, _IOLBF, 0);
    usrsctp_init(options.udp, NULL, NULL);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    for (int i = 0; i < sysctl_count; i++) set_sysctl(sysctls[i]);
    if (!(socket = usrsctp_socket(family, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL))) fail("socket");
    configure(socket, family);
    bind_local(socket, family);
    if (options.receive_file && !(output = fopen(options.receive_file, "wb"))) fail(options.receive_file);
    association = options.listen ? accept_one(socket) : connect_one(socket);
    pthread_create(&receiver, NULL, receive_all, NULL);
    await_up();
    if (options.send_file) send_file();
    await_expected();
    end_association();
    await_end();
    if (output) fclose(output);
    for (int i = 0; i < MAX_FILES; i++) if (outputs[i]) fclose(outputs[i]);
    printf("received %llu\n", received);
    /* ABORT or the last SACK may still be on its way out of the stack's own threads. */
    usleep(100000);
    _exit(exit_status);
}
