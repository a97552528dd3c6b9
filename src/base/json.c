/* base/json.c: see json.h. */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>

#include "base/utf8.h"

struct json
json_to(struct buf *out, bool pretty)
{
	return (struct json){ .out = out, .pretty = pretty };
}

static void
newline(struct json *j)
{
	if (!j->pretty)
		return;
	buf_add_c(j->out, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		buf_add_str(j->out, "  ");
}

/* What must stand between this value and the one before it. */
static void
lead(struct json *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->depth == 0)
		return;
	if (j->comma[j->depth - 1])
		buf_add_c(j->out, ',');
	j->comma[j->depth - 1] = true;
	newline(j);
}

static void
open(struct json *j, char c)
{
	lead(j);
	assert(j->depth < JSON_DEPTH);
	j->comma[j->depth++] = false;
	buf_add_c(j->out, c);
}

static void
close(struct json *j, char c)
{
	assert(j->depth > 0 && !j->after_key);
	j->depth--;
	if (j->comma[j->depth])
		newline(j);
	buf_add_c(j->out, c);
}

void
json_open_object(struct json *j)
{
	open(j, '{');
}

void
json_close_object(struct json *j)
{
	close(j, '}');
}

void
json_open_array(struct json *j)
{
	open(j, '[');
}

void
json_close_array(struct json *j)
{
	close(j, ']');
}

static bool
is_plain(char c)
{
	return (unsigned char)(c - ' ') < 0x7f - ' ' && c != '"' && c != '\\';
}

#define EACH(octet) ((uint64_t)(octet) * 0x0101010101010101u)

/* The top bit of each octet that is 0; perhaps also of one above such an octet. */
static inline uint64_t
zeros(uint64_t w)
{
	return (w - EACH(1)) & ~w & EACH(0x80);
}

/* All of eight octets stand for themselves. */
static inline bool
are_plain(const char *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	uint64_t controls = (w - EACH(0x20)) & ~w & EACH(0x80);
	return (controls | (w & EACH(0x80)) | zeros(w ^ EACH(0x7f)) | zeros(w ^ EACH('"')) | zeros(w ^ EACH('\\'))) == 0;
}

/* How many octets at the front stand for themselves in a JSON string: told for eight at a time where that is possible. */
static inline size_t
plain_length(struct bytes text)
{
	size_t n = 0;

	while (n + sizeof(uint64_t) <= text.len && are_plain(text.at + n))
		n += sizeof(uint64_t);
	if (n > 0 && n < text.len && text.len - n < sizeof(uint64_t) && are_plain(text.at + text.len - sizeof(uint64_t)))
		return text.len;
	while (n < text.len && is_plain(text.at[n]))
		n++;
	return n;
}

/* One character that does not stand for itself, or is more than one octet; its length. */
static size_t
add_escaped(struct buf *out, struct bytes text)
{
	uint32_t c;
	size_t   n = utf8_take(text, &c);

	if (n == 0) {
		buf_add_str(out, "\xef\xbf\xbd");
		return 1;
	}
	if (c == '"' || c == '\\') {
		buf_add_c(out, '\\');
		buf_add_c(out, (char)c);
	} else if (c == '\n' || c == '\r' || c == '\t') {
		buf_add_str(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
	} else if (utf8_is_unsafe(c) && c < 0x10000) {
		buf_printf(out, "\\u%04x", (unsigned)c);
	} else if (utf8_is_unsafe(c)) { /* a pair of surrogates */
		buf_printf(out, "\\u%04x\\u%04x", 0xd7c0U + (unsigned)(c >> 10), 0xdc00U + (unsigned)(c & 0x3ff));
	} else {
		buf_add(out, bytes_sub(text, 0, n));
	}
	return n;
}

static void
quoted(struct buf *out, struct bytes text)
{
	if (!buf_reserve(out, text.len + 2))
		return;
	out->at[out->len++] = '"';
	for (;;) {
		size_t plain = plain_length(text);
		buf_add(out, bytes_sub(text, 0, plain));
		bytes_skip(&text, plain);
		if (text.len == 0)
			break;
		bytes_skip(&text, add_escaped(out, text));
	}
	buf_add_c(out, '"');
}

void
json_key(struct json *j, const char *key)
{
	assert(!j->after_key);
	lead(j);
	struct bytes text = bytes_of(key);
	struct buf  *out = j->out;
	if (buf_reserve(out, text.len + 4)) {
		out->at[out->len++] = '"';
		buf_add(out, text);
		buf_add(out, j->pretty ? B("\": ") : B("\":"));
	}
	j->after_key = true;
}

void
json_text(struct json *j, struct bytes text)
{
	lead(j);
	quoted(j->out, text);
}

void
json_text_or_null(struct json *j, struct bytes text)
{
	if (text.len == 0)
		json_null(j);
	else
		json_text(j, text);
}

void
json_int(struct json *j, int64_t v)
{
	char     digits[24];
	size_t   n = sizeof(digits);
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;

	lead(j);
	do
		digits[--n] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (v < 0)
		digits[--n] = '-';
	buf_add(j->out, bytes_make(digits + n, sizeof(digits) - n));
}

void
json_thousandths(struct json *j, uint64_t v)
{
	lead(j);
	buf_printf(j->out, "%" PRIu64 ".%03u", v / 1000, (unsigned)(v % 1000));
}

void
json_bool(struct json *j, bool v)
{
	lead(j);
	buf_add_str(j->out, v ? "true" : "false");
}

void
json_null(struct json *j)
{
	lead(j);
	buf_add_str(j->out, "null");
}

void
json_raw(struct json *j, struct bytes value)
{
	lead(j);
	buf_add(j->out, value);
}

void
json_kv_text(struct json *j, const char *key, struct bytes text)
{
	json_key(j, key);
	json_text(j, text);
}

void
json_kv_text_or_null(struct json *j, const char *key, struct bytes text)
{
	if (j->lean && text.len == 0)
		return;
	json_key(j, key);
	json_text_or_null(j, text);
}

void
json_kv_str(struct json *j, const char *key, const char *s)
{
	if (j->lean && s == NULL)
		return;
	json_key(j, key);
	if (s == NULL)
		json_null(j);
	else
		json_text(j, bytes_of(s));
}

void
json_kv_int(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_int(j, v);
}

void
json_kv_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

void
json_kv_null(struct json *j, const char *key)
{
	if (j->lean)
		return;
	json_key(j, key);
	json_null(j);
}
