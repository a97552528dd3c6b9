/* auth/dkim.c: see dkim.h. The order is that of RFC 6376 section 6.1: the field
 * (6.1.1), the key (6.1.2), the hashes (6.1.3).
 *
 * DEPARTS: a field that does not parse is permerror, as section 6.1.1 has it
 * (PERMFAIL), where RFC 8601 section 2.7.1 would let it be neutral.
 * DEPARTS: 3.6.1 wants mail signed with a testing key (t=y) to be treated like
 * unsigned mail. We report the flag and leave the result as it is: many domains
 * have forgotten it in their records for years, and DMARC does not heed it. */
#include "auth/dkim.h"

#include <inttypes.h>

#include "auth/key.h"
#include "auth/signature.h"

struct dkim {
	struct arena        *arena;
	const struct header *header;
	size_t               index;
	struct bodyhash     *body;
	int                  wish; /* handle of the body hash */
	int64_t              now;
	bool                 asked;
	bool                 sound; /* the field, as far as it can be judged without key and body */
	enum reason          fault; /* of one that is not */
	struct bytes         detail;
	struct signature     signature;
	struct dkim_report   report;
};

static struct finding
conclude(const struct dkim *d, enum result result, enum reason reason, struct bytes detail)
{
	return (struct finding){ METHOD_DKIM, result, reason, d->signature.domain, detail };
}

static void
check_expiry(struct dkim *d)
{
	if (!d->sound || d->signature.expires == 0 || d->now <= d->signature.expires)
		return;
	d->sound = false;
	d->fault = REASON_DKIM_EXPIRED;
	d->detail = arena_printf(d->arena, "%" PRId64 " s ago", d->now - d->signature.expires);
}

struct dkim *
dkim_new(struct arena *a, const struct header *header, size_t index, struct bodyhash *body, int64_t now)
{
	struct dkim *d = arena_take(a, sizeof(*d));

	if (d == NULL)
		return NULL;
	*d = (struct dkim){ .arena = a, .header = header, .index = index, .body = body, .wish = -1, .now = now };
	struct signature *s = &d->signature;
	d->sound = signature_parse(a, SIGNATURE_DKIM, header->fields[index].value, s, &d->fault, &d->detail);
	check_expiry(d);
	if (d->sound) {
		d->wish = bodyhash_want(body, s->body_canon, s->length);
		d->sound = d->wish >= 0;
		d->fault = REASON_DKIM_TOO_MANY;
	}
	d->report = (struct dkim_report){ s->domain, s->selector, s->identity, s->algorithm_text, s->b_text, 0, false, s->signed_at, s->expires };
	return arena_overdrawn(a) ? NULL : d;
}

static enum result
result_of_fault(enum reason reason)
{
	if (reason == REASON_DKIM_EXPIRED)
		return RESULT_FAIL; /* a test it did not pass, RFC 8601 section 2.7.1 */
	return reason == REASON_DKIM_TOO_MANY ? RESULT_POLICY : RESULT_PERMERROR;
}

/* Section 6.1.3, once a key could be asked. Header and body are judged apart:
 * together they say whether somebody really signed and who changed what. */
static struct finding
compare(const struct dkim *d, enum key_word word)
{
	const struct signature *s = &d->signature;
	uint8_t                 hash[BODYHASH_LEN];
	uint64_t                length;

	bodyhash_value(d->body, d->wish, hash, &length);
	bool same = bytes_eq(s->bh, bytes_make(hash, sizeof(hash)));
	if (word == KEY_DISAGREES)
		return conclude(d, RESULT_FAIL, same ? REASON_DKIM_BAD_SIGNATURE : REASON_DKIM_NEVER_SIGNED, s->key_name);
	if (s->length != BODYHASH_ALL && s->length != length) {
		struct bytes detail = arena_printf(d->arena, "l=%" PRIu64 ", the body has %" PRIu64 " octets", s->length, length);
		if (s->length > length)
			return conclude(d, RESULT_FAIL, REASON_DKIM_LENGTH_LONG, detail);
		/* DEPARTS: 3.5 lets l= pass; what follows could be anybody's (8.2), so it does not. */
		if (same)
			return conclude(d, RESULT_FAIL, REASON_DKIM_LENGTH_SHORT, detail);
	}
	if (!same)
		return conclude(d, RESULT_FAIL, REASON_DKIM_BODY_CHANGED, s->key_name);
	return conclude(d, RESULT_PASS, REASON_DKIM_VERIFIED, s->key_name);
}

static struct finding
judge(struct dkim *d, const struct answer *answer)
{
	const struct signature *s = &d->signature;
	uint8_t                 hash[32];

	if (answer_is_trouble(answer))
		return conclude(d, RESULT_TEMPERROR,
		                reason_of_trouble(answer, REASON_DKIM_DNS_TIMEOUT, REASON_DKIM_DNS_SERVFAIL, REASON_DKIM_DNS_BOGUS), s->key_name);
	if (!signature_hash(d->arena, s, d->header, d->index, hash))
		return conclude(d, RESULT_TEMPERROR, REASON_LIMIT_MEMORY, B(""));
	struct key_verdict v = key_ask(d->arena, answer, s, hash);
	d->report.bits = v.bits;
	d->report.testing = v.testing;
	if (v.word == KEY_UNUSABLE)
		return conclude(d, RESULT_PERMERROR, v.reason, s->key_name);
	struct finding f = compare(d, v.word);
	/* A body hash that could not be made must not pass for one that was. */
	return arena_overdrawn(d->arena) ? conclude(d, RESULT_TEMPERROR, REASON_LIMIT_MEMORY, B("")) : f;
}

enum step
dkim_step(struct dkim *d, const struct answer *answer, struct ask *ask_out, struct finding *finding_out)
{
	if (!d->sound) {
		*finding_out = conclude(d, result_of_fault(d->fault), d->fault, d->detail);
		return STEP_DONE;
	}
	if (!d->asked) {
		d->asked = true;
		*ask_out = (struct ask){ DNS_TXT, d->signature.key_name };
		return STEP_ASKS;
	}
	*finding_out = judge(d, answer);
	return STEP_DONE;
}

const struct dkim_report *
dkim_report(const struct dkim *d)
{
	return &d->report;
}
