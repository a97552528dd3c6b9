/* session/txn.c: see txn.h. */
#include "session/txn.h"

#include <stdlib.h>
#include <string.h>

#include "auth/authres.h"
#include "base/log.h"
#include "mail/received.h"
#include "policy/evidence.h"
#include "policy/judge.h"
#include "policy/settings.h"
#include "session/inquiry.h"
#include "session/keep.h"
#include "session/results.h"

/* Our own field; those that a message brings along are taken out. */
static const struct bytes own_field = B_INIT("X-Mailreeve");

/* What is looked at of trusted hops, and kept of recipients. */
#define HOPS_MAX       20
#define RECIPIENTS_MAX 10000

struct txn {
	struct arena              *arena;
	const struct session_env  *env;
	const struct settings     *settings;
	const struct session_host *host;
	void                      *door;
	uint32_t                   generation;
	struct account            *account;
	struct inquiry            *inquiry;
	struct header              header;
	uint64_t                   ended_at;
	bool                       unknown; /* nobody knows who the client is */
	bool                       asked_client; /* SPF has begun */
	struct copy               *copy; /* of a message that may be set aside here; else NULL */
};

struct txn *
txn_new(const struct session_env *env, const struct session_host *host, void *door, const struct txn_client *client,
        uint32_t generation)
{
	struct arena *a = arena_new(env->settings->message_memory);
	struct txn   *t = arena_take(a, sizeof(*t));
	uint8_t       random[8];

	if (t == NULL)
		goto fail;
	*t = (struct txn){ .arena = a, .env = env, .host = host, .door = door, .generation = generation };
	host->random(door, random);
	t->account = account_new(a, random, host->epoch(door));
	if (t->account == NULL)
		goto fail;
	t->inquiry = inquiry_new(a, env, host, door, t->account, generation);
	if (t->inquiry == NULL)
		goto fail;
	t->unknown = client->unknown;
	t->settings = settings_ref(env->settings);

	struct account *account = t->account;
	account->peer = client->ip;
	account->peer_host = arena_copy(a, client->host);
	account->listener = arena_copy(a, client->listener);
	account->tls_version = arena_copy(a, client->tls_version);
	account->tls_cipher = arena_copy(a, client->tls_cipher);
	account->login = arena_copy(a, client->login);
	account->facts.client = client->ip;
	account->facts.helo = arena_copy(a, client->helo);
	return t;

fail:
	arena_free(a);
	return NULL;
}

void
txn_free(struct txn *t)
{
	if (t == NULL)
		return;
	const struct settings *settings = t->settings;
	copy_free(t->copy);
	arena_free(t->arena); /* `t` itself lies in it */
	settings_unref(settings);
}

/* ---- whose mail is judged ---- */

static bool
is_internal(const struct settings *s, const struct ip *ip)
{
	return ip_in_list(ip, s->internal_networks.at, s->internal_networks.count);
}

static bool
is_trusted_hop(const struct settings *s, const struct ip *ip)
{
	return ip_in_list(ip, s->trusted_hops.at, s->trusted_hops.count);
}

static enum standing
standing_of(const struct txn *t)
{
	if (t->account->login.len > 0)
		return STANDING_AUTHENTICATED;
	if (t->account->peer.family == 0)
		return t->unknown ? STANDING_FOREIGN : STANDING_LOCAL;
	return is_internal(t->settings, &t->account->facts.client) ? STANDING_INTERNAL : STANDING_FOREIGN;
}

/* Behind a backup MX or a filter, the client to judge stands in the Received
 * field that the last trusted hop wrote. Fields below it anyone may have written. */
static void
find_foreign_hop(struct txn *t)
{
	struct facts *f = &t->account->facts;
	size_t        at = header_find(&t->header, B("Received"), 0);

	for (int hops = 0; hops < HOPS_MAX && at < t->header.count; hops++) {
		struct received r = received_parse(t->arena, t->header.fields[at].value);
		if (r.ip.family == 0)
			break;
		if (!is_trusted_hop(t->settings, &r.ip)) {
			f->client = r.ip;
			f->helo = r.helo;
			f->standing = is_internal(t->settings, &r.ip) ? STANDING_INTERNAL : STANDING_FOREIGN;
			return;
		}
		at = header_find(&t->header, B("Received"), at + 1);
	}
	/* Nothing foreign in its path: made by a host we trust. */
	f->client = (struct ip){ 0 };
	f->standing = STANDING_INTERNAL;
}

