/* diagnose/live.c: see live.h. Each check is a row: it may begin with what is
 * known of the mail, and is then stepped with answers until it has concluded. */
#include "diagnose/live.h"

#include "auth/dmarc.h"
#include "auth/spf.h"
#include "base/ip.h"
#include "diagnose/mime.h"
#include "diagnose/mx.h"
#include "diagnose/published.h"
#include "diagnose/reverse.h"
#include "mail/domain.h"

#define CHECKS_MAX 8

struct live {
	struct arena           *arena;
	const struct explained *x;
	struct bounce_verdict  *v;
	const struct bounce_facts *facts;
	struct checked         *checked;
	size_t                  count;
	size_t                  row; /* of checks[] */
	bool                    begun;
	int64_t                 now;
	struct ip               ip;
	struct spf             *spf;
	struct dmarc           *dmarc;
	struct mx              *mx;
	struct bytes            dkim_domain;
	struct reverse          reverse;
};

static void
conclude(struct live *l, const char *check, enum check_state state, struct bytes evidence)
{
	if (l->count < CHECKS_MAX)
		l->checked[l->count++] = (struct checked){ check, state, evidence };
}

#define CONCLUDE(l, check, state, ...) conclude((l), (check), (state), arena_printf((l)->arena, __VA_ARGS__))

/* ---- SPF of the envelope domain for the refused address ---- */

static bool
spf_begin(struct live *l, struct ask *ask)
{
	const struct bounce_facts *f = l->facts;
	struct bytes        domain = domain_normal(l->arena, f->sender_domain);

	(void)ask;
	if (l->ip.family == 0 || domain.len == 0)
		return false;
	struct bytes      sender = f->sender.len > 0 ? f->sender : arena_printf(l->arena, "postmaster@%.*s", B_FMT(domain));
	struct spf_query  q = { .ip = l->ip, .helo = domain, .mail_from = sender, .now = l->now };
	l->spf = spf_new(l->arena, &q, SPF_MAILFROM);
	return l->spf != NULL;
}

static enum step
spf_go(struct live *l, const struct answer *answer, struct ask *ask)
{
	struct finding      f;
	const struct bounce_facts *facts = l->facts;

	if (spf_step(l->spf, answer, ask, &f) == STEP_ASKS)
		return STEP_ASKS;
	const struct spf_report *r = spf_report(l->spf);
	if (f.result == RESULT_PASS)
		CONCLUDE(l, "spf", CHECK_FINE, "%.*s is in the SPF record of %.*s (%.*s)", B_FMT(facts->ip), B_FMT(f.domain), B_FMT(r->mechanism));
	else if (f.result == RESULT_TEMPERROR)
		CONCLUDE(l, "spf", CHECK_UNKNOWN, "SPF of %.*s could not be looked up: %s", B_FMT(f.domain), reason_row(f.reason)->line);
	else if (r->record.len > 0 && f.result != RESULT_PERMERROR)
		CONCLUDE(l, "spf", CHECK_FAULT, "%.*s is not in the SPF record of %.*s (%s); add ip%u:%.*s to this record: %.*s", B_FMT(facts->ip), B_FMT(f.domain),
		         result_word(f.result), l->ip.family, B_FMT(facts->ip), B_FMT(bytes_sub(r->record, 0, 600)));
	else
		CONCLUDE(l, "spf", CHECK_FAULT, "SPF of %.*s gives %s: %s", B_FMT(f.domain), result_word(f.result), reason_row(f.reason)->line);
	return STEP_DONE;
}

/* ---- reverse DNS of the refused address, and back ---- */

static bool
ptr_begin(struct live *l, struct ask *ask)
{
	(void)ask;
	l->reverse = (struct reverse){ .ip = l->ip };
	return l->ip.family != 0;
}

static enum step
ptr_go(struct live *l, const struct answer *answer, struct ask *ask)
{
	struct checked c;

	if (reverse_step(&l->reverse, l->arena, answer, ask, &c) == STEP_ASKS)
		return STEP_ASKS;
	conclude(l, c.check, c.state, c.evidence);
	return STEP_DONE;
}

