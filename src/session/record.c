/* session/record.c: see record.h. */
#include "session/record.h"

#include "auth/digest.h"
#include "mail/domain.h"
#include "session/account_json.h"

/* Of the hash: enough that no two subjects meet by chance. */
#define HASH_KEPT 16
/* What most stories need. */
#define STORY_USUAL ((size_t)6000)
/* An answer in a story that grew too long. */
#define ANSWER_KEPT 80

struct record_rules
record_rules_of(const struct settings *s)
{
	return (struct record_rules){ s->store_subject, s->store_header_from };
}

struct bytes
record_hash(struct arena *a, struct bytes text)
{
	struct digest d;
	uint8_t       hash[DIGEST_LEN];
	char          hex[2 * HASH_KEPT + 1];

	digest_begin(&d);
	digest_add(&d, text);
	if (!digest_end(&d, hash)) {
		arena_spoil(a);
		return B("");
	}
	for (size_t i = 0; i < HASH_KEPT; i++)
		for (int half = 0; half < 2; half++)
			hex[2 * i + (size_t)half] = "0123456789abcdef"[half == 0 ? hash[i] >> 4 : hash[i] & 15];
	return arena_join(a, B("sha256:"), bytes_make(hex, 2 * HASH_KEPT));
}

static struct bytes
subject_kept(struct arena *a, const struct record_rules *rules, struct bytes subject)
{
	if (rules->subject == STORE_TEXT_KEEP || subject.len == 0)
		return subject;
	return rules->subject == STORE_TEXT_HASH ? record_hash(a, subject) : B("");
}

/* The domain stays: it is what was judged. */
static struct bytes
address_kept(struct arena *a, const struct record_rules *rules, struct bytes address)
{
	if (rules->header_from == STORE_TEXT_KEEP)
		return address;
	struct bytes at_domain = arena_join(a, B("@"), address_domain(address));
	return rules->header_from == STORE_TEXT_HASH ? arena_join(a, record_hash(a, address), at_domain) : at_domain;
}

static void
keep_from(struct arena *a, const struct record_rules *rules, struct account *copy)
{
	struct bytes *kept = arena_take_array(a, copy->from_count, sizeof(*kept));

	if (kept == NULL)
		return;
	for (size_t i = 0; i < copy->from_count; i++)
		kept[i] = address_kept(a, rules, copy->from_addresses[i]);
	copy->from_addresses = kept;
}

static void
shorten_answers(struct arena *a, struct account *copy)
{
	struct account_line *lines = arena_take_array(a, copy->line_count, sizeof(*lines));

	if (lines == NULL)
		return;
	for (size_t i = 0; i < copy->line_count; i++) {
		lines[i] = copy->lines[i];
		if (lines[i].answer.len > ANSWER_KEPT)
			lines[i].answer = arena_join(a, bytes_sub(lines[i].answer, 0, ANSWER_KEPT), B(" (cut)"));
	}
	copy->lines = lines;
}

static struct bytes
story_text(struct arena *a, const struct account *account)
{
	struct buf   out = { .limit = RECORD_MEMORY / 2 };
	struct json  j = json_to(&out, false);
	struct bytes text = B("");

	j.lean = true;
	buf_reserve(&out, STORY_USUAL);
	account_json(&j, account);
	if (out.spoilt)
		arena_spoil(a);
	else
		text = arena_copy(a, buf_bytes(&out));
	buf_free(&out);
	return text;
}

static struct bytes
story_of(struct arena *a, const struct record_rules *rules, struct account copy)
{
	copy.subject = subject_kept(a, rules, copy.subject);
	keep_from(a, rules, &copy);
	if (copy.recipient_count > RECORD_TOLD)
		copy.recipient_count = RECORD_TOLD;
	struct bytes text = story_text(a, &copy);
	if (text.len <= RECORD_STORY_MAX)
		return text;
	shorten_answers(a, &copy);
	return story_text(a, &copy);
}

static struct bytes
reply_as_sent(struct arena *a, const struct reply *reply)
{
	struct buf   wire = { 0 };
	struct bytes text = B("");

	if (reply->count == 0)
		return text;
	reply_write(&wire, reply, false);
	text = arena_copy(a, buf_bytes(&wire));
	buf_free(&wire);
	return text;
}

