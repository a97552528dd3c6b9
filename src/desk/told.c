/* desk/told.c: see told.h. */
#include "desk/told.h"

#include <string.h>

#include "mail/domain.h"
#include "mail/reason.h"
#include "policy/evidence.h"

#define TERMS_MAX 200

void
told_result(struct buf *out, struct bytes result)
{
	static const struct {
		struct bytes word;
		const char  *kind, *mark;
	} results[] = {
		{ B_INIT("pass"), "good", "✓" },
		{ B_INIT("fail"), "bad", "✕" },
		{ B_INIT("softfail"), "bad", "✕" },
		{ B_INIT("permerror"), "bad", "✕" },
		{ B_INIT("temperror"), "doubt", "?" },
	};

	for (size_t i = 0; i < NELEMS(results); i++) {
		if (bytes_eq(result, results[i].word)) {
			html_put(out, "<span class=\"result $\"><span aria-hidden=\"true\">$</span> $</span>", H_STR(results[i].kind), H_STR(results[i].mark),
			         H_TEXT(result));
			return;
		}
	}
	html_put(out, "<span class=\"result\"><span aria-hidden=\"true\">–</span> $</span>", H_TEXT(result.len > 0 ? result : B("none")));
}

/* ---- what it means ---- */

static struct facts
facts_of(const struct store_account *a, const struct doc *story)
{
	struct facts f = { .mail_from = doc_text(story, "client.mail_from") };

	f.mailbox.domain = doc_text(story, "message.from_domain");
	if (f.mailbox.domain.len == 0)
		f.mailbox.domain = a->domain;
	if (!ip_parse(a->client, &f.client))
		f.client.family = 0;
	return f;
}

void
told_advice(struct buf *out, struct arena *a, const struct store_account *account, const struct doc *story)
{
	struct facts facts = facts_of(account, story);
	enum reason  reason;
	struct bytes step;

	if (!reason_of(account->reason, &reason))
		return;
	const struct reason_row *row = reason_row(reason);
	html_put(out, "<p class=\"lead\">$</p>", H_TEXT(evidence_fill(a, row->line, &facts)));
	struct bytes owner = evidence_owner(a, row->owner, facts.mailbox.domain);
	if (owner.len > 0 && !bytes_eq(account->action, B("accept")))
		html_put(out, "<p class=\"sentence\"><strong>$.</strong></p>", H_TEXT(owner));
	struct bytes steps = evidence_fill(a, row->steps, &facts);
	if (steps.len == 0)
		return;
	buf_add_str(out, "<ul class=\"steps\">");
	while (bytes_cut(&steps, '\n', &step))
		html_put(out, "<li>$</li>", H_TEXT(step));
	buf_add_str(out, "</ul>");
}

static void
add_sentence(struct buf *out, const struct doc *check)
{
	enum reason  reason;
	struct bytes detail = doc_text(check, "detail");

	buf_add_str(out, "<p class=\"sentence\">");
	if (reason_of(doc_text(check, "reason"), &reason))
		html_put(out, "$", H_STR(reason_row(reason)->line));
	if (detail.len > 0)
		html_put(out, ": <span class=\"seen\">$</span>", H_TEXT(detail));
	buf_add_str(out, ".</p>");
}

static void
add_fact(struct buf *out, const char *name, struct bytes value)
{
	if (value.len > 0)
		html_put(out, "<div><dt>$</dt><dd>$</dd></div>", H_STR(name), H_TEXT(value));
}

/* ---- SPF ---- */

/* Among several TXT records, joined by ", ", the one that begins so. */
static struct bytes
record_among(struct bytes answer, struct bytes begin)
{
	while (answer.len > 0) {
		size_t end = bytes_find(answer, B(", "));
		if (bytes_starts_nocase(answer, begin))
			return bytes_sub(answer, 0, end);
		bytes_skip(&answer, end + 2 <= answer.len ? end + 2 : answer.len);
	}
	return B("");
}

static struct bytes
answer_to(const struct doc *story, const char *type, struct bytes name)
{
	const struct doc *lines = doc_at(story, "account");

	for (size_t i = 0; i < doc_count(lines); i++) {
		struct bytes asked = doc_text(doc_item(lines, i), "asked"), head;
		if (bytes_cut(&asked, ' ', &head) && bytes_eq(head, bytes_of(type)) && bytes_eq(asked, name))
			return doc_text(doc_item(lines, i), "answer");
	}
	return B("");
}

