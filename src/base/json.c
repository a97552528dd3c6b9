/* base/json.c: see json.h. */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/eight.h"
#include "base/utf8.h"

struct json
json_to(struct buf *out, bool pretty)
{
	return (struct json){ .out = out, .pretty = pretty };
}

static void
newline(struct json *j)
{
	buf_add_c(j->out, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		buf_add(j->out, B("  "));
}

/* The same where each value has a line of its own. */
static char *
lead_pretty(struct json *j, bool comma, size_t room)
{
	j->out->len += comma;
	newline(j);
	return buf_reserve(j->out, room) ? j->out->at + j->out->len : NULL;
}

/* Room for `room` octets of a value, behind what must stand before it; NULL when there is none. End with wrote(). */
static inline char *
lead(struct json *j, size_t room)
{
	enum json_state before = j->state;
	struct buf     *out = j->out;

	j->state = JSON_VALUED;
	if (!buf_reserve(out, room + 1))
		return NULL;
	/* Whether it counts is anybody's guess: no branch is. */
	char *at = out->at + out->len;
	*at = ',';
	if (j->pretty && j->depth > 0 && before != JSON_KEYED)
		return lead_pretty(j, before == JSON_VALUED, room);
	return at + (before == JSON_VALUED);
}

static inline void
wrote(struct json *j, const char *end)
{
	j->out->len = (size_t)(end - j->out->at);
}

/* A value that stands for itself. */
static inline void
plain(struct json *j, struct bytes value)
{
	char *at = lead(j, value.len);

	if (at == NULL)
		return;
	memcpy(at, value.at, value.len);
	wrote(j, at + value.len);
}

static void
open(struct json *j, struct bytes c)
{
	plain(j, c);
	j->depth++;
	j->state = JSON_OPENED;
}

static void
close(struct json *j, char c)
{
	assert(j->depth > 0 && j->state != JSON_KEYED);
	j->depth--;
	if (j->state == JSON_VALUED && j->pretty)
		newline(j);
	j->state = j->depth > 0 ? JSON_VALUED : JSON_OPENED;
	buf_add_c(j->out, c);
}

void
json_open_object(struct json *j)
{
	open(j, B("{"));
}

void
json_close_object(struct json *j)
{
	close(j, '}');
}

void
json_open_array(struct json *j)
{
	open(j, B("["));
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

/* All of eight octets stand for themselves. The top bit of an octet is set by one of these terms where it does
 * not: a control, DEL, a quote or a backslash. What is not ASCII sets it in one of the latter two, and what is
 * borrowed from an octet was wrong itself. */
static inline bool
are_plain(uint64_t w)
{
	uint64_t wrong = (w - EACH(' ')) | (w + EACH(1)) | ((w ^ EACH('"')) - EACH(1)) | ((w ^ EACH('\\')) - EACH(1));

	return (wrong & EACH(0x80)) == 0;
}

static inline bool
copy_eight(char *out, const char *from)
{
	uint64_t w;

	memcpy(&w, from, sizeof(w));
	memcpy(out, &w, sizeof(w));
	return are_plain(w);
}

/* Copies what stands for itself at the front of `text`, eight octets at a time where
 * that is possible; its length. What is behind it in `out`, up to text.len, is spoilt. */
static inline size_t
copy_plain(char *out, struct bytes text)
{
	size_t n = 0;

	while (n + 8 <= text.len && copy_eight(out + n, text.at + n))
		n += 8;
	if (n > 0 && n + 8 > text.len && copy_eight(out + text.len - 8, text.at + text.len - 8))
		return text.len;
	for (; n < text.len && is_plain(text.at[n]); n++)
		out[n] = text.at[n];
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

void
json_text(struct json *j, struct bytes text)
{
	struct buf *out = j->out;
	char       *at = lead(j, text.len + 2);

	if (at == NULL)
		return;
	*at = '"';
	wrote(j, at + 1);
	do {
		size_t n = copy_plain(out->at + out->len, text);
		out->len += n;
		bytes_skip(&text, n);
		if (text.len == 0) {
			out->at[out->len++] = '"';
			break;
		}
		bytes_skip(&text, add_escaped(out, text));
	} while (buf_reserve(out, text.len + 1));
}

void
json_word(struct json *j, struct bytes word)
{
	char *at = lead(j, word.len + 2);

	if (at == NULL)
		return;
	*at++ = '"';
	memcpy(at, word.at, word.len);
	at[word.len] = '"';
	wrote(j, at + word.len + 1);
}

char *
json_key_room(struct json *j, size_t len)
{
	assert(j->state != JSON_KEYED);
	char *at = lead(j, len + 4);
	j->state = JSON_KEYED;
	if (at == NULL)
		return NULL;
	wrote(j, at + len + 3 + j->pretty);
	at[0] = '"';
	at[len + 3] = ' ';
	return at + 1;
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

	do
		digits[--n] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (v < 0)
		digits[--n] = '-';
	plain(j, bytes_make(digits + n, sizeof(digits) - n));
}

void
json_thousandths(struct json *j, uint64_t v)
{
	char digits[32];
	int  n = snprintf(digits, sizeof(digits), "%" PRIu64 ".%03u", v / 1000, (unsigned)(v % 1000));

	plain(j, bytes_make(digits, (size_t)n));
}

void
json_bool(struct json *j, bool v)
{
	plain(j, v ? B("true") : B("false"));
}

void
json_null(struct json *j)
{
	plain(j, B("null"));
}

void
json_raw(struct json *j, struct bytes value)
{
	plain(j, value);
}

void
json_kv_time(struct json *j, const char *key, int64_t at_us)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(at_us / 1000000, text);
	json_kv_str(j, key, at_us != 0 ? text : NULL);
}
