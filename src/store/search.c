/* store/search.c: see search.h.
 *
 * Each filter has an index that begins with the shelf. A search takes the way in
 * that narrows most, by the order of a table, and the other filters are looked at
 * on the rows that come. It asks shelf by shelf, since no index could give the order
 * by time over several without reading all of them. What was accepted has no index
 * of its own: it is most of what stands there by time. */
#include "store/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/map.h"
#include "store/engine.h"
#include "store/shelf.h"

#define HOUR_US ((int64_t)3600 * 1000000)

struct spans { /* shelves, or days */
	struct span {
		int64_t number, from_us;
	} *at;
	size_t count, room;
	bool   by_day, failed;
};

static bool
add_span(void *arg, const struct shelf *shelf)
{
	struct spans *spans = arg;
	struct span   span = { shelf->number, shelf->from_us };

	if (spans->by_day) {
		span.number = shelf_day(shelf->number);
		if (spans->count > 0 && spans->at[spans->count - 1].number == span.number)
			return true;
	}
	if (spans->count == spans->room) {
		size_t       want = spans->room == 0 ? 256 : spans->room * 2;
		struct span *wide = realloc(spans->at, want * sizeof(*wide));
		if (wide == NULL) {
			spans->failed = true;
			return false;
		}
		spans->at = wide;
		spans->room = want;
	}
	spans->at[spans->count++] = span;
	return true;
}

/* Those that are kept, newest first: what lies between is not asked for. */
static enum rc
list_spans(struct store *s, int64_t from_us, int64_t last_us, struct spans *spans)
{
	enum rc rc = shelf_list(s, store_day(from_us), store_day(last_us), add_span, spans);

	return rc == RC_OK && spans->failed ? RC_MEMORY : rc;
}

/* Where the filter stands among the parameters, and how it is kept. Ways in: the
 * first row whose filter is set is taken. */
static const struct filter {
	size_t         member;
	size_t         place;
	enum statement way;
	bool           lower;
} filters[] = {
	{ offsetof(struct search, queue_id), 8, SQL_SEARCH_QUEUE_ID, false },
	{ offsetof(struct search, message_id), 7, SQL_SEARCH_MESSAGE_ID, false },
	{ offsetof(struct search, recipient), 11, SQL_SEARCH_RECIPIENT, true },
	{ offsetof(struct search, sender), 4, SQL_SEARCH_SENDER, true },
	{ offsetof(struct search, client), 6, SQL_SEARCH_CLIENT, false },
	{ offsetof(struct search, domain), 5, SQL_SEARCH_DOMAIN, true },
	{ offsetof(struct search, reason), 9, SQL_SEARCH_REASON, false },
	{ offsetof(struct search, action), 10, SQL_SEARCH_ACTION, false },
};

struct walk {
	account_fn          *fn;
	void                *arg;
	struct search_cursor cursor;
	size_t               rows; /* given */
	size_t               seen; /* of this statement; one recipient twice gives an account twice */
	bool                 stopped;
};

static void
cursor_set(struct search_cursor *cursor, int64_t at_us, struct bytes id)
{
	cursor->at_us = at_us;
	snprintf(cursor->id, sizeof(cursor->id), "%.*s", B_FMT(id));
}

static bool
give_account(void *arg, const union value *columns)
{
	struct walk         *w = arg;
	struct store_account account = { .at_us = 0 };

	store_fill(account_columns, account_column_count, columns, &account);
	w->seen++;
	if (w->rows > 0 && account.at_us == w->cursor.at_us && bytes_eq(account.id, bytes_of(w->cursor.id)))
		return true;
	cursor_set(&w->cursor, account.at_us, account.id);
	w->rows++;
	w->stopped = !w->fn(w->arg, &account);
	return !w->stopped;
}

/* All of one shelf that is wanted; asks again where doubles took places of a page. */
static enum rc
walk_shelf(struct store *s, struct walk *w, enum statement way, union value *params, size_t limit)
{
	enum rc rc = RC_OK;
	size_t  asked;

	do {
		/* A copy: bound text must not change under a statement that runs. */
		struct search_cursor from = w->cursor;
		asked = limit - w->rows;
		w->seen = 0;
		params[1] = VALUE_INT(from.at_us);
		params[2] = VALUE_TEXT(bytes_of(from.id));
		params[12] = VALUE_INT((int64_t)asked);
		rc = store_run(s, way, params, give_account, w);
	} while (rc == RC_OK && !w->stopped && w->seen == asked && w->rows < limit);
	return rc;
}

