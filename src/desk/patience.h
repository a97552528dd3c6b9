/* desk/patience.h: DNS answers for somebody who waits: each question, and all of
 * them together, have their time. */
#ifndef DESK_PATIENCE_H
#define DESK_PATIENCE_H

#include "base/arena.h"
#include "net/resolver.h"

struct patience {
	struct resolver *resolver;
	unsigned         each_ms;
	uint64_t         end_us; /* of clock_mono_us() */
};

struct patience patience_begin(struct resolver *, unsigned each_ms, unsigned all_ms);
/* Held by the arena; NULL: the time is up, or memory is spent. */
const struct answer *patience_answer(const struct patience *, struct arena *, const struct ask *);

#endif