struct bytes
told_spf_record(const struct doc *story, struct bytes domain)
{
	return record_among(answer_to(story, "TXT", domain), B("v=spf1"));
}

static bool
is_modifier(struct bytes term)
{
	size_t equals = bytes_index(term, '=');

	return equals < term.len && equals < bytes_index(term, ':') && equals < bytes_index(term, '/');
}

static struct bytes
without_qualifier(struct bytes term)
{
	return term.len > 0 && bytes_has(B("+-~?"), term.at[0]) ? bytes_from(term, 1) : term;
}

/* Terms are tried from the left until one matches (RFC 7208 section 4.6.2), so
 * the one that decided tells what befell all others. Where trouble ended it,
 * the detail names the term; where nothing is known nothing is claimed. */
static const char *
term_fate(struct bytes term, bool first, bool hit, bool over, bool known, bool troubled)
{
	if (first)
		return "version";
	if (hit)
		return troubled ? "ended in trouble" : "matched";
	if (is_modifier(term))
		return "modifier";
	if (!known)
		return "";
	return over ? "not reached" : "did not match";
}

static bool
term_decided(struct bytes term, struct bytes decided, struct bytes detail)
{
	struct bytes bare = without_qualifier(term);

	if (decided.len > 0)
		return bytes_eq_nocase(bare, decided);
	return bare.len > 3 && bytes_ends_nocase(detail, bare);
}

/* Is there a term that decided? */
static bool
terms_known(struct bytes record, struct bytes decided, struct bytes detail)
{
	struct bytes term;

	for (int i = 0; i < TERMS_MAX && bytes_cut(&record, ' ', &term); i++)
		if (i > 0 && term_decided(term, decided, detail))
			return true;
	return false;
}

static void
add_terms(struct buf *out, struct bytes record, const struct doc *spf)
{
	struct bytes decided = doc_text(spf, "mechanism"), term;
	bool         troubled = doc_is(spf, "result", "permerror") || doc_is(spf, "result", "temperror");
	struct bytes detail = troubled ? doc_text(spf, "detail") : B("");
	bool         known = !troubled || terms_known(record, decided, detail), over = false;

	buf_add_str(out, "<ol class=\"terms\" aria-label=\"The SPF record, term by term\">");
	for (int i = 0; i < TERMS_MAX && bytes_cut(&record, ' ', &term); i++) {
		bool hit = i > 0 && !over && term_decided(term, decided, detail);
		if (term.len == 0)
			continue;
		html_put(out, "<li class=\"$\"><code>$</code> <span>$</span></li>", H_STR(hit ? "hit" : "miss"), H_TEXT(term),
		         H_STR(term_fate(term, i == 0, hit, over, known, troubled)));
		over = over || hit;
	}
	buf_add_str(out, "</ol>");
}

static void
add_spf(struct buf *out, const struct doc *story)
{
	const struct doc *spf = doc_at(story, "spf");
	struct bytes      record = told_spf_record(story, doc_text(spf, "domain"));

	buf_add_str(out, "<section class=\"card\" aria-labelledby=\"spf\"><h2 id=\"spf\">SPF ");
	told_result(out, doc_text(spf, "result"));
	buf_add_str(out, "</h2>");
	if (spf == NULL) {
		buf_add_str(out, "<p>SPF was not checked.</p></section>");
		return;
	}
	add_sentence(out, spf);
	buf_add_str(out, "<dl class=\"pairs\">");
	add_fact(out, "Client", doc_text(story, "client.ip"));
	add_fact(out, doc_is(spf, "identity", "helo") ? "HELO domain" : "MAIL FROM domain", doc_text(spf, "domain"));
	html_put(out, "<div><dt>Lookups</dt><dd>$ of 10; $ found nothing</dd></div></dl>", H_NUM(doc_number(spf, "lookups")),
	         H_NUM(doc_number(spf, "voids")));
	if (record.len > 0)
		add_terms(out, record, spf);
	if (doc_text(spf, "explanation").len > 0)
		html_put(out, "<p>The domain says: “$”</p>", H_TEXT(doc_text(spf, "explanation")));
	buf_add_str(out, "</section>");
}

