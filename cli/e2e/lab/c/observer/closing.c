/* Ends that are no resets: by whom, in which order, with what unread. */
#define _GNU_SOURCE
#include "observer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENDED = POLLIN | POLLRDHUP, BROKEN = POLLIN | POLLRDHUP | POLLERR | POLLHUP };

static void half_close(const char *title, int by_client) {
  int s = begin(title);
  int first = client == by_client;
  if (first) {
    try_write(s, "before", "question", 0);
    try_shutdown(s, "first", SHUT_WR);
    try_write(s, "after its own end", "more", 0);
    await_state(s, TCP_FIN_WAIT2);
  } else {
    await_events(s, ENDED);
    await_readable(s, 8);
  }
  look(s, "one half closed");
  meet();
  if (!first) {
    try_read(s, "the bytes", 0);
    try_read(s, "the end", 0);
    look(s, "the end read");
    try_write(s, "answer", "answer", 0);
  } else {
    await_readable(s, 6);
  }
  look(s, "answered");
  meet();
  if (first) try_read(s, "the answer", 0);
  else try_shutdown(s, "second", SHUT_WR);
  await_state(s, TCP_CLOSE);
  look(s, "both closed");
  try_read(s, "the end again", 0);
  look_at_error(s, "both closed");
  finish(s);
}

/* One side reads no more; what the other sends is taken all the same. */
static void reading_ends(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    try_shutdown(s, "reading", SHUT_RD);
    look(s, "deaf");
    try_read(s, "nothing there", 0);
    meet();
    await_readable(s, 5);
    try_read(s, "sent all the same", 0);
    try_write(s, "answer", "answer", 0);
  } else {
    meet();
    try_write(s, "to the deaf", "bytes", 0);
    await_readable(s, 6);
    try_read(s, "answer", 0);
  }
  finish(s);
}

static void both_close(void) {
  int s = begin("both halves closed at once");
  try_write(s, "last", client ? "from client" : "from server", 0);
  try_shutdown(s, "at once", SHUT_WR);
  await_readable(s, 11);
  await_state(s, TCP_CLOSE);
  look(s, "closed");
  try_read(s, "the bytes", 0);
  try_read(s, "the end", 0);
  finish(s);
}

/* Writes into a connection that the peer has left behind. */
static void outlive(int s) {
  await_readable(s, 7);
  await_events(s, ENDED);
  look(s, "closed by the peer");
  try_write(s, "first write", "x", 0);
  await_events(s, BROKEN);
  look(s, "written to nobody");
  try_write(s, "second write", "x", 0);
  try_read(s, "the bytes", 0);
  try_read(s, "then", 0);
  look_at_error(s, "then");
  look(s, "then");
  close(s);
}

static void peer_closes(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    try_write(s, "last", "goodbye", 0);
    close(s);
  } else {
    outlive(s);
  }
  meet();
}

/* The process that has the connection is killed: its kernel closes it. */
static void peer_crashes(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    try_write(s, "last", "goodbye", 0);
    pid_t victim = fork();
    if (victim == 0) for (;;) pause();
    close(s);
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
  } else {
    outlive(s);
  }
  meet();
}

static void unread(const char *title, int by_client) {
  int s = begin(title);
  if (client == by_client) {
    await_readable(s, 6);
    close(s);
  } else {
    try_write(s, "not to be read", "unread", 0);
    await_events(s, BROKEN);
    look(s, "after the close");
    look_at_error(s, "after the close");
    try_read(s, "after the close", 0);
    close(s);
  }
  meet();
}

void play_closing(void) {
  half_close("client closes its half first", 1);
  half_close("server closes its half first", 0);
  reading_ends("client ends reading", 1);
  reading_ends("server ends reading", 0);
  both_close();
  peer_closes("client closes", 1);
  peer_closes("server closes", 0);
  peer_crashes("client is killed", 1);
  peer_crashes("server is killed", 0);
  unread("client closes with bytes unread", 1);
  unread("server closes with bytes unread", 0);
}
