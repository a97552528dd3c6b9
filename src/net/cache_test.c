/* net/cache_test.c: what is kept, for how long, and what makes room. */
#include "base/rows.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "net/cache.h"

#define SECOND ((uint64_t)1000000)

static struct answer *
answer_of(const char *text)
{
	struct bytes   rdata = bytes_of(text);
	struct answer *a = answer_new(ANSWER_OK, DNS_TXT, 10, &rdata, 1, B_NONE, B_NONE);

	if (a == NULL)
		abort();
	return a;
}

static void
keep(struct cache *c, enum dns_type type, struct bytes name, const char *text, uint32_t ttl, uint64_t now)
{
	struct ask     ask = { type, name };
	struct answer *a = answer_of(text);

	cache_keep(c, &ask, a, ttl, now);
	answer_unref(a);
}

static void
assert_kept(struct cache *c, enum dns_type type, struct bytes name, const char *want, uint64_t now)
{
	struct ask     ask = { type, name };
	struct answer *a = cache_look(c, &ask, now);

	if (want == NULL) {
		assert_null(a);
		return;
	}
	assert_non_null(a);
	assert_bytes(a->rdata[0], bytes_of(want));
	answer_unref(a);
}

static void
an_answer_is_kept_until_its_time_is_over(void **state)
{
	struct cache *c = cache_new(1 << 20);

	(void)state;
	keep(c, DNS_TXT, B("example.com"), "one", 10, 5 * SECOND);
	assert_kept(c, DNS_TXT, B("example.com"), "one", 5 * SECOND);
	assert_kept(c, DNS_TXT, B("example.com"), "one", 15 * SECOND - 1);
	assert_kept(c, DNS_TXT, B("example.com"), NULL, 15 * SECOND);
	struct cache_stats s = cache_count(c);
	assert_int_equal(s.hits, 2);
	assert_int_equal(s.misses, 1);
	assert_int_equal(s.count, 0); /* found stale, it is gone */
	assert_int_equal(s.octets, 0);
	cache_free(c);
}

static void
name_and_type_make_the_difference_but_not_case(void **state)
{
	struct cache *c = cache_new(1 << 20);

	(void)state;
	keep(c, DNS_TXT, B("example.com"), "txt", 10, 0);
	keep(c, DNS_MX, B("example.com"), "mx", 10, 0);
	keep(c, DNS_CAA, B("example.com"), "caa", 10, 0); /* 257 is 1 in the low octet, like A */
	keep(c, DNS_A, B("example.com"), "a", 10, 0);
	keep(c, DNS_TXT, bytes_make("exam\0le.com", 11), "nul", 10, 0);
	assert_kept(c, DNS_TXT, B("EXAMPLE.com"), "txt", 0);
	assert_kept(c, DNS_MX, B("example.com"), "mx", 0);
	assert_kept(c, DNS_CAA, B("example.com"), "caa", 0);
	assert_kept(c, DNS_A, B("example.com"), "a", 0);
	assert_kept(c, DNS_TXT, bytes_make("exam\0le.com", 11), "nul", 0);
	assert_kept(c, DNS_TXT, B("example.org"), NULL, 0);
	assert_int_equal(cache_count(c).count, 5);
	cache_clear(c);
	assert_int_equal(cache_count(c).count, 0);
	assert_kept(c, DNS_TXT, B("example.com"), NULL, 0);
	cache_free(c);
}

static void
a_newer_answer_takes_the_place_of_the_older(void **state)
{
	struct cache *c = cache_new(1 << 20);

	(void)state;
	keep(c, DNS_TXT, B("example.com"), "old", 10, 0);
	keep(c, DNS_TXT, B("example.com"), "new", 10, 0);
	assert_kept(c, DNS_TXT, B("example.com"), "new", 0);
	assert_int_equal(cache_count(c).count, 1);
	cache_free(c);
}

