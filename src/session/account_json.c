/* session/account_json.c: see account_json.h. Unknown is null, never a missing
 * key or an empty string. */
#include "session/account_json.h"

#include <string.h>

#include "auth/spf.h"
#include "base/clock.h"

static void
json_finding(struct json *j, const struct finding *f)
{
	json_kv_str(j, "result", result_word(f->result));
	json_kv_str(j, "reason", reason_word(f->reason));
	json_kv_text_or_null(j, "detail", f->detail);
}

static void
json_texts(struct json *j, const char *key, const struct bytes *at, size_t count)
{
	json_key(j, key);
	json_open_array(j);
	for (size_t i = 0; i < count; i++)
		json_text(j, at[i]);
	json_close_array(j);
}

/* "dkim" takes the lines of all signatures; "spf" not those of "spf-helo". */
void
account_json_lines(struct json *j, const struct account *account, const char *check)
{
	json_open_array(j);
	for (size_t i = 0; i < account->line_count; i++) {
		const struct account_line *line = &account->lines[i];
		if (check != NULL && strcmp(line->check, check) != 0)
			continue;
		json_open_object(j);
		json_kv_str(j, "check", line->check);
		json_kv_text_or_null(j, "asked", line->asked);
		json_kv_text_or_null(j, "answer", line->answer);
		json_kv_str(j, "result", line->concludes ? result_word(line->finding.result) : NULL);
		json_kv_str(j, "reason", line->concludes ? reason_word(line->finding.reason) : NULL);
		json_kv_text_or_null(j, "detail", line->concludes ? line->finding.detail : B_NONE);
		json_kv_text_or_null(j, "domain", line->concludes ? line->finding.domain : B_NONE);
		json_key(j, "ms");
		json_thousandths(j, line->took_us);
		json_close_object(j);
	}
	json_close_array(j);
}

void
account_json_spf(struct json *j, const struct account *account, const struct spf_fact *spf, const char *check)
{
	if (!spf->checked) {
		json_null(j);
		return;
	}
	const struct spf_report *r = spf->report;
	bool                     helo = r->identity == SPF_HELO || account->facts.mail_from.len == 0;
	json_open_object(j);
	json_finding(j, &spf->finding);
	json_kv_str(j, "identity", helo ? "helo" : "mailfrom");
	json_kv_text_or_null(j, "domain", r->domain);
	json_kv_text_or_null(j, "mechanism", r->mechanism);
	json_kv_text_or_null(j, "record", r->record);
	json_kv_int(j, "lookups", r->lookups);
	json_kv_int(j, "voids", r->voids);
	json_kv_text_or_null(j, "explanation", r->explanation);
	if (!j->lean) { /* the account of all checks has them too */
		json_key(j, "account");
		account_json_lines(j, account, check);
	}
	json_close_object(j);
}

static void
json_signature(struct json *j, const struct dkim_fact *d)
{
	static const struct dkim_report unread;
	const struct dkim_report       *r = d->report != NULL ? d->report : &unread;

	json_open_object(j);
	json_finding(j, &d->finding);
	json_kv_text_or_null(j, "domain", r->domain);
	json_kv_text_or_null(j, "selector", r->selector);
	json_kv_text_or_null(j, "identity", r->identity);
	json_kv_text_or_null(j, "algorithm", r->algorithm);
	json_key(j, "bits");
	if (r->bits != 0)
		json_int(j, r->bits);
	else
		json_null(j);
	json_kv_bool(j, "aligned", d->aligned);
	json_close_object(j);
}

void
account_json_dkim(struct json *j, const struct account *account)
{
	json_open_array(j);
	for (size_t i = 0; i < account->facts.dkim_count; i++)
		json_signature(j, &account->facts.dkim[i]);
	json_close_array(j);
}

/* What a seal recorded of DMARC, for which From: a trusted sealer's word counts. */
static void
json_arc_set(struct json *j, const struct arc_set *set)
{
	json_open_object(j);
	json_kv_text_or_null(j, "sealer", set->sealer);
	json_kv_text_or_null(j, "selector", set->selector);
	json_kv_text_or_null(j, "authserv_id", set->authserv_id);
	json_kv_str(j, "dmarc", result_word(set->dmarc));
	json_kv_text_or_null(j, "dmarc_from", set->dmarc_from);
	json_close_object(j);
}

static void
json_arc(struct json *j, const struct account *account)
{
	const struct arc_report *r = account->facts.arc_report;

	json_open_object(j);
	json_finding(j, &account->facts.arc);
	json_kv_int(j, "instances", r != NULL ? (int64_t)r->count : 0);
	json_key(j, "sealers");
	json_open_array(j);
	for (size_t i = 0; r != NULL && i < r->count; i++)
		json_text_or_null(j, r->sets[i].sealer);
	json_close_array(j);
	json_kv_bool(j, "trusted", account->arc_trusted);
	json_key(j, "sets");
	json_open_array(j);
	for (size_t i = 0; r != NULL && i < r->count; i++)
		json_arc_set(j, &r->sets[i]);
	json_close_array(j);
	json_close_object(j);
}

