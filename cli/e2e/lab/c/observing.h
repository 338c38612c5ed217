/* How the observer sees: its record, its sockets, and how client and server keep step. */
#ifndef OBSERVING_H
#define OBSERVING_H

#include <sys/socket.h>

/* Beyond the port of the scenes: where nobody listens, a full backlog, a listener that goes, one
 * whose packets a filter drops, and the meetings. */
enum { REFUSED = 1, FULL = 2, CLOSING = 3, FILTERED = 4, MEETING = 100 };
/* What is sent has come, and its consequences too, in milliseconds. */
enum { SETTLED = 120, AT_ONCE = 900, PATIENCE = 6500, TRANSFER = 3000001 };

/* Whether this is the client; the first of the ports; the server's listener for the scenes. */
extern int client, base, listener;
/* The server's address. */
extern const char *address;
/* Title of the scene that is played. */
extern const char *scene;

/* Ends the program with the system's word. */
void die(const char *what);

/* A line of the record: where in the scene, and what was seen there. */
void note(const char *what, const char *form, ...);
const char *name_of(int error);

long milliseconds(void);
void rest(int duration);

/* Addresses are numeric; a description is "host port", in 96 characters. */
socklen_t resolve(const char *host, int port, struct sockaddr_storage *to);
void describe(const struct sockaddr_storage *name, socklen_t length, char *text);

/* Of the family of `address`. try_connect() gives the errno, or 0. */
int tcp_socket(void);
int try_connect(int s, const char *host, int port);
int listen_on(int port, int backlog);
void set_blocking(int s, int blocking);

/* The other side has come to this point too: what one looked at is seen before the other goes on. */
void pass(void);

/* The same, and what was under way has arrived. */
void meet(void);

/* Tells the other side a text and gets its own. */
void exchange(const char *mine, char *theirs);

/* The server prints "listening" and waits for the client. */
void open_meeting(void);

/* poll(), epoll (level-triggered), FIONREAD and the state of TCP, none of which changes anything. */
void look(int s, const char *when);

/* These change the socket, and write down what came of it; none waits. */
void look_at_error(int s, const char *when);
void look_at_option(int s, const char *what, int level, int option);
void try_read(int s, const char *when, int flags);
void try_write(int s, const char *when, const char *text, int flags);
void try_shutdown(int s, const char *when, int how);
void reset(int s);

/* All of it. The bytes that are read must be those that send_all() sends. */
void read_all(int s, const char *when);
void send_all(int s, const char *when, long size);

/* A connection, or -1 after PATIENCE. */
int accept_within(int door, const char *when);

/* A scene with one connection: its socket on this side, and its end. */
int begin(const char *title);
void finish(int s);

#endif
