/* store/search_test.c: what is looked for is found, once, newest first. */
#include "base/rows.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/engine.h"
#include "store/item.h"
#include "store/rig.h"
#include "store/search.h"
#include "store/shelf.h"

#define NOON   ((int64_t)20000 * DAY_US + DAY_US / 2)
#define COUNT  300
#define PERDAY 100 /* three days */
#define HOUR   ((int64_t)3600 * 1000000)

static struct store *s;
static struct arena *a;

static int64_t
time_of(unsigned n)
{
	return NOON + (int64_t)(n / PERDAY) * DAY_US + (int64_t)(n % PERDAY) / 2 * 1000; /* two share each instant */
}

static void
fill(void)
{
	struct item *items[COUNT];

	for (unsigned n = 0; n < COUNT; n++) {
		struct store_account account = rig_account(a, n, time_of(n));
		struct store_recipient r[3] = { account.recipients[0], account.recipients[1], account.recipients[1] };
		account.recipients = r; /* one address twice */
		account.recipient_count = 3;
		if (n % 50 == 0)
			account.sender = B("<>");
		items[n] = item_new(&account, NULL);
		assert_non_null(items[n]);
	}
	store_set_shelf_rows(s, 20); /* so that a day has several */
	for (unsigned n = 0; n < COUNT; n += 10) {
		assert_int_equal(store_begin(s), RC_OK);
		assert_int_equal(items_write(s, items + n, 10), RC_OK);
		assert_int_equal(store_commit(s), RC_OK);
	}
	for (unsigned n = 0; n < COUNT; n++)
		free(items[n]);
}

struct found {
	size_t  count;
	int64_t last_us;
	char    last_id[16];
	bool    twice, unordered;
	size_t  stop_at;
};

static bool
find(void *arg, const struct store_account *account)
{
	struct found *f = arg;

	if (f->count > 0 && account->at_us > f->last_us)
		f->unordered = true;
	if (f->count > 0 && bytes_eq(account->id, bytes_of(f->last_id)))
		f->twice = true;
	f->last_us = account->at_us;
	snprintf(f->last_id, sizeof(f->last_id), "%.*s", B_FMT(account->id));
	return ++f->count != f->stop_at;
}

static const struct row {
	const char   *name;
	struct search query;
	size_t        want;
} rows[] = {
	{ "without a filter all is found", { .limit = 1000 }, 300 },
	{ "a limit ends a page", { .limit = 30 }, 30 },
	{ "by sender, in any case", { .sender = B_INIT("SENDER3@example.org"), .limit = 1000 }, 42 },
	{ "the null sender is found as <>", { .sender = B_INIT("<>"), .limit = 1000 }, 6 },
	{ "by recipient, in any case", { .recipient = B_INIT("User4@EXAMPLE.net"), .limit = 1000 }, 30 },
	{ "an address that is there twice gives an account once", { .recipient = B_INIT("all@example.net"), .limit = 1000 }, 300 },
	{ "doubles do not shorten a page", { .recipient = B_INIT("all@example.net"), .limit = 50 }, 50 },
	{ "by domain", { .domain = B_INIT("D2.example.org"), .limit = 1000 }, 60 },
	{ "by client", { .client = B_INIT("192.0.2.7"), .limit = 1000 }, 2 },
	{ "by Message-ID, in its own case", { .message_id = B_INIT("<m123@example.org>"), .limit = 1000 }, 1 },
	{ "another case is another Message-ID", { .message_id = B_INIT("<M123@example.org>"), .limit = 1000 }, 0 },
	{ "by queue id", { .queue_id = B_INIT("Q250"), .limit = 1000 }, 1 },
	{ "by reason", { .reason = B_INIT("dmarc.reject"), .limit = 1000 }, 100 },
	{ "by action", { .action = B_INIT("accept"), .limit = 1000 }, 200 },
	{ "by an action that is not the usual one", { .action = B_INIT("reject"), .limit = 1000 }, 100 },
	{ "from a time on", { .from_us = NOON + 2 * DAY_US, .limit = 1000 }, 100 },
	{ "up to a time, without it", { .to_us = NOON + 2 * DAY_US, .limit = 1000 }, 200 },
	{ "within a day", { .from_us = NOON + DAY_US + 10000, .to_us = NOON + DAY_US + 20000, .limit = 1000 }, 20 },
	{ "filters are joined by and", { .recipient = B_INIT("user3@example.net"), .action = B_INIT("reject"), .limit = 1000 }, 10 },
	{ "a Message-ID of another sender is not found",
	  { .message_id = B_INIT("<m123@example.org>"), .sender = B_INIT("x@example.org"), .limit = 1000 },
	  0 },
	{ "recipient and queue id together", { .queue_id = B_INIT("Q33"), .recipient = B_INIT("user3@example.net"), .limit = 1000 }, 1 },
	{ "recipient and queue id of another", { .queue_id = B_INIT("Q34"), .recipient = B_INIT("user3@example.net"), .limit = 1000 }, 0 },
	{ "nothing is like %", { .sender = B_INIT("%"), .limit = 1000 }, 0 },
	{ "quotes are only text", { .sender = B_INIT("' OR '1'='1"), .limit = 1000 }, 0 },
	{ "octets that are not UTF-8 find nothing and break nothing", { .sender = B_INIT("\xFF\xFE"), .limit = 1000 }, 0 },
	{ "no rows wanted, none given", { .limit = 0 }, 0 },
};

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct found      f = { .count = 0 };
	struct search_end end;

	assert_int_equal(search_run(s, &row->query, find, &f, &end), RC_OK);
	assert_int_equal(f.count, row->want);
	assert_int_equal(end.rows, row->want);
	assert_false(f.twice);
	assert_false(f.unordered);
	assert_int_equal(end.complete, row->want < row->query.limit);
}

