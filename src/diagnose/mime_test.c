/* diagnose/mime_test.c: HTML as its reader sees it. */
#include "base/rows.h"

#include "diagnose/mime.h"

static const struct row {
	const char *name, *html, *want;
} rows[] = {
	{ "white space is one blank", "no \r\n\tsuch\t user", "no such user" },
	{ "in front there is none", " \n no", "no" },
	{ "between two parts of a text it is one, too", "no &amp; \t such", "no & such" },
	{ "behind a tag it is a blank again", "<b>no</b> such <i> user</i>", "no such  user" },
	{ "behind an entity as well", "no &lt; such", "no < such" },
	{ "a control is an octet", "a\x01 b", "a\x01 b" },
};

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new(1 << 16);

	assert_bytes(mime_html_text(a, bytes_of(row->html)), bytes_of(row->want));
	arena_free(a);
}

int
main(void)
{
	return ROWS_RUN("mime", rows, check_row);
}
