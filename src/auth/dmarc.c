/* auth/dmarc.c: see dmarc.h. RFC 9989 sections 4.10 (tree walk), 5.3 (verdict).
 *
 * Each step judges from the start with the answers there are. The first
 * question that has none yet is asked; when there is no such question, the
 * judgement stands. No name is asked twice. */
#include "auth/dmarc.h"

#include "auth/dmarc_record.h"
#include "mail/domain.h"

#define LABELS_JUMP 7 /* longer names go on with this many, 4.10 step 4 */
#define LOOKUPS_MAX 64 /* of one message; behind them nothing is found */
#define WALKS_MAX 50 /* signatures whose domain is walked for alignment */

#define PREFIX "_dmarc."

struct lookup {
	struct bytes              domain; /* TXT: without the prefix */
	enum dns_type             type;
	bool                      answered;
	const struct answer      *answer; /* NULL: trouble without an answer, or too long to be asked */
	bool                      trouble;
	const struct dmarc_found *found; /* NULL: no TXT records */
};

enum alignment { NOT_JUDGED, ALIGNED, NOT_ALIGNED, NOT_KNOWN };

struct dmarc {
	struct arena       *arena;
	struct dmarc_query  query;
	struct dmarc_report report;
	struct lookup      *lookups;
	size_t              count;
	size_t              of_from; /* so many lookups made the From walk; 0: not done */
	size_t              pending; /* index of the question out, plus 1; 0: none */
	enum alignment      spf;
	enum alignment     *dkim;
	bool               *dkim_aligned;
	const struct lookup *spf_trouble; /* why NOT_KNOWN */
	const struct lookup *dkim_trouble;
};

/* What the walk from one domain found, 4.10.2. */
struct walk {
	struct bytes         org; /* the organizational domain; B_NONE: not known for trouble */
	const struct lookup *own; /* with one record, at the start */
	const struct lookup *at_org;
	const struct lookup *psd; /* with psd=y */
	const struct lookup *trouble; /* the walk ended here */
	const struct lookup *several; /* more than one record, all of them ignored */
};

/* What applies to From. */
struct policy {
	const struct dmarc_record *record;
	struct bytes               domain; /* where it stands */
	const char                *tag; /* "p", "sp", "np" */
	enum dmarc_policy          published, applied;
	const struct lookup       *trouble; /* existence could not be found out */
};

const char *
policy_word(enum dmarc_policy p)
{
	static const char *const words[] = { NULL, "none", "quarantine", "reject" };

	return words[p];
}

struct dmarc *
dmarc_new(struct arena *a, const struct dmarc_query *query)
{
	struct dmarc          *d = arena_take(a, sizeof(*d));
	struct dmarc_identity *dkim = arena_take_array(a, query->dkim_count, sizeof(*dkim));
	bool                  *aligned = arena_take_array(a, query->dkim_count, sizeof(*aligned));
	enum alignment        *judged = arena_take_array(a, query->dkim_count, sizeof(*judged));
	struct lookup         *lookups = arena_take_array(a, LOOKUPS_MAX, sizeof(*lookups));

	if (lookups == NULL)
		return NULL;
	for (size_t i = 0; i < query->dkim_count; i++)
		dkim[i] = query->dkim[i];
	*d = (struct dmarc){ .arena = a, .query = *query, .lookups = lookups, .dkim = judged, .dkim_aligned = aligned };
	d->query.dkim = dkim;
	if (d->query.suffix == NULL)
		d->query.discovery = DISCOVERY_TREEWALK;
	d->report = (struct dmarc_report){ .discovery = d->query.discovery, .dkim_aligned = aligned };
	return d;
}

const struct dmarc_report *
dmarc_report(const struct dmarc *d)
{
	return &d->report;
}

static const struct dmarc_record *
record_of(const struct lookup *l)
{
	return l->found != NULL && l->found->count == 1 ? &l->found->record : NULL;
}

/* The answer to a question, asked or remembered. NULL: it is asked now. */
static const struct lookup *
look(struct dmarc *d, enum dns_type type, struct bytes domain)
{
	static const struct lookup nothing = { .answered = true };

	for (size_t i = 0; i < d->count; i++)
		if (d->lookups[i].type == type && bytes_eq(d->lookups[i].domain, domain))
			return d->lookups[i].answered ? &d->lookups[i] : NULL;
	if (d->count == LOOKUPS_MAX || (type == DNS_TXT && domain.len + sizeof(PREFIX) - 1 > DNS_NAME_MAX))
		return &nothing;
	d->lookups[d->count++] = (struct lookup){ .domain = domain, .type = type };
	d->pending = d->count;
	return NULL;
}

