/* base/library_test.c: libraries that are opened when they are wanted. */
#include "base/rows.h"

#include <math.h>
#include <threads.h>

#include "base/library.h"

#define MATH_FUNCTIONS(X) X(floor) X(sqrt)
#define ODD_FUNCTIONS(X)  X(sqrt) X(cosine_of_nothing)

double cosine_of_nothing(double);

static struct {
	MATH_FUNCTIONS(LIBRARY_POINTER)
} math;
static struct {
	ODD_FUNCTIONS(LIBRARY_POINTER)
} odd;
static struct library there = LIBRARY("libm.so.6", "libc6", MATH_FUNCTIONS, &math);
static struct library absent = LIBRARY("libnowhere.so.4", "libnowhere4", MATH_FUNCTIONS, &math);
static struct library older = LIBRARY("libm.so.6", "libc6", ODD_FUNCTIONS, &odd);

static const struct missing_row {
	const char     *name;
	struct library *library;
	const char     *start; /* of the sentence; NULL: it is here */
	const char     *cause;
} missing_rows[] = {
	{ "a library that is here is not missing", &there, NULL, NULL },
	{ "one that is not here is told with its package", &absent, "libnowhere.so.4 cannot be loaded: apt-get install libnowhere4 (", "No such file" },
	{ "one that lacks a function is as good as none", &older, "libm.so.6 cannot be loaded: apt-get install libc6 (", "cosine_of_nothing" },
};

static void
check_missing(void **state)
{
	const struct missing_row *row = *state;
	const char               *why = library_missing(row->library);

	if (row->start == NULL) {
		assert_null(why);
		assert_true(math.sqrt(49.0) == 7.0 && math.floor(7.5) == 7.0);
	} else {
		assert_true(why != NULL && bytes_starts(bytes_of(why), bytes_of(row->start)));
		assert_true(bytes_find(bytes_of(why), bytes_of(row->cause)) < strlen(why));
		assert_ptr_equal(library_missing(row->library), why);
		assert_ptr_equal(library_trouble(), why);
	}
}

/* From several threads at once: each finds the table filled. */
static struct {
	MATH_FUNCTIONS(LIBRARY_POINTER)
} common;
static struct library shared = LIBRARY("libm.so.6", "libc6", MATH_FUNCTIONS, &common);

static int
want(void *arg)
{
	(void)arg;
	return library_missing(&shared) == NULL && common.sqrt(16.0) == 4.0;
}

static void
check_threads(void **state)
{
	thrd_t threads[8];
	int    fine = 0, all = 0;

	(void)state;
	for (size_t i = 0; i < NELEMS(threads); i++)
		assert_int_equal(thrd_create(&threads[i], want, NULL), thrd_success);
	for (size_t i = 0; i < NELEMS(threads); i++, all += fine)
		thrd_join(threads[i], &fine);
	assert_int_equal(all, (int)NELEMS(threads));
}

static const struct thread_row {
	const char *name;
} thread_rows[] = { { "threads that want one at the same time all get it" } };

int
main(void)
{
	ROWS_ADD(missing_rows, check_missing);
	return ROWS_RUN("library", thread_rows, check_threads);
}
