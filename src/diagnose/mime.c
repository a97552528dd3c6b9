/* diagnose/mime.c: see mime.h. */
#include "diagnose/mime.h"

#include <string.h>

#include "base/eight.h"
#include "base/utf8.h"
#include "diagnose/charset.h"

struct bytes
mime_lines(struct arena *a, struct bytes text)
{
	if (bytes_has(text, '\n') || !bytes_has(text, '\r'))
		return text;
	struct bytes copy = arena_copy(a, text);
	char        *past = (char *)copy.at + copy.len;
	for (char *p = (char *)copy.at; p < past && (p = memchr(p, '\r', (size_t)(past - p))) != NULL; p++)
		*p = '\n';
	return copy;
}

/* RFC 5322 2.2: printable characters but the colon; blanks before the colon are forgiven (4.5.3).
 * Where the value begins, behind the colon; 0: `line` begins with no field. */
static size_t
field_name(struct bytes line, struct bytes *name_out)
{
	size_t   n = 0;
	uint64_t other = 0;

	for (; n + 8 <= line.len && other == 0; n += other == 0 ? 8 : eight_first(other)) {
		uint64_t w = eight_at(line.at + n);
		other = eight_below(w, '!') | ((w + EACH(1)) & EACH(0x80)) | (w & EACH(0x80)) | eight_is(w, ':');
	}
	while (n < line.len && (unsigned char)(line.at[n] - '!') < 127 - '!' && line.at[n] != ':')
		n++;
	*name_out = bytes_make(line.at, n);
	while (n < line.len && byte_is_wsp(line.at[n]))
		n++;
	return name_out->len > 0 && n < line.len && line.at[n] == ':' ? n + 1 : 0;
}

/* A line with its end; `line` is without. */
struct span {
	struct bytes line;
	size_t       whole;
};

static struct span
line_at(struct bytes rest)
{
	size_t       end = bytes_index(rest, '\n');
	struct bytes line = bytes_sub(rest, 0, end);

	line.len -= line.len > 0 && end < rest.len && line.at[line.len - 1] == '\r';
	return (struct span){ line, end + (end < rest.len) };
}

/* The length of a field whose first line is not yet over at `from`, with all its
 * continuation lines: those that begin with white space and have words. */
static size_t
folded_length(struct bytes text, size_t from)
{
	size_t end = from, words = from;

	do {
		end = words + bytes_index(bytes_from(text, words), '\n');
		end += end < text.len;
		words = end;
		while (words < text.len && (byte_is_wsp(text.at[words]) || text.at[words] == '\r'))
			words++;
	} while (words < text.len && text.at[words] != '\n' && byte_is_wsp(text.at[end]));
	return end;
}

bool
mime_has_header(struct bytes text)
{
	struct bytes name;

	while (bytes_starts(text, B("From "))) {
		size_t end = 0;
		while (end < text.len && text.at[end] != '\n' && text.at[end] != '\r')
			end++;
		while (end < text.len && (text.at[end] == '\n' || text.at[end] == '\r'))
			end++;
		bytes_skip(&text, end);
	}
	return field_name(text, &name) > 0;
}

void
mime_header(struct arena *a, struct bytes text, bool loose, struct header *header_out, struct bytes *rest_out)
{
	struct header h = { 0 };
	unsigned      junk = 0;

	while (text.len > 0 && h.count < MIME_FIELDS_MAX) {
		struct bytes name;
		size_t       value = field_name(text, &name);
		if (value > 0) {
			size_t whole = folded_length(text, value);
			if (!header_add(a, &h, name, bytes_sub(text, value, whole - value)))
				break;
			bytes_skip(&text, whole);
			continue;
		}
		struct span  first = line_at(text);
		struct bytes line = first.line;
		if (line.len == 0) {
			bytes_skip(&text, first.whole);
			break;
		}
		if (h.count > 0 && (bytes_starts_nocase(line, B("boundary=")) || bytes_starts_nocase(line, B("charset=")))) {
			/* The blank that made it a continuation was lost. */
			struct bytes *value = &h.fields[h.count - 1].value;
			value->len = (size_t)(line.at + line.len - value->at);
		} else if (!(h.count == 0 && bytes_starts(line, B("From "))) && !(loose && h.count > 0 && ++junk < 4)) {
			break;
		}
		bytes_skip(&text, first.whole);
	}
	*header_out = h;
	*rest_out = text;
}

