/* auth/taglist_test.c: tag lists, RFC 6376 section 3.2. */
#include "base/rows.h"

#include <stdio.h>

#include "auth/taglist.h"

static const struct row {
	const char *name, *text;
	bool        parses;
	size_t      count;
	const char *tag, *value; /* of one of them */
} rows[] = {
	{ "one tag", "a=b", true, 1, "a", "b" },
	{ "the last semicolon is optional", "a=b;", true, 1, "a", "b" },
	{ "white space behind the last semicolon goes", "a=b; \r\n ", true, 1, "a", "b" },
	{ "white space around names and values goes", " a =\r\n\t b ; c = d ", true, 2, "a", "b" },
	{ "white space inside a value stays", "a=b \r\n c", true, 1, "a", "b \r\n c" },
	{ "a value may be empty", "a=;b=c", true, 2, "a", "" },
	{ "a value may have =", "a=b==", true, 1, "a", "b==" },
	{ "names may have digits and _", "a1_b=c", true, 1, "a1_b", "c" },
	{ "case of names counts", "a=1;A=2", true, 2, "A", "2" },
	{ "UTF-8 is let pass in values", "a=\xc3\xbc", true, 1, "a", "\xc3\xbc" },
	{ "a name twice is refused", "a=1;b=2;a=1", false, 2, "b", "2" },
	{ "an empty item is refused", "a=1;;b=2", false, 1, "a", "1" },
	{ "nothing at all is refused", "", false, 0, NULL, NULL },
	{ "a semicolon alone is refused", ";", false, 0, NULL, NULL },
	{ "an item without = is refused", "a=1;b", false, 1, "a", "1" },
	{ "a name with a blank is refused", "a b=1", false, 0, NULL, NULL },
	{ "a name that begins with a digit is refused", "1a=1", false, 0, NULL, NULL },
	{ "a name that begins with _ is refused", "_a=1", false, 0, NULL, NULL },
	{ "an empty name is refused", "=1", false, 0, NULL, NULL },
	{ "a control character is refused", "a=b\x01", false, 0, NULL, NULL },
	{ "DEL is refused", "a=b\x7f", false, 0, NULL, NULL },
};

static void
check(void **state)
{
	const struct row *row = *state;
	struct taglist    list;

	assert_int_equal(taglist_parse(bytes_of(row->text), &list), row->parses);
	assert_int_equal(list.count, row->count);
	if (row->tag != NULL) {
		assert_non_null(taglist_get(&list, bytes_of(row->tag)));
		assert_bytes(taglist_get(&list, bytes_of(row->tag))->value, bytes_of(row->value));
	}
	assert_null(taglist_get(&list, B("zz")));
}

static void
tags_are_bounded(void **state)
{
	struct taglist list;
	char           text[400] = "";
	size_t         n = 0;

	(void)state;
	for (unsigned i = 0; i < TAGS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "t%u=;", i);
	assert_true(taglist_parse(bytes_make(text, n), &list));
	assert_int_equal(list.count, TAGS_MAX);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "more=;");
	assert_false(taglist_parse(bytes_make(text, n), &list));
}

int
main(void)
{
	ROWS_ADD(rows, check);
	rows_add("a list may have 32 tags and no more", tags_are_bounded, NULL);
	return rows_run("taglist");
}