/* Each filter again, in pages of seven that join without a seam. */
static void
check_pages(void **state)
{
	const struct row *row = *state;
	struct search     q = row->query;
	struct found      f = { .count = 0 };
	struct search_end end = { .complete = false };
	char              text[SEARCH_CURSOR_MAX];

	q.limit = 7;
	for (unsigned pages = 0; !end.complete; pages++) {
		assert_true(pages < 100);
		assert_int_equal(search_run(s, &q, find, &f, &end), RC_OK);
		search_cursor_format(&end.next, text); /* as through a link */
		assert_true(search_cursor_parse(bytes_of(text), &q.after));
	}
	assert_int_equal(f.count, row->want);
	assert_false(f.twice);
	assert_false(f.unordered);
}

static void
who_stops_goes_on_behind_the_last(void **state)
{
	struct search     q = { .limit = 1000 };
	struct found      f = { .stop_at = 11 };
	struct search_end end;

	(void)state;
	assert_int_equal(search_run(s, &q, find, &f, &end), RC_OK);
	assert_int_equal(f.count, 11);
	assert_false(end.complete);
	q.after = end.next;
	assert_int_equal(search_run(s, &q, find, &f, &end), RC_OK);
	assert_int_equal(f.count, 300);
	assert_false(f.twice);
}

static const struct cursor_row {
	const char  *name;
	struct bytes text;
	bool         good;
} cursors[] = {
	{ "a cursor with an id", B_INIT("1790000000000000.4QXYZ7KM2PAC"), true },
	{ "a cursor that is only a time", B_INIT("1790000000000000."), true },
	{ "no time", B_INIT(".4QXYZ7KM2PAC"), false },
	{ "no id and no dot", B_INIT("1790000000000000"), false },
	{ "an id too short", B_INIT("17.4QXYZ"), false },
	{ "an id with other letters", B_INIT("17.4QXYZ7KM2PA'"), false },
	{ "a time that does not fit", B_INIT("99999999999999999999.4QXYZ7KM2PAC"), false },
	{ "a negative time", B_INIT("-5.4QXYZ7KM2PAC"), false },
	{ "nothing", B_INIT(""), false },
};

static void
check_cursor(void **state)
{
	const struct cursor_row *row = *state;
	struct search_cursor     cursor;

	assert_int_equal(search_cursor_parse(row->text, &cursor), row->good);
}

/* ---- counts ---- */

struct sums {
	int64_t reject, accept, rows, first_n;
	char    first[64];
};

