/*
 * One end of a measured association of usrsctp over UDP encapsulation (RFC 6951) on loopback.
 *
 *   bulk receive UDP_PORT
 *   bulk send    UDP_PORT PEER_UDP_PORT MESSAGE_SIZE MILLISECONDS
 *   bulk echo    UDP_PORT
 *   bulk ping    UDP_PORT PEER_UDP_PORT MESSAGE_SIZE COUNT
 *
 * receive and echo print "ready" when they can be reached. Each prints one line of JSON at the end.
 * bench/peers/socket_end.ts and loop_end.ts do the same with the engine of this project, and
 * bench/peers/content.ts says how messages are filled.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <usrsctp.h>

enum { SCTP_PORT = 5001, LONGEST_MESSAGE = 1 << 20, NUMBER_BYTES = 4, CHECK_EVERY = 61 };

/* With these, its defaults, usrsctp is at its fastest here: a larger window overruns the buffer of
 * its UDP socket, and a smaller one runs dry. */
enum { BUFFER_BYTES = 256 * 1024 };

/* This value makes IP packets of 1,500 bytes: 1,472 bytes of UDP payload, of which usrsctp's
 * arithmetic leaves out the 12 of the SCTP common header. */
enum { PATH_MTU = 1460 };

/* Messages that may wait in the send queue, so that the bytes are what limits it. */
enum { QUEUED_MESSAGES = 1 << 16 };

static uint8_t pattern[LONGEST_MESSAGE];
static uint8_t message[LONGEST_MESSAGE];

/* What a receiver has seen. */
struct tally {
    uint64_t messages;
    uint64_t bytes;
    uint64_t checked;
    uint64_t faults;
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* User and system time of all threads so far. */
static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fill_pattern(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof pattern; i++) {
        state = state * 1664525u + 1013904223u;
        pattern[i] = (uint8_t)(state >> 24);
    }
    memcpy(message, pattern, sizeof message);
}

static void put_number(uint8_t *at, uint32_t number) {
    uint32_t big_endian = htonl(number);
    memcpy(at, &big_endian, NUMBER_BYTES);
}

/* Message `number`: the pattern, with the number over its first and its last four bytes. */
static void number_message(size_t length, uint32_t number) {
    put_number(message, number);
    put_number(message + length - NUMBER_BYTES, number);
}

static int is_as_sent(const uint8_t *data, size_t length, uint32_t number, int whole) {
    uint8_t expected[NUMBER_BYTES];
    put_number(expected, number);
    if (length < 2 * NUMBER_BYTES) return 0;
    if (memcmp(data, expected, NUMBER_BYTES) != 0) return 0;
    if (memcmp(data + length - NUMBER_BYTES, expected, NUMBER_BYTES) != 0) return 0;
    return !whole || memcmp(data + NUMBER_BYTES, pattern + NUMBER_BYTES,
                            length - 2 * NUMBER_BYTES) == 0;
}

static void set_option(struct socket *socket, int level, int name, const void *value,
                       socklen_t length) {
    if (usrsctp_setsockopt(socket, level, name, value, length) < 0) die("usrsctp_setsockopt");
}

static void set_int(struct socket *socket, int level, int name, int value) {
    set_option(socket, level, name, &value, sizeof value);
}

static struct sockaddr_in loopback(void) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(SCTP_PORT);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* The path is not asked for its MTU: the peer of the comparison sends packets of this size too. */
static void fix_path_mtu(struct socket *socket) {
    struct sctp_paddrparams parameters;
    memset(&parameters, 0, sizeof parameters);
    parameters.spp_flags = SPP_PMTUD_DISABLE;
    parameters.spp_pathmtu = PATH_MTU;
    set_option(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &parameters, sizeof parameters);
}

