/* desk/overview.h: what was decided in a period and why, and the same a while before. */
#ifndef DESK_OVERVIEW_H
#define DESK_OVERVIEW_H

#include "desk/chart.h"
#include "store/search.h"

#define OVERVIEW_BARS    32
#define OVERVIEW_REASONS 12
#define OVERVIEW_DOMAINS 10
#define OVERVIEW_WAITING 100
#define OVERVIEW_NAMES   100 /* of a period before, looked through */

struct overview_period {
	const char *word; /* "24h" */
	const char *name; /* "24 hours" */
	const char *before; /* "the same day last week" */
	unsigned    bars, bar_hours, back_days;
};

struct overview_row {
	struct bytes action, name; /* a reason with its action, or a domain */
	uint64_t     n, before;
};

struct overview {
	const struct overview_period *period;
	int64_t                       from_us, to_us; /* to: the end of the hour that is running */
	struct chart_bar              bars[OVERVIEW_BARS];
	int64_t                       bar_us[OVERVIEW_BARS]; /* when it begins */
	size_t                        bar_count;
	uint64_t                      total[CHART_SERIES], before[CHART_SERIES];
	struct overview_row           reasons[OVERVIEW_REASONS], domains[OVERVIEW_DOMAINS];
	size_t                        reason_count, domain_count;
	uint64_t                      missing; /* accounts lost while the store was away */
	uint64_t                      held, tickets; /* that wait for a person now; no more than OVERVIEW_WAITING is counted */
};

extern const struct overview_period overview_periods[];
extern const size_t                 overview_period_count;

/* The period of that word; the first when there is none. */
const struct overview_period *overview_period(struct bytes word);

/* Names lie in the arena. */
enum rc overview_read(struct store *, struct arena *, const struct overview_period *, int64_t now_us,
                      struct overview *overview_out) MUST_USE;

#endif
