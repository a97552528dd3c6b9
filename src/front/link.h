/* front/link.h: a struct milter on a socket and a loop.
 *
 * Reads into a buffer that all links of a thread share, so that a link which has
 * nothing half-read and nothing half-written owns no buffer at all: thousands of
 * SMTP sessions are idle at any moment. Internal to the doors. */
#ifndef FRONT_LINK_H
#define FRONT_LINK_H

#include <stdatomic.h>

#include "front/door.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "session/session.h"

#define LINK_SCRATCH ((size_t)128 << 10)

/* Settings that several links use, and their counted owner. */
struct snapshot {
	atomic_uint               refs;
	const struct session_env *env;
	void (*release)(void *arg);
	void *arg;
};

struct snapshot *snapshot_new(const struct session_env *, void (*release)(void *arg), void *arg) MUST_USE;
struct snapshot *snapshot_ref(struct snapshot *);
void             snapshot_unref(struct snapshot *); /* takes NULL; the last one calls release */

/* What the links of one thread share. Only its own thread touches it, but for
 * the counters, which others may read. */
struct porter {
	struct loop                *loop;
	struct resolver            *resolver; /* may be NULL: every question is a time-out */
	const struct door_settings *settings;
	struct snapshot            *snapshot;
	char                       *scratch; /* LINK_SCRATCH octets */
	struct link                *links;
	bool                        draining;
	void (*on_empty)(struct porter *); /* when draining: the last link has gone */

	_Atomic uint64_t open, opened, messages, faults, cut_off;
	_Atomic uint64_t actions[DOOR_ACTIONS];
};

/* Take over a connected socket, closed with the link, or at once on failure. */
void link_open(struct porter *, int fd);
/* Close those that are idle for settings->quiet_ms; the others after their message and that time. */
void porter_drain(struct porter *);
/* Close all, whatever they are doing. */
void porter_cut(struct porter *);
/* Let links go over to porter->snapshot, now or after their message. */
void porter_renew(struct porter *);

#endif
