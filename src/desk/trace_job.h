/* desk/trace_job.h: what the jobs of `trace` share; for them alone. */
#ifndef DESK_TRACE_JOB_H
#define DESK_TRACE_JOB_H

#include "desk/settings_load.h"
#include "store/search.h"

/* The switches of `trace`, as they were given. */
struct trace_own {
	const char *sender, *recipient, *domain, *client, *message_id, *queue_id, *reason, *action, *since, *until, *store;
	int64_t     limit;
	bool        csv;
};

struct trace_job {
	struct cli       cli;
	struct trace_own own;
	struct desk_env  desk;
	struct arena    *arena; /* for the filters */
	struct store    *store;
	struct search    search; /* filters and times; limit as given, 0: none */
	struct buf       out;
};

/* Each ends with what the process ends with. The output is put in pieces. */
int trace_search(struct trace_job *);
int trace_story(struct trace_job *, struct bytes id); /* wants cli and store only */
int trace_follow(struct trace_job *);
int trace_replay(struct trace_job *, struct bytes id); /* empty: all that the filters find */
int trace_import_log(struct trace_job *, const char *path);

/* What was gathered goes to standard output. False when nobody takes it. */
bool trace_put(struct trace_job *);

/* Accounts that the filters find, newest first, each with recipients and, if
 * wanted, story; however many there are, only some are in memory. `fn` may use
 * the store. False from it ends the walk. */
typedef bool trace_fn(void *arg, const struct store_account *);
enum rc trace_each(struct trace_job *, bool whole, trace_fn *, void *arg);

#endif
