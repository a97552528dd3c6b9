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
	{ "who is written to, not who writes", B_INIT("Hello Anna (anna@example.org),\nyour message from anna@example.org to ben@example.net was not delivered.\nContact postmaster@example.net.\n550 5.1.1 User unknown\n"),
	  KIND_BOUNCE, "ben@example.net", "unknown-quoted-user" },
	{ "the head of the report as a client shows it: it was written to the sender",
	  B_INIT("From: Mail Delivery System <postmaster@example.org>\nTo: anna@example.org\nYour message wasn't delivered to ben@example.net because the address couldn't be found.\n550 5.1.1 User unknown\n"), KIND_BOUNCE,
	  "ben@example.net", "unknown-quoted-user" },
	{ "in German", B_INIT("Von: postmaster@example.org\nAn: anna@example.org\nIhre Nachricht von anna@example.org an ben@example.net konnte nicht zugestellt werden.\n550 5.1.1 User unknown\n"), KIND_BOUNCE, "ben@example.net",
	  "unknown-quoted-user" },
	{ "in French", B_INIT("Votre message envoy\xc3\xa9 par anna@example.org n'a pas pu \xc3\xaatre remis \xc3\xa0 ben@example.net.\n550 5.1.1 User unknown\n"), KIND_BOUNCE, "ben@example.net", "unknown-quoted-user" },
	{ "in Spanish", B_INIT("El mensaje de anna@example.org para ben@example.net no se pudo entregar.\n550 5.1.1 User unknown\n"), KIND_BOUNCE, "ben@example.net", "unknown-quoted-user" },
	{ "in Japanese",
	  B_INIT("anna@example.org \xe3\x81\x8b\xe3\x82\x89 ben@example.net \xe3\x81\xb8\xe3\x81\xae\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab\xe3\x81\xaf\xe9\x80\x81\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93\n550 5.1.1 User unknown\n"),
	  KIND_BOUNCE, "ben@example.net", "unknown-quoted-user" },
	{ "in Russian",
	  B_INIT("\xd0\xa1\xd0\xbe\xd0\xbe\xd0\xb1\xd1\x89\xd0\xb5\xd0\xbd\xd0\xb8\xd0\xb5 \xd0\xbe\xd1\x82 anna@example.org \xd0\xbd\xd0\xb5 "
	         "\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0\xbd\xd0\xbe \xd0\xbf\xd0\xbe\xd0\xbb\xd1\x83\xd1\x87\xd0\xb0\xd1\x82\xd0\xb5\xd0\xbb\xd1\x8e ben@example.net.\n550 5.1.1 User unknown\n"),
	  KIND_BOUNCE, "ben@example.net", "unknown-quoted-user" },
	{ "the help desk that asks is no recipient", B_INIT("I am carol@example.com. anna@example.org gets this when she writes to ben@example.net:\n550 5.1.1 User unknown\n"), KIND_BOUNCE, "ben@example.net", "unknown-quoted-user" },
	{ "the message quoted below has its own head: there To is the recipient",
	  B_INIT("550 5.1.1 User unknown\n\nFrom: anna@example.org\nTo: ben@example.net\nSubject: hello\n"), KIND_BOUNCE, "ben@example.net", "unknown-quoted-user" },
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

/* All about ben@example.net. */
static const struct reply_row {
	const char  *name;
	struct bytes in;
	const char  *reply;
} replies[] = {
	{ "a reply ends where a paragraph does",
	  B_INIT("Delivery has failed to these recipients or groups:\n\nben@example.net\n\nmx.example.net gave this error:\n550 5.1.1 User\nunknown\n\nGenerating server: out.example.org\n"),
	  "User unknown" },
	{ "also behind a code that stands alone", B_INIT("ben@example.net could not be reached. Error 550:\n\n5.1.1 User unknown\n\nGenerating server: out.example.org\n"), "User unknown" },
	{ "also in HTML, where the address is a link",
	  B_INIT("<html><body><p>Delivery has failed to these recipients or groups:</p><p><a href=\"mailto:ben@example.net\">ben@example.net</a></p><p>mx.example.net gave this error:<br>"
	         "550 5.1.1 User unknown</p><p>Generating server: out.example.org</p></body></html>"),
	  "User unknown" },
	{ "an address that nobody escaped is no tag", B_INIT("<html><p>Your message to <ben@example.net> was not delivered.</p><p>550 5.1.1 User unknown</p></html>"), "User unknown" },
};

static void
check_reply(void **state)
{
	const struct reply_row *row = *state;
	struct arena           *a = arena_new((size_t)16 << 20);
	struct rules           *rules = rules_new();
	struct explained       *x = explain_message(a, rules, row->in);

	assert_non_null(x);
	assert_int_equal(x->count, 1);
	assert_bytes(x->list[0].said->recipient, B("ben@example.net"));
	assert_bytes(x->list[0].reply.text, bytes_of(row->reply));
	rules_free(rules);
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	ROWS_ADD(replies, check_reply);
	rows_add("200 files of random octets are no reports", random_octets, NULL);
	return rows_run("paste");
}
