/* base/rows.h: for tests only: one cmocka test a row of a table.
 *
 * A row's first member is a const char *: a sentence that is true when the row
 * passes. In main():  return ROWS_RUN("spf", rows, check_row);  where
 * check_row(void **state) finds its row in *state. More than one table or plain
 * tests: collect them with rows_add() and end with rows_run(). */
#ifndef BASE_ROWS_H
#define BASE_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/rc.h"

static struct CMUnitTest *rows_tests;
static size_t             rows_count;

static inline void
rows_add(const char *name, CMUnitTestFunction fn, const void *row)
{
	rows_tests = realloc(rows_tests, (rows_count + 1) * sizeof(*rows_tests));
	if (rows_tests == NULL)
		abort();
	rows_tests[rows_count++] = (struct CMUnitTest){ name, fn, NULL, NULL, (void *)(uintptr_t)row };
}

static inline void
rows_add_table(const void *rows, size_t count, size_t size, CMUnitTestFunction fn)
{
	for (size_t i = 0; i < count; i++) {
		const char *row = (const char *)rows + i * size;
		rows_add(*(const char *const *)(const void *)row, fn, row);
	}
}

/* In the place of cmocka's own, which up to 1.1.5 calls what skip() left out "not ok # SKIP": failed, to who reads TAP. */
void
print_message(const char *const format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(strncmp(format, "not ok %u # SKIP", 16) == 0 ? format + 4 : format, args);
	va_end(args);
	fflush(stdout); /* or a child has it too */
}

static inline int
rows_run(const char *group)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = _cmocka_run_group_tests(group, rows_tests, rows_count, NULL, NULL);
	free(rows_tests);
	return failed;
}

#define ROWS_ADD(rows, fn)        rows_add_table((rows), NELEMS(rows), sizeof((rows)[0]), (fn))
#define ROWS_RUN(group, rows, fn) (ROWS_ADD(rows, fn), rows_run(group))

/* Compare and show both sides. */
#define assert_bytes(have, want) rows_assert_bytes((have), (want), __FILE__, __LINE__)

static inline void
rows_assert_bytes(struct bytes have, struct bytes want, const char *file, int line)
{
	if (bytes_eq(have, want))
		return;
	print_error("have \"%.*s\"\nwant \"%.*s\"\n", B_FMT(have), B_FMT(want));
	_fail(file, line);
}

#endif
