/* store/held.h: rows of the quarantine, and tickets of refused senders.
 *
 * A row of the quarantine stands for a copy in the vault (store/vault.h). Its
 * state changes from one word to another, and only if it is still the one that
 * was seen: of two who release the same message one is told RC_LIMIT. */
#ifndef STORE_HELD_H
#define STORE_HELD_H

#include "store/store.h"

#define HELD_HELD        "held"
#define HELD_RELEASING   "releasing" /* somebody is handing it to the MTA */
#define HELD_UNCONFIRMED "unconfirmed" /* a copy was found without its row */
#define HELD_RELEASED    "released"
#define HELD_DELETED     "deleted"
#define HELD_EXPIRED     "expired"

struct store_held {
	struct bytes id; /* that of the account */
	int64_t      at_us;
	struct bytes vault; /* vault_name(): several gateways may share a store, each with a vault of its own */
	struct bytes path; /* within the vault */
	struct bytes sender; /* as it came, without <> */
	struct bytes recipients; /* as they came, one a line */
	struct bytes header_from, subject, reason;
	int64_t      size;
	struct bytes state;
	int64_t      expires_us, changed_us;
	struct bytes changed_by;
	int64_t      told_us; /* when its recipients were told of it; 0: not yet */
};

typedef bool held_fn(void *arg, const struct store_held *);

enum rc held_add(struct store *, const struct store_held *) MUST_USE;
/* RC_LIMIT: there is none. */
enum rc held_get(struct store *, struct arena *, struct bytes id, struct store_held *held_out) MUST_USE;
/* Newest first, behind (before_us, before_id): 0 and empty at first. */
enum rc held_list(struct store *, struct bytes state, int64_t before_us, struct bytes before_id, size_t limit, held_fn *, void *arg) MUST_USE;
/* Has it any row of this vault? */
enum rc held_any(struct store *, struct bytes vault, bool *any_out) MUST_USE;
/* Those of one vault to expire by now, and those of others that should have been gone before `abandoned_us`; oldest first. */
enum rc held_due(struct store *, struct bytes vault, int64_t now_us, int64_t abandoned_us, size_t limit, held_fn *, void *arg) MUST_USE;
/* Its copy was found in this vault. */
enum rc held_adopt(struct store *, struct bytes id, struct bytes vault) MUST_USE;
/* RC_LIMIT: it is not (or no longer) in that state. */
enum rc held_change(struct store *, struct bytes id, struct bytes from_state, struct bytes to_state, int64_t now_us, struct bytes by) MUST_USE;

/* Its recipients were told, whatever its state is meanwhile. RC_LIMIT: there is none. */
enum rc held_told(struct store *, struct bytes id, int64_t now_us) MUST_USE;

#define TICKET_OPEN   "open"
#define TICKET_CLOSED "closed"

/* "Ask the postmaster to look", from the why page. */
struct store_ticket {
	struct bytes id;
	int64_t      at_us;
	struct bytes account; /* its id */
	struct bytes contact, note; /* from a stranger */
	struct bytes state; /* "open" or "closed" */
	int64_t      changed_us;
	struct bytes changed_by;
};

typedef bool ticket_fn(void *arg, const struct store_ticket *);

enum rc ticket_add(struct store *, const struct store_ticket *) MUST_USE;
enum rc ticket_list(struct store *, struct bytes state, int64_t before_us, struct bytes before_id, size_t limit, ticket_fn *, void *arg) MUST_USE;
/* Open ones about one account, so that nobody files a hundred. */
enum rc ticket_count(struct store *, struct bytes account, int64_t *count_out) MUST_USE;
/* Open ones about anything; counts no further than `most`. */
enum rc ticket_waiting(struct store *, size_t most, int64_t *count_out) MUST_USE;
enum rc ticket_change(struct store *, struct bytes id, struct bytes from_state, struct bytes to_state, int64_t now_us, struct bytes by) MUST_USE;

#endif
