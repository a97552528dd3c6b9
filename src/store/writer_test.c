/* store/writer_test.c: the writer keeps what it can, and knows what it could not. */
#include "base/rows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/engine.h"
#include "store/rig.h"
#include "store/search.h"
#include "store/shelf.h"
#include "store/writer.h"

#define NOON ((int64_t)20000 * DAY_US + DAY_US / 2)

static struct arena  *a;
static struct writer *w;

/* The n-th commit from now of rows: its connection breaks, before or after they were
 * kept. Forgetting commits too, at times of its own, and is not counted. */
enum breaks { BREAKS_BEFORE, BREAKS_BEHIND };

static atomic_int         commits_left; /* 0: none breaks */
static enum breaks        breaks;
static atomic_uint        begun; /* transactions for rows */
static _Thread_local bool is_for_rows;

static atomic_uint_least64_t stands_us; /* the clock stands there; 0: it goes */

enum rc  __real_store_begin(struct store *);
enum rc  __wrap_store_begin(struct store *);
enum rc  __real_store_begin_lazy(struct store *);
enum rc  __wrap_store_begin_lazy(struct store *);
enum rc  __real_store_commit(struct store *);
enum rc  __wrap_store_commit(struct store *);
uint64_t __real_clock_mono_us(void);
uint64_t __wrap_clock_mono_us(void);

enum rc
__wrap_store_begin(struct store *s)
{
	is_for_rows = true;
	atomic_fetch_add(&begun, 1);
	return __real_store_begin(s);
}

enum rc
__wrap_store_begin_lazy(struct store *s)
{
	is_for_rows = false;
	return __real_store_begin_lazy(s);
}

static bool
breaks_now(enum breaks how)
{
	return is_for_rows && breaks == how && atomic_load(&commits_left) > 0 && atomic_fetch_sub(&commits_left, 1) == 1;
}

enum rc
__wrap_store_commit(struct store *s)
{
	if (breaks_now(BREAKS_BEFORE))
		return RC_IO;
	enum rc rc = __real_store_commit(s);
	return rc == RC_OK && breaks_now(BREAKS_BEHIND) ? RC_IO : rc;
}

uint64_t
__wrap_clock_mono_us(void)
{
	uint64_t us = atomic_load(&stands_us);

	return us != 0 ? us : __real_clock_mono_us();
}

static void
stop_clock(void)
{
	atomic_store(&stands_us, clock_mono_us());
}

static void
let_clock_go(void)
{
	atomic_store(&stands_us, 0);
}

static void
break_commit(int nth, enum breaks how)
{
	breaks = how;
	atomic_store(&commits_left, nth);
}

static int
begin(void **state)
{
	(void)state;
	rig_where();
	a = arena_new((size_t)1 << 26);
	w = NULL;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	let_clock_go();
	atomic_store(&commits_left, 0);
	writer_stop(w, 2000);
	arena_free(a);
	return 0;
}

static void
start(struct writer_settings set)
{
	struct bytes why = B_NONE;

	set.where = rig_is_sqlite() ? arena_printf(a, "%s/store.db", rig_dir()).at
	                            : arena_printf(a, "postgres://mailreeve@/postgres?host=%s&port=5439", rig_dir()).at;
	assert_int_equal(writer_start(&set, a, &w, &why), RC_OK);
}

static bool
put(unsigned n, int64_t at_us)
{
	struct store_account account = rig_account(a, n, at_us);

	return writer_put(w, &account);
}

static struct writer_stats
stats(void)
{
	struct writer_stats now;

	writer_count(w, &now);
	return now;
}

static bool
count_one(void *arg, const struct store_account *account)
{
	(void)account;
	++*(size_t *)arg;
	return true;
}

static size_t
count_kept(void)
{
	struct store     *s = rig_open(STORE_READ);
	struct search     q = { .limit = SEARCH_LIMIT };
	struct search_end e;
	size_t            count = 0;

	assert_int_equal(search_run(s, &q, count_one, &count, &e), RC_OK);
	store_close(s);
	return count;
}

static bool
add_counts(void *arg, const struct count *c)
{
	*(int64_t *)arg += c->n;
	return true;
}

static int64_t
count_counted(void)
{
	struct store *s = rig_open(STORE_READ);
	int64_t       sum = 0;

	assert_int_equal(count_reasons(s, NOON - DAY_US, NOON + 10 * DAY_US, add_counts, &sum), RC_OK);
	store_close(s);
	return sum;
}

struct gaps {
	size_t  count;
	int64_t n;
};

