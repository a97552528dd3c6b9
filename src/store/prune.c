/* store/prune.c: see prune.h. Accounts go by shelf, the oldest first, since the shelf
 * leads every key. Freed pages are used again; the file does not shrink, which is
 * why size is counted from rows and not from the file. */
#include "store/prune.h"

#include "base/clock.h"
#include "store/engine.h"
#include "store/shelf.h"

/* So few at a time: each may have to be read from ten places of the disk. */
#define ROWS     10
#define STEP_US  ((uint64_t)3000)
#define LEASE_US     ((int64_t)60000000)
#define SMALL_ROWS    100
#define WRITER_DAYS   30 /* the place of a daemon that is gone */
#define FIRST_DAY     store_day(INT64_MIN / 2)
#define LAST_DAY      store_day(INT64_MAX)

struct oldest {
	struct shelf shelf; /* the oldest */
	struct shelf next; /* the one after it, if any */
	int64_t      total; /* octets */
	bool         any;
};

static bool
see_shelf(void *arg, const struct shelf *shelf)
{
	struct oldest *o = arg;

	*o = (struct oldest){ *shelf, o->shelf, o->total + shelf->octets, true };
	return true;
}

static bool
count_row(void *arg, const union value *v)
{
	(void)v;
	++*(size_t *)arg;
	return true;
}

static enum rc
delete_some(struct store *s, enum statement which, int64_t bound, size_t limit, size_t *count)
{
	union value params[] = { VALUE_INT(bound), VALUE_INT((int64_t)limit) };

	return store_run(s, which, params, count_row, count);
}

static bool
is_enough(const struct prune *p, uint64_t start_us)
{
	return clock_mono_us() - start_us > STEP_US || (p->is_awaited != NULL && p->is_awaited(p->arg));
}

/* Some accounts of a shelf: all of it where it is old, else no more than is too much. */
static enum rc
prune_accounts(struct store *s, const struct prune *p, const struct oldest *o, int64_t surplus, uint64_t start_us, int64_t *gone)
{
	size_t  count;
	enum rc rc;

	do {
		size_t      rows = surplus - *gone < ROWS ? (size_t)(surplus - *gone) : ROWS;
		union value params[] = { VALUE_INT(o->shelf.number), VALUE_INT((int64_t)rows) };
		count = 0;
		rc = store_run(s, SQL_PRUNE_RECIPIENTS, params, NULL, NULL);
		if (rc == RC_OK)
			rc = delete_some(s, SQL_PRUNE_ACCOUNTS, o->shelf.number, rows, &count);
		*gone += (int64_t)count;
	} while (rc == RC_OK && count > 0 && *gone < surplus && !is_enough(p, start_us));
	return rc;
}

/* What else there is when the accounts of a shelf are gone, and the shelf itself. */
static enum rc
prune_rest(struct store *s, const struct oldest *o)
{
	int64_t     day = shelf_day(o->shelf.number);
	union value seen[] = { VALUE_INT(o->shelf.number), VALUE_INT(o->shelf.accounts) };
	bool        day_ends = shelf_day(o->next.number) != day;
	size_t      count = 0;
	/* Recipients of an account that came while its neighbours went; hardly ever any. */
	enum rc     rc = delete_some(s, SQL_PRUNE_LEFT_OVER, o->shelf.number, SMALL_ROWS, &count);

	if (rc == RC_OK && count == 0 && day_ends)
		rc = delete_some(s, SQL_PRUNE_BLAMED, day, SMALL_ROWS, &count);
	return rc == RC_OK && count == 0 ? store_run(s, SQL_PRUNE_SHELF, seen, NULL, NULL) : rc;
}

static enum rc
prune_shelf(struct store *s, struct prune *p, const struct oldest *o, bool old, uint64_t start_us)
{
	int64_t each = o->shelf.accounts > 0 && o->shelf.octets > o->shelf.accounts ? o->shelf.octets / o->shelf.accounts : 1, gone = 0;
	int64_t surplus = old ? INT64_MAX : (o->total - p->rules.keep_octets) / each + 1;
	enum rc rc = prune_accounts(s, p, o, surplus, start_us, &gone);

	if (rc != RC_OK)
		return rc;
	if (gone == 0)
		return prune_rest(s, o);
	struct shelf less = { o->shelf.number, o->shelf.from_us, -gone, -gone * each };
	p->pruned += (uint64_t)gone;
	return shelf_count(s, &less);
}