/* ---- DKIM, ARC, DMARC ---- */

static void
add_signature(struct buf *out, const struct doc *d)
{
	int64_t bits = doc_number(d, "bits");

	buf_add_str(out, "<li><h3>");
	told_result(out, doc_text(d, "result"));
	html_put(out, " $</h3>", H_TEXT(doc_text(d, "domain").len > 0 ? doc_text(d, "domain") : B("(domain not readable)")));
	add_sentence(out, d);
	buf_add_str(out, "<dl class=\"pairs\">");
	add_fact(out, "Selector", doc_text(d, "selector"));
	add_fact(out, "Identity", doc_text(d, "identity"));
	add_fact(out, "Algorithm", doc_text(d, "algorithm"));
	if (bits > 0)
		html_put(out, "<div><dt>Key</dt><dd>$ bits</dd></div>", H_NUM(bits));
	html_put(out, "<div><dt>Aligned with From</dt><dd>$</dd></div></dl></li>", H_STR(doc_flag(d, "aligned") ? "yes" : "no"));
}

static void
add_dkim(struct buf *out, const struct doc *story)
{
	const struct doc *dkim = doc_at(story, "dkim");

	html_put(out, "<section class=\"card\" aria-labelledby=\"dkim\"><h2 id=\"dkim\">DKIM <span class=\"sub\">$ $</span></h2>",
	         H_NUM(doc_count(dkim)),
	         H_STR(doc_count(dkim) == 1 ? "signature" : "signatures"));
	if (doc_count(dkim) == 0)
		buf_add_str(out, "<p>The message has no DKIM signature.</p>");
	buf_add_str(out, doc_count(dkim) > 0 ? "<ul class=\"signatures\">" : "");
	for (size_t i = 0; i < doc_count(dkim); i++)
		add_signature(out, doc_item(dkim, i));
	buf_add_str(out, doc_count(dkim) > 0 ? "</ul></section>" : "</section>");
}

static void
add_arc(struct buf *out, const struct doc *story)
{
	const struct doc *arc = doc_at(story, "arc"), *sealers = doc_at(arc, "sealers");

	if (doc_number(arc, "instances") == 0)
		return;
	buf_add_str(out, "<section class=\"card\" aria-labelledby=\"arc\"><h2 id=\"arc\">ARC ");
	told_result(out, doc_text(arc, "result"));
	buf_add_str(out, "</h2>");
	add_sentence(out, arc);
	buf_add_str(out, "<dl class=\"pairs\"><div><dt>Sealed by</dt><dd>");
	for (size_t i = 0; i < doc_count(sealers); i++)
		html_put(out, "$$", H_STR(i > 0 ? ", then " : ""), H_TEXT(doc_text(doc_item(sealers, i), "")));
	buf_add_str(out, "</dd></div></dl></section>");
}

static void
add_dmarc(struct buf *out, struct arena *a, const struct doc *story)
{
	const struct doc *dmarc = doc_at(story, "dmarc");
	struct bytes      at = doc_text(dmarc, "policy_domain");
	struct bytes      record = record_among(answer_to(story, "TXT", arena_printf(a, "_dmarc.%.*s", B_FMT(at))), B("v=DMARC1"));

	buf_add_str(out, "<section class=\"card\" aria-labelledby=\"dmarc\"><h2 id=\"dmarc\">DMARC ");
	told_result(out, doc_text(dmarc, "result"));
	buf_add_str(out, "</h2>");
	add_sentence(out, dmarc);
	buf_add_str(out, "<dl class=\"pairs\">");
	add_fact(out, "From domain", doc_text(story, "message.from_domain"));
	add_fact(out, "Organizational domain", doc_text(dmarc, "org_domain"));
	add_fact(out, "Policy", doc_text(dmarc, "policy"));
	if (doc_flag(dmarc, "testing"))
		add_fact(out, "Test mode", B("yes (t=y): applied one step lower"));
	add_fact(out, "SPF passes, aligned", doc_flag(dmarc, "spf_aligned") ? B("yes") : B("no"));
	add_fact(out, "DKIM passes, aligned", doc_flag(dmarc, "dkim_aligned") ? B("yes") : B("no"));
	buf_add_str(out, "</dl>");
	if (record.len > 0)
		html_put(out, "<p class=\"sub\">The record at <code>_dmarc.$</code></p><pre class=\"record\">$</pre>", H_TEXT(at), H_TEXT(record));
	buf_add_str(out, "</section>");
}

