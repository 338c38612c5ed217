/* Addresses and sockets: see observer.h. */
#define _GNU_SOURCE
#include "observer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

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

int is_ipv6(void) {
  return strchr(address, ':') != NULL;
}

int tcp_socket(void) {
  int s = socket(is_ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  if (s < 0) die("socket");
  return s;
}

int try_connect(int s, const char *host, int port) {
  struct sockaddr_storage to;
  socklen_t length = resolve(host, port, &to);
  return connect(s, (struct sockaddr *)&to, length) == 0 ? 0 : errno;
}

int listen_on(int port, int backlog) {
  struct sockaddr_storage at;
  int s = tcp_socket();
  socklen_t length = resolve(address, port, &at);
  set_option(s, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind(s, (struct sockaddr *)&at, length) != 0 || listen(s, backlog) != 0) die("listen");
  return s;
}

void set_blocking(int s, int blocking) {
  int flags = fcntl(s, F_GETFL);
  fcntl(s, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void set_option(int s, int level, int option, int value) {
  if (setsockopt(s, level, option, &value, sizeof value) != 0) die("setsockopt");
}

int accept_within(int door, const char *when) {
  struct pollfd one = {.fd = door, .events = POLLIN};
  if (poll(&one, 1, PATIENCE) != 1) {
    note(when, "nothing to accept");
    return -1;
  }
  return accept(door, NULL, NULL);
}
