/* mail/address_test.c: what From says, and what must not be read out of it. */
#include "base/rows.h"

#include "mail/address.h"
#include "mail/message.h"

/* One From field with this value. */
static const struct plain_row {
	const char *name, *value;
	const char *display, *address, *domain;
} plain_rows[] = {
	{ "a bare address", " user@example.com", "", "user@example.com", "example.com" },
	{ "angle brackets alone", " <user@example.com>", "", "user@example.com", "example.com" },
	{ "an unquoted display name", " Ann Example <ann@example.com>", "Ann Example", "ann@example.com", "example.com" },
	{ "a quoted display name", " \"Example, Ann\" <ann@example.com>", "\"Example, Ann\"", "ann@example.com", "example.com" },
	{ "an escaped quote and a comma in the display name", " \"Ann \\\"the, great\\\"\" <ann@example.com>", "\"Ann \\\"the, great\\\"\"", "ann@example.com", "example.com" },
	{ "an empty quoted display name", " \"\" <ann@example.com>", "\"\"", "ann@example.com", "example.com" },
	{ "no blank before the angle", " Ann<ann@example.com>", "Ann", "ann@example.com", "example.com" },
	{ "dots in an unquoted display name", " John Q. Public <john@example.com>", "John Q. Public", "john@example.com", "example.com" },
	{ "brackets in an unquoted display name", " Ann [Example] <ann@example.com>", "Ann [Example]", "ann@example.com", "example.com" },
	{ "an apostrophe in the display name", " Pat O'Hara <pat@example.com>", "Pat O'Hara", "pat@example.com", "example.com" },
	{ "an encoded display name", " =?utf-8?Q?J=C3=B6rg?= <j@example.com>", "=?utf-8?Q?J=C3=B6rg?=", "j@example.com", "example.com" },
	{ "two encoded words, folded", " =?utf-8?B?SsO2cmc=?=\r\n =?utf-8?B?IFg=?= <j@example.com>", "=?utf-8?B?SsO2cmc=?=\r\n =?utf-8?B?IFg=?=", "j@example.com", "example.com" },
	{ "an encoded display name with an @ in it", " =?utf-8?Q?ann=40example=2Enet?= <ann@example.com>", "=?utf-8?Q?ann=40example=2Enet?=", "ann@example.com", "example.com" },
	{ "a display name in UTF-8", " J\xc3\xb6rg M\xc3\xbcller <j@example.com>", "J\xc3\xb6rg M\xc3\xbcller", "j@example.com", "example.com" },
	{ "a display name in raw Latin-1", " J\xf6rg <j@example.com>", "J\xf6rg", "j@example.com", "example.com" },
	{ "a folded field", " Ann\r\n\t<ann@example.com>", "Ann", "ann@example.com", "example.com" },
	{ "folded with LF alone, as milters pass it", " Ann\n <ann@example.com>", "Ann", "ann@example.com", "example.com" },
	{ "a comment at the end", " ann@example.com (Ann Example)", "", "ann@example.com", "example.com" },
	{ "a comment with a comma and quotes", " ann@example.com (Example, \"Ann\")", "", "ann@example.com", "example.com" },
	{ "nested comments", " ann@example.com (Ann (the (great)))", "", "ann@example.com", "example.com" },
	{ "an escaped parenthesis in a comment", " ann@example.com (Ann \\) x)", "", "ann@example.com", "example.com" },
	{ "a comment in front", " (Ann) ann@example.com", "", "ann@example.com", "example.com" },
	{ "a comment between name and address", " Ann (x) <ann@example.com>", "Ann", "ann@example.com", "example.com" },
	{ "a quoted name that is an address", " \"ann@example.net\" <ann@example.com>", "\"ann@example.net\"", "ann@example.com", "example.com" },
	{ "an unquoted name that is the address itself", " ann@example.com <Ann@Example.com>", "ann@example.com", "Ann@Example.com", "example.com" },
	{ "case and a trailing dot of the domain are normalized", " ann@EXAMPLE.Com.", "", "ann@EXAMPLE.Com.", "example.com" },
	{ "a U-label becomes an A-label", " ann@b\xc3\xbc" "cher.example", "", "ann@b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "a local part in UTF-8", " J\xc3\xb6rg@example.com", "", "J\xc3\xb6rg@example.com", "example.com" },
	{ "a VERP local part", " <list-bounces+ann=example.net@example.com>", "", "list-bounces+ann=example.net@example.com", "example.com" },
	{ "two dots in a row in the local part", " <ann..x.@example.com>", "", "ann..x.@example.com", "example.com" },
	{ "a quoted local part", " <\"ann example\"@example.com>", "", "\"ann example\"@example.com", "example.com" },
	{ "white space around the address in the angle", " Ann < ann@example.com >", "Ann", "ann@example.com", "example.com" },
	{ "a host without a dot", " root@localhost", "", "root@localhost", "localhost" },
	{ "two addresses of one domain", " ann@example.com, Bob <bob@EXAMPLE.com>", "", "ann@example.com", "example.com" },
};

/* A header that is refused. */
static const struct refused_row {
	const char *name, *header;
	enum reason reason;
	const char *detail;
} refused_rows[] = {
	{ "no From field", "To: a@example.com\r\n", REASON_FROM_NONE, "" },
	{ "two From fields", "From: a@example.com\r\nFrom: a@example.com\r\n", REASON_FROM_SEVERAL, "2 From fields" },
	{ "a second From in other letters", "From: a@example.com\r\nfROM: b@example.net\r\n", REASON_FROM_SEVERAL, "2 From fields" },
	{ "a second From with a blank before the colon", "From: a@example.com\r\nFrom : b@example.net\r\n", REASON_FROM_SEVERAL, "2 From fields" },
	{ "a second From folded before its colon", "From: a@example.com\r\nFrom\r\n : b@example.net\r\n", REASON_FROM_SEVERAL, "2 From fields" },
	{ "a second From behind a bare LF", "From: a@example.com\r\nX: y\nFrom: b@example.net\r\n", REASON_FROM_SEVERAL, "2 From fields" },
	{ "a blank before the colon", "From : a@example.com\r\n", REASON_FROM_UNPARSABLE, "white space stands before the colon" },
	{ "folded before the colon", "From\r\n : a@example.com\r\n", REASON_FROM_UNPARSABLE, "white space stands before the colon" },
	{ "a first line that begins with a blank", " From: a@example.com\r\n", REASON_FROM_NONE, "" },
	{ "an empty field", "From:\r\n", REASON_FROM_UNPARSABLE, "it is empty" },
	{ "a field of blanks", "From:  \r\n \r\n", REASON_FROM_UNPARSABLE, "it is empty" },
	{ "two domains in a list", "From: a@example.com, b@example.net\r\n", REASON_FROM_SEVERAL, "2 addresses of more than one domain" },
	{ "a second address without a blank", "From: <a@example.com>,<b@example.net>\r\n", REASON_FROM_SEVERAL, "2 addresses of more than one domain" },
	{ "two angles in a row", "From: <a@example.com><b@example.net>\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "an address behind the angle", "From: <a@example.com>b@example.net\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "a word behind the angle", "From: <a@example.com> Ann\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "a stray >", "From: Ann <a@example.com>>\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "another address as an unquoted name", "From: a@example.com <b@example.net>\r\n", REASON_FROM_UNPARSABLE, "another address stands before the one in angle brackets" },
	{ "words and an address without angle", "From: Ann a@example.com\r\n", REASON_FROM_UNPARSABLE, "words stand before the address without angle brackets" },
	{ "an escaped comma between addresses", "From: <a@example.com>\\,<b@example.net>\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "an empty member in front", "From: ,a@example.com\r\n", REASON_FROM_UNPARSABLE, "an address is missing" },
	{ "an empty member at the end", "From: a@example.com,\r\n", REASON_FROM_UNPARSABLE, "an address is missing" },
	{ "an address in square brackets", "From: [a@example.com] <b@example.net>\r\n", REASON_FROM_UNPARSABLE, "words stand before the address without angle brackets" },
	{ "a bracket alone before the @", "From: [@example.com\r\n", REASON_FROM_UNPARSABLE, "words stand before the address without angle brackets" },
	{ "an unquoted comma in the name", "From: Example, Ann <a@example.com>\r\n", REASON_FROM_UNPARSABLE, "an address has no @" },
	{ "an unquoted @ in the name", "From: Ann @ Example <a@example.com>\r\n", REASON_FROM_UNPARSABLE, "white space or a comment stands inside the address" },
	{ "a source route", "From: <@example.net,@example.org:a@example.com>\r\n", REASON_FROM_UNPARSABLE, "a source route or nothing stands before the @" },
	{ "a route without angle", "From: @example.net:a@example.com\r\n", REASON_FROM_UNPARSABLE, "a source route or nothing stands before the @" },
	{ "a group", "From: Team: a@example.com;\r\n", REASON_FROM_UNPARSABLE, "it is a group" },
	{ "an empty group", "From: undisclosed-recipients:;\r\n", REASON_FROM_UNPARSABLE, "it is a group" },
	{ "a semicolon between addresses", "From: a@example.com; b@example.net\r\n", REASON_FROM_UNPARSABLE, "it is a group" },
	{ "an encoded address", "From: =?utf-8?B?YUBleGFtcGxlLmNvbQ==?=\r\n", REASON_FROM_UNPARSABLE, "an address has no @" },
	{ "an encoded address in front of another", "From: =?utf-8?B?PGFAZXhhbXBsZS5jb20+?=,<b@example.net>\r\n", REASON_FROM_UNPARSABLE, "an address has no @" },
	{ "an encoded address in angles as the name", "From: =?utf-8?B?PGFAZXhhbXBsZS5jb20+?= <b@example.net>\r\n", REASON_FROM_UNPARSABLE, "the display name decodes to an address in angle brackets" },
	{ "the same in Q", "From: =?utf-8?Q?=3Ca=40example.com=3E?= <b@example.net>\r\n", REASON_FROM_UNPARSABLE, "the display name decodes to an address in angle brackets" },
	{ "the same in two words", "From: =?utf-8?Q?=3Ca?= =?utf-8?Q?=40example.com=3E?= <b@example.net>\r\n", REASON_FROM_UNPARSABLE, "the display name decodes to an address in angle brackets" },
	{ "a name that decodes to a line break", "From: =?utf-8?Q?x=0D=0AFrom=3A_a?= <b@example.net>\r\n", REASON_FROM_UNPARSABLE, "the display name decodes to control characters" },
	{ "an encoded local part", "From: =?utf-8?Q?a=40example.com?=@example.net\r\n", REASON_FROM_UNPARSABLE, "an encoded word stands in the address" },
	{ "a comment that hides an address", "From: b@example.net (<a@example.com>)\r\n", REASON_FROM_UNPARSABLE, "a comment holds <, > or @" },
	{ "a comment inside the angle that closes it", "From: <a@example.com(>, <b@example.net)>\r\n", REASON_FROM_UNPARSABLE, "a comment holds <, > or @" },
	{ "a comment inside the address", "From: a@example.com(x).example.net\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "a comment before the @", "From: a(x)@example.com\r\n", REASON_FROM_UNPARSABLE, "white space or a comment stands inside the address" },
	{ "a comment inside the angle brackets", "From: <(x)a@example.com>\r\n", REASON_FROM_UNPARSABLE, "a comment stands inside the angle brackets" },
	{ "a comment that does not end", "From: a@example.com (x\r\n", REASON_FROM_UNPARSABLE, "a comment does not end" },
	{ "comments nested too deeply", "From: a@example.com (((((((((x)))))))))\r\n", REASON_FROM_UNPARSABLE, "comments are nested too deeply" },
	{ "a parenthesis that was never opened", "From: a@example.com)\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "a quoted string that does not end", "From: \"Ann <a@example.com>\r\n", REASON_FROM_UNPARSABLE, "a quoted string does not end" },
	{ "a quoted local part with an address", "From: \"x <a@example.com>\"@example.net\r\n", REASON_FROM_UNPARSABLE, "the quoted local part holds @ or another mark that divides addresses" },
	{ "a quoted local part with an escaped quote", "From: \"x\\\"y\"@example.net\r\n", REASON_FROM_UNPARSABLE, "the quoted local part holds @ or another mark that divides addresses" },
	{ "a local part that is partly quoted", "From: <a.\"b\"@example.net>\r\n", REASON_FROM_UNPARSABLE, "the local part is partly quoted" },
	{ "two @", "From: a@example.com@example.net\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "two @ in the angle", "From: <a@example.com@example.net>\r\n", REASON_FROM_UNPARSABLE, "something follows the address inside the angle brackets" },
	{ "a blank inside the angle", "From: <a@example.com b>\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "a fold inside the domain", "From: a@example.\r\n com\r\n", REASON_FROM_UNPARSABLE, "text stands behind the address" },
	{ "no domain", "From: Ann\r\n", REASON_FROM_UNPARSABLE, "an address has no @" },
	{ "no domain in the angle", "From: Ann <ann>\r\n", REASON_FROM_UNPARSABLE, "the address has no @" },
	{ "an empty domain", "From: <ann@>\r\n", REASON_FROM_UNPARSABLE, "no domain stands behind the @" },
	{ "an empty local part", "From: <@example.com>\r\n", REASON_FROM_UNPARSABLE, "a source route or nothing stands before the @" },
	{ "empty angle brackets", "From: Ann <>\r\n", REASON_FROM_UNPARSABLE, "the angle brackets are empty" },
	{ "an address literal", "From: ann@[192.0.2.1]\r\n", REASON_FROM_UNPARSABLE, "the domain is an address literal" },
	{ "a bare address for a domain", "From: ann@192.0.2.1\r\n", REASON_FROM_UNPARSABLE, "the domain is not a domain name" },
	{ "an empty label", "From: ann@example..com\r\n", REASON_FROM_UNPARSABLE, "the domain is not a domain name" },
	{ "a slash in the domain", "From: ann@example.com/x\r\n", REASON_FROM_UNPARSABLE, "the domain is not a domain name" },
	{ "an escape character", "From: ann@example\x1b.com\r\n", REASON_FROM_UNPARSABLE, "it holds control characters" },
	{ "a bare CR", "From: ann@example.com\rFrom: x@example.net\r\n", REASON_FROM_UNPARSABLE, "it holds control characters" },
	{ "DEL", "From: ann\x7f@example.com\r\n", REASON_FROM_UNPARSABLE, "it holds control characters" },
	{ "a full-width @", "From: ann\xef\xbc\xa0" "example.com@example.net\r\n", REASON_FROM_UNPARSABLE, "the local part holds characters that mislead" },
	{ "only a full-width @", "From: ann\xef\xbc\xa0" "example.com\r\n", REASON_FROM_UNPARSABLE, "an address has no @" },
	{ "a full-width dot", "From: ann@example\xef\xbc\x8e" "com\r\n", REASON_FROM_UNPARSABLE, "the domain holds characters that mislead" },
	{ "an ideographic full stop", "From: ann@example\xe3\x80\x82" "com\r\n", REASON_FROM_UNPARSABLE, "the domain holds characters that mislead" },
	{ "a zero-width space in the domain", "From: ann@exam\xe2\x80\x8bple.com\r\n", REASON_FROM_UNPARSABLE, "the domain holds characters that mislead" },
	{ "a direction override in the local part", "From: a\xe2\x80\xaen@example.com\r\n", REASON_FROM_UNPARSABLE, "the local part holds characters that mislead" },
	{ "a no-break space before an address", "From: a@example.com\xc2\xa0<b@example.net>\r\n", REASON_FROM_UNPARSABLE, "the domain holds characters that mislead" },
	{ "a domain that is not UTF-8", "From: ann@ex\xff.com\r\n", REASON_FROM_UNPARSABLE, "the domain is not a domain name" },
};

static const struct path_row {
	const char *name, *in, *want;
} path_rows[] = {
	{ "a path in angles", "<a@example.com>", "a@example.com" },
	{ "a path without", "a@example.com", "a@example.com" },
	{ "the null sender", "<>", "" },
	{ "nothing at all", "", "" },
	{ "blanks around it", " <a@example.com> ", "a@example.com" },
	{ "a source route is dropped", "<@example.net,@example.org:a@example.com>", "a@example.com" },
	{ "a colon in a route's literal does not end it", "<@[IPv6:2001:db8::1]:a@example.com>", "a@example.com" },
	{ "a colon in a quoted local part is no route", "<\"a:b\"@example.com>", "\"a:b\"@example.com" },
	{ "what does not parse comes back whole", "<a@example.com", "<a@example.com" },
	{ "a route without end comes back whole", "<@example.com>", "@example.com" },
};

static struct finding
judge(struct arena *a, struct bytes header, struct mailbox *from_out)
{
	struct message m;

	assert_true(message_split(a, header, &m));
	return from_of(a, &m.header, from_out);
}

static void
check_plain(void **state)
{
	const struct plain_row *row = *state;
	struct arena           *a = arena_new(100000);
	struct header           h = { 0 };
	struct mailbox          from;

	assert_true(header_add(a, &h, B("From"), bytes_of(row->value)));
	struct finding f = from_of(a, &h, &from);
	assert_bytes(f.detail, B(""));
	assert_int_equal(f.method, METHOD_FROM);
	assert_int_equal(f.result, RESULT_PASS);
	assert_int_equal(f.reason, REASON_FROM_ONE);
	assert_bytes(f.domain, bytes_of(row->domain));
	assert_bytes(from.domain, bytes_of(row->domain));
	assert_bytes(from.address, bytes_of(row->address));
	assert_bytes(from.display, bytes_of(row->display));
	arena_free(a);
}

static void
check_refused(void **state)
{
	const struct refused_row *row = *state;
	struct arena             *a = arena_new(100000);
	struct mailbox            from = { B_NONE, B_NONE, B_NONE };
	struct finding            f = judge(a, arena_printf(a, "%s\r\nbody\r\n", row->header), &from);

	assert_bytes(f.detail, bytes_of(row->detail));
	assert_int_equal(f.result, RESULT_PERMERROR);
	assert_int_equal(f.reason, row->reason);
	assert_int_equal(f.domain.len, 0);
	assert_null(from.domain.at);
	arena_free(a);
}

static void
check_path(void **state)
{
	const struct path_row *row = *state;

	assert_bytes(path_address(bytes_of(row->in)), bytes_of(row->want));
}

static void
a_nul_is_refused(void **state)
{
	struct arena  *a = arena_new(100000);
	struct mailbox from;

	(void)state;
	struct finding f = judge(a, B("From: ann@example.com\0.example.net\r\n\r\n"), &from);
	assert_int_equal(f.reason, REASON_FROM_UNPARSABLE);
	assert_bytes(f.detail, B("it holds control characters"));
	arena_free(a);
}

/* `octets` of filling, then an address. */
static struct finding
judge_filled(struct arena *a, const char *before, char filling, int octets, const char *behind, struct mailbox *from_out)
{
	char *fill = arena_take(a, (size_t)octets);

	assert_non_null(fill);
	for (int i = 0; i < octets; i++)
		fill[i] = filling;
	return judge(a, arena_printf(a, "From: %s%.*s%s\r\n\r\n", before, octets, fill, behind), from_out);
}

static void
lengths_are_bounded(void **state)
{
	struct arena  *a = arena_new(1000000);
	struct mailbox from;

	(void)state;
	assert_int_equal(judge_filled(a, "", 'a', 64, "@example.com", &from).reason, REASON_FROM_ONE);
	assert_bytes(judge_filled(a, "", 'a', 256, "@example.com", &from).detail, B("the local part has more than 255 octets"));
	assert_int_equal(judge_filled(a, "a@", 'b', 63, ".example.com", &from).reason, REASON_FROM_ONE);
	assert_bytes(judge_filled(a, "a@", 'b', 64, ".example.com", &from).detail, B("the domain is not a domain name"));
	assert_int_equal(judge_filled(a, "\"", 'x', 8000, "\" <a@example.com>", &from).reason, REASON_FROM_ONE);
	assert_int_equal(judge_filled(a, "\"", 'x', 9000, "\" <a@example.com>", &from).reason, REASON_FROM_UNPARSABLE);
	arena_free(a);
}

static void
a_list_gives_every_mailbox(void **state)
{
	struct arena   *a = arena_new(100000);
	struct mailbox *list;
	struct bytes    why;
	size_t          count;

	(void)state;
	assert_true(mailbox_list_parse(a, B("a@example.com, \"B, b\" <b@example.net>,\r\n c@example.org (c, c)"), &list, &count, &why));
	assert_int_equal(count, 3);
	assert_bytes(list[0].address, B("a@example.com"));
	assert_bytes(list[1].domain, B("example.net"));
	assert_bytes(list[1].display, B("\"B, b\""));
	assert_bytes(list[2].address, B("c@example.org"));
	arena_free(a);
}

static void
spent_memory_is_told(void **state)
{
	struct arena  *a = arena_new(65536), *little = arena_new(10);
	struct header  h = { 0 };
	struct mailbox from;

	(void)state;
	assert_true(header_add(a, &h, B("From"), B(" a@example.com")));
	struct finding f = from_of(little, &h, &from);
	assert_int_equal(f.result, RESULT_TEMPERROR);
	assert_int_equal(f.reason, REASON_LIMIT_MEMORY);
	arena_free(little);
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(plain_rows, check_plain);
	ROWS_ADD(refused_rows, check_refused);
	ROWS_ADD(path_rows, check_path);
	rows_add("a NUL is refused", a_nul_is_refused, NULL);
	rows_add("lengths are bounded", lengths_are_bounded, NULL);
	rows_add("a list gives every mailbox", a_list_gives_every_mailbox, NULL);
	rows_add("spent memory is told", spent_memory_is_told, NULL);
	return rows_run("address");
}