struct bytes
mime_field(struct arena *a, const struct header *h, struct bytes name)
{
	size_t i = header_find(h, name, 0);

	return i < h->count ? field_unfold(a, h->fields[i].value) : B_NONE;
}

/* One parameter at the front of `rest`, behind a semicolon; a quoted value may hold semicolons. */
static bool
param_take(struct bytes *rest, struct bytes *name_out, struct bytes *value_out)
{
	struct bytes in = *rest;
	size_t       n = 0;

	while (n < in.len && in.at[n] != '=' && in.at[n] != ';')
		n++;
	*name_out = bytes_trim(bytes_sub(in, 0, n));
	*value_out = B_NONE;
	if (n < in.len && in.at[n] == '=') {
		in = bytes_trim(bytes_from(in, n + 1));
		if (in.len > 0 && in.at[0] == '"') {
			in = bytes_from(in, 1);
			n = bytes_index(in, '"');
			*value_out = bytes_sub(in, 0, n);
		} else {
			n = 0;
			while (n < in.len && in.at[n] != ';' && !byte_is_space(in.at[n]))
				n++;
			*value_out = bytes_sub(in, 0, n);
		}
		in = bytes_from(in, n);
	} else {
		in = bytes_from(in, n);
	}
	n = bytes_index(in, ';');
	*rest = bytes_from(in, n + (n < in.len));
	return rest->len > 0;
}

struct bytes
mime_param(struct arena *a, struct bytes value, struct bytes name)
{
	size_t       from = bytes_index(value, ';');
	struct bytes rest = bytes_from(value, from + (from < value.len)), key, val;
	bool         more = rest.len > 0;

	for (int i = 0; more && i < 32; i++) {
		more = param_take(&rest, &key, &val);
		if (bytes_eq_nocase(key, name))
			return arena_copy(a, val);
	}
	return B_NONE;
}

/* ---- the tree ---- */

static void scan(struct arena *, struct mime *, struct bytes entity, unsigned depth, bool top);

/* The next line that is --boundary, from `from`: its start, or len. */
static size_t
boundary_find(struct bytes body, size_t from, struct bytes boundary, size_t *after_out, bool *last_out)
{
	while (from < body.len) {
		struct bytes rest = bytes_from(body, from);
		size_t       at = bytes_find(rest, boundary);
		if (at == rest.len)
			return body.len;
		size_t start = from + at;
		if (start >= 2 && body.at[start - 1] == '-' && body.at[start - 2] == '-' &&
		    (start == 2 || body.at[start - 3] == '\n' || body.at[start - 3] == '\r')) {
			struct bytes behind = bytes_from(body, start + boundary.len);
			size_t       end = bytes_index(behind, '\n');
			struct bytes tail = bytes_trim(bytes_sub(behind, 0, end));
			if (tail.len == 0 || bytes_eq(tail, B("--"))) {
				*last_out = tail.len > 0;
				*after_out = body.len - behind.len + end + (end < behind.len);
				return start - 2;
			}
		}
		from = start + boundary.len;
	}
	return body.len;
}

static void
add_leaf(struct mime *m, struct bytes type, struct bytes content, struct bytes encoding, struct bytes body, unsigned depth)
{
	if (m->count == MIME_PARTS_MAX) {
		m->cut = true;
		return;
	}
	m->parts[m->count++] = (struct mime_part){ type, content, encoding, body, depth };
}

/* False when the boundary never occurs: then the body is read as a text. */
static bool
scan_multipart(struct arena *a, struct mime *m, struct bytes body, struct bytes boundary, unsigned depth)
{
	size_t after = 0;
	bool   last = false;
	size_t at = boundary.len > 0 ? boundary_find(body, 0, boundary, &after, &last) : body.len;

	if (at == body.len)
		return false;
	while (at < body.len && !last) {
		size_t from = after;
		at = boundary_find(body, from, boundary, &after, &last);
		if (m->count == MIME_PARTS_MAX) {
			m->cut = true;
			break;
		}
		scan(a, m, bytes_sub(body, from, at - from), depth + 1, false);
	}
	return true;
}

