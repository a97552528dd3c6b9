/* auth/authres_test.c: written so that nobody can write between the lines,
 * read as far as others let us. */
#include "base/rows.h"

#include "auth/authres.h"

static const struct value_row {
	const char *name, *value, *want; /* of a property smtp.mailfrom */
} value_rows[] = {
	{ "a domain stands as it is", "example.com", " smtp.mailfrom=example.com" },
	{ "an address stands as it is", "ann@example.com", " smtp.mailfrom=ann@example.com" },
	{ "a domain behind an @ stands as it is", "@example.com", " smtp.mailfrom=@example.com" },
	{ "an address with = is quoted", "prvs=1=ann@example.com", " smtp.mailfrom=\"prvs=1=ann@example.com\"" },
	{ "two @ are quoted", "a@b@example.com", " smtp.mailfrom=\"a@b@example.com\"" },
	{ "a blank is quoted", "a b", " smtp.mailfrom=\"a b\"" },
	{ "a semicolon is quoted", "a;dmarc=pass", " smtp.mailfrom=\"a;dmarc=pass\"" },
	{ "a parenthesis is quoted", "a(b", " smtp.mailfrom=\"a(b\"" },
	{ "a quote is escaped", "a\"; dmarc=pass", " smtp.mailfrom=\"a\\\"; dmarc=pass\"" },
	{ "a backslash is escaped", "a\\", " smtp.mailfrom=\"a\\\\\"" },
	{ "a line break is left out", "a\r\nX: y", "" },
	{ "a bare LF is left out", "a\nb", "" },
	{ "a control character is left out", "a\x01" "b", "" },
	{ "DEL is left out", "a\x7f" "b", "" },
	{ "non-ASCII is left out", "j\xc3\xb6rg@example.com", "" },
	{ "an empty value is left out", "", "" },
};

static const struct comment_row {
	const char *name, *comment, *want;
} comment_rows[] = {
	{ "a plain comment", "p=reject dis=none", " (p=reject dis=none)" },
	{ "no comment", "", "" },
	{ "a comment cannot end itself", "a) dmarc=pass", " (a] dmarc=pass)" },
	{ "a comment cannot nest", "((a", " ([[a)" },
	{ "a comment cannot start a result", "a; dmarc=pass", " (a, dmarc=pass)" },
	{ "a comment cannot escape its end", "a\\", " (a/)" },
	{ "a comment cannot open a quote", "a\"b", " (a'b)" },
	{ "a comment cannot break the line", "a\r\nX: y", " (a??X: y)" },
	{ "a comment is ASCII", "\xc3\xb6", " (\?\?)" },
};

static const struct claim_row {
	const char *name, *value;
	bool        want;
} claim_rows[] = {
	{ "our id", "mx.example.com; spf=pass", true },
	{ "our id alone", "mx.example.com", true },
	{ "in other letters", " MX.Example.COM; none", true },
	{ "with a version", "mx.example.com 1; none", true },
	{ "with a version behind a slash", "mx.example.com/1; none", true },
	{ "behind a comment", " (x) mx.example.com; none", true },
	{ "behind nested comments with escapes", "(a (b) \\) ) mx.example.com; none", true },
	{ "before a comment", "mx.example.com(x); none", true },
	{ "in quotes", "\"mx.example.com\"; none", true },
	{ "in quotes with escapes", "\"mx\\.example.com\"; none", true },
	{ "folded", "\r\n\tmx.example.com\r\n\t; none", true },
	{ "with a dot at its end", "mx.example.com.; none", true },
	{ "followed by nonsense", "mx.example.com ,,,", true },
	{ "another id", "mx.example.net; none", false },
	{ "an id that ends like ours", "amx.example.com; none", false },
	{ "an id that begins like ours", "mx.example.com.example.net; none", false },
	{ "ours in a comment only", "(mx.example.com) mx.example.net; none", false },
	{ "ours in a value only", "mx.example.net; spf=pass smtp.mailfrom=mx.example.com", false },
	{ "nothing", "", false },
	{ "behind comments nested forty deep", "((((((((((((((((((((((((((((((((((((((((x)))))))))))))))))))))))))))))))))))))))) mx.example.com; dmarc=pass", true },
	{ "in a comment that does not end", "(mx.example.com; none", true },
	{ "in a quote that does not end", "\"MX.example.com; none", true },
	{ "another id in a quote that does not end", "\"mx.example.net; none", false },
};

