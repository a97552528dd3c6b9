/* diagnose/address_find_test.c: where an address begins in running text. */
#include "base/rows.h"

#include "diagnose/address_find.h"

static const struct row {
	const char *name, *text, *want;
} rows[] = {
	{ "between words", "of user@example.com it is said", "user@example.com" },
	{ "behind a route of transport", "SMTP=user@example.com", "user@example.com" },
	{ "behind one in the middle", "x=smtp=user@example.com", "user@example.com" },
	{ "behind an equals sign that is written in hexadecimal", "SMTP=3Duser@example.com", "user@example.com" },
	{ "with these two as its own", "3duser@example.com", "3duser@example.com" },
	{ "behind an apostrophe, a slash, a star, a dot, a hyphen", "'/*.-user@example.com", "user@example.com" },
	{ "an equals sign of its own", "a=b@example.com", "a=b@example.com" },
	{ "a first letter that a lead begins with", "sam@example.com", "sam@example.com" },
};

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct bytes      address;
	size_t            end;

	assert_true(address_find(bytes_of(row->text), 0, &address, &end));
	assert_bytes(address, bytes_of(row->want));
}

int
main(void)
{
	return ROWS_RUN("address_find", rows, check_row);
}
