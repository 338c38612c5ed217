/* Resets: SO_LINGER 0, and what the other side sees of it. */
#define _GNU_SOURCE
#include "observer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

enum { BROKEN = POLLIN | POLLRDHUP | POLLERR | POLLHUP };

/* `way`: what the other side does first with the connection that was reset. */
static void reset_idle(const char *title, int by_client, char way) {
  int s = begin(title);
  if (client == by_client) {
    reset(s);
    meet();
    return;
  }
  await_events(s, BROKEN);
  look(s, "reset");
  if (way == 'r') try_read(s, "first", 0);
  else if (way == 'w') try_write(s, "first", "x", 0);
  else look_at_error(s, "first");
  try_read(s, "second", 0);
  try_write(s, "third", "x", 0);
  look_at_error(s, "fourth");
  look(s, "at the end");
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  note("getpeername", "%s",
       name_of(getpeername(s, (struct sockaddr *)&name, &length) == 0 ? 0 : errno));
  close(s);
  meet();
}

/* Bytes that have come are read in spite of a reset: `arrived`, or followed by it at once. */
static void reset_behind_bytes(const char *title, int by_client, int arrived) {
  int s = begin(title);
  int resetting = client == by_client;
  if (resetting) try_write(s, "before", "before the reset", 0);
  else if (arrived) await_readable(s, 16);
  if (arrived) meet();
  if (resetting) {
    reset(s);
  } else {
    await_events(s, BROKEN);
    look(s, "reset");
    try_read(s, "first", 0);
    try_read(s, "second", 0);
    close(s);
  }
  meet();
}

static void reset_half_closed(const char *title, int by_client) {
  int s = begin(title);
  int resetting = client == by_client;
  if (resetting) {
    await_events(s, POLLRDHUP);
  } else {
    try_shutdown(s, "half", SHUT_WR);
    await_state(s, TCP_FIN_WAIT2);
  }
  meet();
  if (resetting) {
    reset(s);
  } else {
    await_events(s, BROKEN);
    look(s, "reset");
    look_at_error(s, "reset");
    try_read(s, "then", 0);
    close(s);
  }
  meet();
}

/* Sends until nothing more is taken, and nothing is wanted for longer than any round trip. */
static void fill(int s) {
  enum { ROUND_TRIP = 2000 };
  static char block[65536];
  struct pollfd one = {.fd = s, .events = POLLOUT};
  set_blocking(s, 0);
  do
    while (send(s, block, sizeof block, MSG_NOSIGNAL) > 0) {}
  while (poll(&one, 1, ROUND_TRIP) == 1);
}

/* The peer never reads: the sender is stopped, and then cut off. */
static void reset_full(const char *title, int by_client) {
  int s = begin(title);
  int resetting = client == by_client;
  if (!resetting) {
    fill(s);
    look(s, "full");
  }
  meet();
  if (resetting) {
    reset(s);
  } else {
    await_events(s, BROKEN);
    look(s, "reset");
    look_at_error(s, "reset");
    try_write(s, "then", "x", 0);
    close(s);
  }
  meet();
}

void play_resetting(void) {
  reset_idle("client resets, server reads", 1, 'r');
  reset_idle("client resets, server writes", 1, 'w');
  reset_idle("client resets, server asks", 1, 'e');
  reset_idle("server resets, client reads", 0, 'r');
  reset_idle("server resets, client writes", 0, 'w');
  reset_idle("server resets, client asks", 0, 'e');
  reset_behind_bytes("client resets behind bytes that arrived", 1, 1);
  reset_behind_bytes("server resets behind bytes that arrived", 0, 1);
  reset_behind_bytes("client resets at once behind bytes", 1, 0);
  reset_behind_bytes("server resets at once behind bytes", 0, 0);
  reset_half_closed("client resets, server has closed its half", 1);
  reset_half_closed("server resets, client has closed its half", 0);
  reset_full("client resets, server is stopped in sending", 1);
  reset_full("server resets, client is stopped in sending", 0);
}
