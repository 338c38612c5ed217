/*
 * One end of a measured TCP connection: an application that knows nothing of a shim.
 *
 *   load receive PORT                             takes one connection and all that it sends
 *   load send    ADDRESS PORT MILLISECONDS
 *   load echo    PORT                             sends back what one connection sends
 *   load ping    ADDRESS PORT SIZE COUNT
 *   load accept  PORT                             closes every connection, until its input ends
 *   load connect ADDRESS PORT COUNT               one connection after the other
 *   load storm   ADDRESS PORT MILLISECONDS WIDTH  WIDTH connections at a time
 *   load hold    PORT                             greets every connection, and keeps it
 *   load crowd   ADDRESS PORT COUNT               keeps COUNT connections, prints "open"
 *
 * The last two end when their input does.
 * What waits prints "ready" when it can be reached. Each prints one line of JSON at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Bytes a system call, and how often all of them are compared: enough to notice what is lost,
 * doubled or moved, too little to weigh. */
enum { BLOCK_BYTES = 256 * 1024, EDGE_BYTES = 16, CHECK_EVERY = 61, LARGEST_MESSAGE = 65536 };

/* The stream repeats after a prime number of bytes, so that no block looks like its neighbours. */
enum { PERIOD = 65521 };

enum { BACKLOG = 1024, WIDEST_STORM = 1024 };

static uint8_t pattern[PERIOD + BLOCK_BYTES];
static uint8_t block[BLOCK_BYTES];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* User and system time so far. */
static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fill_pattern(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < PERIOD; i++) {
        state = state * 1664525u + 1013904223u;
        pattern[i] = (uint8_t)(state >> 24);
    }
    for (size_t i = PERIOD; i < sizeof pattern; i++) pattern[i] = pattern[i - PERIOD];
}

/* The end of every report. */
static void print_cpu(double cpu_at_start) {
    printf("\"cpuSeconds\":%.6f}\n", cpu_seconds() - cpu_at_start);
}

static void set_int(int fd, int level, int name, int value) {
    if (setsockopt(fd, level, name, &value, sizeof value) < 0) die("setsockopt");
}

static int new_socket(int flags) {
    int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
    if (fd < 0) die("socket");
    return fd;
}

static struct sockaddr_in address_of(const char *text, uint16_t port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
        fprintf(stderr, "%s is no IPv4 address\n", text);
        exit(2);
    }
    return address;
}

static int listen_on(uint16_t port) {
    int fd = new_socket(0);
    struct sockaddr_in address = address_of("0.0.0.0", port);
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (listen(fd, BACKLOG) < 0) die("listen");
    puts("ready");
    fflush(stdout);
    return fd;
}

static int accept_one(uint16_t port) {
    int listener = listen_on(port);
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    close(listener);
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
}

static int connect_to(const struct sockaddr_in *address) {
    int fd = new_socket(0);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0) die("connect");
    return fd;
}

static void send_all(int fd, const uint8_t *data, size_t length) {
    while (length > 0) {
        ssize_t count = send(fd, data, length, MSG_NOSIGNAL);
        if (count < 0) die("send");
        data += count;
        length -= (size_t)count;
    }
}

static size_t receive_some(int fd, size_t most) {
    ssize_t count = recv(fd, block, most, 0);
    if (count < 0) die("receive");
    return (size_t)count;
}

static int is_as_sent(uint64_t position, size_t length, int whole) {
    const uint8_t *expected = pattern + position % PERIOD;
    size_t edge = length < EDGE_BYTES ? length : EDGE_BYTES;
    return memcmp(block, expected, whole ? length : edge) == 0;
}

static void receive(uint16_t port) {
    int fd = accept_one(port);
    double cpu = cpu_seconds();
    double first = 0, last = 0;
    uint64_t bytes = 0, blocks = 0, faults = 0;
    for (size_t count; (count = receive_some(fd, sizeof block)) > 0;) {
        last = seconds();
        if (bytes == 0) first = last;
        if (!is_as_sent(bytes, count, blocks++ % CHECK_EVERY == 0)) faults++;
        bytes += count;
    }
    close(fd);
    printf("{\"bytes\":%" PRIu64 ",\"faults\":%" PRIu64 ",\"seconds\":%.6f,", bytes, faults,
           last - first);
    print_cpu(cpu);
}

static void send_for(const struct sockaddr_in *address, double duration) {
    int fd = connect_to(address);
    double cpu = cpu_seconds();
    double start = seconds();
    uint64_t bytes = 0;
    for (; seconds() - start < duration; bytes += BLOCK_BYTES)
        send_all(fd, pattern + bytes % PERIOD, BLOCK_BYTES);
    shutdown(fd, SHUT_WR);
    if (receive_some(fd, 1) != 0) die("the receiver says something");
    close(fd);
    printf("{\"bytes\":%" PRIu64 ",\"seconds\":%.6f,", bytes, seconds() - start);
    print_cpu(cpu);
}

static void echo(uint16_t port) {
    int fd = accept_one(port);
    double cpu = cpu_seconds();
    for (size_t count; (count = receive_some(fd, sizeof block)) > 0;) send_all(fd, block, count);
    close(fd);
    putchar('{');
    print_cpu(cpu);
}

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_times(size_t connections, double *times, size_t count, double cpu) {
    qsort(times, count, sizeof *times, by_value);
    printf("{\"connections\":%zu,\"count\":%zu,\"minimum\":%.3f,\"p50\":%.3f,\"p99\":%.3f,"
           "\"maximum\":%.3f,",
           connections, count, times[0], times[(count - 1) / 2], times[(count - 1) * 99 / 100],
           times[count - 1]);
    print_cpu(cpu);
}

