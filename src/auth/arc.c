/* auth/arc.c: see arc.h. The steps are those of RFC 8617 section 5.2: the sets
 * are collected and their structure judged, then the newest message signature
 * is verified (older ones may well be broken, that is what seals are for), then
 * every seal, newest first.
 *
 * A seal covers all sets up to its own. They are hashed once, from the first
 * set to the last, with a fork of the hash at each seal, so fifty seals cost
 * one walk. */
#include "auth/arc.h"

#include <inttypes.h>

#include "auth/authres.h"
#include "auth/canon.h"
#include "auth/digest.h"
#include "auth/key.h"
#include "auth/signature.h"

/* DEPARTS: an Ed25519 verification costs as much as eight of RSA-2048; no
 * honest chain has ten such seals. */
#define ED25519_SEALS_MAX 10

enum part { PART_AAR, PART_AMS, PART_AS, PARTS };

static const struct part_row {
	struct bytes        name;
	enum signature_kind kind; /* not of PART_AAR */
} part_rows[PARTS] = {
	[PART_AAR] = { B_INIT("ARC-Authentication-Results"), 0 },
	[PART_AMS] = { B_INIT("ARC-Message-Signature"), SIGNATURE_AMS },
	[PART_AS] = { B_INIT("ARC-Seal"), SIGNATURE_AS },
};

struct set {
	size_t           at[PARTS]; /* 1 + index in the header; 0: not there */
	struct bytes     faults[PARTS]; /* what does not parse; empty: nothing */
	struct signature signatures[PARTS]; /* not of PART_AAR */
	struct bytes     results; /* of PART_AAR, behind i= */
	uint8_t          hash[DIGEST_LEN]; /* that the seal signs */
};

struct arc {
	struct arena        *arena;
	const struct header *header;
	struct bodyhash     *body;
	int                  wish; /* body hash of the newest message signature */
	int64_t              now;
	struct set          *sets; /* instance 1 first */
	size_t               room; /* no chain without holes can be longer than this */
	size_t               count;
	bool                 done; /* without a question */
	struct finding       finding; /* if done */
	size_t               verified; /* signatures so far: the newest AMS, then the seals from the newest */
	bool                 asked;
	struct arc_report    report;
};

static void
end(struct arc *arc, enum result result, enum reason reason, struct bytes domain, struct bytes detail)
{
	if (arc->done)
		return;
	arc->done = true;
	arc->finding = (struct finding){ METHOD_ARC, result, reason, domain, detail };
}

static void
fail(struct arc *arc, enum reason reason, struct bytes domain, struct bytes detail)
{
	end(arc, RESULT_FAIL, reason, domain, detail);
}

static struct bytes
sealer_of(const struct arc *arc, size_t instance)
{
	return arc->sets[instance - 1].signatures[PART_AS].domain;
}

/* "i=1;" at the front (RFC 8617 section 4.1.1); the rest is what an
 * Authentication-Results field would hold. 0: it is not so. */
static unsigned
take_instance(struct bytes *value)
{
	struct bytes rest = *value, head, name;
	uint64_t     n;

	if (!bytes_cut(&rest, ';', &head) || rest.at == NULL || !bytes_cut(&head, '=', &name) || !bytes_eq(bytes_trim(name), B("i")))
		return 0;
	head = bytes_trim(head);
	if (head.len > 2 || !bytes_number(head, 99, &n))
		return 0;
	*value = rest;
	return (unsigned)n;
}

/* Read one field of a set and put it in its place. */
static void
collect(struct arc *arc, size_t index, enum part part)
{
	struct bytes     value = arc->header->fields[index].value, fault = B("");
	struct signature signature = { 0 };
	enum reason      reason;
	unsigned         instance;

	if (part == PART_AAR) {
		instance = take_instance(&value);
	} else {
		(void)signature_parse(arc->arena, part_rows[part].kind, value, &signature, &reason, &fault);
		instance = signature.instance;
	}
	if (instance == 0) {
		fail(arc, REASON_ARC_SYNTAX, signature.domain, arena_printf(arc->arena, "%s: i=", part_rows[part].name.at));
		return;
	}
	if (instance > ARC_MAX) {
		fail(arc, REASON_ARC_TOO_MANY, signature.domain, arena_printf(arc->arena, "i=%u", instance));
		return;
	}
	if (instance > arc->room) {
		fail(arc, REASON_ARC_STRUCTURE, signature.domain, arena_printf(arc->arena, "i=%u among %zu ARC fields", instance, arc->room));
		return;
	}
	struct set *set = &arc->sets[instance - 1];
	if (set->at[part] != 0) {
		fail(arc, REASON_ARC_STRUCTURE, signature.domain, arena_printf(arc->arena, "i=%u: two %s", instance, part_rows[part].name.at));
		return;
	}
	set->at[part] = index + 1;
	set->faults[part] = fault;
	if (part == PART_AAR)
		set->results = value;
	else
		set->signatures[part] = signature;
	if (instance > arc->count)
		arc->count = instance;
}

