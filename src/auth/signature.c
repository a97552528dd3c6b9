/* auth/signature.c: see signature.h. One table says which tags which kind of
 * signature must or may have, and in which order they are read. */
#include "auth/signature.h"

#include "auth/canon.h"
#include "auth/digest.h"
#include "auth/taglist.h"
#include "base/codec.h"
#include "mail/domain.h"

#define BASE64_MAX   4096 /* far more than the largest key we accept signs with */
#define WORD_MAX     64 /* of a= */
#define SELECTOR_MAX 1024 /* of s=, where U-labels are longer than the A-labels they stand for */

struct reader {
	struct arena       *arena;
	enum signature_kind kind;
	struct signature   *sig;
	struct bytes        value;
	enum reason         reason; /* set by a reader of a tag to change the row's reason */
};

static struct bytes
without_space(struct arena *a, struct bytes text)
{
	char  *out = arena_take(a, text.len);
	size_t n = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len; i++)
		if (!byte_is_space(text.at[i]))
			out[n++] = text.at[i];
	return bytes_make(out, n);
}

static bool
read_version(struct reader *r)
{
	return bytes_eq(r->value, B("1"));
}

static bool
read_algorithm(struct reader *r)
{
	if (r->value.len > WORD_MAX)
		return false;
	r->sig->algorithm_text = arena_lower(r->arena, r->value);
	if (bytes_eq(r->sig->algorithm_text, B("rsa-sha256")))
		r->sig->algorithm = RSA_SHA256;
	else if (bytes_eq(r->sig->algorithm_text, B("ed25519-sha256")))
		r->sig->algorithm = ED25519_SHA256;
	else {
		if (bytes_eq(r->sig->algorithm_text, B("rsa-sha1")))
			r->reason = REASON_DKIM_RSA_SHA1;
		return false;
	}
	return true;
}

static bool
read_b(struct reader *r)
{
	if (r->value.len > BASE64_MAX)
		return false;
	r->sig->b_text = without_space(r->arena, r->value);
	return r->sig->b_text.len > 0 && base64_decode(r->arena, r->sig->b_text, &r->sig->b);
}

static bool
read_bh(struct reader *r)
{
	return r->value.len <= BASE64_MAX && base64_decode(r->arena, r->value, &r->sig->bh) && r->sig->bh.len == DIGEST_LEN;
}

static bool
canon_of(struct bytes word, enum canon *canon_out)
{
	bool relaxed = bytes_eq_nocase(word, B("relaxed"));

	if (!relaxed && !bytes_eq_nocase(word, B("simple")))
		return false;
	*canon_out = relaxed ? CANON_RELAXED : CANON_SIMPLE;
	return true;
}

static bool
read_canon(struct reader *r)
{
	struct bytes body = r->value, header;

	if (!bytes_cut(&body, '/', &header) || !canon_of(header, &r->sig->header_canon))
		return false;
	r->sig->body_canon = CANON_SIMPLE; /* "relaxed" alone speaks of the header */
	return body.at == NULL || canon_of(body, &r->sig->body_canon);
}

/* The grammar of RFC 6376 section 3.5 wants two labels: no top level signs. */
static bool
read_domain(struct reader *r)
{
	r->sig->domain = domain_normal(r->arena, r->value);
	return domain_labels(r->sig->domain) >= 2;
}

/* Read behind d=. Both go through domain_normal() as one name, because a
 * selector alone may look like an address ("1.2.3.4"), and may have U-labels (RFC 8616). */
static bool
read_selector(struct reader *r)
{
	struct signature *s = r->sig;
	static const char below[] = "._domainkey.";

	if (s->domain.len == 0)
		return true; /* d= has been complained of */
	if (r->value.len > SELECTOR_MAX || bytes_has(r->value, '\0'))
		return false;
	struct bytes name = domain_normal(r->arena, arena_printf(r->arena, "%.*s%s%.*s", B_FMT(r->value), below, B_FMT(s->domain)));
	if (name.len <= s->domain.len + sizeof(below) - 1)
		return false;
	s->key_name = name;
	s->selector = bytes_sub(name, 0, name.len - s->domain.len - (sizeof(below) - 1));
	return true;
}

