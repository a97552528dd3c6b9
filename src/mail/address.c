/* mail/address.c: see address.h. A list is read token by token. The grammar is
 * that of RFC 5322 section 3.4 without the obsolete forms, and narrower where
 * readers are known to disagree:
 *
 *  - no comment inside an address, and none that holds < > or @;
 *  - no @ < > , ; : or backslash in a quoted local part;
 *  - no encoded word in an address (RFC 2047 section 5), and none in a display
 *    name that decodes to an address in angle brackets;
 *  - no character that IDNA or a font makes an @ or a dot.
 *
 * DEPARTS: dots anywhere in a local part, and unquoted dots in a display name
 * (obs-phrase) are common and harmless, and pass. So do square brackets there,
 * and an unquoted address as its own display name: "a@b <a@b>". */
#include "mail/address.h"

#include "base/codec.h"
#include "base/utf8.h"
#include "mail/domain.h"

#define VALUE_MAX 65536
#define FROM_MAX 8192
#define LOCAL_MAX 255 /* SMTP allows 64 (RFC 5321 section 4.5.3.1.1), but From is only read, and programs write long ones */
#define COMMENT_DEPTH 8
#define MAILBOXES_MAX 2000

enum token_kind { TOKEN_END, TOKEN_ATOM, TOKEN_QUOTED, TOKEN_SPECIAL, TOKEN_FAULT };

struct token {
	enum token_kind kind;
	struct bytes    text; /* quotes included */
	bool            apart; /* white space or a comment stood before it */
	bool            commented; /* a comment stood before it */
};

struct reader {
	struct bytes rest;
	const char  *end; /* of the last token taken */
	struct token token; /* the one we stand at */
	const char  *why; /* first fault; NULL: none */
};

static bool
fault(struct reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
	r->token.kind = TOKEN_FAULT;
	return false;
}

/* atext of RFC 5322 section 3.2.3 and the non-ASCII of RFC 6532. */
static bool
is_atext(char c)
{
	return byte_is_alnum(c) || (unsigned char)c >= 0x80 || (c != '\0' && bytes_has(B("!#$%&'*+-/=?^_`{|}~"), c));
}

/* The comment at the front. What it holds must be no address to anybody. */
static bool
skip_comment(struct reader *r)
{
	unsigned depth = 0;

	for (size_t i = 0; i < r->rest.len; i++) {
		char c = r->rest.at[i];
		if (c == '<' || c == '>' || c == '@')
			return fault(r, "a comment holds <, > or @");
		if (c == '\\') {
			i++;
		} else if (c == '(') {
			if (++depth > COMMENT_DEPTH)
				return fault(r, "comments are nested too deeply");
		} else if (c == ')' && --depth == 0) {
			bytes_skip(&r->rest, i + 1);
			return true;
		}
	}
	return fault(r, "a comment does not end");
}

static bool
take_quoted(struct reader *r)
{
	for (size_t i = 1; i < r->rest.len; i++) {
		if (r->rest.at[i] == '\\') {
			i++;
		} else if (r->rest.at[i] == '"') {
			r->token.kind = TOKEN_QUOTED;
			r->token.text = bytes_sub(r->rest, 0, i + 1);
			bytes_skip(&r->rest, i + 1);
			return true;
		}
	}
	return fault(r, "a quoted string does not end");
}

/* Go on to the next token. Comments and white space are seen through. */
static void
take(struct reader *r)
{
	size_t n = 0;

	if (r->token.kind == TOKEN_FAULT)
		return;
	if (r->token.text.at != NULL)
		r->end = r->token.text.at + r->token.text.len;
	r->token = (struct token){ .kind = TOKEN_END };
	while (r->rest.len > 0 && (byte_is_space(r->rest.at[0]) || r->rest.at[0] == '(')) {
		r->token.apart = true;
		if (r->rest.at[0] != '(') {
			bytes_skip(&r->rest, 1);
			continue;
		}
		r->token.commented = true;
		if (!skip_comment(r))
			return;
	}
	if (r->rest.len == 0)
		return;
	if (r->rest.at[0] == '"') {
		take_quoted(r);
		return;
	}
	while (n < r->rest.len && is_atext(r->rest.at[n]))
		n++;
	r->token.kind = n > 0 ? TOKEN_ATOM : TOKEN_SPECIAL;
	r->token.text = bytes_sub(r->rest, 0, n > 0 ? n : 1);
	bytes_skip(&r->rest, r->token.text.len);
}

