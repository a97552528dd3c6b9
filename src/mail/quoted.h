/* mail/quoted.h: the quoted-printable encoding, RFC 2045 section 6.7, for text that we write. */
#ifndef MAIL_QUOTED_H
#define MAIL_QUOTED_H

#include "base/buf.h"

/* Lines of at most 76 characters, ended by CRLF. A LF in the text ends a line, CR and all else is encoded where it must be. */
void quoted_add(struct buf *out, struct bytes text);

#endif