/* The part that a field is; PARTS: none. */
static enum part
part_of(const struct field *f)
{
	enum part part = 0;

	/* Most fields are told by their first letter. */
	if (f->name.len == 0 || byte_lower(f->name.at[0]) != 'a')
		return PARTS;
	while (part < PARTS && !field_is(f, part_rows[part].name))
		part++;
	return part;
}

static void
collect_all(struct arc *arc)
{
	size_t fields = 0;

	for (size_t i = 0; i < arc->header->count; i++)
		fields += part_of(&arc->header->fields[i]) != PARTS;
	if (fields == 0)
		end(arc, RESULT_NONE, REASON_ARC_NONE, B(""), B(""));
	else if (fields > (size_t)PARTS * ARC_MAX)
		fail(arc, REASON_ARC_TOO_MANY, B(""), arena_printf(arc->arena, "%zu ARC fields", fields));
	if (arc->done)
		return;
	arc->room = fields < ARC_MAX ? fields : ARC_MAX;
	arc->sets = arena_take_array(arc->arena, arc->room, sizeof(*arc->sets));
	for (size_t i = 0; i < arc->header->count && arc->sets != NULL && !arc->done; i++)
		if (part_of(&arc->header->fields[i]) != PARTS)
			collect(arc, i, part_of(&arc->header->fields[i]));
}

static void
judge_structure(struct arc *arc)
{
	for (size_t i = 1; i <= arc->count && !arc->done; i++)
		for (size_t part = 0; part < PARTS; part++)
			if (arc->sets[i - 1].at[part] == 0)
				fail(arc, REASON_ARC_STRUCTURE, sealer_of(arc, i), arena_printf(arc->arena, "i=%zu: no %s", i, part_rows[part].name.at));
}

/* What must parse: each seal, and the newest message signature. */
static void
judge_syntax(struct arc *arc)
{
	const struct set *newest = &arc->sets[arc->count - 1];
	unsigned          dear = 0;

	for (size_t i = arc->count; i >= 1; i--) {
		const struct set *set = &arc->sets[i - 1];
		if (set->faults[PART_AS].len > 0)
			fail(arc, REASON_ARC_SYNTAX, sealer_of(arc, i), arena_printf(arc->arena, "i=%zu: ARC-Seal: %.*s", i, B_FMT(set->faults[PART_AS])));
		dear += set->signatures[PART_AS].algorithm == ED25519_SHA256;
	}
	if (newest->faults[PART_AMS].len > 0)
		fail(arc, REASON_ARC_SYNTAX, sealer_of(arc, arc->count),
		     arena_printf(arc->arena, "i=%zu: ARC-Message-Signature: %.*s", arc->count, B_FMT(newest->faults[PART_AMS])));
	if (dear > ED25519_SEALS_MAX)
		fail(arc, REASON_ARC_TOO_MANY, sealer_of(arc, arc->count), arena_printf(arc->arena, "%u Ed25519 seals", dear));
}

/* A chain that failed is failed for good (5.2 step 2); the first seal has
 * nothing before it, every other one must have found it passing. */
static void
judge_chain(struct arc *arc)
{
	for (size_t i = arc->count; i >= 1 && !arc->done; i--) {
		enum chain chain = arc->sets[i - 1].signatures[PART_AS].chain;
		if (chain == CHAIN_FAIL)
			fail(arc, REASON_ARC_CV, sealer_of(arc, i), arena_printf(arc->arena, "i=%zu: cv=fail", i));
		else if (chain != (i == 1 ? CHAIN_NONE : CHAIN_PASS))
			fail(arc, REASON_ARC_STRUCTURE, sealer_of(arc, i), arena_printf(arc->arena, "i=%zu: cv=%s", i, i == 1 ? "pass" : "none"));
	}
}