static bool
add_gap(void *arg, const struct gap *gap)
{
	struct gaps *g = arg;

	g->count++;
	g->n += gap->n;
	return true;
}

static struct gaps
count_gaps(void)
{
	struct store *s = rig_open(STORE_READ);
	struct gaps   g = { 0 };

	assert_int_equal(gap_list(s, NOON - DAY_US, NOON + 10 * DAY_US, add_gap, &g), RC_OK);
	store_close(s);
	return g;
}

static void
what_is_put_is_kept_and_counted(void **state)
{
	(void)state;
	start((struct writer_settings){ .commit_rows = 100 });
	stop_clock(); /* so that it is the rows that make it commit */
	for (unsigned n = 0; n < 1000; n++)
		assert_true(put(n, NOON + n));
	let_clock_go();
	assert_true(writer_flush(w, 20000));
	assert_int_equal(count_kept(), 1000);
	assert_int_equal(count_counted(), 1000);
	struct writer_stats st = stats();
	assert_int_equal(st.written, 1000);
	assert_int_equal(st.dropped, 0);
	assert_int_equal(st.queued, 0);
	assert_true(st.commits <= 11); /* many rows a commit */
}

static void
a_lone_account_is_kept_within_the_commit_time(void **state)
{
	(void)state;
	start((struct writer_settings){ .commit_ms = 50 });
	uint64_t before = clock_mono_us();
	assert_true(put(1, NOON));
	assert_true(writer_flush(w, 5000));
	assert_true(clock_mono_us() - before >= 40000);
	assert_int_equal(count_kept(), 1);
}

static void
stopping_writes_what_is_queued(void **state)
{
	(void)state;
	start((struct writer_settings){ .commit_ms = 60000 });
	for (unsigned n = 0; n < 300; n++)
		assert_true(put(n, NOON + n));
	assert_int_equal(writer_stop(w, 20000), 0);
	w = NULL;
	assert_int_equal(count_kept(), 300);
}

static void
a_row_that_is_refused_takes_no_other_with_it(void **state)
{
	(void)state;
	start((struct writer_settings){ .commit_ms = 60000, .commit_rows = 41 }); /* all in one batch */
	for (unsigned n = 0; n < 20; n++)
		assert_true(put(n, NOON + n));
	assert_true(put(7, NOON + 7)); /* that id is there */
	for (unsigned n = 20; n < 40; n++)
		assert_true(put(n, NOON + n));
	assert_true(writer_flush(w, 20000));
	assert_int_equal(count_kept(), 40);
	assert_int_equal(count_counted(), 40);
	assert_int_equal(stats().refused, 1);
	assert_int_equal(writer_stop(w, 5000), 0);
	w = NULL;
	struct gaps g = count_gaps();
	assert_int_equal(g.count, 1);
	assert_int_equal(g.n, 1);
}

struct told {
	atomic_int times;
	enum rc    rc;
};

static void
note(void *arg, enum rc rc)
{
	struct told *told = arg;

	told->rc = rc;
	atomic_fetch_add(&told->times, 1);
}

static struct store_held
held_of(const struct store_account *account)
{
	return (struct store_held){ .id = account->id, .at_us = account->at_us, .path = B("20000/x"), .state = B(HELD_HELD),
		                    .recipients = B("a@example.net"), .expires_us = account->at_us + DAY_US };
}

static void
what_mail_depends_on_is_there_when_it_is_told(void **state)
{
	struct store_account account = rig_account(a, 5, NOON);
	struct store_held    held = held_of(&account), back;

	(void)state;
	start((struct writer_settings){ .commit_ms = 60000 }); /* nothing but urgency commits */
	assert_int_equal(writer_wait_now(w, &account, &held), RC_OK);
	struct store *s = rig_open(STORE_READ);
	assert_int_equal(held_get(s, a, held.id, &back), RC_OK);
	assert_int_equal(store_account_get(s, a, held.id, &account), RC_OK);
	store_close(s);
	/* The same once more is refused, and whoever waits is told. */
	struct told told = { .times = 0 };
	assert_int_equal(writer_put_now(w, &account, &held, 0, note, &told), RC_OK);
	assert_true(writer_flush(w, 20000));
	assert_int_equal(told.times, 1);
	assert_int_equal(told.rc, RC_SYNTAX);
}

