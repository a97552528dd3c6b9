/* policy/facts.h: what was found out about one message; all that policy looks at.
 *
 * Gathered by the session, kept in the account, so that a decision can be made
 * again from stored facts under other settings. */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include "auth/arc.h"
#include "auth/dkim.h"
#include "auth/dmarc.h"
#include "auth/spf.h"
#include "base/ip.h"
#include "mail/address.h"
#include "mail/finding.h"

/* Why a client's mail is or is not judged. */
enum standing { STANDING_FOREIGN, STANDING_INTERNAL, STANDING_LOCAL, STANDING_AUTHENTICATED };

struct spf_fact {
	bool                     checked;
	struct finding           finding;
	const struct spf_report *report;
};

struct dkim_fact {
	struct finding            finding;
	const struct dkim_report *report; /* NULL: over the limit, not looked at */
	bool                      aligned;
};

struct facts {
	struct ip     client; /* the one judged: behind trusted_hops the first foreign hop */
	enum standing standing;
	struct bytes  helo;
	struct bytes  mail_from; /* without <> */

	struct finding from; /* METHOD_FROM */
	struct mailbox mailbox; /* if it passed */
	struct bytes   list_domain; /* of List-Id or List-Post, normal; empty: no such field */

	struct spf_fact            spf, spf_helo;
	const struct dkim_fact    *dkim; /* the order of the fields, top first */
	size_t                     dkim_count;
	struct finding             arc;
	const struct arc_report   *arc_report;
	struct finding             dmarc;
	const struct dmarc_report *dmarc_report; /* NULL: DMARC was not evaluated */

	bool overdrawn; /* memory for this message is spent: nothing above can be relied on */
	bool late; /* the message's deadline passed before all answers came */
};

const char *standing_word(enum standing); /* "foreign" */

#endif
