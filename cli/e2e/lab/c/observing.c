/* How the observer sees: see observing.h. */
#define _GNU_SOURCE
#include "observing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int client, base, listener;
const char *address;
const char *scene = "";

/* The connection by which client and server meet. */
static int meeting;

void die(const char *what) {
  perror(what);
  exit(1);
}

void note(const char *what, const char *form, ...) {
  va_list arguments;
  printf("{\"what\":\"%s, %s: %s\",\"saw\":\"", client ? "client" : "server", scene, what);
  va_start(arguments, form);
  vprintf(form, arguments);
  va_end(arguments);
  printf("\"}\n");
  fflush(stdout);
}

const char *name_of(int error) {
  return error == 0 ? "0" : strerrorname_np(error);
}

long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rest(int duration) {
  poll(NULL, 0, duration);
}

/* ---- addresses and sockets ---- */

socklen_t resolve(const char *host, int port, struct sockaddr_storage *to) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
  struct addrinfo *found;
  char service[16];
  snprintf(service, sizeof service, "%d", port);
  if (getaddrinfo(host, service, &hints, &found) != 0) die(host);
  socklen_t length = found->ai_addrlen;
  memcpy(to, found->ai_addr, length);
  freeaddrinfo(found);
  return length;
}

void describe(const struct sockaddr_storage *name, socklen_t length, char *text) {
  char host[64], port[16];
  getnameinfo((const struct sockaddr *)name, length, host, sizeof host, port, sizeof port,
              NI_NUMERICHOST | NI_NUMERICSERV);
  snprintf(text, 96, "%s %s", host, port);
}

int tcp_socket(void) {
  return socket(strchr(address, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
}

int try_connect(int s, const char *host, int port) {
  struct sockaddr_storage to;
  socklen_t length = resolve(host, port, &to);
  return connect(s, (struct sockaddr *)&to, length) == 0 ? 0 : errno;
}

int listen_on(int port, int backlog) {
  struct sockaddr_storage at;
  int one = 1, s = tcp_socket();
  socklen_t length = resolve(address, port, &at);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(s, (struct sockaddr *)&at, length) != 0 || listen(s, backlog) != 0) die("listen");
  return s;
}

void set_blocking(int s, int blocking) {
  int flags = fcntl(s, F_GETFL);
  fcntl(s, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* ---- meeting ---- */

/* Both have come to this point: what one looked at is seen before the other goes on. */
void pass(void) {
  char byte = '.';
  if (write(meeting, &byte, 1) != 1 || read(meeting, &byte, 1) != 1) die("meet");
}

/* The same, and what was under way has arrived. */
void meet(void) {
  pass();
  rest(SETTLED);
}

/* Tells the other side a text and gets its own. */
void exchange(const char *mine, char *theirs) {
  char line[96] = "";
  memccpy(line, mine, 0, sizeof line);
  if (write(meeting, line, sizeof line) != sizeof line) die("exchange");
  if (recv(meeting, theirs, sizeof line, MSG_WAITALL) != sizeof line) die("exchange");
}

void open_meeting(void) {
  if (client) {
    meeting = tcp_socket();
    if (try_connect(meeting, address, base + MEETING) != 0) die("meeting");
    return;
  }
  int door = listen_on(base + MEETING, 1);
  printf("listening\n");
  fflush(stdout);
  meeting = accept(door, NULL, NULL);
  close(door);
}

/* ---- what can be seen ---- */

static void describe_events(unsigned events, char *text) {
  static const struct { unsigned bit; const char *name; } names[] = {
    {POLLIN, "IN "}, {POLLPRI, "PRI "}, {POLLOUT, "OUT "},
    {POLLRDHUP, "RDHUP "}, {POLLERR, "ERR "}, {POLLHUP, "HUP "},
  };
  *text = 0;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (events & names[i].bit) strcat(text, names[i].name);
}

/* poll(), epoll (level-triggered), FIONREAD and the state of TCP, none of which changes anything. */
void look(int s, const char *when) {
  char polled[64], epolled[64];
  struct pollfd one = {.fd = s, .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP};
  poll(&one, 1, 0);
  describe_events(one.revents, polled);
  struct epoll_event wanted = {.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP}, came = {0};
  int set = epoll_create1(0), readable = -1;
  epoll_ctl(set, EPOLL_CTL_ADD, s, &wanted);
  epoll_wait(set, &came, 1, 0);
  close(set);
  describe_events(came.events, epolled);
  if (ioctl(s, FIONREAD, &readable) != 0) readable = -errno;
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &length);
  note(when, "poll %sepoll %sreadable %d state %d", polled, epolled, readable, info.tcpi_state);
}

void look_at_error(int s, const char *when) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length);
  note(when, "SO_ERROR %s", name_of(error));
}

void look_at_option(int s, const char *what, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  if (getsockopt(s, level, option, &value, &length) != 0) note(what, "%s", name_of(errno));
  else note(what, "%d", value);
}

void try_read(int s, const char *when, int flags) {
  char bytes[64];
  ssize_t count = recv(s, bytes, sizeof bytes - 1, flags | MSG_DONTWAIT);
  if (count < 0) note(when, "recv %s", name_of(errno));
  else note(when, "recv %zd '%.*s'", count, (int)count, bytes);
}

void try_write(int s, const char *when, const char *text, int flags) {
  ssize_t count = send(s, text, strlen(text), flags | MSG_DONTWAIT);
  if (count < 0) note(when, "send %s", name_of(errno));
  else note(when, "send %zd", count);
}

void try_shutdown(int s, const char *when, int how) {
  note(when, "shutdown %s", name_of(shutdown(s, how) == 0 ? 0 : errno));
}

/* Reads to the end or an error; the bytes are those that send_all() sends. */
void read_all(int s, const char *when) {
  static char bytes[65536];
  struct timeval limit = {.tv_sec = PATIENCE / 1000};
  long total = 0, wrong = 0;
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  for (;;) {
    ssize_t count = recv(s, bytes, sizeof bytes, 0);
    if (count <= 0) {
      note(when, "read %ld bytes, %ld wrong, then %s", total, wrong,
           count == 0 ? "the end" : name_of(errno));
      return;
    }
    for (ssize_t i = 0; i < count; i++) wrong += bytes[i] != (char)((total + i) % 251);
    total += count;
  }
}

void send_all(int s, const char *when, long size) {
  static char bytes[65536 + 251];
  long total = 0;
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i % 251);
  while (total < size) {
    long left = size - total;
    ssize_t count = send(s, bytes + total % 251, left < 65536 ? left : 65536, 0);
    if (count < 0) break;
    total += count;
  }
  note(when, "sent %ld bytes, %s", total, total < size ? name_of(errno) : "all");
}

void reset(int s) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  note("close() with SO_LINGER 0", "%s", name_of(close(s) == 0 ? 0 : errno));
}

int accept_within(int door, const char *when) {
  struct pollfd one = {.fd = door, .events = POLLIN};
  if (poll(&one, 1, PATIENCE) != 1) {
    note(when, "nothing to accept");
    return -1;
  }
  return accept(door, NULL, NULL);
}

/* A connection on this side; the scene begins. */
int begin(const char *title) {
  scene = title;
  int s;
  if (client) {
    s = tcp_socket();
    note("connect", "%s", name_of(try_connect(s, address, base)));
  } else {
    s = accept_within(listener, "accept");
  }
  meet();
  return s;
}

void finish(int s) {
  meet();
  close(s);
  meet();
}
