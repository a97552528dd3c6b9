/* diagnose/again.c: see again.h. Each check is a row, stepped until it has concluded. */
#include "diagnose/again.h"

#include "auth/spf.h"
#include "diagnose/published.h"
#include "diagnose/reverse.h"
#include "mail/domain.h"
#include "mail/reason.h"

#define RECORD_SHOWN 600

struct again {
	struct arena         *arena;
	struct again_facts    facts;
	struct again_report   report;
	size_t                row; /* of checks[] */
	bool                  begun;
	struct bytes          ip; /* the client as text */
	struct spf           *spf;
	struct dmarc_identity spf_now;
	size_t                signature; /* whose key is asked for */
	enum check_state      keys[AGAIN_SIGNATURES];
	struct dmarc         *dmarc;
	struct dmarc_identity dkim[AGAIN_SIGNATURES];
	struct reverse        reverse;
};

static void
conclude(struct again *g, const char *check, enum check_state state, struct bytes about, struct bytes evidence)
{
	if (g->report.count < AGAIN_CHECKS)
		g->report.lines[g->report.count++] = (struct again_line){ { check, state, evidence }, about, B("") };
}

#define CONCLUDE(g, check, state, about, ...) conclude((g), (check), (state), (about), arena_printf((g)->arena, __VA_ARGS__))

/* ---- SPF ---- */

static bool
spf_begin(struct again *g)
{
	struct spf_query q = { .ip = g->facts.client, .helo = g->facts.helo, .mail_from = g->facts.mail_from, .now = g->facts.now };

	if (g->facts.client.family == 0)
		return false;
	g->spf = spf_new(g->arena, &q, SPF_MAILFROM);
	return g->spf != NULL;
}

static bool
spf_go(struct again *g, const struct answer *answer, struct ask *ask)
{
	struct finding f;

	if (spf_step(g->spf, answer, ask, &f) == STEP_ASKS)
		return false;
	const struct spf_report *r = spf_report(g->spf);
	struct bytes             record = bytes_sub(r->record, 0, RECORD_SHOWN);
	g->spf_now = (struct dmarc_identity){ f.domain, f.result };
	if (f.result == RESULT_PASS)
		CONCLUDE(g, "spf", CHECK_FINE, f.domain, "%.*s is allowed by %.*s", B_FMT(g->ip), B_FMT(r->mechanism));
	else if (f.result == RESULT_TEMPERROR)
		CONCLUDE(g, "spf", CHECK_UNKNOWN, f.domain, "%s", reason_row(f.reason)->line);
	else if (record.len > 0 && f.result != RESULT_PERMERROR)
		CONCLUDE(g, "spf", CHECK_FAULT, f.domain, "%s: %.*s is not allowed by %.*s", result_word(f.result), B_FMT(g->ip), B_FMT(record));
	else
		CONCLUDE(g, "spf", CHECK_FAULT, f.domain, "%s: %s", result_word(f.result), reason_row(f.reason)->line);
	return true;
}

/* ---- the keys ---- */

static struct bytes
key_name(struct again *g)
{
	const struct again_signature *s = &g->facts.signatures[g->signature];

	return domain_normal(g->arena, arena_printf(g->arena, "%.*s._domainkey.%.*s", B_FMT(s->selector), B_FMT(s->domain)));
}

static bool
key_begin(struct again *g)
{
	return g->facts.signature_count > 0;
}

static void
key_conclude(struct again *g, const struct answer *answer)
{
	struct bytes      name = key_name(g), about = g->facts.signatures[g->signature].domain;
	enum check_state *state = &g->keys[g->signature];
	struct checked    c = key_published(g->arena, name, answer);

	*state = c.state;
	conclude(g, c.check, c.state, about, c.evidence);
}

/* A name that cannot be is like one that is not there. The first call only asks. */
static bool
key_go(struct again *g, const struct answer *answer, struct ask *ask)
{
	static const struct answer nothing = { .status = ANSWER_NXDOMAIN };

	for (bool answered = g->begun; g->signature < g->facts.signature_count; g->signature++, answered = false) {
		struct bytes name = key_name(g);
		if (!answered && name.len > 0) {
			*ask = (struct ask){ DNS_TXT, name };
			return false;
		}
		key_conclude(g, name.len > 0 ? answer : &nothing);
	}
	return true;
}

/* ---- DMARC, of all this ---- */

static bool
dmarc_begin(struct again *g)
{
	struct bytes from = domain_normal(g->arena, g->facts.from_domain);

	if (from.len == 0)
		return false;
	for (size_t i = 0; i < g->facts.signature_count; i++) {
		const struct again_signature *s = &g->facts.signatures[i];
		bool                          holds = s->result == RESULT_PASS && g->keys[i] == CHECK_FINE;
		enum result                   now = holds ? RESULT_PASS : g->keys[i] == CHECK_UNKNOWN ? RESULT_TEMPERROR : RESULT_FAIL;
		g->dkim[i] = (struct dmarc_identity){ domain_normal(g->arena, s->domain), now };
	}
	struct dmarc_query q = { from, g->spf_now, g->dkim, g->facts.signature_count, g->facts.discovery, g->facts.suffix };
	g->dmarc = dmarc_new(g->arena, &q);
	return g->dmarc != NULL;
}

