/* session/stage.h: for tests only: a host and a face that play a conversation,
 * with answers from a zone, at once or later. */
#ifndef SESSION_STAGE_H
#define SESSION_STAGE_H

#include "base/buf.h"
#include "base/zone.h"
#include "policy/settings.h"
#include "session/session.h"

#define ASKED_MAX 64

struct host {
	struct zone *zone;
	bool         later; /* no answer is at hand; they come with stage_answer_all() */
	uint64_t     now;
	struct {
		struct answer *answer;
		uint64_t       ticket;
	} asked[ASKED_MAX];
	size_t asked_count;

	bool            verdict_came;
	int             verdict_kind;
	unsigned        verdict_count;
	struct buf      reply, edits;
	enum action     action;
	enum reason     reason;
	enum override   override;
	bool            told;
	uint32_t        deadline_ms;
	struct keep    *kept; /* with a host that keeps; session_kept() is the test's */
	uint64_t        kept_ticket;
	struct session *session;
};

/* One message of one client. */
struct scene {
	const char *ip; /* "": this host */
	const char *mail_from;
	const char *message; /* header lines with CRLF; NULL: a header of a megabyte */
	const char *login; /* NULL: none */
};

extern const char                stage_zone[]; /* the domains that tests speak of */
extern const struct session_face stage_face;
extern const struct session_host stage_host;

/* NULL and the faults printed when the text does not read. */
struct settings *stage_settings(const char *text);

/* A session of its own, from CONNECT to EOM, then all answers. False when there was no memory for a session. */
bool stage_play(struct host *, const struct scene *, const struct session_env *);
void stage_fields(struct session *, const char *message);
/* Answers come back last asked first, as long as there are any. */
void stage_answer_all(struct host *);
/* What the host holds; not the zone. */
void stage_end(struct host *);

#endif
