/* base/utf8.h: UTF-8 (RFC 3629), and text made safe to show. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include "base/bytes.h"

/* Octets of the well-formed character at the front (1 to 4); 0: malformed or empty. */
size_t utf8_length(struct bytes);
/* The character at the front and its length; 0 and nothing set: malformed or empty. */
size_t utf8_take(struct bytes, uint32_t *char_out);
bool   utf8_valid(struct bytes);
bool   bytes_is_ascii(struct bytes);
void   utf8_add(struct buf *, uint32_t c);

/* Acts on a terminal, or on the order or sight of the text around it. */
bool utf8_is_unsafe(uint32_t c);
/* For terminals and logs: such characters and what is not UTF-8 become \xHH; everything else stays. */
void text_add_safe(struct buf *, struct bytes);

#endif