static bool
is_field_name(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] <= ' ' || (unsigned char)name.at[i] >= 0x7f)
			return false;
	return name.len > 0;
}

/* DEPARTS: an ARC-Message-Signature may have an empty h= or empty names in it.
 * RFC 8617 section 4.1.2 takes the grammar of DKIM, but its public test suite
 * lets them pass; an empty name picks no field. */
static bool
read_names(struct reader *r)
{
	struct signature *s = r->sig;
	struct bytes      rest = r->value, name;
	size_t            count = 1;

	for (size_t i = 0; i < r->value.len; i++)
		count += r->value.at[i] == ':';
	if (count > SIGNED_NAMES_MAX)
		return false;
	s->names = arena_take_array(r->arena, count, sizeof(*s->names));
	if (s->names == NULL)
		return false;
	while (bytes_cut(&rest, ':', &name)) {
		name = bytes_trim(name);
		if (!is_field_name(name) && !(name.len == 0 && r->kind == SIGNATURE_AMS))
			return false;
		/* RFC 8617 section 4.1.2 */
		if (r->kind == SIGNATURE_AMS && bytes_eq_nocase(name, B("arc-seal")))
			return false;
		s->names[s->name_count++] = name;
	}
	return true;
}

/* An ARC-Seal covers what section 4.1.3 of RFC 8617 says and nothing else. */
static bool
refuse(struct reader *r)
{
	(void)r;
	return false;
}

static bool
read_identity(struct reader *r)
{
	struct signature *s = r->sig;
	size_t            at = bytes_rindex(r->value, '@');

	if (at == r->value.len)
		return false;
	s->identity = field_unfold(r->arena, r->value);
	s->identity_domain = domain_normal(r->arena, bytes_trim(bytes_from(r->value, at + 1)));
	return s->domain.len == 0 || domain_is_under(s->identity_domain, s->domain);
}

static bool
read_instance(struct reader *r)
{
	uint64_t n;

	if (r->value.len > 2 || !bytes_number(r->value, 99, &n) || n == 0)
		return false;
	r->sig->instance = (unsigned)n;
	return true;
}

static bool
read_chain(struct reader *r)
{
	static const struct bytes words[] = {
		[CHAIN_NONE] = B_INIT("none"), [CHAIN_PASS] = B_INIT("pass"), [CHAIN_FAIL] = B_INIT("fail"),
	};

	for (size_t i = 0; i < NELEMS(words); i++)
		if (bytes_eq_nocase(r->value, words[i])) {
			r->sig->chain = (enum chain)i;
			return true;
		}
	return false;
}

static bool
all_digits(struct bytes b, size_t most)
{
	for (size_t i = 0; i < b.len; i++)
		if (!byte_is_digit(b.at[i]))
			return false;
	return b.len > 0 && b.len <= most;
}

/* Up to 76 digits (3.5). More octets than can be counted are more than any body has. */
static bool
read_length(struct reader *r)
{
	if (!all_digits(r->value, 76))
		return false;
	if (!bytes_number(r->value, BODYHASH_ALL - 1, &r->sig->length))
		r->sig->length = BODYHASH_ALL - 1;
	return true;
}

static bool
time_of(struct bytes text, int64_t *time_out)
{
	uint64_t n;

	if (!all_digits(text, 12) || !bytes_number(text, INT64_MAX, &n))
		return false;
	*time_out = (int64_t)n;
	return true;
}

static bool
read_signed_at(struct reader *r)
{
	return time_of(r->value, &r->sig->signed_at);
}

/* Read behind t=. */
static bool
read_expires(struct reader *r)
{
	if (!time_of(r->value, &r->sig->expires))
		return false;
	if (r->sig->expires == 0)
		r->sig->expires = 1; /* 1970 is past either way, and 0 means none */
	if (r->sig->signed_at != 0 && r->sig->expires <= r->sig->signed_at)
		r->reason = REASON_DKIM_TIMESTAMPS;
	return r->reason != REASON_DKIM_TIMESTAMPS;
}

/* Unknown methods are passed over; one we know must be there. */
static bool
read_query(struct reader *r)
{
	struct bytes rest = r->value, method;

	while (bytes_cut(&rest, ':', &method))
		if (bytes_eq_nocase(bytes_trim(method), B("dns/txt")))
			return true;
	return false;
}