/* What was read: id|method=result[reason](comment) name=value ...|... */
static const struct parse_row {
	const char *name, *value;
	bool        good;
	const char *want;
} parse_rows[] = {
	{ "no results", "mx.example.com; none", true, "mx.example.com" },
	{ "an id alone", "mx.example.com", true, "mx.example.com" },
	{ "a version is skipped", "mx.example.com 1; spf=pass", true, "mx.example.com|spf=pass" },
	{ "one result with a property", "mx.example.com; spf=fail smtp.mailfrom=example.net", true, "mx.example.com|spf=fail smtp.mailfrom=example.net" },
	{ "two results", "mx.example.com; spf=pass smtp.mailfrom=a@example.net; dkim=pass header.d=example.net header.s=s1", true,
	  "mx.example.com|spf=pass smtp.mailfrom=a@example.net|dkim=pass header.d=example.net header.s=s1" },
	{ "a comment and a reason", "mx.example.com; dkim=fail (bad \\) key) reason=\"no \\\"key\\\"\" header.d=example.net", true,
	  "mx.example.com|dkim=fail[no \"key\"](bad \\) key) header.d=example.net" },
	{ "a quoted value", "mx.example.com; spf=pass smtp.mailfrom=\"a b\"", true, "mx.example.com|spf=pass smtp.mailfrom=a b" },
	{ "a quoted local part", "mx.example.com; spf=pass smtp.mailfrom=\"a b\"@example.net", true, "mx.example.com|spf=pass smtp.mailfrom=\"a b\"@example.net" },
	{ "a semicolon in quotes ends nothing", "mx.example.com; spf=fail smtp.mailfrom=\"a; dmarc=pass\"", true, "mx.example.com|spf=fail smtp.mailfrom=a; dmarc=pass" },
	{ "a semicolon in a comment ends nothing", "mx.example.com; spf=fail (a; dmarc=pass) smtp.helo=x", true, "mx.example.com|spf=fail(a; dmarc=pass) smtp.helo=x" },
	{ "white space and comments wherever they may stand", "mx.example.com ;\r\n\t spf (a) = (b) pass smtp (c) . (d) helo (e) = (f) x (g)", true, "mx.example.com|spf=pass(a) smtp.helo=x" },
	{ "a method version", "mx.example.com; spf/1=pass; dkim / 1 = none", true, "mx.example.com|spf=pass|dkim=none" },
	{ "case is folded where it may be", "mx.example.com; DKIM=Pass Header.D=Example.net", true, "mx.example.com|dkim=pass header.d=Example.net" },
	{ "methods we do not know are skipped", "mx.example.com; compauth=pass reason=100; dmarc=pass header.from=example.net", true, "mx.example.com|dmarc=pass header.from=example.net" },
	{ "a property without type is read", "mx.example.com; dmarc=fail action=none header.from=example.net", true, "mx.example.com|dmarc=fail action=none header.from=example.net" },
	{ "a field without authserv-id is read", "spf=pass (x) smtp.mailfrom=example.net; dkim=none", true, "|spf=pass(x) smtp.mailfrom=example.net|dkim=none" },
	{ "an empty value is read", "mx.example.com; spf=none smtp.mailfrom=; dkim=none", true, "mx.example.com|spf=none smtp.mailfrom=|dkim=none" },
	{ "a semicolon at the end is let pass", "mx.example.com; spf=pass;", true, "mx.example.com|spf=pass" },
	{ "a signature value with = in it", "mx.example.com; dkim=pass header.b=ab/c=", true, "mx.example.com|dkim=pass header.b=ab/c=" },
	{ "two words for an id do not parse", "mx.example.com x y; spf=pass", false, "" },
	{ "a result without = does not parse, what stood before is kept", "mx.example.com; spf=pass; dkim", false, "mx.example.com|spf=pass" },
	{ "a property without = does not parse", "mx.example.com; spf=pass smtp.helo", false, "mx.example.com" },
	{ "a quote that does not end does not parse", "mx.example.com; spf=pass smtp.helo=\"x", false, "mx.example.com" },
	{ "a comment that does not end does not parse", "mx.example.com; spf=pass (x", false, "mx.example.com" },
	{ "comments nested too deeply do not parse", "((((((((((((((((( x", false, "" },
	{ "nothing does not parse", "", false, "" },
};

static void
check_value(void **state)
{
	const struct value_row *row = *state;
	struct arena           *a = arena_new(100000);
	struct authres_result   r = { METHOD_SPF, RESULT_FAIL, B(""), { { "smtp", "mailfrom", bytes_of(row->value) } }, 1 };

	assert_bytes(authres_write(a, B("mx.example.com"), &r, 1), arena_printf(a, "mx.example.com; spf=fail%s", row->want));
	arena_free(a);
}

static void
check_comment(void **state)
{
	const struct comment_row *row = *state;
	struct arena             *a = arena_new(100000);
	struct authres_result     r = { .method = METHOD_DMARC, .result = RESULT_PASS, .comment = bytes_of(row->comment) };

	assert_bytes(authres_write(a, B("mx.example.com"), &r, 1), arena_printf(a, "mx.example.com; dmarc=pass%s", row->want));
	arena_free(a);
}

static void
check_claim(void **state)
{
	const struct claim_row *row = *state;
	struct arena           *a = arena_new(100000);

	assert_int_equal(authres_claims(a, bytes_of(row->value), B("mx.example.com")), row->want);
	arena_free(a);
}

