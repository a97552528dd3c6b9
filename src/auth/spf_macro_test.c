/* auth/spf_macro_test.c: macros checked, expanded and made names. */
#include "base/rows.h"

#include <string.h>

#include "auth/spf_macro.h"

static const struct row {
	const char *name, *text, *want; /* NULL: it cannot be expanded */
} rows[] = {
	{ "no macro", "a.example.org", "a.example.org" },
	{ "s is the whole sender", "%{s}", "mary-ann.o@mail.example.com" },
	{ "l is the local-part, as it is", "%{l}", "mary-ann.o" },
	{ "o is the sender's domain", "%{o}", "mail.example.com" },
	{ "d is the current domain", "%{d}", "_spf.example.net" },
	{ "h is HELO", "%{h}", "gate.example.org" },
	{ "p is the client's name", "%{p}", "client.example.org" },
	{ "i and v of IPv4", "%{i}/%{v}", "192.0.2.130/in-addr" },
	{ "two parts of the right", "%{d2}", "example.net" },
	{ "more parts than there are", "%{d9}", "_spf.example.net" },
	{ "reversed", "%{dr}", "net.example._spf" },
	{ "reversed, then the right of that", "%{d2r}", "example._spf" },
	{ "R is r", "%{d1R}", "_spf" },
	{ "split at a hyphen, joined with a dot", "%{l-}", "mary.ann.o" },
	{ "one part behind the hyphen", "%{l1-}", "ann.o" },
	{ "reversed at the hyphen", "%{lr-}", "ann.o.mary" },
	{ "two delimiters", "%{lr.-}", "o.ann.mary" },
	{ "a delimiter that is not there", "%{l1+}", "mary-ann.o" },
	{ "the address reversed", "%{ir}.%{v}.arpa", "130.2.0.192.in-addr.arpa" },
	{ "percent, space and escaped space", "%%|%_|%-", "%| |%20" },
	{ "upper case escapes for a URL", "%{S}", "mary-ann.o%40mail.example.com" },
	{ "upper case with transformers", "%{L1R-}", "mary" },
	{ "c, r and t", "%{c} %{r} %{t}", "192.0.2.130 mx.example.org 1760000000" },
	{ "a huge number of parts is all of them", "%{d99999999999999999999}", "_spf.example.net" },
	{ "nothing in, nothing out", "", "" },
};

static struct spf_scope
scope(void)
{
	return (struct spf_scope){ .sender = B("mary-ann.o@mail.example.com"),
		                   .local = B("mary-ann.o"),
		                   .origin = B("mail.example.com"),
		                   .domain = B("_spf.example.net"),
		                   .client = B("client.example.org"),
		                   .helo = B("gate.example.org"),
		                   .receiver = B("mx.example.org"),
		                   .ip = { 4, { 192, 0, 2, 130 } },
		                   .now = 1760000000 };
}

static void
expands(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new(10000);
	struct spf_scope  s = scope();
	struct spf_fault  fault;
	struct bytes      out = B_NONE;
	bool              p;

	assert_true(spf_text_check(bytes_of(row->text), SPF_EXPLANATION, &p, &fault));
	assert_true(spf_expand(a, bytes_of(row->text), &s, &out));
	assert_bytes(out, bytes_of(row->want));
	arena_free(a);
}

static const struct check_row {
	const char   *name, *text;
	enum spf_text kind;
	bool          ok;
	enum reason   reason; /* if not ok */
} checks[] = {
	{ "a name is a domain-spec", "a.example.org", SPF_DOMAIN_SPEC, true, 0 },
	{ "with a dot at its end too", "a.example.org.", SPF_DOMAIN_SPEC, true, 0 },
	{ "a macro may end it", "a.%{d}", SPF_DOMAIN_SPEC, true, 0 },
	{ "a macro may be all of it", "%{d}", SPF_DOMAIN_SPEC, true, 0 },
	{ "an escape may end it", "a%%", SPF_DOMAIN_SPEC, true, 0 },
	{ "a top label with a hyphen", "example.xn--p1ai", SPF_DOMAIN_SPEC, true, 0 },
	{ "a top label of digits and a hyphen", "example.1-2", SPF_DOMAIN_SPEC, true, 0 },
	{ "a top label that ends in a hyphen", "example.a-", SPF_DOMAIN_SPEC, false, REASON_SPF_SYNTAX },
	{ "a top label of digits", "example.12", SPF_DOMAIN_SPEC, false, REASON_SPF_SYNTAX },
	{ "two dots at the end", "example.org..", SPF_DOMAIN_SPEC, false, REASON_SPF_SYNTAX },
	{ "a macro and a label without a dot", "%{d}org", SPF_DOMAIN_SPEC, false, REASON_SPF_SYNTAX },
	{ "a macro, a dot and a label", "%{d}.org", SPF_DOMAIN_SPEC, true, 0 },
	{ "nothing", "", SPF_DOMAIN_SPEC, false, REASON_SPF_SYNTAX },
	{ "nothing is a fine modifier", "", SPF_MODIFIER, true, 0 },
	{ "a blank in a name", "a b.example.org", SPF_DOMAIN_SPEC, false, REASON_SPF_SYNTAX },
	{ "blanks in an explanation", "go away", SPF_EXPLANATION, true, 0 },
	{ "a control character in an explanation", "go\taway", SPF_EXPLANATION, false, REASON_SPF_SYNTAX },
	{ "percent at the end", "a.example.org%", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "percent before a letter", "%a.example.org", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "a macro without its end", "%{d", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "a macro without a letter", "%{}", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "a macro with a digit first", "%{2d}", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "r before digits", "%{dr2}", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "a delimiter that is none", "%{d!}", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "t outside explanations", "%{t}.example.org", SPF_DOMAIN_SPEC, false, REASON_SPF_MACRO_SYNTAX },
	{ "t in them", "%{t}", SPF_EXPLANATION, true, 0 },
};

