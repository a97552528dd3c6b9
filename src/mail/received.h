/* mail/received.h: who gave a message to whom, from a Received field,
 * RFC 5321 section 4.4. Written by strangers: believe only those of hosts you trust. */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ip.h"

struct received {
	struct bytes helo; /* the word behind "from": what the client said */
	struct bytes host; /* its name by reverse DNS, from the comment; empty: not told or "unknown" */
	struct ip    ip; /* its address, from the comment or a bracketed helo; family 0: not told */
	struct bytes by;
	struct bytes with; /* "ESMTPS" */
	struct bytes id; /* the queue id at `by` */
	struct bytes date; /* behind the semicolon, unparsed */
};

/* Never fails: what is not found is empty. */
struct received received_parse(struct arena *, struct bytes value);

#endif
