/* mail/reason.h: the one catalogue of reasons.
 *
 * Every reason is a row of reason.def, and its words occur nowhere else:
 * replies, log, Authentication-Results comments, API, dashboard, docs/reasons.md
 * and explain are all made from the rows. A word is frozen once released. */
#ifndef MAIL_REASON_H
#define MAIL_REASON_H

#include "base/bytes.h"

enum reason {
#define REASON(symbol, word, owner, line, steps) REASON_##symbol,
#define REPLY(symbol, word, stage, code, exchange, iana, bounce, owner, line, steps) REASON_##symbol,
#include "mail/reason.def"
#undef REASON
#undef REPLY
	REASON_COUNT
};

enum owner { OWNER_NOBODY, OWNER_SENDER_USER, OWNER_SENDER_ADMIN, OWNER_RECIPIENT, OWNER_RECIPIENT_ADMIN, OWNER_THIRD_PARTY };

/* Where in the SMTP dialogue a reason is told. STAGE_NONE: it never is a reply. */
enum stage { STAGE_NONE, STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_EOM };

/* exchange: what Exchange Online says, which people and bounce parsers know;
 * iana: the meaning registered under RFC 5248. */
enum code_style { STYLE_EXCHANGE, STYLE_IANA };

struct reason_row {
	const char *word; /* "dmarc.reject" */
	enum stage  stage;
	unsigned    code; /* SMTP reply code; 0: never a reply */
	const char *exchange; /* "5.7.509"; NULL if never a reply */
	const char *iana;
	const char *bounce; /* the bounce word `explain` gives it; NULL: none */
	enum owner  owner; /* who can fix it */
	const char *line; /* a sentence; of a reply: its first line, {domain} {ip} {sender} filled in; in steps {term} too, "ip4:192.0.2.1" */
	const char *steps; /* what that person does, sentences separated by "\n" */
};

const struct reason_row *reason_row(enum reason);
const char              *reason_word(enum reason);
bool                     reason_of(struct bytes word, enum reason *reason_out);
const char              *owner_word(enum owner); /* "sender-admin" */
const char              *stage_word(enum stage); /* "eom"; NULL for STAGE_NONE */

#endif
