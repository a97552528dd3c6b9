/* base/heap.c: see heap.h. */
#include "base/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* Blocks up to here come from the heap, and so much of it may lie free at its end. */
#define KEPT_MAX (64 << 20)

void
heap_ready(size_t octets)
{
	if (mallopt(M_MMAP_THRESHOLD, KEPT_MAX / 2) == 0 || mallopt(M_TRIM_THRESHOLD, KEPT_MAX) == 0)
		return;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char  *room = malloc(octets);
	if (room == NULL || octets < 2 * page)
		goto out;
	uintptr_t first = ((uintptr_t)room + page - 1) / page * page, past = ((uintptr_t)room + octets) / page * page;
	/* It may fail: then pages are taken when they are touched. */
	(void)madvise(room + (first - (uintptr_t)room), past - first, MADV_POPULATE_WRITE);
out:
	free(room);
}
