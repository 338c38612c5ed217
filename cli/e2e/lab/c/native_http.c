/*
 * HTTP over SCTP, by programs that know nothing of TCP: a web server and a client, over the stack
 * that they are linked with (stack.h).
 *
 *   native_http [OPTION ...] serve PORT ROOT               serves the files in ROOT, one client after the other
 *   native_http [OPTION ...] fetch ADDRESS PORT PATH FILE  fetches PATH into FILE
 *
 * Options are those of the stack.
 *
 * Each connection takes one request; the end of the association is the end of the answer. The server
 * prints "listening", then a line for each request: the client's address and port, the path, the status.
 * Exit status of `fetch`: 0 for a 200 whose length is the announced one, 3 if there was no
 * association or it broke, 4 for anything else that came.
 */
#include "stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_LOST = 3, EXIT_ANSWER = 4, HEAD_SIZE = 8192, MESSAGE_SIZE = 16384 };

static void usage(void) {
    fputs("usage: see the head of native_http.c\n", stderr);
    exit(2);
}

/*
 * Receives until the empty line behind a head, which is ended by a zero byte; what came behind it stays
 * in the buffer from the returned offset to *filled. 0 if the head never ended.
 */
static size_t receive_head(struct stack_socket *socket, char *buffer, size_t *filled) {
    for (*filled = 0; *filled < HEAD_SIZE;) {
        ssize_t got = stack_receive(socket, buffer + *filled, HEAD_SIZE - *filled);
        char *end;

        if (got <= 0) return 0;
        *filled += (size_t)got;
        buffer[*filled] = 0;
        end = strstr(buffer, "\r\n\r\n");
        if (end) {
            end[2] = 0;
            return (size_t)(end - buffer) + 4;
        }
    }
    return 0;
}

static int send_head(struct stack_socket *socket, const char *status, long length) {
    char head[256];
    int size = snprintf(head, sizeof head,
        "HTTP/1.1 %s\r\nContent-Length: %ld\r\nConnection: close\r\n\r\n", status, length);

    return stack_send(socket, head, (size_t)size);
}

static void send_file(struct stack_socket *socket, FILE *file) {
    char buffer[MESSAGE_SIZE];
    long length;
    size_t size;

    fseek(file, 0, SEEK_END);
    length = ftell(file);
    rewind(file);
    if (send_head(socket, "200 OK", length) < 0) return;
    while ((size = fread(buffer, 1, sizeof buffer, file)) > 0) {
        if (stack_send(socket, buffer, size) < 0) {
            perror("send");
            return;
        }
    }
}

static void answer(struct stack_socket *socket, const char *root, const char *client) {
    char head[HEAD_SIZE + 1], path[512], place[1024];
    size_t filled;
    FILE *file;

    if (receive_head(socket, head, &filled) == 0 || sscanf(head, "GET /%511s HTTP/1.", path) != 1) {
        printf("%s - 400\n", client);
        send_head(socket, "400 Bad Request", 0);
        return;
    }
    snprintf(place, sizeof place, "%s/%s", root, path);
    file = strstr(path, "..") ? NULL : fopen(place, "rb");
    printf("%s /%s %d\n", client, path, file ? 200 : 404);
    if (!file) {
        send_head(socket, "404 Not Found", 0);
        return;
    }
    send_file(socket, file);
    fclose(file);
}

static void serve(uint16_t port, const char *root) {
    struct stack_socket *listener = stack_listen(port);

    puts("listening");
    for (;;) {
        char client[64];
        struct stack_socket *socket = stack_accept(listener, client, sizeof client);

        answer(socket, root, client);
        stack_close(socket);
    }
}

/* Copies the body into the file; its bytes, or -1 if the association broke. */
static long receive_body(struct stack_socket *socket, FILE *file, const char *first, size_t size) {
    char buffer[MESSAGE_SIZE];
    long total = (long)size;
    ssize_t got;

    if (size > 0 && fwrite(first, 1, size, file) != size) stack_fail("write");
    while ((got = stack_receive(socket, buffer, sizeof buffer)) > 0) {
        if (fwrite(buffer, 1, (size_t)got, file) != (size_t)got) stack_fail("write");
        /* A test watches how far it is. */
        fflush(file);
        total += got;
    }
    return got < 0 ? -1 : total;
}

static int fetch(const char *address, uint16_t port, const char *path, const char *output) {
    char head[HEAD_SIZE + 1], request[512];
    const char *announced;
    int status = 0;
    size_t filled, start;
    long total;
    struct stack_socket *socket = stack_connect(address, port);
    FILE *file = fopen(output, "wb");

    if (!file) stack_fail(output);
    if (!socket) {
        perror("connect");
        return EXIT_LOST;
    }
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: native\r\nConnection: close\r\n\r\n", path);
    if (stack_send(socket, request, strlen(request)) < 0) return EXIT_LOST;
    start = receive_head(socket, head, &filled);
    if (start == 0) return EXIT_LOST;
    total = receive_body(socket, file, head + start, filled - start);
    if (total < 0) {
        perror("receive");
        return EXIT_LOST;
    }
    fclose(file);
    stack_close(socket);
    sscanf(head, "HTTP/1.%*d %d", &status);
    announced = strstr(head, "Content-Length: ");
    printf("%d %ld\n", status, total);
    return status == 200 && announced && atol(announced + 16) == total ? 0 : EXIT_ANSWER;
}

int main(int argc, char **argv) {
    int first = stack_options(argc, argv), status = 0;
    char **words = argv + first;

    if (first < 0) usage();
    argc -= first;
    if (argc == 3 && strcmp(words[0], "serve") == 0) serve((uint16_t)atoi(words[1]), words[2]);
    else if (argc == 5 && strcmp(words[0], "fetch") == 0) status = fetch(words[1], (uint16_t)atoi(words[2]), words[3], words[4]);
    else usage();
    stack_finish();
    return status;
}
