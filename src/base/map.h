/* base/map.h: a hash table from octets to pointers.
 *
 * Keys are hashed with SipHash-1-3 under a key of the process, because senders
 * choose many of them. Keys and values are borrowed. Not for threads. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"
#include "base/rc.h"

struct map_slot {
	struct bytes key;
	void        *value; /* NULL: free slot */
	uint64_t     hash;
};

/* { 0 } is an empty map. */
struct map {
	struct map_slot *slots;
	size_t           room; /* a power of two, or 0 */
	size_t           count;
};

/* Once, at start, from the system's random source; without it the key is fixed. */
void     map_seed(uint64_t k0, uint64_t k1);
uint64_t map_hash(struct bytes);

void  map_free(struct map *);
void *map_get(const struct map *, struct bytes key); /* NULL: not there */
/* Set or replace; value must not be NULL. RC_MEMORY or RC_OK. */
enum rc map_set(struct map *, struct bytes key, void *value) MUST_USE;
void   *map_remove(struct map *, struct bytes key); /* the value that was there, or NULL */
/* Walk: start with *i = 0; NULL at the end. Do not change the map meanwhile. */
const struct map_slot *map_next(const struct map *, size_t *i);

#endif
