/* desk/web.h: the web side of the daemon: the desk (API, dashboard, metrics)
 * and the why page, each on a thread of its own.
 *
 * Both read the store by connections of their own; mail never waits for them. */
#ifndef DESK_WEB_H
#define DESK_WEB_H

#include "desk/tally.h"
#include "net/resolver.h"
#include "store/writer.h"

struct web;
struct settings;
struct suffix;

/* What only the daemon knows. */
struct web_figures {
	bool                monitor; /* decisions are recorded, not enacted */
	uint64_t            sessions, sessions_total, turned_away, faults, cut_off;
	bool                stores; /* `writer` counts */
	struct writer_stats writer;
};

struct web_settings {
	const struct settings *settings; /* a reference is taken */
	const char            *store; /* as for store_open() */
	int                    desk_fd, why_fd; /* listening; -1: none */
	int64_t                started; /* epoch */
	const struct tally    *tally;
	struct resolver       *resolver; /* whose figures are shown; may be NULL */
	struct resolver       *live; /* for "check again now": remembers next to nothing; may be NULL */
	const struct suffix   *suffix; /* likewise: the settings do not own it; may be NULL */
	void (*figures)(void *arg, struct web_figures *figures_out); /* from the web threads; may be NULL */
	void *arg;
};

/* What the settings point to is borrowed until web_stop(). RC_IO or RC_MEMORY. */
enum rc web_start(const struct web_settings *, struct web **web_out) MUST_USE;
void    web_stop(struct web *); /* takes NULL */

#endif
