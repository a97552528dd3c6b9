/* desk/limit.c: see limit.h. */
#include "desk/limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define PROBES 8

struct slot {
	uint64_t hash; /* 0: free */
	uint64_t full_us; /* when the bucket will be full again */
};

struct limit {
	pthread_mutex_t lock;
	size_t          count;
	uint64_t        every_us, burst_us; /* a bucket holds burst_us worth of time */
	struct slot     slots[];
};

struct limit *
limit_new(size_t slots, unsigned burst, unsigned every_ms)
{
	struct limit *l = calloc(1, sizeof(*l) + slots * sizeof(l->slots[0]));

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->count = slots;
	l->every_us = (uint64_t)every_ms * 1000;
	l->burst_us = l->every_us * burst;
	return l;
}

void
limit_free(struct limit *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* Its own slot; else a free or full one; else the one that is full soonest. */
static struct slot *
slot_of(struct limit *l, uint64_t hash)
{
	struct slot *best = NULL;

	for (size_t i = 0; i < PROBES && i < l->count; i++) {
		struct slot *s = &l->slots[(hash + i) % l->count];
		if (s->hash == hash)
			return s;
		if (best == NULL || s->full_us < best->full_us)
			best = s;
	}
	*best = (struct slot){ .hash = hash };
	return best;
}

static bool
take(struct limit *l, struct slot *s, uint64_t now_us, unsigned *wait_s_out)
{
	uint64_t full_us = (s->full_us > now_us ? s->full_us : now_us) + l->every_us;

	if (full_us - now_us > l->burst_us) {
		*wait_s_out = (unsigned)((full_us - now_us - l->burst_us + 999999) / 1000000);
		return false;
	}
	s->full_us = full_us;
	return true;
}

bool
limit_take(struct limit *l, struct bytes key, uint64_t now_us, unsigned *wait_s_out)
{
	pthread_mutex_lock(&l->lock);
	bool good = take(l, slot_of(l, map_hash(key) | 1), now_us, wait_s_out);
	pthread_mutex_unlock(&l->lock);
	return good;
}

struct bytes
limit_key(const struct ip *ip, char key[LIMIT_KEY_MAX])
{
	key[0] = (char)ip->family;
	memcpy(key + 1, ip->octet, 8);
	return bytes_make(key, ip->family == 4 ? 5 : LIMIT_KEY_MAX);
}
