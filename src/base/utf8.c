/* base/utf8.c: see utf8.h. */
#include "base/utf8.h"

#include <string.h>

#include "base/eight.h"

size_t
utf8_take(struct bytes b, uint32_t *char_out)
{
	if (b.len == 0)
		return 0;
	const unsigned char *p = (const unsigned char *)b.at;
	size_t               n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	static const uint32_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (n == 0 || n > b.len)
		return 0;
	uint32_t c = p[0] & mask[n];
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*char_out = c;
	return n;
}

size_t
utf8_length(struct bytes b)
{
	uint32_t c;

	return utf8_take(b, &c);
}

/* How much at the front is ASCII, in eights: most text is. */
static size_t
ascii_eights(struct bytes b)
{
	size_t   n = 0;
	uint64_t eight;

	for (; n + sizeof(eight) <= b.len; n += sizeof(eight)) {
		memcpy(&eight, b.at + n, sizeof(eight));
		if ((eight & EACH(0x80)) != 0)
			break;
	}
	return n;
}

bool
utf8_valid(struct bytes b)
{
	for (bytes_skip(&b, ascii_eights(b)); b.len > 0; bytes_skip(&b, ascii_eights(b))) {
		size_t n = utf8_length(b);
		if (n == 0)
			return false;
		bytes_skip(&b, n);
	}
	return true;
}

bool
bytes_is_ascii(struct bytes b)
{
	uint64_t all = 0;
	size_t   i = 0;

	for (; i + 32 <= b.len; i += 32)
		all |= eight_at(b.at + i) | eight_at(b.at + i + 8) | eight_at(b.at + i + 16) | eight_at(b.at + i + 24);
	for (; i + 8 <= b.len; i += 8)
		all |= eight_at(b.at + i);
	if (b.len >= 8)
		all |= eight_at(b.at + b.len - 8);
	for (; b.len < 8 && i < b.len; i++)
		all |= (unsigned char)b.at[i];
	return (all & EACH(0x80)) == 0;
}

void
utf8_add(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_c(out, (char)c);
	} else if (c < 0x800) {
		buf_add_c(out, (char)(0xc0 | c >> 6));
		buf_add_c(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_c(out, (char)(0xe0 | c >> 12));
		buf_add_c(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_c(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_c(out, (char)(0xf0 | c >> 18));
		buf_add_c(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_c(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_c(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* C0, DEL, C1, line and paragraph separators, direction marks and overrides, and
 * tags, which nobody sees. */
bool
utf8_is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

void
text_add_safe(struct buf *out, struct bytes text)
{
	while (text.len > 0) {
		uint32_t c = 0;
		size_t   n = utf8_take(text, &c);
		if (n > 0 && !utf8_is_unsafe(c)) {
			buf_add(out, bytes_sub(text, 0, n));
		} else {
			n = n > 0 ? n : 1;
			for (size_t i = 0; i < n; i++)
				buf_printf(out, "\\x%02x", (unsigned char)text.at[i]);
		}
		bytes_skip(&text, n);
	}
}
