/* fuzz/conf_fuzz.c: the reader of settings as text. Included files are cut from the input itself. */
#include "base/conf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
file_text(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	const struct bytes *input = arg;

	(void)a;
	*why_out = B("no such file");
	*text_out = bytes_from(*input, path.len);
	return path.len <= input->len;
}

static bool
file_names(void *arg, struct arena *a, struct bytes pattern, struct bytes **paths_out, size_t *count_out)
{
	(void)arg;
	*paths_out = arena_take_array(a, 1, sizeof(**paths_out));
	if (*paths_out == NULL)
		return false;
	(*paths_out)[0] = pattern;
	*count_out = 1;
	return true;
}

static bool
variable(void *arg, struct arena *a, struct bytes name, struct bytes *value_out)
{
	(void)arg, (void)a;
	*value_out = name;
	return name.len < 4;
}

/* Every word and name must lie in memory: read them all. */
static size_t
weigh(const struct conf_item *section, unsigned depth)
{
	size_t sum = 0;

	if (depth > CONF_DEPTH_MAX)
		abort();
	for (const struct conf_item *item = section->first; item != NULL; item = item->next) {
		sum += bytes_has(item->name, '\0');
		for (size_t i = 0; i < item->count; i++)
			sum += bytes_has(item->words[i].text, 'x');
		if (item->is_section)
			sum += weigh(item, depth + 1);
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes       input = bytes_make(data, size);
	struct arena      *a = arena_new((size_t)4 << 20);
	struct conf_host   host = { file_text, file_names, variable, &input };
	struct conf_faults faults = { .count = 0 };

	struct conf_item *root = conf_read(a, &host, B(""), &faults);
	if (root != NULL)
		weigh(root, 0);
	for (size_t i = 0; i < faults.count; i++)
		if (faults.at[i].at.line == 0 || faults.at[i].at.column == 0)
			abort();
	arena_free(a);
	return 0;
}