/* ---- the events ---- */

void
txn_mail(struct txn *t, struct bytes path)
{
	struct facts *f = &t->account->facts;

	f->mail_from = arena_copy(t->arena, path_address(path));
	f->standing = standing_of(t);
	if (f->standing != STANDING_AUTHENTICATED && is_trusted_hop(t->settings, &t->account->peer))
		return; /* whom to ask about stands in the header */
	t->asked_client = true;
	inquiry_client(t->inquiry);
}

void
txn_rcpt(struct txn *t, struct bytes path)
{
	struct account *account = t->account;

	if (account->recipient_count == account->recipient_room) {
		size_t want = account->recipient_room == 0 ? 4 : account->recipient_room * 2;
		if (want > RECIPIENTS_MAX)
			want = RECIPIENTS_MAX;
		if (account->recipient_count == want) {
			arena_spoil(t->arena);
			return;
		}
		struct account_recipient *wide =
		    arena_grow(t->arena, account->recipients, account->recipient_count, want, sizeof(*wide));
		if (wide == NULL)
			return;
		account->recipients = wide;
		account->recipient_room = want;
	}
	account->recipients[account->recipient_count++] =
	    (struct account_recipient){ .address = arena_copy(t->arena, path_address(path)) };
}

void
txn_header(struct txn *t, struct bytes name, struct bytes value)
{
	t->account->size += name.len + 1 + value.len + 2;
	(void)header_add(t->arena, &t->header, arena_copy(t->arena, name), arena_copy(t->arena, value));
}

static void
read_from(struct txn *t)
{
	struct account *account = t->account;
	size_t          at = header_find(&t->header, B("From"), 0);
	struct mailbox *list;
	size_t          count;
	struct bytes    why;

	for (; at < t->header.count && account->from_count < 16; at = header_find(&t->header, B("From"), at + 1)) {
		if (!mailbox_list_parse(t->arena, t->header.fields[at].value, &list, &count, &why))
			continue;
		struct bytes *wide = arena_grow(t->arena, account->from_addresses, account->from_count, account->from_count + count,
		                                sizeof(*wide));
		if (wide == NULL)
			return;
		account->from_addresses = wide;
		for (size_t i = 0; i < count; i++)
			wide[account->from_count++] = list[i].address;
	}
}

static struct bytes
field_text(struct txn *t, struct bytes name)
{
	size_t at = header_find(&t->header, name, 0);

	return at < t->header.count ? field_unfold(t->arena, t->header.fields[at].value) : B_NONE;
}

/* Fields that strangers wrote in our name are no part of what is kept; ours
 * are added when it is released. */
static bool
is_claim(struct txn *t, const struct field *f)
{
	return field_is(f, own_field) || (field_is(f, B("Authentication-Results")) && authres_claims(t->arena, f->value, t->settings->authserv_id));
}

/* Which message is set aside is known at its end: until then all are copied that might be. */
static void
begin_copy(struct txn *t)
{
	const struct facts *f = &t->account->facts;

	if (!t->settings->keeps_messages || t->env->vault == NULL || t->host->keep == NULL || t->settings->mode == MODE_MONITOR ||
	    f->standing != STANDING_FOREIGN)
		return;
	t->copy = copy_new(t->env->vault, bytes_of(t->account->id), t->account->began * 1000000);
	for (size_t i = 0; t->copy != NULL && i < t->header.count; i++) {
		const struct field *field = &t->header.fields[i];
		if (is_claim(t, field))
			continue;
		copy_add(t->copy, field->name);
		copy_add(t->copy, B(":"));
		copy_add(t->copy, field->value);
		copy_add(t->copy, B("\r\n"));
	}
	if (t->copy != NULL)
		copy_add(t->copy, B("\r\n"));
}

void
txn_header_end(struct txn *t)
{
	t->account->size += 2;
	t->account->message_id = field_text(t, B("Message-ID"));
	t->account->subject = field_text(t, B("Subject"));
	if (!t->asked_client) {
		find_foreign_hop(t);
		inquiry_client(t->inquiry);
	}
	read_from(t);
	begin_copy(t);
	inquiry_header(t->inquiry, &t->header);
}

