/* store/store.c: see store.h. The rows of accounts, and how structs become
 * parameters and columns become structs: by tables, so that a member is named once. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "store/engine.h"
#include "store/shelf.h"

struct store {
	const struct engine *engine;
	void                *db;
	struct arena        *work; /* text made fit for the row at hand */
	int64_t              shelf_rows;
};

const struct statement_row statements[SQL_COUNT] = {
#define STATEMENT(name, params, columns, sql) [SQL_##name] = { #name, (params), (columns), (sql) },
#include "store/statement.def"
#undef STATEMENT
};

#define A(kind, member) COLUMN(kind, store_account, member)
const struct column account_columns[] = {
	A('k', id), A('i', at_us), A('k', client), A('t', client_name), A('t', helo), A('t', peer), A('t', listener), A('t', standing),
	A('l', sender), A('l', domain), A('t', header_from), A('t', subject), A('k', message_id), A('k', queue_id), A('i', size), A('t', tls),
	A('t', login), A('t', mode), A('k', action), A('k', reason), A('t', rule), A('t', override), A('t', reply), A('t', spf),
	A('t', spf_reason), A('t', dkim), A('t', dkim_reason), A('t', arc), A('t', arc_reason), A('t', dmarc), A('t', dmarc_reason),
	A('t', results), A('i', took_us), A('t', story)
};
const size_t account_column_count = NELEMS(account_columns) - 1;

#define R(kind, member) COLUMN(kind, store_recipient, member)
static const struct column recipient_columns[] = {
	R('l', address), R('t', action), R('t', reason), R('t', status), R('i', delivered_us), R('t', next_hop)
};

/* The work of one row: a story is the largest, and the session bounds that. */
#define WORK_LIMIT ((size_t)64 << 20)

int64_t
store_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
store_day(int64_t at_us)
{
	return at_us >= 0 ? at_us / DAY_US : -((DAY_US - 1 - at_us) / DAY_US);
}

static bool
is_url(const char *where)
{
	struct bytes text = bytes_of(where);

	return bytes_starts(text, B("postgres://")) || bytes_starts(text, B("postgresql://"));
}

enum rc
store_open(const char *where, enum store_mode mode, struct arena *a, struct store **store_out, struct bytes *why_out)
{
	struct store *s = calloc(1, sizeof(*s));
	struct buf    why = { .limit = 4096 };
	enum rc       rc = RC_MEMORY;

	if (s == NULL)
		goto fail;
	s->engine = is_url(where) ? &postgres_engine : &sqlite_engine;
	s->work = arena_new(WORK_LIMIT);
	s->shelf_rows = s->engine->alone ? SHELF_ROWS : 0;
	if (s->work == NULL)
		goto fail;
	rc = s->engine->open(where, mode, &s->db, &why);
	if (rc != RC_OK)
		goto fail;
	rc = schema_bring(s->engine, s->db, mode, &why);
	if (rc != RC_OK)
		goto fail;
	rc = s->engine->prepare(s->db);
	if (rc != RC_OK) {
		buf_printf(&why, "a statement is not understood: %s", s->engine->trouble(s->db));
		goto fail;
	}
	buf_free(&why);
	*store_out = s;
	return RC_OK;

fail:
	*why_out = why.len > 0 ? arena_copy(a, bytes_trim(buf_bytes(&why))) : B("memory is spent");
	buf_free(&why);
	store_close(s);
	return rc;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->db != NULL)
		s->engine->close(s->db);
	arena_free(s->work);
	free(s);
}

struct bytes
store_trouble(const struct store *s)
{
	return bytes_trim(bytes_of(s->engine->trouble(s->db)));
}

const char *
store_engine(const struct store *s)
{
	return s->engine->name;
}

enum rc
store_begin(struct store *s)
{
	return s->engine->begin(s->db, false);
}

enum rc
store_begin_lazy(struct store *s)
{
	return s->engine->begin(s->db, true);
}

enum rc
store_commit(struct store *s)
{
	return s->engine->commit(s->db);
}

void
store_rollback(struct store *s)
{
	s->engine->rollback(s->db);
}

int64_t
store_shelf_rows(const struct store *s)
{
	return s->shelf_rows;
}

void
store_set_shelf_rows(struct store *s, int64_t rows)
{
	s->shelf_rows = s->engine->alone ? rows : 0;
}

bool
store_has_log(const char *where)
{
	return !is_url(where);
}

