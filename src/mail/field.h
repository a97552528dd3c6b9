/* mail/field.h: header fields as they stand in a message, RFC 5322 section 2.2.
 *
 * A header is an array of fields, the top of the message first. Nothing is
 * unfolded or trimmed here, because signatures cover the octets. */
#ifndef MAIL_FIELD_H
#define MAIL_FIELD_H

#include "base/arena.h"
#include "base/bytes.h"

struct field {
	struct bytes name; /* octets before the colon, as they came, white space before the colon included */
	struct bytes value; /* octets behind the colon, leading blank included, folded with CRLF, without the last CRLF */
	uint32_t     key; /* of the name, set by field_make(): field_is() and its like go by it */
};

struct header {
	struct field *fields;
	size_t        count;
	size_t        room; /* of header_add() */
};

/* The bytes are borrowed. */
struct field field_make(struct bytes name, struct bytes value);

/* Append. The bytes are borrowed; the array lives in the arena. False when memory is spent. */
bool header_add(struct arena *, struct header *, struct bytes name, struct bytes value);

/* Name compared without case, blanks at its end ignored. */
bool   field_is(const struct field *, struct bytes name);
size_t header_count(const struct header *, struct bytes name);
/* Index of the first at or after `from`; count when there is none. */
size_t header_find(const struct header *, struct bytes name, size_t from);

/* Without the line breaks of folding, outer white space gone; in the arena if it had to be copied. */
struct bytes field_unfold(struct arena *, struct bytes value);
/* Comments (nested, with quoted pairs) made one space, quoted strings kept; unfolded too. */
struct bytes field_uncomment(struct arena *, struct bytes value);

#endif