void
txn_body(struct txn *t, struct bytes chunk)
{
	t->account->size += chunk.len;
	if (t->copy != NULL)
		copy_add(t->copy, chunk);
	inquiry_body(t->inquiry, chunk);
}

void
txn_end(struct txn *t, struct bytes queue_id)
{
	t->account->queue_id = arena_copy(t->arena, queue_id);
	t->ended_at = t->host->now_us(t->door);
	inquiry_end(t->inquiry);
}

void
txn_answer(struct txn *t, uint64_t ticket, const struct answer *answer)
{
	inquiry_answer(t->inquiry, ticket, answer);
}

void
txn_late(struct txn *t)
{
	inquiry_late(t->inquiry);
}

bool
txn_done(const struct txn *t)
{
	return inquiry_done(t->inquiry);
}

uint32_t
txn_deadline_ms(const struct txn *t)
{
	return t->settings->message_deadline_ms;
}

const struct account *
txn_account(const struct txn *t)
{
	return t->account;
}

/* ---- the verdict ---- */

struct edits {
	struct edit *at;
	size_t       count, room;
};

static void
add_edit(struct edits *e, struct edit edit)
{
	if (e->count < e->room)
		e->at[e->count++] = edit;
}

/* Fields that strangers wrote in our name: counted from the last to the first,
 * so that taking one out does not move those still to come. */
static void
remove_claims(struct txn *t, struct edits *e)
{
	unsigned results = (unsigned)header_count(&t->header, B("Authentication-Results"));
	unsigned own = (unsigned)header_count(&t->header, own_field);

	for (size_t i = t->header.count; i > 0; i--) {
		const struct field *f = &t->header.fields[i - 1];
		unsigned           *nth = field_is(f, own_field) ? &own : field_is(f, B("Authentication-Results")) ? &results : NULL;
		if (nth == NULL)
			continue;
		if (is_claim(t, f))
			add_edit(e, (struct edit){ EDIT_DELETE, bytes_trim(f->name), B_NONE, *nth });
		--*nth;
	}
}

static struct bytes
own_field_text(struct txn *t)
{
	const struct account *account = t->account;
	const char           *action = action_word(account->decision.action);
	const char           *reason = reason_word(account->decision.reason);

	/* The first word is what was done: a filter may rely on it. */
	if (account->monitor && account->decision.action != ACTION_ACCEPT)
		return arena_printf(t->arena, "accept; mode=monitor; would=%s; reason=%s; id=%s", action, reason, account->id);
	return arena_printf(t->arena, "%s; reason=%s; id=%s", action, reason, account->id);
}

/* Mail of our own users goes out to the world: it needs no field that says from
 * which hotel it was sent, and that SPF knows nothing of it. */
static bool
wants_results(const struct txn *t)
{
	enum standing s = t->account->facts.standing;

	return s != STANDING_AUTHENTICATED && s != STANDING_LOCAL;
}

static void
make_edits(struct txn *t, struct verdict *v)
{
	struct edits e = { .room = t->header.count + 2 };
	struct bytes folded = authres_fold(t->arena, t->account->authentication_results);

	e.at = arena_take_array(t->arena, e.room, sizeof(*e.at));
	if (e.at == NULL)
		return;
	remove_claims(t, &e);
	add_edit(&e, (struct edit){ EDIT_INSERT, own_field, own_field_text(t), 0 });
	if (wants_results(t))
		add_edit(&e, (struct edit){ EDIT_INSERT, B("Authentication-Results"), folded, 0 });
	v->edits = e.at;
	v->edit_count = e.count;
}

static void
log_decision(const struct txn *t)
{
	const struct account *account = t->account;
	const struct facts   *f = &account->facts;
	char                  ip[IP_TEXT_MAX];

	ip_format(&f->client, ip);
	log_event(AT_INFO, "message.decided", F_WORD("id", account->id), F_TEXT("queue", account->queue_id),
	          F_WORD("action", action_word(account->decision.action)), F_WORD("reason", reason_word(account->decision.reason)),
	          F_WORD("mode", account->monitor ? "monitor" : "enforce"), F_TEXT("rule", account->decision.rule),
	          F_TEXT("from", f->mailbox.domain), F_TEXT("mailfrom", f->mail_from), F_WORD("client", ip),
	          F_WORD("standing", standing_word(f->standing)), F_INT("rcpts", account->recipient_count),
	          F_WORD("spf", result_word(f->spf.finding.result)),
	          F_WORD("dkim", f->dkim_count > 0 ? result_word(f->dkim[0].finding.result) : "none"),
	          F_WORD("arc", result_word(f->arc.result)), F_WORD("dmarc", result_word(f->dmarc.result)),
	          F_TEXT("msgid", account->message_id), F_INT("size", account->size), F_USEC("took", account->took_us));
}

