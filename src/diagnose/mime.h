/* diagnose/mime.h: a bounded scanner for the MIME structure of a whole message,
 * RFC 2045, 2046 and 2047, for reading reports that anybody may have written.
 *
 * Nothing here refuses: what is broken is read as far as it makes sense, and
 * every limit (depth, number of parts, size of a text) cuts instead. Line ends
 * are CRLF, LF or bare CR. */
#ifndef DIAGNOSE_MIME_H
#define DIAGNOSE_MIME_H

#include "mail/field.h"

#define MIME_DEPTH_MAX  8
#define MIME_PARTS_MAX  64
#define MIME_FIELDS_MAX 400
#define MIME_TEXT_MAX   ((size_t)256 * 1024) /* octets of one part that are decoded */

struct mime_part {
	struct bytes type; /* "text/plain", lower case; the default of RFC 2045 5.2 where none is given */
	struct bytes content; /* the whole Content-Type value, unfolded */
	struct bytes encoding; /* lower case; may be empty */
	struct bytes body; /* as it came */
	unsigned     depth;
};

struct mime {
	struct header    header; /* of the message itself */
	struct bytes     body;
	struct mime_part parts[MIME_PARTS_MAX]; /* the leaves, in order; a message/rfc822 is a leaf */
	size_t           count;
	bool             cut; /* a limit was reached */
};

/* Line ends made LF where the message has only bare CR; else the input itself. */
struct bytes mime_lines(struct arena *, struct bytes text);

/* The header fields at the front; *rest_out is what follows the empty line. A
 * line that is no field ends the header unless `loose`, which skips it. */
void mime_header(struct arena *, struct bytes text, bool loose, struct header *header_out, struct bytes *rest_out);

/* Does it begin with a field? */
bool mime_has_header(struct bytes text);

/* Cut a message. NULL only when memory is spent. */
struct mime *mime_scan(struct arena *, struct bytes text);

/* The value of the first such field, unfolded and trimmed; empty when there is none. */
struct bytes mime_field(struct arena *, const struct header *, struct bytes name);
/* A parameter of a Content-Type like value; quotes removed, case kept; empty when there is none. */
struct bytes mime_param(struct arena *, struct bytes value, struct bytes name);
/* Encoded words (RFC 2047) made UTF-8. */
struct bytes mime_words(struct arena *, struct bytes value);

/* The part as UTF-8 text, transfer encoding and charset undone, at most
 * MIME_TEXT_MAX octets. HTML becomes the text a reader sees. */
struct bytes mime_text(struct arena *, const struct mime_part *);
struct bytes mime_html_text(struct arena *, struct bytes html);

#endif
