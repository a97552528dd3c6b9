#include "desk/html.h"

#include "base/rows.h"

struct row {
	const char  *sentence;
	struct bytes text;
	struct bytes want; /* as text and in attributes */
	struct bytes url;
};

static const struct row rows[] = {
	{ "plain text stays", B_INIT("Jo 100%"), B_INIT("Jo 100%"), B_INIT("Jo%20100%25") },
	{ "an element becomes text", B_INIT("<script>alert(1)</script>"), B_INIT("&lt;script&gt;alert(1)&lt;/script&gt;"),
	  B_INIT("%3Cscript%3Ealert%281%29%3C%2Fscript%3E") },
	{ "quotes cannot leave an attribute", B_INIT("\" onload='x'"), B_INIT("&quot; onload=&#39;x&#39;"), B_INIT("%22%20onload%3D%27x%27") },
	{ "an entity is no entity", B_INIT("&lt;"), B_INIT("&amp;lt;"), B_INIT("%26lt%3B") },
	{ "terminal escapes are shown", B_INIT("\x1b[31m"), B_INIT("\\x1b[31m"), B_INIT("%1B%5B31m") },
	{ "what is not UTF-8 is shown, before a mark too", B_INIT("a\xff<"), B_INIT("a\\xff&lt;"), B_INIT("a%FF%3C") },
	{ "a direction override is shown", B_INIT("\xe2\x80\xae" "moc"), B_INIT("\\xe2\\x80\\xae" "moc"), B_INIT("%E2%80%AEmoc") },
	{ "other letters stay", B_INIT("Grüße"), B_INIT("Grüße"), B_INIT("Gr%C3%BC%C3%9Fe") },
	{ "NUL is shown", B_INIT("a\0b"), B_INIT("a\\x00b"), B_INIT("a%00b") },
	{ "a value with a mark of the template stays a value", B_INIT("$ and $"), B_INIT("$ and $"), B_INIT("%24%20and%20%24") },
};

static void
check_row(void **state)
{
	const struct row *r = *state;
	struct buf        out = { 0 };

	html_put(&out, "$", H_TEXT(r->text));
	assert_bytes(buf_bytes(&out), r->want);
	buf_clear(&out);
	html_put(&out, "$", H_URL(r->text));
	assert_bytes(buf_bytes(&out), r->url);
	buf_free(&out);
}

struct number {
	const char *sentence;
	int64_t     v;
	const char *want;
};

static const struct number numbers[] = {
	{ "zero", 0, "0" },
	{ "three digits have no comma", 999, "999" },
	{ "four digits have one", 1000, "1,000" },
	{ "millions have two", -1234567, "\xe2\x88\x92" "1,234,567" },
	{ "the least number is written", INT64_MIN, "\xe2\x88\x92" "9,223,372,036,854,775,808" },
};

static void
check_number(void **state)
{
	const struct number *r = *state;
	struct buf           out = { 0 };

	html_put(&out, "<b>$</b>", H_NUM(r->v));
	struct bytes have = buf_bytes(&out);
	assert_bytes(bytes_sub(have, 3, have.len - 7), bytes_of(r->want));
	buf_free(&out);
}

int
main(void)
{
	ROWS_ADD(rows, check_row);
	return ROWS_RUN("desk/html", numbers, check_number);
}
