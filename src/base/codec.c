/* base/codec.c: see codec.h. */
#include "base/codec.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
value_64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(struct arena *a, struct bytes text, struct bytes *octets_out)
{
	char    *out = arena_take(a, text.len / 4 * 3 + 3);
	size_t   used = 0;
	uint32_t group = 0;
	unsigned chars = 0, pads = 0;

	if (out == NULL)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		int  v = value_64(c);
		if (byte_is_space(c))
			continue;
		if (c == '=') {
			pads++;
			continue;
		}
		if (v < 0 || pads > 0)
			return false;
		group = group << 6 | (uint32_t)v;
		if (++chars % 4 == 0) {
			out[used++] = (char)(group >> 16);
			out[used++] = (char)(group >> 8);
			out[used++] = (char)group;
		}
	}
	unsigned tail = chars % 4;
	if (tail == 1 || (pads > 0 && tail + pads != 4))
		return false;
	if (tail == 2)
		out[used++] = (char)(group >> 4);
	if (tail == 3) {
		out[used++] = (char)(group >> 10);
		out[used++] = (char)(group >> 2);
	}
	*octets_out = bytes_make(out, used);
	return true;
}

struct bytes
base64_encode(struct arena *a, struct bytes octets)
{
	char  *out = arena_take(a, octets.len / 3 * 4 + 8);
	size_t used = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < octets.len; i += 3) {
		size_t   left = octets.len - i;
		uint32_t group = (uint32_t)(unsigned char)octets.at[i] << 16;
		if (left > 1)
			group |= (uint32_t)(unsigned char)octets.at[i + 1] << 8;
		if (left > 2)
			group |= (unsigned char)octets.at[i + 2];
		out[used++] = alphabet[group >> 18];
		out[used++] = alphabet[group >> 12 & 63];
		out[used++] = left > 1 ? alphabet[group >> 6 & 63] : '=';
		out[used++] = left > 2 ? alphabet[group & 63] : '=';
	}
	return bytes_make(out, used);
}

static const char alphabet_32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void
id_format(const uint8_t random[8], char id[ID_LEN + 1])
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | random[i];
	for (int i = 0; i < ID_LEN; i++) {
		id[i] = alphabet_32[v & 31];
		v >>= 5;
	}
	id[ID_LEN] = '\0';
}

bool
id_is(struct bytes text)
{
	if (text.len != ID_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!byte_is_alpha(text.at[i]) && !(text.at[i] >= '2' && text.at[i] <= '7'))
			return false;
	return true;
}

struct bytes
id_kept(struct arena *a, struct bytes id)
{
	char *text = arena_take(a, id.len + 1);

	if (text == NULL)
		return B("");
	for (size_t i = 0; i < id.len; i++)
		text[i] = byte_is_alpha(id.at[i]) ? (char)(id.at[i] & ~0x20) : id.at[i];
	return bytes_make(text, id.len);
}
