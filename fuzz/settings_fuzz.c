/* fuzz/settings_fuzz.c: settings from any text: read them, write them, and read that again. */
#include "policy/settings.h"

#include <stdlib.h>
#include <string.h>

#include "policy/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
one_file(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	const struct bytes *input = arg;

	(void)a;
	*why_out = B("no such file");
	*text_out = *input;
	return bytes_eq(path, B("test.conf"));
}

static bool
no_names(void *arg, struct arena *a, struct bytes pattern, struct bytes **paths_out, size_t *count_out)
{
	(void)arg, (void)a, (void)pattern, (void)paths_out, (void)count_out;
	return false;
}

static bool
no_variable(void *arg, struct arena *a, struct bytes name, struct bytes *value_out)
{
	(void)arg, (void)a, (void)name, (void)value_out;
	return false;
}

static struct settings *
read_text(struct arena *a, struct bytes text)
{
	struct conf_host   host = { one_file, no_names, no_variable, &text };
	struct conf_faults faults = { .count = 0 };
	struct settings   *s = settings_read(a, &host, B("test.conf"), B("mx.example.net"), &faults);

	if ((s == NULL) != (faults.count > 0))
		abort();
	return s;
}

static void
write_all(const struct settings *s, struct buf *out)
{
	for (size_t i = 0; i < schema_count; i++) {
		const char *section = schema[i].section;
		if (strcmp(section, "domain") == 0)
			continue;
		buf_printf(out, section[0] != '\0' ? "%s { %s = " : "%s%s = ", section, schema[i].name);
		setting_write(&schema[i], s, out);
		buf_add_str(out, section[0] != '\0' ? " }\n" : "\n");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena    *a = arena_new((size_t)8 << 20);
	struct settings *s = read_text(a, bytes_make(data, size));
	struct buf       text = { 0 }, again = { 0 };

	if (s != NULL) {
		settings_rule(s, B("a.b.example.com"));
		write_all(s, &text);
		settings_unref(s);
		s = read_text(a, buf_bytes(&text));
		if (s == NULL)
			abort();
		write_all(s, &again);
		if (!bytes_eq(buf_bytes(&text), buf_bytes(&again)))
			abort();
	}
	settings_unref(s);
	buf_free(&text);
	buf_free(&again);
	arena_free(a);
	return 0;
}
