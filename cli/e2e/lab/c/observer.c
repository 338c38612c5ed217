/*
 * A TCP application that writes down everything it can see of its connections, one JSON object a
 * line, and knows nothing of SCTP.
 *
 *   observer server ADDRESS PORT      prints "listening" once the client may start
 *   observer client ADDRESS PORT
 *   observer failures ADDRESS PORT [FAILURE=ADDRESS ...]
 *
 * Client and server play the same scenes in the same order, and meet before each look by a
 * connection of their own to PORT + 100, so that a record does not depend on who was faster. In the
 * record are no times: only whether something came at once or after a wait. "failures" connects to
 * ports of the server that fail, and to each FAILURE, for how it fails.
 */
#define _GNU_SOURCE
#include "observing.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- scenes of both ---- */

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
  look_at_option(s, "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY);
  look_at_option(s, "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE);
  look_at_option(s, "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG);
  look_at_option(s, "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF);
  look_at_option(s, "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF);
  look_at_option(s, "SO_MARK", SOL_SOCKET, SO_MARK);
  if (strchr(address, ':')) look_at_option(s, "IPV6_MTU", IPPROTO_IPV6, IPV6_MTU);
  else look_at_option(s, "IP_MTU", IPPROTO_IP, IP_MTU);
  int one = 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  look_at_option(s, "TCP_NODELAY when set", IPPROTO_TCP, TCP_NODELAY);
  setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  look_at_option(s, "SO_KEEPALIVE when set", SOL_SOCKET, SO_KEEPALIVE);
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
    socklen_t size = resolve(strchr(address, ':') ? "::" : "0.0.0.0", 32000 + base, &any);
    if (bind(s, (struct sockaddr *)&any, size) != 0) die("bind");
    set_blocking(s, 0);
    note("connect without waiting", "%s", name_of(try_connect(s, address, base)));
    struct pollfd one = {.fd = s, .events = POLLOUT};
    poll(&one, 1, PATIENCE);
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

static void half_close(const char *title, int by_client) {
  int s = begin(title);
  int first = client == by_client;
  if (first) {
    try_write(s, "before", "question", 0);
    try_shutdown(s, "first", SHUT_WR);
    try_write(s, "after its own end", "more", MSG_NOSIGNAL);
  }
  meet();
  look(s, "one half closed");
  pass();
  if (!first) {
    try_read(s, "the bytes", 0);
    try_read(s, "the end", 0);
    look(s, "the end read");
    try_write(s, "answer", "answer", 0);
  }
  meet();
  look(s, "answered");
  pass();
  if (first) try_read(s, "the answer", 0);
  else try_shutdown(s, "second", SHUT_WR);
  meet();
  look(s, "both closed");
  try_read(s, "the end again", 0);
  look_at_error(s, "both closed");
  finish(s);
}

static void both_close(void) {
  int s = begin("both halves closed at once");
  try_write(s, "last", client ? "from client" : "from server", 0);
  try_shutdown(s, "at once", SHUT_WR);
  meet();
  look(s, "closed");
  try_read(s, "the bytes", 0);
  try_read(s, "the end", 0);
  finish(s);
}

static void peer_closes(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    try_write(s, "last", "goodbye", 0);
    close(s);
    meet();
    meet();
    meet();
    return;
  }
  meet();
  look(s, "closed by the peer");
  try_write(s, "first write", "x", MSG_NOSIGNAL);
  meet();
  look(s, "written to nobody");
  try_write(s, "second write", "x", MSG_NOSIGNAL);
  try_read(s, "the bytes", 0);
  try_read(s, "then", 0);
  look_at_error(s, "then");
  look(s, "then");
  meet();
  close(s);
}

static void unread(const char *title, int by_client) {
  int s = begin(title);
  int closer = client == by_client;
  if (!closer) try_write(s, "not to be read", "unread", 0);
  meet();
  if (closer) close(s);
  meet();
  if (!closer) {
    look(s, "after the close");
    look_at_error(s, "after the close");
    try_read(s, "after the close", 0);
    close(s);
  }
  meet();
}

/* `way`: what the other side does first with the connection that was reset. */
static void reset_idle(const char *title, int by_client, char way) {
  int s = begin(title);
  if (client == by_client) {
    reset(s);
    meet();
    meet();
    return;
  }
  meet();
  look(s, "reset");
  if (way == 'r') try_read(s, "first", 0);
  else if (way == 'w') try_write(s, "first", "x", MSG_NOSIGNAL);
  else look_at_error(s, "first");
  try_read(s, "second", 0);
  try_write(s, "third", "x", MSG_NOSIGNAL);
  look_at_error(s, "fourth");
  look(s, "at the end");
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  note("getpeername", "%s",
       name_of(getpeername(s, (struct sockaddr *)&name, &length) == 0 ? 0 : errno));
  close(s);
  meet();
}

/* Bytes that have come are read in spite of a reset, or are not. */
static void reset_behind_bytes(const char *title, int by_client) {
  int s = begin(title);
  int resetting = client == by_client;
  if (resetting) try_write(s, "before", "before the reset", 0);
  meet();
  if (resetting) reset(s);
  meet();
  if (!resetting) {
    look(s, "reset");
    try_read(s, "first", 0);
    try_read(s, "second", 0);
    close(s);
  }
  meet();
}

/* Bytes that a reset follows at once; many times, because it may be a race. */
static void reset_at_once(const char *title, int by_client) {
  enum { TIMES = 16 };
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  int sockets[TIMES], whole = 0, then_reset = 0;
  scene = title;
  for (int i = 0; i < TIMES; i++) {
    sockets[i] = client ? tcp_socket() : accept_within(listener, "accept");
    if (client && try_connect(sockets[i], address, base) != 0) die("connect");
  }
  meet();
  for (int i = 0; client == by_client && i < TIMES; i++) {
    if (send(sockets[i], "bytes", 5, 0) != 5) die("send");
    setsockopt(sockets[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(sockets[i]);
  }
  meet();
  for (int i = 0; client != by_client && i < TIMES; i++) {
    char bytes[8];
    ssize_t count = recv(sockets[i], bytes, sizeof bytes, MSG_DONTWAIT);
    whole += count == 5;
    if (count > 0) count = recv(sockets[i], bytes, sizeof bytes, MSG_DONTWAIT);
    then_reset += count < 0 && errno == ECONNRESET;
    close(sockets[i]);
  }
  if (client != by_client) {
    note("the bytes are read", "%s", whole == TIMES ? "always" : "not always");
    note("then ECONNRESET", "%s", then_reset == TIMES ? "always" : "not always");
  }
  meet();
}

static void reset_half_closed(const char *title, int by_client) {
  int s = begin(title);
  int resetting = client == by_client;
  if (!resetting) try_shutdown(s, "half", SHUT_WR);
  meet();
  if (resetting) reset(s);
  meet();
  if (!resetting) {
    look(s, "reset");
    look_at_error(s, "reset");
    try_read(s, "then", 0);
    close(s);
  }
  meet();
}

/* The peer never reads: the sender is stopped, and then cut off. */
static void reset_full(const char *title, int by_client) {
  int s = begin(title);
  int resetting = client == by_client;
  static char block[65536];
  if (!resetting) {
    set_blocking(s, 0);
    /* Longer than any round trip: until nothing more is taken. */
    for (int idle = 0; idle < 4; rest(50)) {
      ssize_t count = send(s, block, sizeof block, 0);
      idle = count < 0 ? idle + 1 : 0;
      if (count > 0)
        while (send(s, block, sizeof block, 0) > 0) {}
    }
    look(s, "full");
  }
  meet();
  if (resetting) reset(s);
  meet();
  if (!resetting) {
    look(s, "reset");
    look_at_error(s, "reset");
    try_write(s, "then", "x", MSG_NOSIGNAL);
    close(s);
  }
  meet();
}

static void small_writes(void) {
  int s = begin("small writes");
  int one = 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  try_write(s, "nothing", "", 0);
  meet();
  look(s, "after a write of nothing");
  pass();
  for (int i = 0; i < 20; i++)
    if (send(s, client ? "c" : "s", 1, 0) != 1) note("one byte", "%s", name_of(errno));
  meet();
  look(s, "after single bytes");
  try_read(s, "single bytes, peeked", MSG_PEEK);
  try_read(s, "single bytes", 0);
  try_read(s, "no more", 0);
  finish(s);
}

static void urgent(const char *title, int by_client, int in_line) {
  int s = begin(title);
  if (client == by_client) {
    try_write(s, "before", "abc", 0);
    meet();
    pass();
    try_write(s, "urgent", "!", MSG_OOB);
    meet();
    pass();
    try_write(s, "after", "def", 0);
    meet();
    meet();
  } else {
    setsockopt(s, SOL_SOCKET, SO_OOBINLINE, &in_line, sizeof in_line);
    meet();
    look(s, "before");
    pass();
    meet();
    look(s, "urgent");
    pass();
    meet();
    look(s, "after");
    try_read(s, "urgent", MSG_OOB);
    try_read(s, "up to the mark", 0);
    note("at the mark", "%d", sockatmark(s));
    try_read(s, "behind the mark", 0);
    note("still at the mark", "%d", sockatmark(s));
    meet();
  }
  finish(s);
}

static void transfer(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    send_all(s, "sending", TRANSFER);
    try_shutdown(s, "sent", SHUT_WR);
    read_all(s, "the other way");
  } else {
    read_all(s, "receiving");
    send_all(s, "the other way", TRANSFER / 3);
    try_shutdown(s, "sent", SHUT_WR);
  }
  finish(s);
}

static void crossing_transfers(void) {
  int s = begin("transfers both ways");
  pid_t child = fork();
  if (child == 0) {
    send_all(s, "sending", TRANSFER);
    shutdown(s, SHUT_WR);
    _exit(0);
  }
  read_all(s, "receiving");
  waitpid(child, NULL, 0);
  finish(s);
}

/* A client that has come and gone before the server calls accept(). */
static void gone_before_accept(const char *title, int by_reset) {
  scene = title;
  if (client) {
    int s = tcp_socket();
    note("connect", "%s", name_of(try_connect(s, address, base)));
    try_write(s, "before", "hello", 0);
    meet();
    if (by_reset) reset(s);
    else close(s);
    meet();
    meet();
    return;
  }
  meet();
  meet();
  int s = accept_within(listener, "accept");
  look(s, "accepted");
  try_read(s, "first", 0);
  try_read(s, "second", 0);
  close(s);
  meet();
}

/* ---- the ways to fail ---- */

static void fail_to_connect(const char *title, const char *host, int port) {
  scene = title;
  int s = tcp_socket(), limit = 4500;
  /* Where there is no answer at all: how long SYNs are sent. */
  setsockopt(s, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
  long start = milliseconds();
  int error = try_connect(s, host, port);
  note("connect", "%s", name_of(error));
  note("connect comes back", "%s", milliseconds() - start < AT_ONCE ? "at once" : "after a wait");
  look(s, "afterwards");
  look_at_error(s, "afterwards");
  close(s);
  s = tcp_socket();
  set_blocking(s, 0);
  setsockopt(s, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
  note("connect without waiting", "%s", name_of(try_connect(s, host, port)));
  struct pollfd one = {.fd = s, .events = POLLOUT};
  note("poll", "%d", poll(&one, 1, PATIENCE));
  /* The kernel reports some errors just before the socket is closed by them. */
  rest(SETTLED);
  look(s, "polled");
  look_at_error(s, "polled");
  look_at_error(s, "once more");
  close(s);
}

/* Most of these only wait, so they do it side by side. */
static void fail_beside(const char *title, const char *host, int port) {
  if (fork() != 0) return;
  fail_to_connect(title, host, port);
  _exit(0);
}

/* The queue of this listener holds two; nobody accepts until the client has looked. */
static void full_backlog(int door) {
  scene = "full backlog";
  int sockets[4];
  for (int i = 0; client && i < 4; i++) {
    sockets[i] = tcp_socket();
    set_blocking(sockets[i], 0);
    note("connect without waiting", "%s", name_of(try_connect(sockets[i], address, base + FULL)));
    rest(3 * SETTLED);
  }
  meet();
  char title[32];
  for (int i = 0; client && i < 4; i++) {
    snprintf(title, sizeof title, "connection %d", i + 1);
    look(sockets[i], title);
  }
  meet();
  for (int i = 0; !client && i < 4; i++) close(accept_within(door, "accept"));
  meet();
  for (int i = 0; client && i < 4; i++) close(sockets[i]);
  meet();
}

/* A connection that waits in the queue of a listener that is closed. */
static void listener_goes(int door) {
  scene = "listener closed before accept";
  int s = tcp_socket();
  if (client) note("connect", "%s", name_of(try_connect(s, address, base + CLOSING)));
  meet();
  if (!client) close(door);
  meet();
  if (client) {
    look(s, "afterwards");
    try_read(s, "afterwards", 0);
  }
  close(s);
  meet();
}

static void play(int full, int closing) {
  names();
  bound_port();
  half_close("client closes its half first", 1);
  half_close("server closes its half first", 0);
  both_close();
  peer_closes("client closes", 1);
  peer_closes("server closes", 0);
  unread("client closes with bytes unread", 1);
  unread("server closes with bytes unread", 0);
  reset_idle("client resets, server reads", 1, 'r');
  reset_idle("client resets, server writes", 1, 'w');
  reset_idle("client resets, server asks", 1, 'e');
  reset_idle("server resets, client reads", 0, 'r');
  reset_idle("server resets, client writes", 0, 'w');
  reset_idle("server resets, client asks", 0, 'e');
  reset_behind_bytes("client resets behind bytes that arrived", 1);
  reset_behind_bytes("server resets behind bytes that arrived", 0);
  reset_at_once("client resets at once", 1);
  reset_at_once("server resets at once", 0);
  reset_half_closed("client resets, server has closed its half", 1);
  reset_half_closed("server resets, client has closed its half", 0);
  reset_full("client resets, server is stopped in sending", 1);
  reset_full("server resets, client is stopped in sending", 0);
  small_writes();
  urgent("urgent byte of the client", 1, 0);
  urgent("urgent byte of the server", 0, 0);
  urgent("urgent byte of the client, in line", 1, 1);
  transfer("transfer to the server", 1);
  transfer("transfer to the client", 0);
  crossing_transfers();
  gone_before_accept("client closed before accept", 0);
  gone_before_accept("client reset before accept", 1);
  listener_goes(closing);
  full_backlog(full);
}

int main(int count, char **words) {
  if (count < 4) {
    fprintf(stderr, "usage: observer client|server|failures ADDRESS PORT [FAILURE=ADDRESS ...]\n");
    return 2;
  }
  client = strcmp(words[1], "server") != 0;
  address = words[2];
  base = atoi(words[3]);
  alarm(90);
  signal(SIGPIPE, SIG_IGN);
  int full = -1, closing = -1, filtered = -1;
  if (!client) {
    listener = listen_on(base, 16);
    full = listen_on(base + FULL, 1);
    closing = listen_on(base + CLOSING, 1);
    filtered = listen_on(base + FILTERED, 1);
  }
  if (strcmp(words[1], "failures") == 0) {
    fail_beside("port that a packet filter drops", address, base + FILTERED);
    fail_beside("port without listener", address, base + REFUSED);
    for (int i = 4; i < count; i++) {
      char *host = strchr(words[i], '=');
      *host++ = 0;
      fail_beside(words[i], host, base);
    }
    while (wait(NULL) > 0) {}
    return 0;
  }
  open_meeting();
  play(full, closing);
  close(filtered);
  return 0;
}
