/* What is written down, and how it is seen: see observer.h. */
#define _GNU_SOURCE
#include "observer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

static void describe_events(unsigned events, char *text) {
  static const struct { unsigned bit; const char *name; } names[] = {
    {POLLIN, "IN "}, {POLLPRI, "PRI "}, {POLLOUT, "OUT "},
    {POLLRDHUP, "RDHUP "}, {POLLERR, "ERR "}, {POLLHUP, "HUP "},
  };
  *text = 0;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (events & names[i].bit) strcat(text, names[i].name);
}

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

void try_read(int s, const char *when, int flags) {
  char bytes[64];
  ssize_t count = recv(s, bytes, sizeof bytes - 1, flags | MSG_DONTWAIT);
  if (count < 0) note(when, "recv %s", name_of(errno));
  else note(when, "recv %zd '%.*s'", count, (int)count, bytes);
}

void try_write(int s, const char *when, const char *text, int flags) {
  ssize_t count = send(s, text, strlen(text), flags | MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0) note(when, "send %s", name_of(errno));
  else note(when, "send %zd", count);
}

void try_shutdown(int s, const char *when, int how) {
  note(when, "shutdown %s", name_of(shutdown(s, how) == 0 ? 0 : errno));
}

void reset(int s) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  note("close() with SO_LINGER 0", "%s", name_of(close(s) == 0 ? 0 : errno));
}

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
    ssize_t count = send(s, bytes + total % 251, left < 65536 ? left : 65536, MSG_NOSIGNAL);
    if (count < 0) break;
    total += count;
  }
  note(when, "sent %ld bytes, %s", total, total < size ? name_of(errno) : "all");
}
