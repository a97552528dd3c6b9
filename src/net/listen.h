/* net/listen.h: sockets that wait for connections.
 *
 * A listener is the bound socket, opened once and with privileges; an acceptor
 * hands its connections to one loop. Several loops may share a listener. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <sys/types.h>

#include "base/arena.h"
#include "net/endpoint.h"
#include "net/loop.h"

struct listener;
struct acceptor;

/* Of a UNIX socket; it is never open to more than these from the first moment. */
struct listen_rights {
	uid_t  owner; /* (uid_t)-1: leave */
	gid_t  group; /* (gid_t)-1: leave */
	mode_t mode; /* 0: 0660 */
};

/* Bind and listen. If systemd has passed a socket with this address (LISTEN_FDS) it is
 * taken instead. On a UNIX path, a socket on which nobody answers any more is
 * replaced, at one stroke; one on which somebody answers, or a file that is no
 * socket, is left alone. RC_SYNTAX, RC_IO or RC_MEMORY, and a sentence in the arena. */
enum rc listener_open(struct bytes text, const struct listen_rights *, struct arena *, struct listener **listener_out,
                      struct bytes *why_out) MUST_USE;
/* What connects from now on is refused at once. After its acceptors. */
void listener_close(struct listener *);
/* Closes; removes the UNIX path if it is still ours and was not systemd's. After its acceptors. Takes NULL. */
void listener_free(struct listener *);
/* With the real port where 0 was asked. */
const struct endpoint *listener_endpoint(const struct listener *);
int                    listener_fd(const struct listener *);

/* `fd` is non-blocking, close-on-exec and without Nagle's delay; it is the
 * callee's. `peer` is borrowed for the call. fn may hold the acceptor, but not free it. */
struct acceptor *acceptor_new(struct listener *, struct loop *, void (*fn)(void *arg, int fd, const struct endpoint *peer),
                              void *arg) MUST_USE;
/* Out of descriptors or memory it leaves the rest in the queue and tries again a
 * little later by itself. How often that was: */
uint64_t acceptor_pauses(const struct acceptor *);
/* For a front that has enough sessions: connections wait in the queue meanwhile. */
void acceptor_hold(struct acceptor *, bool hold);
void acceptor_free(struct acceptor *); /* takes NULL */

/* Acknowledge what was read at once. Postfix writes to milters in small pieces and
 * leaves Nagle's algorithm on: without this, each waits 40 ms for our delayed
 * acknowledgement. It lasts for one read, so call it after each. Harmless for UNIX sockets. */
void socket_quickack(int fd);

#endif
