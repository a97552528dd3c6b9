/* diagnose/claim.c: see claim.h. */
#include "diagnose/claim.h"

#include "base/codec.h"
#include "diagnose/mime.h"
#include "mail/received.h"

/* A shorter one is found by guessing. */
#define QUEUE_ID_MIN 6
#define QUEUE_ID_MAX 64

static void
add(struct bytes list[CLAIM_MAX], size_t *count, struct bytes text)
{
	for (size_t i = 0; i < *count; i++)
		if (bytes_eq(list[i], text))
			return;
	if (*count < CLAIM_MAX)
		list[(*count)++] = text;
}

/* "accept; reason=accept.aligned; id=4QXYZ7KM2PAC" */
static void
accounts_of_field(struct arena *a, const struct header *h, struct claim *c)
{
	struct bytes id = mime_param(a, mime_field(a, h, B("X-Mailreeve")), B("id"));

	if (id_is(id))
		add(c->accounts, &c->account_count, id);
}

/* "[4QXYZ7KM2PAC]" ends each line of a reply of ours. */
static void
accounts_of_reply(struct bytes text, struct claim *c)
{
	struct bytes part;

	while (bytes_cut(&text, '[', &part))
		if (text.len > ID_LEN && text.at[ID_LEN] == ']' && id_is(bytes_sub(text, 0, ID_LEN)))
			add(c->accounts, &c->account_count, bytes_sub(text, 0, ID_LEN));
}

bool
claim_take(struct arena *a, const struct explained *x, struct claim *claim_out)
{
	const struct header *returned = &x->reading->returned;
	struct claim         c = { .message_id = mime_field(a, returned, B("Message-ID")) };

	accounts_of_field(a, returned, &c);
	for (size_t i = 0; i < x->count; i++)
		accounts_of_reply(x->list[i].reply.whole, &c);
	for (size_t i = header_find(returned, B("Received"), 0); i < returned->count && c.queue_count < CLAIM_MAX; i = header_find(returned, B("Received"), i + 1)) {
		struct bytes id = received_parse(a, returned->fields[i].value).id;
		if (id.len >= QUEUE_ID_MIN && id.len <= QUEUE_ID_MAX)
			add(c.queue_ids, &c.queue_count, id);
	}
	*claim_out = c;
	return c.account_count > 0 || c.message_id.len > 0 || c.queue_count > 0;
}