static struct socket *open_socket(uint16_t udp_port) {
    usrsctp_init(udp_port, NULL, NULL);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    usrsctp_sysctl_set_sctp_blackhole(2);
    usrsctp_sysctl_set_sctp_sendspace(BUFFER_BYTES);
    usrsctp_sysctl_set_sctp_recvspace(BUFFER_BYTES);
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(QUEUED_MESSAGES);
    struct socket *socket =
        usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (socket == NULL) die("usrsctp_socket");
    set_int(socket, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
    set_int(socket, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
    set_int(socket, IPPROTO_SCTP, SCTP_NODELAY, 1);
    fix_path_mtu(socket);
    return socket;
}

static struct socket *accept_one(uint16_t udp_port) {
    struct socket *listener = open_socket(udp_port);
    struct sockaddr_in address = loopback();
    if (usrsctp_bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (usrsctp_listen(listener, 1) < 0) die("listen");
    puts("ready");
    fflush(stdout);
    struct socket *socket = usrsctp_accept(listener, NULL, NULL);
    if (socket == NULL) die("accept");
    usrsctp_close(listener);
    return socket;
}

static struct socket *connect_to(uint16_t udp_port, uint16_t peer_udp_port) {
    struct socket *socket = open_socket(udp_port);
    struct sctp_udpencaps encapsulation;
    memset(&encapsulation, 0, sizeof encapsulation);
    encapsulation.sue_address.ss_family = AF_INET;
    encapsulation.sue_port = htons(peer_udp_port);
    set_option(socket, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encapsulation,
               sizeof encapsulation);
    struct sockaddr_in address = loopback();
    struct sockaddr_in own = loopback();
    own.sin_port = 0;
    if (usrsctp_bind(socket, (struct sockaddr *)&own, sizeof own) < 0) die("bind");
    if (usrsctp_connect(socket, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
    return socket;
}

static void send_message(struct socket *socket, const uint8_t *data, size_t length) {
    struct sctp_sndinfo info;
    memset(&info, 0, sizeof info);
    if (usrsctp_sendv(socket, data, length, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0) < 0)
        die("send");
}

/* Reads what is there of a message, at most; 0 after the end. */
static size_t receive_part(struct socket *socket, uint8_t *target, size_t room, int *ends) {
    struct sockaddr_in from;
    struct sctp_rcvinfo info;
    socklen_t from_length = sizeof from;
    socklen_t info_length = sizeof info;
    unsigned int info_type = 0;
    int flags = 0;
    ssize_t count = usrsctp_recvv(socket, target, room, (struct sockaddr *)&from, &from_length,
                                  &info, &info_length, &info_type, &flags);
    if (count < 0) die("receive");
    *ends = (flags & MSG_EOR) != 0;
    return (size_t)count;
}

static size_t receive_message(struct socket *socket, uint8_t *target) {
    size_t filled = 0;
    int ends = 0;
    while (!ends) {
        size_t count = receive_part(socket, target + filled, LONGEST_MESSAGE - filled, &ends);
        if (count == 0) return 0;
        filled += count;
    }
    return filled;
}

/* Closes gracefully and waits until nothing is left of the association. */
static void finish(struct socket *socket) {
    usrsctp_close(socket);
    while (usrsctp_finish() != 0) usleep(2000);
}

static void count_message(struct tally *tally, const uint8_t *data, size_t length) {
    uint32_t number = (uint32_t)tally->messages++;
    int whole = number % CHECK_EVERY == 0;
    tally->bytes += length;
    tally->checked += (uint64_t)whole;
    if (!is_as_sent(data, length, number, whole)) tally->faults++;
}

/* The end of every report. */
static void print_cpu(double cpu_at_start) {
    double cpu = cpu_seconds();
    printf("\"cpuSeconds\":%.6f,\"processCpuSeconds\":%.6f}\n", cpu - cpu_at_start, cpu);
}

static void receive(uint16_t udp_port) {
    struct tally tally = {0};
    struct socket *socket = accept_one(udp_port);
    double cpu = cpu_seconds();
    double first = 0;
    double last = 0;
    for (size_t length; (length = receive_message(socket, message)) > 0;) {
        last = seconds();
        if (tally.messages == 0) first = last;
        count_message(&tally, message, length);
    }
    finish(socket);
    printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"checked\":%" PRIu64
           ",\"faults\":%" PRIu64 ",\"seconds\":%.6f,",
           tally.messages, tally.bytes, tally.checked, tally.faults, last - first);
    print_cpu(cpu);
}

static void send_for(uint16_t udp_port, uint16_t peer_udp_port, size_t length, double duration) {
    struct socket *socket = connect_to(udp_port, peer_udp_port);
    double cpu = cpu_seconds();
    double start = seconds();
    uint64_t messages = 0;
    while (seconds() - start < duration) {
        number_message(length, (uint32_t)messages);
        send_message(socket, message, length);
        messages++;
    }
    finish(socket);
    struct sctpstat statistics;
    usrsctp_get_stat(&statistics);
    printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,"
           "\"packets\":%u,\"retransmitted\":%u,",
           messages, messages * length, seconds() - start, statistics.sctps_outpackets,
           statistics.sctps_sendretransdata);
    print_cpu(cpu);
}

static void echo(uint16_t udp_port) {
    struct socket *socket = accept_one(udp_port);
    double cpu = cpu_seconds();
    for (size_t length; (length = receive_message(socket, message)) > 0;)
        send_message(socket, message, length);
    finish(socket);
    putchar('{');
    print_cpu(cpu);
}

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void ping(uint16_t udp_port, uint16_t peer_udp_port, size_t length, size_t count) {
    double *times = malloc(count * sizeof *times);
    if (times == NULL) die("malloc");
    struct socket *socket = connect_to(udp_port, peer_udp_port);
    double cpu = cpu_seconds();
    size_t warm_up = (count + 3) / 4;
    for (size_t i = 0; i < warm_up + count; i++) {
        double start = seconds();
        send_message(socket, message, length);
        if (receive_message(socket, message) != length) die("echo");
        if (i >= warm_up) times[i - warm_up] = (seconds() - start) * 1e6;
    }
    finish(socket);
    qsort(times, count, sizeof *times, by_value);
    printf("{\"roundTrips\":%zu,\"minimum\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"maximum\":%.3f,",
           count, times[0], times[(count - 1) / 2], times[(count - 1) * 99 / 100],
           times[count - 1]);
    print_cpu(cpu);
    free(times);
}

int main(int argc, char **argv) {
    long number[4] = {0};
    for (int i = 0; i < 4 && i + 2 < argc; i++) number[i] = atol(argv[i + 2]);
    uint16_t port = (uint16_t)number[0];
    uint16_t peer_port = (uint16_t)number[1];
    size_t length = (size_t)number[2];
    const char *role = argc > 1 ? argv[1] : "";
    fill_pattern();
    if (strcmp(role, "receive") == 0) receive(port);
    else if (strcmp(role, "send") == 0)
        send_for(port, peer_port, length, (double)number[3] / 1000);
    else if (strcmp(role, "echo") == 0) echo(port);
    else if (strcmp(role, "ping") == 0) ping(port, peer_port, length, (size_t)number[3]);
    else {
        fprintf(stderr, "there is no role %s\n", role);
        return 2;
    }
    return 0;
}
