/* session/account.h: the ordered story of one transaction.
 *
 * Every question asked, the answer it got, every finding, the decision, and
 * milliseconds: what `check` prints, the store keeps, the dashboard shows and
 * the reply's link leads to. It lives in the arena of the message. */
#ifndef SESSION_ACCOUNT_H
#define SESSION_ACCOUNT_H

#include "auth/arc.h"
#include "auth/dkim.h"
#include "auth/dmarc.h"
#include "auth/spf.h"
#include "base/codec.h"
#include "base/ip.h"
#include "mail/address.h"
#include "mail/finding.h"
#include "policy/decision.h"

/* A question and its answer, or a check and what it concluded. */
struct account_line {
	const char    *check; /* "spf", "spf-helo", "dkim", "arc", "dmarc", "from", "decision" */
	struct bytes   asked; /* "TXT example.com"; empty: this line is a conclusion */
	struct bytes   answer; /* "v=spf1 ..." , "nxdomain"; of a question only */
	bool           concludes;
	struct finding finding; /* if it concludes */
	uint64_t       took_us;
};

struct account_spf {
	bool                     checked;
	struct finding           finding;
	const struct spf_report *report;
};

struct account_dkim {
	struct finding            finding;
	const struct dkim_report *report; /* NULL: over the limit, not looked at */
	bool                      aligned;
};

struct account_recipient {
	struct bytes    address;
	struct decision decision;
	bool            refused; /* by the MTA or at RCPT: never came to the message */
};

/* Why a client's mail is or is not judged. */
enum standing { STANDING_FOREIGN, STANDING_INTERNAL, STANDING_LOCAL, STANDING_AUTHENTICATED };

struct account {
	char    id[ID_LEN + 1];
	int64_t began; /* epoch */
	bool    monitor; /* the decision was recorded, not enacted */

	struct ip     client; /* the one judged: behind trusted_hops the first foreign hop */
	struct ip     peer; /* the one that connected */
	struct bytes  client_host, helo, listener;
	struct bytes  tls_version, tls_cipher;
	struct bytes  login;
	enum standing standing;

	struct bytes              mail_from; /* without <> */
	struct account_recipient *recipients;
	size_t                    recipient_count;
	struct bytes              queue_id, message_id, subject;
	uint64_t                  size; /* of header and body as seen */

	struct finding  from; /* METHOD_FROM */
	struct mailbox  from_mailbox; /* if it passed */
	struct bytes   *from_addresses; /* as far as readable */
	size_t          from_count;

	struct account_spf         spf, spf_helo;
	struct account_dkim       *dkim;
	size_t                     dkim_count;
	struct finding             arc;
	const struct arc_report   *arc_report;
	bool                       arc_trusted;
	struct finding             dmarc;
	const struct dmarc_report *dmarc_report;

	struct decision decision;
	struct bytes    authentication_results; /* unfolded body */

	struct account_line *lines;
	size_t               line_count, line_room;
	uint64_t             took_us; /* from EOM to decision */
};

void account_asked(struct arena *, struct account *, const char *check, const struct ask *, const struct answer *, uint64_t took_us);
void account_concluded(struct arena *, struct account *, const char *check, struct finding, uint64_t took_us);

const char *standing_word(enum standing); /* "foreign" */

#endif
