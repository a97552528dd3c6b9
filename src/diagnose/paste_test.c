/* diagnose/paste_test.c: what a person hands over without a header: texts of
 * all kinds, and files that are none. */
#include "base/rows.h"

#include <string.h>

#include "diagnose/explain.h"

static const struct row {
	const char      *name;
	struct bytes     in;
	enum bounce_kind kind;
	const char      *recipient, *rule; /* of the first report; NULL: there is none, or none holds */
} rows[] = {
	{ "an address alone reports nothing", B_INIT("ben@example.net"), KIND_NOT_A_BOUNCE, NULL, NULL },
	{ "a letter with an address in it reports nothing", B_INIT("Dear Anna,\n\nplease write to ben@example.net from now on.\n\nKind regards\n"), KIND_NOT_A_BOUNCE, NULL, NULL },
	{ "a word that a rule knows is enough in a line", B_INIT("No such user here"), KIND_BOUNCE, "", "unknown-quoted-user" },
	{ "a file of Windows in UTF-16 is read", B_INIT("\xff\xfe" "5\0" "5\0" "0\0 \0" "n\0o\0 \0s\0u\0c\0h\0 \0u\0s\0e\0r\0"), KIND_BOUNCE, "", "unknown-quoted-user" },
	{ "in the other order of octets, too", B_INIT("\xfe\xff" "\0" "5\0" "5\0" "0\0 \0n\0o\0 \0s\0u\0c\0h\0 \0u\0s\0e\0r"), KIND_BOUNCE, "", "unknown-quoted-user" },
	{ "a mark in front of UTF-8 is no part of the reply", B_INIT("\xef\xbb\xbf" "550 no such user"), KIND_BOUNCE, "", "unknown-quoted-user" },
	{ "a program is no report, whatever words are in it", B_INIT("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\276\0\1\0\0\0 550 5.1.1 User unknown\0mailbox full\0\0\0"), KIND_NOT_A_BOUNCE, NULL, NULL },
	{ "one NUL does not make a reply unreadable", B_INIT("550 5.1.1 no such\0 user"), KIND_BOUNCE, "", "unknown-quoted-user" },
};

static void
check(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new((size_t)16 << 20);
	struct rules     *rules = rules_new();
	struct explained *x = explain_message(a, rules, row->in);

	assert_non_null(x);
	assert_string_equal(kind_word(x->reading->kind), kind_word(row->kind));
	assert_int_equal(x->count > 0, row->recipient != NULL);
	if (row->recipient != NULL) {
		assert_bytes(x->list[0].said->recipient, bytes_of(row->recipient));
		assert_string_equal(x->list[0].rule != NULL ? x->list[0].rule->id : "(none)", row->rule != NULL ? row->rule : "(none)");
	}
	rules_free(rules);
	arena_free(a);
}

/* The same octets in every run. */
static void
fill_random(char *octets, size_t count, uint32_t seed)
{
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < count; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		octets[i] = (char)(x >> 11);
	}
}

static void
random_octets(void **state)
{
	static const size_t sizes[] = { 100, 1000, 10000, 100000 };
	static char         octets[100000];
	struct rules       *rules = rules_new();

	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct arena *a = arena_new((size_t)16 << 20);
		size_t        n = sizes[seed % NELEMS(sizes)];
		fill_random(octets, n, seed);
		struct explained *x = explain_message(a, rules, bytes_make(octets, n));
		assert_non_null(x);
		if (x->reading->kind != KIND_NOT_A_BOUNCE || x->count != 0)
			fail_msg("%zu octets of seed %u are taken for a %s", n, seed, kind_word(x->reading->kind));
		arena_free(a);
	}
	rules_free(rules);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	rows_add("200 files of random octets are no reports", random_octets, NULL);
	return rows_run("paste");
}
