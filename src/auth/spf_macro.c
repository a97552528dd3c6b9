/* auth/spf_macro.c: see spf_macro.h. */
#include "auth/spf_macro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ask.h"
#include "base/utf8.h"

struct macro {
	char         letter; /* lower case */
	bool         escape; /* it was written in upper case */
	bool         reverse;
	unsigned     keep; /* right-hand parts; 0: all */
	struct bytes delimiters; /* empty: the dot */
};

/* A text is a sequence of these. */
enum piece { PIECE_RUN, PIECE_ESCAPE, PIECE_MACRO, PIECE_BAD };

static bool
is_delimiter(char c)
{
	return bytes_has(B(".-+,/_="), c) && c != '\0';
}

/* What stands between the braces: letter, digits, r, delimiters (7.1). */
static bool
parse_macro(struct bytes inside, struct macro *m)
{
	if (inside.len == 0 || !byte_is_alpha(inside.at[0]))
		return false;
	*m = (struct macro){ .letter = byte_lower(inside.at[0]), .escape = inside.at[0] != byte_lower(inside.at[0]) };
	bytes_skip(&inside, 1);
	bool digits = false;
	while (inside.len > 0 && byte_is_digit(inside.at[0])) {
		digits = true;
		if (m->keep < 100000)
			m->keep = m->keep * 10 + (unsigned)(inside.at[0] - '0');
		bytes_skip(&inside, 1);
	}
	if (digits && m->keep == 0)
		return false;
	if (inside.len > 0 && byte_lower(inside.at[0]) == 'r') {
		m->reverse = true;
		bytes_skip(&inside, 1);
	}
	for (size_t i = 0; i < inside.len; i++)
		if (!is_delimiter(inside.at[i]))
			return false;
	m->delimiters = inside;
	return true;
}

static enum piece
take_piece(struct bytes *rest, struct bytes *run_out, struct macro *macro_out)
{
	static const struct {
		char         letter;
		struct bytes stands_for;
	} escapes[] = { { '%', B_INIT("%") }, { '_', B_INIT(" ") }, { '-', B_INIT("%20") } };

	if (rest->at[0] != '%') {
		*run_out = bytes_sub(*rest, 0, bytes_index(*rest, '%'));
		bytes_skip(rest, run_out->len);
		return PIECE_RUN;
	}
	if (rest->len < 2)
		return PIECE_BAD;
	for (size_t i = 0; i < NELEMS(escapes); i++)
		if (rest->at[1] == escapes[i].letter) {
			*run_out = escapes[i].stands_for;
			bytes_skip(rest, 2);
			return PIECE_ESCAPE;
		}
	size_t end = bytes_index(*rest, '}');
	if (rest->at[1] != '{' || end == rest->len || !parse_macro(bytes_sub(*rest, 2, end - 2), macro_out))
		return PIECE_BAD;
	bytes_skip(rest, end + 1);
	return PIECE_MACRO;
}

static bool
letter_fits(char letter, enum spf_text kind)
{
	return bytes_has(kind == SPF_DOMAIN_SPEC ? B("slodiphv") : B("slodiphvcrt"), letter);
}

static bool
is_top_label(struct bytes label)
{
	bool all_digits = true;

	if (label.len == 0 || !byte_is_alnum(label.at[0]) || !byte_is_alnum(label.at[label.len - 1]))
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!byte_is_alnum(label.at[i]) && label.at[i] != '-')
			return false;
		all_digits = all_digits && byte_is_digit(label.at[i]);
	}
	return !all_digits;
}

/* `tail` is what stands behind the last macro: "." toplabel [ "." ]. */
static bool
ends_in_top_label(struct bytes tail)
{
	if (tail.len > 0 && tail.at[tail.len - 1] == '.')
		tail.len--;
	size_t dot = bytes_rindex(tail, '.');
	return dot < tail.len && is_top_label(bytes_from(tail, dot + 1));
}

static bool
is_run(struct bytes run, enum spf_text kind)
{
	for (size_t i = 0; i < run.len; i++)
		if (run.at[i] < (kind == SPF_EXPLANATION ? ' ' : '!') || run.at[i] > '~')
			return false;
	return true;
}

