/* store/prune.h: forget what is old or too much, in small steps.
 *
 * Each step is one transaction that looks at the clock every few rows and goes to
 * commit after about 3 ms, or when somebody waits, so that nobody waits long.
 * The commit comes on top; it is lazy (store.h) and waits for no disk. Of several
 * daemons on one store one prunes at a time. */
#ifndef STORE_PRUNE_H
#define STORE_PRUNE_H

#include "store/store.h"

struct prune_rules {
	int64_t keep_days; /* accounts; 0: for ever */
	int64_t keep_octets; /* accounts, as day_list() counts them; 0: as many as there are */
	int64_t keep_counts_days; /* hourly counters, gaps, audit trail, closed tickets, released copies; 0: for ever */
};

struct prune {
	struct prune_rules rules;
	struct bytes       holder; /* who we are among the daemons */
	int64_t            lease_us; /* ours until then */
	bool (*is_awaited)(void *arg); /* somebody waits for a row to be written; may be NULL */
	void              *arg;
	uint64_t           longest_us; /* of all steps */
	uint64_t           pruned; /* accounts */
};

/* One step at the time `now_us`. *more_out: there is more to do at once. */
enum rc prune_step(struct store *, struct prune *, int64_t now_us, bool *more_out) MUST_USE;
/* Let another daemon go on at once. */
void prune_end(struct store *, struct prune *, int64_t now_us);

#endif
