/* desk/story.c: see story.h. What is null is empty; what is missing too, so that
 * stories of older versions are told with what they have. A word that we do not
 * know is a fault: a decision is not to be made of half the facts. */
#include "desk/story.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

/* More than a story has: what is longer was not made by us. */
#define STORY_MAX   ((size_t)64 << 20)
#define ITEMS_MAX   100000

struct reader {
	struct arena *arena;
	const char   *fault; /* the first; a key */
};

static void
fault(struct reader *r, const char *key)
{
	if (r->fault == NULL)
		r->fault = key;
}

/* ---- values ---- */

static struct bytes
text_of(struct reader *r, const json_t *v)
{
	return json_is_string(v) ? arena_copy(r->arena, bytes_make(json_string_value(v), json_string_length(v))) : B("");
}

static struct bytes
text(struct reader *r, const json_t *o, const char *key)
{
	return text_of(r, json_object_get(o, key));
}

static int64_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static unsigned
small(const json_t *o, const char *key)
{
	int64_t n = number(o, key);

	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

static bool
flag(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static uint64_t
msec_to_us(const json_t *o, const char *key)
{
	double ms = json_number_value(json_object_get(o, key));

	return ms > 0 && ms < 1e12 ? (uint64_t)(ms * 1000 + 0.5) : 0;
}

static struct bytes *
texts(struct reader *r, const json_t *o, const char *key, size_t *count_out)
{
	const json_t *list = json_object_get(o, key);
	size_t        count = json_array_size(list);
	struct bytes *at = arena_take_array(r->arena, count, sizeof(*at));

	if (at == NULL || count > ITEMS_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++)
		at[i] = text_of(r, json_array_get(list, i));
	*count_out = count;
	return at;
}

/* The place of a word among `count` words; null is `absent`. */
static unsigned
choice(struct reader *r, const json_t *o, const char *key, const char *(*word)(unsigned), unsigned count, unsigned absent)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL || json_is_null(v))
		return absent;
	for (unsigned i = 0; json_is_string(v) && i < count; i++)
		if (word(i) != NULL && strcmp(word(i), json_string_value(v)) == 0)
			return i;
	fault(r, key);
	return absent;
}

static const char *
word_of_action(unsigned i)
{
	return action_word((enum action)i);
}

static const char *
word_of_override(unsigned i)
{
	return override_word((enum override)i);
}

static const char *
word_of_standing(unsigned i)
{
	return standing_word((enum standing)i);
}

static const char *
word_of_policy(unsigned i)
{
	return policy_word((enum dmarc_policy)i);
}

static enum result
result_at(struct reader *r, const json_t *o, const char *key)
{
	enum result   result = RESULT_NONE;
	const json_t *v = json_object_get(o, key);

	if (json_is_string(v) && !result_of(bytes_of(json_string_value(v)), &result))
		fault(r, key);
	return result;
}

static enum reason
reason_at(struct reader *r, const json_t *o)
{
	enum reason   reason = (enum reason)0;
	const json_t *v = json_object_get(o, "reason");

	if (!json_is_string(v) || !reason_of(bytes_of(json_string_value(v)), &reason))
		fault(r, "reason");
	return reason;
}

static struct ip
ip_at(const json_t *o, const char *key)
{
	struct ip   ip = { 0 };
	const char *v = json_string_value(json_object_get(o, key));

	if (v == NULL || !ip_parse(bytes_of(v), &ip))
		return (struct ip){ 0 };
	return ip;
}

/* "2026-11-21T03:00:00Z", as clock_format() writes it. */
static int64_t
time_at(struct reader *r, const json_t *o, const char *key)
{
	static const struct {
		size_t from, len;
	} parts[] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 } };
	struct bytes v = text(r, o, key);
	uint64_t     n[NELEMS(parts)];

	for (size_t i = 0; i < NELEMS(parts); i++)
		if (!bytes_number(bytes_sub(v, parts[i].from, parts[i].len), 9999, &n[i]))
			return 0;
	struct tm tm = { .tm_year = (int)n[0] - 1900, .tm_mon = (int)n[1] - 1, .tm_mday = (int)n[2], .tm_hour = (int)n[3], .tm_min = (int)n[4],
			 .tm_sec = (int)n[5] };
	return timegm(&tm);
}

static struct finding
finding_of(struct reader *r, const json_t *o, enum method method)
{
	return (struct finding){
		.method = method,
		.result = result_at(r, o, "result"),
		.reason = reason_at(r, o),
		.domain = text(r, o, "domain"),
		.detail = text(r, o, "detail"),
	};
}

/* ---- parts ---- */

static struct spf_fact
spf_of(struct reader *r, const json_t *o, enum spf_identity identity)
{
	struct spf_report *report = arena_take(r->arena, sizeof(*report));

	if (!json_is_object(o) || report == NULL)
		return (struct spf_fact){ .checked = false };
	*report = (struct spf_report){
		.identity = identity,
		.domain = text(r, o, "domain"),
		.mechanism = text(r, o, "mechanism"),
		.record = text(r, o, "record"),
		.lookups = small(o, "lookups"),
		.voids = small(o, "voids"),
		.explanation = text(r, o, "explanation"),
	};
	return (struct spf_fact){ true, finding_of(r, o, METHOD_SPF), report };
}