/* ---- the blocklist that the reply names ---- */

static bool
list_begin(struct live *l, struct ask *ask)
{
	char         arpa[IP_ARPA_MAX];
	struct bytes zone = l->facts->list_zone;

	if (l->ip.family != 4 || domain_normal(l->arena, zone).len == 0)
		return false;
	struct bytes reversed = bytes_make(arpa, ip_arpa(&l->ip, arpa));
	reversed.len -= sizeof(".in-addr.arpa") - 1;
	*ask = (struct ask){ DNS_A, arena_printf(l->arena, "%.*s.%.*s", B_FMT(reversed), B_FMT(domain_normal(l->arena, zone))) };
	return true;
}

static enum step
list_go(struct live *l, const struct answer *answer, struct ask *ask)
{
	const struct bounce_facts *f = l->facts;
	struct ip           said;

	(void)ask;
	/* 127.255.255.x says that the list does not answer this resolver. */
	bool refused = !answer_is_trouble(answer) && answer->status == ANSWER_OK && answer_ip(answer, 0, &said) && said.octet[1] == 255;
	if (answer_is_trouble(answer) || refused)
		CONCLUDE(l, "blocklist", CHECK_UNKNOWN, "%.*s gave no answer that can be used", B_FMT(f->list_zone));
	else if (answer->status == ANSWER_OK)
		CONCLUDE(l, "blocklist", CHECK_FAULT, "%.*s is still listed at %.*s", B_FMT(f->ip), B_FMT(f->list_zone));
	else
		CONCLUDE(l, "blocklist", CHECK_FINE, "%.*s is not listed at %.*s any more: the mail may be sent again", B_FMT(f->ip), B_FMT(f->list_zone));
	return STEP_DONE;
}

/* ---- MX of the recipient ---- */

/* A refusal of these kinds is what a host says that has nothing to do with the domain. */
static bool
is_about_route(const struct bounce_verdict *v)
{
	static const struct bytes categories[] = { B_INIT("relay"), B_INIT("routing"), B_INIT("recipient") };

	for (size_t i = 0; i < NELEMS(categories); i++)
		if (bytes_eq(bytes_of(v->answer->category), categories[i]))
			return true;
	return false;
}

static bool
mx_begin(struct live *l, struct ask *ask)
{
	(void)ask;
	l->mx = mx_new(l->arena, l->facts->rdomain, l->v->reply.host, l->v->reply.ip, is_about_route(l->v));
	return l->mx != NULL;
}

static enum step
mx_go(struct live *l, const struct answer *answer, struct ask *ask)
{
	enum check_state state;
	struct bytes     evidence;

	if (mx_step(l->mx, answer, ask, &state, &evidence) == STEP_ASKS)
		return STEP_ASKS;
	conclude(l, "mx", state, evidence);
	return STEP_DONE;
}

/* ---- the DMARC record, and whether the returned signature is aligned ---- */

static bool
dmarc_begin(struct live *l, struct ask *ask)
{
	struct bytes from = domain_normal(l->arena, l->facts->from_domain);
	struct bytes signature = mime_field(l->arena, &l->x->reading->returned, B("DKIM-Signature"));

	(void)ask;
	if (from.len == 0)
		return false;
	l->dkim_domain = domain_normal(l->arena, mime_param(l->arena, arena_printf(l->arena, ";%.*s", B_FMT(signature)), B("d")));
	struct dmarc_identity *dkim = arena_take(l->arena, sizeof(*dkim));
	if (dkim == NULL)
		return false;
	*dkim = (struct dmarc_identity){ l->dkim_domain, RESULT_PASS };
	struct dmarc_query q = { .from_domain = from, .spf = { domain_normal(l->arena, l->facts->sender_domain), RESULT_NONE }, .dkim = dkim, .dkim_count = l->dkim_domain.len > 0 };
	l->dmarc = dmarc_new(l->arena, &q);
	return l->dmarc != NULL;
}