static bool
at_special(const struct reader *r, char c)
{
	return r->token.kind == TOKEN_SPECIAL && r->token.text.at[0] == c;
}

static bool
at_word(const struct reader *r)
{
	return r->token.kind == TOKEN_ATOM || r->token.kind == TOKEN_QUOTED || at_special(r, '.');
}

/* "Ann [Example] <ann@example.com>": wrong without quotes, common, harmless. */
static bool
at_bracket(const struct reader *r)
{
	return at_special(r, '[') || at_special(r, ']');
}

/* RFC 2047 section 2, anywhere in the text. */
static bool
has_encoded_word(struct bytes b)
{
	size_t i = bytes_find(b, B("=?"));

	return i < b.len && bytes_find(bytes_from(b, i + 2), B("?=")) < b.len - i - 2;
}

/* Full-width and small @, and the full stops that UTS 46 maps to a dot. */
static bool
has_lookalike(struct bytes b)
{
	while (b.len > 0) {
		uint32_t c = 0;
		size_t   n = utf8_take(b, &c);
		if (c == 0xff20 || c == 0xfe6b || c == 0x3002 || c == 0xff0e || c == 0xff61 || c == 0x2024 || c == 0xfe52)
			return true;
		bytes_skip(&b, n > 0 ? n : 1);
	}
	return false;
}