static enum statement
bind_filters(struct arena *a, const struct search *q, union value *params)
{
	enum statement way = SQL_SEARCH_TIME;

	for (size_t i = NELEMS(filters); i-- > 0;) {
		struct bytes text;
		memcpy(&text, (const char *)q + filters[i].member, sizeof(text));
		params[filters[i].place] = VALUE_TEXT(store_key(a, text, filters[i].lower));
		if (text.len > 0 && (filters[i].way != SQL_SEARCH_ACTION || !bytes_eq(text, B("accept"))))
			way = filters[i].way;
	}
	return way;
}

enum rc
search_run(struct store *s, const struct search *q, account_fn *fn, void *arg, struct search_end *end_out)
{
	union value    params[13] = { VALUE_INT(0) };
	struct spans   shelves = { .at = NULL };
	struct walk    w = { .fn = fn, .arg = arg, .cursor = q->after };
	uint64_t       start = clock_mono_us();
	size_t         limit = q->limit < SEARCH_LIMIT ? q->limit : SEARCH_LIMIT, i = 0;
	int64_t        last = q->to_us > 0 ? q->to_us : INT64_MAX;
	struct arena  *a = arena_new((size_t)1 << 20);
	enum statement way = bind_filters(a, q, params);
	bool           late = false;

	bool fresh = w.cursor.at_us == 0 && w.cursor.id[0] == '\0';
	if (fresh || w.cursor.at_us >= last)
		w.cursor = (struct search_cursor){ .at_us = last };
	params[3] = VALUE_INT(q->from_us);
	enum rc rc = arena_overdrawn(a) ? RC_MEMORY : list_spans(s, q->from_us, w.cursor.at_us, &shelves);
	for (; rc == RC_OK && i < shelves.count && w.rows < limit && !w.stopped && !late; i++) {
		if (shelves.at[i].from_us > w.cursor.at_us)
			continue;
		params[0] = VALUE_INT(shelves.at[i].number);
		rc = walk_shelf(s, &w, way, params, limit);
		late = q->budget_ms > 0 && clock_mono_us() - start > (uint64_t)q->budget_ms * 1000;
		/* A shelf that is read through is behind us, even if it gave nothing. */
		if (late && w.rows < limit && !w.stopped && w.cursor.at_us > shelves.at[i].from_us)
			w.cursor = (struct search_cursor){ .at_us = shelves.at[i].from_us };
	}
	if (rc == RC_OK)
		*end_out = (struct search_end){ w.rows, i == shelves.count && w.rows < limit && !w.stopped, w.cursor };
	free(shelves.at);
	arena_free(a);
	return rc;
}

void
search_cursor_at(struct search_cursor *c, int64_t at_us, struct bytes id)
{
	size_t n = id.len < sizeof(c->id) ? id.len : sizeof(c->id) - 1;

	*c = (struct search_cursor){ .at_us = at_us };
	if (n > 0)
		memcpy(c->id, id.at, n);
}

void
search_cursor_format(const struct search_cursor *cursor, char text[SEARCH_CURSOR_MAX])
{
	snprintf(text, SEARCH_CURSOR_MAX, "%" PRId64 ".%s", cursor->at_us, cursor->id);
}

bool
search_cursor_parse(struct bytes text, struct search_cursor *cursor_out)
{
	struct bytes time;
	uint64_t     at_us;

	if (!bytes_cut(&text, '.', &time) || text.at == NULL || time.len == 0 || !bytes_number(time, INT64_MAX, &at_us) || (text.len > 0 && !id_is(text)))
		return false;
	cursor_set(cursor_out, (int64_t)at_us, text);
	return true;
}

/* ---- counts ---- */

struct counting {
	count_fn *fn;
	void     *arg;
};

static void
hour_range(int64_t from_us, int64_t to_us, union value range[4])
{
	range[0] = VALUE_INT(store_day(from_us));
	range[1] = VALUE_INT(store_day(to_us));
	range[2] = VALUE_INT((from_us + HOUR_US - 1) / HOUR_US);
	range[3] = VALUE_INT(to_us / HOUR_US + (to_us % HOUR_US > 0));
}

static bool
give_hour(void *arg, const union value *v)
{
	struct counting *c = arg;
	struct count     one = { .hour = v[0].number, .action = v[1].text, .reason = v[2].text, .n = v[3].number };

	return c->fn(c->arg, &one);
}

enum rc
count_hours(struct store *s, int64_t from_us, int64_t to_us, count_fn *fn, void *arg)
{
	struct counting c = { fn, arg };
	union value     range[4];

	hour_range(from_us, to_us, range);
	return store_run(s, SQL_HOURLY_LIST, range, give_hour, &c);
}

static bool
give_reason(void *arg, const union value *v)
{
	struct counting *c = arg;
	struct count     one = { .action = v[0].text, .reason = v[1].text, .n = v[2].number };

	return c->fn(c->arg, &one);
}

