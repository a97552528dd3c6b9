/* auth/spf_record.c: see spf_record.h. One heap block a record: struct, terms,
 * text, and the text in lower case, from which names are asked. */
#include "auth/spf_record.h"

#include <stdlib.h>
#include <string.h>

enum arg { ARG_NONE, ARG_DOMAIN, ARG_DOMAIN_OR_NONE, ARG_DOMAIN_CIDR, ARG_IP4, ARG_IP6 };

static const struct mechanism {
	struct bytes  name;
	enum spf_kind kind;
	bool          costs;
	enum arg      arg;
} mechanisms[] = {
	{ B_INIT("all"), SPF_ALL, false, ARG_NONE }, /* 5.1 */
	{ B_INIT("include"), SPF_INCLUDE, true, ARG_DOMAIN }, /* 5.2 */
	{ B_INIT("a"), SPF_A, true, ARG_DOMAIN_CIDR }, /* 5.3 */
	{ B_INIT("mx"), SPF_MX, true, ARG_DOMAIN_CIDR }, /* 5.4 */
	{ B_INIT("ptr"), SPF_PTR, true, ARG_DOMAIN_OR_NONE }, /* 5.5 */
	{ B_INIT("ip4"), SPF_IP4, false, ARG_IP4 }, /* 5.6 */
	{ B_INIT("ip6"), SPF_IP6, false, ARG_IP6 }, /* 5.6 */
	{ B_INIT("exists"), SPF_EXISTS, true, ARG_DOMAIN }, /* 5.7 */
};

static const struct {
	char        sign;
	enum result result;
} qualifiers[] = {
	{ '+', RESULT_PASS },
	{ '-', RESULT_FAIL },
	{ '~', RESULT_SOFTFAIL },
	{ '?', RESULT_NEUTRAL },
};

/* A record is read twice: to learn its faults and how many terms to keep, and
 * again to keep them. */
struct reader {
	struct spf_record *record;
	struct spf_term   *terms; /* NULL the first time */
	const char        *lower; /* record->text in lower case; NULL the first time */
	size_t             costly; /* kept */
	bool               ended; /* by all */
};

static bool
fail(struct reader *r, struct bytes term, const char *why)
{
	r->record->fault = (struct spf_fault){ REASON_SPF_SYNTAX, why };
	r->record->fault_term = term;
	return false;
}

static bool
read_spec(struct reader *r, struct spf_term *t, struct bytes spec)
{
	if (!spf_text_check(spec, SPF_DOMAIN_SPEC, &t->needs_p, &r->record->fault)) {
		r->record->fault_term = t->text;
		return false;
	}
	t->spec = spec;
	t->fixed = !bytes_has(spec, '%');
	if (t->fixed && r->lower != NULL) {
		t->name = bytes_make(r->lower + (spec.at - r->record->text.at), spec.len);
		if (!spf_name_fit(&t->name))
			t->name = B_NONE;
	}
	return true;
}

/* "/" or "//" and a number at the end of *arg; cut off if it is there. */
static bool
cut_bits(struct bytes *arg, struct bytes slashes, uint64_t max, uint8_t *bits, const char **why_out)
{
	struct bytes digits = *arg;
	uint64_t     v;

	while (digits.len > 0 && byte_is_digit(digits.at[digits.len - 1]))
		digits.len--;
	struct bytes number = bytes_from(*arg, digits.len);
	if (number.len == 0 || !bytes_ends_nocase(digits, slashes))
		return true;
	if (!bytes_number(number, max, &v) || (number.len > 1 && number.at[0] == '0')) {
		*why_out = max == 32 ? "an IPv4 prefix length is a number from 0 to 32" : "an IPv6 prefix length is a number from 0 to 128";
		return false;
	}
	*bits = (uint8_t)v;
	*arg = bytes_sub(*arg, 0, digits.len - slashes.len);
	return true;
}

/* [ ":" domain-spec ] [ "/" bits ] [ "//" bits ]; a slash may stand in a
 * domain-spec too, but never in its last label, so it is read from the end. */