void
store_leave_log(struct store *s)
{
	if (s->engine->leave_log != NULL)
		s->engine->leave_log(s->db);
}

size_t
store_log_octets(const struct store *s)
{
	return s->engine->log_octets != NULL ? s->engine->log_octets(s->db) : 0;
}

enum rc
store_fold(const char *where)
{
	return store_has_log(where) ? sqlite_engine.fold(where) : RC_OK;
}

/* ---- text that both databases take ---- */

static bool
is_fit(struct bytes text)
{
	return !bytes_has(text, '\0') && utf8_valid(text);
}

static struct bytes
make_fit(struct arena *a, struct bytes text)
{
	if (is_fit(text))
		return text;
	char  *at = arena_take_array(a, text.len, 3); /* U+FFFD has three octets */
	size_t used = 0;

	if (at == NULL)
		return B_NONE;
	while (text.len > 0) {
		size_t n = text.at[0] == '\0' ? 0 : utf8_length(text);
		if (n > 0) {
			memcpy(at + used, text.at, n);
			used += n;
		} else {
			memcpy(at + used, "\xEF\xBF\xBD", 3);
			used += 3;
		}
		bytes_skip(&text, n > 0 ? n : 1);
	}
	return bytes_make(at, used);
}

/* What is left of a long key when its checksum stands behind it. */
#define KEY_HEAD (STORE_KEY_MAX - 20)

struct bytes
store_key(struct arena *a, struct bytes text, bool lower)
{
	text = make_fit(a, text);
	if (lower)
		text = arena_lower(a, text);
	if (text.len <= STORE_KEY_MAX)
		return text;
	size_t keep = KEY_HEAD;
	while (keep > 0 && ((unsigned char)text.at[keep] & 0xC0) == 0x80)
		keep--;
	return arena_printf(a, "%.*s...%016llx", (int)keep, text.at, (unsigned long long)store_checksum(text));
}

/* ---- rows ---- */

enum rc
store_run(struct store *s, enum statement which, const union value *params, row_fn *fn, void *arg)
{
	return s->engine->run(s->db, which, params, fn, arg);
}

static union value
take_value(struct store *s, const struct column *column, const char *row)
{
	union value  v = { .number = 0 };
	struct bytes text;

	if (column->kind == 'i') {
		memcpy(&v.number, row + column->offset, sizeof(v.number));
		return v;
	}
	memcpy(&text, row + column->offset, sizeof(text));
	v.text = column->kind == 't' ? make_fit(s->work, text) : store_key(s->work, text, column->kind == 'l');
	return v;
}

enum rc
store_run_row(struct store *s, enum statement which, const union value *lead, size_t lead_count, const struct column *columns, size_t count,
              const void *row)
{
	union value params[STATEMENT_PARAMS];
	size_t      used = 0;

	for (size_t i = 0; i < lead_count; i++)
		params[used++] = lead[i];
	for (size_t i = 0; i < count; i++)
		params[used++] = take_value(s, &columns[i], row);
	enum rc rc = arena_overdrawn(s->work) ? RC_MEMORY : store_run(s, which, params, NULL, NULL);
	arena_reset(s->work);
	return rc;
}

void
store_fill(const struct column *columns, size_t count, const union value *values, void *row)
{
	for (size_t i = 0; i < count; i++) {
		if (columns[i].kind == 'i')
			memcpy((char *)row + columns[i].offset, &values[i].number, sizeof(values[i].number));
		else
			memcpy((char *)row + columns[i].offset, &values[i].text, sizeof(values[i].text));
	}
}

void
store_own(struct arena *a, const struct column *columns, size_t count, void *row)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes text;
		if (columns[i].kind == 'i')
			continue;
		memcpy(&text, (char *)row + columns[i].offset, sizeof(text));
		text = arena_copy(a, text);
		memcpy((char *)row + columns[i].offset, &text, sizeof(text));
	}
}

/* ---- accounts ---- */

void
store_account_own(struct arena *a, struct store_account *row)
{
	struct store_recipient *all = arena_take_array(a, row->recipient_count, sizeof(*all));

	store_own(a, account_columns, NELEMS(account_columns), row);
	row->blamed = arena_copy(a, row->blamed);
	for (size_t i = 0; all != NULL && i < row->recipient_count; i++) {
		all[i] = row->recipients[i];
		store_own(a, recipient_columns, NELEMS(recipient_columns), &all[i]);
	}
	row->recipients = all;
}

