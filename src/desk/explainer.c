/* desk/explainer.c: see explainer.h. */
#include "desk/explainer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "desk/explain_rules.h"
#include "diagnose/explain.h"
#include "diagnose/live.h"

/* Recipients of one report that are looked up. */
#define LIVE_MAX 5

struct explainer {
	struct rules *rules;
};

struct explainer *
explainer_new(struct bytes own_rules)
{
	struct explainer  *e = calloc(1, sizeof(*e));
	struct arena      *a = arena_new(CONF_MEMORY_MAX);
	struct conf_faults faults = { .count = 0 };

	if (e != NULL)
		e->rules = explain_rules_read(a, own_rules, &faults);
	arena_free(a);
	if (e != NULL && e->rules != NULL)
		return e;
	free(e);
	return NULL;
}

void
explainer_free(struct explainer *e)
{
	if (e == NULL)
		return;
	rules_free(e->rules);
	free(e);
}

bool
explainer_is_reply(struct bytes text)
{
	return text.len >= 3 && text.at[0] >= '2' && text.at[0] <= '5' && byte_is_digit(text.at[1]) && byte_is_digit(text.at[2]) &&
	       (text.len == 3 || text.at[3] == ' ' || text.at[3] == '-');
}

struct explained *
explainer_read(struct explainer *e, struct arena *a, struct bytes text)
{
	struct bytes start = bytes_trim(text);

	return explainer_is_reply(start) ? explain_paste(a, e->rules, start) : explain_message(a, e->rules, text);
}

void
explainer_look(struct explained *x, struct arena *a, const struct patience *p, int64_t now)
{
	for (size_t i = 0; i < x->count && i < LIVE_MAX; i++) {
		struct live         *l = live_new(a, x, &x->list[i], now);
		const struct answer *answer = NULL;
		struct ask           ask;
		while (l != NULL && live_step(l, answer, &ask) == STEP_ASKS)
			answer = patience_answer(p, a, &ask);
	}
}

bool
explainer_json(const struct explained *x, struct arena *a, bool for_user, int64_t now, struct buf *out)
{
	struct json j = json_to(out, true);
	char        at[CLOCK_TEXT_MAX];

	clock_format(now, at);
	explained_json(&j, a, x, for_user ? FOR_USER : FOR_ADMIN, at);
	return !out->spoilt;
}

bool
explainer_text(const struct explained *x, struct arena *a, bool for_user, struct buf *out)
{
	explained_text(out, a, x, for_user ? FOR_USER : FOR_ADMIN);
	return !out->spoilt;
}
