/* store/shelf_test.c: whatever is written, taken back and forgotten in whatever order, a search gives each
 * account that is there once, the newest first, and shelves follow each other and count what stands on them. */
#include "base/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "store/engine.h"
#include "store/item.h"
#include "store/prune.h"
#include "store/rig.h"
#include "store/search.h"
#include "store/shelf.h"

#define BASE     ((int64_t)20000 * DAY_US)
#define ROUNDS   120
#define A_ROUND  15
#define ACCOUNTS (ROUNDS * A_ROUND)

/* What should be there. */
static struct account {
	char    id[ID_LEN + 1];
	int64_t at_us;
	bool    there, seen;
} accounts[ACCOUNTS];
static size_t   count;
static int64_t  now = BASE + DAY_US / 2;
static uint32_t seed;

static struct store *stores[2]; /* as of two daemons */
static struct arena *a;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static struct item *
item_of(const struct account *account)
{
	const struct store_recipient to = { .address = B("b@example.net") };
	struct store_account         row = { .id = bytes_of(account->id), .at_us = account->at_us, .sender = B("a@example.org"), .action = B("reject"),
		                             .reason = B("dmarc.reject"), .blamed = B("example.org"), .recipients = &to, .recipient_count = 1 };
	struct item                 *item = item_new(&row, NULL);

	assert_non_null(item);
	return item;
}

/* Some come late, and the clock may step back. */
static void
write_some(struct store *s)
{
	struct item *items[A_ROUND];
	size_t       n = 1 + draw(A_ROUND - 1), first = count;
	bool         kept = draw(10) != 0;

	now += draw(5) == 0 ? -(int64_t)draw(3600) * 1000000 : (int64_t)draw(10800) * 1000000;
	for (size_t i = 0; i < n; i++) {
		struct account *new = &accounts[count];
		snprintf(new->id, sizeof(new->id), "AAAA%c%c%c%c%c%c%c%c", 'A' + (int)draw(26), 'A' + (int)draw(26), 'A' + (int)draw(26), 'A' + (int)(count % 26),
		         'A' + (int)(count / 26 % 26), 'A' + (int)(count / 676 % 26), 'A', 'A');
		new->at_us = draw(8) == 0 ? now - (int64_t)draw(2 * 86400) * 1000000 : now + (int64_t)draw(3);
		items[i] = item_of(&accounts[count++]);
	}
	assert_int_equal(store_begin(s), RC_OK);
	assert_int_equal(items_write(s, items, n), RC_OK);
	if (kept)
		assert_int_equal(store_commit(s), RC_OK);
	else
		store_rollback(s);
	for (size_t i = 0; i < n; i++) {
		accounts[first + i].there = kept;
		free(items[i]);
	}
}

static void
take_one_back(struct store *s)
{
	struct account *account = &accounts[draw((uint32_t)count)];
	struct item    *item = item_of(account);

	assert_int_equal(store_begin(s), RC_OK);
	assert_int_equal(item_remove(s, item), RC_OK);
	assert_int_equal(store_commit(s), RC_OK);
	account->there = false;
	free(item);
}

/* Which went is asked account by account. */
static void
forget_some(struct store *s, struct prune_rules rules, unsigned steps)
{
	struct prune p = { .rules = rules, .holder = B("test") };
	bool         more = true;

	for (unsigned i = 0; more && i < steps; i++)
		assert_int_equal(prune_step(s, &p, now, &more), RC_OK);
	prune_end(s, &p, now);
	for (size_t i = 0; i < count; i++) {
		struct store_account row;
		enum rc              rc = accounts[i].there ? store_account_get(s, a, bytes_of(accounts[i].id), &row) : RC_LIMIT;
		assert_true(rc == RC_OK || rc == RC_LIMIT);
		accounts[i].there = rc == RC_OK;
		arena_reset(a);
	}
}

static int64_t last_us, last_shelf, last_from_us, on_shelves;

static bool
see_account(void *arg, const struct store_account *row)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		if (!bytes_eq(row->id, bytes_of(accounts[i].id)))
			continue;
		assert_false(accounts[i].seen);
		assert_true(row->at_us == accounts[i].at_us && row->at_us <= last_us);
		accounts[i].seen = true;
		last_us = row->at_us;
		return true;
	}
	fail_msg("an account that was never written");
	return false;
}

static bool
see_shelf(void *arg, const struct shelf *shelf)
{
	(void)arg;
	assert_true(shelf->number < last_shelf && shelf->from_us < last_from_us && shelf->accounts >= 0);
	last_shelf = shelf->number;
	last_from_us = shelf->from_us;
	on_shelves += shelf->accounts;
	return true;
}

static void
look(struct store *s)
{
	struct search     q = { .limit = 7, .recipient = draw(2) == 0 ? B("b@example.net") : B("") };
	struct search_end e = { .complete = false };
	char              cursor[SEARCH_CURSOR_MAX];
	int64_t           there = 0;

	last_us = INT64_MAX;
	while (!e.complete) {
		assert_int_equal(search_run(s, &q, see_account, NULL, &e), RC_OK);
		search_cursor_format(&e.next, cursor);
		assert_true(e.complete || search_cursor_parse(bytes_of(cursor), &q.after));
	}
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(accounts[i].seen, accounts[i].there);
		there += accounts[i].there;
		accounts[i].seen = false;
	}
	last_shelf = last_from_us = INT64_MAX;
	on_shelves = 0;
	assert_int_equal(shelf_list(s, store_day(BASE) - 400, store_day(BASE) + 400, see_shelf, NULL), RC_OK);
	assert_int_equal(on_shelves, there);
}

static void
nothing_is_missed_and_nothing_comes_twice(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		write_some(stores[draw(2)]);
		if (draw(3) == 0)
			take_one_back(stores[draw(2)]);
		if (draw(4) == 0)
			forget_some(stores[draw(2)], (struct prune_rules){ .keep_days = draw(2) == 0 ? 5 : 0, .keep_octets = 100000 + draw(200000) }, draw(6));
		look(stores[draw(2)]);
	}
	forget_some(stores[0], (struct prune_rules){ .keep_octets = 1 }, 5000);
	for (size_t i = 0; i < count; i++)
		assert_false(accounts[i].there);
	look(stores[1]);
}

int
main(int argc, char **argv)
{
	rig_begin(argc, argv);
	rig_where();
	a = arena_new((size_t)1 << 22);
	for (size_t i = 0; i < NELEMS(stores); i++) {
		stores[i] = rig_open(STORE_WRITE);
		store_set_shelf_rows(stores[i], 20);
	}
	rows_add("nothing is missed, and nothing comes twice", nothing_is_missed_and_nothing_comes_twice, NULL);
	int failed = rows_run("shelf");
	for (size_t i = 0; i < NELEMS(stores); i++)
		store_close(stores[i]);
	arena_free(a);
	rig_end();
	return failed;
}