static struct bytes
shown(struct arena *a, const struct authres *r)
{
	struct bytes out = r->authserv_id;

	for (size_t i = 0; i < r->count; i++) {
		const struct authres_said *s = &r->said[i];
		out = arena_printf(a, "%.*s|%.*s=%.*s", B_FMT(out), B_FMT(s->method), B_FMT(s->result));
		if (s->reason.len > 0)
			out = arena_printf(a, "%.*s[%.*s]", B_FMT(out), B_FMT(s->reason));
		if (s->comment.len > 0)
			out = arena_printf(a, "%.*s(%.*s)", B_FMT(out), B_FMT(s->comment));
		for (size_t j = 0; j < s->prop_count; j++)
			out = arena_printf(a, "%.*s %.*s=%.*s", B_FMT(out), B_FMT(s->props[j].name), B_FMT(s->props[j].value));
	}
	return out;
}

static void
check_parse(void **state)
{
	const struct parse_row *row = *state;
	struct arena           *a = arena_new(100000);
	struct authres          r;

	assert_int_equal(authres_parse(a, bytes_of(row->value), &r), row->good);
	assert_bytes(shown(a, &r), bytes_of(row->want));
	arena_free(a);
}

static void
at_most_32_results_are_read(void **state)
{
	struct arena  *a = arena_new(1000000);
	struct bytes   value = B("mx.example.com");
	struct authres r;

	(void)state;
	for (int i = 0; i < 40; i++)
		value = arena_join(a, value, B("; spf=pass"));
	assert_true(authres_parse(a, value, &r));
	assert_int_equal(r.count, 32);
	arena_free(a);
}

static void
no_results_and_a_strange_id(void **state)
{
	struct arena *a = arena_new(10000);

	(void)state;
	assert_bytes(authres_write(a, B("mx.example.com"), NULL, 0), B("mx.example.com; none"));
	assert_bytes(authres_write(a, B("mx example"), NULL, 0), B("\"mx example\"; none"));
	assert_bytes(authres_write(a, B("mx\r\nX: y"), NULL, 0), B("unknown; none"));
	arena_free(a);
}

static void
folding_keeps_what_is_said(void **state)
{
	struct arena         *a = arena_new(100000);
	struct bytes          quoted = B("a; b c");
	struct authres_result r[2] = {
		{ METHOD_SPF, RESULT_PASS, B("x, y z"), { { "smtp", "mailfrom", quoted } }, 1 },
		{ METHOD_DKIM, RESULT_NONE, B(""), { { NULL, NULL, B_NONE } }, 0 },
	};

	(void)state;
	struct bytes body = authres_write(a, B("mx.example.com"), r, 2);
	assert_bytes(authres_fold(a, body), B("mx.example.com;\r\n\tspf=pass (x, y z) smtp.mailfrom=\"a; b c\";\r\n\tdkim=none"));
	arena_free(a);
}

static void
no_line_grows_over_998(void **state)
{
	struct arena         *a = arena_new(100000);
	struct authres_result r = { .method = METHOD_SPF, .result = RESULT_PASS, .prop_count = AUTHRES_PROPS };
	char                  fill[600];
	struct bytes          line;

	(void)state;
	for (size_t i = 0; i < sizeof(fill); i++)
		fill[i] = 'x';
	r.comment = bytes_make(fill, sizeof(fill));
	for (size_t i = 0; i < AUTHRES_PROPS; i++)
		r.props[i] = (struct authres_prop){ "smtp", "helo", bytes_make(fill, i == 0 ? 401 : 400) };
	struct bytes folded = authres_fold(a, authres_write(a, B("mx.example.com"), &r, 1));
	assert_true(folded.len > 5 * 400 && folded.len < 6 * 450);
	while (bytes_cut_line(&folded, &line))
		assert_true(line.len < 998);
	arena_free(a);
}

static void
spent_memory_is_told(void **state)
{
	struct arena  *a = arena_new(8);
	struct authres r;

	(void)state;
	assert_null(authres_write(a, B("mx.example.com"), NULL, 0).at);
	assert_true(arena_overdrawn(a));
	assert_false(authres_parse(a, B("mx.example.com; spf=pass"), &r));
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(value_rows, check_value);
	ROWS_ADD(comment_rows, check_comment);
	ROWS_ADD(claim_rows, check_claim);
	ROWS_ADD(parse_rows, check_parse);
	rows_add("at most 32 results are read", at_most_32_results_are_read, NULL);
	rows_add("no results and a strange id", no_results_and_a_strange_id, NULL);
	rows_add("folding keeps what is said", folding_keeps_what_is_said, NULL);
	rows_add("no line grows over 998 octets", no_line_grows_over_998, NULL);
	rows_add("spent memory is told", spent_memory_is_told, NULL);
	return rows_run("authres");
}
