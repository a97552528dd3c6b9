/* mail/finding.h: what one check concluded about one identity.
 *
 * Never a bare pass or fail: a finding says by which method, the result word
 * of RFC 8601 section 2.7, the reason (a row of reason.def), whom it is about
 * and what was seen. Small, copied by value; the bytes live in the arena of
 * the message. */
#ifndef MAIL_FINDING_H
#define MAIL_FINDING_H

#include "base/ask.h"
#include "base/bytes.h"
#include "mail/reason.h"

enum method { METHOD_SPF, METHOD_DKIM, METHOD_ARC, METHOD_DMARC, METHOD_IPREV, METHOD_FROM };

enum result {
	RESULT_NONE,
	RESULT_PASS,
	RESULT_FAIL,
	RESULT_SOFTFAIL,
	RESULT_NEUTRAL,
	RESULT_POLICY,
	RESULT_TEMPERROR,
	RESULT_PERMERROR,
};

struct finding {
	enum method  method;
	enum result  result;
	enum reason  reason;
	struct bytes domain; /* whom it is about, A-labels, lower case; may be empty */
	struct bytes detail; /* what we saw, for people: "11 of 10 lookups"; may be empty */
};

/* A thinker is stepped: it asks, or it is done. The first call ignores the
 * answer; each later one brings the answer to the question before (NULL: the
 * resolver gave up, which counts as a time-out). Once done it is not stepped again. */
enum step { STEP_ASKS, STEP_DONE };

const char *method_word(enum method); /* "spf" */
const char *result_word(enum result); /* "softfail" */
bool        result_of(struct bytes word, enum result *result_out); /* any case */

/* Which of a method's three reasons fits a troubled answer (NULL: time-out). */
enum reason reason_of_trouble(const struct answer *, enum reason timeout, enum reason servfail, enum reason bogus);

#endif