static double *room_for_times(size_t count) {
    double *times = count > 0 ? malloc(count * sizeof *times) : NULL;
    if (times == NULL) die("malloc");
    return times;
}

/* What comes before is not counted: a compiler that learns by doing is slow at first. */
static size_t warm_up_of(size_t count) { return (count + 3) / 4; }

static void ping(const struct sockaddr_in *address, size_t length, size_t count) {
    double *times = room_for_times(count);
    int fd = connect_to(address);
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    double cpu = cpu_seconds();
    size_t warm_up = warm_up_of(count);
    for (size_t i = 0; i < warm_up + count; i++) {
        double start = seconds();
        send_all(fd, pattern, length);
        for (size_t got = 0; got < length;) {
            size_t more = receive_some(fd, length - got);
            if (more == 0) die("the echo ends");
            got += more;
        }
        if (i >= warm_up) times[i - warm_up] = (seconds() - start) * 1e6;
    }
    close(fd);
    print_times(1, times, count, cpu);
}

/* The server closes first, so that no port of the client's waits to be used again. */
static void accept_all(uint16_t port) {
    struct pollfd watched[2] = {{listen_on(port), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    double cpu = cpu_seconds();
    while (poll(watched, 2, -1) > 0 && watched[1].revents == 0) {
        int fd = accept(watched[0].fd, NULL, NULL);
        if (fd < 0) die("accept");
        close(fd);
    }
    putchar('{');
    print_cpu(cpu);
}

static void await_end(int fd) {
    if (receive_some(fd, 1) != 0) die("the server says something");
    close(fd);
}

static void connect_often(const struct sockaddr_in *address, size_t count) {
    double *times = room_for_times(count);
    double cpu = cpu_seconds();
    size_t warm_up = warm_up_of(count);
    for (size_t i = 0; i < warm_up + count; i++) {
        double start = seconds();
        int fd = connect_to(address);
        if (i >= warm_up) times[i - warm_up] = (seconds() - start) * 1e6;
        await_end(fd);
    }
    print_times(warm_up + count, times, count, cpu);
}

/* As many descriptors as this process may have. */
static void raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) die("setrlimit");
}

static void hold_all(uint16_t port) {
    raise_limit();
    struct pollfd watched[2] = {{listen_on(port), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    double cpu = cpu_seconds();
    uint64_t connections = 0;
    for (; poll(watched, 2, -1) > 0 && watched[1].revents == 0; connections++) {
        int fd = accept(watched[0].fd, NULL, NULL);
        if (fd < 0) die("accept");
        send_all(fd, pattern, 1);
    }
    printf("{\"connections\":%" PRIu64 ",", connections);
    print_cpu(cpu);
}

static void crowd(const struct sockaddr_in *address, size_t count) {
    raise_limit();
    double cpu = cpu_seconds();
    for (size_t i = 0; i < count; i++) {
        if (receive_some(connect_to(address), 1) != 1) die("no greeting");
    }
    puts("open");
    fflush(stdout);
    if (read(STDIN_FILENO, block, 1) != 0) die("input");
    printf("{\"connections\":%zu,", count);
    print_cpu(cpu);
}

static void start_connection(int epoll, const struct sockaddr_in *address) {
    int fd = new_socket(SOCK_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    if (result < 0 && errno != EINPROGRESS) die("connect");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void storm(const struct sockaddr_in *address, double duration, size_t width) {
    struct epoll_event events[WIDEST_STORM];
    int epoll = epoll_create1(0);
    if (epoll < 0) die("epoll_create1");
    double cpu = cpu_seconds();
    double start = seconds();
    uint64_t connections = 0;
    for (size_t i = 0; i < width; i++) start_connection(epoll, address);
    for (size_t open = width; open > 0;) {
        int ready = epoll_wait(epoll, events, WIDEST_STORM, -1);
        for (int i = 0; i < ready; i++) {
            await_end(events[i].data.fd);
            connections++;
            if (seconds() - start < duration) start_connection(epoll, address);
            else open--;
        }
    }
    printf("{\"connections\":%" PRIu64 ",\"seconds\":%.6f,", connections, seconds() - start);
    print_cpu(cpu);
}

static int is_role(const char *role, const char *name, int argc, int words) {
    return strcmp(role, name) == 0 && argc == words;
}

int main(int argc, char **argv) {
    const char *role = argc > 1 ? argv[1] : "";
    uint64_t number[5] = {0};
    for (int i = 2; i < argc && i < 7; i++) number[i - 2] = strtoull(argv[i], NULL, 10);
    fill_pattern();
    if (argc == 3) {
        uint16_t port = (uint16_t)number[0];
        if (strcmp(role, "receive") == 0) return receive(port), 0;
        if (strcmp(role, "echo") == 0) return echo(port), 0;
        if (strcmp(role, "accept") == 0) return accept_all(port), 0;
        if (strcmp(role, "hold") == 0) return hold_all(port), 0;
    }
    if (argc > 4) {
        struct sockaddr_in address = address_of(argv[2], (uint16_t)number[1]);
        double duration = (double)number[2] / 1000;
        if (is_role(role, "send", argc, 5)) return send_for(&address, duration), 0;
        if (is_role(role, "crowd", argc, 5)) return crowd(&address, number[2]), 0;
        if (is_role(role, "connect", argc, 5)) return connect_often(&address, number[2]), 0;
        if (is_role(role, "ping", argc, 6)) return ping(&address, number[2], number[3]), 0;
        if (is_role(role, "storm", argc, 6)) return storm(&address, duration, number[3]), 0;
    }
    fprintf(stderr, "there is no role %s with these words\n", role);
    return 2;
}
