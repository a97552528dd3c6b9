/* auth/bodyhash.h: the body hashes that the signatures of one message want,
 * RFC 6376 sections 3.4.3, 3.4.4 and 3.7, computed as the body streams by.
 *
 * DKIM and ARC signatures of one message mostly want the same hash; each
 * distinct wish (canonicalization and length) is computed once. The body is
 * never kept. SHA-256 only: nothing else may be verified (RFC 8301). */
#ifndef AUTH_BODYHASH_H
#define AUTH_BODYHASH_H

#include "base/arena.h"
#include "base/bytes.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

#define BODYHASH_LEN 32
#define BODYHASH_ALL UINT64_MAX /* no l= */
#define BODYHASH_WISHES 16 /* distinct ones of a message: each costs a pass over its body */

struct bodyhash;

struct bodyhash *bodyhash_new(struct arena *); /* NULL only when memory is spent */
/* Before the first feed. A handle; negative when memory is spent (the arena is
 * overdrawn then) or BODYHASH_WISHES distinct ones are there. */
int bodyhash_want(struct bodyhash *, enum canon, uint64_t length);
/* In any cuts; CRLF may be split. Bare CR and LF are hashed as they are. */
void bodyhash_feed(struct bodyhash *, struct bytes chunk);
void bodyhash_end(struct bodyhash *);
/* After the end: the hash, and the length of the whole canonical body, which
 * may exceed or fall short of the length wanted. */
void bodyhash_value(const struct bodyhash *, int handle, uint8_t hash_out[BODYHASH_LEN], uint64_t *length_out);

#endif
