/* How the observer sees: its record, its sockets, and how client and server keep step. */
#ifndef OBSERVER_H
#define OBSERVER_H

#include <sys/socket.h>

/* Ports beyond the first: where nobody listens, a full backlog, a listener that goes, one whose packets
 * a filter drops, one that defers, one with signatures, and the meetings. */
enum { REFUSED = 1, FULL = 2, CLOSING = 3, FILTERED = 4, DEFERRED = 5, SIGNED = 6, MEETING = 100 };

/* Milliseconds. Nothing that comes at once takes AT_ONCE on the busiest machine, and what comes after
 * a wait takes longer; what has not come within PATIENCE does not come. */
enum { AT_ONCE = 5000, PATIENCE = 20000 };

/* Whether this is the client; the first of the ports; the server's listener for the scenes. */
extern int client, base, listener;
/* The server's address, and the device of the wire. */
extern const char *address, *device;
/* Title of the scene that is played. */
extern const char *scene;

/* Ends the program with the system's word. */
void die(const char *what);
long milliseconds(void);
void rest(int duration);

/* ---- the record (record.c) ---- */

/* A line: where in the scene, and what was seen there. */
void note(const char *what, const char *form, ...) __attribute__((format(printf, 2, 3)));
/* "0", or the name of an errno. */
const char *name_of(int error);

/* poll(), epoll (level-triggered), FIONREAD and the state of TCP, none of which changes anything. */
void look(int s, const char *when);

/* These change the socket, and write down what came of it; none waits. */
void look_at_error(int s, const char *when);
void try_read(int s, const char *when, int flags);
void try_write(int s, const char *when, const char *text, int flags);
void try_shutdown(int s, const char *when, int how);
/* close() with SO_LINGER 0. */
void reset(int s);

/* All of it. The bytes that are read must be those that send_all() sends. */
void read_all(int s, const char *when);
void send_all(int s, const char *when, long size);

/* ---- sockets (sockets.c) ---- */

/* Addresses are numeric; a description is "host port", in 96 characters. */
socklen_t resolve(const char *host, int port, struct sockaddr_storage *to);
void describe(const struct sockaddr_storage *name, socklen_t length, char *text);
int is_ipv6(void);

/* Of the family of `address`. try_connect() gives the errno, or 0. */
int tcp_socket(void);
int try_connect(int s, const char *host, int port);
int listen_on(int port, int backlog);
void set_blocking(int s, int blocking);
void set_option(int s, int level, int option, int value);
/* A connection, or -1 after PATIENCE. */
int accept_within(int door, const char *when);

/* ---- keeping step (step.c) ---- */

/* The server prints "listening" and waits for the client. */
void open_meeting(void);
/* Both have come to this point: what one did before is done before the other goes on. */
void meet(void);
/* Tells the other side a text and gets its own. */
void exchange(const char *mine, char *theirs);

/* Each waits until something is so. If it never is, the record will show that. */
void await_events(int s, short events);
void await_events_for(int s, short events, int patience);
void await_readable(int s, int bytes);
/* Bytes that have come in all, read or not. */
void await_received(int s, unsigned long bytes);
void await_state(int s, int state);
/* Connections that wait to be accepted. */
void await_waiting(int door, unsigned count);

/* A scene with one connection: its socket on this side, and its end. */
int begin(const char *title);
void finish(int s);

/* ---- the scenes, each file's in its order ---- */

void play_naming(void);
void play_options(int deferred, int signing);
void play_closing(void);
void play_resetting(void);
void play_urgent(void);
void play_moving(void);
void play_accepting(int full, int closing);
/* Connects to ports of the server that fail, and to each FAILURE=ADDRESS. */
void play_failing(int count, char **failures);
/* Connections whose wires are cut once the program has said "connected" and is told to go on. */
void play_silence(void);

#endif