/* Somebody else writes the same key and does not end: the commit has to wait for that, longer than it has. */
static struct store *
hold_up(const struct store_account *account, const struct store_held *held, struct told *told)
{
	struct store     *s = rig_open(STORE_WRITE);
	struct store_held none;

	assert_int_equal(store_begin(s), RC_OK);
	assert_int_equal(store_account_add(s, shelf_first(store_day(NOON)), account), RC_OK);
	assert_int_equal(held_get(s, a, held->id, &none), RC_LIMIT); /* an answer: what was said before has arrived */
	unsigned before = atomic_load(&begun);
	stop_clock(); /* or it comes too late to be begun, on a slow machine */
	assert_int_equal(writer_put_now(w, account, held, clock_mono_us() + 1, note, told), RC_OK);
	while (atomic_load(&begun) == before && atomic_load(&told->times) == 0)
		usleep(1000);
	usleep(200000); /* to get to where it waits; what is asserted is true before as well */
	let_clock_go();
	return s;
}

static void
what_is_kept_too_late_is_taken_back(void **state)
{
	struct store_account account = rig_account(a, 6, NOON);
	struct store_held    held = held_of(&account), back;
	struct told          told = { .times = 0 };

	(void)state;
	start((struct writer_settings){ .commit_ms = 10 });
	struct store *s = hold_up(&account, &held, &told);
	assert_int_equal(told.times, 0);
	store_rollback(s);
	assert_true(writer_flush(w, 20000));
	assert_int_equal(told.times, 1);
	assert_int_equal(told.rc, RC_AGAIN);
	assert_int_equal(held_get(s, a, held.id, &back), RC_LIMIT);
	assert_int_equal(count_kept(), 0);
	assert_int_equal(count_counted(), 0);
	/* So what became of the mail can be kept under the same id. */
	assert_true(writer_put(w, &account));
	assert_true(writer_flush(w, 20000));
	assert_int_equal(stats().refused, 0);
	assert_int_equal(count_kept(), 1);
	assert_int_equal(count_counted(), 1);
	store_close(s);
}

/* The transaction that takes it back breaks too: nobody knows then, until it is done the next time. */
static void
what_could_not_be_taken_back_at_once_is_taken_back_later(void **state)
{
	struct store_account account = rig_account(a, 8, NOON);
	struct store_held    held = held_of(&account), back;
	struct told          told = { .times = 0 };

	(void)state;
	start((struct writer_settings){ .commit_ms = 10, .retry_ms = 20, .prune_ms = 100000 });
	break_commit(2, BREAKS_BEFORE); /* the first one keeps it too late */
	struct store *s = hold_up(&account, &held, &told);
	store_rollback(s);
	assert_true(writer_flush(w, 20000));
	assert_int_equal(told.times, 1);
	assert_int_equal(told.rc, RC_IO);
	assert_true(put(9, NOON + 1));
	assert_true(writer_flush(w, 20000));
	assert_int_equal(held_get(s, a, held.id, &back), RC_LIMIT);
	assert_int_equal(count_kept(), 1);
	assert_int_equal(count_counted(), 1);
	assert_int_equal(told.times, 1);
	store_close(s);
}

/* It was kept, but who waits was told that nobody knows: taken back. What nobody waits for stays, once. */
static void
a_doubtful_commit_keeps_what_nobody_waits_for(void **state)
{
	struct store_account account = rig_account(a, 10, NOON);
	struct store_held    held = held_of(&account), back;
	struct told          told = { .times = 0 };

	(void)state;
	start((struct writer_settings){ .commit_ms = 60000, .retry_ms = 20 }); /* nothing but urgency commits */
	for (unsigned n = 11; n < 20; n++)
		put(n, NOON + n);
	break_commit(1, BREAKS_BEHIND);
	assert_int_equal(writer_put_now(w, &account, &held, 0, note, &told), RC_OK);
	assert_true(writer_flush(w, 20000));
	assert_int_equal(told.times, 1);
	assert_int_equal(told.rc, RC_IO);
	assert_int_equal(count_kept(), 9);
	assert_int_equal(count_counted(), 9);
	struct store *s = rig_open(STORE_READ);
	assert_int_equal(held_get(s, a, held.id, &back), RC_LIMIT);
	store_close(s);
	assert_int_equal(stats().refused, 0);
}

/* One row is refused, so they are written one by one, and the first of these commits breaks off. */
static void
a_doubtful_commit_of_one_row_loses_none_of_the_others(void **state)
{
	struct store_account first = rig_account(a, 1, NOON);

	(void)state;
	start((struct writer_settings){ .commit_ms = 60000, .commit_rows = 19, .retry_ms = 20 });
	assert_int_equal(writer_wait_now(w, &first, NULL), RC_OK);
	break_commit(1, BREAKS_BEHIND);
	for (unsigned n = 2; n < 12; n++)
		put(n, NOON + n);
	put(1, NOON); /* is there already */
	for (unsigned n = 12; n < 20; n++)
		put(n, NOON + n);
	assert_true(writer_flush(w, 20000));
	assert_int_equal(count_kept(), 19);
	assert_int_equal(stats().refused, 1);
	assert_int_equal(writer_stop(w, 5000), 0);
	w = NULL;
	assert_int_equal(count_counted(), 19);
	assert_int_equal(count_gaps().n, 1);
}

