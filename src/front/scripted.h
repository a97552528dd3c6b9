/* front/scripted.h: for tests only: a session that does what a test says.
 *
 * It stands in for session.h, so that a door can be tried with every answer a
 * session might give and at every moment. What it hears is kept as text, one
 * line an event, for the test to compare. */
#ifndef FRONT_SCRIPTED_H
#define FRONT_SCRIPTED_H

#include "session/session.h"

enum scripted_act {
	DO_GO_ON, /* of EOM: accept */
	DO_REPLY, /* 550 5.7.1 in two lines */
	DO_ASK, /* TXT example.com, and go on when the answer is there */
	DO_WAIT, /* say nothing until the deadline of 20 ms, then 451 */
	DO_HOLD, /* accept into the hold queue */
	DO_EDIT, /* accept with two deletes and a folded insert */
};

/* At the first event of this kind whose text has `has` in it ("": any). */
struct scripted_rule {
	enum event_kind   on;
	const char       *has;
	enum scripted_act act;
};

/* For all sessions that are made from now on. Empties the log. */
void scripted_begin(uint32_t wants, const struct scripted_rule *, size_t count);
/* Memory is spent: session_new() gives NULL. */
void scripted_spend(bool spent);

/* What was heard, "connect 192.0.2.1 1234 mail.example.org smtp" and so on. */
struct bytes scripted_log(void);
void         scripted_log_keep(bool keep); /* off for many threads; on again by scripted_begin() */
unsigned     scripted_alive(void); /* sessions that are not freed */
void         scripted_end(void);

#endif
