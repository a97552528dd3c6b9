/* base/library.h: shared libraries that only some runs need.
 *
 * To load one costs each start of the program, and some bring a dozen others
 * along: so they are opened when they are first wanted, and the linker knows
 * nothing of them. One file of ours has the list of the functions that it calls:
 *
 *     #define PSL_FUNCTIONS(X) X(psl_builtin) X(psl_free)
 *     static struct { PSL_FUNCTIONS(LIBRARY_POINTER) } lib;
 *     static struct library library = LIBRARY("libpsl.so.5", "libpsl5", PSL_FUNCTIONS, &lib);
 *
 * asks library_missing() before the first call, and calls lib.psl_free(). Whoever
 * must not find out in the middle of a mail asks when it starts. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/rc.h"

struct library {
	const char        *file;
	const char        *package; /* of Debian */
	const char *const *names; /* of functions; NULL ends them */
	void              *table; /* their pointers, in the same order */
	atomic_int         state;
	char               why[256];
};

#define LIBRARY_POINTER(name) __typeof__(name) *name;
#define LIBRARY_NAME(name)    #name,
#define LIBRARY(file, package, functions, table) \
	{ (file), (package), (const char *const[]){ functions(LIBRARY_NAME) NULL }, (table), 0, "" }

/* NULL: it is here, and its table is filled. Else one sentence, which says what
 * to install; that answer holds as long as the process lives, and so does the
 * library. From any thread. */
const char *library_missing(struct library *) MUST_USE;

/* For who is told only that something could not be done: the sentence about a
 * library that was wanted and is missing; NULL: none is. */
const char *library_trouble(void);

#endif
