/* store/search.h: find accounts, and count them.
 *
 * Filters are joined by "and"; an empty one is no filter. A search walks shelves (store/shelf.h)
 * from the newest to the oldest and gives the newest account first, so a page
 * costs what its rows cost, however many accounts are kept. The next page
 * begins behind the cursor of the last. */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "store/store.h"

struct search_cursor {
	int64_t at_us; /* 0 and an empty id: from the newest */
	char    id[16];
};

struct search {
	int64_t      from_us, to_us; /* from <= time < to; 0: no bound */
	struct bytes sender, recipient, domain, client, message_id, queue_id, reason, action;
	size_t       limit; /* rows of a page; at most SEARCH_LIMIT */
	unsigned     budget_ms; /* stop looking after about so long; 0: no bound */
	struct search_cursor after;
};

#define SEARCH_LIMIT 10000

struct search_end {
	size_t               rows;
	bool                 complete; /* nothing is left behind the cursor */
	struct search_cursor next; /* also where a search stopped whose time was up */
};

/* `fn` gets each account without story and recipients, borrowed for the call;
 * false from it ends the search. */
typedef bool account_fn(void *arg, const struct store_account *);
enum rc search_run(struct store *, const struct search *, account_fn *, void *arg, struct search_end *end_out) MUST_USE;

/* A cursor as text for a link, and back. False: it is not one of ours. */
#define SEARCH_CURSOR_MAX 40
/* Behind this row. */
void search_cursor_at(struct search_cursor *, int64_t at_us, struct bytes id);
void search_cursor_format(const struct search_cursor *, char text[SEARCH_CURSOR_MAX]);
bool search_cursor_parse(struct bytes text, struct search_cursor *cursor_out);

/* ---- counts, from counters of whole hours ---- */

struct count {
	int64_t      hour; /* its number since 1970; 0 where hours are added up */
	struct bytes action, reason, domain; /* those that the count is by */
	int64_t      n;
};
typedef bool count_fn(void *arg, const struct count *);

/* Hours that begin within from <= time < to. By hour, action and reason, oldest first. */
enum rc count_hours(struct store *, int64_t from_us, int64_t to_us, count_fn *, void *arg) MUST_USE;
/* By action and reason, most first. For a comparison ask again a week earlier. */
enum rc count_reasons(struct store *, int64_t from_us, int64_t to_us, count_fn *, void *arg) MUST_USE;
/* The blamed domains of the days that the times touch, most first, at most
 * `limit` (up to 100). Over several days only the first hundred of each are added up. */
enum rc count_domains(struct store *, int64_t from_us, int64_t to_us, size_t limit, count_fn *, void *arg) MUST_USE;

/* What is missing: accounts that were dropped while the store was away. */
struct gap {
	int64_t      from_us, to_us, n;
	struct bytes why;
};
typedef bool gap_fn(void *arg, const struct gap *);
enum rc gap_list(struct store *, int64_t from_us, int64_t to_us, gap_fn *, void *arg) MUST_USE;

/* Accounts and octets by day, newest first. Octets are those of the rows as they
 * came and an allowance for indexes, so that both databases mean the same. */
struct day_size {
	int64_t day, accounts, octets;
};
typedef bool day_fn(void *arg, const struct day_size *);
enum rc day_list(struct store *, int64_t from_us, int64_t to_us, day_fn *, void *arg) MUST_USE;

#endif
