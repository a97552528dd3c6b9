/* policy/evidence.c: see evidence.h. */
#include "policy/evidence.h"

#include "base/buf.h"
#include "policy/settings.h"

static struct bytes
domain_of(const struct facts *f)
{
	return f->mailbox.domain.len > 0 ? f->mailbox.domain : f->from.domain;
}

struct bytes
evidence_fill(struct arena *a, const char *template, const struct facts *f)
{
	struct bytes rest = bytes_of(template), out = B("");
	char         ip[IP_TEXT_MAX];

	ip_format(&f->client, ip);
	for (;;) {
		size_t brace = bytes_index(rest, '{');
		out = arena_join(a, out, bytes_sub(rest, 0, brace));
		if (brace == rest.len)
			return out;
		rest = bytes_from(rest, brace + 1);
		struct bytes word;
		bytes_cut(&rest, '}', &word);
		if (bytes_eq(word, B("domain")))
			out = arena_join(a, out, domain_of(f).len > 0 ? domain_of(f) : B("the sender"));
		else if (bytes_eq(word, B("ip")))
			out = arena_join(a, out, bytes_of(ip));
		else if (bytes_eq(word, B("term")))
			out = arena_printf(a, "%.*s%s%s", B_FMT(out),
			                   f->client.family == 6   ? "ip6:"
			                   : f->client.family == 4 ? "ip4:"
			                                           : "its address",
			                   ip);
		else if (bytes_eq(word, B("sender")))
			out = arena_join(a, out, f->mail_from);
	}
}

static struct bytes
spf_text(struct arena *a, const struct facts *f)
{
	const struct finding *spf = &f->spf.finding;
	char                  ip[IP_TEXT_MAX];

	if (!f->spf.checked || f->client.family == 0)
		return B("SPF not checked");
	ip_format(&f->client, ip);
	/* Trouble and faults are told whole: they are what its owner must mend. */
	if (spf->result == RESULT_TEMPERROR || spf->result == RESULT_PERMERROR)
		return arena_printf(a, "SPF %s for %s of %.*s (%s%s%.*s)", result_word(spf->result), ip, B_FMT(spf->domain),
		                    reason_word(spf->reason), spf->detail.len > 0 ? ": " : "", B_FMT(spf->detail));
	bool aligned = f->dmarc_report != NULL && f->dmarc_report->spf_aligned;
	if (spf->result == RESULT_PASS && !aligned)
		return arena_printf(a, "SPF pass for %s of %.*s, which is not aligned with From", ip, B_FMT(spf->domain));
	if (!aligned && spf->domain.len > 0 && !bytes_eq(spf->domain, domain_of(f)))
		return arena_printf(a, "SPF %s for %s of %.*s", result_word(spf->result), ip, B_FMT(spf->domain));
	return arena_printf(a, "SPF %s for %s", result_word(spf->result), ip);
}

static struct bytes
dkim_text(struct arena *a, const struct facts *f)
{
	const struct dkim_fact *shown = NULL;

	/* The signature that comes nearest to helping: aligned before foreign. */
	for (size_t i = 0; i < f->dkim_count; i++)
		if (f->dkim[i].report != NULL && (shown == NULL || (f->dkim[i].aligned && !shown->aligned)))
			shown = &f->dkim[i];
	if (shown == NULL)
		return B("DKIM none");
	struct bytes domain = shown->report->domain;
	if (shown->finding.result == RESULT_PASS)
		return arena_printf(a, "DKIM pass of %.*s, which is not aligned with From", B_FMT(domain));
	return arena_printf(a, "DKIM %s of %.*s selector %.*s (%s)", result_word(shown->finding.result), B_FMT(domain),
	                    B_FMT(shown->report->selector), reason_word(shown->finding.reason));
}

struct bytes
evidence_text(struct arena *a, const struct facts *f, enum reason reason)
{
	if (reason == REASON_FROM_NONE || reason == REASON_FROM_SEVERAL || reason == REASON_FROM_UNPARSABLE)
		return f->from.detail.len > 0 ? f->from.detail : B("no From field was found");
	if (reason == REASON_LIMIT_MEMORY || reason == REASON_DOMAIN_RULE)
		return B("");
	struct bytes both = arena_printf(a, "%.*s, %.*s", B_FMT(spf_text(a, f)), B_FMT(dkim_text(a, f)));
	if (reason == REASON_DMARC_TEMPERROR)
		return arena_printf(a, "%.*s, DMARC %s (%s%s%.*s)", B_FMT(both), result_word(f->dmarc.result), reason_word(f->dmarc.reason),
		                    f->dmarc.detail.len > 0 ? ": " : "", B_FMT(f->dmarc.detail));
	return both;
}

struct bytes
evidence_owner(struct arena *a, enum owner owner, struct bytes domain)
{
	switch (owner) {
	case OWNER_SENDER_ADMIN:
		if (domain.len > 0)
			return arena_printf(a, "the owner of %.*s can fix this", B_FMT(domain));
		return B("the administrator of the sender can fix this");
	case OWNER_SENDER_USER:
		return B("the sender can fix this");
	case OWNER_RECIPIENT:
		return B("the recipient can fix this");
	case OWNER_RECIPIENT_ADMIN:
		return B("the postmaster of the recipient can fix this");
	case OWNER_THIRD_PARTY:
		return B("whoever handled the message in between can fix this");
	case OWNER_NOBODY:
		break;
	}
	return B("");
}

struct reply
evidence_reply(struct arena *a, const struct settings *s, const struct facts *f, enum reason reason, const char *id)
{
	const struct reason_row *row = reason_row(reason);
	struct reply             r = { .code = row->code };

	r.enhanced = bytes_of(s->code_style == STYLE_IANA ? row->iana : row->exchange);
	reply_add(a, &r, arena_printf(a, "%.*s [%s]", B_FMT(evidence_fill(a, row->line, f)), id));

	struct bytes seen = evidence_text(a, f, reason);
	struct bytes owner = evidence_owner(a, row->owner, domain_of(f));
	if (seen.len > 0 || owner.len > 0)
		reply_add(a, &r, arena_printf(a, "%.*s%s%.*s [%s]", B_FMT(seen), seen.len > 0 && owner.len > 0 ? "; " : "", B_FMT(owner), id));
	if (s->why_url.len > 0)
		reply_add(a, &r, arena_printf(a, "%.*s%s%s", B_FMT(s->why_url), s->why_url.at[s->why_url.len - 1] == '/' ? "" : "/", id));
	return r;
}