static enum step
dmarc_go(struct live *l, const struct answer *answer, struct ask *ask)
{
	struct bytes   from = l->facts->from_domain;
	struct finding f;

	if (dmarc_step(l->dmarc, answer, ask, &f) == STEP_ASKS)
		return STEP_ASKS;
	const struct dmarc_report *r = dmarc_report(l->dmarc);
	if (f.result == RESULT_TEMPERROR)
		CONCLUDE(l, "dmarc", CHECK_UNKNOWN, "the DMARC record of %.*s could not be looked up", B_FMT(from));
	else if (r->policy == POLICY_ABSENT)
		CONCLUDE(l, "dmarc", CHECK_FAULT, "%.*s publishes no DMARC record that can be used", B_FMT(from));
	else if (l->dkim_domain.len > 0 && !r->dkim_aligned[0])
		CONCLUDE(l, "dmarc", CHECK_FAULT, "%.*s asks for %s, and the returned message was signed by %.*s, which is not aligned with it", B_FMT(from), policy_word(r->policy), B_FMT(l->dkim_domain));
	else if (l->dkim_domain.len == 0 && l->x->reading->returned.count > 0)
		CONCLUDE(l, "dmarc", CHECK_FAULT, "%.*s asks for %s, and the returned message bears no DKIM signature", B_FMT(from), policy_word(r->policy));
	else
		CONCLUDE(l, "dmarc", CHECK_FINE, "%.*s publishes p=%s at %.*s", B_FMT(from), policy_word(r->policy), B_FMT(r->policy_domain));
	return STEP_DONE;
}

/* ---- the DKIM key of the returned signature ---- */

static bool
key_begin(struct live *l, struct ask *ask)
{
	struct bytes selector = l->facts->selector;
	struct bytes name = arena_printf(l->arena, "%.*s._domainkey.%.*s", B_FMT(selector), B_FMT(l->dkim_domain));

	*ask = (struct ask){ DNS_TXT, domain_normal(l->arena, name) };
	return selector.len > 0 && l->dkim_domain.len > 0 && ask->name.len > 0;
}

static enum step
key_go(struct live *l, const struct answer *answer, struct ask *ask)
{
	struct bytes   name = arena_printf(l->arena, "%.*s._domainkey.%.*s", B_FMT(l->facts->selector), B_FMT(l->dkim_domain));
	struct checked c = key_published(l->arena, name, answer);

	(void)ask;
	conclude(l, c.check, c.state, c.evidence);
	return STEP_DONE;
}

/* `asks`: begin has put the first question; else the first step does. */
static const struct check_row {
	bool (*begin)(struct live *, struct ask *);
	enum step (*go)(struct live *, const struct answer *, struct ask *);
	bool asks;
} checks[] = {
	{ spf_begin, spf_go, false },     { ptr_begin, ptr_go, false }, { list_begin, list_go, true },
	{ mx_begin, mx_go, false },       { dmarc_begin, dmarc_go, false }, { key_begin, key_go, true },
};

struct live *
live_new(struct arena *a, const struct explained *x, struct bounce_verdict *v, int64_t now)
{
	struct live *l = arena_take(a, sizeof(*l));

	if (l == NULL)
		return NULL;
	*l = (struct live){ .arena = a, .x = x, .v = v, .facts = bounce_facts_of(v, FACTS_ALL), .now = now, .checked = arena_take_array(a, CHECKS_MAX, sizeof(*l->checked)) };
	if (!ip_parse(l->facts->ip, &l->ip))
		l->ip = (struct ip){ 0 };
	return l->checked != NULL ? l : NULL;
}

enum step
live_step(struct live *l, const struct answer *answer, struct ask *ask_out)
{
	while (l->row < NELEMS(checks)) {
		const struct check_row *c = &checks[l->row];
		if (!l->begun) {
			if (!c->begin(l, ask_out)) {
				l->row++;
				continue;
			}
			l->begun = true;
			if (c->asks)
				return STEP_ASKS;
			answer = NULL;
		}
		if (c->go(l, answer, ask_out) == STEP_ASKS)
			return STEP_ASKS;
		l->begun = false;
		l->row++;
	}
	l->v->checked = l->checked;
	l->v->checked_count = l->count;
	return STEP_DONE;
}
