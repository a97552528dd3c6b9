#include "desk/limit.h"

#include <stdio.h>

#include "base/rows.h"

#define SECOND 1000000ULL

static bool
take(struct limit *l, const char *key, uint64_t at_us, unsigned *wait)
{
	return limit_take(l, bytes_of(key), at_us, wait);
}

static void
bursts_end(void **state)
{
	struct limit *l = limit_new(64, 3, 10000);
	unsigned      wait = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(take(l, "a", SECOND, &wait));
	assert_false(take(l, "a", SECOND, &wait));
	assert_int_equal(wait, 10);
	assert_true(take(l, "b", SECOND, &wait));
	assert_false(take(l, "a", 6 * SECOND, &wait));
	assert_int_equal(wait, 5);
	assert_true(take(l, "a", 11 * SECOND, &wait));
	assert_false(take(l, "a", 11 * SECOND, &wait));
	limit_free(l);
}

static void
refusals_cost_nothing(void **state)
{
	struct limit *l = limit_new(64, 1, 10000);
	unsigned      wait = 0;

	(void)state;
	assert_true(take(l, "a", 0, &wait));
	for (int i = 0; i < 1000; i++)
		assert_false(take(l, "a", SECOND, &wait));
	assert_true(take(l, "a", 10 * SECOND, &wait));
	limit_free(l);
}

static void
crowds_fit(void **state)
{
	struct limit *l = limit_new(16, 1, 10000);
	unsigned      wait = 0;
	char          key[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_true(take(l, key, SECOND, &wait));
	}
	limit_free(l);
}

static void
neighbours_share(void **state)
{
	struct ip a, b, c, d;
	char      key_a[LIMIT_KEY_MAX], key_b[LIMIT_KEY_MAX];

	(void)state;
	assert_true(ip_parse(B("2001:db8::1"), &a) && ip_parse(B("2001:db8::ffff:1"), &b));
	assert_true(ip_parse(B("192.0.2.1"), &c) && ip_parse(B("192.0.2.2"), &d));
	assert_bytes(limit_key(&a, key_a), limit_key(&b, key_b));
	assert_false(bytes_eq(limit_key(&c, key_a), limit_key(&d, key_b)));
}

int
main(void)
{
	rows_add("after a burst there is one deed in the time, and others are not touched", bursts_end, NULL);
	rows_add("a refusal does not put off the next try", refusals_cost_nothing, NULL);
	rows_add("a crowd pushes itself out and is served", crowds_fit, NULL);
	rows_add("addresses of one /64 share, those of one /24 do not", neighbours_share, NULL);
	return rows_run("desk/limit");
}