void
told_checks(struct buf *out, struct arena *a, const struct doc *story)
{
	if (story == NULL)
		return;
	buf_add_str(out, "<div class=\"checks\">");
	add_spf(out, story);
	add_dkim(out, story);
	add_arc(out, story);
	add_dmarc(out, a, story);
	buf_add_str(out, "</div>");
}

/* ---- what to publish ---- */

struct bytes
told_spf_with(struct arena *a, struct bytes record, struct bytes term)
{
	struct buf   out = { 0 };
	struct bytes word;
	bool         put = false;

	while (bytes_cut(&record, ' ', &word)) {
		bool ends = bytes_eq_nocase(without_qualifier(word), B("all")) || bytes_starts_nocase(word, B("redirect="));
		if (word.len == 0)
			continue;
		if (ends && !put)
			buf_printf(&out, " %.*s", B_FMT(term));
		put = put || ends;
		if (out.len > 0)
			buf_add_c(&out, ' ');
		buf_add(&out, word);
	}
	if (!put)
		buf_printf(&out, " %.*s", B_FMT(term));
	struct bytes kept = arena_copy(a, buf_bytes(&out));
	buf_free(&out);
	return kept;
}

static void
add_record(struct buf *out, struct bytes name, struct bytes value)
{
	html_put(out, "<pre class=\"record\" data-copy><b>$.</b> IN TXT \"$\"</pre>", H_TEXT(name), H_TEXT(value));
}

/* Adding the client helps only where the record said no to it, and where it is of the From domain. */
static void
add_spf_record(struct buf *out, struct arena *a, const struct store_account *account, const struct doc *story, struct bytes domain)
{
	const struct doc *spf = doc_at(story, "spf");
	struct ip         ip;
	struct bytes      checked = doc_text(spf, "domain");

	if (!ip_parse(account->client, &ip) || doc_is(spf, "result", "pass"))
		return;
	struct bytes term = arena_printf(a, "ip%u:%.*s", (unsigned)ip.family, B_FMT(account->client));
	if (doc_is(spf, "result", "permerror") || doc_is(spf, "result", "temperror")) {
		html_put(out, "<li><p>The SPF record of $ could not be used, for the reason above. Mend that first.</p></li>", H_TEXT(checked));
		return;
	}
	if (!domain_is_under(checked, domain) && !domain_is_under(domain, checked)) {
		html_put(out, "<li><p>Or send with a MAIL FROM of $ (it was of $), from a server that its SPF record lists.</p></li>", H_TEXT(domain),
		         H_TEXT(checked.len > 0 ? checked : B("nobody")));
		return;
	}
	struct bytes record = told_spf_record(story, checked);
	html_put(out, "<li><p>Or, if $ is really a server of yours, list it in the SPF record:</p>", H_TEXT(account->client));
	add_record(out, checked, told_spf_with(a, record.len > 0 ? record : B("v=spf1 -all"), term));
	buf_add_str(out, "</li>");
}

void
told_records(struct buf *out, struct arena *a, const struct store_account *account, const struct doc *story)
{
	struct bytes domain = doc_text(story, "message.from_domain");

	if (story == NULL || domain.len == 0 || !bytes_starts(account->reason, B("dmarc.")) || bytes_eq(account->reason, B("dmarc.temperror")))
		return;
	html_put(out,
	         "<section class=\"card\" aria-labelledby=\"publish\"><h2 id=\"publish\">What to publish</h2><p>One of these is enough; the "
	         "first also "
	         "survives forwarding. They are for whoever runs the DNS and the mail of <b>$</b>.</p><ol class=\"publish\">",
	         H_TEXT(domain));
	html_put(out, "<li><p>Let the sending server sign with DKIM as <code>d=$</code>, and publish its key under a selector of your "
	              "choice:</p>", H_TEXT(domain));
	add_record(out, arena_printf(a, "mail._domainkey.%.*s", B_FMT(domain)), B("v=DKIM1; k=rsa; p=YOUR-PUBLIC-KEY"));
	buf_add_str(out, "</li>");
	add_spf_record(out, a, account, story, domain);
	buf_add_str(out, "</ol></section>");
}