static const struct lookup *
look_for_record(struct dmarc *d, struct bytes domain)
{
	return look(d, DNS_TXT, domain);
}

/* The domain to ask behind `target`, 4.10 steps 4 and 7; empty at the end. */
static struct bytes
walk_up(struct bytes target)
{
	size_t labels = domain_labels(target);

	if (labels <= 1)
		return B("");
	return domain_tail(target, labels - 1 < LABELS_JUMP ? labels - 1 : LABELS_JUMP);
}

/* False: a question is out. Sections 4.10 and 4.10.2. */
static bool
walk(struct dmarc *d, struct bytes start, struct walk *w)
{
	*w = (struct walk){ .org = start };
	for (struct bytes target = start; target.len > 0; target = walk_up(target)) {
		const struct lookup       *l = look_for_record(d, target);
		const struct dmarc_record *r = l != NULL ? record_of(l) : NULL;
		if (l == NULL)
			return false;
		if (l->trouble) {
			w->trouble = l;
			w->org = B_NONE;
			return true;
		}
		if (l->found != NULL && l->found->count > 1 && w->several == NULL)
			w->several = l;
		if (r == NULL)
			continue;
		if (target.len == start.len)
			w->own = l;
		if (r->psd == PSD_Y && target.len != start.len) {
			w->psd = l;
			w->org = domain_tail(start, domain_labels(target) + 1);
			if (w->at_org != NULL && !bytes_eq(w->at_org->domain, w->org))
				w->at_org = NULL;
			return true;
		}
		w->at_org = l;
		w->org = target;
		if (r->psd != PSD_U)
			return true;
	}
	return true;
}

static struct bytes
org_by_suffix(const struct dmarc *d, struct bytes domain)
{
	struct bytes org = suffix_registrable(d->query.suffix, domain);

	return org.len > 0 ? org : domain;
}

/* RFC 7489 section 6.6.3: the From domain, then the registrable domain. */
static bool
ask_by_suffix(struct dmarc *d, struct bytes from, struct walk *w)
{
	struct bytes         org = org_by_suffix(d, from);
	const struct lookup *own = look_for_record(d, from);

	if (own == NULL)
		return false;
	const struct lookup *at_org = look_for_record(d, org);
	if (at_org == NULL)
		return false;
	*w = (struct walk){ .org = org };
	w->own = record_of(own) != NULL ? own : NULL;
	w->at_org = record_of(at_org) != NULL ? at_org : NULL;
	w->trouble = own->trouble ? own : w->own == NULL && at_org->trouble ? at_org : NULL;
	w->several = own->found != NULL && own->found->count > 1 ? own : at_org->found != NULL && at_org->found->count > 1 ? at_org : NULL;
	return true;
}

/* The walk from From, by the discovery that is set; and what the other one gives. */
static bool
walk_from(struct dmarc *d, struct walk *w)
{
	struct bytes from = d->query.from_domain;
	struct bytes other = B_NONE;
	struct walk  tree;

	if (!walk(d, from, &tree))
		return false;
	*w = tree;
	if (d->query.discovery == DISCOVERY_PSL) {
		if (!ask_by_suffix(d, from, w))
			return false;
		other = tree.org;
	} else if (d->query.suffix != NULL) {
		other = org_by_suffix(d, from);
	}
	d->report.org_domain = w->org.at != NULL ? w->org : B("");
	d->report.org_domain_other = w->org.at != NULL && other.at != NULL && !bytes_eq(other, w->org) ? other : B("");
	return true;
}

/* True when the answer matters: np is there and says something else. */
static bool
existence_matters(const struct dmarc_record *r)
{
	return r->np != POLICY_ABSENT && r->np != (r->sp != POLICY_ABSENT ? r->sp : r->p);
}

/* Does From exist? Only NXDOMAIN says no (3.2.13), whatever the type asked. A
 * name below it that exists, and be it without TXT, says yes (RFC 8020). */
static bool
from_exists(struct dmarc *d, struct policy *p, bool *exists_out)
{
	struct bytes         from = d->query.from_domain;
	const struct lookup *below = look_for_record(d, from);

	*exists_out = true;
	if (below != NULL && below->answer != NULL && (below->answer->status == ANSWER_OK || below->answer->status == ANSWER_EMPTY))
		return true;
	const struct lookup *l = look(d, DNS_A, from);
	if (l == NULL)
		return false;
	if (l->trouble)
		p->trouble = l;
	*exists_out = l->answer == NULL || l->answer->status != ANSWER_NXDOMAIN;
	return true;
}

