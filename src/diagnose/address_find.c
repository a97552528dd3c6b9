/* diagnose/address_find.c: see address_find.h. */
#include "diagnose/address_find.h"

#include <string.h>

#include "base/utf8.h"

#define LOCAL_MAX  256
#define DOMAIN_MAX 255

static bool
is_local(char c)
{
	/* RFC 5322 3.2.3 atext and the dot, as bits of the octets 0 to 127. */
	static const uint64_t some[2] = { 0xa3ffecfa00000000, 0x7fffffffc7fffffe };
	unsigned char         o = (unsigned char)c;

	return o >= 0x80 || (some[o >> 6] >> (o & 63) & 1) != 0;
}

/* Of one of the leads of local_start() that have no "=". */
static bool
begins_lead(char c)
{
	return c == '3' || c == '\'' || c == '/' || c == '*' || c == '.' || c == '-';
}

static bool
is_domain(char c)
{
	return byte_is_alnum(c) || (unsigned char)c >= 0x80 || c == '-' || c == '.' || c == '_' || c == '#';
}

/* Where the local-part that ends before `at` begins. */
static size_t
local_start(struct bytes text, size_t at)
{
	size_t least = at > LOCAL_MAX ? at - LOCAL_MAX : 0, i = at;

	if (at > 0 && text.at[at - 1] == '"') {
		for (i = at - 1; i > least && text.at[i - 1] != '"' && text.at[i - 1] != '\n'; i--)
			;
		return i > least && text.at[i - 1] == '"' ? i - 1 : at;
	}
	bool equals = false;
	for (; i > least && is_local(text.at[i - 1]); i--)
		equals |= text.at[i - 1] == '=';
	if (!equals && !begins_lead(text.at[i]))
		return i;
	/* "'user@example.com'", "SMTP=user@example.com", "/user@example.com": not part of it. */
	static const struct bytes leads[] = { B_INIT("smtp="), B_INIT("3d"), B_INIT("'"), B_INIT("/"), B_INIT("*"), B_INIT("."), B_INIT("-") };
	for (bool again = true; again;) {
		again = false;
		for (size_t k = 0; k < sizeof(leads) / sizeof(leads[0]); k++) {
			bool smtp = k == 1 ? i > 0 && text.at[i - 1] == '=' : true;
			if (smtp && bytes_starts_nocase(bytes_sub(text, i, at - i), leads[k]) && leads[k].len < at - i) {
				i += leads[k].len;
				again = true;
			}
		}
		size_t smtp_at = bytes_find_nocase(bytes_sub(text, i, at - i), B("smtp="));
		if (smtp_at < at - i) {
			i += smtp_at + 5;
			again = true;
		}
	}
	return i;
}

/* "example.net", "[192.0.2.1]": two labels at least, none of them empty, as no accident in a file makes them.
 * Reports of old systems and those made anonymous have "_" and "#" in them. */
static bool
domain_plausible(struct bytes domain)
{
	size_t labels = 1, label = 0; /* the last one begins here */

	if (bytes_starts(domain, B("[")))
		return bytes_ends_nocase(domain, B("]"));
	for (size_t i = 0; i <= domain.len; i++) {
		if (i < domain.len && domain.at[i] != '.')
			continue;
		if (i == label || i - label > 63 || domain.at[label] == '-')
			return false;
		labels += i < domain.len;
		label = i + 1;
	}
	return labels > 1;
}

bool
address_find(struct bytes text, size_t from, struct bytes *address_out, size_t *end_out)
{
	while (from < text.len) {
		size_t at = from + bytes_index(bytes_from(text, from), '@');
		if (at >= text.len)
			return false;
		size_t start = local_start(text, at), end = at + 1;
		while (end < text.len && end - at <= DOMAIN_MAX && is_domain(text.at[end]))
			end++;
		if (end == at + 1 && end < text.len && text.at[end] == '[') {
			size_t close = bytes_index(bytes_sub(text, end, 64), ']');
			end += close < 64 && end + close < text.len ? close + 1 : 0;
		}
		size_t stop = end;
		while (stop > at + 1 && (text.at[stop - 1] == '.' || text.at[stop - 1] == '-' || text.at[stop - 1] == '_'))
			stop--;
		struct bytes address = bytes_sub(text, start, stop - start);
		if (start < at && start >= (from > 0 ? from - 1 : 0) && domain_plausible(bytes_sub(text, at + 1, stop - at - 1)) && (bytes_is_ascii(address) || utf8_valid(address))) {
			*address_out = address;
			*end_out = stop;
			return true;
		}
		from = at + 1;
	}
	return false;
}

bool
host_like(struct bytes b)
{
	bool dot = false;

	for (size_t i = 0; i < b.len; i++) {
		if (!byte_is_alnum(b.at[i]) && b.at[i] != '-' && b.at[i] != '.' && b.at[i] != '_')
			return false;
		dot |= b.at[i] == '.' && i > 0 && i + 1 < b.len;
	}
	return dot && b.len <= DOMAIN_MAX && byte_is_alnum(b.at[0]);
}
