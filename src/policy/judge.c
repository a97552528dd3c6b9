/* policy/judge.c: see judge.h. The order of decision is the order of the rows
 * in `steps`: the first that answers, decides. */
#include "policy/judge.h"

#include "mail/domain.h"
#include "policy/evidence.h"
#include "policy/settings.h"

/* What each step looks at. */
struct case_ {
	struct arena          *arena;
	const struct settings *settings;
	const struct suffix   *suffix;
	const struct facts    *facts;
	struct domain_rule     how; /* of this From domain */
};

static struct domain_rule
how_for(const struct settings *s, struct bytes domain)
{
	const struct domain_rule *r = settings_rule(s, domain);

	if (r != NULL)
		return *r;
	return (struct domain_rule){
		.on_reject = s->dmarc_on_reject,
		.on_temperror = s->dmarc_on_temperror,
		.quarantine = s->dmarc_quarantine,
		.list_exception = s->dmarc_list_exception ? LIST_EXCEPTION_YES : LIST_EXCEPTION_NO,
	};
}

enum quarantine_way
judge_quarantine_way(const struct settings *s, const struct facts *f)
{
	return how_for(s, f->mailbox.domain).quarantine;
}

static struct decision
decide(enum action action, enum reason reason, const char *rule, enum override override)
{
	return (struct decision){ .action = action, .reason = reason, .rule = bytes_of(rule), .override = override };
}

static enum dmarc_policy
published(const struct facts *f)
{
	return f->dmarc_report != NULL ? f->dmarc_report->policy : POLICY_ABSENT;
}

static enum dmarc_policy
applied(const struct facts *f)
{
	return f->dmarc_report != NULL ? f->dmarc_report->applied : POLICY_ABSENT;
}

/* An override is named only where the disposition differs from the policy. */
static enum override
against_policy(const struct facts *f, enum override override)
{
	return f->dmarc.result != RESULT_PASS && applied(f) >= POLICY_QUARANTINE ? override : OVERRIDE_NONE;
}

/* ---- the steps ---- */

static bool
memory_spent(const struct case_ *c, struct decision *out)
{
	if (!c->facts->overdrawn)
		return false;
	*out = decide(ACTION_DEFER, REASON_LIMIT_MEMORY, "message_memory", OVERRIDE_NONE);
	return true;
}

static bool
not_foreign(const struct case_ *c, struct decision *out)
{
	static const struct {
		enum reason reason;
		const char *rule;
	} rows[] = {
		[STANDING_INTERNAL] = { REASON_ACCEPT_INTERNAL, "internal_networks" },
		[STANDING_LOCAL] = { REASON_ACCEPT_LOCAL, "local" },
		[STANDING_AUTHENTICATED] = { REASON_ACCEPT_AUTHENTICATED, "authenticated" },
	};
	enum standing s = c->facts->standing;

	if (s == STANDING_FOREIGN)
		return false;
	*out = decide(ACTION_ACCEPT, rows[s].reason, rows[s].rule, against_policy(c->facts, OVERRIDE_LOCAL_POLICY));
	return true;
}

static bool
from_unreadable(const struct case_ *c, struct decision *out)
{
	const struct finding *from = &c->facts->from;

	if (from->result == RESULT_PASS)
		return false;
	*out = decide(ACTION_REJECT, from->reason, "from", OVERRIDE_NONE);
	return true;
}

static bool
domain_rule(const struct case_ *c, struct decision *out)
{
	const struct domain_rule *r = settings_rule(c->settings, c->facts->mailbox.domain);
	enum override             local = against_policy(c->facts, OVERRIDE_LOCAL_POLICY);

	if (r == NULL || r->action == RULE_JUDGE)
		return false;
	if (r->action == RULE_ACCEPT)
		*out = decide(ACTION_ACCEPT, REASON_ACCEPT_DOMAIN_RULE, NULL, local);
	else if (r->action == RULE_QUARANTINE)
		*out = decide(ACTION_QUARANTINE, REASON_QUARANTINE_DOMAIN_RULE, NULL, OVERRIDE_LOCAL_POLICY);
	else
		*out = decide(ACTION_REJECT, REASON_DOMAIN_RULE, NULL, OVERRIDE_LOCAL_POLICY);
	out->rule = arena_printf(c->arena, "domain %.*s", B_FMT(r->domain));
	return true;
}

static bool
aligned(const struct case_ *c, struct decision *out)
{
	if (c->facts->dmarc.result != RESULT_PASS)
		return false;
	*out = decide(ACTION_ACCEPT, REASON_ACCEPT_ALIGNED, "dmarc.aligned", OVERRIDE_NONE);
	return true;
}

/* Strict: whatever has no aligned pass under p=reject is refused, whoever brings it. */
static bool
is_strict(const struct case_ *c)
{
	return applied(c->facts) == POLICY_REJECT && c->how.on_reject == ON_REJECT_STRICT;
}

