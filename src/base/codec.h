/* base/codec.h: base64 (RFC 4648 section 4), base32 for ids, hexadecimal. */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"

/* White space anywhere is skipped, padding must be right or absent; anything
 * else gives false. The result lies in the arena. */
bool base64_decode(struct arena *, struct bytes text, struct bytes *octets_out) MUST_USE;
/* Without line breaks, padded. */
struct bytes base64_encode(struct arena *, struct bytes octets);

/* Account ids: twelve characters of RFC 4648 base32 from 8 random octets. */
#define ID_LEN 12
void id_format(const uint8_t random[8], char id[ID_LEN + 1]);
/* True for twelve such characters; lower case counts. */
bool id_is(struct bytes);
/* As ids are kept, in upper case: somebody may have typed one in lower case. In the arena. */
struct bytes id_kept(struct arena *, struct bytes id);

#endif
