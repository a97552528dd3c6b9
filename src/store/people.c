/* store/people.c: see people.h. */
#include "store/people.h"

#include <string.h>

#include "store/engine.h"

#define O(kind, member) COLUMN(kind, store_operator, member)
#define T(kind, member) COLUMN(kind, store_token, member)
#define S(kind, member) COLUMN(kind, store_session, member)
#define D(kind, member) COLUMN(kind, store_deed, member)

static const struct column operator_columns[] = { O('k', name),  O('t', hash),       O('t', role),
	                                          O('t', state), O('i', created_us), O('i', changed_us) };
static const struct column token_columns[] = { T('k', hash),       T('k', name),       T('k', operator), T('t', scopes),
	                                       T('i', created_us), T('i', expires_us), T('i', used_us) };
static const struct column session_columns[] = { S('k', hash),       S('k', operator), S('t', csrf),      S('t', client),
	                                         S('i', created_us), S('i', seen_us),  S('i', expires_us) };
static const struct column deed_columns[] = { D('k', id),    D('i', at_us),  D('t', operator), D('t', deed),
	                                      D('t', about), D('t', detail), D('t', client) };

/* One row that is looked for, or each row of a list. */
struct reading {
	const struct column *columns;
	size_t               count;
	void                *row;
	struct arena        *arena; /* of what is looked for */
	bool                 any;
	bool (*give)(const struct reading *);
	union {
		operator_fn *operator_fn;
		token_fn    *token_fn;
		deed_fn     *deed_fn;
	};
	void *arg;
};

static bool
read_row(void *arg, const union value *values)
{
	struct reading *r = arg;

	store_fill(r->columns, r->count, values, r->row);
	r->any = true;
	if (r->give != NULL)
		return r->give(r);
	store_own(r->arena, r->columns, r->count, r->row);
	return false;
}

static enum rc
look_for(struct store *s, enum statement which, const union value *params, struct reading *r)
{
	enum rc rc = store_run(s, which, params, read_row, r);

	if (rc == RC_OK && !r->any)
		return RC_LIMIT;
	return rc == RC_OK && arena_overdrawn(r->arena) ? RC_MEMORY : rc;
}

static bool
note_any(void *arg, const union value *values)
{
	(void)values;
	*(bool *)arg = true;
	return true;
}

/* Change something that must be there. */
static enum rc
change(struct store *s, enum statement which, const union value *params)
{
	bool    any = false;
	enum rc rc = store_run(s, which, params, note_any, &any);

	return rc == RC_OK && !any ? RC_LIMIT : rc;
}

static enum rc
change_any(struct store *s, enum statement which, const union value *params)
{
	enum rc rc = change(s, which, params);

	return rc == RC_LIMIT ? RC_OK : rc;
}

/* ---- operators ---- */

enum rc
operator_set(struct store *s, const struct store_operator *o)
{
	return store_run_row(s, SQL_OPERATOR_SET, NULL, 0, operator_columns, NELEMS(operator_columns), o);
}

enum rc
operator_get(struct store *s, struct arena *a, struct bytes name, struct store_operator *operator_out)
{
	struct store_operator row;
	struct reading        r = { operator_columns, NELEMS(operator_columns), &row, .arena = a };
	union value           key = VALUE_TEXT(store_key(a, name, false));
	enum rc               rc = look_for(s, SQL_OPERATOR_GET, &key, &r);

	if (rc == RC_OK)
		*operator_out = row;
	return rc;
}

static bool
give_operator(const struct reading *r)
{
	return r->operator_fn(r->arg, r->row);
}

enum rc
operator_list(struct store *s, operator_fn *fn, void *arg)
{
	struct store_operator row;
	struct reading r = { operator_columns, NELEMS(operator_columns), &row, .give = give_operator, .operator_fn = fn, .arg = arg };

	return store_run(s, SQL_OPERATOR_LIST, NULL, read_row, &r);
}

enum rc
operator_remove(struct store *s, struct bytes name)
{
	union value key = VALUE_TEXT(name);
	enum rc     rc = store_begin(s);

	if (rc == RC_OK)
		rc = change(s, SQL_OPERATOR_REMOVE, &key);
	if (rc == RC_OK)
		rc = change_any(s, SQL_TOKENS_DROP, &key);
	if (rc == RC_OK)
		rc = change_any(s, SQL_SESSIONS_DROP, &key);
	if (rc == RC_OK)
		rc = store_commit(s);
	if (rc != RC_OK)
		store_rollback(s);
	return rc;
}

