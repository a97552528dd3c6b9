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

int
main(void)
{
	rules = rules_new();
	if (rules == NULL)
		return 1;
	for (size_t i = 0; i < rule_examples_count; i++)
		rows_add(rule_examples[i].rule, check_example, &rule_examples[i]);
	int failed = rows_run("rules");
	rules_free(rules);
	return failed;
}