static void
read_dkim(struct reader *r, const json_t *list, struct facts *f)
{
	size_t            count = json_array_size(list);
	struct dkim_fact *facts = count <= ITEMS_MAX ? arena_take_array(r->arena, count, sizeof(*facts)) : NULL;

	for (size_t i = 0; facts != NULL && i < count; i++) {
		const json_t       *o = json_array_get(list, i);
		struct dkim_report *report = arena_take(r->arena, sizeof(*report));
		if (report == NULL)
			return;
		*report = (struct dkim_report){
			.domain = text(r, o, "domain"),
			.selector = text(r, o, "selector"),
			.identity = text(r, o, "identity"),
			.algorithm = text(r, o, "algorithm"),
			.bits = small(o, "bits"),
		};
		facts[i] = (struct dkim_fact){ finding_of(r, o, METHOD_DKIM), report, flag(o, "aligned") };
		if (facts[i].finding.reason == REASON_DKIM_TOO_MANY)
			facts[i].report = NULL; /* was never looked at */
	}
	f->dkim = facts;
	f->dkim_count = facts != NULL ? count : 0;
}

static void
read_arc(struct reader *r, const json_t *o, struct account *account)
{
	const json_t      *list = json_object_get(o, "sets");
	size_t             count = json_array_size(list);
	struct arc_set    *sets = count <= ARC_MAX ? arena_take_array(r->arena, count, sizeof(*sets)) : NULL;
	struct arc_report *report = arena_take(r->arena, sizeof(*report));

	account->facts.arc = finding_of(r, o, METHOD_ARC);
	account->arc_trusted = flag(o, "trusted");
	if (sets == NULL || report == NULL || count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const json_t *set = json_array_get(list, i);
		sets[i] = (struct arc_set){
			.sealer = text(r, set, "sealer"),
			.selector = text(r, set, "selector"),
			.authserv_id = text(r, set, "authserv_id"),
			.dmarc = result_at(r, set, "dmarc"),
			.dmarc_from = text(r, set, "dmarc_from"),
		};
	}
	*report = (struct arc_report){ count, sets };
	account->facts.arc_report = report;
}

static void
read_dmarc(struct reader *r, const json_t *o, struct facts *f)
{
	struct dmarc_report *report = arena_take(r->arena, sizeof(*report));

	f->dmarc = finding_of(r, o, METHOD_DMARC);
	if (report == NULL)
		return;
	*report = (struct dmarc_report){
		.policy = (enum dmarc_policy)choice(r, o, "policy", word_of_policy, POLICY_REJECT + 1, POLICY_ABSENT),
		.applied = (enum dmarc_policy)choice(r, o, "applied", word_of_policy, POLICY_REJECT + 1, POLICY_ABSENT),
		.testing = flag(o, "testing"),
		.existence_unknown = flag(o, "existence_unknown"),
		.policy_domain = text(r, o, "policy_domain"),
		.org_domain = text(r, o, "org_domain"),
		.org_domain_other = text(r, o, "org_domain_other"),
		.record = text(r, o, "record"),
		.spf_aligned = flag(o, "spf_aligned"),
		.dkim_passed = flag(o, "dkim_aligned"),
	};
	report->discovery = bytes_eq(text(r, o, "discovery"), B("psl")) ? DISCOVERY_PSL : DISCOVERY_TREEWALK;
	report->queries = texts(r, o, "queries", &report->query_count);
	report->rua = texts(r, o, "rua", &report->rua_count);
	f->dmarc_report = report;
}

static struct decision
decision_of(struct reader *r, const json_t *o)
{
	const json_t   *reply = json_object_get(o, "reply"), *lines = json_object_get(reply, "lines");
	struct decision d = {
		.action = (enum action)choice(r, o, "action", word_of_action, ACTION_REJECT + 1, ACTION_ACCEPT),
		.reason = reason_at(r, o),
		.rule = text(r, o, "rule"),
		.override = (enum override)choice(r, o, "override", word_of_override, OVERRIDE_OTHER + 1, OVERRIDE_NONE),
		.reply = { .code = small(reply, "code"), .enhanced = text(r, reply, "enhanced") },
	};

	for (size_t i = 0; i < json_array_size(lines) && i < REPLY_LINES; i++)
		d.reply.lines[d.reply.count++] = text_of(r, json_array_get(lines, i));
	return d;
}

static void
read_recipients(struct reader *r, const json_t *list, struct account *account)
{
	size_t                    count = json_array_size(list);
	struct account_recipient *all = count <= ITEMS_MAX ? arena_take_array(r->arena, count, sizeof(*all)) : NULL;

	if (all == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		const json_t *o = json_array_get(list, i);
		all[i] = (struct account_recipient){ text(r, o, "address"), decision_of(r, json_object_get(o, "decision")), flag(o, "refused") };
	}
	account->recipients = all;
	account->recipient_count = account->recipient_room = count;
}