static enum dmarc_policy
one_level_lower(enum dmarc_policy p)
{
	return p > POLICY_NONE ? p - 1 : p;
}

/* Sections 4.10.1 and 4.7. False: a question is out. */
static bool
policy_for_from(struct dmarc *d, struct policy *p)
{
	const struct dmarc_record *r = p->record;
	bool                       exists = true;

	p->tag = "p";
	p->published = r->p;
	if (r->bad_policy) {
		p->published = POLICY_NONE;
	} else if (!bytes_eq(p->domain, d->query.from_domain)) {
		if (existence_matters(r) && !from_exists(d, p, &exists))
			return false;
		if (!exists && r->np != POLICY_ABSENT) {
			p->tag = "np";
			p->published = r->np;
		} else if (r->sp != POLICY_ABSENT) {
			p->tag = "sp";
			p->published = r->sp;
		}
	}
	p->applied = r->testing ? one_level_lower(p->published) : p->published;
	return true;
}

static bool
same_top_label(struct bytes x, struct bytes y)
{
	return bytes_eq(domain_tail(x, 1), domain_tail(y, 1));
}

/* Section 4.10.2 for one identity. The organizational domain of a name is the
 * name or a parent of it, so a domain outside that of From is not walked.
 * False: a question is out. */
static bool
align(struct dmarc *d, const struct walk *from, struct bytes domain, bool strict, enum alignment *out, const struct lookup **trouble)
{
	struct walk w;

	if (*out != NOT_JUDGED)
		return true;
	*out = NOT_ALIGNED;
	if (domain.len == 0)
		return true;
	if (bytes_eq(domain, d->query.from_domain)) {
		*out = ALIGNED;
	} else if (strict) {
		return true;
	} else if (from->org.at == NULL) {
		if (same_top_label(domain, d->query.from_domain)) {
			*out = NOT_KNOWN;
			*trouble = from->trouble;
		}
	} else if (!domain_is_under(domain, from->org)) {
		return true;
	} else if (d->query.discovery == DISCOVERY_PSL) {
		*out = bytes_eq(org_by_suffix(d, domain), from->org) ? ALIGNED : NOT_ALIGNED;
	} else if (!walk(d, domain, &w)) {
		*out = NOT_JUDGED;
		return false;
	} else if (w.org.at == NULL) {
		*out = NOT_KNOWN;
		*trouble = w.trouble;
	} else {
		*out = bytes_eq(w.org, from->org) ? ALIGNED : NOT_ALIGNED;
	}
	return true;
}

static bool
align_all(struct dmarc *d, const struct walk *from, const struct dmarc_record *r)
{
	const struct lookup *trouble = NULL;

	if (!align(d, from, d->query.spf.domain, r->strict_spf, &d->spf, &d->spf_trouble))
		return false;
	for (size_t i = 0; i < d->query.dkim_count; i++) {
		const struct dmarc_identity *id = &d->query.dkim[i];
		bool                         strict = r->strict_dkim || i >= WALKS_MAX;
		if (!align(d, from, id->domain, strict, &d->dkim[i], &trouble))
			return false;
		if (trouble != NULL && id->result == RESULT_PASS && d->dkim_trouble == NULL)
			d->dkim_trouble = trouble;
		trouble = NULL;
	}
	return true;
}

/* Without a record: what is the From domain itself needs none. */
static void
align_identical(struct dmarc *d)
{
	struct bytes from = d->query.from_domain;

	d->spf = bytes_eq(d->query.spf.domain, from) ? ALIGNED : NOT_ALIGNED;
	for (size_t i = 0; i < d->query.dkim_count; i++)
		d->dkim[i] = bytes_eq(d->query.dkim[i].domain, from) ? ALIGNED : NOT_ALIGNED;
}

static void
report_alignment(struct dmarc *d)
{
	d->report.spf_aligned = d->spf == ALIGNED && d->query.spf.result == RESULT_PASS;
	for (size_t i = 0; i < d->query.dkim_count; i++) {
		d->dkim_aligned[i] = d->dkim[i] == ALIGNED;
		if (d->dkim_aligned[i] && d->query.dkim[i].result == RESULT_PASS)
			d->report.dkim_passed = true;
	}
}