static bool
read_domain_cidr(struct reader *r, struct spf_term *t, struct bytes arg)
{
	const char *why;

	if (!cut_bits(&arg, B("//"), 128, &t->bits6, &why) || !cut_bits(&arg, B("/"), 32, &t->bits4, &why))
		return fail(r, t->text, why);
	if (arg.len == 0)
		return true;
	if (arg.at[0] != ':')
		return fail(r, t->text, "that is not a prefix length");
	return read_spec(r, t, bytes_from(arg, 1));
}

static bool
read_ip4(struct reader *r, struct spf_term *t, struct bytes arg)
{
	const char *why;

	if (!cut_bits(&arg, B("/"), 32, &t->bits4, &why))
		return fail(r, t->text, why);
	arg = bytes_from(arg, 1);
	if (bytes_has(arg, ':') || !ip_parse(arg, &t->ip))
		return fail(r, t->text, "that is not an IPv4 address or network");
	return true;
}

static bool
read_ip6(struct reader *r, struct spf_term *t, struct bytes arg)
{
	const char *why;

	if (!cut_bits(&arg, B("/"), 128, &t->bits6, &why))
		return fail(r, t->text, why);
	arg = bytes_from(arg, 1);
	if (!bytes_has(arg, ':') || !ip_parse(arg, &t->ip))
		return fail(r, t->text, "that is not an IPv6 address or network");
	if (t->ip.family == 4) {
		/* Section 5: a mapped client is an IPv4 client, and ip6 is not for it. */
		struct ip mapped = { .family = 6, .octet = { [10] = 0xff, [11] = 0xff } };
		memcpy(mapped.octet + 12, t->ip.octet, 4);
		t->ip = mapped;
	}
	return true;
}

/* `arg` begins with ":" or "/", or is empty. */
static bool
read_arg(struct reader *r, struct spf_term *t, enum arg kind, struct bytes arg)
{
	bool colon = arg.len > 0 && arg.at[0] == ':';

	switch (kind) {
	case ARG_NONE:
		return arg.len == 0 || fail(r, t->text, "all takes nothing behind it");
	case ARG_DOMAIN_OR_NONE:
		if (arg.len == 0)
			return true;
		/* fallthrough */
	case ARG_DOMAIN:
		if (!colon)
			return fail(r, t->text, "a colon and a domain name are wanted");
		return read_spec(r, t, bytes_from(arg, 1));
	case ARG_DOMAIN_CIDR:
		return read_domain_cidr(r, t, arg);
	case ARG_IP4:
	case ARG_IP6:
		if (!colon)
			return fail(r, t->text, "a colon and an address are wanted");
		return kind == ARG_IP4 ? read_ip4(r, t, arg) : read_ip6(r, t, arg);
	}
	return false;
}

static void
keep(struct reader *r, const struct spf_term *t)
{
	struct spf_record *record = r->record;

	record->costly += t->costs;
	if (r->ended) {
		record->after_all = true;
		return;
	}
	r->ended = t->kind == SPF_ALL;
	if (t->costs && ++r->costly > SPF_COSTLY_MAX)
		return;
	if (r->terms != NULL)
		r->terms[record->count] = *t;
	record->count++;
}

static bool
read_directive(struct reader *r, struct bytes word)
{
	struct spf_term t = { .qualifier = RESULT_PASS, .bits4 = 32, .bits6 = 128, .text = word };

	for (size_t i = 0; i < NELEMS(qualifiers); i++)
		if (word.at[0] == qualifiers[i].sign) {
			t.qualifier = qualifiers[i].result;
			t.text = bytes_from(word, 1);
			break;
		}
	size_t n = 0;
	while (n < t.text.len && t.text.at[n] != ':' && t.text.at[n] != '/')
		n++;
	for (size_t i = 0; i < NELEMS(mechanisms); i++)
		if (bytes_eq_nocase(bytes_sub(t.text, 0, n), mechanisms[i].name)) {
			t.kind = mechanisms[i].kind;
			t.costs = mechanisms[i].costs;
			if (!read_arg(r, &t, mechanisms[i].arg, bytes_from(t.text, n)))
				return false;
			keep(r, &t);
			return true;
		}
	return fail(r, word, "no such mechanism");
}

