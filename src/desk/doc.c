/* desk/doc.c: see doc.h. The document is a json_t of jansson, which recurses
 * as deep as it is nested: its depth is looked at before. */
#include "desk/doc.h"

#include <jansson.h>
#include <string.h>

#define DOC_DEPTH 32

static bool
is_flat(struct bytes text)
{
	unsigned depth = 0;
	bool     quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > DOC_DEPTH)
			return false;
	}
	return true;
}

static void
release(void *arg)
{
	json_decref(arg);
}

const struct doc *
doc_read(struct arena *a, struct bytes text)
{
	json_t *root = is_flat(text) ? json_loadb(text.at != NULL ? text.at : "", text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL) : NULL;

	if (root == NULL || !arena_on_free(a, release, root))
		return NULL;
	return (const struct doc *)root;
}

static const json_t *
node(const struct doc *d)
{
	return (const json_t *)d;
}

const struct doc *
doc_at(const struct doc *d, const char *path)
{
	struct bytes  rest = bytes_of(path), name;
	const json_t *at = node(d);
	char          key[64];

	while (rest.len > 0 && bytes_cut(&rest, '.', &name)) {
		if (name.len >= sizeof(key))
			return NULL;
		memcpy(key, name.at, name.len);
		key[name.len] = '\0';
		at = json_object_get(at, key);
	}
	return json_is_null(at) ? NULL : (const struct doc *)at;
}

size_t
doc_count(const struct doc *d)
{
	return json_array_size(node(d));
}

const struct doc *
doc_item(const struct doc *d, size_t index)
{
	return (const struct doc *)json_array_get(node(d), index);
}

struct bytes
doc_text(const struct doc *d, const char *path)
{
	const json_t *at = node(doc_at(d, path));

	return json_is_string(at) ? bytes_make(json_string_value(at), json_string_length(at)) : B("");
}

int64_t
doc_number(const struct doc *d, const char *path)
{
	return json_integer_value(node(doc_at(d, path)));
}

double
doc_real(const struct doc *d, const char *path)
{
	return json_number_value(node(doc_at(d, path)));
}

bool
doc_flag(const struct doc *d, const char *path)
{
	return json_is_true(node(doc_at(d, path)));
}

bool
doc_is(const struct doc *d, const char *path, const char *word)
{
	return bytes_eq(doc_text(d, path), bytes_of(word));
}
