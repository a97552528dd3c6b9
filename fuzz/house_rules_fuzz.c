/* fuzz/house_rules_fuzz.c: any text as a file of own rules; where it holds, a
 * reply is held against them, and their examples are tried. */
#include "base/json.h"
#include "diagnose/explain.h"
#include "diagnose/house_rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
one_file(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	const struct bytes *input = arg;

	(void)a;
	*why_out = B("no such file");
	*text_out = *input;
	return bytes_eq(path, B("rules"));
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

/* A reply that rules of all kinds could be about; the input's end is its text. */
static void
judge(struct rules *rules, struct bytes input)
{
	struct arena     *a = arena_new((size_t)8 << 20);
	struct explained *x = explain_reply(a, rules, B("550"), B("5.7.1"), bytes_from(input, input.len - input.len / 4), B("mx.example.net"));
	struct buf        out = { 0 };

	if (x != NULL)
		explained_text(&out, a, x, FOR_USER);
	buf_free(&out);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules *rules;
	struct bytes         input = bytes_make(data, size);
	struct conf_host     host = { one_file, no_names, no_variable, &input };
	struct conf_faults   faults = { .count = 0 };
	struct arena        *a = arena_new((size_t)16 << 20);

	if (rules == NULL)
		rules = rules_new();
	struct house_rules *house = house_rules_read(a, &host, B("rules"), &faults);
	if ((house == NULL) != (faults.count > 0))
		abort();
	if (house != NULL) {
		rules_adopt(rules, house);
		house_rules_try(rules, a, &faults);
		judge(rules, input);
		rules_adopt(rules, NULL);
	}
	arena_free(a);
	return 0;
}
