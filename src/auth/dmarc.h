/* auth/dmarc.h: DMARC, RFC 9989: does the From domain answer for this message,
 * and what does it ask to do if not?
 *
 * The tree walk (4.10) asks at most eight questions an identifier; the walks
 * for the SPF and DKIM domains are made only where alignment could hang on
 * them. With DISCOVERY_PSL the organizational domains come from the list. */
#ifndef AUTH_DMARC_H
#define AUTH_DMARC_H

#include "auth/suffix.h"
#include "base/arena.h"
#include "base/ask.h"
#include "mail/finding.h"

enum discovery { DISCOVERY_TREEWALK, DISCOVERY_PSL };
enum dmarc_policy { POLICY_ABSENT, POLICY_NONE, POLICY_QUARANTINE, POLICY_REJECT };

/* What SPF or one DKIM signature concluded. */
struct dmarc_identity {
	struct bytes domain; /* normal */
	enum result  result;
};

struct dmarc_query {
	struct bytes                 from_domain; /* normal */
	struct dmarc_identity        spf; /* of MAIL FROM (or postmaster@HELO for a null sender), never of HELO alone */
	const struct dmarc_identity *dkim;
	size_t                       dkim_count;
	enum discovery               discovery;
	const struct suffix         *suffix; /* may be NULL: then the comparison is left out */
};

struct dmarc_report {
	enum dmarc_policy   policy; /* published for this domain: p, sp or np; ABSENT: no record */
	enum dmarc_policy   applied; /* after t=y, before overrides; ABSENT: no record */
	bool                existence_unknown; /* so np might apply instead of `policy`, and ask for more */
	bool                testing; /* t=y */
	bool                strict_spf, strict_dkim; /* aspf=s, adkim=s */
	struct bytes        policy_domain; /* where the record stands */
	struct bytes        org_domain; /* of From; empty: not found out */
	struct bytes        org_domain_other; /* what the other discovery gives, if it differs; else empty */
	enum discovery      discovery; /* the one used: without a list it is the tree walk */
	struct bytes        record; /* its text */
	const struct bytes *queries; /* distinct names of the From walk, in order */
	size_t              query_count;
	const struct bytes *rua, *ruf; /* the URIs as written */
	size_t              rua_count, ruf_count;
	struct bytes        fo; /* as written; empty: none */
	bool                spf_aligned; /* SPF passed, and for an aligned domain */
	bool                dkim_passed; /* some signature passed, and for an aligned domain */
	const bool         *dkim_aligned; /* one for each query.dkim: passed or not, its domain is aligned */
};

struct dmarc;

/* The query is copied, its bytes are borrowed until the arena goes. NULL only when memory is spent. */
struct dmarc *dmarc_new(struct arena *, const struct dmarc_query *);

/* METHOD_DMARC: none, pass, fail, temperror, permerror. The record's parsed
 * form is kept in the answer's slot. Trouble with a question that the verdict
 * needs is temperror (5.3.6). If the record of the From domain itself was not
 * found out, SPF and DKIM for exactly that domain are reported as aligned all
 * the same: no record could say otherwise. */
enum step dmarc_step(struct dmarc *, const struct answer *, struct ask *ask_out, struct finding *finding_out) MUST_USE;

const struct dmarc_report *dmarc_report(const struct dmarc *);
const char                *policy_word(enum dmarc_policy); /* NULL for ABSENT */

#endif
