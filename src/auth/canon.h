/* auth/canon.h: header fields as signatures hash them, RFC 6376 sections 3.4.1, 3.4.2 and 3.7. */
#ifndef AUTH_CANON_H
#define AUTH_CANON_H

#include "auth/bodyhash.h"
#include "auth/digest.h"
#include "mail/field.h"

/* The field and its CRLF. */
void canon_field(struct digest *, enum canon, const struct field *);

/* The field that holds the signature itself: without `cut`, the slice of its
 * value that is the signature, and without the last CRLF. */
void canon_signature(struct digest *, enum canon, const struct field *, struct bytes cut);

#endif