static void
want_body(struct arc *arc)
{
	const struct signature *s = &arc->sets[arc->count - 1].signatures[PART_AMS];

	if (s->expires != 0 && arc->now > s->expires)
		fail(arc, REASON_ARC_MESSAGE_CHANGED, s->domain, arena_printf(arc->arena, "i=%zu: x= was %" PRId64 " s ago", arc->count, arc->now - s->expires));
	if (arc->done)
		return;
	arc->wish = bodyhash_want(arc->body, s->body_canon, s->length);
	if (arc->wish < 0)
		fail(arc, REASON_ARC_TOO_MANY, s->domain, B("body hashes"));
}

/* What the field of a set says of DMARC. What was read before a fault is kept:
 * it counts only if the chain verifies and the sealer is trusted. */
static void
report_results(struct arena *a, const struct authres *said, struct arc_set *out)
{
	out->authserv_id = arena_copy(a, said->authserv_id);
	for (size_t i = 0; i < said->count; i++) {
		const struct authres_said *one = &said->said[i];
		if (!bytes_eq(one->method, B("dmarc")))
			continue;
		(void)result_of(one->result, &out->dmarc);
		for (size_t k = 0; k < one->prop_count; k++)
			if (bytes_eq(one->props[k].name, B("header.from")))
				out->dmarc_from = arena_copy(a, one->props[k].value);
		return;
	}
}

/* Fifty fields of a stranger are read in an arena of their own, so that they
 * cannot spend the message's. */
static void
report_set(struct arena *a, const struct set *set, struct arc_set *out)
{
	struct arena  *aside = arena_new((size_t)256 << 10);
	struct authres said = { 0 };

	out->sealer = set->signatures[PART_AS].domain;
	out->selector = set->signatures[PART_AS].selector;
	(void)authres_parse(aside, set->results, &said);
	report_results(a, &said, out);
	arena_free(aside);
}

static void
make_report(struct arc *arc)
{
	struct arc_set *sets = arena_take_array(arc->arena, arc->count, sizeof(*sets));

	if (sets == NULL)
		return;
	for (size_t i = 0; i < arc->count; i++)
		report_set(arc->arena, &arc->sets[i], &sets[i]);
	arc->report = (struct arc_report){ arc->count, sets };
}

struct arc *
arc_new(struct arena *a, const struct header *header, struct bodyhash *body, int64_t now)
{
	struct arc *arc = arena_take(a, sizeof(*arc));

	if (arc == NULL)
		return NULL;
	*arc = (struct arc){ .arena = a, .header = header, .body = body, .now = now };
	collect_all(arc);
	if (!arc->done && arc->count > 0)
		judge_structure(arc);
	if (arc->count > 0 && !arena_overdrawn(a))
		make_report(arc);
	if (!arc->done && arc->count > 0) {
		judge_chain(arc);
		judge_syntax(arc);
		want_body(arc);
	}
	return arena_overdrawn(a) ? NULL : arc;
}

/* The hash of each seal (RFC 8617 section 5.1.1): all sets up to its own,
 * relaxed, each in the order AAR, AMS, AS, and the seal itself without b=. */
static bool
hash_seals(struct arc *arc)
{
	struct digest chain, seal;
	bool          whole = true;

	digest_begin(&chain);
	for (size_t i = 0; i < arc->count && whole; i++) {
		struct set *set = &arc->sets[i];
		canon_field(&chain, CANON_RELAXED, &arc->header->fields[set->at[PART_AAR] - 1]);
		canon_field(&chain, CANON_RELAXED, &arc->header->fields[set->at[PART_AMS] - 1]);
		digest_fork(&chain, &seal);
		canon_signature(&seal, CANON_RELAXED, &arc->header->fields[set->at[PART_AS] - 1], set->signatures[PART_AS].cut);
		whole = digest_end(&seal, set->hash);
		canon_field(&chain, CANON_RELAXED, &arc->header->fields[set->at[PART_AS] - 1]);
	}
	digest_end(&chain, NULL);
	return whole;
}

