/* session/results.c: see results.h. One row for each signature, because a
 * reader must be able to tell which passed. */
#include "session/results.h"

#include "auth/authres.h"

static void
add_prop(struct authres_result *r, const char *ptype, const char *name, struct bytes value)
{
	if (value.len > 0 && r->prop_count < AUTHRES_PROPS)
		r->props[r->prop_count++] = (struct authres_prop){ ptype, name, value };
}

/* "spf.matched" for what passed, and what was seen where something is wrong. */
static struct bytes
comment_of(struct arena *a, const struct finding *f)
{
	if (f->result == RESULT_PASS || f->detail.len == 0)
		return bytes_of(reason_word(f->reason));
	return arena_printf(a, "%s: %.*s", reason_word(f->reason), B_FMT(f->detail));
}

static struct authres_result
result_for(struct arena *a, const struct finding *f)
{
	return (struct authres_result){ .method = f->method, .result = f->result, .comment = comment_of(a, f) };
}

static struct authres_result
spf_result(struct arena *a, const struct account *account)
{
	const struct facts   *f = &account->facts;
	struct authres_result r = result_for(a, &f->spf.finding);

	if (f->mail_from.len > 0)
		add_prop(&r, "smtp", "mailfrom", f->mail_from);
	else
		add_prop(&r, "smtp", "helo", f->helo);
	return r;
}

static struct authres_result
dkim_result(struct arena *a, const struct dkim_fact *fact)
{
	struct authres_result     r = result_for(a, &fact->finding);
	const struct dkim_report *report = fact->report;

	if (report == NULL)
		return r;
	add_prop(&r, "header", "d", report->domain);
	add_prop(&r, "header", "i", report->identity);
	add_prop(&r, "header", "s", report->selector);
	add_prop(&r, "header", "a", report->algorithm);
	/* RFC 6008: enough of b= to tell signatures of one domain apart. */
	add_prop(&r, "header", "b", bytes_sub(report->signature, 0, 8));
	return r;
}

static struct authres_result
arc_result(struct arena *a, const struct account *account)
{
	const struct facts   *f = &account->facts;
	struct authres_result r = result_for(a, &f->arc);
	char                  ip[IP_TEXT_MAX];

	ip_format(&f->client, ip);
	add_prop(&r, "smtp", "remote-ip", arena_copy(a, bytes_of(ip)));
	if (f->arc_report != NULL && f->arc_report->count > 0)
		add_prop(&r, "header", "d", f->arc_report->sets[f->arc_report->count - 1].sealer);
	return r;
}

static struct authres_result
dmarc_result(struct arena *a, const struct account *account)
{
	const struct facts   *f = &account->facts;
	struct authres_result r = result_for(a, &f->dmarc);

	add_prop(&r, "header", "from", f->mailbox.domain);
	if (f->dmarc_report != NULL)
		add_prop(&r, "policy", "dmarc", bytes_of(policy_word(f->dmarc_report->applied)));
	return r;
}

struct bytes
results_text(struct arena *a, struct bytes authserv_id, const struct account *account)
{
	const struct facts    *f = &account->facts;
	struct authres_result *rows = arena_take_array(a, f->dkim_count + 4, sizeof(*rows));
	size_t                 n = 0;

	if (rows == NULL)
		return B_NONE;
	if (f->spf.checked)
		rows[n++] = spf_result(a, account);
	for (size_t i = 0; i < f->dkim_count; i++)
		if (f->dkim[i].report != NULL)
			rows[n++] = dkim_result(a, &f->dkim[i]);
	if (f->dkim_count == 0)
		rows[n++] = (struct authres_result){ .method = METHOD_DKIM, .result = RESULT_NONE };
	if (f->arc.result != RESULT_NONE)
		rows[n++] = arc_result(a, account);
	if (f->from.result == RESULT_PASS)
		rows[n++] = dmarc_result(a, account);
	return authres_write(a, authserv_id, rows, n);
}