static struct bytes
type_of(struct arena *a, struct bytes content, bool digest)
{
	struct bytes rest = content, head = B_NONE;

	bytes_cut(&rest, ';', &head);
	head = arena_lower(a, bytes_trim(head));
	head = bytes_sub(head, 0, bytes_index(head, ' '));
	if (!bytes_has(head, '/'))
		return digest ? B("message/rfc822") : B("text/plain");
	return head;
}

static void
scan(struct arena *a, struct mime *m, struct bytes entity, unsigned depth, bool top)
{
	struct header h;
	struct bytes  body;

	mime_header(a, entity, top, &h, &body);
	if (top) {
		m->header = h;
		m->body = body;
	}
	struct bytes content = mime_field(a, &h, B("Content-Type"));
	struct bytes encoding = arena_lower(a, mime_field(a, &h, B("Content-Transfer-Encoding")));
	struct bytes type = type_of(a, content, false);
	/* Some gateways put an empty line between the fields of a part: the second half is still fields. */
	if (!top && content.len == 0 && h.count > 0 && bytes_starts_nocase(body, B("Content-Type:")) && depth < MIME_DEPTH_MAX) {
		scan(a, m, body, depth + 1, false);
		return;
	}
	if (bytes_starts(type, B("multipart/"))) {
		if (depth < MIME_DEPTH_MAX && scan_multipart(a, m, body, mime_param(a, content, B("boundary")), depth))
			return;
		m->cut |= depth >= MIME_DEPTH_MAX;
		type = B("text/plain");
	}
	add_leaf(m, type, content, encoding, body, depth);
}

struct mime *
mime_scan(struct arena *a, struct bytes text)
{
	struct mime *m = arena_room(a, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->count = 0;
	m->cut = false;
	scan(a, m, mime_lines(a, text), 0, true);
	return arena_overdrawn(a) ? NULL : m;
}

/* ---- decoding ---- */

/* Lenient on purpose: what is no base64 digit is skipped, padding ends it. */
static struct bytes
base64_lenient(struct arena *a, struct bytes text)
{
	char    *out = arena_room(a, text.len / 4 * 3 + 4);
	size_t   n = 0;
	uint32_t group = 0;
	unsigned have = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len && text.at[i] != '='; i++) {
		char c = text.at[i];
		int  v = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : byte_is_digit(c) ? c - '0' + 52 :
		         c == '+' ? 62 : c == '/' ? 63 : -1;
		if (v < 0)
			continue;
		group = group << 6 | (uint32_t)v;
		if (++have == 4) {
			out[n++] = (char)(group >> 16);
			out[n++] = (char)(group >> 8);
			out[n++] = (char)group;
			have = 0;
		}
	}
	if (have >= 2)
		out[n++] = (char)(group >> (have == 2 ? 4 : 10));
	if (have == 3)
		out[n++] = (char)(group >> 2);
	return bytes_make(out, n);
}

static struct bytes
quoted_printable(struct arena *a, struct bytes text, bool word)
{
	char  *out = arena_room(a, text.len);
	size_t n = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len; i++) {
		size_t plain = word ? 0 : bytes_index(bytes_from(text, i), '=');
		if (plain > 0)
			memcpy(out + n, text.at + i, plain);
		n += plain;
		i += plain;
		if (i == text.len)
			break;
		char c = text.at[i];
		if (c == '=' && i + 2 < text.len && byte_hex(text.at[i + 1]) >= 0 && byte_hex(text.at[i + 2]) >= 0) {
			out[n++] = (char)(byte_hex(text.at[i + 1]) << 4 | byte_hex(text.at[i + 2]));
			i += 2;
		} else if (c == '=' && !word && i + 1 < text.len && byte_is_space(text.at[i + 1])) {
			while (i + 1 < text.len && text.at[i + 1] != '\n' && byte_is_space(text.at[i + 1]))
				i++;
			if (i + 1 < text.len && text.at[i + 1] == '\n')
				i++;
		} else {
			out[n++] = word && c == '_' ? ' ' : c;
		}
	}
	return bytes_make(out, n);
}

