/* front/milter.h: one connection of an MTA, as a conversation without a socket.
 *
 * Octets in, events to a session, octets out. Whoever has the socket hands over
 * what was read and writes what is in milter_output(); he also brings the
 * answers and deadlines that the session asked its host for.
 *
 * One connection carries one SMTP session (several with QUIT_NC) and any number
 * of messages. While the session owes an answer, frames wait in the input;
 * only ABORT, QUIT and the end of the connection overtake it. All of the answer
 * to a message, changes and final reply, is added to the output at once.
 *
 * What is hard: macros. The MTA tells TLS, login and queue id beside its
 * commands, and only at some of them; they become EV_TLS, EV_AUTH and the text of EV_EOM. */
#ifndef FRONT_MILTER_H
#define FRONT_MILTER_H

#include "base/buf.h"
#include "session/session.h"

struct milter;

/* The env is borrowed until milter_free() or the next milter_env_set(). The
 * host is called with `door`. NULL when memory is spent. */
struct milter *milter_new(const struct session_env *, const struct session_host *, void *door) MUST_USE;
/* Ends the session, if any. Takes NULL. */
void milter_free(struct milter *);

/* Work off frames from the front of *in. RC_OK: what is left is to be brought
 * again, with more behind it, or after the session has answered (milter_waits).
 * RC_CLOSED: the MTA said good-bye. RC_SYNTAX, RC_LIMIT, RC_MEMORY: hang up;
 * milter_why() says why. */
enum rc milter_on(struct milter *, struct bytes *in) MUST_USE;

/* The session owes an answer. */
bool milter_waits(const struct milter *);
/* In the midst of a message, or before an answer. */
bool milter_busy(const struct milter *);
/* To be written to the MTA, then cleared or freed by the caller. */
struct buf *milter_output(struct milter *);
/* One sentence on the last fault; empty when there was none. */
struct bytes milter_why(const struct milter *);

/* For the session; see session.h. Call milter_on() afterwards if input is left. */
void milter_answer(struct milter *, uint64_t ticket, const struct answer *);
void milter_deadline(struct milter *);
void milter_kept(struct milter *, uint64_t ticket, bool ok);

/* Go over to another env. False, and nothing changed, in the midst of a message
 * and when the MTA was promised answers to other events than the new one gives. */
bool milter_env_set(struct milter *, const struct session_env *);

#endif