static bool
refuse(struct spf_fault *fault_out, enum reason reason, const char *why)
{
	*fault_out = (struct spf_fault){ reason, why };
	return false;
}

bool
spf_text_check(struct bytes text, enum spf_text kind, bool *needs_p_out, struct spf_fault *fault_out)
{
	struct bytes rest = text, tail = B_NONE;
	struct macro m = { 0 };
	struct ip    ip;
	enum piece   piece = PIECE_RUN;
	bool         needs_p = false;

	if (kind == SPF_DOMAIN_SPEC && text.len == 0)
		return refuse(fault_out, REASON_SPF_SYNTAX, "the domain name is missing");
	while (rest.len > 0) {
		piece = take_piece(&rest, &tail, &m);
		if (piece == PIECE_BAD)
			return refuse(fault_out, REASON_SPF_MACRO_SYNTAX, "behind % stands %, _, - or {letter digits r delimiters}");
		if (piece == PIECE_RUN && !is_run(tail, kind))
			return refuse(fault_out, REASON_SPF_SYNTAX, "a character that is not printable ASCII");
		if (piece == PIECE_MACRO && !letter_fits(m.letter, kind))
			return refuse(fault_out, REASON_SPF_MACRO_SYNTAX,
			              letter_fits(m.letter, SPF_EXPLANATION) ? "macro letters c, r and t are for the text of exp= only"
			                                                     : "no such macro letter");
		needs_p = needs_p || (piece == PIECE_MACRO && m.letter == 'p');
	}
	if (kind == SPF_DOMAIN_SPEC && ip_parse(text, &ip))
		return refuse(fault_out, REASON_SPF_SYNTAX, "that is an address, no domain name; ip4: or ip6: takes addresses");
	if (kind == SPF_DOMAIN_SPEC && piece == PIECE_RUN && !ends_in_top_label(tail))
		return refuse(fault_out, REASON_SPF_SYNTAX, "that is not a whole domain name");
	*needs_p_out = needs_p;
	return true;
}

/* ---- expansion ---- */

struct text {
	size_t len;
	bool   over;
	char   at[SPF_EXPANSION_MAX];
};

static void
text_add(struct text *t, struct bytes b)
{
	if (t->over || b.len > sizeof(t->at) - t->len) {
		t->over = true;
		return;
	}
	if (b.len > 0)
		memcpy(t->at + t->len, b.at, b.len);
	t->len += b.len;
}

