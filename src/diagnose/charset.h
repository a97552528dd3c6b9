/* diagnose/charset.h: text in any charset made UTF-8, and text folded so that
 * rules can be compared with it. */
#ifndef DIAGNOSE_CHARSET_H
#define DIAGNOSE_CHARSET_H

#include "base/arena.h"
#include "base/bytes.h"

/* What does not convert becomes a question mark. An unknown charset is read as
 * UTF-8, or as ISO-8859-1 where it is not that. */
struct bytes charset_to_utf8(struct arena *, struct bytes text, struct bytes charset);

/* For matching: ASCII letters in lower case; each run of white space, the
 * Unicode spaces included, one blank; typographic quotes and dashes the plain
 * ones; invisible characters gone. */
struct bytes text_fold(struct arena *, struct bytes text);

/* Would text_fold() change no more than the case of ASCII letters and white space? */
bool text_is_plain(struct bytes);

/* Is it text, in whatever charset? A program, an image or an archive is not. */
bool text_readable(struct bytes);

#endif
