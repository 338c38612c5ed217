/* What happens to connections that no server has accepted yet. */
#define _GNU_SOURCE
#include "observer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { ENDED = POLLIN | POLLRDHUP, BROKEN = POLLIN | POLLRDHUP | POLLERR | POLLHUP };

/* A client that has come and gone before the server calls accept(). */
static void gone_before_accept(const char *title, int by_reset) {
  scene = title;
  if (client) {
    int s = tcp_socket();
    note("connect", "%s", name_of(try_connect(s, address, base)));
    try_write(s, "before", "hello", 0);
    if (by_reset) reset(s);
    else close(s);
    meet();
  } else {
    meet();
    int s = accept_within(listener, "accept");
    await_events(s, by_reset ? BROKEN : ENDED);
    look(s, "accepted");
    try_read(s, "first", 0);
    try_read(s, "second", 0);
    close(s);
  }
  meet();
}

/* A connection that waits in the queue of a listener that is closed. */
static void listener_goes(int door) {
  scene = "listener closed before accept";
  int s = tcp_socket();
  if (client) note("connect", "%s", name_of(try_connect(s, address, base + CLOSING)));
  else await_waiting(door, 1);
  meet();
  if (client) {
    await_events(s, BROKEN);
    look(s, "afterwards");
    try_read(s, "afterwards", 0);
  } else {
    close(door);
  }
  close(s);
  meet();
}

/* The queue of this listener holds two; nobody accepts until the client has looked. */
static void full_backlog(int door) {
  enum { QUEUED = 2, CLIENTS = 4 };
  scene = "full backlog";
  int sockets[CLIENTS];
  char title[32];
  for (int i = 0; i < CLIENTS; i++) {
    if (client) {
      sockets[i] = tcp_socket();
      set_blocking(sockets[i], 0);
      note("connect without waiting", "%s", name_of(try_connect(sockets[i], address, base + FULL)));
      if (i < QUEUED) await_events(sockets[i], POLLOUT);
    } else if (i < QUEUED) {
      await_waiting(door, i + 1);
    }
    meet();
  }
  for (int i = 0; client && i < CLIENTS; i++) {
    snprintf(title, sizeof title, "connection %d", i + 1);
    look(sockets[i], title);
  }
  meet();
  for (int i = 0; i < CLIENTS; i++) {
    if (!client) {
      close(accept_within(door, "accept"));
      continue;
    }
    await_events(sockets[i], POLLOUT | POLLRDHUP);
    snprintf(title, sizeof title, "connection %d in the end", i + 1);
    look(sockets[i], title);
  }
  meet();
  for (int i = 0; client && i < CLIENTS; i++) close(sockets[i]);
}

void play_accepting(int full, int closing) {
  gone_before_accept("client closed before accept", 0);
  gone_before_accept("client reset before accept", 1);
  listener_goes(closing);
  full_backlog(full);
}
