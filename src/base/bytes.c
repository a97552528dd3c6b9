/* base/bytes.c: see bytes.h. */
#include "base/bytes.h"

#include <string.h>

#include "base/eight.h"

#define LETTER(c) [c] = BYTE_ALPHA, [c - 'a' + 'A'] = BYTE_ALPHA

const uint8_t byte_classes[256] = {
	['\t'] = BYTE_SPACE, ['\n'] = BYTE_SPACE, ['\r'] = BYTE_SPACE, [' '] = BYTE_SPACE,
	['0'] = BYTE_DIGIT, ['1'] = BYTE_DIGIT, ['2'] = BYTE_DIGIT, ['3'] = BYTE_DIGIT, ['4'] = BYTE_DIGIT,
	['5'] = BYTE_DIGIT, ['6'] = BYTE_DIGIT, ['7'] = BYTE_DIGIT, ['8'] = BYTE_DIGIT, ['9'] = BYTE_DIGIT,
	LETTER('a'), LETTER('b'), LETTER('c'), LETTER('d'), LETTER('e'), LETTER('f'), LETTER('g'), LETTER('h'), LETTER('i'),
	LETTER('j'), LETTER('k'), LETTER('l'), LETTER('m'), LETTER('n'), LETTER('o'), LETTER('p'), LETTER('q'), LETTER('r'),
	LETTER('s'), LETTER('t'), LETTER('u'), LETTER('v'), LETTER('w'), LETTER('x'), LETTER('y'), LETTER('z'),
};

static inline bool
eight_same_nocase(const char *a, const char *b)
{
	return eight_lower(eight_at(a)) == eight_lower(eight_at(b));
}

bool
bytes_same_nocase(const char *a, const char *b, size_t len)
{
	size_t i = 0;

	for (; i + 8 <= len; i += 8)
		if (!eight_same_nocase(a + i, b + i))
			return false;
	/* The rest of more than eight goes with some that were compared. */
	if (i > 0)
		return i == len || eight_same_nocase(a + len - 8, b + len - 8);
	for (; i < len; i++)
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

/* Needles up to here are looked for by their ends; what a stranger repeats costs at most so many times the text. */
#define ENDS_MAX 64

/* The first of `n` places that has this octet, and the last one `apart` octets behind it; or n. */
static size_t
ends_find(const char *at, size_t n, size_t apart, char first, char last)
{
	enum { MANY = 64 }; /* at once: compilers make a few instructions of it */
	size_t i = 0;

	for (; i + MANY <= n; i += MANY) {
		unsigned char any = 0;
		for (size_t k = 0; k < MANY; k++)
			any |= (unsigned char)((at[i + k] == first) & (at[i + k + apart] == last));
		if (any != 0)
			break;
	}
	while (i < n && (at[i] != first || at[i + apart] != last))
		i++;
	return i;
}

size_t
bytes_find(struct bytes hay, struct bytes needle)
{
	if (needle.len == 0)
		return 0;
	if (hay.len < needle.len)
		return hay.len;
	if (needle.len > ENDS_MAX) {
		const char *p = memmem(hay.at, hay.len, needle.at, needle.len);
		return p != NULL ? (size_t)(p - hay.at) : hay.len;
	}
	size_t places = hay.len - needle.len + 1, apart = needle.len - 1;
	for (size_t i = 0; i < places; i++) {
		i += ends_find(hay.at + i, places - i, apart, needle.at[0], needle.at[apart]);
		if (i < places && memcmp(hay.at + i, needle.at, needle.len) == 0)
			return i;
	}
	return hay.len;
}

size_t
bytes_find_nocase(struct bytes hay, struct bytes needle)
{
	if (needle.len == 0 || hay.len < needle.len)
		return needle.len == 0 ? 0 : hay.len;
	size_t   last = hay.len - needle.len;
	char     first = (char)(needle.at[0] | 0x20);
	for (size_t i = 0; i <= last; i++) {
		while (i + 8 <= last && eight_is(eight_at(hay.at + i) | EACH(0x20), (uint8_t)first) == 0)
			i += 8;
		while (i <= last && (hay.at[i] | 0x20) != first)
			i++;
		if (i <= last && bytes_eq_nocase(bytes_make(hay.at + i, needle.len), needle))
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
