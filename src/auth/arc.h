/* auth/arc.h: ARC chain validation, RFC 8617 section 5.2.
 *
 * Experimental and on its way to Historic, but large providers still seal; a
 * valid chain of trusted sealers is evidence that mail passed before it was
 * forwarded. Whom to trust is policy's business: this reports who sealed. */
#ifndef AUTH_ARC_H
#define AUTH_ARC_H

#include "auth/bodyhash.h"
#include "mail/field.h"
#include "mail/finding.h"

#define ARC_MAX 50

struct arc_set {
	struct bytes sealer; /* d= of the ARC-Seal */
	struct bytes selector;
	struct bytes authserv_id; /* of the ARC-Authentication-Results */
	enum result  dmarc; /* what that field says of dmarc; RESULT_NONE: nothing */
	struct bytes dmarc_from; /* header.from= beside it; empty: not said */
};

struct arc_report {
	size_t                count; /* of sets */
	const struct arc_set *sets; /* instance 1 first */
};

struct arc;

/* Like dkim_new(), for all ARC sets of the message. NULL only when memory is spent. */
struct arc *arc_new(struct arena *, const struct header *header, struct bodyhash *body, int64_t now);

/* As dkim_step(): the first step when the header is whole; the first answer
 * after bodyhash_end(). Then a question for each key. METHOD_ARC: none, pass, fail, temperror, permerror. */
enum step arc_step(struct arc *, const struct answer *, struct ask *ask_out, struct finding *finding_out) MUST_USE;

const struct arc_report *arc_report(const struct arc *);

#endif
