/* diagnose/peel_test.c: replies taken out of what quotes them. */
#include "base/rows.h"

#include "diagnose/peel.h"
#include "diagnose/wordset.h"

static const struct row {
	const char *name, *text;
	const char *whole; /* NULL: not asked */
	const char *code, *enhanced, *words, *host;
	enum stage  stage;
} rows[] = {
	{ "a reply alone", "550 5.1.1 no such user", "550 5.1.1 no such user", "550", "5.1.1", "no such user", "", STAGE_NONE },
	{ "white space is one blank", "550\t5.1.1\r\n\tno  such\v\fuser \r\n", "550 5.1.1 no such user", "550", "5.1.1", "no such user", "", STAGE_NONE },
	{ "white space in front is none", " \r\n 550 no", "550 no", "550", "", "no", "", STAGE_NONE },
	{ "a control is an octet of a word", "550 a\x01" "bcdefgh\x1f\x02 no", "550 a\x01" "bcdefgh\x1f\x02 no", "550", "", "a\x01" "bcdefgh\x1f\x02 no", "", STAGE_NONE },
	{ "no reply goes over an empty line", "550 no such user\n \nThe rest", "550 no such user\nThe rest", "550", "", "no such user", "", STAGE_NONE },
	{ "an empty line is a blank where there is no reply", "no such user\n\nThe rest", "no such user\nThe rest", "", "", "no such user The rest", "", STAGE_NONE },
	{ "the code that further lines repeat is left out", "550-5.1.1 no such\r\n550-5.1.1 user\r\n550 5.1.1 here", NULL, "550", "5.1.1", "no such user here", "", STAGE_NONE },
	{ "with a hyphen it needs no enhanced one behind it", "550-no such\r\n550-user", NULL, "550", "", "no such user", "", STAGE_NONE },
	{ "with a blank it does", "550 5.1.1 no 550 user, 550 5.1.1 here", NULL, "550", "5.1.1", "no 550 user, here", "", STAGE_NONE },
	{ "in the middle of a word it is part of it", "550-5.1.1 no x550-5.1.1 user", NULL, "550", "5.1.1", "no x550-5.1.1 user", "", STAGE_NONE },
	{ "at the very end it stays", "550 5.1.1 no 550", NULL, "550", "5.1.1", "no 550", "", STAGE_NONE },
	{ "of eight octets the second digit may begin a code", "x4x 554 no", NULL, "554", "", "no", "", STAGE_NONE },
	{ "and the last", "xx5xx4 452 no", NULL, "452", "", "no", "", STAGE_NONE },
	{ "what looks alike begins none", "ut tuu uvv 4u0 no 451 try later", NULL, "451", "", "try later", "", STAGE_NONE },
	{ "the last one who quotes is heard", "host a.example.org said: 450 later (host mx.example.net said: 550 5.1.1 no)", NULL, "550", "5.1.1", "no)", "a.example.org", STAGE_NONE },
	{ "who quotes goes on", "host mx.example.net[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command)", NULL, "550", "5.1.1", "no", "mx.example.net", STAGE_RCPT },
	{ "a host in front of the words that tell of it", "mx.example.net [192.0.2.1] did not like our RCPT TO: 550 no", NULL, "550", "", "no", "mx.example.net", STAGE_RCPT },
};

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new(1 << 16);
	struct wordset   *words = peel_words();

	/* With room in front, too: that is where it is looked at in eights from. */
	for (size_t blanks = 0; blanks < 16; blanks++) {
		struct bytes text = arena_join(a, bytes_sub(B("                "), 0, blanks), bytes_of(row->text));
		struct reply_found f = peel(a, words, text);
		if (row->whole != NULL)
			assert_bytes(f.whole, bytes_of(row->whole));
		assert_bytes(f.code, bytes_of(row->code));
		assert_bytes(f.enhanced, bytes_of(row->enhanced));
		assert_bytes(f.text, bytes_of(row->words));
		assert_bytes(f.host, bytes_of(row->host));
		assert_int_equal(f.stage, row->stage);
	}
	wordset_free(words);
	arena_free(a);
}

int
main(void)
{
	return ROWS_RUN("peel", rows, check_row);
}
