/* auth/spf.h: SPF, RFC 7208: may this client use this domain?
 *
 * One struct spf evaluates one identity of one client. It is stepped: it asks
 * for DNS records, one question at a time, or it is done with a finding. */
#ifndef AUTH_SPF_H
#define AUTH_SPF_H

#include "base/arena.h"
#include "base/ask.h"
#include "base/ip.h"
#include "mail/finding.h"

enum spf_identity { SPF_MAILFROM, SPF_HELO };

struct spf_query {
	struct ip    ip; /* of the SMTP client */
	struct bytes helo; /* as said; may be anything */
	struct bytes mail_from; /* without <>; empty: null sender, checked as postmaster@HELO (2.4) */
	struct bytes receiver; /* our host name, for the r macro; empty: "unknown" (7.3) */
	int64_t      now; /* epoch, for the t macro */
};

/* What is known beside the finding. */
struct spf_report {
	enum spf_identity identity; /* what was checked: a null sender is SPF_MAILFROM all the same */
	struct bytes      domain; /* the domain checked */
	struct bytes      sender; /* the whole identity, local-part included */
	struct bytes      mechanism; /* the term that decided, without qualifier, "all"; empty: none */
	struct bytes      record; /* the text of the record of `domain`; empty: none */
	unsigned          lookups; /* terms that cost (4.6.4) */
	unsigned          voids;
	struct bytes      explanation; /* of exp=, ASCII; empty: none given */
};

struct spf;

/* Everything in the query is borrowed until the arena goes. NULL only when memory is spent. */
struct spf *spf_new(struct arena *, const struct spf_query *, enum spf_identity);

/* METHOD_SPF; none, neutral, pass, fail, softfail, temperror, permerror. The
 * record's parsed form is kept in the answer's slot. */
enum step spf_step(struct spf *, const struct answer *, struct ask *ask_out, struct finding *finding_out) MUST_USE;

/* Right once done; lookups and voids right at any time. */
const struct spf_report *spf_report(const struct spf *);

#endif