/* Characters nobody sees: they would let two addresses look the same. */
static bool
has_invisible(struct bytes b)
{
	while (b.len > 0) {
		uint32_t c = 0;
		size_t   n = utf8_take(b, &c);
		if ((c >= 0x80 && c <= 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
		    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x3000)
			return true;
		bytes_skip(&b, n > 0 ? n : 1);
	}
	return false;
}

static bool
local_is_plain(struct reader *r, struct bytes local)
{
	if (local.len == 0 || local.len > LOCAL_MAX)
		return fault(r, local.len == 0 ? "nothing stands before the @" : "the local part has more than 255 octets");
	if (has_encoded_word(local))
		return fault(r, "an encoded word stands in the address");
	if (!utf8_valid(local) || has_lookalike(local) || has_invisible(local))
		return fault(r, "the local part holds characters that mislead");
	if (local.at[0] == '"')
		for (size_t i = 0; i < local.len; i++)
			if (bytes_has(B("@<>,;:()\\\r\n"), local.at[i]))
				return fault(r, "the quoted local part holds @ or another mark that divides addresses");
	return true;
}

/* The domain behind an @: dots and atoms with nothing between them. */
static bool
take_domain(struct arena *a, struct reader *r, struct mailbox *m)
{
	const char *from = r->token.text.at;

	if (at_special(r, '['))
		return fault(r, "the domain is an address literal");
	if (r->token.kind != TOKEN_ATOM || r->token.apart)
		return fault(r, "no domain stands behind the @");
	do
		take(r);
	while ((r->token.kind == TOKEN_ATOM || at_special(r, '.')) && !r->token.apart);
	if (r->token.kind == TOKEN_FAULT)
		return false;
	if (r->token.kind == TOKEN_ATOM || at_special(r, '.'))
		return fault(r, "text stands behind the address");
	struct bytes domain = bytes_make(from, (size_t)(r->end - from));
	if (has_lookalike(domain) || has_invisible(domain))
		return fault(r, "the domain holds characters that mislead");
	m->domain = domain_normal(a, domain);
	if (m->domain.len == 0)
		return fault(r, "the domain is not a domain name");
	m->address = bytes_make(m->address.at, (size_t)(r->end - m->address.at));
	return true;
}

/* `local` was read, we stand at the @. */
static bool
take_address(struct arena *a, struct reader *r, struct bytes local, struct mailbox *m)
{
	if (r->token.apart)
		return fault(r, "white space or a comment stands inside the address");
	if (!local_is_plain(r, local))
		return false;
	m->address = local;
	take(r);
	return take_domain(a, r, m);
}

/* One quoted string, or atoms and dots with nothing between them; the @ follows. */
static bool
take_local(struct reader *r, struct bytes *local_out)
{
	const char *from = r->token.text.at;
	bool        quoted = r->token.kind == TOKEN_QUOTED;

	if (at_special(r, '@'))
		return fault(r, "a source route or nothing stands before the @");
	if (!at_word(r))
		return fault(r, at_special(r, '>') ? "the angle brackets are empty" : "no address stands in the angle brackets");
	for (take(r); at_word(r); take(r)) {
		if (r->token.apart)
			return fault(r, "white space or a comment stands inside the address");
		if (quoted || r->token.kind == TOKEN_QUOTED)
			return fault(r, "the local part is partly quoted");
	}
	if (r->token.kind == TOKEN_FAULT)
		return false;
	if (!at_special(r, '@'))
		return fault(r, "the address has no @");
	*local_out = bytes_make(from, (size_t)(r->end - from));
	return true;
}

/* We stand at the <. */
static bool
take_angle(struct arena *a, struct reader *r, struct mailbox *m)
{
	struct bytes local;

	take(r);
	if (r->token.commented)
		return fault(r, "a comment stands inside the angle brackets");
	if (!take_local(r, &local) || !take_address(a, r, local, m))
		return false;
	if (r->token.commented)
		return fault(r, "a comment stands inside the angle brackets");
	if (!at_special(r, '>'))
		return fault(r, "something follows the address inside the angle brackets");
	take(r);
	return r->token.kind != TOKEN_FAULT;
}

/* Text of the Q encoding, RFC 2047 section 4.2. */
static struct bytes
decode_q(struct arena *a, struct bytes text)
{
	char  *out = arena_take(a, text.len);
	size_t n = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len; i++) {
		int hi = i + 2 < text.len ? byte_hex(text.at[i + 1]) : -1;
		int lo = i + 2 < text.len ? byte_hex(text.at[i + 2]) : -1;
		if (text.at[i] == '=' && hi >= 0 && lo >= 0) {
			out[n++] = (char)(hi << 4 | lo);
			i += 2;
		} else {
			out[n++] = text.at[i];
		}
	}
	return bytes_make(out, n);
}

/* Cut the next encoded word out of `*rest` and decode it. False: no more. */
static bool
next_encoded(struct arena *a, struct bytes *rest, struct bytes *text_out)
{
	struct bytes charset, encoding, text;
	size_t       i = bytes_find(*rest, B("=?"));

	if (i == rest->len)
		return false;
	struct bytes word = bytes_from(*rest, i + 2);
	*rest = word;
	*text_out = B("");
	if (!bytes_cut(&word, '?', &charset) || !bytes_cut(&word, '?', &encoding) || !bytes_cut(&word, '?', &text))
		return true;
	if (encoding.len != 1 || word.len == 0 || word.at[0] != '=')
		return true;
	*rest = bytes_from(word, 1);
	if (byte_lower(encoding.at[0]) == 'q')
		*text_out = decode_q(a, text);
	else if (byte_lower(encoding.at[0]) == 'b' && !base64_decode(a, text, text_out))
		*text_out = B("");
	return true;
}

