/* Bytes on their way: few, many, both ways at once. */
#define _GNU_SOURCE
#include "observer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRANSFER = 3000001 };

/* Nagle's algorithm holds bytes back only until others are acknowledged: all come, with it or not. */
static void small_writes(const char *title, int no_delay) {
  int s = begin(title);
  set_option(s, IPPROTO_TCP, TCP_NODELAY, no_delay);
  try_write(s, "nothing", "", 0);
  meet();
  look(s, "after a write of nothing");
  meet();
  for (int i = 0; i < 20; i++)
    if (send(s, client ? "c" : "s", 1, 0) != 1) die("send");
  await_readable(s, 20);
  look(s, "after single bytes");
  try_read(s, "single bytes, peeked", MSG_PEEK);
  try_read(s, "single bytes", 0);
  try_read(s, "no more", 0);
  finish(s);
}

/* What waits for more is sent when the cork is pulled. */
static void corked(void) {
  int s = begin("cork");
  if (client) {
    set_option(s, IPPROTO_TCP, TCP_CORK, 1);
    try_write(s, "first", "one ", 0);
    try_write(s, "second", "two ", 0);
    set_option(s, IPPROTO_TCP, TCP_CORK, 0);
    try_write(s, "more is coming", "three ", MSG_MORE);
    try_write(s, "no more", "four", 0);
  } else {
    await_readable(s, 18);
    try_read(s, "all", 0);
  }
  finish(s);
}

/* poll() tells of bytes once there are as many as were asked for, or the end. */
static void low_water(void) {
  int s = begin("low water");
  if (client) {
    try_write(s, "too few", "abc", 0);
    meet();
    meet();
    try_write(s, "enough", "def", 0);
  } else {
    set_option(s, SOL_SOCKET, SO_RCVLOWAT, 6);
    meet();
    await_readable(s, 3);
    look(s, "too few");
    meet();
    await_readable(s, 6);
    look(s, "enough");
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

void play_moving(void) {
  small_writes("small writes", 1);
  small_writes("small writes with Nagle's algorithm", 0);
  corked();
  low_water();
  transfer("transfer to the server", 1);
  transfer("transfer to the client", 0);
  crossing_transfers();
}
