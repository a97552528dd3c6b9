/* mail/field_test.c: fields and domains. */
#include "base/rows.h"

#include "mail/domain.h"
#include "mail/field.h"

static const struct domain_row {
	const char *name, *in, *want; /* NULL: refused */
} domain_rows[] = {
	{ "case is folded", "Example.COM", "example.com" },
	{ "one trailing dot is dropped", "example.com.", "example.com" },
	{ "two trailing dots are refused", "example.com..", NULL },
	{ "an empty label is refused", "a..b", NULL },
	{ "U-labels become A-labels", "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "a full-width dot is a dot", "example\xe3\x80\x82" "com", "example.com" },
	{ "an address literal is refused", "192.0.2.1", NULL },
	{ "a bracketed literal is refused", "[192.0.2.1]", NULL },
	{ "a blank is refused", "exa mple.com", NULL },
	{ "a quote is refused", "exa\"mple.com", NULL },
	{ "octets that are not UTF-8 are refused", "ex\xff.com", NULL },
	{ "an underscore is let pass", "_dmarc.example.com", "_dmarc.example.com" },
};

static void
check_domain(void **state)
{
	const struct domain_row *row = *state;
	struct arena            *a = arena_new(10000);
	struct bytes             got = domain_normal(a, bytes_of(row->in));

	if (row->want == NULL)
		assert_null(got.at);
	else
		assert_bytes(got, bytes_of(row->want));
	arena_free(a);
}

static void
tails_and_kinship(void **state)
{
	(void)state;
	assert_bytes(domain_tail(B("a.b.c.d"), 2), B("c.d"));
	assert_bytes(domain_tail(B("c.d"), 5), B("c.d"));
	assert_true(domain_is_under(B("a.b"), B("b")));
	assert_true(domain_is_under(B("b"), B("b")));
	assert_false(domain_is_under(B("ab"), B("b")));
}

static void
comments_go_and_quotes_stay(void **state)
{
	struct arena *a = arena_new(10000);

	(void)state;
	assert_bytes(field_uncomment(a, B(" a (x (y) \\) z) \"(b)\"\r\n c")), B("a   \"(b)\" c"));
	assert_bytes(field_unfold(a, B(" a\r\n\tb ")), B("a\tb"));
	assert_bytes(field_unfold(a, B("a\r\r\n\n\tb\rc\n d")), B("a\tbc d"));
	arena_free(a);
}

static void
a_field_is_found_by_its_name(void **state)
{
	struct arena *a = arena_new(100000);
	struct header h = { 0 };

	(void)state;
	assert_true(header_add(a, &h, B("Subject"), B(" 1")));
	assert_true(header_add(a, &h, B("SUBJECT \t"), B(" 2")));
	assert_true(header_add(a, &h, B("Subjects"), B(" 3")));
	assert_true(header_add(a, &h, B("Sabject"), B(" 4")));
	assert_true(header_add(a, &h, B(" "), B(" 5")));
	assert_true(header_add(a, &h, B("subject"), B(" 6")));
	assert_int_equal(header_find(&h, B("sUBJECT"), 0), 0);
	assert_int_equal(header_find(&h, B("Subject"), 1), 1);
	assert_int_equal(header_find(&h, B("Subject"), 2), 5);
	assert_int_equal(header_find(&h, B("Subject"), 6), h.count);
	assert_int_equal(header_find(&h, B("Subjec"), 0), h.count);
	assert_int_equal(header_count(&h, B("subject")), 3);
	assert_true(field_is(&h.fields[1], B("Subject")));
	assert_false(field_is(&h.fields[2], B("Subject")));
	arena_free(a);
}

/* Its length is that of "From" in the bits that tell most strangers, and so are its ends. */
static void
a_name_that_only_begins_like_another_is_another(void **state)
{
	struct arena *a = arena_new(1000000);
	struct header h = { 0 };
	size_t        n = 65536 + 4;
	char         *name = arena_take(a, n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		name[i] = "From"[i % 4];
	struct field f = field_make(bytes_make(name, n), B(" a@example.org"));
	assert_false(field_is(&f, B("From")));
	assert_true(field_is(&f, bytes_make(name, n)));
	assert_true(header_add(a, &h, f.name, f.value));
	assert_int_equal(header_find(&h, B("From"), 0), h.count);
	assert_int_equal(header_count(&h, B("From")), 0);
	for (size_t i = 4; i < n; i++) /* blanks are none of the name, however many */
		name[i] = ' ';
	f = field_make(bytes_make(name, n), B(" a@example.org"));
	assert_true(field_is(&f, B("From")));
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(domain_rows, check_domain);
	rows_add("tails and kinship go by labels", tails_and_kinship, NULL);
	rows_add("comments go, quoted strings stay", comments_go_and_quotes_stay, NULL);
	rows_add("a field is found by its name, whatever its case and the blanks behind it", a_field_is_found_by_its_name, NULL);
	rows_add("a name that only begins like another is another", a_name_that_only_begins_like_another_is_another, NULL);
	return rows_run("field");
}
