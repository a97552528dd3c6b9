/* store/people.h: who may sit at the desk, and what they did.
 *
 * Secrets never come here: `hash` is a password hash (of an operator) or the
 * hash of a random secret (of a token or a web session), made above. Names and
 * hashes are keys as in store_key(). Functions that look for one row give
 * RC_LIMIT when there is none; text they give lies in the arena. */
#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

#include "store/store.h"

struct store_operator {
	struct bytes name, hash, role, state; /* state: "active" or "locked" */
	int64_t      created_us, changed_us;
};
typedef bool operator_fn(void *arg, const struct store_operator *);
enum rc operator_set(struct store *, const struct store_operator *) MUST_USE; /* adds, or changes all but created_us */
enum rc operator_get(struct store *, struct arena *, struct bytes name, struct store_operator *operator_out) MUST_USE;
enum rc operator_list(struct store *, operator_fn *, void *arg) MUST_USE;
enum rc operator_remove(struct store *, struct bytes name) MUST_USE; /* with tokens and sessions, in a transaction of its own */

struct store_token {
	struct bytes hash, name, operator, scopes;
	int64_t      created_us, expires_us, used_us;
};
typedef bool token_fn(void *arg, const struct store_token *);
enum rc token_add(struct store *, const struct store_token *) MUST_USE; /* RC_SYNTAX: that hash is there */
enum rc token_get(struct store *, struct arena *, struct bytes hash, struct store_token *token_out) MUST_USE;
enum rc token_list(struct store *, token_fn *, void *arg) MUST_USE;
enum rc token_used(struct store *, struct bytes hash, int64_t now_us) MUST_USE;
enum rc token_remove(struct store *, struct bytes operator, struct bytes name) MUST_USE;

struct store_session {
	struct bytes hash, operator, csrf, client;
	int64_t      created_us, seen_us, expires_us;
};
enum rc session_add(struct store *, const struct store_session *) MUST_USE;
/* Not when it has expired. */
enum rc session_get(struct store *, struct arena *, struct bytes hash, int64_t now_us, struct store_session *session_out) MUST_USE;
enum rc session_seen(struct store *, struct bytes hash, int64_t now_us, int64_t expires_us) MUST_USE;
enum rc session_remove(struct store *, struct bytes hash) MUST_USE;
enum rc sessions_drop(struct store *, struct bytes operator) MUST_USE; /* all of one operator; none is no fault */

struct store_deed {
	struct bytes id;
	int64_t      at_us;
	struct bytes operator, deed, about, detail, client;
};
typedef bool deed_fn(void *arg, const struct store_deed *);
enum rc audit_add(struct store *, const struct store_deed *) MUST_USE;
/* Newest first, behind (before_us, before_id): 0 and empty at first. */
enum rc audit_list(struct store *, int64_t before_us, struct bytes before_id, size_t limit, deed_fn *, void *arg) MUST_USE;

#endif
