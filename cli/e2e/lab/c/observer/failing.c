/* The ways in which connect() fails. */
#define _GNU_SOURCE
#include "observer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  /* Where there is no answer at all: how long SYNs are sent, in milliseconds. */
  SYN_PATIENCE = 12000,
  FAILED = POLLOUT | POLLERR | POLLHUP,
};

static int impatient_socket(int syns) {
  int s = tcp_socket();
  if (syns > 0) set_option(s, IPPROTO_TCP, TCP_SYNCNT, syns);
  else set_option(s, IPPROTO_TCP, TCP_USER_TIMEOUT, SYN_PATIENCE);
  return s;
}

static const char *time_class(long start) {
  return milliseconds() - start < AT_ONCE ? "at once" : "after a wait";
}

/* `syns`: how many may be sent again; 0 if time decides. */
static void fail_to_connect(const char *title, const char *host, int port, int syns) {
  scene = title;
  int s = impatient_socket(syns);
  long start = milliseconds();
  note("connect", "%s", name_of(try_connect(s, host, port)));
  note("connect comes back", "%s", time_class(start));
  look(s, "afterwards");
  look_at_error(s, "afterwards");
  close(s);
  s = impatient_socket(syns);
  set_blocking(s, 0);
  start = milliseconds();
  note("connect without waiting", "%s", name_of(try_connect(s, host, port)));
  struct pollfd one = {.fd = s, .events = POLLOUT};
  note("poll", "%d", poll(&one, 1, PATIENCE));
  note("poll comes back", "%s", time_class(start));
  await_events(s, FAILED);
  look(s, "polled");
  look_at_error(s, "polled");
  look_at_error(s, "once more");
  close(s);
}

/* Most of these only wait, so they do it side by side. */
static void fail_beside(const char *title, const char *host, int port, int syns) {
  if (fork() != 0) return;
  fail_to_connect(title, host, port, syns);
  _exit(0);
}

void play_failing(int count, char **failures) {
  fail_beside("port that a packet filter drops", address, base + FILTERED, 0);
  fail_beside("port without listener", address, base + REFUSED, 0);
  for (int i = 0; i < count; i++) {
    char *host = strchr(failures[i], '=');
    *host++ = 0;
    fail_beside(failures[i], host, base, 0);
    if (strcmp(failures[i], "no answer") == 0) fail_beside("no answer, two SYNs more", host, base, 2);
  }
  while (wait(NULL) > 0) {}
}
