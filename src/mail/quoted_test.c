/* mail/quoted_test.c: RFC 2045 section 6.7, rule by rule. */
#include "base/rows.h"

#include "mail/quoted.h"

#define TEN "0123456789"
#define X75 TEN TEN TEN TEN TEN TEN TEN "01234"

static const struct row {
	const char *name, *text, *want;
} rows[] = {
	{ "plain text stays", "Hello, world!\n", "Hello, world!\r\n" },
	{ "an equals sign is encoded", "a=b\n", "a=3Db\r\n" },
	{ "UTF-8 is encoded octet by octet", "f\xc3\xbcr\n", "f=C3=BCr\r\n" },
	{ "control characters are", "a\033\r\n", "a=1B=0D\r\n" },
	{ "a blank at the end of a line is, elsewhere it stays", " a b \n\tc\t\n", " a b=20\r\n\tc=09\r\n" },
	{ "a last line without end gets one", "a", "a\r\n" },
	{ "an empty line stays", "\n\na\n", "\r\n\r\na\r\n" },
	{ "76 characters fit", X75 "6\n", X75 "6\r\n" },
	{ "77 are cut behind 75", X75 "67\n", X75 "=\r\n67\r\n" },
	{ "an encoded octet is not cut", X75 "\xc3\xbc\n", X75 "=\r\n=C3=BC\r\n" },
	{ "nothing is nothing", "", "" },
};

static void
check(void **state)
{
	const struct row *row = *state;
	struct buf        out = { 0 };

	quoted_add(&out, bytes_of(row->text));
	assert_bytes(buf_bytes(&out), bytes_of(row->want));
	buf_free(&out);
}

int
main(void)
{
	return ROWS_RUN("quoted", rows, check);
}
