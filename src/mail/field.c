/* mail/field.c: see field.h. */
#include "mail/field.h"

#include <string.h>

/* Names with different keys are different, whatever their case: this tells most strangers at once. Of the
 * length only the last bits are in it, and of the case of what is no letter nothing need be right. */
static inline uint32_t
key_of(struct bytes name)
{
	return name.len == 0 ? 0 : (uint32_t)name.len << 16 | (uint32_t)(unsigned char)(name.at[0] | 0x20) << 8 | (unsigned char)(name.at[name.len - 1] | 0x20);
}

static inline bool
named(const struct field *f, struct bytes name, uint32_t key)
{
	return f->key == key && bytes_trim(bytes_from(f->name, name.len)).len == 0 && bytes_eq_nocase(bytes_sub(f->name, 0, name.len), name);
}

static inline uint32_t
key_trimmed(struct bytes name)
{
	while (name.len > 0 && byte_is_space(name.at[name.len - 1]))
		name.len--;
	return key_of(name);
}

struct field
field_make(struct bytes name, struct bytes value)
{
	return (struct field){ name, value, key_trimmed(name) };
}

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
	struct field *f = &h->fields[h->count++];
	f->name = name;
	f->value = value;
	f->key = key_trimmed(name);
	return true;
}

bool
field_is(const struct field *f, struct bytes name)
{
	return named(f, name, key_of(name));
}

size_t
header_find(const struct header *h, struct bytes name, size_t from)
{
	uint32_t key = key_of(name);

	while (from < h->count && !named(&h->fields[from], name, key))
		from++;
	return from;
}

size_t
header_count(const struct header *h, struct bytes name)
{
	uint32_t key = key_of(name);
	size_t   n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += named(&h->fields[i], name, key);
	return n;
}

struct bytes
field_unfold(struct arena *a, struct bytes value)
{
	value = bytes_trim(value);
	bool returns = bytes_has(value, '\r');
	if (!returns && !bytes_has(value, '\n'))
		return value;
	struct bytes line, run;
	size_t       n = 0;
	char        *out = arena_room(a, value.len);
	if (out == NULL)
		return B_NONE;
	while (bytes_cut(&value, '\n', &line))
		do {
			run = line;
			if (!returns || !bytes_cut(&line, '\r', &run))
				line = B_NONE;
			memcpy(out + n, run.at, run.len);
			n += run.len;
		} while (line.at != NULL);
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