/* One signature stands for all: one that passed, else the first. */
static const struct dkim_fact *
dkim_shown(const struct facts *f)
{
	for (size_t i = 0; i < f->dkim_count; i++)
		if (f->dkim[i].finding.result == RESULT_PASS)
			return &f->dkim[i];
	return f->dkim_count > 0 ? &f->dkim[0] : NULL;
}

static void
add_findings(const struct facts *f, struct store_account *row)
{
	const struct dkim_fact *dkim = dkim_shown(f);

	if (f->spf.checked) {
		row->spf = bytes_of(result_word(f->spf.finding.result));
		row->spf_reason = bytes_of(reason_word(f->spf.finding.reason));
	}
	row->dkim = dkim != NULL ? bytes_of(result_word(dkim->finding.result)) : B("none");
	row->dkim_reason = dkim != NULL ? bytes_of(reason_word(dkim->finding.reason)) : B("");
	row->arc = bytes_of(result_word(f->arc.result));
	row->arc_reason = bytes_of(reason_word(f->arc.reason));
	row->dmarc = bytes_of(result_word(f->dmarc.result));
	row->dmarc_reason = bytes_of(reason_word(f->dmarc.reason));
}

static void
add_recipients(struct arena *a, const struct account *account, struct store_account *row)
{
	struct store_recipient *all = arena_take_array(a, account->recipient_count, sizeof(*all));

	if (all == NULL)
		return;
	for (size_t i = 0; i < account->recipient_count; i++) {
		const struct account_recipient *r = &account->recipients[i];
		all[i] = (struct store_recipient){
			.address = r->address,
			.action = bytes_of(action_word(r->decision.action)),
			.reason = bytes_of(reason_word(r->decision.reason)),
		};
	}
	row->recipients = all;
	row->recipient_count = account->recipient_count;
}

static struct bytes
ip_text(struct arena *a, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	return arena_copy(a, bytes_make(text, ip_format(ip, text)));
}

static void
add_client(struct arena *a, const struct account *account, struct store_account *row)
{
	row->client = ip_text(a, &account->facts.client);
	row->peer = ip_text(a, &account->peer);
	row->client_name = account->peer_host;
	row->helo = account->facts.helo;
	row->listener = account->listener;
	row->standing = bytes_of(standing_word(account->facts.standing));
	row->login = account->login;
	if (account->tls_version.len > 0)
		row->tls = arena_printf(a, "%.*s %.*s", B_FMT(account->tls_version), B_FMT(account->tls_cipher));
}

static void
add_decision(struct arena *a, const struct account *account, struct store_account *row)
{
	const struct decision *d = &account->decision;
	const char            *override = override_word(d->override);

	row->mode = account->monitor ? B("monitor") : B("enforce");
	row->action = bytes_of(action_word(d->action));
	row->reason = bytes_of(reason_word(d->reason));
	row->rule = d->rule;
	row->override = bytes_of(override);
	row->reply = reply_as_sent(a, &d->reply);
	if (d->action == ACTION_REJECT)
		row->blamed = row->domain;
}

bool
record_account(struct arena *a, const struct record_rules *rules, const struct account *account, int64_t now_us, struct store_account *row_out)
{
	const struct facts  *f = &account->facts;
	struct store_account row = {
		.id = bytes_of(account->id),
		.at_us = now_us,
		.sender = f->mail_from,
		.message_id = account->message_id,
		.queue_id = account->queue_id,
		.size = (int64_t)account->size,
		.results = account->authentication_results,
		.took_us = (int64_t)account->took_us,
	};

	row.domain = f->mailbox.domain.len > 0 ? f->mailbox.domain : address_domain(f->mail_from);
	row.subject = subject_kept(a, rules, account->subject);
	if (account->from_count > 0)
		row.header_from = address_kept(a, rules, account->from_addresses[0]);
	add_client(a, account, &row);
	add_findings(f, &row);
	add_decision(a, account, &row);
	add_recipients(a, account, &row);
	row.story = story_of(a, rules, *account);
	if (arena_overdrawn(a))
		return false;
	*row_out = row;
	return true;
}
