/* net/cache.h: answers kept until their time is over, shared by all threads.
 *
 * Divided into shards, each with its own lock, its own order of use and its own
 * part of the memory: a hit takes one lock, one count and no allocation. */
#ifndef NET_CACHE_H
#define NET_CACHE_H

#include "base/ask.h"
#include "base/rc.h"

struct cache;

struct cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions; /* of answers that were still good */
	uint64_t count;
	uint64_t octets;
};

/* About `limit` octets in all. NULL when memory is spent. */
struct cache *cache_new(size_t limit) MUST_USE;
void          cache_free(struct cache *); /* takes NULL */

/* A new reference, or NULL. `now_us` is the monotonic clock. Any thread. */
struct answer *cache_look(struct cache *, const struct ask *, uint64_t now_us) MUST_USE;
/* The same without counting it. */
struct answer *cache_peek(struct cache *, const struct ask *, uint64_t now_us) MUST_USE;
/* Keep a reference for `ttl` seconds in place of what was there; 0 keeps
 * nothing. What finds no memory or is too large is not kept. Any thread. */
void cache_keep(struct cache *, const struct ask *, const struct answer *, uint32_t ttl, uint64_t now_us);
void cache_clear(struct cache *);
struct cache_stats cache_count(struct cache *);

#endif
