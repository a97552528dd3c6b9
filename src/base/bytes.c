/* base/bytes.c: see bytes.h. */
#include "base/bytes.h"

#include <string.h>

bool
bytes_same_nocase(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i] && byte_lower(a[i]) != byte_lower(b[i]))
			return false;
	return true;
}

int
bytes_order(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int    d = n > 0 ? memcmp(a.at, b.at, n) : 0;

	if (d != 0)
		return d;
	return (a.len > b.len) - (a.len < b.len);
}

size_t
bytes_rindex(struct bytes b, char c)
{
	const char *p = b.len > 0 ? memrchr(b.at, c, b.len) : NULL;

	return p != NULL ? (size_t)(p - b.at) : b.len;
}

size_t
bytes_find(struct bytes hay, struct bytes needle)
{
	if (needle.len == 0)
		return 0;
	if (hay.len < needle.len)
		return hay.len;
	/* What most texts lack is told by its first octet, before memmem() prepares itself. */
	size_t first = bytes_index(bytes_sub(hay, 0, hay.len - needle.len + 1), needle.at[0]);
	if (first == hay.len - needle.len + 1)
		return hay.len;
	const char *p = memmem(hay.at + first, hay.len - first, needle.at, needle.len);
	return p != NULL ? (size_t)(p - hay.at) : hay.len;
}

size_t
bytes_find_nocase(struct bytes hay, struct bytes needle)
{
	if (needle.len == 0 || hay.len < needle.len)
		return needle.len == 0 ? 0 : hay.len;
	char         first = byte_lower(needle.at[0]);
	bool         letter = byte_is_alpha(first);
	size_t       last = hay.len - needle.len;
	struct bytes tail = bytes_from(needle, 1);
	for (size_t i = 0; i <= last; i++) {
		if (!letter) {
			i += bytes_index(bytes_sub(hay, i, last - i + 1), first);
			if (i > last)
				break;
		} else if ((hay.at[i] | 0x20) != first) {
			continue;
		}
		if (bytes_eq_nocase(bytes_make(hay.at + i + 1, tail.len), tail))
			return i;
	}
	return hay.len;
}

bool
bytes_cut(struct bytes *rest, char sep, struct bytes *head_out)
{
	if (rest->at == NULL)
		return false;
	size_t i = bytes_index(*rest, sep);
	*head_out = bytes_sub(*rest, 0, i);
	*rest = i < rest->len ? bytes_from(*rest, i + 1) : B_NONE;
	return true;
}

bool
bytes_cut_line(struct bytes *rest, struct bytes *line_out)
{
	if (rest->at == NULL || rest->len == 0)
		return false;
	size_t       i = bytes_index(*rest, '\n');
	struct bytes line = bytes_sub(*rest, 0, i);
	if (i < rest->len && line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	*rest = bytes_from(*rest, i + (i < rest->len));
	*line_out = line;
	return true;
}

struct bytes
bytes_trim(struct bytes b)
{
	while (b.len > 0 && byte_is_space(b.at[0]))
		bytes_skip(&b, 1);
	while (b.len > 0 && byte_is_space(b.at[b.len - 1]))
		b.len--;
	return b;
}

struct bytes
bytes_trim_end(struct bytes b)
{
	while (b.len > 0 && byte_is_wsp(b.at[b.len - 1]))
		b.len--;
	return b;
}

bool
bytes_number(struct bytes b, uint64_t max, uint64_t *value_out)
{
	uint64_t v = 0;

	if (b.len == 0)
		return false;
	for (size_t i = 0; i < b.len; i++) {
		if (!byte_is_digit(b.at[i]))
			return false;
		uint64_t digit = (uint64_t)(b.at[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*value_out = v;
	return true;
}