/* Readers that decode before they parse would find an address in the words. */
static bool
display_is_plain(struct arena *a, struct reader *r, struct bytes display)
{
	struct bytes text;
	bool         open = false, at = false;

	while (next_encoded(a, &display, &text)) {
		open = open || bytes_has(text, '<');
		at = at || bytes_has(text, '@');
		if (open && at)
			return fault(r, "the display name decodes to an address in angle brackets");
		if (bytes_has(text, '\0') || bytes_has(text, '\n') || bytes_has(text, '\r'))
			return fault(r, "the display name decodes to control characters");
	}
	return true;
}

/* We stand at the < behind a display name. */
static bool
take_named(struct arena *a, struct reader *r, const char *from, struct mailbox *m)
{
	if (from != NULL)
		m->display = bytes_make(from, (size_t)(r->end - from));
	return display_is_plain(a, r, m->display) && take_angle(a, r, m);
}

/* "a@b <c@d>": only the address itself may stand unquoted before an address. */
static bool
take_named_by_address(struct arena *a, struct reader *r, const char *from, struct mailbox *m)
{
	struct mailbox shown = *m;

	if (!take_named(a, r, from, m))
		return false;
	if (!bytes_eq_nocase(shown.address, m->address))
		return fault(r, "another address stands before the one in angle brackets");
	return true;
}

static bool
take_mailbox(struct arena *a, struct reader *r, struct mailbox *m)
{
	const char *from = r->token.text.at;
	size_t      words = 0;
	bool        joined = true, quoted = false, bracket = false;

	if (at_special(r, '<'))
		return take_named(a, r, NULL, m);
	if (at_special(r, '@'))
		return fault(r, "a source route or nothing stands before the @");
	for (; at_word(r) || at_bracket(r); take(r), words++) {
		joined = joined && (words == 0 || !r->token.apart);
		quoted = quoted || r->token.kind == TOKEN_QUOTED;
		bracket = bracket || at_bracket(r);
	}
	if (r->token.kind == TOKEN_FAULT)
		return false;
	if (at_special(r, '<') && words > 0)
		return take_named(a, r, from, m);
	if (at_special(r, ':') || at_special(r, ';'))
		return fault(r, "it is a group");
	if (!at_special(r, '@'))
		return fault(r, words == 0 ? "an address is missing" : "an address has no @");
	if (!joined || bracket || (quoted && words > 1))
		return fault(r, "words stand before the address without angle brackets");
	if (!take_address(a, r, bytes_make(from, (size_t)(r->end - from)), m))
		return false;
	return at_special(r, '<') ? take_named_by_address(a, r, from, m) : true;
}

/* Controls, and line breaks that do not fold. */
static bool
octets_are_fair(struct reader *r)
{
	struct bytes b = r->rest;

	for (size_t i = 0; i < b.len; i++) {
		char c = b.at[i];
		bool folds = c == '\n' && i + 1 < b.len && byte_is_wsp(b.at[i + 1]);
		bool before_lf = c == '\r' && i + 1 < b.len && b.at[i + 1] == '\n';
		if (((unsigned char)c < ' ' || c == 0x7f) && c != '\t' && !folds && !before_lf)
			return fault(r, "it holds control characters");
	}
	return true;
}

/* Room for all: there are at most as many as there are commas, and one. */
static size_t
mailboxes_at_most(struct bytes value)
{
	size_t n = 1;

	for (size_t i = 0; i < value.len; i++)
		n += value.at[i] == ',';
	return n < MAILBOXES_MAX ? n : MAILBOXES_MAX;
}

static bool
take_list(struct arena *a, struct reader *r, struct mailbox *list, size_t room, size_t *count_out)
{
	size_t n = 0;

	for (take(r);; take(r)) {
		if (n == room)
			return fault(r, "there are too many addresses");
		if (!take_mailbox(a, r, &list[n++]))
			return false;
		if (r->token.kind == TOKEN_FAULT)
			return false;
		if (r->token.kind == TOKEN_END)
			break;
		if (at_special(r, ';') || at_special(r, ':'))
			return fault(r, "it is a group");
		if (!at_special(r, ','))
			return fault(r, "text stands behind the address");
	}
	*count_out = n;
	return true;
}