static const struct small {
	enum statement which;
	bool           by_day; /* its bound is a day, else a time */
	bool           now; /* what has expired, else what the rules no longer keep */
} small[] = {
	{ SQL_PRUNE_GAPS, true, false },
	{ SQL_PRUNE_AUDIT, true, false },
	{ SQL_PRUNE_HELD, false, false },
	{ SQL_PRUNE_TICKETS, false, false },
	{ SQL_PRUNE_SESSIONS, false, true },
};

static enum rc
prune_small(struct store *s, const struct prune *p, int64_t now_us, uint64_t start_us, bool *more)
{
	int64_t     kept_us = p->rules.keep_counts_days > 0 ? now_us - p->rules.keep_counts_days * DAY_US : 0;
	union value day = VALUE_INT(store_day(kept_us));
	size_t      count = 0, writers = 0;
	enum rc     rc = kept_us > 0 ? store_run(s, SQL_PRUNE_HOURLY, &day, count_row, &count) : RC_OK;

	for (size_t i = 0; i < NELEMS(small) && rc == RC_OK && !(count > 0 && is_enough(p, start_us)); i++) {
		int64_t bound = small[i].now ? now_us : kept_us;
		if (bound > 0)
			rc = delete_some(s, small[i].which, small[i].by_day ? store_day(bound) : bound, SMALL_ROWS, &count);
	}
	if (rc == RC_OK)
		rc = delete_some(s, SQL_PRUNE_WRITERS, now_us - WRITER_DAYS * DAY_US, SMALL_ROWS, &writers);
	*more = count > 0;
	return rc;
}

static enum rc
prune_within(struct store *s, struct prune *p, int64_t now_us, uint64_t start_us, bool *more)
{
	struct oldest o = { .any = false };
	bool          ours = p->lease_us > now_us + LEASE_US / 2;
	enum rc       rc = RC_OK;

	if (!ours) {
		rc = store_lease(s, B("prune"), p->holder, now_us + LEASE_US, &ours);
		p->lease_us = rc == RC_OK && ours ? now_us + LEASE_US : 0;
	}
	*more = false;
	if (rc != RC_OK || !ours)
		return rc;
	rc = shelf_list(s, FIRST_DAY, LAST_DAY, see_shelf, &o);
	if (rc != RC_OK)
		return rc;
	bool old = p->rules.keep_days > 0 && shelf_day(o.shelf.number) < store_day(now_us) - p->rules.keep_days;
	bool much = p->rules.keep_octets > 0 && o.total > p->rules.keep_octets;
	if (!o.any || (!old && !much))
		return prune_small(s, p, now_us, start_us, more);
	*more = true;
	return prune_shelf(s, p, &o, old, start_us);
}

enum rc
prune_step(struct store *s, struct prune *p, int64_t now_us, bool *more_out)
{
	uint64_t start = clock_mono_us();
	bool     more = false;
	enum rc  rc = store_begin_lazy(s);

	if (rc == RC_OK)
		rc = prune_within(s, p, now_us, start, &more);
	if (rc == RC_OK)
		rc = store_commit(s);
	if (rc != RC_OK) {
		store_rollback(s);
		p->lease_us = 0;
		return rc;
	}
	uint64_t took = clock_mono_us() - start;
	if (took > p->longest_us)
		p->longest_us = took;
	*more_out = more;
	return RC_OK;
}

void
prune_end(struct store *s, struct prune *p, int64_t now_us)
{
	bool    ours;
	enum rc rc = p->lease_us > now_us ? store_lease(s, B("prune"), p->holder, now_us - 1, &ours) : RC_OK;

	(void)rc; /* else it ends by itself */
	p->lease_us = 0;
}
