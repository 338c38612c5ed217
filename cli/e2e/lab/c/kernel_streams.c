/*
 * Messages on several streams through the Linux kernel's SCTP, for what socat cannot ask for.
 *
 *   kernel_streams send PORT ADDRESS FILE SIZE STREAMS POLICY VALUE
 *       sends a file in messages of SIZE bytes, on streams in turn; POLICY is none, ttl or rtx: when
 *       a message is given up (RFC 3758, RFC 7496)
 *   kernel_streams receive PORT FILE
 *       writes what arrives on stream N to FILE.N, until the peer shuts down
 *
 * Both let messages be interleaved (RFC 8260) where net.sctp.intl_enable is 1.
 */
#include <arpa/inet.h>
#include <linux/sctp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_STREAMS = 16, LARGEST = 1 << 20 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void set_option(int socket, int name, const void *value, socklen_t size) {
    if (setsockopt(socket, IPPROTO_SCTP, name, value, size) < 0) fail("setsockopt");
}

static int interleaving_is_enabled(void) {
    FILE *setting = fopen("/proc/sys/net/sctp/intl_enable", "r");
    int value = 0;

    if (setting && fscanf(setting, "%d", &value) != 1) value = 0;
    if (setting) fclose(setting);
    return value;
}

static int open_socket(void) {
    int sock = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP), on = 1;
    struct sctp_initmsg init = { .sinit_num_ostreams = MAX_STREAMS, .sinit_max_instreams = MAX_STREAMS };
    struct sctp_assoc_value interleaving = { .assoc_value = 1 };
    struct sctp_assoc_value scheduler = { .assoc_value = SCTP_SS_RR };

    if (sock < 0) fail("socket");
    set_option(sock, SCTP_INITMSG, &init, sizeof init);
    set_option(sock, SCTP_NODELAY, &on, sizeof on);
    set_option(sock, SCTP_RECVRCVINFO, &on, sizeof on);
    if (interleaving_is_enabled()) {
        set_option(sock, SCTP_FRAGMENT_INTERLEAVE, &on, sizeof on);
        set_option(sock, SCTP_INTERLEAVING_SUPPORTED, &interleaving, sizeof interleaving);
        set_option(sock, SCTP_STREAM_SCHEDULER, &scheduler, sizeof scheduler);
    }
    return sock;
}

static struct sctp_prinfo policy_of(const char *name, const char *value) {
    struct sctp_prinfo info = { .pr_value = (uint32_t)atol(value), .pr_policy = SCTP_PR_SCTP_NONE };

    if (strcmp(name, "ttl") == 0) info.pr_policy = SCTP_PR_SCTP_TTL;
    if (strcmp(name, "rtx") == 0) info.pr_policy = SCTP_PR_SCTP_RTX;
    return info;
}

static void put(struct cmsghdr *header, int type, const void *value, size_t size) {
    header->cmsg_level = IPPROTO_SCTP;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), value, size);
}

static void send_on(int sock, char *data, size_t size, uint16_t stream, const struct sctp_prinfo *policy) {
    char control[CMSG_SPACE(sizeof(struct sctp_sndinfo)) + CMSG_SPACE(sizeof *policy)] = { 0 };
    struct iovec part = { .iov_base = data, .iov_len = size };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    struct sctp_sndinfo info = { .snd_sid = stream };

    put(header, SCTP_SNDINFO, &info, sizeof info);
    put(CMSG_NXTHDR(&message, header), SCTP_PRINFO, policy, sizeof *policy);
    if (sendmsg(sock, &message, 0) < 0) fail("sendmsg");
}

/* Closing sends what is left first; the peer's end is waited for. */
static void send_file(char **words) {
    struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[0])) };
    struct sctp_prinfo policy = policy_of(words[5], words[6]);
    FILE *input = fopen(words[2], "rb");
    size_t most = (size_t)atol(words[3]), size;
    int streams = atoi(words[4]), sock = open_socket();
    char *buffer = malloc(most);

    if (!input || !buffer || inet_pton(AF_INET, words[1], &peer.sin_addr) != 1) fail(words[2]);
    if (connect(sock, (struct sockaddr *)&peer, sizeof peer) < 0) fail("connect");
    for (int n = 0; (size = fread(buffer, 1, most, input)) > 0; n++)
        send_on(sock, buffer, size, (uint16_t)(n % streams), &policy);
    shutdown(sock, SHUT_WR);
    while (recv(sock, buffer, most, 0) > 0) continue;
    close(sock);
}

static FILE *file_of(const char *name, uint16_t stream) {
    static FILE *outputs[MAX_STREAMS];
    char path[256];

    if (stream >= MAX_STREAMS) exit(2);
    snprintf(path, sizeof path, "%s.%u", name, stream);
    if (!outputs[stream] && !(outputs[stream] = fopen(path, "wb"))) fail(path);
    return outputs[stream];
}

static uint16_t stream_of(struct msghdr *message) {
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        struct sctp_rcvinfo info;

        if (header->cmsg_level != IPPROTO_SCTP || header->cmsg_type != SCTP_RCVINFO) continue;
        memcpy(&info, CMSG_DATA(header), sizeof info);
        return info.rcv_sid;
    }
    fprintf(stderr, "no stream\n");
    exit(1);
}

static void receive_files(char **words) {
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[0])) };
    int listener = open_socket(), sock;
    char *buffer = malloc(LARGEST), control[CMSG_SPACE(sizeof(struct sctp_rcvinfo))];

    if (bind(listener, (struct sockaddr *)&local, sizeof local) < 0 || listen(listener, 1) < 0) fail("listen");
    if ((sock = accept(listener, NULL, NULL)) < 0) fail("accept");
    for (;;) {
        struct iovec part = { .iov_base = buffer, .iov_len = LARGEST };
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control,
        };
        ssize_t size = recvmsg(sock, &message, 0);

        if (size <= 0) break;
        if (message.msg_flags & MSG_NOTIFICATION) continue;
        if (fwrite(buffer, 1, (size_t)size, file_of(words[1], stream_of(&message))) != (size_t)size) fail("write");
    }
    fflush(NULL);
    close(sock);
}

int main(int argc, char **argv) {
    if (argc == 9 && strcmp(argv[1], "send") == 0) send_file(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "receive") == 0) receive_files(argv + 2);
    else {
        fprintf(stderr, "see the head of kernel_streams.c\n");
        return 2;
    }
    return 0;
}