/* One encoded word at the front, "=?charset?B?text?="; false when it is none. */
static bool
word_take(struct arena *a, struct bytes *rest, struct bytes *out)
{
	struct bytes in = *rest, charset, how, text;

	if (!bytes_starts(in, B("=?")))
		return false;
	in = bytes_from(in, 2);
	if (!bytes_cut(&in, '?', &charset) || !bytes_cut(&in, '?', &how) || how.len != 1 || in.at == NULL)
		return false;
	size_t end = bytes_find(in, B("?="));
	if (end == in.len)
		return false;
	text = bytes_sub(in, 0, end);
	charset = bytes_sub(charset, 0, bytes_index(charset, '*'));
	text = byte_lower(how.at[0]) == 'b' ? base64_lenient(a, text) : quoted_printable(a, text, true);
	*out = charset_to_utf8(a, text, charset);
	*rest = bytes_from(in, end + 2);
	return true;
}

struct bytes
mime_words(struct arena *a, struct bytes value)
{
	struct buf out = { .limit = MIME_TEXT_MAX };
	bool       after_word = false;

	if (bytes_find(value, B("=?")) == value.len)
		return value;
	while (value.len > 0 && !arena_overdrawn(a)) {
		struct bytes word;
		if (word_take(a, &value, &word)) {
			buf_add(&out, word);
			after_word = true;
			continue;
		}
		size_t       n = bytes_find(bytes_from(value, 1), B("=?")) + 1;
		struct bytes plain = bytes_sub(value, 0, n);
		/* White space between two encoded words is not shown (RFC 2047 6.2). */
		if (!(after_word && bytes_trim(plain).len == 0 && n < value.len))
			buf_add(&out, plain);
		after_word = false;
		value = bytes_from(value, n);
	}
	struct bytes made = arena_copy(a, buf_bytes(&out));
	buf_free(&out);
	return made;
}

struct bytes
mime_text(struct arena *a, const struct mime_part *p)
{
	struct bytes body = bytes_sub(p->body, 0, MIME_TEXT_MAX);

	if (bytes_starts(p->encoding, B("base64")))
		body = base64_lenient(a, body);
	else if (bytes_starts(p->encoding, B("quoted-printable")))
		body = quoted_printable(a, body, false);
	if (!bytes_is_ascii(body) || bytes_has(body, '\033'))
		body = charset_to_utf8(a, body, mime_param(a, p->content, B("charset")));
	if (bytes_eq(p->type, B("text/html")))
		body = mime_html_text(a, body);
	return mime_lines(a, body);
}

/* ---- HTML as a reader sees it ---- */

static const struct {
	struct bytes name;
	const char  *text;
} entities[] = {
	{ B_INIT("lt"), "<" },   { B_INIT("gt"), ">" },    { B_INIT("amp"), "&" },   { B_INIT("quot"), "\"" },
	{ B_INIT("apos"), "'" }, { B_INIT("nbsp"), " " },  { B_INIT("#39"), "'" },   { B_INIT("shy"), "" },
	{ B_INIT("zwnj"), "" },  { B_INIT("ndash"), "-" }, { B_INIT("mdash"), "-" }, { B_INIT("rsquo"), "'" },
};

static size_t
entity_add(struct buf *out, struct bytes in)
{
	size_t       end = bytes_index(bytes_sub(in, 0, 12), ';');
	struct bytes name = bytes_sub(in, 1, end - 1);
	uint32_t     c = 0;

	if (end >= in.len || end >= 12 || end < 2)
		goto plain;
	for (size_t i = 0; i < NELEMS(entities); i++)
		if (bytes_eq_nocase(name, entities[i].name)) {
			buf_add_str(out, entities[i].text);
			return end + 1;
		}
	if (name.at[0] != '#' || name.len < 2)
		goto plain;
	bool hex = byte_lower(name.at[1]) == 'x';
	for (size_t i = hex ? 2 : 1; i < name.len; i++) {
		int v = byte_hex(name.at[i]);
		if (v < 0 || (!hex && v > 9) || c > 0x10ffff)
			goto plain;
		c = c * (hex ? 16 : 10) + (uint32_t)v;
	}
	if (c >= 32 && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff))
		utf8_add(out, c);
	return end + 1;
plain:
	buf_add_c(out, '&');
	return 1;
}

