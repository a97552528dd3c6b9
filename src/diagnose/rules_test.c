/* diagnose/rules_test.c: every example of a rule leads to that rule: no rule is
 * shadowed by an earlier one, and each says what it means to say. */
#include "base/rows.h"

#include <string.h>

#include "diagnose/explain.h"
#include "diagnose/peel.h"
#include "diagnose/rules.h"

static struct rules *rules;

static const struct rule_row *
rule_named(const char *id)
{
	for (size_t i = 0; i < rules_count(rules); i++)
		if (strcmp(rules_at(rules, i)->id, id) == 0)
			return rules_at(rules, i);
	return NULL;
}

/* A stage that the rule asks for, since an example is only the reply. */
static enum stage
stage_of(const struct rule_row *row)
{
	for (enum stage s = STAGE_CONNECT; s <= STAGE_EOM; s++)
		if (row->stages & 1u << s)
			return s;
	return STAGE_NONE;
}

static void
check_example(void **state)
{
	const struct example_row *e = *state;
	const struct rule_row    *want = rule_named(e->rule), *got = NULL;
	struct arena             *a = arena_new((size_t)1 << 20);
	struct reply_found        reply = peel(a, rules_words(rules, WORDS_PEEL), bytes_of(e->text));
	struct rule_text          text = { .said = reply.text.len > 0 ? reply.text : bytes_of(e->text) };
	struct evidence           evidence = { reply.code, reply.enhanced, stage_of(want), want->provider != 0 ? 1u << want->provider : 0, &text };

	rules_scan(rules, a, &text);
	for (enum rule_tier t = TIER_PROVIDER; t <= TIER_MEANING && got == NULL; t++)
		got = rules_match(rules, a, &evidence, t, t);
	if (got == NULL)
		fail_msg("%s: no rule holds for: %s", e->rule, e->text);
	if (got != want && got->answer != want->answer)
		fail_msg("%s is shadowed by %s for: %s", e->rule, got->id, e->text);
	arena_free(a);
}

#define TEN(x)      x x x x x x x x x x
#define HUNDREDS(x) TEN(TEN(x)) TEN(TEN(x)) TEN(TEN(x))

static const struct glob_row {
	const char *name, *text, *glob;
	bool        holds;
} glob_rows[] = {
	{ "words without a star are found anywhere", "451 held for review, 4711", "held for review", true },
	{ "and not where they are not", "451 held for a review", "held for review", false },
	{ "a star last is any text", "451 held for review, 4711", "held for review*", true },
	{ "or none", "451 held for review", "held for review*", true },
	{ "a star first is any text", "451 held for review", "*held for review", true },
	{ "or none", "held for review", "*held for review", true },
	{ "stars at both ends are however much there is", HUNDREDS("y") "y held " HUNDREDS("y") "y", "*held*", true },
	{ "two stars are one", "held for manual review", "held**review", true },
	{ "and stand for no more than one", "held" HUNDREDS("y") "yreview", "held**review", false },
	{ "a star between is 300 octets", "held" HUNDREDS("y") "review", "held*review", true },
	{ "and not one more", "held" HUNDREDS("y") "yreview", "held*review", false },
	{ "or nothing", "heldreview", "held*review", true },
	{ "words count in their order", "review held", "held*review", false },
	{ "words do not share letters", "heldeview", "held*deview", false },
	{ "the last of several places counts", "held" HUNDREDS("y") "held for review", "held*review", true },
	{ "but not one that is too late", "held for review held", "held*review", true },
	{ "words that overlap themselves", "ref ------x", "---*--x", true },
	{ "many times", "aaaaaaaaaaaab", "aaa*aaa*aaa*aaab", true },
	{ "and one letter too few", "aaaaaaaaaaab", "aaa*aaa*aaa*aaab", false },
	{ "a place that nothing led to does not lead on", "b a" HUNDREDS("y") "y b c", "a*b*c", false },
	{ "a later beginning may reach where the first does not", "a b" HUNDREDS("y") " a b c", "a*b*c", true },
	{ "eight parts", "1 2 3 4 5 6 7 8", "1*2*3*4*5*6*7*8", true },
	{ "of which the last is not there", "1 2 3 4 5 6 7", "1*2*3*4*5*6*7*8", false },
	{ "an empty text has no words", "", "held", false },
	{ "nor words and a star", "", "held*", false },
	{ "a star alone is any text", "held", "*", true },
};

static void
check_glob(void **state)
{
	const struct glob_row *row = *state;

	assert_int_equal(rules_glob_holds(bytes_of(row->text), bytes_of(row->glob)), row->holds);
}

/* Tried every way there is, at any length of a gap that these short texts can have. */
static bool
holds_slowly(struct bytes text, struct bytes glob)
{
	struct bytes rest = glob, words;

	bytes_cut(&rest, '*', &words);
	for (size_t at = 0; at + words.len <= text.len; at++)
		if (bytes_starts(bytes_from(text, at), words) && (rest.at == NULL || holds_slowly(bytes_from(text, at + words.len), rest)))
			return true;
	return false;
}

static void
check_globs(void **state)
{
	static const char *const globs[] = { "ab", "a*b", "aa*a*b", "ab*a*aab", "*ba*aa*", "aba*aba*ab", "a**bb" };

	(void)state;
	for (unsigned n = 0; n < 1u << 14; n++) {
		char         letters[13];
		struct bytes text = bytes_make(letters, 0);
		for (unsigned bits = n; bits > 1; bits >>= 1)
			letters[text.len++] = bits & 1 ? 'a' : 'b';
		for (size_t i = 0; i < NELEMS(globs); i++)
			if (rules_glob_holds(text, bytes_of(globs[i])) != holds_slowly(text, bytes_of(globs[i])))
				fail_msg("\"%s\" in \"%.*s\"", globs[i], B_FMT(text));
	}
}

int
main(void)
{
	rules = rules_new();
	if (rules == NULL)
		return 1;
	for (size_t i = 0; i < rule_examples_count; i++)
		rows_add(rule_examples[i].rule, check_example, &rule_examples[i]);
	ROWS_ADD(glob_rows, check_glob);
	rows_add("words with stars are found where a search of every way finds them", check_globs, NULL);
	int failed = rows_run("rules");
	rules_free(rules);
	return failed;
}