void
txn_no_memory(struct verdict *v)
{
	*v = (struct verdict){
		.kind = VERDICT_REPLY,
		.reply = { 452, B_INIT("4.3.1"), { B_INIT("Insufficient system resources to judge this message; try again later.") }, 1 },
	};
}

static void
fill_verdict(struct txn *t, struct verdict *v)
{
	const struct decision *d = &t->account->decision;

	*v = (struct verdict){ .kind = VERDICT_ACCEPT };
	if ((d->action == ACTION_DEFER || d->action == ACTION_REJECT) && !t->account->monitor) {
		v->kind = VERDICT_REPLY;
		v->reply = d->reply;
		return;
	}
	if (d->action == ACTION_QUARANTINE && !t->account->monitor && t->host->keep != NULL &&
	    judge_quarantine_way(t->settings, &t->account->facts) == QUARANTINE_STORE) {
		v->kind = VERDICT_DISCARD;
		return;
	}
	if (d->action == ACTION_HOLD && !t->account->monitor) {
		v->kind = VERDICT_HOLD;
		v->hold_reason = arena_printf(t->arena, "%s [%s]", reason_word(d->reason), t->account->id);
	}
	make_edits(t, v);
}

void
txn_decide(struct txn *t, struct verdict *v)
{
	struct account *account = t->account;

	account->facts.overdrawn = arena_overdrawn(t->arena);
	account->monitor = t->settings->mode == MODE_MONITOR;
	if (!account->facts.overdrawn)
		account->authentication_results = results_text(t->arena, t->settings->authserv_id, account);
	account->decision = judge(t->arena, t->settings, t->env->suffix, &account->facts, account->id);
	for (size_t i = 0; i < account->recipient_count; i++)
		account->recipients[i].decision = account->decision;
	account->took_us = t->host->now_us(t->door) - t->ended_at;
	fill_verdict(t, v);

	/* Making the answer may have spent the last of it: then half an answer is none. */
	if (arena_overdrawn(t->arena)) {
		account->facts.overdrawn = true;
		account->decision = (struct decision){ .action = ACTION_DEFER, .reason = REASON_LIMIT_MEMORY, .rule = B_INIT("message_memory") };
		txn_no_memory(v);
		account->decision.reply = v->reply;
		for (size_t i = 0; i < account->recipient_count; i++)
			account->recipients[i].decision = account->decision;
	}
	if (v->kind != VERDICT_DISCARD)
		log_decision(t);
}

struct keep *
txn_keep(struct txn *t)
{
	struct copy *copy = t->copy;

	t->copy = NULL;
	return copy != NULL ? keep_new(t->settings, t->account, t->account->began * 1000000, copy) : NULL;
}

static void
defer_unkept(struct txn *t, struct verdict *v)
{
	struct account  *account = t->account;
	struct decision *d = &account->decision;

	*d = (struct decision){ .action = ACTION_DEFER, .reason = REASON_QUARANTINE_FAILED, .rule = B_INIT("store.quarantine_dir") };
	d->reply = evidence_reply(t->arena, t->settings, &account->facts, d->reason, account->id);
	*v = (struct verdict){ .kind = VERDICT_REPLY, .reply = d->reply };
	if (arena_overdrawn(t->arena)) {
		txn_no_memory(v);
		d->reply = v->reply;
	}
	for (size_t i = 0; i < account->recipient_count; i++)
		account->recipients[i].decision = *d;
}

void
txn_kept(struct txn *t, bool ok, struct verdict *v)
{
	struct account *account = t->account;

	*v = (struct verdict){ .kind = VERDICT_DISCARD };
	account->kept = ok;
	account->took_us = t->host->now_us(t->door) - t->ended_at;
	if (!ok)
		defer_unkept(t, v);
	log_decision(t);
}
