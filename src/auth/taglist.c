/* auth/taglist.c: see taglist.h. */
#include "auth/taglist.h"

static bool
is_name(struct bytes name)
{
	if (name.len == 0 || !byte_is_alpha(name.at[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!byte_is_alnum(name.at[i]) && name.at[i] != '_')
			return false;
	return true;
}

static bool
is_value(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if ((c < ' ' && !byte_is_space(value.at[i])) || c == 0x7f)
			return false;
	}
	return true;
}

static bool
take_tag(struct taglist *list, struct bytes item)
{
	struct tag   tag;
	struct bytes name;
	size_t       equals = bytes_index(item, '=');

	if (equals == item.len || list->count == TAGS_MAX)
		return false;
	name = bytes_trim(bytes_sub(item, 0, equals));
	tag.name = name;
	tag.raw = bytes_from(item, equals + 1);
	tag.value = bytes_trim(tag.raw);
	if (!is_name(name) || !is_value(tag.raw) || taglist_get(list, name) != NULL)
		return false;
	list->tags[list->count++] = tag;
	return true;
}

bool
taglist_parse(struct bytes text, struct taglist *list_out)
{
	struct bytes item;

	list_out->count = 0;
	while (bytes_cut(&text, ';', &item)) {
		/* Only behind the last ";" may nothing stand. */
		if (text.at == NULL && list_out->count > 0 && bytes_trim(item).len == 0)
			return true;
		if (!take_tag(list_out, item))
			return false;
	}
	return list_out->count > 0;
}

const struct tag *
taglist_get(const struct taglist *list, struct bytes name)
{
	for (size_t i = 0; i < list->count; i++)
		if (bytes_eq(list->tags[i].name, name))
			return &list->tags[i];
	return NULL;
}
