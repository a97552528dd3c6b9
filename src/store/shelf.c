/* store/shelf.c: see shelf.h. */
#include "store/shelf.h"

#include <stdlib.h>

#include "store/engine.h"

#define DAY_SHELVES ((int64_t)4096)

int64_t
shelf_first(int64_t day)
{
	return day * DAY_SHELVES;
}

int64_t
shelf_last(int64_t day)
{
	return day * DAY_SHELVES + DAY_SHELVES - 1;
}

int64_t
shelf_day(int64_t number)
{
	return number >= 0 ? number / DAY_SHELVES : -((DAY_SHELVES - 1 - number) / DAY_SHELVES);
}

struct listing {
	shelf_fn *fn;
	void     *arg;
};

static bool
give_shelf(void *arg, const union value *v)
{
	struct listing *l = arg;
	struct shelf    shelf = { v[0].number, v[1].number, v[2].number, v[3].number };

	return l->fn(l->arg, &shelf);
}

enum rc
shelf_list(struct store *s, int64_t first_day, int64_t last_day, shelf_fn *fn, void *arg)
{
	struct listing l = { fn, arg };
	union value    range[] = { VALUE_INT(shelf_first(first_day)), VALUE_INT(shelf_last(last_day)) };

	return store_run(s, SQL_SHELF_LIST, range, give_shelf, &l);
}

enum rc
shelf_count(struct store *s, const struct shelf *more)
{
	union value params[] = { VALUE_INT(more->number), VALUE_INT(more->from_us), VALUE_INT(more->accounts), VALUE_INT(more->octets) };

	return store_run(s, SQL_SHELF_COUNT, params, NULL, NULL);
}

/* ---- the shelves of a transaction ---- */

static struct shelf *
add_shelf(struct shelves *l, int64_t number, int64_t from_us)
{
	if (l->count == l->room) {
		size_t want = l->room == 0 ? 16 : l->room * 2;
		void  *wide = arena_grow(l->arena, l->at, l->count, want, sizeof(*l->at));
		if (wide == NULL)
			return NULL;
		l->at = wide;
		l->room = want;
	}
	l->at[l->count] = (struct shelf){ .number = number, .from_us = from_us };
	return &l->at[l->count++];
}

struct loading {
	struct shelves *shelves;
	struct shelf    newest, oldest;
	bool            any, failed;
};

static bool
load_shelf(void *arg, const struct shelf *shelf)
{
	struct loading *l = arg;

	if (!l->any)
		l->newest = *shelf;
	l->oldest = *shelf;
	l->any = true;
	l->failed = add_shelf(l->shelves, shelf->number, shelf->from_us) == NULL;
	return !l->failed;
}

static bool
note_time(void *arg, const union value *v)
{
	*(int64_t *)arg = v[0].number;
	return true;
}

/* The day goes on upon another shelf where the newest is full. */
static enum rc
end_shelf(struct shelves *l, const struct shelf *newest)
{
	union value number = VALUE_INT(newest->number);
	int64_t     last_us = newest->from_us;
	enum rc     rc = store_run(l->store, SQL_SHELF_END, &number, note_time, &last_us);

	if (rc != RC_OK || newest->number == shelf_last(shelf_day(newest->number)) || store_day(last_us + 1) != shelf_day(newest->number))
		return rc;
	return add_shelf(l, newest->number + 1, last_us + 1) != NULL ? RC_OK : RC_MEMORY;
}

static enum rc
load_day(struct shelves *l, int64_t day)
{
	struct loading loading = { .shelves = l };
	int64_t        most = store_shelf_rows(l->store);
	enum rc        rc = most > 0 ? shelf_list(l->store, day, day, load_shelf, &loading) : RC_OK;

	if (rc == RC_OK && loading.any && !loading.failed && loading.newest.accounts >= most)
		rc = end_shelf(l, &loading.newest);
	/* Also where there are others, when the oldest were forgotten. */
	if (rc == RC_OK && (!loading.any || loading.oldest.number != shelf_first(day)))
		loading.failed = add_shelf(l, shelf_first(day), day * DAY_US) == NULL;
	return rc == RC_OK && loading.failed ? RC_MEMORY : rc;
}

/* The youngest of its day that had begun. */
static struct shelf *
find_shelf(struct shelves *l, int64_t at_us)
{
	struct shelf *best = NULL;
	int64_t       day = store_day(at_us);

	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].from_us <= at_us && shelf_day(l->at[i].number) == day && (best == NULL || l->at[i].number > best->number))
			best = &l->at[i];
	return best;
}

enum rc
shelf_take(struct shelves *l, int64_t at_us, int64_t accounts, int64_t octets, int64_t *number_out)
{
	struct shelf *shelf = find_shelf(l, at_us);
	enum rc       rc = shelf == NULL ? load_day(l, store_day(at_us)) : RC_OK;

	if (rc != RC_OK)
		return rc;
	if (shelf == NULL)
		shelf = find_shelf(l, at_us);
	if (shelf == NULL)
		return RC_MEMORY;
	shelf->accounts += accounts;
	shelf->octets += octets;
	*number_out = shelf->number;
	return RC_OK;
}

static int
by_number(const void *x, const void *y)
{
	const struct shelf *a = x, *b = y;

	return a->number < b->number ? -1 : a->number > b->number;
}

/* In one order for all daemons, so that two never wait for each other. */
enum rc
shelves_write(struct shelves *l)
{
	enum rc rc = RC_OK;

	if (l->count > 0)
		qsort(l->at, l->count, sizeof(*l->at), by_number);
	for (size_t i = 0; i < l->count && rc == RC_OK; i++)
		if (l->at[i].accounts != 0)
			rc = shelf_count(l->store, &l->at[i]);
	return rc;
}