static bool
add_up(void *arg, const struct count *c)
{
	struct sums *sums = arg;

	if (sums->rows++ == 0) {
		sums->first_n = c->n;
		snprintf(sums->first, sizeof(sums->first), "%.*s", B_FMT(c->domain.len > 0 ? c->domain : c->reason));
	}
	if (bytes_eq(c->action, B("reject")))
		sums->reject += c->n;
	else
		sums->accept += c->n;
	return true;
}

static void
the_overview_counts_what_was_kept(void **state)
{
	struct sums by_hour = { 0 }, by_reason = { 0 }, one_day = { 0 }, none = { 0 };

	(void)state;
	assert_int_equal(count_hours(s, NOON, NOON + 3 * DAY_US, add_up, &by_hour), RC_OK);
	assert_int_equal(by_hour.reject, 100);
	assert_int_equal(by_hour.accept, 200);
	assert_int_equal(by_hour.rows, 6); /* one hour of each day, two reasons */
	assert_int_equal(count_reasons(s, NOON, NOON + 3 * DAY_US, add_up, &by_reason), RC_OK);
	assert_int_equal(by_reason.rows, 2);
	assert_int_equal(by_reason.first_n, 200);
	assert_string_equal(by_reason.first, "none");
	assert_int_equal(count_reasons(s, NOON, NOON + HOUR, add_up, &one_day), RC_OK);
	assert_int_equal(one_day.reject + one_day.accept, 100);
	assert_int_equal(count_reasons(s, NOON + HOUR, NOON + DAY_US, add_up, &none), RC_OK);
	assert_int_equal(none.rows, 0);
}

static void
blamed_domains_are_added_up_over_days(void **state)
{
	struct sums all = { 0 }, two = { 0 }, day = { 0 };

	(void)state;
	assert_int_equal(count_domains(s, NOON, NOON + 3 * DAY_US, 10, add_up, &all), RC_OK);
	assert_int_equal(all.rows, 5);
	assert_int_equal(all.accept, 100);
	assert_int_equal(all.first_n, 20);
	assert_string_equal(all.first, "d0.example.org");
	assert_int_equal(count_domains(s, NOON, NOON + 3 * DAY_US, 2, add_up, &two), RC_OK);
	assert_int_equal(two.rows, 2);
	assert_int_equal(count_domains(s, NOON + DAY_US, NOON + DAY_US + HOUR, 10, add_up, &day), RC_OK);
	assert_int_equal(day.accept, 33);
}

static bool
add_day(void *arg, const struct day_size *day)
{
	assert_int_equal(day->accounts, PERDAY);
	assert_true(day->octets > PERDAY * 700);
	++*(size_t *)arg;
	return true;
}

static void
days_have_their_sizes(void **state)
{
	size_t count = 0;

	(void)state;
	assert_int_equal(day_list(s, NOON, NOON + 2 * DAY_US, add_day, &count), RC_OK);
	assert_int_equal(count, 3);
}

struct seen_shelves {
	struct shelf last;
	size_t       count, by_day[3];
	int64_t      accounts;
};

static bool
see_shelf(void *arg, const struct shelf *shelf)
{
	struct seen_shelves *seen = arg;

	assert_true(seen->count == 0 || (shelf->number < seen->last.number && shelf->from_us <= seen->last.from_us));
	assert_int_equal(store_day(shelf->from_us), shelf_day(shelf->number));
	seen->last = *shelf;
	seen->count++;
	seen->by_day[shelf_day(shelf->number) - store_day(NOON)]++;
	seen->accounts += shelf->accounts;
	return true;
}

static void
a_full_shelf_ends_and_the_day_goes_on(void **state)
{
	struct seen_shelves seen = { .count = 0 };

	(void)state;
	assert_int_equal(shelf_list(s, store_day(NOON), store_day(NOON) + 2, see_shelf, &seen), RC_OK);
	assert_int_equal(seen.accounts, COUNT);
	for (size_t day = 0; day < NELEMS(seen.by_day); day++)
		assert_int_equal(seen.by_day[day], rig_is_sqlite() ? PERDAY / 20 : 1);
}