/* Only a message that would otherwise be set aside, refused or deferred needs somebody's word. */
static bool
wants_help(const struct case_ *c)
{
	const struct facts *f = c->facts;

	if (is_strict(c))
		return false;
	return f->dmarc.result == RESULT_TEMPERROR || (f->dmarc.result == RESULT_FAIL && applied(f) >= POLICY_QUARANTINE);
}

static bool
trusted_forwarder(const struct case_ *c, struct decision *out)
{
	const struct net_list *nets = &c->settings->dmarc_trusted_forwarders;

	if (!wants_help(c) || !ip_in_list(&c->facts->client, nets->at, nets->count))
		return false;
	*out = decide(ACTION_ACCEPT, REASON_ACCEPT_TRUSTED_FORWARDER, "dmarc.trusted_forwarders",
	              against_policy(c->facts, OVERRIDE_TRUSTED_FORWARDER));
	return true;
}

static bool
trusted_sealer(const struct case_ *c, struct decision *out)
{
	if (!wants_help(c) || !judge_arc_vouches(c->settings, c->facts))
		return false;
	*out = decide(ACTION_ACCEPT, REASON_ACCEPT_TRUSTED_SEALER, "arc.trusted_sealers", against_policy(c->facts, OVERRIDE_LOCAL_POLICY));
	return true;
}

/* SPF or DKIM passed for the very From domain: then the record is not needed
 * to know that they are aligned. */
static bool
same_domain_passed(const struct facts *f)
{
	if (f->spf.finding.result == RESULT_PASS && f->spf.report != NULL && bytes_eq(f->spf.finding.domain, f->mailbox.domain))
		return true;
	for (size_t i = 0; i < f->dkim_count; i++)
		if (f->dkim[i].finding.result == RESULT_PASS && bytes_eq(f->dkim[i].finding.domain, f->mailbox.domain))
			return true;
	return false;
}

static bool
not_found_out(const struct case_ *c, struct decision *out)
{
	const struct facts *f = c->facts;

	if (f->dmarc.result != RESULT_TEMPERROR)
		return false;
	if (same_domain_passed(f)) {
		*out = decide(ACTION_ACCEPT, REASON_ACCEPT_ALIGNED, "dmarc.aligned", OVERRIDE_NONE);
		return true;
	}
	/* What applies is known and asks for less than refusal: trouble is no reason to keep the mail out. */
	bool harmless = applied(f) != POLICY_ABSENT && applied(f) != POLICY_REJECT && !f->dmarc_report->existence_unknown;
	if (harmless || c->how.on_temperror == ON_TEMPERROR_ACCEPT)
		*out = decide(ACTION_ACCEPT, REASON_ACCEPT_TEMPERROR, harmless ? "dmarc.policy" : "dmarc.on_temperror", OVERRIDE_NONE);
	else
		*out = decide(ACTION_DEFER, REASON_DMARC_TEMPERROR, "dmarc.on_temperror", OVERRIDE_NONE);
	return true;
}

static bool
no_policy(const struct case_ *c, struct decision *out)
{
	const struct facts *f = c->facts;

	if (f->dmarc.result == RESULT_FAIL && applied(f) >= POLICY_QUARANTINE)
		return false;
	if (published(f) >= POLICY_QUARANTINE)
		*out = decide(ACTION_ACCEPT, REASON_ACCEPT_TEST_MODE, "dmarc.policy", OVERRIDE_TEST_MODE);
	else
		*out = decide(ACTION_ACCEPT, REASON_ACCEPT_NO_POLICY, "dmarc.policy", OVERRIDE_NONE);
	return true;
}

static bool
asks_for_quarantine(const struct case_ *c, struct decision *out)
{
	if (applied(c->facts) != POLICY_QUARANTINE)
		return false;
	*out = decide(ACTION_QUARANTINE, REASON_QUARANTINE_POLICY, "dmarc.policy",
	              published(c->facts) == POLICY_REJECT ? OVERRIDE_TEST_MODE : OVERRIDE_NONE);
	return true;
}

/* Does `domain` answer for a list of `list`: itself, above it, or of one owner? */
static bool
answers_for(const struct suffix *suffix, struct bytes domain, struct bytes list)
{
	if (domain_is_under(list, domain) || domain_is_under(domain, list))
		return domain_labels(domain) > 1 && domain_labels(list) > 1;
	if (suffix == NULL)
		return false;
	struct bytes x = suffix_registrable(suffix, domain);
	return x.len > 0 && bytes_eq(x, suffix_registrable(suffix, list));
}

/* Anyone can write a List-Id, so its domain must itself pass SPF or DKIM; and
 * even then the message gets never more than this. */
