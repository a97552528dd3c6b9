/* auth/suffix.h: organizational domains by the Public Suffix List, as RFC 7489
 * section 3.2 wanted, for `discovery = psl` and for comparison. */
#ifndef AUTH_SUFFIX_H
#define AUTH_SUFFIX_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/library.h"

struct suffix;

extern struct library suffix_library;

/* From the text of a list file; an empty text: the list built into libpsl.
 * NULL when there is none, memory is spent or libpsl missing. Shared between threads, read only. */
struct suffix *suffix_new(struct bytes list);
void           suffix_free(struct suffix *);

/* The registrable domain of a normal domain name, a slice of it; empty when
 * the name is itself a public suffix. */
struct bytes suffix_registrable(const struct suffix *, struct bytes domain);

#endif
