/* diagnose/reverse.h: has an address a name in DNS that leads back to it?
 * Stepped: two questions at most. */
#ifndef DIAGNOSE_REVERSE_H
#define DIAGNOSE_REVERSE_H

#include "base/ask.h"
#include "diagnose/explain.h"
#include "mail/finding.h"

struct reverse {
	struct ip    ip;
	bool         asked;
	struct bytes name; /* empty: not known yet */
};

/* The first step ignores the answer. Done: `checked_out` is "ptr". */
enum step reverse_step(struct reverse *, struct arena *, const struct answer *, struct ask *ask_out, struct checked *checked_out) MUST_USE;

#endif
