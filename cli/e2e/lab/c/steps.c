/*
 * One end of one connection that does what it is told, step by step, over the stack that it is linked
 * with (stack.h).
 *
 *   steps [OPTION ...] listen PORT STEP ...
 *   steps [OPTION ...] connect ADDRESS PORT STEP ...
 *
 *   send FILE          sends the file
 *   receive FILE N     writes what arrives into the file: N bytes, or all until the end if N is 0
 *   shutdown           sends nothing more
 *   close              closes, and waits until the goodbye is over
 *   await FILE         waits until the file exists
 *
 * Options are those of the stack.
 *
 * Prints "listening", "up", and a line for each step: "sent N", "received N", "received N end",
 * "shutdown", "closed", "awaited". Where a call fails, its error's name follows: "sent 4096 EPIPE"; the
 * next step is done all the same.
 */
#define _GNU_SOURCE
#include "stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 16384 };

static struct stack_socket *connection;

static void usage(void) {
    fputs("usage: see the head of steps.c\n", stderr);
    exit(2);
}

/* The end of a step's line. */
static void tell_error(int failed) {
    if (failed) printf(" %s\n", strerrorname_np(errno));
    else putchar('\n');
}

static void send_file(const char *name) {
    char buffer[MESSAGE_SIZE];
    unsigned long long sent = 0;
    int failed = 0;
    size_t size;
    FILE *file = fopen(name, "rb");

    if (!file) stack_fail(name);
    while (!failed && (size = fread(buffer, 1, sizeof buffer, file)) > 0) {
        failed = stack_send(connection, buffer, size) < 0;
        if (!failed) sent += size;
    }
    printf("sent %llu", sent);
    tell_error(failed);
    fclose(file);
}

static void receive_file(const char *name, unsigned long long limit) {
    char buffer[MESSAGE_SIZE];
    unsigned long long total = 0;
    ssize_t got = 1;
    FILE *file = fopen(name, "wb");

    if (!file) stack_fail(name);
    while (got > 0 && (limit == 0 || total < limit)) {
        size_t room = limit && limit - total < sizeof buffer ? limit - total : sizeof buffer;

        got = stack_receive(connection, buffer, room);
        if (got <= 0) break;
        if (fwrite(buffer, 1, (size_t)got, file) != (size_t)got) stack_fail("write");
        total += (unsigned long long)got;
    }
    printf("received %llu%s", total, got == 0 ? " end" : "");
    tell_error(got < 0);
    fclose(file);
}

static void await_file(const char *name) {
    while (access(name, F_OK) < 0) usleep(20000);
    puts("awaited");
}

/* Does the step in `words`, and returns how many they are. */
static int do_step(char **words, int count) {
    if (count >= 2 && strcmp(words[0], "send") == 0) {
        send_file(words[1]);
        return 2;
    }
    if (count >= 3 && strcmp(words[0], "receive") == 0) {
        receive_file(words[1], strtoull(words[2], NULL, 10));
        return 3;
    }
    if (count >= 2 && strcmp(words[0], "await") == 0) {
        await_file(words[1]);
        return 2;
    }
    if (strcmp(words[0], "shutdown") == 0) {
        int failed = stack_shutdown(connection) < 0;

        printf("shutdown");
        tell_error(failed);
        return 1;
    }
    if (strcmp(words[0], "close") == 0) {
        stack_close(connection);
        stack_finish();
        puts("closed");
        return 1;
    }
    usage();
    return 0;
}

static int open_connection(char **words, int count) {
    char name[64];

    if (count >= 2 && strcmp(words[0], "listen") == 0) {
        struct stack_socket *listener = stack_listen((uint16_t)atoi(words[1]));

        puts("listening");
        connection = stack_accept(listener, name, sizeof name);
        stack_close(listener);
        return 2;
    }
    if (count >= 3 && strcmp(words[0], "connect") == 0) {
        connection = stack_connect(words[1], (uint16_t)atoi(words[2]));
        if (!connection) stack_fail("connect");
        return 3;
    }
    usage();
    return 0;
}

int main(int argc, char **argv) {
    int at = stack_options(argc, argv);

    if (at < 0) usage();
    at += open_connection(argv + at, argc - at);
    puts("up");
    while (at < argc) at += do_step(argv + at, argc - at);
    return 0;
}