static bool
is_unreserved(char c)
{
	return byte_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Upper-case letters escape what a URL would not take (7.3). */
static void
add_escaped(struct text *t, struct bytes b)
{
	char hex[4];

	for (size_t i = 0; i < b.len && !t->over; i++) {
		if (is_unreserved(b.at[i])) {
			text_add(t, bytes_sub(b, i, 1));
		} else {
			snprintf(hex, sizeof(hex), "%%%02X", (unsigned)(unsigned char)b.at[i]);
			text_add(t, bytes_make(hex, 3));
		}
	}
}

static void
add_part(struct text *t, const struct macro *m, struct bytes part)
{
	if (m->escape)
		add_escaped(t, part);
	else
		text_add(t, part);
}

static bool
splits(const struct macro *m, char c)
{
	return m->delimiters.len == 0 ? c == '.' : bytes_has(m->delimiters, c);
}

/* Cut the last part off the end. False when nothing is left. */
static bool
cut_last(const struct macro *m, struct bytes *rest, struct bytes *part_out)
{
	size_t i = rest->len;

	if (rest->at == NULL)
		return false;
	while (i > 0 && !splits(m, rest->at[i - 1]))
		i--;
	*part_out = bytes_from(*rest, i);
	*rest = i > 0 ? bytes_sub(*rest, 0, i - 1) : B_NONE;
	return true;
}

/* The length of the first `n` parts. Reversing comes before counting from the
 * right, so a reversed value keeps the parts it began with. */
static size_t
head_length(const struct macro *m, struct bytes value, unsigned n)
{
	size_t i = 0;

	for (; i < value.len; i++)
		if (splits(m, value.at[i]) && --n == 0)
			break;
	return i;
}

static size_t
tail_start(const struct macro *m, struct bytes value, unsigned n)
{
	size_t i = value.len;

	for (; i > 0; i--)
		if (splits(m, value.at[i - 1]) && --n == 0)
			break;
	return i;
}

static void
add_reversed(struct text *t, const struct macro *m, struct bytes value)
{
	struct bytes part;

	if (m->keep > 0)
		value.len = head_length(m, value, m->keep);
	for (bool first = true; cut_last(m, &value, &part); first = false) {
		if (!first)
			text_add(t, B("."));
		add_part(t, m, part);
	}
}

static void
add_forward(struct text *t, const struct macro *m, struct bytes value)
{
	if (m->keep > 0)
		value = bytes_from(value, tail_start(m, value, m->keep));
	for (bool first = true; value.len > 0 || first; first = false) {
		size_t n = 0;
		while (n < value.len && !splits(m, value.at[n]))
			n++;
		add_part(t, m, bytes_sub(value, 0, n));
		if (n == value.len)
			break;
		text_add(t, B("."));
		bytes_skip(&value, n + 1);
	}
}

#define VALUE_MAX 80

/* 7.3: i is dotted, an IPv6 address by its nibbles. */
static struct bytes
dotted(const struct ip *ip, char room[VALUE_MAX])
{
	static const char hex[] = "0123456789ABCDEF";
	size_t            n = 0;

	if (ip->family == 4)
		return bytes_make(room, ip_format(ip, room));
	for (size_t i = 0; i < 16; i++) {
		room[n++] = hex[ip->octet[i] >> 4];
		room[n++] = '.';
		room[n++] = hex[ip->octet[i] & 15];
		room[n++] = '.';
	}
	return bytes_make(room, n - 1);
}

static struct bytes
value_of(const struct spf_scope *scope, char letter, char room[VALUE_MAX])
{
	switch (letter) {
	case 's':
		return scope->sender;
	case 'l':
		return scope->local;
	case 'o':
		return scope->origin;
	case 'd':
		return scope->domain;
	case 'p':
		return scope->client;
	case 'h':
		return scope->helo;
	case 'r':
		return scope->receiver;
	case 'v':
		return scope->ip.family == 4 ? B("in-addr") : B("ip6");
	case 'c':
		return bytes_make(room, ip_format(&scope->ip, room));
	case 't':
		return bytes_make(room, (size_t)snprintf(room, VALUE_MAX, "%" PRId64, scope->now));
	default:
		return dotted(&scope->ip, room);
	}
}

/* Without transformers the value is taken as it is. */
static bool
add_macro(struct text *t, const struct macro *m, const struct spf_scope *scope)
{
	char         room[VALUE_MAX];
	struct bytes value = value_of(scope, m->letter, room);

	if ((m->letter == 'l' || m->letter == 's') && !bytes_is_ascii(scope->local))
		return false;
	if (m->reverse)
		add_reversed(t, m, value);
	else if (m->keep > 0 || m->delimiters.len > 0)
		add_forward(t, m, value);
	else
		add_part(t, m, value);
	return !t->over;
}

bool
spf_expand(struct arena *a, struct bytes text, const struct spf_scope *scope, struct bytes *out)
{
	struct text  t;
	struct bytes run;
	struct macro m;

	t.len = 0;
	t.over = false;
	while (text.len > 0 && !t.over) {
		switch (take_piece(&text, &run, &m)) {
		case PIECE_RUN:
		case PIECE_ESCAPE:
			text_add(&t, run);
			break;
		case PIECE_MACRO:
			if (!add_macro(&t, &m, scope))
				return false;
			break;
		case PIECE_BAD:
			return false;
		}
	}
	if (t.over)
		return false;
	*out = arena_copy(a, bytes_make(t.at, t.len));
	return out->at != NULL;
}

bool
spf_name_fit(struct bytes *name)
{
	char         wire[256];
	size_t       len;
	struct bytes n = *name;

	if (n.len > 0 && n.at[n.len - 1] == '.')
		n.len--;
	while (n.len > DNS_NAME_MAX) {
		size_t dot = bytes_index(n, '.');
		if (dot == n.len)
			return false;
		bytes_skip(&n, dot + 1);
	}
	if (n.len == 0 || !dns_name_to_wire(n, wire, &len))
		return false;
	*name = n;
	return true;
}
