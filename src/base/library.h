/* base/library.h: shared libraries that only some runs need.
 *
 * To load one costs each start of the program, and some bring a dozen others
 * along: those are opened when they are first wanted. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"

struct library_symbol {
	const char *name;
	void       *at_out; /* where a pointer to the function goes */
};

/* False where the library, or one of the symbols, is not there. It stays open. */
bool library_open(const char *file, const struct library_symbol *, size_t count) MUST_USE;

#endif
