/* desk/explainer.c: see explainer.h. */
#include "desk/explainer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "desk/explain_rules.h"
#include "diagnose/explain.h"

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

/* A reply that was pasted begins with its code; all else may be a whole message. */
static struct explained *
explained(struct explainer *e, struct arena *a, struct bytes text)
{
	struct bytes start = bytes_trim(text);
	bool         code = start.len > 3 && start.at[0] >= '2' && start.at[0] <= '5' && byte_is_digit(start.at[1]) &&
	            byte_is_digit(start.at[2]) && (start.at[3] == ' ' || start.at[3] == '-');

	return code ? explain_paste(a, e->rules, start) : explain_message(a, e->rules, text);
}

bool
explainer_json(struct explainer *e, struct arena *a, struct bytes text, bool for_user, int64_t now, struct buf *out)
{
	struct explained *x = explained(e, a, text);
	struct json       j = json_to(out, true);
	char              at[CLOCK_TEXT_MAX];

	if (x == NULL)
		return false;
	clock_format(now, at);
	explained_json(&j, a, x, for_user ? FOR_USER : FOR_ADMIN, at);
	return !out->spoilt;
}

bool
explainer_text(struct explainer *e, struct arena *a, struct bytes text, bool for_user, struct buf *out)
{
	struct explained *x = explained(e, a, text);

	if (x == NULL)
		return false;
	explained_text(out, a, x, for_user ? FOR_USER : FOR_ADMIN);
	return !out->spoilt;
}
