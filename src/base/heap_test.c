/* base/heap_test.c: what was asked for at once is not asked for again. */
#include "base/rows.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/heap.h"

#define OCTETS ((size_t)4 << 20)
#define PAGE   4096

static long
faults(void)
{
	struct rusage use;

	assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
	return use.ru_minflt;
}

/* The kernel can: with 23 (MADV_POPULATE_WRITE), which older headers do not name. */
static bool
system_populates(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool  can = page != MAP_FAILED && madvise(page, PAGE, 23) == 0;

	if (page != MAP_FAILED)
		munmap(page, PAGE);
	return can;
}

/* Sanitizers and valgrind have one of their own, of which mallinfo2() tells nothing. */
static bool
malloc_is_of_libc(void)
{
	free(malloc(1000));
	return mallinfo2().arena > 0;
}

static void
touching_takes_no_page(void **state)
{
	(void)state;
	if (!malloc_is_of_libc() || !system_populates())
		skip();
	heap_ready(OCTETS);
	long  before = faults();
	char *room = malloc(OCTETS / 2);
	assert_non_null(room);
	memset(room, 1, OCTETS / 2);
	long taken = faults() - before;
	free(room);
	/* Without, it would be one for each page. */
	assert_in_range(taken, 0, OCTETS / 2 / PAGE / 8);
}

static void
more_than_that_is_given_too(void **state)
{
	char *room = malloc(4 * OCTETS);

	(void)state;
	assert_non_null(room);
	memset(room, 1, 4 * OCTETS);
	free(room);
}

int
main(void)
{
	rows_add("memory that was taken at once costs no fault when it is touched", touching_takes_no_page, NULL);
	rows_add("more than was taken is there as ever", more_than_that_is_given_too, NULL);
	return rows_run("heap");
}