static void
checks_text(void **state)
{
	const struct check_row *row = *state;
	struct spf_fault        fault = { 0 };
	bool                    p;

	assert_int_equal(spf_text_check(bytes_of(row->text), row->kind, &p, &fault), row->ok);
	if (!row->ok) {
		assert_string_equal(reason_word(fault.reason), reason_word(row->reason));
		assert_non_null(fault.why);
	}
}

static void
tells_of_p(void **state)
{
	struct spf_fault fault;
	bool             p = false;

	(void)state;
	assert_true(spf_text_check(B("%{d}.%{P1r-}.org"), SPF_DOMAIN_SPEC, &p, &fault));
	assert_true(p);
	assert_true(spf_text_check(B("%{d}.p.org"), SPF_DOMAIN_SPEC, &p, &fault));
	assert_false(p);
}

static void
nibbles(void **state)
{
	struct arena    *a = arena_new(10000);
	struct spf_scope s = scope();
	struct bytes     out = B_NONE;

	(void)state;
	assert_true(ip_parse(B("2001:db8::cb01"), &s.ip));
	assert_true(spf_expand(a, B("%{ir}.%{v} %{c}"), &s, &out));
	assert_bytes(out, B("1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6 2001:db8::cb01"));
	arena_free(a);
}

static void
local_part_in_utf8(void **state)
{
	struct arena    *a = arena_new(10000);
	struct spf_scope s = scope();
	struct bytes     out = B_NONE;

	(void)state;
	s.local = B("j\xc3\xb6rg");
	assert_false(spf_expand(a, B("%{l}.example.org"), &s, &out));
	assert_false(spf_expand(a, B("%{S}.example.org"), &s, &out));
	assert_true(spf_expand(a, B("%{o}.example.org"), &s, &out));
	assert_bytes(out, B("mail.example.com.example.org"));
	arena_free(a);
}

static void
too_long(void **state)
{
	struct arena    *a = arena_new(100000);
	struct spf_scope s = scope();
	struct bytes     out = B_NONE;
	char             helo[SPF_EXPANSION_MAX + 1];

	(void)state;
	memset(helo, 'h', sizeof(helo));
	s.helo = bytes_make(helo, SPF_EXPANSION_MAX);
	assert_true(spf_expand(a, B("%{h}"), &s, &out));
	assert_int_equal(out.len, SPF_EXPANSION_MAX);
	s.helo = bytes_make(helo, SPF_EXPANSION_MAX + 1);
	assert_false(spf_expand(a, B("%{h}"), &s, &out));
	helo[0] = '(';
	s.helo = bytes_make(helo, SPF_EXPANSION_MAX);
	assert_false(spf_expand(a, B("%{H}"), &s, &out));
	arena_free(a);
}

static void
names(void **state)
{
	char         text[400];
	struct bytes name = B("a.example.org.");

	(void)state;
	assert_true(spf_name_fit(&name));
	assert_bytes(name, B("a.example.org"));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 10 == 9 ? '.' : 'x';
	name = bytes_make(text, 303);
	assert_true(spf_name_fit(&name));
	assert_bytes(name, bytes_make(text + 50, 253));
	name = bytes_make(text, 304);
	assert_true(spf_name_fit(&name));
	assert_bytes(name, bytes_make(text + 60, 244));
	memset(text, 'x', sizeof(text));
	name = bytes_make(text, sizeof(text));
	assert_false(spf_name_fit(&name));
	name = bytes_make(text, 64);
	assert_false(spf_name_fit(&name));
	name = B("a..example.org");
	assert_false(spf_name_fit(&name));
	name = B(".");
	assert_false(spf_name_fit(&name));
	name = B("");
	assert_false(spf_name_fit(&name));
}

int
main(void)
{
	ROWS_ADD(rows, expands);
	ROWS_ADD(checks, checks_text);
	rows_add("%{p} is told of, however it is written", tells_of_p, NULL);
	rows_add("i of IPv6 is nibbles, c is not", nibbles, NULL);
	rows_add("a local-part that is not ASCII cannot be expanded (RFC 8616)", local_part_in_utf8, NULL);
	rows_add("an expansion is bounded", too_long, NULL);
	rows_add("names lose their left labels, and impossible ones are refused", names, NULL);
	return rows_run("spf_macro");
}