static bool
may_have_passed(const struct dmarc_identity *id, enum alignment alignment)
{
	return id->result == RESULT_TEMPERROR && (alignment == ALIGNED || alignment == NOT_KNOWN);
}

static bool
is_undecided(const struct dmarc *d)
{
	if (may_have_passed(&d->query.spf, d->spf))
		return true;
	for (size_t i = 0; i < d->query.dkim_count; i++)
		if (may_have_passed(&d->query.dkim[i], d->dkim[i]))
			return true;
	return false;
}

/* ---- words ---- */

static struct bytes
named(struct dmarc *d, const char *method, const struct dmarc_identity *id, enum alignment alignment)
{
	bool strange = id->result == RESULT_PASS && alignment != ALIGNED;

	if (id->domain.len == 0)
		return arena_printf(d->arena, "%s %s", method, result_word(id->result));
	return arena_printf(d->arena, "%s %s for %.*s%s", method, result_word(id->result), B_FMT(id->domain),
	                    strange ? " (not aligned)" : "");
}

/* The signature that says most: aligned before not, passed before not. */
static size_t
telling_signature(const struct dmarc *d)
{
	size_t best = 0, best_worth = 0;

	for (size_t i = 0; i < d->query.dkim_count; i++) {
		bool   pass = d->query.dkim[i].result == RESULT_PASS;
		size_t worth = (d->dkim[i] == ALIGNED ? 3U : 1U) + pass;
		if (worth > best_worth) {
			best = i;
			best_worth = worth;
		}
	}
	return best;
}

static struct bytes
seen(struct dmarc *d, const struct policy *p)
{
	struct bytes spf = named(d, "SPF", &d->query.spf, d->spf);
	struct bytes dkim = B("DKIM none");

	if (d->query.dkim_count > 0) {
		size_t i = telling_signature(d);
		dkim = named(d, "DKIM", &d->query.dkim[i], d->dkim[i]);
	}
	if (d->query.dkim_count > 1)
		dkim = arena_printf(d->arena, "%.*s (of %zu)", B_FMT(dkim), d->query.dkim_count);
	return arena_printf(d->arena, "%.*s, %.*s; %s=%s at %.*s%s", B_FMT(spf), B_FMT(dkim), p->tag, policy_word(p->published),
	                    B_FMT(p->domain), p->record->testing ? ", t=y" : "");
}

static const char *
prefix_of(const struct lookup *l)
{
	return l->type == DNS_TXT ? PREFIX : "";
}

/* ---- the verdict ---- */

static struct finding
conclude(struct dmarc *d, enum result result, enum reason reason, struct bytes detail)
{
	return (struct finding){ METHOD_DMARC, result, reason, d->query.from_domain, detail };
}

static struct finding
conclude_trouble(struct dmarc *d, const struct lookup *l)
{
	enum reason  reason = reason_of_trouble(l->answer, REASON_DMARC_DNS_TIMEOUT, REASON_DMARC_DNS_SERVFAIL, REASON_DMARC_DNS_BOGUS);
	const char  *word = answer_status_word(l->answer != NULL ? l->answer->status : ANSWER_TIMEOUT);
	struct bytes detail = arena_printf(d->arena, "%s at %s%.*s", word, prefix_of(l), B_FMT(l->domain));

	return conclude(d, RESULT_TEMPERROR, reason, detail);
}

static struct finding
conclude_no_record(struct dmarc *d, const struct walk *w)
{
	struct bytes detail;

	if (w->several != NULL)
		detail = arena_printf(d->arena, "%zu records at " PREFIX "%.*s, which count as none", w->several->found->count,
		                      B_FMT(w->several->domain));
	else
		detail = arena_printf(d->arena, "nothing at " PREFIX "%.*s or above", B_FMT(d->query.from_domain));
	return conclude(d, RESULT_NONE, REASON_DMARC_NO_RECORD, detail);
}

static void
report_policy(struct dmarc *d, const struct policy *p)
{
	const struct dmarc_record *r = p->record;

	d->report.policy = p->published;
	d->report.applied = p->applied;
	d->report.existence_unknown = p->trouble != NULL;
	d->report.testing = r->testing;
	d->report.strict_spf = r->strict_spf;
	d->report.strict_dkim = r->strict_dkim;
	d->report.policy_domain = p->domain;
	d->report.record = r->text;
	d->report.rua = r->rua;
	d->report.rua_count = r->rua_count;
	d->report.ruf = r->ruf;
	d->report.ruf_count = r->ruf_count;
	d->report.fo = r->fo;
}

