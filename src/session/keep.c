/* session/keep.c: see keep.h. */
#include "session/keep.h"

static struct bytes
recipients_text(struct arena *a, const struct account *account)
{
	struct buf   out = { 0 };
	struct bytes text;

	for (size_t i = 0; i < account->recipient_count; i++) {
		buf_add(&out, account->recipients[i].address);
		buf_add_c(&out, '\n');
	}
	text = arena_copy(a, buf_bytes(&out));
	if (out.spoilt)
		arena_spoil(a);
	buf_free(&out);
	return text;
}

struct keep *
keep_new(const struct settings *s, const struct account *account, int64_t now_us, struct copy *message)
{
	struct arena       *a = arena_new(RECORD_MEMORY);
	struct keep        *k = arena_take(a, sizeof(*k));
	struct record_rules rules = record_rules_of(s);

	if (k == NULL || !record_account(a, &rules, account, now_us, &k->row))
		goto fail;
	store_account_own(a, &k->row);
	k->arena = a;
	k->copy = message;
	k->deadline_ms = s->message_deadline_ms;
	k->held = (struct store_held){
		.id = k->row.id,
		.at_us = now_us,
		.vault = arena_copy(a, copy_vault(message)),
		.sender = arena_copy(a, account->facts.mail_from), /* as it came: the row's is in lower case */
		.recipients = recipients_text(a, account),
		.header_from = k->row.header_from,
		.subject = k->row.subject,
		.reason = k->row.reason,
		.size = k->row.size,
		.state = B(HELD_HELD),
		.expires_us = now_us + (int64_t)s->store_quarantine_days * DAY_US,
		.changed_us = now_us,
		.changed_by = B("mailreeve"),
	};
	if (!arena_overdrawn(a))
		return k;
fail:
	copy_free(message);
	arena_free(a);
	return NULL;
}

void
keep_free(struct keep *k)
{
	if (k == NULL)
		return;
	copy_free(k->copy);
	arena_free(k->arena);
}