/* The key was the trouble, it is there now, and its domain is aligned. */
static bool
may_verify(const struct again *g, const struct dmarc_report *r)
{
	for (size_t i = 0; i < g->facts.signature_count; i++) {
		const struct again_signature *s = &g->facts.signatures[i];
		bool key = bytes_starts(s->reason, B("dkim.key-")) || bytes_starts(s->reason, B("dkim.dns-")) || bytes_eq(s->reason, B("dkim.no-key"));
		if (key && s->result != RESULT_PASS && g->keys[i] == CHECK_FINE && r->dkim_aligned[i])
			return true;
	}
	return false;
}

static bool
dmarc_go(struct again *g, const struct answer *answer, struct ask *ask)
{
	struct bytes   from = g->facts.from_domain;
	struct finding f;

	if (dmarc_step(g->dmarc, answer, ask, &f) == STEP_ASKS)
		return false;
	const struct dmarc_report *r = dmarc_report(g->dmarc);
	const char                *policy = r->policy == POLICY_ABSENT ? "none" : policy_word(r->policy);
	if (f.result == RESULT_PASS) {
		g->report.end = AGAIN_PASSES;
		CONCLUDE(g, "dmarc", CHECK_FINE, from, "%s passes for an aligned domain; the policy is p=%s", r->spf_aligned ? "SPF" : "DKIM", policy);
	} else if (f.result == RESULT_TEMPERROR) {
		CONCLUDE(g, "dmarc", CHECK_UNKNOWN, from, "%s", reason_row(f.reason)->line);
	} else if (r->applied == POLICY_ABSENT || r->applied == POLICY_NONE) {
		g->report.end = f.result == RESULT_PERMERROR ? AGAIN_UNKNOWN : AGAIN_PASSES;
		CONCLUDE(g, "dmarc", CHECK_FINE, from, r->policy == POLICY_ABSENT ? "no DMARC record asks for anything" : "the record asks for nothing "
		                                                                                                          "to be done");
	} else if (may_verify(g, r)) {
		g->report.end = AGAIN_PERHAPS;
		CONCLUDE(g, "dmarc", CHECK_UNKNOWN, from, "p=%s; the key that was missing is there now, and whether it fits only a new mail shows",
		         policy);
	} else {
		g->report.end = r->applied == POLICY_QUARANTINE ? AGAIN_SET_ASIDE : AGAIN_FAILS;
		CONCLUDE(g, "dmarc", CHECK_FAULT, from, "p=%s, and neither SPF nor DKIM passes for an aligned domain", policy);
	}
	return true;
}

/* ---- reverse DNS ---- */

static bool
ptr_begin(struct again *g)
{
	g->reverse = (struct reverse){ .ip = g->facts.client };
	return g->facts.client.family != 0;
}

static bool
ptr_go(struct again *g, const struct answer *answer, struct ask *ask)
{
	struct checked c;

	if (reverse_step(&g->reverse, g->arena, answer, ask, &c) == STEP_ASKS)
		return false;
	conclude(g, c.check, c.state, g->ip, c.evidence);
	return true;
}

/* ---- all of them ---- */

/* `go`: true when it has concluded, else it asks. */
static const struct {
	bool (*begin)(struct again *);
	bool (*go)(struct again *, const struct answer *, struct ask *);
} checks[] = {
	{ spf_begin, spf_go },
	{ key_begin, key_go },
	{ dmarc_begin, dmarc_go },
	{ ptr_begin, ptr_go },
};

struct again *
again_new(struct arena *a, const struct again_facts *facts)
{
	struct again *g = arena_take(a, sizeof(*g));
	char          text[IP_TEXT_MAX];

	if (g == NULL)
		return NULL;
	*g = (struct again){ .arena = a, .facts = *facts };
	if (g->facts.signature_count > AGAIN_SIGNATURES)
		g->facts.signature_count = AGAIN_SIGNATURES;
	if (facts->client.family != 0)
		g->ip = arena_copy(a, bytes_make(text, ip_format(&facts->client, text)));
	return g;
}

enum step
again_step(struct again *g, const struct answer *answer, struct ask *ask_out)
{
	while (g->row < NELEMS(checks)) {
		bool skip = !g->begun && !checks[g->row].begin(g);
		if (!skip && !checks[g->row].go(g, answer, ask_out)) {
			g->begun = true;
			return STEP_ASKS;
		}
		g->begun = false;
		g->row++;
	}
	return STEP_DONE;
}

struct again_report *
again_report(struct again *g)
{
	return &g->report;
}