static void
what_comes_too_late_is_not_begun(void **state)
{
	struct store_account account = rig_account(a, 7, NOON);
	struct store_held    held = held_of(&account);
	struct told          told = { .times = 0 };

	(void)state;
	start((struct writer_settings){ .commit_ms = 10 });
	assert_int_equal(writer_put_now(w, &account, &held, clock_mono_us() - 1, note, &told), RC_OK);
	assert_true(writer_flush(w, 20000));
	assert_int_equal(told.rc, RC_AGAIN);
	assert_int_equal(stats().written, 0);
	assert_int_equal(count_kept(), 0);
}

static void
while_the_store_is_away_mail_flows_and_the_gap_is_kept(void **state)
{
	struct store_account account = rig_account(a, 9000, NOON + 9000);
	struct store_held    held = held_of(&account);

	(void)state;
	start((struct writer_settings){ .queue_rows = 100, .commit_rows = 20, .commit_ms = 10, .retry_ms = 50 });
	assert_true(put(1, NOON));
	assert_true(writer_flush(w, 20000));
	rig_take_away();
	for (unsigned n = 2; n < 500; n++)
		put(n, NOON + n); /* does not wait for the store, which comes back only after this */
	assert_int_equal(writer_wait_now(w, &account, &held), RC_AGAIN); /* and this mail is deferred */
	assert_true(stats().dropped > 300);
	assert_true(stats().away);
	assert_true(stats().trouble[0] != '\0');
	rig_bring_back();
	assert_true(writer_flush(w, 60000));
	struct writer_stats st = stats();
	assert_false(st.away);
	assert_int_equal(st.written + st.dropped, 499);
	assert_int_equal(st.put, 500); /* and the one that was told no */
	assert_int_equal(writer_stop(w, 5000), 0);
	w = NULL;
	assert_int_equal(count_kept(), st.written);
	assert_int_equal(count_counted(), (int64_t)st.written);
	assert_int_equal(count_gaps().n, (int64_t)st.dropped);
	struct store *s = rig_open(STORE_READ);
	assert_int_equal(held_get(s, a, held.id, &held), RC_LIMIT);
	store_close(s);
}

static void
a_store_that_is_away_at_the_start_is_waited_for(void **state)
{
	struct bytes           why = B_NONE;
	struct writer_settings set = { .where = arena_printf(a, "%s/later/store.db", rig_dir()).at, .retry_ms = 20 };

	(void)state;
	assert_int_equal(writer_start(&set, a, &w, &why), RC_OK);
	assert_true(why.len > 0);
	assert_true(put(1, NOON));
	assert_false(writer_flush(w, 100));
	assert_true(stats().away);
	/* and when stopped meanwhile, it says how much was lost */
	assert_int_equal(writer_stop(w, 10), 1);
	w = NULL;
}

/* A commit whose connection broke was kept: after the break nothing is there twice. */
static void
a_batch_is_not_written_twice(void **state)
{
	(void)state;
	start((struct writer_settings){ .commit_rows = 50, .commit_ms = 5, .retry_ms = 20 });
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned n = 0; n < 500; n++)
			put(round * 500 + n, NOON + round * 500 + n);
		if (!rig_is_sqlite())
			usleep(1000 * (round + 1));
		rig_take_away();
		usleep(30000);
		rig_bring_back();
	}
	assert_true(writer_flush(w, 60000));
	assert_int_equal(count_kept(), 2000);
	assert_int_equal(count_counted(), 2000);
	assert_int_equal(stats().refused, 0);
}

static void *
put_many(void *arg)
{
	unsigned      first = *(unsigned *)arg;
	struct arena *mine = arena_new((size_t)1 << 26);

	for (unsigned n = first; n < first + 1000; n++) {
		struct store_account account = rig_account(mine, n, NOON + n);
		writer_put(w, &account);
	}
	arena_free(mine);
	return NULL;
}

