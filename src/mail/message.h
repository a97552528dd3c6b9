/* mail/message.h: a whole message cut into fields and body, RFC 5322 section 2.
 *
 * For those who have a message as one file. CRLF is the rule; a message with
 * no CRLF at all is read with LF (or else CR) as CRLF, and a leading "From "
 * line and a byte order mark are dropped. A bare LF ends a header line too. */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "mail/field.h"

struct message {
	struct header header;
	struct bytes  body; /* behind the empty line; CRLF line ends where the message had them */
	/* The header ended at this line, which is no field and not empty: it and what
	 * follows is body (as MTAs do). Empty otherwise. A "From" folded before its
	 * colon is such a line, and also a field of the header: some readers find it,
	 * and from_of() shall refuse it. */
	struct bytes  broken;
};

/* Bytes are borrowed from `text` unless line ends had to be changed. False only
 * when memory is spent; then the message has the fields that there was room for, and no body. */
bool message_split(struct arena *, struct bytes text, struct message *message_out);

#endif
