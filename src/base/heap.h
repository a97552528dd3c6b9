/* base/heap.h: memory of a run that is short.
 *
 * What malloc() gives out first is taken from the system a page at a time, when
 * it is touched; of a program that ends after some milliseconds this is a good
 * part, the more so on a virtual machine. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

/* Takes so many octets at once, for malloc() to give out, and has it keep what is freed. Once, before threads
 * are made. Where the system cannot, all is as it was. */
void heap_ready(size_t octets);

#endif