static bool
mailing_list(const struct case_ *c, struct decision *out)
{
	const struct facts *f = c->facts;
	bool                vouched = false;

	if (is_strict(c) || c->how.list_exception == LIST_EXCEPTION_NO || f->list_domain.len == 0)
		return false;
	if (f->spf.finding.result == RESULT_PASS)
		vouched = answers_for(c->suffix, f->spf.finding.domain, f->list_domain);
	for (size_t i = 0; i < f->dkim_count && !vouched; i++)
		if (f->dkim[i].finding.result == RESULT_PASS)
			vouched = answers_for(c->suffix, f->dkim[i].finding.domain, f->list_domain);
	if (!vouched)
		return false;
	*out = decide(ACTION_QUARANTINE, REASON_QUARANTINE_LIST, "dmarc.list_exception", OVERRIDE_MAILING_LIST);
	return true;
}

static bool
really_signed(const struct case_ *c, struct decision *out)
{
	const struct facts *f = c->facts;

	if (is_strict(c))
		return false;
	for (size_t i = 0; i < f->dkim_count; i++)
		if (f->dkim[i].aligned && f->dkim[i].finding.reason == REASON_DKIM_BODY_CHANGED) {
			*out = decide(ACTION_QUARANTINE, REASON_QUARANTINE_ALTERED, "dmarc.on_reject", OVERRIDE_OTHER);
			return true;
		}
	return false;
}

static bool
refuse(const struct case_ *c, struct decision *out)
{
	(void)c;
	*out = decide(ACTION_REJECT, REASON_DMARC_REJECT, "dmarc.on_reject", OVERRIDE_NONE);
	return true;
}

static bool (*const steps[])(const struct case_ *, struct decision *) = {
	memory_spent, not_foreign, from_unreadable, domain_rule, aligned, trusted_forwarder, trusted_sealer,
	not_found_out, no_policy, asks_for_quarantine, mailing_list, really_signed, refuse,
};

struct decision
judge(struct arena *a, const struct settings *settings, const struct suffix *suffix, const struct facts *facts, const char *id)
{
	struct case_    c = { a, settings, suffix, facts, how_for(settings, facts->mailbox.domain) };
	struct decision d = { 0 };

	for (size_t i = 0; i < NELEMS(steps) && !steps[i](&c, &d); i++)
		continue;
	if (d.action == ACTION_QUARANTINE && c.how.quarantine == QUARANTINE_HOLD)
		d.action = ACTION_HOLD;
	if (d.action == ACTION_DEFER || d.action == ACTION_REJECT)
		d.reply = evidence_reply(a, settings, facts, d.reason, id);
	return d;
}

/* ---- ARC ---- */

static bool
is_trusted(const struct settings *s, struct bytes sealer)
{
	for (size_t i = 0; i < s->arc_trusted_sealers.count; i++)
		if (bytes_eq_nocase(s->arc_trusted_sealers.at[i], sealer))
			return true;
	return false;
}

/* How many of the newest sets are by trusted sealers without a gap. */
static size_t
trusted_run(const struct settings *s, const struct arc_report *r)
{
	size_t n = 0;

	while (n < r->count && is_trusted(s, r->sets[r->count - 1 - n].sealer))
		n++;
	return n;
}

bool
judge_arc_trusted(const struct settings *s, const struct facts *f)
{
	return f->arc.result == RESULT_PASS && f->arc_report != NULL && trusted_run(s, f->arc_report) > 0;
}

/* A sealer in front of an untrusted one vouches for nothing: the untrusted one
 * may have written anything under its own new seal. */
bool
judge_arc_vouches(const struct settings *s, const struct facts *f)
{
	if (!judge_arc_trusted(s, f))
		return false;
	const struct arc_report *r = f->arc_report;
	size_t                   run = trusted_run(s, r);
	for (size_t i = r->count - run; i < r->count; i++) {
		const struct arc_set *set = &r->sets[i];
		if (set->dmarc == RESULT_PASS && (set->dmarc_from.len == 0 || bytes_eq_nocase(set->dmarc_from, f->mailbox.domain)))
			return true;
	}
	return false;
}

/* ---- words ---- */

const char *
action_word(enum action x)
{
	static const char *const words[] = {
		[ACTION_ACCEPT] = "accept", [ACTION_QUARANTINE] = "quarantine", [ACTION_HOLD] = "hold",
		[ACTION_DEFER] = "defer",   [ACTION_REJECT] = "reject",
	};
	return words[x];
}

const char *
override_word(enum override x)
{
	static const char *const words[] = {
		[OVERRIDE_NONE] = NULL,
		[OVERRIDE_TEST_MODE] = "policy_test_mode",
		[OVERRIDE_LOCAL_POLICY] = "local_policy",
		[OVERRIDE_MAILING_LIST] = "mailing_list",
		[OVERRIDE_TRUSTED_FORWARDER] = "trusted_forwarder",
		[OVERRIDE_OTHER] = "other",
	};
	return words[x];
}

const char *
standing_word(enum standing x)
{
	static const char *const words[] = {
		[STANDING_FOREIGN] = "foreign",
		[STANDING_INTERNAL] = "internal",
		[STANDING_LOCAL] = "local",
		[STANDING_AUTHENTICATED] = "authenticated",
	};
	return words[x];
}
