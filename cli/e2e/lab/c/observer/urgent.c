/* Urgent data: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI and SIGURG. */
#define _GNU_SOURCE
#include "observer.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Milliseconds in which a window opens, or a closed one is probed, if ever. */
enum { NOTICE = 5000 };

/* Signals that came for the scene's connection. */
static volatile sig_atomic_t signals;

static void count_signal(int number) {
  (void)number;
  signals++;
}

/* Has SIGURG sent for a connection. */
static void ask_for_signals(int s) {
  signals = 0;
  signal(SIGURG, count_signal);
  fcntl(s, F_SETOWN, getpid());
}

/* Whether one comes; it is sent before POLLPRI shows, or long before. */
static void await_signal(const char *when, int patience) {
  for (long limit = milliseconds() + patience; !signals && milliseconds() < limit;) rest(2);
  note(when, "SIGURG %s", signals ? "came" : "did not come");
}

static void look_at_mark(int s, const char *when) {
  note(when, "sockatmark %d", sockatmark(s));
}

static void one_byte(const char *title, int by_client, int in_line) {
  int s = begin(title);
  if (client == by_client) {
    try_write(s, "before", "abc", 0);
    meet();
    try_write(s, "urgent", "!", MSG_OOB);
    meet();
    try_write(s, "after", "def", 0);
  } else {
    set_option(s, SOL_SOCKET, SO_OOBINLINE, in_line);
    ask_for_signals(s);
    await_readable(s, 3);
    look(s, "before");
    try_read(s, "none yet", MSG_OOB);
    meet();
    await_events(s, POLLPRI);
    await_signal("urgent", PATIENCE);
    look(s, "urgent");
    meet();
    await_received(s, 7);
    look(s, "after");
    try_read(s, "urgent, peeked", MSG_OOB | MSG_PEEK);
    try_read(s, "urgent", MSG_OOB);
    try_read(s, "urgent again", MSG_OOB);
    look_at_mark(s, "before");
    try_read(s, "up to the mark", 0);
    look_at_mark(s, "at the mark");
    try_read(s, "behind the mark", 0);
    look_at_mark(s, "behind the mark");
    look(s, "all read");
  }
  finish(s);
}

/* As FTP's ABOR: the urgent byte is the last of a write, and the end follows. */
static void last_byte(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    try_write(s, "command", "ABOR!", MSG_OOB);
    try_shutdown(s, "end", SHUT_WR);
  } else {
    await_events(s, POLLIN | POLLPRI | POLLRDHUP);
    look(s, "come");
    try_read(s, "up to the mark", 0);
    look_at_mark(s, "at the mark");
    try_read(s, "urgent", MSG_OOB);
    try_read(s, "the end", 0);
    look(s, "the end read");
  }
  finish(s);
}

/* TCP has one mark: a second urgent byte takes it, and the first is like any other. */
static void two_bytes(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    try_write(s, "first", "a!", MSG_OOB);
    try_write(s, "second", "b?", MSG_OOB);
  } else {
    await_received(s, 4);
    await_events(s, POLLPRI);
    look(s, "come");
    try_read(s, "urgent", MSG_OOB);
    try_read(s, "up to the mark", 0);
    look_at_mark(s, "at the mark");
    try_read(s, "nothing behind", 0);
  }
  finish(s);
}

/* As telnet's Synch: the receiver, told of urgent data, throws away what is before it. */
static void synch(const char *title, int by_client) {
  enum { FLOOD = 50000 };
  static char bytes[FLOOD];
  int s = begin(title);
  if (client == by_client) {
    memset(bytes, 'x', sizeof bytes);
    if (send(s, bytes, sizeof bytes, 0) != FLOOD) die("send");
    try_write(s, "Synch", "\xff\xf2", MSG_OOB);
    try_write(s, "after", "go on", 0);
  } else {
    set_option(s, SOL_SOCKET, SO_OOBINLINE, 1);
    await_events(s, POLLPRI);
    long thrown = 0;
    while (!sockatmark(s)) {
      ssize_t count = recv(s, bytes, sizeof bytes, 0);
      if (count <= 0) break;
      thrown += count;
    }
    note("thrown away", "%ld bytes", thrown);
    if (recv(s, bytes, 1, MSG_WAITALL) != 1) die("recv");
    note("at the mark", "%d", bytes[0] & 0xff);
    await_readable(s, 5);
    try_read(s, "after", 0);
  }
  finish(s);
}

/* Bytes that no kernel has acknowledged. */
static int unacknowledged(int s) {
  int bytes = 0;
  ioctl(s, SIOCOUTQ, &bytes);
  return bytes;
}

/* Sends until the peer's window is closed: something stays unacknowledged. */
static void close_window(int s) {
  static char block[8192];
  do {
    if (send(s, block, sizeof block, MSG_DONTWAIT) < 0) die("send");
    for (long limit = milliseconds() + NOTICE; unacknowledged(s) && milliseconds() < limit;) rest(1);
  } while (!unacknowledged(s));
}

/* A receiver that does not read is signalled although its window is closed. */
static void behind_window(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    close_window(s);
    try_write(s, "urgent", "!", MSG_OOB);
    meet();
  } else {
    ask_for_signals(s);
    meet();
    await_signal("before a byte is read", NOTICE);
  }
  finish(s);
}

void play_urgent(void) {
  one_byte("urgent byte of the client", 1, 0);
  one_byte("urgent byte of the server", 0, 0);
  one_byte("urgent byte of the client, in line", 1, 1);
  one_byte("urgent byte of the server, in line", 0, 1);
  last_byte("urgent byte last, of the client", 1);
  last_byte("urgent byte last, of the server", 0);
  two_bytes("two urgent bytes of the client", 1);
  two_bytes("two urgent bytes of the server", 0);
  synch("Synch of the client", 1);
  synch("Synch of the server", 0);
  behind_window("urgent byte behind a full window", 1);
}
