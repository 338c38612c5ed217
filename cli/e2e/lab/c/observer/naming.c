/* Names, and sockets that are bound before they connect. */
#define _GNU_SOURCE
#include "observer.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
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

/* A connection of a socket of the client's that is special. */
static void with_socket(const char *title, int s) {
  scene = title;
  if (client) {
    note("connect", "%s", name_of(try_connect(s, address, base)));
    try_write(s, "question", "question", 0);
  } else {
    close(s);
    s = accept_within(listener, "accept");
    await_readable(s, 8);
    try_read(s, "question", 0);
  }
  finish(s);
}

/* What decides about the way of a connection's packets. */
static int socket_with(int option, const void *value, socklen_t size) {
  int s = tcp_socket();
  if (setsockopt(s, SOL_SOCKET, option, value, size) != 0) die("setsockopt");
  return s;
}

/* An address of the host on another device than the wire's. */
static socklen_t other_address(struct sockaddr_storage *found) {
  int family = is_ipv6() ? AF_INET6 : AF_INET;
  socklen_t length = is_ipv6() ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  struct ifaddrs *all, *one;
  if (getifaddrs(&all) != 0) die("getifaddrs");
  for (one = all; one != NULL; one = one->ifa_next) {
    const struct sockaddr *at = one->ifa_addr;
    int fits = at != NULL && at->sa_family == family && !(one->ifa_flags & IFF_LOOPBACK) &&
               strcmp(one->ifa_name, device) != 0;
    if (fits && !(is_ipv6() && IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)at)->sin6_addr)))
      memcpy(found, at, length);
  }
  freeifaddrs(all);
  return length;
}

/* A client that has bound the address of another interface is known by it all the same. */
static void bound_address(void) {
  scene = "bound to an address of another interface";
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  char text[96];
  int s = tcp_socket();
  if (client) {
    length = other_address(&name);
    if (bind(s, (struct sockaddr *)&name, length) != 0) die("bind");
    note("connect", "%s", name_of(try_connect(s, address, base)));
  } else {
    close(s);
    s = accept_within(listener, "accept");
    getpeername(s, (struct sockaddr *)&name, &length);
    describe(&name, length, text);
    *strchr(text, ' ') = 0;
    note("the client's address", "%s", text);
  }
  finish(s);
}

/* A kernel without multipath TCP has TCP for it. */
static int multipath_socket(void) {
  int s = socket(is_ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
  return s < 0 ? tcp_socket() : s;
}

void play_naming(void) {
  int mark = 1;
  names();
  bound_port();
  bound_address();
  with_socket("bound to a device", socket_with(SO_BINDTODEVICE, device, strlen(device)));
  with_socket("marked by the application", socket_with(SO_MARK, &mark, sizeof mark));
  with_socket("multipath TCP", multipath_socket());
}
