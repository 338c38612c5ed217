/* How client and server keep step: see observer.h. */
#define _GNU_SOURCE
#include "observer.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds between two looks at what is waited for. */
enum { PACE = 2 };

/* The connection by which client and server meet. */
static int meeting;

long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rest(int duration) {
  poll(NULL, 0, duration);
}

void open_meeting(void) {
  if (client) {
    meeting = tcp_socket();
    if (try_connect(meeting, address, base + MEETING) != 0) die("meeting");
    return;
  }
  int door = listen_on(base + MEETING, 1);
  printf("listening\n");
  fflush(stdout);
  meeting = accept(door, NULL, NULL);
  close(door);
}

void meet(void) {
  char byte = '.';
  if (write(meeting, &byte, 1) != 1 || read(meeting, &byte, 1) != 1) die("meet");
}

void exchange(const char *mine, char *theirs) {
  char line[96] = "";
  memccpy(line, mine, 0, sizeof line);
  if (write(meeting, line, sizeof line) != sizeof line) die("exchange");
  if (recv(meeting, theirs, sizeof line, MSG_WAITALL) != sizeof line) die("exchange");
}

/* ---- waiting ---- */

static struct tcp_info info_of(int s) {
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &length);
  return info;
}

static int has_events(int s, unsigned long events) {
  struct pollfd one = {.fd = s, .events = (short)events};
  poll(&one, 1, 0);
  return (one.revents & events) == events;
}

static int has_readable(int s, unsigned long bytes) {
  int readable = 0;
  ioctl(s, FIONREAD, &readable);
  return (unsigned long)readable >= bytes;
}

static int has_received(int s, unsigned long bytes) {
  return info_of(s).tcpi_bytes_received >= bytes;
}

static int has_state(int s, unsigned long state) {
  return info_of(s).tcpi_state == state;
}

/* For a listener the kernel counts in this field who waits (net/ipv4/tcp.c, tcp_get_info). */
static int has_waiting(int s, unsigned long count) {
  return info_of(s).tcpi_unacked >= count;
}

static void await_for(int patience, int holds(int, unsigned long), int s, unsigned long wanted) {
  for (long limit = milliseconds() + patience; milliseconds() < limit; rest(PACE))
    if (holds(s, wanted)) return;
}

static void await(int holds(int, unsigned long), int s, unsigned long wanted) {
  await_for(PATIENCE, holds, s, wanted);
}

void await_events_for(int s, short events, int patience) {
  await_for(patience, has_events, s, (unsigned short)events);
}

void await_events(int s, short events) { await_events_for(s, events, PATIENCE); }
void await_readable(int s, int bytes) { await(has_readable, s, bytes); }
void await_received(int s, unsigned long bytes) { await(has_received, s, bytes); }
void await_state(int s, int state) { await(has_state, s, state); }
void await_waiting(int door, unsigned count) { await(has_waiting, door, count); }

/* ---- scenes with one connection ---- */

int begin(const char *title) {
  scene = title;
  int s;
  if (client) {
    s = tcp_socket();
    note("connect", "%s", name_of(try_connect(s, address, base)));
  } else {
    s = accept_within(listener, "accept");
  }
  meet();
  return s;
}

void finish(int s) {
  meet();
  close(s);
  meet();
}