static enum method
method_of(const char *check)
{
	static const struct {
		const char *check;
		enum method method;
	} rows[] = {
		{ "spf", METHOD_SPF }, { "spf-helo", METHOD_SPF }, { "dkim", METHOD_DKIM }, { "arc", METHOD_ARC }, { "dmarc", METHOD_DMARC },
	};
	for (size_t i = 0; i < NELEMS(rows); i++)
		if (strcmp(rows[i].check, check) == 0)
			return rows[i].method;
	return METHOD_FROM;
}

static void
read_lines(struct reader *r, const json_t *list, struct account *account)
{
	size_t               count = json_array_size(list);
	struct account_line *lines = count <= ITEMS_MAX ? arena_take_array(r->arena, count, sizeof(*lines)) : NULL;

	if (lines == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		const json_t *o = json_array_get(list, i);
		lines[i].check = text(r, o, "check").at;
		if (lines[i].check == NULL)
			lines[i].check = "";
		lines[i].asked = text(r, o, "asked");
		lines[i].answer = text(r, o, "answer");
		lines[i].concludes = json_is_string(json_object_get(o, "result"));
		if (lines[i].concludes)
			lines[i].finding = finding_of(r, o, method_of(lines[i].check));
		lines[i].took_us = msec_to_us(o, "ms");
	}
	account->lines = lines;
	account->line_count = account->line_room = count;
}

static void
read_message(struct reader *r, const json_t *o, struct account *account)
{
	account->from_addresses = texts(r, o, "from", &account->from_count);
	account->facts.mailbox.domain = text(r, o, "from_domain");
	if (account->from_count > 0)
		account->facts.mailbox.address = account->from_addresses[0];
	account->message_id = text(r, o, "message_id");
	account->subject = text(r, o, "subject");
	account->size = (uint64_t)number(o, "size");
	account->facts.list_domain = text(r, o, "list_domain");
	account->queue_id = text(r, o, "queue_id");
}

static void
read_client(struct reader *r, const json_t *o, struct account *account)
{
	struct facts *f = &account->facts;

	f->client = ip_at(o, "ip");
	f->helo = text(r, o, "helo");
	f->mail_from = text(r, o, "mail_from");
	f->standing = (enum standing)choice(r, o, "standing", word_of_standing, STANDING_AUTHENTICATED + 1, STANDING_FOREIGN);
	account->peer = ip_at(o, "peer");
	account->peer_host = text(r, o, "peer_name");
	account->listener = text(r, o, "listener");
	account->tls_version = text(r, o, "tls_version");
	account->tls_cipher = text(r, o, "tls_cipher");
	account->login = text(r, o, "login");
}

static void
read_account(struct reader *r, const json_t *o, struct account *account)
{
	struct facts *f = &account->facts;
	struct bytes  id = text(r, o, "id");

	if (id.len != ID_LEN) {
		fault(r, "id");
		return;
	}
	memcpy(account->id, id.at, ID_LEN);
	account->began = time_at(r, o, "at");
	account->took_us = msec_to_us(o, "took_ms");
	account->monitor = flag(o, "monitor");
	f->overdrawn = flag(o, "memory_spent");
	f->late = flag(o, "late");
	read_message(r, json_object_get(o, "message"), account);
	f->from = finding_of(r, json_object_get(o, "from_check"), METHOD_FROM);
	read_client(r, json_object_get(o, "client"), account);
	f->spf = spf_of(r, json_object_get(o, "spf"), SPF_MAILFROM);
	f->spf_helo = spf_of(r, json_object_get(o, "spf_helo"), SPF_HELO);
	read_dkim(r, json_object_get(o, "dkim"), f);
	read_arc(r, json_object_get(o, "arc"), account);
	read_dmarc(r, json_object_get(o, "dmarc"), f);
	account->decision = decision_of(r, json_object_get(o, "decision"));
	read_recipients(r, json_object_get(o, "recipients"), account);
	account->authentication_results = text(r, o, "authentication_results");
	read_lines(r, json_object_get(o, "account"), account);
}

struct account *
story_read(struct arena *a, struct bytes story, struct bytes *why_out)
{
	struct reader   r = { .arena = a };
	struct account *account = arena_take(a, sizeof(*account));
	json_error_t    error;
	json_t         *o = story.len <= STORY_MAX ? json_loadb(story.at, story.len, JSON_ALLOW_NUL, &error) : NULL;

	if (json_is_object(o) && account != NULL)
		read_account(&r, o, account);
	else
		fault(&r, "document");
	json_decref(o);
	if (r.fault == NULL && !arena_overdrawn(a))
		return account;
	*why_out = r.fault == NULL ? B("memory is spent") : arena_printf(a, "not a story of this version: see its %s", r.fault);
	return NULL;
}
