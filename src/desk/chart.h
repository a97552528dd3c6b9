/* desk/chart.h: charts as SVG made by the server: no script, printable, and as
 * wide as their place. Beside each stands a table with the same figures. */
#ifndef DESK_CHART_H
#define DESK_CHART_H

#include "base/buf.h"
#include "policy/decision.h"

#define CHART_SERIES 5 /* by enum action, the bottom of a bar first */

struct chart_bar {
	char     title[64]; /* "2026-11-21 03:00" */
	char     tick[16]; /* under the bar; empty: none */
	uint64_t n[CHART_SERIES];
};

/* `series` is a set of bits 1 << enum action: those that are drawn. */
void chart_stacked(struct buf *, const struct chart_bar *, size_t count, unsigned series, const char *label, const char *described_by);

/* A bar of `n` out of `most`, for a cell of a table. Of no meaning to those who do not see it. */
void chart_share(struct buf *, uint64_t n, uint64_t most);

/* The mark of an action: a shape and the word, never colour alone. */
void chart_action(struct buf *, struct bytes action);
void chart_legend(struct buf *, unsigned series);

#endif
