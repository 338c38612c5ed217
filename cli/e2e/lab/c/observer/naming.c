/* Names, and sockets that are bound before they connect. */
#define _GNU_SOURCE
#include "observer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void names(void) {
  int s = begin("names");
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  char local[96], remote[96], theirs[96], host[96];
  getsockname(s, (struct sockaddr *)&name, &length);
  describe(&name, length, local);
  length = sizeof name;
  getpeername(s, (struct sockaddr *)&name, &length);
  describe(&name, length, remote);
  exchange(local, theirs);
  note("getpeername() is the peer's getsockname()", "%s", strcmp(theirs, remote) ? "no" : "yes");
  /* The client's port is the kernel's choice, so only its address is in the record. */
  snprintf(host, sizeof host, "%s", client ? local : remote);
  *strchr(host, ' ') = 0;
  note("the client's address", "%s", host);
  note("the server's name", "%s", client ? remote : local);
  look(s, "connected");
  look_at_error(s, "connected");
  if (client) note("connect() again", "%s", name_of(try_connect(s, address, base)));
  try_read(s, "nothing sent", 0);
  finish(s);
}

/* A port chosen by the client, and a connect() that does not wait. */
static void bound_port(void) {
  scene = "bound port";
  int s;
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  char text[96];
  if (client) {
    s = tcp_socket();
    struct sockaddr_storage any;
    socklen_t size = resolve(is_ipv6() ? "::" : "0.0.0.0", 32000 + base, &any);
    if (bind(s, (struct sockaddr *)&any, size) != 0) die("bind");
    set_blocking(s, 0);
    note("connect without waiting", "%s", name_of(try_connect(s, address, base)));
    await_events(s, POLLOUT);
    getsockname(s, (struct sockaddr *)&name, &length);
  } else {
    s = accept_within(listener, "accept");
    getpeername(s, (struct sockaddr *)&name, &length);
  }
  describe(&name, length, text);
  note("the client's name", "%s", text);
  meet();
  look(s, "connected");
  look_at_error(s, "connected");
  finish(s);
}

/* SO_BINDTODEVICE, SO_MARK: what decides about the way of a connection. */
static void on_its_way(const char *title, int option, const void *value, socklen_t size) {
  scene = title;
  int s;
  if (client) {
    s = tcp_socket();
    int set = setsockopt(s, SOL_SOCKET, option, value, size);
    note("setsockopt", "%s", name_of(set == 0 ? 0 : errno));
    note("connect", "%s", name_of(try_connect(s, address, base)));
    try_write(s, "question", "question", 0);
  } else {
    s = accept_within(listener, "accept");
    await_readable(s, 8);
    try_read(s, "question", 0);
  }
  finish(s);
}

void play_naming(void) {
  int mark = 1;
  names();
  bound_port();
  on_its_way("bound to a device", SO_BINDTODEVICE, device, strlen(device));
  on_its_way("marked by the application", SO_MARK, &mark, sizeof mark);
}
