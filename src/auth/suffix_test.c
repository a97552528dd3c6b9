/* auth/suffix_test.c: registrable domains from a list of our own. */
#include "base/rows.h"

#include "auth/suffix.h"

static const char list[] = "// ===BEGIN ICANN DOMAINS===\ncom\nuk\nco.uk\n*.ck\n!www.ck\n// ===END ICANN DOMAINS===\n";

static const struct row {
	const char *name, *in, *want;
} rows[] = {
	{ "a name below a suffix", "a.b.example.com", "example.com" },
	{ "a suffix of two labels", "www.example.co.uk", "example.co.uk" },
	{ "a public suffix has none", "co.uk", "" },
	{ "a wildcard", "x.y.other.ck", "y.other.ck" },
	{ "an exception to it", "x.www.ck", "www.ck" },
	{ "an unknown top level counts as a suffix", "a.b.unknowntld", "b.unknowntld" },
	{ "an empty name", "", "" },
};

static void
check(void **state)
{
	const struct row *row = *state;
	struct suffix    *s = suffix_new(B(list));

	assert_non_null(s);
	assert_bytes(suffix_registrable(s, bytes_of(row->in)), bytes_of(row->want));
	suffix_free(s);
}

int
main(void)
{
	return ROWS_RUN("suffix", rows, check);
}
