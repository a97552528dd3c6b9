/* desk/form.c: see form.h. */
#include "desk/form.h"

static struct bytes
decode(struct arena *a, struct bytes text)
{
	char  *out = arena_take(a, text.len + 1);
	size_t len = 0;

	if (out == NULL)
		return B("");
	for (size_t i = 0; i < text.len; i++) {
		int high = text.at[i] == '%' && i + 2 < text.len ? byte_hex(text.at[i + 1]) : -1;
		int low = high >= 0 ? byte_hex(text.at[i + 2]) : -1;
		if (low >= 0) {
			out[len++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[len++] = text.at[i] == '+' ? ' ' : text.at[i];
		}
	}
	return bytes_make(out, len);
}

struct bytes
form_field(struct arena *a, struct bytes text, const char *name)
{
	struct bytes pair, key;

	for (int i = 0; i < FORM_FIELDS && bytes_cut(&text, '&', &pair); i++)
		if (bytes_cut(&pair, '=', &key) && bytes_eq(key, bytes_of(name)))
			return decode(a, pair);
	return B("");
}
