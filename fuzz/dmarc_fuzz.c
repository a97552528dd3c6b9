/* fuzz/dmarc_fuzz.c: a verdict with identities and answers chosen by the input.
 * Whatever the DNS says: it ends soon, nothing is asked twice, and no pass
 * without a passed identity that has at least the top label in common. */
#include <assert.h>

#include "auth/dmarc.h"
#include "mail/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ASKS_MAX 64

static const struct bytes domains[] = {
	B_INIT("example.com"),
	B_INIT("a.example.com"),
	B_INIT("b.a.example.com"),
	B_INIT("b.example.com"),
	B_INIT("com"),
	B_INIT("example.net"),
	B_INIT("l9.l8.l7.l6.l5.l4.l3.a.example.com"),
	B_INIT("m9.l8.l7.l6.l5.l4.l3.a.example.com"),
	B_INIT("co.uk"),
	B_INIT("x.co.uk"),
	B_INIT(""),
	B_INIT("localhost"),
};

static const struct bytes records[] = {
	B_INIT("v=DMARC1; p=reject"),
	B_INIT("v=DMARC1; p=none; sp=quarantine; np=reject; t=y"),
	B_INIT("v=DMARC1; p=quarantine; psd=n"),
	B_INIT("v=DMARC1; p=none; psd=y; np=reject"),
	B_INIT("v=DMARC1; adkim=s; aspf=s; rua=mailto:a@example.com"),
	B_INIT("v=DMARC1; p=x"),
	B_INIT("v=spf1 -all"),
};

static uint8_t
take(struct bytes *in)
{
	uint8_t c = in->len > 0 ? (uint8_t)in->at[0] : 0;

	if (in->len > 0)
		bytes_skip(in, 1);
	return c;
}

static struct dmarc_identity
take_identity(struct bytes *in)
{
	uint8_t domain = take(in), result = take(in);

	return (struct dmarc_identity){ domains[domain % NELEMS(domains)], (enum result)(result % (RESULT_PERMERROR + 1)) };
}

/* One TXT rdata: a record of the table, or octets of the input up to a NUL. */
static struct bytes
take_rdata(struct arena *a, struct bytes *in)
{
	uint8_t      which = take(in);
	struct bytes text = records[which % NELEMS(records)];

	if (which >= 0xf0 && in->at != NULL)
		bytes_cut(in, '\0', &text);
	text = bytes_sub(text, 0, 255);
	char length = (char)(uint8_t)text.len;
	return arena_join(a, bytes_make(&length, 1), text);
}

static struct answer *
take_answer(struct arena *a, struct bytes *in, enum dns_type type)
{
	uint8_t            what = take(in);
	enum answer_status status = (enum answer_status)(what % (ANSWER_BOGUS + 1));
	struct bytes       rdata[3];
	size_t             count = 0;

	if (what >= 0xfe)
		return NULL;
	if (status == ANSWER_OK && type == DNS_TXT)
		while (count < (size_t)(1 + (what >> 6)) && count < NELEMS(rdata))
			rdata[count++] = take_rdata(a, in);
	else if (status == ANSWER_OK)
		rdata[count++] = B("\300\000\002\001");
	return answer_new(status, type, 60, rdata, count, B(""), B(""));
}

static bool
has_passed(const struct dmarc_query *q, const struct dmarc_identity *id)
{
	return id->result == RESULT_PASS && bytes_eq(domain_tail(id->domain, 1), domain_tail(q->from_domain, 1));
}

static void
check(const struct dmarc_query *q, const struct finding *f, const struct dmarc_report *r)
{
	bool any = has_passed(q, &q->spf);

	for (size_t i = 0; i < q->dkim_count; i++)
		any = any || has_passed(q, &q->dkim[i]);
	assert(f->result != RESULT_PASS || (any && (r->spf_aligned || r->dkim_passed) && r->policy != POLICY_ABSENT));
	assert(f->result != RESULT_FAIL || r->policy != POLICY_ABSENT);
	assert(r->applied <= r->policy && r->policy - r->applied <= r->testing);
	assert(r->org_domain.len == 0 || domain_is_under(q->from_domain, r->org_domain));
	assert(r->policy_domain.len == 0 || domain_is_under(q->from_domain, r->policy_domain));
	assert(r->query_count <= 9);
}

static void
judge(struct arena *a, const struct dmarc_query *q, struct bytes *in)
{
	struct dmarc  *d = dmarc_new(a, q);
	struct answer *answer = NULL;
	struct ask     asks[ASKS_MAX], ask;
	struct finding f;
	size_t         n = 0;

	if (d == NULL)
		return;
	while (dmarc_step(d, answer, &ask, &f) == STEP_ASKS) {
		assert(n < ASKS_MAX);
		for (size_t i = 0; i < n; i++)
			assert(asks[i].type != ask.type || !bytes_eq(asks[i].name, ask.name));
		asks[n++] = ask;
		answer_unref(answer);
		answer = take_answer(a, in, ask.type);
	}
	answer_unref(answer);
	if (!arena_overdrawn(a))
		check(q, &f, dmarc_report(d));
	else
		assert(f.result == RESULT_TEMPERROR);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct suffix *suffix;
	struct bytes          in = bytes_make(data, size);
	struct dmarc_identity dkim[8];
	uint8_t               flags = take(&in);
	/* A small limit now and then, so that memory runs out on the way. */
	struct arena      *a = arena_new(flags & 2 ? 6000 : (size_t)1 << 20);
	struct dmarc_query q = { .dkim = dkim, .discovery = flags & 1 ? DISCOVERY_PSL : DISCOVERY_TREEWALK };

	if (suffix == NULL)
		suffix = suffix_new(B("// ===BEGIN ICANN DOMAINS===\ncom\nuk\nco.uk\n// ===END ICANN DOMAINS===\n"));
	if (flags & 4)
		q.suffix = suffix;
	q.from_domain = domains[take(&in) % NELEMS(domains)];
	q.spf = take_identity(&in);
	q.dkim_count = flags >> 4 & 7;
	for (size_t i = 0; i < q.dkim_count; i++)
		dkim[i] = take_identity(&in);
	judge(a, &q, &in);
	arena_free(a);
	return 0;
}