static void
what_comes_late_stands_where_its_time_is(void **state)
{
	struct shelves shelves = { .store = s, .arena = a };
	int64_t        first, last, late;

	(void)state;
	assert_int_equal(shelf_take(&shelves, time_of(0), 1, 100, &first), RC_OK);
	assert_int_equal(shelf_take(&shelves, time_of(PERDAY - 1) + 1, 1, 100, &last), RC_OK);
	assert_int_equal(shelf_take(&shelves, time_of(1), 1, 100, &late), RC_OK);
	assert_int_equal(first, shelf_first(store_day(NOON)));
	assert_int_equal(late, first);
	assert_int_equal(last, rig_is_sqlite() ? first + PERDAY / 20 : first);
}

static void
shelves_are_numbered_by_their_day(void **state)
{
	(void)state;
	for (int64_t day = -2; day <= 2; day++) {
		assert_int_equal(shelf_day(shelf_first(day)), day);
		assert_int_equal(shelf_day(shelf_last(day)), day);
		assert_int_equal(shelf_last(day) + 1, shelf_first(day + 1));
	}
}

static bool
see_gap(void *arg, const struct gap *gap)
{
	assert_int_equal(gap->n, 42);
	assert_bytes(gap->why, B("full"));
	++*(size_t *)arg;
	return true;
}

static void
a_gap_is_told_for_all_times_it_touches(void **state)
{
	union value params[] = { VALUE_INT(store_day(NOON)), VALUE_TEXT(B("GAAAAAAAAAAA")), VALUE_INT(NOON),
		                 VALUE_INT(NOON + 2 * DAY_US), VALUE_INT(42), VALUE_TEXT(B("full")) };
	size_t      count = 0;

	(void)state;
	assert_int_equal(store_run(s, SQL_GAP_ADD, params, NULL, NULL), RC_OK);
	assert_int_equal(gap_list(s, NOON + DAY_US, NOON + DAY_US + 1, see_gap, &count), RC_OK);
	assert_int_equal(count, 1);
	assert_int_equal(gap_list(s, NOON - DAY_US, NOON, see_gap, &count), RC_OK);
	assert_int_equal(gap_list(s, NOON + 2 * DAY_US + 1, NOON + 3 * DAY_US, see_gap, &count), RC_OK);
	assert_int_equal(count, 1);
}

static void
a_reader_cannot_write(void **state)
{
	struct store        *reader = rig_open(STORE_READ);
	struct store_account one = rig_account(a, 9999, NOON);
	struct found         f = { .count = 0 };
	struct search        q = { .limit = 1000 };
	struct search_end    end;

	(void)state;
	assert_true(store_account_add(reader, shelf_first(store_day(NOON)), &one) != RC_OK);
	assert_int_equal(search_run(reader, &q, find, &f, &end), RC_OK);
	assert_int_equal(f.count, 300);
	store_close(reader);
}

/* SQLite keeps no statistics of ours, and its choice of an index hangs on the
 * words of the statement: a wrong one reads a day where it should read a page. */
