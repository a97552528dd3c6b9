/* diagnose/again.h: a refused mail held once more against what DNS publishes
 * now: SPF, the DKIM keys, DMARC, reverse DNS. Stepped: it asks one question at
 * a time and never waits.
 *
 * The message itself is gone, so a signature cannot be verified again: where a
 * key has come, only a new mail can tell. */
#ifndef DIAGNOSE_AGAIN_H
#define DIAGNOSE_AGAIN_H

#include "auth/dmarc.h"
#include "base/ask.h"
#include "diagnose/explain.h"
#include "mail/finding.h"

/* A signature of the mail, and what was found of it then. */
struct again_signature {
	struct bytes domain, selector;
	enum result  result;
	struct bytes reason; /* its word */
};

struct again_facts {
	struct ip                     client; /* family 0: not known */
	struct bytes                  helo, mail_from; /* as said, without <> */
	struct bytes                  from_domain;
	const struct again_signature *signatures;
	size_t                        signature_count;
	enum discovery                discovery;
	const struct suffix          *suffix; /* may be NULL */
	int64_t                       now; /* epoch */
};

#define AGAIN_SIGNATURES 5
#define AGAIN_CHECKS     (AGAIN_SIGNATURES + 3)

/* What would become of such a mail now, as far as DMARC decides. */
enum again_end { AGAIN_UNKNOWN, AGAIN_PASSES, AGAIN_PERHAPS, AGAIN_FAILS, AGAIN_SET_ASIDE };

struct again_line {
	struct checked checked; /* "spf", "dkim", "dmarc" or "ptr" */
	struct bytes   about; /* the domain or address */
	struct bytes   then; /* the result word; empty: it was not checked then */
};

struct again_report {
	struct again_line lines[AGAIN_CHECKS];
	size_t            count;
	enum again_end    end;
};

struct again;

/* The facts are copied, their bytes borrowed until the arena goes. NULL only when memory is spent. */
struct again *again_new(struct arena *, const struct again_facts *);
/* The first step ignores the answer; NULL later: the resolver gave up, which makes it unknown. */
enum step again_step(struct again *, const struct answer *, struct ask *ask_out) MUST_USE;
/* Right once done. What was found then is the caller's to add. */
struct again_report *again_report(struct again *);

#endif