/* Sections 5.3.5 and 5.3.6, all questions answered. */
static struct finding
weigh(struct dmarc *d, const struct policy *p)
{
	bool spf_unknown = d->spf == NOT_KNOWN && d->query.spf.result == RESULT_PASS;

	report_policy(d, p);
	report_alignment(d);
	if (d->report.spf_aligned || d->report.dkim_passed)
		return conclude(d, RESULT_PASS, REASON_DMARC_ALIGNED, seen(d, p));
	if (spf_unknown || d->dkim_trouble != NULL)
		return conclude_trouble(d, spf_unknown ? d->spf_trouble : d->dkim_trouble);
	if (p->trouble != NULL)
		return conclude_trouble(d, p->trouble);
	if (p->applied > POLICY_NONE && is_undecided(d))
		return conclude(d, RESULT_TEMPERROR, REASON_DMARC_UNDECIDED, seen(d, p));
	return conclude(d, RESULT_FAIL, REASON_DMARC_NOT_ALIGNED, seen(d, p));
}

/* From the start, with the answers there are. False: a question is out. */
static bool
judge(struct dmarc *d, struct finding *f)
{
	struct policy        p = { .tag = "p" };
	struct walk          w;
	const struct lookup *at;

	if (d->query.from_domain.len == 0) {
		*f = conclude(d, RESULT_PERMERROR, REASON_DMARC_NO_FROM_DOMAIN, B(""));
		return true;
	}
	if (!walk_from(d, &w))
		return false;
	if (d->of_from == 0)
		d->of_from = d->count;
	at = w.own;
	if (at == NULL && w.trouble == NULL)
		at = w.at_org != NULL ? w.at_org : w.psd;
	if (at == NULL) {
		align_identical(d);
		report_alignment(d);
		*f = w.trouble != NULL ? conclude_trouble(d, w.trouble) : conclude_no_record(d, &w);
		return true;
	}
	p.record = record_of(at);
	p.domain = at->domain;
	if (p.record->bad_policy && p.record->rua_count == 0) {
		align_identical(d);
		report_alignment(d);
		*f = conclude(d, RESULT_PERMERROR, REASON_DMARC_RECORD_INVALID,
		              arena_printf(d->arena, "at " PREFIX "%.*s", B_FMT(p.domain)));
		return true;
	}
	if (!policy_for_from(d, &p) || !align_all(d, &w, p.record))
		return false;
	*f = weigh(d, &p);
	return true;
}

/* ---- the machine ---- */

static void
take_answer(struct dmarc *d, const struct answer *answer)
{
	struct lookup *l = &d->lookups[d->pending - 1];

	d->pending = 0;
	l->answered = true;
	l->trouble = answer_is_trouble(answer);
	if (answer == NULL)
		return;
	l->answer = answer_hold(d->arena, answer_ref(answer));
	if (l->answer != NULL && l->type == DNS_TXT && l->answer->status == ANSWER_OK)
		l->found = dmarc_record_find(d->arena, l->answer);
}

static struct bytes
question_name(struct dmarc *d, const struct lookup *l)
{
	return l->type == DNS_TXT ? arena_join(d->arena, B(PREFIX), l->domain) : l->domain;
}

/* The names of the From walk: those asked before anything else was. */
static void
report_queries(struct dmarc *d)
{
	struct bytes *names = arena_take_array(d->arena, d->of_from, sizeof(*names));

	if (names == NULL)
		return;
	for (size_t i = 0; i < d->of_from; i++)
		names[i] = question_name(d, &d->lookups[i]);
	d->report.queries = names;
	d->report.query_count = d->of_from;
}

enum step
dmarc_step(struct dmarc *d, const struct answer *answer, struct ask *ask_out, struct finding *finding_out)
{
	struct finding f;

	if (d->pending > 0)
		take_answer(d, answer);
	bool done = judge(d, &f);
	if (!arena_overdrawn(d->arena) && !done) {
		const struct lookup *l = &d->lookups[d->pending - 1];
		*ask_out = (struct ask){ l->type, question_name(d, l) };
		if (ask_out->name.at != NULL)
			return STEP_ASKS;
	}
	report_queries(d);
	*finding_out = arena_overdrawn(d->arena) ? conclude(d, RESULT_TEMPERROR, REASON_LIMIT_MEMORY, B("")) : f;
	return STEP_DONE;
}
