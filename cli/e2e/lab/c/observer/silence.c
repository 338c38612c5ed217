/*
 * Connections over wires that are cut in silence: who notices that the peer's host is gone, and how.
 * The client prints "connected", waits for a line that says that the wires are cut, and looks.
 */
#define _GNU_SOURCE
#include "observer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* Milliseconds in which an idle connection is found out, if ever: the others have been by then. */
enum { IDLE_PATIENCE = 8000 };

enum { CONNECTIONS = 3, BROKEN = POLLIN | POLLRDHUP | POLLERR | POLLHUP };

static void keep_alive(int s) {
  set_option(s, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(s, IPPROTO_TCP, TCP_KEEPIDLE, 1);
  set_option(s, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set_option(s, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static void look_back(int s, const char *title, int patience) {
  scene = title;
  await_events_for(s, BROKEN, patience);
  look(s, "in the end");
  look_at_error(s, "in the end");
  try_read(s, "in the end", 0);
}

static void play_client(void) {
  int sockets[CONNECTIONS];
  scene = "silence";
  for (int i = 0; i < CONNECTIONS; i++) {
    sockets[i] = tcp_socket();
    note("connect", "%s", name_of(try_connect(sockets[i], address, base)));
  }
  keep_alive(sockets[0]);
  set_option(sockets[1], IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
  printf("connected\n");
  fflush(stdout);
  char word;
  if (read(STDIN_FILENO, &word, 1) != 1) die("read");
  try_write(sockets[1], "not acknowledged", "x", 0);
  look_back(sockets[0], "silence with SO_KEEPALIVE", PATIENCE);
  look_back(sockets[1], "silence with TCP_USER_TIMEOUT", PATIENCE);
  look_back(sockets[2], "silence on an idle connection", IDLE_PATIENCE);
}

void play_silence(void) {
  if (client) return play_client();
  listener = listen_on(base, 16);
  printf("listening\n");
  fflush(stdout);
  for (int i = 0; i < CONNECTIONS; i++) accept_within(listener, "accept");
  for (;;) pause();
}
