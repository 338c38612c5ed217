/* Socket options: what each is, whether it can be set, and what it does where that shows. */
#define _GNU_SOURCE
#include "observer.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Options of the type int; each is set to the value, but for those that are only looked at. */
enum { NOT_SET = -1 };
static const struct option {
  const char *name;
  int level, option, value;
} OPTIONS[] = {
  {"SO_MARK", SOL_SOCKET, SO_MARK, NOT_SET},
  {"SO_TYPE", SOL_SOCKET, SO_TYPE, 0},
  {"SO_DOMAIN", SOL_SOCKET, SO_DOMAIN, 0},
  {"SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL, 0},
  {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, 0},
  {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1},
  {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1},
  {"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 3},
  {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 100000},
  {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 100000},
  {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 2},
  {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1},
  {"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE, 1},
  {"SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP, 1},
  {"SO_MAX_PACING_RATE", SOL_SOCKET, SO_MAX_PACING_RATE, 100000000},
  {"SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY, 1},
  {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1},
  {"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1000},
  {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 60},
  {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 5},
  {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3},
  {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 2},
  {"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 30},
  {"TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 5},
  {"TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 50000},
  {"TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 1},
  {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 60000},
  {"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 20000},
  {"TCP_INQ", IPPROTO_TCP, TCP_INQ, 1},
};

static const struct option OPTIONS_4[] = {
  {"IP_MTU", IPPROTO_IP, IP_MTU, NOT_SET},
  {"IP_TOS", IPPROTO_IP, IP_TOS, 0xb8},
  {"IP_TTL", IPPROTO_IP, IP_TTL, 77},
  {"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT},
  {"IP_RECVERR", IPPROTO_IP, IP_RECVERR, 1},
  {"IP_MINTTL", IPPROTO_IP, IP_MINTTL, 1},
};

static const struct option OPTIONS_6[] = {
  {"IPV6_MTU", IPPROTO_IPV6, IPV6_MTU, NOT_SET},
  {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, 0xb8},
  {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 77},
  {"IPV6_MTU_DISCOVER", IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT},
  {"IPV6_RECVERR", IPPROTO_IPV6, IPV6_RECVERR, 1},
  {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, 1},
};

static void describe_option(int s, const struct option *one, char *text, size_t size) {
  int value = -1;
  socklen_t length = sizeof value;
  if (getsockopt(s, one->level, one->option, &value, &length) == 0) snprintf(text, size, "%d", value);
  else snprintf(text, size, "%s", name_of(errno));
}

static void play_each(int s, const struct option *options, size_t count) {
  char before[32], after[32];
  for (const struct option *one = options; one < options + count; one++) {
    describe_option(s, one, before, sizeof before);
    if (one->value == NOT_SET) {
      note(one->name, "%s", before);
      continue;
    }
    int set = setsockopt(s, one->level, one->option, &one->value, sizeof one->value);
    int error = set == 0 ? 0 : errno;
    describe_option(s, one, after, sizeof after);
    note(one->name, "%s, set %s, then %s", before, name_of(error), after);
  }
}

/* Congestion control is a name, and the times are structures. */
static void play_others(int s) {
  struct timeval limit = {.tv_sec = 1};
  struct linger linger = {.l_onoff = 1, .l_linger = 1};
  char name[16] = "";
  socklen_t length = sizeof name;
  note("SO_RCVTIMEO", "set %d", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
  note("SO_SNDTIMEO", "set %d", setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
  note("SO_LINGER", "set %d", setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  note("TCP_CONGESTION", "set %d", setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
  getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &length);
  note("TCP_CONGESTION", "then %s", name);
}

/* The connection goes on with all of them set. */
static void options(void) {
  int s = begin("options");
  if (is_ipv6()) play_each(s, OPTIONS_6, sizeof OPTIONS_6 / sizeof *OPTIONS_6);
  else play_each(s, OPTIONS_4, sizeof OPTIONS_4 / sizeof *OPTIONS_4);
  play_each(s, OPTIONS, sizeof OPTIONS / sizeof *OPTIONS);
  play_others(s);
  meet();
  try_write(s, "with all set", "bytes", 0);
  await_readable(s, 5);
  try_read(s, "with all set", 0);
  finish(s);
}

/* The server is told of a connection once it has something to say. */
static void deferred_accept(int door) {
  scene = "deferred accept";
  int s = -1;
  if (client) {
    s = tcp_socket();
    note("connect", "%s", name_of(try_connect(s, address, base + DEFERRED)));
    meet();
    meet();
    try_write(s, "first word", "hello", 0);
  } else {
    meet();
    struct pollfd one = {.fd = door, .events = POLLIN};
    note("before the first word", "poll %d", poll(&one, 1, 0));
    meet();
    s = accept_within(door, "accept");
    await_readable(s, 5);
    try_read(s, "first word", 0);
  }
  finish(s);
}

/* The first bytes may go with the SYN. */
static void fast_open(void) {
  scene = "fast open";
  int s = -1;
  if (client) {
    struct sockaddr_storage to;
    socklen_t length = resolve(address, base, &to);
    s = tcp_socket();
    ssize_t count = sendto(s, "early", 5, MSG_FASTOPEN, (struct sockaddr *)&to, length);
    note("sendto", "%zd %s", count, name_of(count < 0 ? errno : 0));
  } else {
    s = accept_within(listener, "accept");
    await_readable(s, 5);
    try_read(s, "early", 0);
  }
  finish(s);
}

/* close() waits until the peer's kernel has the bytes, which does not come to be. */
static void linger(void) {
  enum { UNREAD = 300000, SECONDS = 8 };
  static char bytes[UNREAD];
  struct linger wait = {.l_onoff = 1, .l_linger = SECONDS};
  int s = begin("linger");
  if (client) {
    set_option(s, SOL_SOCKET, SO_SNDBUF, UNREAD + UNREAD / 4);
    meet();
    ssize_t count = send(s, bytes, sizeof bytes, MSG_DONTWAIT);
    note("more than the peer's window", "send %zd", count);
    setsockopt(s, SOL_SOCKET, SO_LINGER, &wait, sizeof wait);
    long start = milliseconds();
    note("close", "%s", name_of(close(s) == 0 ? 0 : errno));
    note("close comes back", "%s", milliseconds() - start < AT_ONCE ? "at once" : "after a wait");
    meet();
  } else {
    set_option(s, SOL_SOCKET, SO_RCVBUF, 4096);
    meet();
    meet();
    close(s);
  }
  meet();
}

/* The kernel sends from the application's memory, and says when it has done with it. */
static void zero_copy(void) {
  static char bytes[20000];
  int s = begin("zero copy");
  set_option(s, SOL_SOCKET, SO_ZEROCOPY, 1);
  if (client) {
    note("sending", "send %zd", send(s, bytes, sizeof bytes, MSG_ZEROCOPY));
    await_events(s, POLLERR);
    struct msghdr message = {0};
    note("the kernel's word", "recvmsg %zd", recvmsg(s, &message, MSG_ERRQUEUE));
  } else {
    await_readable(s, sizeof bytes);
    look(s, "come");
  }
  finish(s);
}

/* Each segment is signed with a key that both ends have (RFC 2385). */
static void signed_segments(int door) {
  scene = "signed segments";
  struct tcp_md5sig any = {.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX, .tcpm_keylen = 6};
  int s = client ? tcp_socket() : door;
  any.tcpm_addr.ss_family = is_ipv6() ? AF_INET6 : AF_INET;
  memcpy(any.tcpm_key, "secret", 6);
  int set = setsockopt(s, IPPROTO_TCP, TCP_MD5SIG_EXT, &any, sizeof any);
  note("setsockopt", "%s", name_of(set == 0 ? 0 : errno));
  meet();
  if (client) {
    note("connect", "%s", name_of(try_connect(s, address, base + SIGNED)));
    try_write(s, "signed", "signed", 0);
  } else {
    s = accept_within(door, "accept");
    await_readable(s, 6);
    try_read(s, "signed", 0);
  }
  finish(s);
}

void play_options(int deferred, int signing) {
  options();
  if (!client) set_option(deferred, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
  meet();
  deferred_accept(deferred);
  fast_open();
  zero_copy();
  linger();
  signed_segments(signing);
}
