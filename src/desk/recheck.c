/* desk/recheck.c: see recheck.h. */
#include "desk/recheck.h"

#include <string.h>

#include "desk/patience.h"
#include "policy/settings.h"

/* For all questions together: somebody waits, and so do those behind him. */
#define ALL_MS 8000

static struct again_facts
facts_of(struct arena *a, const struct settings *s, const struct suffix *suffix, const struct store_account *account, const struct doc *story,
         int64_t now)
{
	const struct doc       *dkim = doc_at(story, "dkim");
	struct again_signature *all = arena_take_array(a, AGAIN_SIGNATURES, sizeof(*all));
	struct again_facts      f = { .helo = doc_text(story, "client.helo"), .mail_from = doc_text(story, "client.mail_from"),
		                      .from_domain = doc_text(story, "message.from_domain"), .signatures = all, .discovery = s->dmarc_discovery,
		                      .suffix = suffix, .now = now };

	if (!ip_parse(account->client, &f.client))
		f.client.family = 0;
	for (size_t i = 0; all != NULL && i < doc_count(dkim) && f.signature_count < AGAIN_SIGNATURES; i++) {
		const struct doc      *d = doc_item(dkim, i);
		struct again_signature one = { doc_text(d, "domain"), doc_text(d, "selector"), RESULT_NONE, doc_text(d, "reason") };
		(void)!result_of(doc_text(d, "result"), &one.result);
		if (one.domain.len > 0 && one.selector.len > 0)
			all[f.signature_count++] = one;
	}
	return f;
}

/* Lines of DKIM stand in the order of the signatures. */
static void
add_then(struct again_report *r, const struct doc *story, const struct again_facts *f)
{
	size_t signature = 0;

	for (size_t i = 0; i < r->count; i++) {
		const char *check = r->lines[i].checked.check;
		if (strcmp(check, "spf") == 0)
			r->lines[i].then = doc_text(story, "spf.result");
		else if (strcmp(check, "dmarc") == 0)
			r->lines[i].then = doc_text(story, "dmarc.result");
		else if (strcmp(check, "dkim") == 0)
			r->lines[i].then = bytes_of(result_word(f->signatures[signature++].result));
	}
}

const struct again_report *
recheck(struct arena *a, struct resolver *resolver, const struct settings *s, const struct suffix *suffix, const struct store_account *account,
        const struct doc *story, int64_t now)
{
	struct again_facts   f = facts_of(a, s, suffix, account, story, now);
	struct again        *g = f.signatures != NULL ? again_new(a, &f) : NULL;
	const struct answer *answer = NULL;
	struct patience      p = patience_begin(resolver, s->dns_timeout_ms, ALL_MS);
	struct ask           ask;

	if (g == NULL)
		return NULL;
	while (again_step(g, answer, &ask) == STEP_ASKS)
		answer = patience_answer(&p, a, &ask);
	add_then(again_report(g), story, &f);
	return again_report(g);
}
