/* session/account.h: the ordered story of one transaction.
 *
 * Every question asked, the answer it got, every finding, the decision, and
 * milliseconds: what `check` prints, the store keeps, the dashboard shows and
 * the reply's link leads to. It lives in the arena of the message. */
#ifndef SESSION_ACCOUNT_H
#define SESSION_ACCOUNT_H

#include "base/codec.h"
#include "policy/decision.h"
#include "policy/facts.h"

/* A question and its answer, or a check and what it concluded. */
struct account_line {
	const char    *check; /* "spf", "spf-helo", "dkim", "arc", "dmarc", "from", "decision" */
	struct bytes   asked; /* "TXT example.com"; empty: this line is a conclusion */
	struct bytes   answer; /* "v=spf1 ..." , "nxdomain"; of a question only */
	bool           concludes;
	struct finding finding; /* if it concludes */
	uint64_t       took_us;
};

struct account_recipient {
	struct bytes    address;
	struct decision decision;
	bool            refused; /* by the MTA or at RCPT: never came to the message */
};

struct account {
	char    id[ID_LEN + 1];
	int64_t began; /* epoch */
	bool    monitor; /* the decision was recorded, not enacted */
	bool    kept; /* its rows are in the store already, with a copy of the message */

	struct facts facts;

	struct ip    peer; /* the client that connected; facts.client is the one judged */
	struct bytes peer_host, listener;
	struct bytes tls_version, tls_cipher;
	struct bytes login;

	struct account_recipient *recipients;
	size_t                    recipient_count, recipient_room;
	struct bytes              queue_id, message_id, subject;
	uint64_t                  size; /* octets of header and body as seen */
	struct bytes             *from_addresses; /* of the first From field, as far as readable */
	size_t                    from_count;
	bool                      arc_trusted;

	struct decision decision;
	struct bytes    authentication_results; /* unfolded body */

	struct account_line *lines;
	size_t               line_count, line_room;
	uint64_t             took_us; /* from EOM to decision */
};

/* One for each transaction, in its arena. NULL only when memory is spent. */
struct account *account_new(struct arena *, const uint8_t random[8], int64_t epoch);

/* Append a line. `answer` NULL: none came in time. */
void account_asked(struct arena *, struct account *, const char *check, const struct ask *, const struct answer *, uint64_t took_us);
void account_concluded(struct arena *, struct account *, const char *check, struct finding, uint64_t took_us);

#endif