/* ---- tokens ---- */

enum rc
token_add(struct store *s, const struct store_token *t)
{
	return store_run_row(s, SQL_TOKEN_ADD, NULL, 0, token_columns, NELEMS(token_columns), t);
}

enum rc
token_get(struct store *s, struct arena *a, struct bytes hash, struct store_token *token_out)
{
	struct store_token row;
	struct reading     r = { token_columns, NELEMS(token_columns), &row, .arena = a };
	union value        key = VALUE_TEXT(store_key(a, hash, false));
	enum rc            rc = look_for(s, SQL_TOKEN_GET, &key, &r);

	if (rc == RC_OK)
		*token_out = row;
	return rc;
}

static bool
give_token(const struct reading *r)
{
	return r->token_fn(r->arg, r->row);
}

enum rc
token_list(struct store *s, token_fn *fn, void *arg)
{
	struct store_token row;
	struct reading     r = { token_columns, NELEMS(token_columns), &row, .give = give_token, .token_fn = fn, .arg = arg };

	return store_run(s, SQL_TOKEN_LIST, NULL, read_row, &r);
}

enum rc
token_used(struct store *s, struct bytes hash, int64_t now_us)
{
	union value params[] = { VALUE_TEXT(hash), VALUE_INT(now_us) };

	return change(s, SQL_TOKEN_USED, params);
}

enum rc
token_remove(struct store *s, struct bytes operator, struct bytes name)
{
	union value params[] = { VALUE_TEXT(operator), VALUE_TEXT(name) };

	return change(s, SQL_TOKEN_REMOVE, params);
}

/* ---- web sessions ---- */

enum rc
session_add(struct store *s, const struct store_session *session)
{
	return store_run_row(s, SQL_SESSION_ADD, NULL, 0, session_columns, NELEMS(session_columns), session);
}

enum rc
session_get(struct store *s, struct arena *a, struct bytes hash, int64_t now_us, struct store_session *session_out)
{
	struct store_session row;
	struct reading       r = { session_columns, NELEMS(session_columns), &row, .arena = a };
	union value          params[] = { VALUE_TEXT(store_key(a, hash, false)), VALUE_INT(now_us) };
	enum rc              rc = look_for(s, SQL_SESSION_GET, params, &r);

	if (rc == RC_OK)
		*session_out = row;
	return rc;
}

enum rc
session_seen(struct store *s, struct bytes hash, int64_t now_us, int64_t expires_us)
{
	union value params[] = { VALUE_TEXT(hash), VALUE_INT(now_us), VALUE_INT(expires_us) };

	return change(s, SQL_SESSION_SEEN, params);
}

enum rc
session_remove(struct store *s, struct bytes hash)
{
	union value key = VALUE_TEXT(hash);

	return change(s, SQL_SESSION_REMOVE, &key);
}

enum rc
sessions_drop(struct store *s, struct bytes operator)
{
	union value key = VALUE_TEXT(operator);

	return change_any(s, SQL_SESSIONS_DROP, &key);
}

/* ---- who did what ---- */

enum rc
audit_add(struct store *s, const struct store_deed *deed)
{
	union value day = VALUE_INT(store_day(deed->at_us));

	return store_run_row(s, SQL_AUDIT_ADD, &day, 1, deed_columns, NELEMS(deed_columns), deed);
}

static bool
give_deed(const struct reading *r)
{
	return r->deed_fn(r->arg, r->row);
}

enum rc
audit_list(struct store *s, int64_t before_us, struct bytes before_id, size_t limit, deed_fn *fn, void *arg)
{
	struct store_deed row;
	struct reading    r = { deed_columns, NELEMS(deed_columns), &row, .give = give_deed, .deed_fn = fn, .arg = arg };
	union value       params[] = { VALUE_INT(before_us > 0 ? before_us : INT64_MAX), VALUE_TEXT(before_id), VALUE_INT((int64_t)limit) };

	return store_run(s, SQL_AUDIT_LIST, params, read_row, &r);
}