enum rc
count_reasons(struct store *s, int64_t from_us, int64_t to_us, count_fn *fn, void *arg)
{
	struct counting c = { fn, arg };
	union value     range[4];

	hour_range(from_us, to_us, range);
	return store_run(s, SQL_REASON_LIST, range, give_reason, &c);
}

#define BLAMED_A_DAY 100

struct blamed {
	struct arena *arena;
	struct map    by_name;
	bool          failed;
};

static bool
add_blamed(void *arg, const union value *v)
{
	struct blamed *b = arg;
	struct count  *one = map_get(&b->by_name, v[0].text);

	if (one == NULL) {
		one = arena_take(b->arena, sizeof(*one));
		struct bytes name = arena_copy(b->arena, v[0].text);
		if (one == NULL || arena_overdrawn(b->arena) || map_set(&b->by_name, name, one) != RC_OK) {
			b->failed = true;
			return false;
		}
		one->domain = name;
	}
	one->n += v[1].number;
	return true;
}

static int
most_first(const void *a, const void *b)
{
	const struct count *x = *(const struct count *const *)a, *y = *(const struct count *const *)b;

	return x->n != y->n ? (x->n < y->n ? 1 : -1) : bytes_order(x->domain, y->domain);
}

static enum rc
give_blamed(struct blamed *b, size_t limit, count_fn *fn, void *arg)
{
	struct count         **order = arena_take_array(b->arena, b->by_name.count, sizeof(struct count *));
	const struct map_slot *slot;
	size_t                 count = 0;

	if (order == NULL)
		return RC_MEMORY;
	for (size_t i = 0; (slot = map_next(&b->by_name, &i)) != NULL;)
		order[count++] = slot->value;
	qsort(order, count, sizeof(struct count *), most_first);
	for (size_t i = 0; i < count && i < limit; i++)
		if (!fn(arg, order[i]))
			break;
	return RC_OK;
}

enum rc
count_domains(struct store *s, int64_t from_us, int64_t to_us, size_t limit, count_fn *fn, void *arg)
{
	struct blamed b = { .arena = arena_new((size_t)64 << 20) };
	struct spans  days = { .by_day = true };
	enum rc       rc = list_spans(s, from_us, to_us - 1, &days);

	for (size_t i = 0; i < days.count && rc == RC_OK; i++) {
		union value params[] = { VALUE_INT(days.at[i].number), VALUE_INT(BLAMED_A_DAY) };
		rc = store_run(s, SQL_BLAMED_LIST, params, add_blamed, &b);
	}
	if (rc == RC_OK)
		rc = b.failed ? RC_MEMORY : give_blamed(&b, limit, fn, arg);
	map_free(&b.by_name);
	arena_free(b.arena);
	free(days.at);
	return rc;
}

/* ---- gaps and days ---- */

struct listing {
	gap_fn *gap;
	void   *arg;
	int64_t from_us, to_us;
};

static bool
give_gap(void *arg, const union value *v)
{
	struct listing *l = arg;
	struct gap      gap = { v[0].number, v[1].number, v[2].number, v[3].text };

	if (gap.to_us < l->from_us || gap.from_us >= l->to_us)
		return true;
	return l->gap(l->arg, &gap);
}

/* A gap is kept under the day it began, and may be long. */
#define GAP_DAYS 30

enum rc
gap_list(struct store *s, int64_t from_us, int64_t to_us, gap_fn *fn, void *arg)
{
	struct listing l = { .gap = fn, .arg = arg, .from_us = from_us, .to_us = to_us };
	union value    range[] = { VALUE_INT(store_day(from_us) - GAP_DAYS), VALUE_INT(store_day(to_us)) };

	return store_run(s, SQL_GAP_LIST, range, give_gap, &l);
}

struct adding {
	day_fn         *fn;
	void           *arg;
	struct day_size day; /* its shelves so far */
	bool            any, stopped;
};

static bool
add_to_day(void *arg, const struct shelf *shelf)
{
	struct adding  *l = arg;
	struct day_size one = { shelf_day(shelf->number), shelf->accounts, shelf->octets };

	if (l->any && l->day.day == one.day) {
		l->day.accounts += one.accounts;
		l->day.octets += one.octets;
		return true;
	}
	l->stopped = l->any && !l->fn(l->arg, &l->day);
	l->day = one;
	l->any = true;
	return !l->stopped;
}

enum rc
day_list(struct store *s, int64_t from_us, int64_t to_us, day_fn *fn, void *arg)
{
	struct adding l = { .fn = fn, .arg = arg };
	enum rc       rc = shelf_list(s, store_day(from_us), store_day(to_us), add_to_day, &l);

	if (rc == RC_OK && l.any && !l.stopped)
		fn(arg, &l.day);
	return rc;
}
