/* diagnose/reverse.h: has an address a name in DNS that leads back to it? Of
 * several names any may, as RFC 8601 section 2.7.3 has it for iprev.
 * Stepped: one question for the names, and one for each. */
#ifndef DIAGNOSE_REVERSE_H
#define DIAGNOSE_REVERSE_H

#include "base/ask.h"
#include "diagnose/explain.h"
#include "mail/finding.h"

#define REVERSE_NAMES 10 /* that are looked at: as SPF has it, RFC 7208 section 4.6.4 */

struct reverse {
	struct ip    ip;
	bool         asked, trouble, more; /* more: names than that */
	struct bytes names[REVERSE_NAMES];
	size_t       count, at; /* at: whose address is asked for */
};

/* The first step ignores the answer. Done: `checked_out` is "ptr". */
enum step reverse_step(struct reverse *, struct arena *, const struct answer *, struct ask *ask_out, struct checked *checked_out) MUST_USE;

#endif