void
account_json_dmarc(struct json *j, const struct account *account)
{
	static const struct dmarc_report none;
	const struct facts              *f = &account->facts;
	const struct dmarc_report       *r = f->dmarc_report != NULL ? f->dmarc_report : &none;

	json_open_object(j);
	json_finding(j, &f->dmarc);
	json_kv_str(j, "policy", policy_word(r->policy));
	json_kv_str(j, "applied", policy_word(r->applied));
	json_kv_bool(j, "testing", r->testing);
	json_kv_text_or_null(j, "policy_domain", r->policy_domain);
	json_kv_text_or_null(j, "org_domain", r->org_domain);
	json_kv_text_or_null(j, "org_domain_other", r->org_domain_other);
	json_kv_str(j, "discovery", r->discovery == DISCOVERY_PSL ? "psl" : "treewalk");
	json_kv_text_or_null(j, "record", r->record);
	json_texts(j, "queries", r->queries, r->query_count);
	json_texts(j, "rua", r->rua, r->rua_count);
	json_kv_bool(j, "existence_unknown", r->existence_unknown);
	bool dkim_aligned = false;
	for (size_t i = 0; i < f->dkim_count; i++)
		dkim_aligned |= f->dkim[i].aligned && f->dkim[i].finding.result == RESULT_PASS;
	json_kv_bool(j, "spf_aligned", r->spf_aligned && f->spf.finding.result == RESULT_PASS);
	json_kv_bool(j, "dkim_aligned", dkim_aligned);
	json_close_object(j);
}

static void
json_decision(struct json *j, const struct decision *d)
{
	json_open_object(j);
	json_kv_str(j, "action", action_word(d->action));
	json_kv_str(j, "reason", reason_word(d->reason));
	json_kv_text_or_null(j, "rule", d->rule);
	json_kv_str(j, "override", override_word(d->override));
	json_key(j, "reply");
	if (d->reply.count == 0) {
		json_null(j);
	} else {
		json_open_object(j);
		json_kv_int(j, "code", d->reply.code);
		json_kv_text(j, "enhanced", d->reply.enhanced);
		json_texts(j, "lines", d->reply.lines, d->reply.count);
		json_close_object(j);
	}
	json_kv_str(j, "owner", owner_word(reason_row(d->reason)->owner));
	json_close_object(j);
}

static void
json_message(struct json *j, const struct account *account)
{
	json_open_object(j);
	json_texts(j, "from", account->from_addresses, account->from_count);
	json_kv_text_or_null(j, "from_domain", account->facts.mailbox.domain);
	json_kv_text_or_null(j, "message_id", account->message_id);
	json_kv_text_or_null(j, "subject", account->subject);
	json_kv_int(j, "size", (int64_t)account->size);
	json_kv_text_or_null(j, "list_domain", account->facts.list_domain);
	json_kv_text_or_null(j, "queue_id", account->queue_id);
	json_close_object(j);
}

static void
json_from_check(struct json *j, const struct account *account)
{
	json_open_object(j);
	json_finding(j, &account->facts.from);
	json_kv_text_or_null(j, "domain", account->facts.from.domain);
	json_close_object(j);
}

static void
json_client(struct json *j, const struct account *account)
{
	char ip[IP_TEXT_MAX];

	json_open_object(j);
	ip_format(&account->facts.client, ip);
	json_kv_text_or_null(j, "ip", bytes_of(ip));
	json_kv_text_or_null(j, "helo", account->facts.helo);
	json_kv_text_or_null(j, "mail_from", account->facts.mail_from);
	json_kv_str(j, "standing", standing_word(account->facts.standing));
	ip_format(&account->peer, ip);
	json_kv_text_or_null(j, "peer", bytes_of(ip));
	json_kv_text_or_null(j, "peer_name", account->peer_host);
	json_kv_text_or_null(j, "listener", account->listener);
	json_kv_text_or_null(j, "tls_version", account->tls_version);
	json_kv_text_or_null(j, "tls_cipher", account->tls_cipher);
	json_kv_text_or_null(j, "login", account->login);
	json_close_object(j);
}

void
account_json(struct json *j, const struct account *account)
{
	char at[CLOCK_TEXT_MAX];

	json_open_object(j);
	json_kv_str(j, "id", account->id);
	clock_format(account->began, at);
	json_kv_str(j, "at", at);
	json_key(j, "took_ms");
	json_thousandths(j, account->took_us);
	json_key(j, "message");
	json_message(j, account);
	json_key(j, "from_check");
	json_from_check(j, account);
	json_key(j, "client");
	json_client(j, account);
	json_key(j, "spf");
	account_json_spf(j, account, &account->facts.spf, "spf");
	json_key(j, "spf_helo");
	account_json_spf(j, account, &account->facts.spf_helo, "spf-helo");
	json_key(j, "dkim");
	account_json_dkim(j, account);
	json_key(j, "arc");
	json_arc(j, account);
	json_key(j, "dmarc");
	account_json_dmarc(j, account);
	json_key(j, "decision");
	json_decision(j, &account->decision);
	json_kv_bool(j, "monitor", account->monitor);
	json_kv_bool(j, "memory_spent", account->facts.overdrawn);
	json_kv_bool(j, "late", account->facts.late);
	json_key(j, "recipients");
	json_open_array(j);
	for (size_t i = 0; i < account->recipient_count; i++) {
		json_open_object(j);
		json_kv_text_or_null(j, "address", account->recipients[i].address);
		json_kv_bool(j, "refused", account->recipients[i].refused);
		json_key(j, "decision");
		json_decision(j, &account->recipients[i].decision);
		json_close_object(j);
	}
	json_close_array(j);
	json_kv_text_or_null(j, "authentication_results", account->authentication_results);
	json_key(j, "account");
	account_json_lines(j, account, NULL);
	json_close_object(j);
}
