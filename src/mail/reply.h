/* mail/reply.h: an SMTP reply of one to ten lines, RFC 5321 section 4.2, with
 * an enhanced code (RFC 3463) on each. */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"

#define REPLY_LINES    10
#define REPLY_LINE_MAX 500 /* octets of a whole line, codes and all, without CRLF */

struct reply {
	unsigned     code; /* 400 to 599 */
	struct bytes enhanced; /* "5.7.509"; its class is that of the code */
	struct bytes lines[REPLY_LINES]; /* without codes; printable ASCII, no '%' */
	size_t       count; /* at least 1 */
};

/* Text made fit for a reply line: what is not printable ASCII becomes '?', '%'
 * becomes '?' too (Postfix and Sendmail unescape "%%"), runs of blanks one. */
struct bytes reply_text(struct arena *, struct bytes);

/* Append a text as one or more lines, broken at blanks so that none exceeds
 * REPLY_LINE_MAX with its codes; what does not fit into ten lines is left out
 * as a whole line, never half a word. */
void reply_add(struct arena *, struct reply *, struct bytes text);

/* As it goes over the wire: "550-5.7.509 ...", CRLF between lines and, if
 * `end`, behind the last. */
void reply_write(struct buf *, const struct reply *, bool end);

#endif