/* The signature to be verified next and the instance it belongs to; NULL: none is left. */
static const struct signature *
next_signature(const struct arc *arc, size_t *instance_out)
{
	if (arc->verified > arc->count)
		return NULL;
	*instance_out = arc->verified == 0 ? arc->count : arc->count + 1 - arc->verified;
	return &arc->sets[*instance_out - 1].signatures[arc->verified == 0 ? PART_AMS : PART_AS];
}

/* The body under the newest message signature; empty: as it was. */
static struct bytes
body_fault(const struct arc *arc, const struct signature *s)
{
	uint8_t  hash[BODYHASH_LEN];
	uint64_t length;

	bodyhash_value(arc->body, arc->wish, hash, &length);
	if (!bytes_eq(s->bh, bytes_make(hash, sizeof(hash))))
		return B("the body was changed");
	/* As in DKIM: what stands behind l= could be anybody's. */
	return s->length != BODYHASH_ALL && s->length != length ? B("l= is not the length of the body") : B("");
}

static void
verify_one(struct arc *arc, const struct signature *s, size_t instance, const struct answer *answer)
{
	struct set     *set = &arc->sets[instance - 1];
	bool            message = arc->verified == 0;
	uint8_t         own[DIGEST_LEN];
	const uint8_t  *hash = message ? own : set->hash;
	struct bytes    fault = message ? body_fault(arc, s) : B("");

	if (message && !signature_hash(arc->arena, s, arc->header, set->at[PART_AMS] - 1, own))
		return;
	struct key_verdict v = key_ask(arc->arena, answer, s, hash);
	if (v.word == KEY_UNUSABLE)
		fail(arc, REASON_ARC_KEY, s->domain, arena_printf(arc->arena, "i=%zu: %.*s: %s", instance, B_FMT(s->key_name), reason_row(v.reason)->line));
	else if (v.word == KEY_DISAGREES)
		fail(arc, message ? REASON_ARC_MESSAGE_CHANGED : REASON_ARC_SEAL_INVALID, s->domain,
		     arena_printf(arc->arena, "i=%zu: b= does not verify with %.*s", instance, B_FMT(s->key_name)));
	else if (fault.len > 0)
		fail(arc, REASON_ARC_MESSAGE_CHANGED, s->domain, arena_printf(arc->arena, "i=%zu: %.*s", instance, B_FMT(fault)));
	arc->verified++;
}

/* Take the answer as far as it goes: neighbouring signatures mostly have one key. */
static void
use_answer(struct arc *arc, const struct answer *answer)
{
	size_t                  instance;
	const struct signature *s = next_signature(arc, &instance);
	struct bytes            name = s->key_name;

	if (answer_is_trouble(answer)) {
		end(arc, RESULT_TEMPERROR, reason_of_trouble(answer, REASON_ARC_DNS_TIMEOUT, REASON_ARC_DNS_SERVFAIL, REASON_ARC_DNS_BOGUS), s->domain,
		    arena_printf(arc->arena, "i=%zu: %.*s", instance, B_FMT(name)));
		return;
	}
	while (!arc->done && !arena_overdrawn(arc->arena) && s != NULL && bytes_eq(s->key_name, name)) {
		verify_one(arc, s, instance, answer);
		s = next_signature(arc, &instance);
	}
	if (s == NULL)
		end(arc, RESULT_PASS, REASON_ARC_VERIFIED, sealer_of(arc, arc->count), arena_printf(arc->arena, "i=%zu", arc->count));
}

enum step
arc_step(struct arc *arc, const struct answer *answer, struct ask *ask_out, struct finding *finding_out)
{
	size_t instance;

	if (!arc->done && arc->asked)
		use_answer(arc, answer);
	else if (!arc->done && !hash_seals(arc))
		arena_spoil(arc->arena);
	if (!arc->done && !arena_overdrawn(arc->arena)) {
		arc->asked = true;
		*ask_out = (struct ask){ DNS_TXT, next_signature(arc, &instance)->key_name };
		return STEP_ASKS;
	}
	*finding_out = arc->finding;
	/* What memory did not suffice for must not pass for judged. */
	if (arena_overdrawn(arc->arena))
		*finding_out = (struct finding){ METHOD_ARC, RESULT_TEMPERROR, REASON_LIMIT_MEMORY, B(""), B("") };
	return STEP_DONE;
}

const struct arc_report *
arc_report(const struct arc *arc)
{
	return &arc->report;
}
