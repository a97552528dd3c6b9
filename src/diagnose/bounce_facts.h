/* diagnose/bounce_facts.h: what the sentences about one refusal are filled
 * with. Most answers name few facts: each is looked for when it is asked for. */
#ifndef DIAGNOSE_BOUNCE_FACTS_H
#define DIAGNOSE_BOUNCE_FACTS_H

#include "base/arena.h"
#include "base/bytes.h"

struct bounce_verdict;
struct reading;
struct wordset;

#define FACTS_TEXTS_MAX 4

/* Empty: not known. */
struct bounce_facts {
	struct bytes recipient, rdomain; /* rdomain: its domain */
	struct bytes host; /* that refused */
	struct bytes reporter;

	/* FACTS_SENDER */
	struct bytes sender, sender_domain; /* of the envelope, as far as it is known */
	struct bytes from_domain; /* of the returned From */

	/* FACTS_IP */
	struct bytes ip; /* of the host that was refused */

	/* FACTS_SELECTOR */
	struct bytes selector; /* of the returned DKIM signature */

	/* FACTS_LIST */
	struct bytes list; /* the blocklist named */
	struct bytes list_zone; /* where it is asked in DNS */
	struct bytes delist;

	/* FACTS_GROUPS */
	struct bytes groups; /* that restrict a recipient: " (groups)" */

	/* Where they are found. */
	struct arena         *arena;
	const struct reading *reading;
	const struct wordset *list_words;
	struct bytes          texts[FACTS_TEXTS_MAX]; /* that were held against the rules */
	size_t                text_count;
	unsigned              found; /* parts */
};

/* The parts that are found when one of theirs is asked for, as bits. */
enum { FACTS_SENDER = 1, FACTS_IP = 2, FACTS_SELECTOR = 4, FACTS_LIST = 8, FACTS_GROUPS = 16, FACTS_ALL = 31 };

/* Of a verdict that is complete but for them. NULL when memory is spent. */
struct bounce_facts *bounce_facts_new(struct arena *, const struct reading *, const struct bounce_verdict *, const struct wordset *list_words);
/* Those of these parts are found then, and those of none. Never NULL. */
const struct bounce_facts *bounce_facts_of(const struct bounce_verdict *, unsigned parts);

#endif