/* What a tag does to the text; of any other nothing is seen. */
static const struct tag_row {
	struct bytes name, seen;
	struct bytes closed_by; /* what stands up to there is nobody's to read */
} tag_rows[] = {
	{ .name = B_INIT("br"), .seen = B_INIT("\n") }, { .name = B_INIT("p"), .seen = B_INIT("\n") }, { .name = B_INIT("div"), .seen = B_INIT("\n") },
	{ .name = B_INIT("tr"), .seen = B_INIT("\n") }, { .name = B_INIT("li"), .seen = B_INIT("\n") }, { .name = B_INIT("table"), .seen = B_INIT("\n") },
	{ .name = B_INIT("h1"), .seen = B_INIT("\n") }, { .name = B_INIT("h2"), .seen = B_INIT("\n") }, { .name = B_INIT("h3"), .seen = B_INIT("\n") },
	{ .name = B_INIT("h4"), .seen = B_INIT("\n") }, { .name = B_INIT("ul"), .seen = B_INIT("\n") }, { .name = B_INIT("ol"), .seen = B_INIT("\n") },
	{ .name = B_INIT("hr"), .seen = B_INIT("\n") }, { .name = B_INIT("pre"), .seen = B_INIT("\n") }, { .name = B_INIT("title"), .seen = B_INIT("\n") },
	{ .name = B_INIT("td"), .seen = B_INIT(" ") }, { .name = B_INIT("th"), .seen = B_INIT(" ") },
	{ .name = B_INIT("style"), .closed_by = B_INIT("</style") }, { .name = B_INIT("script"), .closed_by = B_INIT("</script") },
};

static const struct tag_row *
tag_find(struct bytes name)
{
	static const struct tag_row other = { 0 };

	for (size_t i = 0; i < NELEMS(tag_rows); i++)
		if (bytes_eq_nocase(name, tag_rows[i].name))
			return &tag_rows[i];
	return &other;
}

/* Where the tag at the front ends; in.len: it is none. It does not reach over the
 * next '<', else each of many that are never closed would be looked for to the end. */
static size_t
tag_end(struct bytes in)
{
	struct bytes own = bytes_sub(in, 0, 1 + bytes_index(bytes_from(in, 1), '<'));
	size_t       end = bytes_index(own, '>');

	return end < own.len ? end : in.len;
}

/* One tag at the front: what it does to the text, and how long it is. */
static size_t
tag_add(struct buf *out, struct bytes in)
{
	if (bytes_starts(in, B("<!--"))) {
		size_t end = bytes_find(in, B("-->"));
		return end < in.len ? end + 3 : in.len;
	}
	size_t end = tag_end(in);
	size_t from = in.len > 1 && in.at[1] == '/' ? 2 : 1;
	size_t n = from;
	while (n < in.len && byte_is_alnum(in.at[n]))
		n++;
	struct bytes tag = bytes_sub(in, from, n - from);
	while (n < end && !byte_is_space(in.at[n]))
		n++;
	if (tag.len == 0 || end == in.len || bytes_has(bytes_sub(in, 0, n), '@')) {
		/* An address in angle brackets that nobody escaped. */
		buf_add_c(out, '<');
		return 1;
	}
	const struct tag_row *row = tag_find(tag);
	if (from == 1 && row->closed_by.len > 0)
		return bytes_find_nocase(in, row->closed_by);
	buf_add(out, row->seen);
	return end + 1;
}

/* What is neither a tag nor an entity: its octets, white space made one blank, or none in front of the whole. */
static size_t
html_words_add(struct buf *out, struct bytes in, bool front)
{
	char  *to = out->at + out->len;
	bool   space = front;
	size_t n = 0;

	for (; n < in.len && in.at[n] != '<' && in.at[n] != '&'; n++) {
		bool before = space;
		space = byte_is_space(in.at[n]);
		*to = space ? ' ' : in.at[n];
		to += !(space && before);
	}
	out->len = (size_t)(to - out->at);
	return n;
}

struct bytes
mime_html_text(struct arena *a, struct bytes html)
{
	struct buf out = { 0 };
	bool       front = true;

	html = bytes_sub(html, 0, MIME_TEXT_MAX);
	/* Nothing is written that is longer than what was read for it. */
	if (!buf_reserve(&out, html.len + 1))
		return B_NONE;
	while (html.len > 0) {
		size_t n = html_words_add(&out, html, front);
		bytes_skip(&html, n);
		if (html.len == 0)
			break;
		front = false;
		n = html.at[0] == '<' ? tag_add(&out, html) : entity_add(&out, html);
		bytes_skip(&html, n);
	}
	struct bytes text = arena_copy(a, buf_bytes(&out));
	buf_free(&out);
	return text;
}
