/* auth/bodyhash_test.c: body hashes against the canonical text written out. */
#include "base/rows.h"

#include <openssl/evp.h>

#include "auth/bodyhash.h"

/* What is hashed, written by hand from RFC 6376 sections 3.4.3 and 3.4.4. */
static const struct row {
	const char *name, *body, *simple, *relaxed;
} rows[] = {
	{ "an empty body is one CRLF, or nothing", "", "\r\n", "" },
	{ "a body of one CRLF is the same", "\r\n", "\r\n", "" },
	{ "a body of many CRLFs is the same", "\r\n\r\n\r\n", "\r\n", "" },
	{ "blanks alone are nothing when relaxed", " \t ", " \t \r\n", "" },
	{ "lines of blanks are empty lines when relaxed", " \r\n\t\r\n", " \r\n\t\r\n", "" },
	{ "the example of 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "a missing CRLF at the end is added", "abc", "abc\r\n", "abc\r\n" },
	{ "empty lines inside stay", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "a first empty line stays", "\r\na\r\n", "\r\na\r\n", "\r\na\r\n" },
	{ "blanks at the end of lines go", "a \t\r\nb\t \r\n", "a \t\r\nb\t \r\n", "a\r\nb\r\n" },
	{ "blanks at the start of a line become one", "\t  a\r\n", "\t  a\r\n", " a\r\n" },
	{ "a bare LF is an octet", "a\nb \n\r\n", "a\nb \n\r\n", "a\nb \n\r\n" },
	{ "a bare CR is an octet", "a\rb \rc\r\n", "a\rb \rc\r\n", "a\rb \rc\r\n" },
	{ "CR CR LF keeps one CR", "a\r\r\nb", "a\r\r\nb\r\n", "a\r\r\nb\r\n" },
	{ "a CR at the very end is an octet", "a\r\n\r", "a\r\n\r\r\n", "a\r\n\r\r\n" },
	{ "a bare LF keeps the lines before it", "a\r\n\r\n\n", "a\r\n\r\n\n\r\n", "a\r\n\r\n\n\r\n" },
	{ "blanks behind a bare CR count as they stand", "a \r b", "a \r b\r\n", "a \r b\r\n" },
	{ "trailing blanks and lines together", "a\r\n \r\n\t\r\n ", "a\r\n \r\n\t\r\n \r\n", "a\r\n" },
};

static void
want_hash(struct bytes text, uint8_t hash[32])
{
	assert_int_equal(EVP_Digest(text.at, text.len, hash, NULL, EVP_sha256(), NULL), 1);
}

static void
check_cut(struct bytes body, size_t step, enum canon canon, struct bytes canonical, uint64_t length)
{
	struct arena    *a = arena_new(100000);
	struct bodyhash *h = bodyhash_new(a);
	uint8_t          have[32], want[32];
	uint64_t         total;
	int              handle = bodyhash_want(h, canon, length);

	assert_true(handle >= 0);
	for (size_t i = 0; i < body.len; i += step)
		bodyhash_feed(h, bytes_sub(body, i, step));
	bodyhash_end(h);
	bodyhash_value(h, handle, have, &total);
	want_hash(length < canonical.len ? bytes_sub(canonical, 0, (size_t)length) : canonical, want);
	assert_memory_equal(have, want, 32);
	assert_int_equal(total, canonical.len);
	assert_false(arena_overdrawn(a));
	arena_free(a);
}

static void
check(void **state)
{
	const struct row *row = *state;

	for (size_t step = 1; step < 8; step++) {
		check_cut(bytes_of(row->body), step, CANON_SIMPLE, bytes_of(row->simple), BODYHASH_ALL);
		check_cut(bytes_of(row->body), step, CANON_RELAXED, bytes_of(row->relaxed), BODYHASH_ALL);
		check_cut(bytes_of(row->body), step, CANON_SIMPLE, bytes_of(row->simple), 2);
		check_cut(bytes_of(row->body), step, CANON_RELAXED, bytes_of(row->relaxed), 2);
		check_cut(bytes_of(row->body), step, CANON_RELAXED, bytes_of(row->relaxed), 0);
	}
}

static void
large_bodies_cross_the_buffer(void **state)
{
	static char text[100000];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	for (size_t step = 1000; step < 100000; step += 7001) {
		struct bytes body = bytes_make(text, sizeof(text) - 2);
		text[sizeof(text) - 2] = '\r';
		text[sizeof(text) - 1] = '\n';
		check_cut(body, step, CANON_SIMPLE, bytes_make(text, sizeof(text)), BODYHASH_ALL);
		check_cut(body, step, CANON_RELAXED, bytes_make(text, sizeof(text)), BODYHASH_ALL);
		check_cut(body, step, CANON_RELAXED, bytes_make(text, sizeof(text)), 9000);
	}
}

static void
equal_wishes_are_one(void **state)
{
	struct arena    *a = arena_new(100000);
	struct bodyhash *h = bodyhash_new(a);

	(void)state;
	int one = bodyhash_want(h, CANON_RELAXED, BODYHASH_ALL);
	assert_int_equal(bodyhash_want(h, CANON_RELAXED, BODYHASH_ALL), one);
	assert_int_not_equal(bodyhash_want(h, CANON_SIMPLE, BODYHASH_ALL), one);
	assert_int_not_equal(bodyhash_want(h, CANON_RELAXED, 5), one);
	arena_free(a);
}

static void
wishes_are_bounded(void **state)
{
	struct arena    *a = arena_new(100000);
	struct bodyhash *h = bodyhash_new(a);
	uint64_t         length = 0;

	(void)state;
	while (length < 1000 && bodyhash_want(h, CANON_SIMPLE, length) >= 0)
		length++;
	assert_int_equal(length, BODYHASH_WISHES);
	assert_false(arena_overdrawn(a));
	arena_free(a);
}

static void
no_memory_is_no_crash(void **state)
{
	struct arena    *a = arena_new(2000);
	struct bodyhash *h = bodyhash_new(a);

	(void)state;
	assert_non_null(h);
	assert_true(bodyhash_want(h, CANON_RELAXED, BODYHASH_ALL) < 0);
	assert_true(arena_overdrawn(a));
	bodyhash_feed(h, B("a b\r\n"));
	bodyhash_end(h);
	arena_free(a);
	assert_null(bodyhash_new(NULL));
}

int
main(void)
{
	ROWS_ADD(rows, check);
	rows_add("large bodies cross the buffer", large_bodies_cross_the_buffer, NULL);
	rows_add("equal wishes are computed once", equal_wishes_are_one, NULL);
	rows_add("the number of wishes is bounded", wishes_are_bounded, NULL);
	rows_add("without memory there is no hash and no crash", no_memory_is_no_crash, NULL);
	return rows_run("bodyhash");
}