static const struct way {
	const char    *name;
	enum statement statement;
	const char    *plan;
} ways[] = {
	{ "all are found by their time", SQL_SEARCH_TIME, "SEARCH a USING INDEX account_time (shelf=? AND at_us>? AND at_us<?)" },
	{ "a sender has its index", SQL_SEARCH_SENDER, "SEARCH a USING INDEX account_sender (shelf=? AND sender=? AND at_us>? AND at_us<?)" },
	{ "a domain has its index", SQL_SEARCH_DOMAIN, "SEARCH a USING INDEX account_domain (shelf=? AND domain=? AND at_us>? AND at_us<?)" },
	{ "a client has its index", SQL_SEARCH_CLIENT, "SEARCH a USING INDEX account_client (shelf=? AND client=? AND at_us>? AND at_us<?)" },
	{ "a Message-ID has its index", SQL_SEARCH_MESSAGE_ID, "SEARCH a USING INDEX account_message_id (shelf=? AND message_id=? AND at_us>? AND at_us<?)" },
	{ "a queue id has its index", SQL_SEARCH_QUEUE_ID, "SEARCH a USING INDEX account_queue_id (shelf=? AND queue_id=? AND at_us>? AND at_us<?)" },
	{ "a reason has its index", SQL_SEARCH_REASON, "SEARCH a USING INDEX account_reason (shelf=? AND reason=? AND at_us>? AND at_us<?)" },
	{ "an action has its index", SQL_SEARCH_ACTION, "SEARCH a USING INDEX account_action (shelf=? AND action=? AND at_us>? AND at_us<?)" },
	{ "a recipient has its index", SQL_SEARCH_RECIPIENT, "SEARCH r USING COVERING INDEX recipient_address (shelf=? AND address=? AND at_us>? AND at_us<?)" },
	{ "recipients of one account are found by it", SQL_SEARCH_QUEUE_ID,
	  "SEARCH x USING INDEX sqlite_autoindex_recipient_1 (shelf=? AND at_us=? AND account=? AND nth>?)" },
	{ "recipients to forget are found by time", SQL_PRUNE_RECIPIENTS,
	  "SEARCH recipient USING INDEX sqlite_autoindex_recipient_1 (shelf=? AND at_us=?)" },
	{ "accounts to forget are found by time", SQL_PRUNE_ACCOUNTS, "SEARCH account USING INDEX account_time (shelf=?)" },
	{ "a delivery is found by queue id", SQL_DELIVERY_ADD, "SEARCH a USING INDEX account_queue_id (shelf=? AND queue_id=?)" },
	{ "its recipient is found by the account", SQL_DELIVERY_ADD,
	  "SEARCH recipient USING INDEX sqlite_autoindex_recipient_1 (shelf=? AND at_us=? AND account=? AND nth>?)" },
	{ "one account is asked of each shelf", SQL_ACCOUNT_GET, "SEARCH a USING INDEX sqlite_autoindex_account_1 (shelf=? AND id=?)" },
	{ "a copy in quarantine is changed by its id", SQL_HELD_CHANGE, "SEARCH held USING INDEX held_id (id=?)" },
};

static void
check_way(void **state)
{
	const struct way *row = *state;
	sqlite3          *db;
	sqlite3_stmt     *stmt;
	bool              seen = false;

	assert_int_equal(sqlite3_open(arena_printf(a, "%s/store.db", rig_dir()).at, &db), SQLITE_OK);
	struct bytes sql = arena_printf(a, "EXPLAIN QUERY PLAN %s", statements[row->statement].sql);
	assert_int_equal(sqlite3_prepare_v2(db, sql.at, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		seen = seen || strcmp((const char *)sqlite3_column_text(stmt, 3), row->plan) == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	assert_true(seen);
}

int
main(int argc, char **argv)
{
	rig_begin(argc, argv);
	rig_where();
	s = rig_open(STORE_WRITE);
	a = arena_new((size_t)1 << 24);
	fill();
	ROWS_ADD(rows, check_row);
	for (size_t i = 0; i < NELEMS(rows); i++)
		if (rows[i].query.limit == 1000)
			rows_add(rows[i].name, check_pages, &rows[i]);
	ROWS_ADD(cursors, check_cursor);
	if (rig_is_sqlite())
		ROWS_ADD(ways, check_way);
	rows_add("who stops goes on behind the last", who_stops_goes_on_behind_the_last, NULL);
	rows_add("the overview counts what was kept", the_overview_counts_what_was_kept, NULL);
	rows_add("blamed domains are added up over days", blamed_domains_are_added_up_over_days, NULL);
	rows_add("days have their sizes", days_have_their_sizes, NULL);
	rows_add("a full shelf ends, and the day goes on", a_full_shelf_ends_and_the_day_goes_on, NULL);
	rows_add("what comes late stands where its time is", what_comes_late_stands_where_its_time_is, NULL);
	rows_add("shelves are numbered by their day", shelves_are_numbered_by_their_day, NULL);
	rows_add("a gap is told for all times it touches", a_gap_is_told_for_all_times_it_touches, NULL);
	rows_add("a reader cannot write", a_reader_cannot_write, NULL);
	int failed = rows_run("search");
	store_close(s);
	arena_free(a);
	rig_end();
	return failed;
}
