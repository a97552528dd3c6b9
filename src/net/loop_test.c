/* net/loop_test.c: descriptors, timers and messages. */
#include "base/rows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

static struct loop *loop;
static char         trace[64];

static void
note_down(const char *what)
{
	size_t len = strlen(trace), more = strlen(what);

	assert_true(len + more < sizeof(trace));
	memcpy(trace + len, what, more + 1);
}

static void
begin(void)
{
	loop = loop_new();
	assert_non_null(loop);
	trace[0] = '\0';
}

static void
run_for(unsigned ms, struct timer **end, void (*fn)(void *))
{
	*end = timer_new(loop, fn, NULL);
	assert_non_null(*end);
	timer_set(*end, ms);
	assert_int_equal(loop_run(loop), RC_OK);
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void
write_name(void *arg)
{
	note_down(arg);
}

static void
timers_fire_in_order_of_their_time(void **state)
{
	static char   names[][2] = { "d", "a", "c", "b" };
	unsigned      after[] = { 40, 10, 30, 20 };
	struct timer *end;

	(void)state;
	begin();
	for (size_t i = 0; i < 4; i++) {
		struct timer *t = timer_new(loop, write_name, names[i]);
		assert_non_null(t);
		timer_set(t, after[i]);
	}
	run_for(50, &end, stop);
	assert_string_equal(trace, "abcd");
	loop_free(loop);
}

static void
a_timer_off_does_not_fire_and_one_set_again_fires_once(void **state)
{
	struct timer *end;

	(void)state;
	begin();
	struct timer *off = timer_new(loop, write_name, "x"), *moved = timer_new(loop, write_name, "m");
	timer_set(off, 1);
	timer_set(moved, 1);
	timer_set(moved, 5);
	assert_true(timer_is_on(off));
	timer_off(off);
	timer_off(off);
	assert_false(timer_is_on(off));
	run_for(20, &end, stop);
	assert_string_equal(trace, "m");
	assert_false(timer_is_on(moved));
	loop_free(loop);
}

static uint64_t fired_last_us;
static size_t   fired;

static void
count_ordered(void *arg)
{
	uint64_t due = *(uint64_t *)arg;

	assert_true(due >= fired_last_us);
	fired_last_us = due;
	fired++;
}

static void
ten_thousand_timers_moved_and_removed_keep_their_order(void **state)
{
	enum { N = 10000 };
	static struct timer *timers[N];
	static uint64_t      due[N];
	struct timer        *end;
	uint32_t             random = 1;
	size_t               left = 0;

	(void)state;
	begin();
	fired = 0;
	fired_last_us = 0;
	for (size_t i = 0; i < N; i++) {
		timers[i] = timer_new(loop, count_ordered, &due[i]);
		assert_non_null(timers[i]);
	}
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 0; i < N; i++) {
			random = random * 1664525U + 1013904223U;
			/* Whole milliseconds apart, so that the clock of setting does not count. */
			due[i] = 100 + (random >> 8) % 5 * 100;
			timer_set(timers[i], due[i]);
		}
	for (size_t i = 0; i < N; i++) {
		if (i % 3 != 0) {
			left++;
			continue;
		}
		if (i % 2 != 0)
			timer_off(timers[i]);
		else
			timer_free(timers[i]);
	}
	run_for(700, &end, stop);
	assert_int_equal(fired, left);
	loop_free(loop);
}

static struct timer *again;
static unsigned      rounds;

static void
set_again(void *arg)
{
	(void)arg;
	rounds++;
	timer_set(again, 0);
}

static void
a_timer_that_sets_itself_to_nothing_does_not_starve_the_loop(void **state)
{
	struct timer *end;

	(void)state;
	begin();
	rounds = 0;
	again = timer_new(loop, set_again, NULL);
	timer_set(again, 0);
	run_for(10, &end, stop);
	assert_true(rounds > 1);
	loop_free(loop);
}

static int pair[2];

static void
read_one(void *arg, unsigned got)
{
	char c;

	(void)arg;
	assert_int_equal(got, WATCH_READ);
	assert_int_equal(read(pair[0], &c, 1), 1);
	note_down((char[]){ c, '\0' });
	if (c == 'z')
		loop_stop(loop);
}

static void
reading_is_reported_as_long_as_there_is_something(void **state)
{
	(void)state;
	begin();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	struct watch *w = watch_new(loop, pair[0], WATCH_READ, read_one, NULL);
	assert_non_null(w);
	assert_int_equal(watch_fd(w), pair[0]);
	assert_int_equal(write(pair[1], "xyz", 3), 3);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_string_equal(trace, "xyz");
	watch_free(w);
	close(pair[0]);
	close(pair[1]);
	loop_free(loop);
}

static void
must_not_happen(void *arg, unsigned got)
{
	(void)arg;
	(void)got;
	fail_msg("a silenced or freed watch was called");
}