enum rc
store_account_add(struct store *s, int64_t shelf, const struct store_account *account)
{
	union value at = VALUE_INT(shelf);
	enum rc     rc = store_run_row(s, SQL_ACCOUNT_ADD, &at, 1, account_columns, NELEMS(account_columns), account);

	for (size_t i = 0; i < account->recipient_count && rc == RC_OK; i++) {
		union value lead[] = { at, VALUE_TEXT(account->id), VALUE_INT((int64_t)i), VALUE_INT(account->at_us) };
		rc = store_run_row(s, SQL_RECIPIENT_ADD, lead, NELEMS(lead), recipient_columns, NELEMS(recipient_columns), &account->recipients[i]);
	}
	return rc;
}

struct found {
	struct arena          *arena;
	struct store_account   account;
	int64_t                shelf;
	bool                   any;
	struct store_recipient *recipients;
	size_t                 count, room;
};

static bool
find_account(void *arg, const union value *columns)
{
	struct found *found = arg;

	store_fill(account_columns, NELEMS(account_columns), columns, &found->account);
	store_own(found->arena, account_columns, NELEMS(account_columns), &found->account);
	found->shelf = columns[NELEMS(account_columns)].number;
	found->any = true;
	return false;
}

static bool
find_recipient(void *arg, const union value *columns)
{
	struct found *found = arg;

	if (found->count == found->room) {
		size_t want = found->room == 0 ? 4 : found->room * 2;
		void  *wide = arena_grow(found->arena, found->recipients, found->count, want, sizeof(*found->recipients));
		if (wide == NULL)
			return false;
		found->recipients = wide;
		found->room = want;
	}
	struct store_recipient *r = &found->recipients[found->count++];
	store_fill(recipient_columns, NELEMS(recipient_columns), columns, r);
	store_own(found->arena, recipient_columns, NELEMS(recipient_columns), r);
	return true;
}

enum rc
store_account_get(struct store *s, struct arena *a, struct bytes id, struct store_account *account_out)
{
	struct found found = { .arena = a };
	union value  key = VALUE_TEXT(store_key(a, id, false));
	enum rc      rc = store_run(s, SQL_ACCOUNT_GET, &key, find_account, &found);

	if (rc != RC_OK)
		return rc;
	if (!found.any)
		return RC_LIMIT;
	union value at[] = { VALUE_INT(found.shelf), VALUE_INT(found.account.at_us), VALUE_TEXT(found.account.id) };
	rc = store_run(s, SQL_RECIPIENT_LIST, at, find_recipient, &found);
	if (rc != RC_OK)
		return rc;
	if (arena_overdrawn(a))
		return RC_MEMORY;
	found.account.recipients = found.recipients;
	found.account.recipient_count = found.count;
	*account_out = found.account;
	return RC_OK;
}

/* How long an MTA keeps trying (Postfix: five days), and one for the clock. */
#define DELIVERY_DAYS 6

static bool
note_any(void *arg, const union value *columns)
{
	(void)columns;
	*(bool *)arg = true;
	return true;
}

enum rc
store_delivery_add(struct store *s, const struct store_delivery *d)
{
	int64_t     last = store_day(d->at_us);
	bool        any = false;
	union value params[] = { VALUE_INT(shelf_first(last - DELIVERY_DAYS)), VALUE_INT(shelf_last(last)),
		                 VALUE_TEXT(store_key(s->work, d->queue_id, false)), VALUE_TEXT(make_fit(s->work, d->status)), VALUE_INT(d->at_us),
		                 VALUE_TEXT(make_fit(s->work, d->next_hop)), VALUE_TEXT(store_key(s->work, d->address, true)) };
	enum rc     rc = arena_overdrawn(s->work) ? RC_MEMORY : store_run(s, SQL_DELIVERY_ADD, params, note_any, &any);

	arena_reset(s->work);
	return rc != RC_OK ? rc : any ? RC_OK : RC_LIMIT;
}

enum rc
store_lease(struct store *s, struct bytes name, struct bytes holder, int64_t until_us, bool *held_out)
{
	union value params[] = { VALUE_TEXT(name), VALUE_TEXT(holder), VALUE_INT(until_us), VALUE_INT(store_now_us()) };
	bool        any = false;
	enum rc     rc = store_run(s, SQL_LEASE_TAKE, params, note_any, &any);

	if (rc == RC_OK)
		*held_out = any;
	return rc;
}
