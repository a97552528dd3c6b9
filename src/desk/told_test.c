/* desk/told_test.c: what a record becomes, and what befell its terms. */
#include "desk/told.h"

#include "base/rows.h"

struct with {
	const char *sentence, *record, *want;
};

static const struct with withs[] = {
	{ "the term goes before all", "v=spf1 mx -all", "v=spf1 mx ip4:192.0.2.1 -all" },
	{ "whatever its qualifier, and without one", "v=spf1 a all", "v=spf1 a ip4:192.0.2.1 all" },
	{ "before redirect, which is looked at last", "v=spf1 redirect=_spf.example.com", "v=spf1 ip4:192.0.2.1 redirect=_spf.example.com" },
	{ "once, where all comes twice", "v=spf1 ~all -all", "v=spf1 ip4:192.0.2.1 ~all -all" },
	{ "at the end, where nothing ends the record", "v=spf1 mx", "v=spf1 mx ip4:192.0.2.1" },
	{ "runs of blanks become one", "v=spf1  mx   -all ", "v=spf1 mx ip4:192.0.2.1 -all" },
	{ "a term that only begins like all does not end it", "v=spf1 a:all.example.com -all", "v=spf1 a:all.example.com ip4:192.0.2.1 -all" },
};

static void
check_with(void **state)
{
	const struct with *r = *state;
	struct arena      *a = arena_new(65536);

	assert_bytes(told_spf_with(a, bytes_of(r->record), B("ip4:192.0.2.1")), bytes_of(r->want));
	arena_free(a);
}

struct term {
	const char *sentence, *result, *mechanism, *detail, *want;
};

#define ANSWER "google=1, v=spf1 ip4:192.0.2.0/24 include:a.example -all, other"

static const struct term terms[] = {
	{ "the term that matched, and what stands around it", "pass", "include:a.example", "",
	  "<code>ip4:192.0.2.0/24</code> <span>did not match</span></li><li class=\"hit\"><code>include:a.example</code> <span>matched</span></li>"
	  "<li class=\"miss\"><code>-all</code> <span>not reached</span>" },
	{ "all matches without its qualifier", "fail", "all", "all", "<li class=\"hit\"><code>-all</code> <span>matched</span>" },
	{ "trouble is named by its detail", "permerror", "", "11 of 10 lookups, at include:a.example",
	  "<li class=\"hit\"><code>include:a.example</code> <span>ended in trouble</span></li><li class=\"miss\"><code>-all</code> <span>not reached</span>" },
	{ "where nothing is known nothing is claimed", "permerror", "", "two records",
	  "<code>include:a.example</code> <span></span></li><li class=\"miss\"><code>-all</code> <span></span>" },
};

static void
check_terms(void **state)
{
	const struct term *r = *state;
	struct arena      *a = arena_new(65536);
	struct buf         out = { 0 };
	struct bytes       text = arena_printf(a,
	                                       "{\"spf\":{\"result\":\"%s\",\"domain\":\"example.com\",\"mechanism\":\"%s\",\"detail\":\"%s\"},"
	                                             "\"account\":[{\"check\":\"spf\",\"asked\":\"TXT example.com\",\"answer\":\"" ANSWER "\"}]}",
	                                       r->result, r->mechanism, r->detail);
	const struct doc  *story = doc_read(a, text);

	assert_non_null(story);
	told_checks(&out, a, story);
	struct bytes page = buf_bytes(&out);
	if (bytes_find(page, bytes_of(r->want)) == page.len)
		print_error("%.*s\n", B_FMT(page));
	assert_true(bytes_find(page, bytes_of(r->want)) < page.len);
	assert_true(bytes_find(page, B("google=1")) == page.len);
	buf_free(&out);
	arena_free(a);
}

static void
deep_is_refused(void **state)
{
	struct arena *a = arena_new(65536);

	(void)state;
	assert_null(doc_read(a, B("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]")));
	assert_null(doc_read(a, B("{\"a\":1,\"a\":2}")));
	const struct doc *d = doc_read(a, B("{\"a\":{\"b\":\"[[[[\",\"c\":null}}"));
	assert_bytes(doc_text(d, "a.b"), B("[[[["));
	assert_bytes(doc_text(d, "a.c"), B(""));
	assert_bytes(doc_text(d, "a.b.c"), B(""));
	assert_bytes(doc_text(NULL, "a"), B(""));
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(withs, check_with);
	ROWS_ADD(terms, check_terms);
	rows_add("a document that is too deep or doubled is none, and what is not there is empty", deep_is_refused, NULL);
	return rows_run("desk/told");
}
