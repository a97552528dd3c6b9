/* desk/query_test.c: times as they stand in a URL. */
#include "desk/query.h"

#include "base/rows.h"

#define NOW ((int64_t)1800000000)

struct row {
	const char *sentence, *text;
	int64_t     want; /* seconds; -1: refused */
};

static const struct row rows[] = {
	{ "seconds since 1970", "1700000000", 1700000000 },
	{ "a date is its midnight, UTC", "2026-11-21", 1795219200 },
	{ "a leap day", "2024-02-29", 1709164800 },
	{ "the day after it", "2024-03-01", 1709251200 },
	{ "with hour and minute", "2026-11-21T03:05", 1795230300 },
	{ "with seconds and Z", "2026-11-21T03:05:07Z", 1795230307 },
	{ "hours before now", "24h", NOW - 86400 },
	{ "days before now", "7d", NOW - 7 * 86400 },
	{ "a month has its bounds", "2026-13-01", -1 },
	{ "an hour has its bounds", "2026-11-21T24:00", -1 },
	{ "nothing stands behind it", "2026-11-21T03:05:07Zx", -1 },
	{ "words are refused", "yesterday", -1 },
	{ "a unit alone is refused", "h", -1 },
	{ "so is nothing", "", -1 },
	{ "and what would not fit", "99999999999999999999", -1 },
};

static void
check_row(void **state)
{
	const struct row *r = *state;
	int64_t           at_us = -1000000;

	assert_int_equal(query_time(bytes_of(r->text), NOW * 1000000, &at_us), r->want >= 0);
	assert_int_equal(at_us / 1000000, r->want);
}

int
main(void)
{
	return ROWS_RUN("desk/query", rows, check_row);
}