static const struct row {
	struct bytes name;
	unsigned     kinds; /* that know this tag */
	bool         must;
	enum reason  reason; /* when the value is wrong */
	bool (*read)(struct reader *);
} rows[] = {
	{ B_INIT("v"), SIGNATURE_DKIM, true, REASON_DKIM_VERSION, read_version },
	{ B_INIT("a"), SIGNATURE_DKIM | SIGNATURE_AMS | SIGNATURE_AS, true, REASON_DKIM_ALGORITHM, read_algorithm },
	{ B_INIT("d"), SIGNATURE_DKIM | SIGNATURE_AMS | SIGNATURE_AS, true, REASON_DKIM_SYNTAX, read_domain },
	{ B_INIT("s"), SIGNATURE_DKIM | SIGNATURE_AMS | SIGNATURE_AS, true, REASON_DKIM_SYNTAX, read_selector },
	{ B_INIT("b"), SIGNATURE_DKIM | SIGNATURE_AMS | SIGNATURE_AS, true, REASON_DKIM_SYNTAX, read_b },
	{ B_INIT("bh"), SIGNATURE_DKIM | SIGNATURE_AMS, true, REASON_DKIM_SYNTAX, read_bh },
	{ B_INIT("h"), SIGNATURE_DKIM | SIGNATURE_AMS, true, REASON_DKIM_SYNTAX, read_names },
	{ B_INIT("h"), SIGNATURE_AS, false, REASON_DKIM_SYNTAX, refuse },
	{ B_INIT("c"), SIGNATURE_DKIM | SIGNATURE_AMS, false, REASON_DKIM_CANON, read_canon },
	{ B_INIT("i"), SIGNATURE_DKIM, false, REASON_DKIM_IDENTITY, read_identity },
	{ B_INIT("i"), SIGNATURE_AMS | SIGNATURE_AS, true, REASON_DKIM_SYNTAX, read_instance },
	{ B_INIT("cv"), SIGNATURE_AS, true, REASON_DKIM_SYNTAX, read_chain },
	{ B_INIT("l"), SIGNATURE_DKIM | SIGNATURE_AMS, false, REASON_DKIM_SYNTAX, read_length },
	{ B_INIT("q"), SIGNATURE_DKIM | SIGNATURE_AMS, false, REASON_DKIM_QUERY, read_query },
	{ B_INIT("t"), SIGNATURE_DKIM | SIGNATURE_AMS | SIGNATURE_AS, false, REASON_DKIM_SYNTAX, read_signed_at },
	{ B_INIT("x"), SIGNATURE_DKIM | SIGNATURE_AMS, false, REASON_DKIM_SYNTAX, read_expires },
};

/* False: the tag is missing or wrong, r->reason says which. */
static bool
read_row(struct reader *r, const struct row *row, const struct tag *tag)
{
	r->reason = tag == NULL ? REASON_DKIM_MISSING_TAG : row->reason;
	if (tag == NULL)
		return !row->must;
	r->value = tag->value;
	return row->read(r);
}

static bool
signs_from(const struct signature *s)
{
	for (size_t i = 0; i < s->name_count; i++)
		if (bytes_eq_nocase(s->names[i], B("from")))
			return true;
	return false;
}

bool
signature_parse(struct arena *a, enum signature_kind kind, struct bytes value, struct signature *s, enum reason *reason_out,
                struct bytes *detail_out)
{
	struct taglist list;
	struct reader  r = { a, kind, s, B_NONE, REASON_DKIM_SYNTAX };
	bool           sound = taglist_parse(value, &list);

