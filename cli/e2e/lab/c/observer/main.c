/*
 * A TCP application that writes down everything it can see of its connections, one JSON object a
 * line, and knows nothing of SCTP.
 *
 *   observer server ADDRESS PORT DEVICE      prints "listening" once the client may start
 *   observer client ADDRESS PORT DEVICE
 *   observer failures ADDRESS PORT DEVICE [FAILURE=ADDRESS ...]
 *   observer silent-server, silent-client ADDRESS PORT DEVICE     see play_silence()
 *
 * Client and server play the same scenes in the same order, and meet between steps by a connection of
 * their own to PORT + 100. Before it looks, each waits for what must have come by then, so that a
 * record depends on nobody's speed. In the record are no times: only whether something came at once or
 * after a wait. "failures" connects to ports of the server that fail, and to each FAILURE, for how it
 * fails.
 */
#define _GNU_SOURCE
#include "observer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds for all of it, on a busy machine. */
enum { ALL = 300 };

int client, base, listener;
const char *address, *device;
const char *scene = "";

void die(const char *what) {
  perror(what);
  exit(1);
}

/* What is sent first comes first on a wire without delay, if one processor sends it all. */
static void stay_on_one_processor(void) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);
}

static void play(void) {
  int full = -1, closing = -1, filtered = -1, deferred = -1, signing = -1;
  if (!client) {
    listener = listen_on(base, 16);
    full = listen_on(base + FULL, 1);
    closing = listen_on(base + CLOSING, 1);
    filtered = listen_on(base + FILTERED, 1);
    deferred = listen_on(base + DEFERRED, 1);
    signing = listen_on(base + SIGNED, 1);
  }
  open_meeting();
  play_naming();
  play_options(deferred, signing);
  play_closing();
  play_resetting();
  play_urgent();
  play_moving();
  play_accepting(full, closing);
  if (!client) close(filtered);
}

int main(int count, char **words) {
  if (count < 5) {
    fprintf(stderr, "usage: observer ROLE ADDRESS PORT DEVICE [FAILURE=ADDRESS ...]\n");
    return 2;
  }
  const char *role = words[1];
  client = strstr(role, "server") == NULL;
  address = words[2];
  base = atoi(words[3]);
  device = words[4];
  alarm(ALL);
  signal(SIGPIPE, SIG_IGN);
  stay_on_one_processor();
  if (strcmp(role, "failures") == 0) play_failing(count - 5, words + 5);
  else if (strncmp(role, "silent-", 7) == 0) play_silence();
  else play();
  return 0;
}