static void
many_threads_may_put(void **state)
{
	pthread_t threads[4];
	unsigned  first[4];

	(void)state;
	start((struct writer_settings){ .commit_ms = 10 });
	for (unsigned i = 0; i < 4; i++) {
		first[i] = i * 1000;
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &first[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(writer_flush(w, 60000));
	assert_int_equal(count_kept(), 4000);
}

/* ---- forgetting ---- */

#define PATIENCE 1200 /* tenths of a second: only what never comes takes so long */

static bool
wait_for(size_t want)
{
	for (unsigned i = 0; i < PATIENCE; i++) {
		if (count_kept() == want)
			return true;
		usleep(100000);
	}
	return false;
}

static void
old_days_are_forgotten_and_young_ones_stay(void **state)
{
	int64_t now = store_now_us();

	(void)state;
	start((struct writer_settings){ .commit_ms = 10, .prune_ms = 100, .keep = { .keep_days = 7 } });
	for (unsigned n = 0; n < 500; n++)
		put(n, now - (int64_t)(n % 10) * DAY_US); /* ten days, the last two too old */
	assert_true(writer_flush(w, 20000));
	assert_true(wait_for(400));
	usleep(300000);
	assert_int_equal(count_kept(), 400);
	struct store *s = rig_open(STORE_READ);
	size_t        rows = 0;
	struct search q = { .recipient = B("all@example.net"), .limit = SEARCH_LIMIT };
	struct search_end e;
	assert_int_equal(search_run(s, &q, count_one, &rows, &e), RC_OK);
	assert_int_equal(rows, 400);
	int64_t blamed = 1;
	for (unsigned i = 0; i < PATIENCE && blamed > 0; i++) { /* goes behind the accounts */
		usleep(i > 0 ? 100000 : 0);
		blamed = 0;
		assert_int_equal(count_domains(s, now - 9 * DAY_US, now - 8 * DAY_US, 100, add_counts, &blamed), RC_OK);
	}
	assert_int_equal(blamed, 0);
	store_close(s);
}

static bool
add_octets(void *arg, const struct day_size *day)
{
	*(int64_t *)arg += day->octets;
	return true;
}

static void
too_much_is_forgotten_the_oldest_first(void **state)
{
	int64_t now = store_now_us(), octets = 0, limit = 100000;

	(void)state;
	start((struct writer_settings){ .commit_ms = 10, .prune_ms = 50, .keep = { .keep_octets = limit } });
	for (unsigned n = 0; n < 600; n++)
		put(n, now - (int64_t)(n % 3) * DAY_US - (int64_t)n);
	assert_true(writer_flush(w, 20000));
	struct store *s = rig_open(STORE_READ);
	for (unsigned i = 0; i < PATIENCE; i++) {
		octets = 0;
		assert_int_equal(day_list(s, now - 5 * DAY_US, now, add_octets, &octets), RC_OK);
		if (octets <= limit)
			break;
		usleep(100000);
	}
	assert_true(octets <= limit && octets > limit / 10);
	struct search     old = { .to_us = now - DAY_US, .limit = SEARCH_LIMIT }, young = { .from_us = now - DAY_US, .limit = SEARCH_LIMIT };
	struct search_end e;
	size_t            before = 0, after = 0;
	assert_int_equal(search_run(s, &old, count_one, &before, &e), RC_OK);
	assert_int_equal(search_run(s, &young, count_one, &after, &e), RC_OK);
	assert_int_equal(before, 0);
	assert_true(after > 10);
	store_close(s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_put_is_kept_and_counted),
		TEST(a_lone_account_is_kept_within_the_commit_time),
		TEST(stopping_writes_what_is_queued),
		TEST(a_row_that_is_refused_takes_no_other_with_it),
		TEST(what_mail_depends_on_is_there_when_it_is_told),
		TEST(what_is_kept_too_late_is_taken_back),
		TEST(what_could_not_be_taken_back_at_once_is_taken_back_later),
		TEST(a_doubtful_commit_keeps_what_nobody_waits_for),
		TEST(a_doubtful_commit_of_one_row_loses_none_of_the_others),
		TEST(what_comes_too_late_is_not_begun),
		TEST(while_the_store_is_away_mail_flows_and_the_gap_is_kept),
		TEST(a_batch_is_not_written_twice),
		TEST(many_threads_may_put),
		TEST(old_days_are_forgotten_and_young_ones_stay),
		TEST(too_much_is_forgotten_the_oldest_first),
		TEST(a_store_that_is_away_at_the_start_is_waited_for),
	};

	rig_begin(argc, argv);
	for (size_t i = 0; i < NELEMS(tests); i++) {
		rows_add(tests[i].name, tests[i].test_func, NULL);
		rows_tests[rows_count - 1] = tests[i];
	}
	int failed = rows_run("writer");
	rig_end();
	return failed;
}
