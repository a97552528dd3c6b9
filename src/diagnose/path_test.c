/* diagnose/path_test.c: what is read of Received fields, and what is not. */
#include "base/rows.h"

#include "diagnose/path.h"

#define DATE "; Thu, 29 Apr 2010 23:34:45 +0900"
#define AT   INT64_C(1272551685)

static const struct row {
	const char *name, *value;
	const char *from, *ip, *by, *with;
	bool        tls;
	int64_t     at;
} rows[] = {
	{ "Postfix", "from a.example.org (a.example.org [192.0.2.1]) by mx.example.com (Postfix) with ESMTPS id 4F2" DATE, "a.example.org", "192.0.2.1", "mx.example.com", "ESMTPS", true, AT },
	{ "folded, with tabs and a blank in front of the comma", " from a.example.org\r\n\t([IPv6:2001:db8::1])\r\n\tby mx.example.com\twith SMTP;\r\n\tThu , 29 Apr 2010 23:34:45 +0900", "a.example.org",
	  "2001:db8::1", "mx.example.com", "SMTP", false, AT },
	{ "comments tell of TLS", "from a.example.org by mx.example.com (using TLSv1.3 with cipher X) with ESMTP" DATE, "a.example.org", "", "mx.example.com", "cipher", true, AT },
	{ "a version in a comment does, too", "by mx.example.com with SMTP id 1 ((version=TLS1_2 cipher=X))" DATE, "", "", "mx.example.com", "SMTP", true, AT },
	{ "what is behind a name in the same word is not of it", "from a.example.org(helo) by mx.example.com;x", "a.example.org", "", "mx.example.com", "", false, 0 },
	{ "the first clause counts", "from a.example.org by mx.example.com by mx.example.net with SMTP with ESMTPA", "a.example.org", "", "mx.example.com", "SMTP", false, 0 },
	{ "a clause word may be a value, and a clause", "from by mx.example.com", "by", "", "mx.example.com", "", false, 0 },
	{ "a clause word at the end has none", "from a.example.org by", "a.example.org", "", "", "", false, 0 },
	{ "a control is part of a word, wherever it stands", "from a\x01" "bcdefgh.example.org by \x1f" "a by mx\x02", "a\x01" "bcdefgh.example.org", "", "\x1f" "a", "", false, 0 },
	{ "an address of five parts, or above 255, is none", "from a ([192.0.2.1.2]) ([192.0.2.256]) ([192.0.2.01]) by mx.example.com", "a", "", "mx.example.com", "", false, 0 },
	{ "no seconds, no zone, no weekday, two digits of the year", "by mx.example.com; 29 Apr 10 14:34", "", "", "mx.example.com", "", false, AT - 45 },
	{ "a leap second", "by mx.example.com; 29 Apr 2010 14:34:60 GMT", "", "", "mx.example.com", "", false, AT + 15 },
	{ "a minute of 61 is no date", "by mx.example.com; 29 Apr 2010 14:61:45 GMT", "", "", "mx.example.com", "", false, 0 },
	{ "a clock of hours only", "by mx.example.com; 29 Apr 2010 14 GMT", "", "", "mx.example.com", "", false, AT - (34 * 60 + 45) },
	{ "an empty part of a clock is no date", "by mx.example.com; 29 Apr 2010 14::45 GMT", "", "", "mx.example.com", "", false, 0 },
};

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new(1 << 16);
	struct header     h = { 0 };

	assert_true(header_add(a, &h, B("Subject"), B(" by example.org")));
	assert_true(header_add(a, &h, B("received"), bytes_of(row->value)));
	struct path *p = path_read(a, &h);
	assert_non_null(p);
	assert_int_equal(p->count, 1);
	assert_bytes(p->hops[0].from, bytes_of(row->from));
	assert_bytes(p->hops[0].ip, bytes_of(row->ip));
	assert_bytes(p->hops[0].by, bytes_of(row->by));
	assert_bytes(p->hops[0].with, bytes_of(row->with));
	assert_int_equal(p->hops[0].tls, row->tls);
	assert_int_equal(p->hops[0].at, row->at);
	arena_free(a);
}

static void
of_many_hops_the_oldest_are_kept(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct header h = { 0 };

	(void)state;
	for (int i = 0; i < 2 * PATH_HOPS_MAX + 5; i++)
		assert_true(header_add(a, &h, B("Received"), arena_printf(a, "from h%d.example.org by h%d.example.org" DATE, i + 1, i)));
	struct path *p = path_read(a, &h);
	assert_non_null(p);
	assert_int_equal(p->count, PATH_HOPS_MAX);
	for (int i = 0; i < PATH_HOPS_MAX; i++)
		assert_bytes(p->hops[i].by, arena_printf(a, "h%d.example.org", 2 * PATH_HOPS_MAX + 4 - i));
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check_row);
	rows_add("of many hops the oldest are kept, the oldest first", of_many_hops_the_oldest_are_kept, NULL);
	return rows_run("path");
}