bool
mailbox_list_parse(struct arena *a, struct bytes value, struct mailbox **list_out, size_t *count_out, struct bytes *why_out)
{
	struct reader   r = { .rest = bytes_trim(value) };
	size_t          count = 0;
	struct mailbox *list = NULL;

	if (r.rest.len == 0)
		fault(&r, "it is empty");
	else if (r.rest.len > VALUE_MAX)
		fault(&r, "it is too long");
	else if (octets_are_fair(&r)) {
		size_t room = mailboxes_at_most(r.rest);
		list = arena_take_array(a, room, sizeof(*list));
		if (list == NULL)
			fault(&r, "memory is spent");
		else
			take_list(a, &r, list, room, &count);
	}
	if (r.why != NULL || arena_overdrawn(a)) {
		*why_out = bytes_of(r.why != NULL ? r.why : "memory is spent");
		return false;
	}
	*list_out = list;
	*count_out = count;
	return true;
}

static struct finding
from_refused(enum reason reason, struct bytes detail)
{
	return (struct finding){ METHOD_FROM, RESULT_PERMERROR, reason, B(""), detail };
}

/* Several mailboxes of one domain are lawful (RFC 5322 section 3.6.2) and leave
 * no doubt whom DMARC is to ask (RFC 9989 section 5.3.1). */
static bool
all_of_one_domain(const struct mailbox *list, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (!bytes_eq(list[i].domain, list[0].domain))
			return false;
	return true;
}

struct finding
from_of(struct arena *a, const struct header *h, struct mailbox *from_out)
{
	struct mailbox *list;
	struct bytes    why;
	size_t          fields = header_count(h, B("From"));
	size_t          count;

	if (fields == 0)
		return from_refused(REASON_FROM_NONE, B(""));
	if (fields > 1)
		return from_refused(REASON_FROM_SEVERAL, arena_printf(a, "%zu From fields", fields));
	const struct field *f = &h->fields[header_find(h, B("From"), 0)];
	if (f->name.len != 4)
		return from_refused(REASON_FROM_UNPARSABLE, B("white space stands before the colon"));
	if (f->value.len > FROM_MAX)
		return from_refused(REASON_FROM_UNPARSABLE, arena_printf(a, "%zu octets are too long", f->value.len));
	bool parsed = mailbox_list_parse(a, f->value, &list, &count, &why);
	if (arena_overdrawn(a))
		return (struct finding){ METHOD_FROM, RESULT_TEMPERROR, REASON_LIMIT_MEMORY, B(""), B("") };
	if (!parsed)
		return from_refused(REASON_FROM_UNPARSABLE, why);
	if (!all_of_one_domain(list, count))
		return from_refused(REASON_FROM_SEVERAL, arena_printf(a, "%zu addresses of more than one domain", count));
	*from_out = list[0];
	return (struct finding){ METHOD_FROM, RESULT_PASS, REASON_FROM_ONE, list[0].domain, B("") };
}

/* "@a,@b:c@d" is c@d; a colon in an address literal does not end the route. */
static struct bytes
without_route(struct bytes path)
{
	bool literal = false;

	if (path.len == 0 || path.at[0] != '@')
		return path;
	for (size_t i = 0; i < path.len; i++) {
		if (path.at[i] == '[' || path.at[i] == ']')
			literal = path.at[i] == '[';
		else if (path.at[i] == ':' && !literal)
			return bytes_from(path, i + 1);
	}
	return path;
}

struct bytes
path_address(struct bytes path)
{
	struct bytes inner = bytes_trim(path);

	if (inner.len >= 2 && inner.at[0] == '<' && inner.at[inner.len - 1] == '>')
		inner = bytes_trim(bytes_sub(inner, 1, inner.len - 2));
	return without_route(inner);
}