static void
what_is_not_wanted_is_not_reported_even_a_hangup(void **state)
{
	struct timer *end;

	(void)state;
	begin();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	struct watch *w = watch_new(loop, pair[0], WATCH_READ, must_not_happen, NULL);
	watch_want(w, 0);
	close(pair[1]);
	uint64_t before = clock_mono_us();
	run_for(30, &end, stop);
	assert_true(clock_mono_us() - before >= 30000);
	close(pair[0]); /* too early, but the loop survives a free after it */
	loop_free(loop);
}

static unsigned hangups;

static void
on_hangup(void *arg, unsigned got)
{
	(void)arg;
	assert_int_equal(got, WATCH_HANGUP);
	hangups++;
	loop_stop(loop);
}

static void
a_hangup_is_seen_without_reading(void **state)
{
	(void)state;
	begin();
	hangups = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	struct watch *w = watch_new(loop, pair[0], WATCH_HANGUP, on_hangup, NULL);
	assert_int_equal(write(pair[1], "unread", 6), 6);
	close(pair[1]);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(hangups, 1);
	watch_free(w);
	close(pair[0]);
	loop_free(loop);
}

static struct watch *both[2];

static void
free_the_other(void *arg, unsigned got)
{
	size_t me = arg == (void *)&both[0] ? 0 : 1;

	(void)got;
	note_down("1");
	watch_free(both[1 - me]);
	watch_free(both[me]);
	loop_stop(loop);
}

static void
a_watch_freed_in_the_same_round_is_not_called(void **state)
{
	(void)state;
	begin();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(write(pair[0], "x", 1), 1);
	assert_int_equal(write(pair[1], "x", 1), 1);
	both[0] = watch_new(loop, pair[0], WATCH_READ, free_the_other, &both[0]);
	both[1] = watch_new(loop, pair[1], WATCH_READ, free_the_other, &both[1]);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_string_equal(trace, "1");
	close(pair[0]);
	close(pair[1]);
	loop_free(loop);
}

enum { SENDERS = 4, EACH = 5000 };

static size_t   arrived[SENDERS];
static unsigned arrived_all;

struct parcel {
	size_t sender, number;
};

static void
arrive(void *arg)
{
	struct parcel *p = arg;

	assert_int_equal(arrived[p->sender], p->number);
	arrived[p->sender]++;
	free(p);
	if (++arrived_all == SENDERS * EACH)
		loop_stop(loop);
}

static void *
send_all(void *arg)
{
	size_t sender = (size_t)(uintptr_t)arg;

	for (size_t i = 0; i < EACH; i++) {
		struct parcel *p = malloc(sizeof(*p));
		if (p == NULL)
			abort();
		*p = (struct parcel){ sender, i };
		if (loop_post(loop, arrive, p) != RC_OK)
			abort();
	}
	return NULL;
}

static void
messages_of_four_threads_all_arrive_each_in_its_order(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	begin();
	memset(arrived, 0, sizeof(arrived));
	arrived_all = 0;
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, (void *)(uintptr_t)i), 0);
	assert_int_equal(loop_run(loop), RC_OK);
	for (size_t i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(arrived_all, SENDERS * EACH);
	loop_free(loop);
}

static void
what_was_posted_runs_when_the_loop_is_freed(void **state)
{
	static struct note n;

	(void)state;
	begin();
	loop_send(loop, &n, write_name, "s");
	assert_int_equal(loop_post(loop, write_name, "p"), RC_OK);
	assert_string_equal(trace, "");
	loop_free(loop);
	assert_string_equal(trace, "sp");
}

static unsigned posted;

static void
post_again(void *arg)
{
	posted++;
	note_down("[");
	if (posted < 3)
		assert_int_equal(loop_post(loop, post_again, arg), RC_OK);
	else
		loop_stop(loop);
	note_down("]");
}

static void
a_message_posted_from_a_message_is_not_run_within_it(void **state)
{
	(void)state;
	begin();
	posted = 0;
	assert_int_equal(loop_post(loop, post_again, NULL), RC_OK);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_string_equal(trace, "[][][]");
	loop_free(loop);
}

static void
a_stop_before_the_run_ends_it_after_one_round(void **state)
{
	(void)state;
	begin();
	assert_int_equal(loop_post(loop, write_name, "once"), RC_OK);
	loop_stop(loop);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_string_equal(trace, "once");
	loop_free(loop);
}

int
main(void)
{
#define ADD(test) rows_add(#test, test, NULL)
	ADD(timers_fire_in_order_of_their_time);
	ADD(a_timer_off_does_not_fire_and_one_set_again_fires_once);
	ADD(ten_thousand_timers_moved_and_removed_keep_their_order);
	ADD(a_timer_that_sets_itself_to_nothing_does_not_starve_the_loop);
	ADD(reading_is_reported_as_long_as_there_is_something);
	ADD(what_is_not_wanted_is_not_reported_even_a_hangup);
	ADD(a_hangup_is_seen_without_reading);
	ADD(a_watch_freed_in_the_same_round_is_not_called);
	ADD(messages_of_four_threads_all_arrive_each_in_its_order);
	ADD(what_was_posted_runs_when_the_loop_is_freed);
	ADD(a_message_posted_from_a_message_is_not_run_within_it);
	ADD(a_stop_before_the_run_ends_it_after_one_round);
	return rows_run("loop");
}
