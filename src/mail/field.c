/* mail/field.c: see field.h. */
#include "mail/field.h"

#include <string.h>

bool
header_add(struct arena *a, struct header *h, struct bytes name, struct bytes value)
{
	if (h->count == h->room) {
		size_t        want = h->room == 0 ? 32 : h->room * 2;
		struct field *wide = arena_grow(a, h->fields, h->count, want, sizeof(*wide));
		if (wide == NULL)
			return false;
		h->fields = wide;
		h->room = want;
	}
	h->fields[h->count++] = (struct field){ name, value };
	return true;
}

bool
field_is(const struct field *f, struct bytes name)
{
	struct bytes own = f->name;

	while (own.len > name.len && byte_is_space(own.at[own.len - 1]))
		own.len--;
	return bytes_eq_nocase(own, name);
}

size_t
header_find(const struct header *h, struct bytes name, size_t from)
{
	while (from < h->count && !field_is(&h->fields[from], name))
		from++;
	return from;
}

size_t
header_count(const struct header *h, struct bytes name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += field_is(&h->fields[i], name);
	return n;
}

struct bytes
field_unfold(struct arena *a, struct bytes value)
{
	value = bytes_trim(value);
	if (!bytes_has(value, '\n') && !bytes_has(value, '\r'))
		return value;
	char  *out = arena_room(a, value.len);
	size_t n = 0;
	if (out == NULL)
		return B_NONE;
	while (value.len > 0) {
		size_t end = bytes_index(value, '\n'), line = end;
		while (line > 0 && value.at[line - 1] == '\r')
			line--;
		for (size_t i = 0; i < line; i++)
			if (value.at[i] != '\r')
				out[n++] = value.at[i];
		bytes_skip(&value, end + (end < value.len));
	}
	return bytes_make(out, n);
}

struct bytes
field_uncomment(struct arena *a, struct bytes value)
{
	char    *out = arena_room(a, value.len + 1);
	size_t   n = 0;
	unsigned depth = 0;
	bool     quoted = false;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && (quoted || depth > 0) && i + 1 < value.len) {
			if (depth == 0) {
				out[n++] = c;
				out[n++] = value.at[i + 1];
			}
			i++;
		} else if (c == '"' && depth == 0) {
			quoted = !quoted;
			out[n++] = c;
		} else if (c == '(' && !quoted) {
			if (depth++ == 0)
				out[n++] = ' ';
		} else if (c == ')' && !quoted && depth > 0) {
			depth--;
		} else if (depth == 0) {
			out[n++] = c;
		}
	}
	return bytes_trim(bytes_make(out, n));
}