/* Section 6. exp and redirect may come once each. */
static bool
read_modifier(struct reader *r, struct bytes word, size_t equals)
{
	struct bytes     name = bytes_sub(word, 0, equals), value = bytes_from(word, equals + 1);
	struct spf_term *slot = NULL;
	bool             ignored;

	if (bytes_eq_nocase(name, B("redirect")))
		slot = &r->record->redirect;
	else if (bytes_eq_nocase(name, B("exp")))
		slot = &r->record->exp;
	if (slot == NULL) {
		r->record->fault_term = word;
		return spf_text_check(value, SPF_MODIFIER, &ignored, &r->record->fault);
	}
	if (slot->text.len > 0)
		return fail(r, word, "this modifier may stand only once");
	bool redirects = slot == &r->record->redirect;
	*slot = (struct spf_term){ .kind = redirects ? SPF_REDIRECT : SPF_EXP, .costs = redirects, .text = word };
	r->record->costly += redirects;
	return read_spec(r, slot, value);
}

/* The index of "=" if the word begins like a modifier, else its length. */
static size_t
modifier_equals(struct bytes word)
{
	size_t n = 0;

	if (!byte_is_alpha(word.at[0]))
		return word.len;
	while (n < word.len && (byte_is_alnum(word.at[n]) || word.at[n] == '-' || word.at[n] == '_' || word.at[n] == '.'))
		n++;
	return n < word.len && word.at[n] == '=' ? n : word.len;
}

static void
read_record(struct spf_record *record, struct spf_term *terms, const char *lower)
{
	struct reader r = { .record = record, .terms = terms, .lower = lower };
	struct bytes  rest = bytes_from(record->text, strlen("v=spf1")), word;

	if (record->text.len > SPF_RECORD_MAX) {
		fail(&r, bytes_sub(record->text, 0, 64), "the record is longer than 16384 octets");
		return;
	}
	record->valid = true;
	while (record->valid && bytes_cut(&rest, ' ', &word)) {
		if (word.len == 0)
			continue;
		size_t equals = modifier_equals(word);
		record->valid = equals < word.len ? read_modifier(&r, word, equals) : read_directive(&r, word);
	}
	if (!record->valid)
		record->count = 0;
}

/* 4.5: the version ends with a space or with the record. */
static bool
is_spf(struct bytes text)
{
	return bytes_starts_nocase(text, B("v=spf1")) && (text.len == 6 || text.at[6] == ' ');
}

static struct spf_record *
record_new(struct bytes text, size_t found)
{
	struct spf_record count = { .text = text };

	if (found == 1)
		read_record(&count, NULL, NULL);
	struct spf_record *r = malloc(sizeof(*r) + count.count * sizeof(*r->terms) + 2 * text.len);
	if (r == NULL)
		return NULL;
	*r = (struct spf_record){ .found = found, .terms = (struct spf_term *)(void *)(r + 1) };
	char *copy = (char *)(r->terms + count.count), *lower = copy + text.len;
	for (size_t i = 0; i < text.len; i++) {
		copy[i] = text.at[i];
		lower[i] = byte_lower(text.at[i]);
	}
	r->text = bytes_make(copy, text.len);
	if (found == 1)
		read_record(r, count.valid ? r->terms : NULL, lower);
	return r;
}

/* The mark of what is ours in a slot, so not free() itself. */
static void
record_free(void *r)
{
	free(r);
}

static struct spf_record *
record_make(struct arena *a, const struct answer *answer)
{
	struct bytes text = B_NONE;
	size_t       found = 0;

	for (size_t i = 0; answer->status == ANSWER_OK && i < answer->count; i++) {
		struct bytes one = answer_txt(a, answer->rdata[i]);
		if (!is_spf(one))
			continue;
		found++;
		text = one;
	}
	if (arena_overdrawn(a))
		return NULL;
	return record_new(found == 1 ? text : B_NONE, found);
}

const struct spf_record *
spf_record_of(struct arena *a, const struct answer *answer)
{
	struct spf_record *r = answer_made(answer, record_free);

	if (r != NULL)
		return r;
	r = record_make(a, answer);
	if (r == NULL) {
		arena_spoil(a);
		return NULL;
	}
	if (answer_keep(answer, r, record_free) || arena_on_free(a, record_free, r))
		return r;
	return NULL;
}
