/* diagnose/explain.h: a report explained: who refused, why, who can mend it,
 * and how.
 *
 * Reads (reading.h), unwraps (peel.h), compares with the rules (rules.h) and
 * fills the answers with the facts of this mail. */
#ifndef DIAGNOSE_EXPLAIN_H
#define DIAGNOSE_EXPLAIN_H

#include "base/buf.h"
#include "diagnose/bounce_facts.h"
#include "diagnose/peel.h"
#include "diagnose/reading.h"
#include "diagnose/rules.h"

struct json; /* base/json.h, which jansson cannot be read beside */

enum reader { FOR_ADMIN, FOR_USER };
enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

enum check_state { CHECK_FAULT, CHECK_FINE, CHECK_UNKNOWN };

struct checked {
	const char      *check; /* "spf" */
	enum check_state state;
	struct bytes     evidence;
};

struct bounce_verdict {
	const struct said       *said;
	struct reply_found       reply;
	const struct rule_row   *rule; /* NULL: none held */
	const struct reason_row *own; /* a reply that a gateway of this kind gave; else NULL */
	const struct answer_row *answer;
	struct bounce_facts     *facts; /* ask bounce_facts_of(); NULL: memory was spent */
	uint32_t                 providers; /* of the host that refused */
	enum bounce_kind         kind; /* of this recipient */
	enum confidence          confidence;
	bool                     permanent, hard;
	enum suppress            suppress; /* what the answer says, unless this report proves less */
	bool                     contradiction; /* fields and text disagree */
	const struct checked    *checked; /* from diagnose/live.h */
	size_t                   checked_count;
};

/* Is it about a mail that we know? Unknown as long as nobody has looked it up. */
enum proven { PROVEN_UNKNOWN, PROVEN_NO, PROVEN_YES };

struct explained {
	struct bytes    file; /* where it came from, for output; may be empty */
	struct reading *reading;
	struct bounce_verdict *list;
	size_t          count;
	enum proven     proven;
	struct bytes    account; /* the id of what is known of that mail; may be empty */
};

/* A whole message, a webhook's JSON, or a text without a header. NULL only when memory is spent. */
struct explained *explain_message(struct arena *, struct rules *, struct bytes text);
/* One reply, or the visible text of a report. */
struct explained *explain_paste(struct arena *, struct rules *, struct bytes text);
/* One reply with its parts known; any may be empty. */
struct explained *explain_reply(struct arena *, struct rules *, struct bytes code, struct bytes enhanced, struct bytes text, struct bytes host);

/* One line of JSON with those parts: { "code", "enhanced", "text", "host" }. NULL when it is none, or memory is spent. */
struct explained *explain_line(struct arena *, struct rules *, struct bytes line);

/* Is it a fact that sentences may name in braces? */
bool advice_knows(struct bytes name);
/* Sentences with the facts of this mail. */
struct bytes advice_cause(struct arena *, const struct bounce_verdict *);
/* The steps, one a line. */
struct bytes advice_steps(struct arena *, const struct bounce_verdict *, enum reader);
struct bytes advice_expect(struct arena *, const struct bounce_verdict *);
/* A text that the reader can forward to the other administrator. */
struct bytes advice_forward(struct arena *, const struct explained *, const struct bounce_verdict *);

/* The document of the CLI contract; `at` is RFC 3339 for checks, may be NULL. */
void explained_json(struct json *, struct arena *, const struct explained *, enum reader, const char *at);
/* For people. */
void explained_text(struct buf *, struct arena *, const struct explained *, enum reader);

const char *confidence_word(enum confidence);
const char *check_state_word(enum check_state);

#endif