static void
nothing_is_kept_for_no_time_nor_what_is_too_large(void **state)
{
	static char   large[2048];
	struct cache *c = cache_new(64 * 1024); /* 1024 octets a shard */

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	keep(c, DNS_TXT, B("example.com"), "one", 0, 0);
	keep(c, DNS_TXT, B("example.com"), large, 10, 0);
	assert_int_equal(cache_count(c).count, 0);
	cache_free(c);
}

static void
a_full_cache_drops_what_was_not_used_for_longest(void **state)
{
	enum { N = 20000 };
	const size_t  limit = 2 << 20;
	struct cache *c = cache_new(limit);
	char          name[32];

	(void)state;
	keep(c, DNS_TXT, B("in-use.example.com"), "used", 1000, 0);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "n%d.example.com", i);
		keep(c, DNS_TXT, bytes_of(name), "text", 1000, 0);
		if (i % 10 == 0)
			assert_kept(c, DNS_TXT, B("in-use.example.com"), "used", 0);
	}
	struct cache_stats s = cache_count(c);
	assert_true(s.octets <= limit);
	assert_in_range(s.count, 1000, N - 1);
	assert_int_equal(s.evictions, N + 1 - s.count);
	assert_kept(c, DNS_TXT, B("n0.example.com"), NULL, 0);
	assert_kept(c, DNS_TXT, bytes_of(name), "text", 0);
	cache_free(c);
}

static unsigned freed;

static void
count_free(void *made)
{
	(void)made;
	freed++;
}

static void
an_answer_in_hand_outlives_the_cache(void **state)
{
	struct cache  *c = cache_new(1 << 20);
	struct ask     ask = { DNS_TXT, B("example.com") };
	struct answer *a = answer_of("one");

	(void)state;
	freed = 0;
	assert_true(answer_keep(a, a, count_free));
	cache_keep(c, &ask, a, 10, 0);
	answer_unref(a);
	struct answer *mine = cache_look(c, &ask, 0);
	cache_free(c);
	assert_int_equal(freed, 0);
	assert_bytes(mine->rdata[0], B("one"));
	answer_unref(mine);
	assert_int_equal(freed, 1);
}

static void *
hammer(void *arg)
{
	struct cache *c = arg;
	char          name[32];
	uint32_t      random = (uint32_t)(uintptr_t)&name;

	for (int i = 0; i < 20000; i++) {
		random = random * 1664525U + 1013904223U;
		snprintf(name, sizeof(name), "n%u.example.com", (random >> 8) % 3000);
		struct ask     ask = { DNS_TXT, bytes_of(name) };
		struct answer *a = cache_look(c, &ask, (uint64_t)i);
		if (a == NULL) {
			a = answer_of(name);
			cache_keep(c, &ask, a, 1 + random % 3, (uint64_t)i);
		}
		if (!bytes_eq(a->rdata[0], ask.name))
			abort();
		answer_unref(a);
	}
	return NULL;
}

static void
four_threads_see_whole_answers(void **state)
{
	struct cache *c = cache_new(256 * 1024);
	pthread_t     threads[4];

	(void)state;
	for (size_t i = 0; i < NELEMS(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, c), 0);
	for (size_t i = 0; i < NELEMS(threads); i++)
		pthread_join(threads[i], NULL);
	struct cache_stats s = cache_count(c);
	assert_int_equal(s.hits + s.misses, 4 * 20000);
	assert_true(s.octets <= 256 * 1024);
	cache_free(c);
}

int
main(void)
{
#define ADD(test) rows_add(#test, test, NULL)
	ADD(an_answer_is_kept_until_its_time_is_over);
	ADD(name_and_type_make_the_difference_but_not_case);
	ADD(a_newer_answer_takes_the_place_of_the_older);
	ADD(nothing_is_kept_for_no_time_nor_what_is_too_large);
	ADD(a_full_cache_drops_what_was_not_used_for_longest);
	ADD(an_answer_in_hand_outlives_the_cache);
	ADD(four_threads_see_whole_answers);
	return rows_run("cache");
}
