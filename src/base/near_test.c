/* base/near_test.c: how near two words are. */
#include "base/rows.h"

#include "base/near.h"

static const struct distance_row {
	const char *name, *a, *b;
	unsigned    want;
} distance_rows[] = {
	{ "a word is at no distance from itself", "listen", "listen", 0 },
	{ "case does not count", "Listen", "lISTEN", 0 },
	{ "two neighbours swapped are one step", "lisetn", "listen", 1 },
	{ "one letter left out is one step", "isten", "listen", 1 },
	{ "one letter too many is one step", "listten", "listen", 1 },
	{ "one wrong letter is one step", "lisben", "listen", 1 },
	{ "an empty word is as far as the other is long", "", "listen", 6 },
	{ "steps add up", "kitten", "sitting", 3 },
	{ "an overlong word is near to nothing", "0123456789012345678901234567890123456789012345678901234567890123", "listen", NEAR_WORD_MAX + 1 },
};

static void
check_distance(void **state)
{
	const struct distance_row *row = *state;

	assert_int_equal(near_distance(bytes_of(row->a), bytes_of(row->b)), row->want);
	assert_int_equal(near_distance(bytes_of(row->b), bytes_of(row->a)), row->want);
}

static const struct offer_row {
	const char *name, *asked, *want;
} offer_rows[] = {
	{ "the nearest word wins", "threds", "threads" },
	{ "of equals the first wins", "modf", "mode" },
	{ "a strange word gets no advice", "xyzzy", "" },
	{ "a short word is not replaced whole", "abcd", "" },
};

static void
check_offer(void **state)
{
	const struct offer_row *row = *state;
	struct near             near = { .asked = bytes_of(row->asked) };
	static const char      *known[] = { "mode", "modes", "threads", "thread_limit", "log" };

	for (size_t i = 0; i < NELEMS(known); i++)
		near_offer(&near, bytes_of(known[i]));
	assert_bytes(near.best, bytes_of(row->want));
}

int
main(void)
{
	ROWS_ADD(distance_rows, check_distance);
	return ROWS_RUN("near", offer_rows, check_offer);
}
