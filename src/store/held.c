/* store/held.c: see held.h. */
#include "store/held.h"

#include "store/engine.h"

#define H(kind, member) COLUMN(kind, store_held, member)
static const struct column held_columns[] = {
	H('k', id), H('i', at_us), H('t', vault), H('t', path), H('t', sender), H('t', recipients), H('t', header_from), H('t', subject), H('t', reason),
	H('i', size), H('k', state), H('i', expires_us), H('i', changed_us), H('t', changed_by), H('i', told_us)
};

#define T(kind, member) COLUMN(kind, store_ticket, member)
static const struct column ticket_columns[] = { T('k', id),   T('i', at_us), T('k', account),    T('t', contact),
	                                        T('t', note), T('k', state), T('i', changed_us), T('t', changed_by) };

/* ---- quarantine ---- */

enum rc
held_add(struct store *s, const struct store_held *held)
{
	union value day = VALUE_INT(store_day(held->at_us));

	return store_run_row(s, SQL_HELD_ADD, &day, 1, held_columns, NELEMS(held_columns), held);
}

struct held_found {
	struct arena     *arena;
	struct store_held held;
	bool              any;
};

static bool
find_held(void *arg, const union value *values)
{
	struct held_found *found = arg;

	store_fill(held_columns, NELEMS(held_columns), values, &found->held);
	store_own(found->arena, held_columns, NELEMS(held_columns), &found->held);
	found->any = true;
	return false;
}

enum rc
held_get(struct store *s, struct arena *a, struct bytes id, struct store_held *held_out)
{
	struct held_found found = { .arena = a };
	union value       key = VALUE_TEXT(store_key(a, id, false));
	enum rc           rc = store_run(s, SQL_HELD_GET, &key, find_held, &found);

	if (rc != RC_OK)
		return rc;
	if (!found.any)
		return RC_LIMIT;
	if (arena_overdrawn(a))
		return RC_MEMORY;
	*held_out = found.held;
	return RC_OK;
}

struct giving {
	held_fn   *held;
	ticket_fn *ticket;
	void      *arg;
};

static bool
give_held(void *arg, const union value *values)
{
	struct giving    *g = arg;
	struct store_held held;

	store_fill(held_columns, NELEMS(held_columns), values, &held);
	return g->held(g->arg, &held);
}

static int64_t
from_newest(int64_t before_us)
{
	return before_us > 0 ? before_us : INT64_MAX;
}

enum rc
held_list(struct store *s, struct bytes state, int64_t before_us, struct bytes before_id, size_t limit, held_fn *fn, void *arg)
{
	struct giving g = { .held = fn, .arg = arg };
	union value   params[] = { VALUE_TEXT(state), VALUE_INT(from_newest(before_us)), VALUE_TEXT(before_id), VALUE_INT((int64_t)limit) };

	return store_run(s, SQL_HELD_LIST, params, give_held, &g);
}

enum rc
held_due(struct store *s, struct bytes vault, int64_t now_us, int64_t abandoned_us, size_t limit, held_fn *fn, void *arg)
{
	struct giving g = { .held = fn, .arg = arg };
	union value   params[] = { VALUE_INT(now_us), VALUE_TEXT(vault), VALUE_INT(abandoned_us), VALUE_INT((int64_t)limit) };

	return store_run(s, SQL_HELD_DUE, params, give_held, &g);
}

enum rc
held_adopt(struct store *s, struct bytes id, struct bytes vault)
{
	union value params[] = { VALUE_TEXT(id), VALUE_TEXT(vault) };

	return store_run(s, SQL_HELD_ADOPT, params, NULL, NULL);
}

static bool
note_any(void *arg, const union value *values)
{
	(void)values;
	*(bool *)arg = true;
	return true;
}

static enum rc
change(struct store *s, enum statement which, struct bytes id, struct bytes from_state, struct bytes to_state, int64_t now_us, struct bytes by)
{
	union value params[] = { VALUE_TEXT(id), VALUE_TEXT(from_state), VALUE_TEXT(to_state), VALUE_INT(now_us), VALUE_TEXT(by) };
	bool        any = false;
	enum rc     rc = store_run(s, which, params, note_any, &any);

	return rc != RC_OK ? rc : any ? RC_OK : RC_LIMIT;
}

enum rc
held_change(struct store *s, struct bytes id, struct bytes from_state, struct bytes to_state, int64_t now_us, struct bytes by)
{
	return change(s, SQL_HELD_CHANGE, id, from_state, to_state, now_us, by);
}

enum rc
held_told(struct store *s, struct bytes id, int64_t now_us)
{
	union value params[] = { VALUE_TEXT(id), VALUE_INT(now_us) };
	bool        any = false;
	enum rc     rc = store_run(s, SQL_HELD_TOLD, params, note_any, &any);

	return rc != RC_OK ? rc : any ? RC_OK : RC_LIMIT;
}

enum rc
held_any(struct store *s, struct bytes vault, bool *any_out)
{
	union value name = VALUE_TEXT(vault);

	*any_out = false;
	return store_run(s, SQL_HELD_ANY, &name, note_any, any_out);
}

/* ---- tickets ---- */

enum rc
ticket_add(struct store *s, const struct store_ticket *ticket)
{
	union value day = VALUE_INT(store_day(ticket->at_us));

	return store_run_row(s, SQL_TICKET_ADD, &day, 1, ticket_columns, NELEMS(ticket_columns), ticket);
}

static bool
give_ticket(void *arg, const union value *values)
{
	struct giving      *g = arg;
	struct store_ticket ticket;

	store_fill(ticket_columns, NELEMS(ticket_columns), values, &ticket);
	return g->ticket(g->arg, &ticket);
}

enum rc
ticket_list(struct store *s, struct bytes state, int64_t before_us, struct bytes before_id, size_t limit, ticket_fn *fn, void *arg)
{
	struct giving g = { .ticket = fn, .arg = arg };
	union value   params[] = { VALUE_TEXT(state), VALUE_INT(from_newest(before_us)), VALUE_TEXT(before_id), VALUE_INT((int64_t)limit) };

	return store_run(s, SQL_TICKET_LIST, params, give_ticket, &g);
}

static bool
note_count(void *arg, const union value *values)
{
	*(int64_t *)arg = values[0].number;
	return true;
}

enum rc
ticket_count(struct store *s, struct bytes account, int64_t *count_out)
{
	union value key = VALUE_TEXT(account);
	int64_t     count = 0;
	enum rc     rc = store_run(s, SQL_TICKET_COUNT, &key, note_count, &count);

	if (rc == RC_OK)
		*count_out = count;
	return rc;
}

enum rc
ticket_waiting(struct store *s, size_t most, int64_t *count_out)
{
	union value limit = VALUE_INT((int64_t)most);
	int64_t     count = 0;
	enum rc     rc = store_run(s, SQL_TICKET_WAITING, &limit, note_count, &count);

	if (rc == RC_OK)
		*count_out = count;
	return rc;
}

enum rc
ticket_change(struct store *s, struct bytes id, struct bytes from_state, struct bytes to_state, int64_t now_us, struct bytes by)
{
	return change(s, SQL_TICKET_CHANGE, id, from_state, to_state, now_us, by);
}
