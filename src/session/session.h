/* session/session.h: one SMTP conversation and its transactions.
 *
 * A door (milter, SMTP front, `check`) drives it with events; it asks what it
 * needs through its host, waits, decides, and answers through its face. It has
 * no socket and no clock, so a conversation is a table test. Not for threads:
 * a session belongs to the loop that made it.
 *
 * What outlives RSET is in struct session; what does not is in struct txn, in
 * the arena of the message (session/txn.h). */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "base/ask.h"
#include "mail/event.h"
#include "mail/reply.h"
#include "session/account.h"

struct session;
struct settings;
struct keep;
struct suffix;
struct vault;

/* What is shared by all sessions that began under the same settings. */
struct session_env {
	const struct settings *settings; /* a transaction keeps the snapshot it began with */
	const struct suffix   *suffix; /* may be NULL */
	struct bytes           hostname; /* ours, normal */
	struct vault          *vault; /* for quarantine = store; may be NULL */
};

/* One change to the message, in the order they are to be made. */
struct edit {
	enum { EDIT_INSERT, EDIT_DELETE } kind;
	struct bytes name;
	struct bytes value; /* of an insert: unfolded or folded with CRLF TAB, no leading blank, at the very top */
	unsigned     index; /* of a delete: the how-manieth field of this name, from 1, top first, as they came */
};

/* What is to become of the message, told once for each EV_EOM. */
struct verdict {
	/* HOLD: accept into the MTA's hold queue. DISCARD: the MTA takes it and forgets
	 * it; told only where a synced copy of it is ours. */
	enum { VERDICT_ACCEPT, VERDICT_HOLD, VERDICT_REPLY, VERDICT_DISCARD } kind;
	struct reply       reply; /* of VERDICT_REPLY: 4xx or 5xx for all recipients */
	struct bytes       hold_reason;
	const struct edit *edits; /* of VERDICT_ACCEPT and VERDICT_HOLD */
	size_t             edit_count;
};

/* The door's half: how the session answers. Each event that session_wants()
 * named is answered exactly once, by one of these, perhaps before session_on()
 * returns, perhaps later; the door gives no further event meanwhile, but
 * EV_ABORT and EV_QUIT, after which the answer does not come any more. The values
 * are borrowed for the call. */
struct session_face {
	void (*go_on)(void *door);
	void (*reply)(void *door, const struct reply *); /* to a recipient or an earlier event */
	void (*verdict)(void *door, const struct verdict *); /* to EV_EOM only */
};

/* The host's half: what the session needs from the world. */
struct session_host {
	uint64_t (*now_us)(void *door); /* monotonic */
	int64_t (*epoch)(void *door);
	void (*random)(void *door, uint8_t octets[8]);
	/* The answer if it is at hand, with a reference for the session; else NULL. */
	const struct answer *(*look)(void *door, const struct ask *);
	/* Ask; session_answer() with the same ticket follows, never before this
	 * returns. False: cannot be asked at all (counts as a time-out). */
	bool (*ask)(void *door, const struct ask *, uint64_t ticket);
	/* Call session_deadline() after `ms`, once; 0 takes that back. */
	void (*deadline)(void *door, uint32_t ms);
	/* A transaction has its decision (or was refused, or given up): the story,
	 * for whoever keeps stories. Borrowed for the call. */
	void (*told)(void *door, const struct account *);
	/* Bring the message to the disk, with its rows; session_kept() with the same
	 * ticket follows, never before this returns. The value is the host's from now
	 * on. False: it cannot be kept. NULL: this host keeps nothing and says so to
	 * nobody (`check`). */
	bool (*keep)(void *door, struct keep *, uint64_t ticket);
};

/* The env is borrowed until the session is freed. NULL only when memory is spent. */
struct session *session_new(const struct session_env *, const struct session_face *, const struct session_host *, void *door);
void            session_free(struct session *); /* takes NULL */

/* The events (EV_BIT) that will be answered. All others are only told. EV_EOM always is. */
uint32_t session_wants(const struct session_env *);

void session_on(struct session *, const struct event *);

/* The answer to a question; NULL: there will be none. The reference is the
 * session's from now on. A ticket of a transaction that is over is ignored. */
void session_answer(struct session *, uint64_t ticket, const struct answer *);
/* Whether a message is on the disk. A ticket of a transaction that is over is ignored. */
void session_kept(struct session *, uint64_t ticket, bool ok);
/* The time that `deadline` set is over. */
void session_deadline(struct session *);

/* New settings for transactions that begin from now on. */
void session_env_set(struct session *, const struct session_env *);

/* Is a transaction under way? (A drain waits for it.) */
bool session_busy(const struct session *);

#endif
