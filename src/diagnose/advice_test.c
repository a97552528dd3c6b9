/* diagnose/advice_test.c: sentences filled with what is known of a refusal. */
#include "base/rows.h"

#include "diagnose/explain.h"

#define TEN(x) x x x x x x x x x x
#define LONG   TEN(TEN("abc")) /* as long as a fact may be */

static const struct row {
	const char *name, *template, *host, *reply, *want;
} rows[] = {
	{ "a fact stands where it is named", "ask {host}, at once", "mx.example.net", "", "ask mx.example.net, at once" },
	{ "what is not known is paraphrased", "ask {host}", "", "", "ask the receiving server" },
	{ "with a capital at the front of a sentence", "{host} refused", "", "", "The receiving server refused" },
	{ "which a fact does not get", "{host} refused", "the.example.net", "", "the.example.net refused" },
	{ "nor what is no beginning", "{ip}", "", "", "(address not named)" },
	{ "a long fact is whole", "{host}{host}", LONG, "", LONG LONG },
	{ "a longer one is paraphrased", "ask {host}", LONG "d", "", "ask the receiving server" },
	{ "an address is looked for in the reply", "{ip} of {host}", "", "no mail from 192.0.2.256 or 192.0.2.1.", "192.0.2.1 of the receiving server" },
	{ "groups are, too", "restricted{groups}", "", "It only accepts mail from staff. Sorry", "restricted (it says: staff)" },
	{ "a name that is none gives nothing", "a{b}c", "", "", "ac" },
	{ "a brace that is not closed is the end", "a{host", "mx.example.net", "", "amx.example.net" },
	{ "an empty sentence is empty", "", "", "", "" },
};

static void
check_row(void **state)
{
	const struct row     *row = *state;
	struct arena         *a = arena_new(1 << 16);
	struct answer_row     answer = { .cause = row->template, .scope = SCOPE_RECIPIENT };
	struct reading        reading = { 0 };
	struct bounce_facts   facts = { .arena = a, .reading = &reading, .host = bytes_of(row->host) };
	struct bounce_verdict v = { .answer = &answer, .facts = &facts, .reply = { .text = bytes_of(row->reply) } };

	for (int i = 0; i < 2; i++) /* what was found is there */
		assert_bytes(advice_cause(a, &v), bytes_of(row->want));
	arena_free(a);
}

static void
without_memory_for_the_facts_all_are_paraphrased(void **state)
{
	struct arena         *a = arena_new(1 << 16);
	struct answer_row     answer = { .cause = "{recipient} at {host}" };
	struct bounce_verdict v = { .answer = &answer };

	(void)state;
	assert_bytes(advice_cause(a, &v), B("The recipient at the receiving server"));
	arena_free(a);
}

int
main(void)
{
	rows_add("without memory for the facts all are paraphrased", without_memory_for_the_facts_all_are_paraphrased, NULL);
	return ROWS_RUN("advice", rows, check_row);
}