	*s = (struct signature){ .length = BODYHASH_ALL };
	/* DEPARTS: RFC 8617 names no default for c= of its own, so it would be
	 * simple/simple; its public test suite takes relaxed/relaxed. */
	if (kind == SIGNATURE_AMS)
		s->header_canon = s->body_canon = CANON_RELAXED;
	if (!sound) {
		*reason_out = REASON_DKIM_SYNTAX;
		*detail_out = arena_printf(a, "not a list of tag=value behind %zu tags", list.count);
	}
	for (size_t i = 0; i < NELEMS(rows); i++) {
		if ((rows[i].kinds & (unsigned)kind) == 0 || read_row(&r, &rows[i], taglist_get(&list, rows[i].name)) || !sound)
			continue;
		sound = false;
		*reason_out = r.reason;
		*detail_out = arena_printf(a, "%s=", rows[i].name.at);
	}
	const struct tag *b = taglist_get(&list, B("b"));
	s->cut = b != NULL ? b->raw : B_NONE;
	if (s->identity.len == 0 && s->domain.len > 0) {
		s->identity = arena_join(a, B("@"), s->domain);
		s->identity_domain = s->domain;
	}
	if (sound && kind == SIGNATURE_DKIM && !signs_from(s)) {
		*reason_out = REASON_DKIM_FROM_NOT_SIGNED;
		*detail_out = B("h=");
		sound = false;
	}
	return sound;
}

/* Which fields h= picks. Each distinct name has a run in `picks` as long as h=
 * has it, filled from the bottom of the header in one walk; so the cost is one
 * look at each field, however h= repeats itself. */
#define BUCKETS 64
#define NOTHING UINT16_MAX

struct pick_name {
	struct bytes name;
	uint16_t     next; /* in the bucket */
	uint16_t     first; /* of its run */
	uint16_t     wanted;
	uint16_t     found;
	uint16_t     used;
};

struct picker {
	uint16_t         buckets[BUCKETS];
	struct pick_name names[SIGNED_NAMES_MAX];
	uint16_t         count;
	uint16_t         slot[SIGNED_NAMES_MAX]; /* of each item of h= */
	size_t           picks[SIGNED_NAMES_MAX]; /* index in the header */
};

static unsigned
bucket_of(struct bytes name)
{
	if (name.len == 0)
		return 0;
	return ((unsigned)byte_lower(name.at[0]) * 7u + (unsigned)byte_lower(name.at[name.len - 1]) + (unsigned)name.len) % BUCKETS;
}

static uint16_t
picker_find(const struct picker *p, struct bytes name)
{
	uint16_t i = p->buckets[bucket_of(name)];

	while (i != NOTHING && !bytes_eq_nocase(p->names[i].name, name))
		i = p->names[i].next;
	return i;
}

static void
picker_want(struct picker *p, const struct signature *s)
{
	uint16_t first = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		p->buckets[i] = NOTHING;
	p->count = 0;
	for (size_t i = 0; i < s->name_count; i++) {
		uint16_t at = picker_find(p, s->names[i]);
		if (at == NOTHING) {
			unsigned bucket = bucket_of(s->names[i]);
			at = p->count++;
			p->names[at] = (struct pick_name){ .name = s->names[i], .next = p->buckets[bucket] };
			p->buckets[bucket] = at;
		}
		p->names[at].wanted++;
		p->slot[i] = at;
	}
	for (size_t i = 0; i < p->count; i++) {
		p->names[i].first = first;
		first = (uint16_t)(first + p->names[i].wanted);
	}
}

static void
picker_walk(struct picker *p, const struct header *h, size_t self)
{
	for (size_t i = h->count; i-- > 0;) {
		uint16_t at = i != self ? picker_find(p, bytes_trim(h->fields[i].name)) : NOTHING;
		if (at != NOTHING && p->names[at].found < p->names[at].wanted)
			p->picks[p->names[at].first + p->names[at].found++] = i;
	}
}

bool
signature_hash(struct arena *a, const struct signature *s, const struct header *h, size_t self, uint8_t hash_out[32])
{
	struct picker p;
	struct digest d;

	picker_want(&p, s);
	picker_walk(&p, h, self);
	digest_begin(&d);
	for (size_t i = 0; i < s->name_count; i++) {
		struct pick_name *name = &p.names[p.slot[i]];
		/* A name that is used up stands for no field: oversigning (5.4.2). */
		if (name->used < name->found)
			canon_field(&d, s->header_canon, &h->fields[p.picks[name->first + name->used++]]);
	}
	canon_signature(&d, s->header_canon, &h->fields[self], s->cut);
	if (digest_end(&d, hash_out))
		return true;
	arena_spoil(a);
	return false;
}
