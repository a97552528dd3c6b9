/* net/cache.c: see cache.h. Chained buckets that grow with their shard; entries
 * stand also in one list, the least used last, which is cut when room is needed. */
#include "net/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define SHARDS      64
#define BUCKETS     64
#define KEY_MAX     (2 + DNS_NAME_MAX)
/* What a thinker makes of an answer is out of sight; a key or a record is about this much. */
#define MADE_OCTETS 512

struct entry {
	struct entry  *chain;
	struct entry  *newer;
	struct entry  *older;
	uint64_t       hash;
	uint64_t       until_us;
	struct answer *answer;
	size_t         octets;
	size_t         key_len;
	char           key[];
};

struct shard {
	pthread_mutex_t    lock;
	struct entry     **buckets;
	size_t             room; /* a power of two */
	struct entry      *newest;
	struct entry      *oldest;
	struct cache_stats stats;
	/* Two locks in one line of the processor's cache would be one lock. */
	char apart[64];
};

struct cache {
	size_t       shard_limit;
	struct shard shards[SHARDS];
};

struct key {
	uint64_t hash;
	size_t   len;
	char     at[KEY_MAX];
};

static bool
make_key(const struct ask *ask, struct key *k)
{
	if (ask->name.len > DNS_NAME_MAX)
		return false;
	k->at[0] = (char)((unsigned)ask->type >> 8);
	k->at[1] = (char)ask->type;
	for (size_t i = 0; i < ask->name.len; i++)
		k->at[2 + i] = byte_lower(ask->name.at[i]);
	k->len = 2 + ask->name.len;
	k->hash = map_hash(bytes_make(k->at, k->len));
	return true;
}

struct cache *
cache_new(size_t limit)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->shard_limit = limit / SHARDS;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &c->shards[i];
		pthread_mutex_init(&s->lock, NULL);
		s->room = BUCKETS;
		s->buckets = calloc(BUCKETS, sizeof(struct entry *));
		if (s->buckets == NULL)
			s->room = 0;
	}
	for (size_t i = 0; i < SHARDS; i++)
		if (c->shards[i].room == 0) {
			cache_free(c);
			return NULL;
		}
	return c;
}

static struct shard *
shard_of(struct cache *c, const struct key *k)
{
	return &c->shards[k->hash >> 58]; /* the low bits choose the bucket */
}

static struct entry **
find(struct shard *s, const struct key *k)
{
	struct entry **at = &s->buckets[k->hash & (s->room - 1)];

	while (*at != NULL && ((*at)->hash != k->hash || (*at)->key_len != k->len || memcmp((*at)->key, k->at, k->len) != 0))
		at = &(*at)->chain;
	return at;
}

static void
unlink_use(struct shard *s, struct entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &s->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &s->oldest) = e->newer;
}

static void
link_newest(struct shard *s, struct entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	*(s->newest != NULL ? &s->newest->newer : &s->oldest) = e;
	s->newest = e;
}

/* Out of shard and list; the answer's end comes after the lock is given back. */
static void
take_out(struct shard *s, struct entry **at, struct entry **gone)
{
	struct entry *e = *at;

	*at = e->chain;
	unlink_use(s, e);
	s->stats.count--;
	s->stats.octets -= e->octets;
	e->chain = *gone;
	*gone = e;
}

static void
free_entries(struct entry *e)
{
	while (e != NULL) {
		struct entry *next = e->chain;
		answer_unref(e->answer);
		free(e);
		e = next;
	}
}

static struct answer *
look(struct cache *c, const struct ask *ask, uint64_t now_us, bool count)
{
	struct key     k;
	struct entry  *gone = NULL;
	struct answer *answer = NULL;

	if (!make_key(ask, &k))
		return NULL;
	struct shard *s = shard_of(c, &k);
	pthread_mutex_lock(&s->lock);
	struct entry **at = find(s, &k);
	if (*at != NULL && (*at)->until_us <= now_us) {
		take_out(s, at, &gone);
	} else if (*at != NULL) {
		answer = answer_ref((*at)->answer);
		if (*at != s->newest) {
			unlink_use(s, *at);
			link_newest(s, *at);
		}
	}
	if (count)
		(*(answer != NULL ? &s->stats.hits : &s->stats.misses))++;
	pthread_mutex_unlock(&s->lock);
	free_entries(gone);
	return answer;
}

struct answer *
cache_look(struct cache *c, const struct ask *ask, uint64_t now_us)
{
	return look(c, ask, now_us, true);
}

struct answer *
cache_peek(struct cache *c, const struct ask *ask, uint64_t now_us)
{
	return look(c, ask, now_us, false);
}

/* Best effort: without memory the chains grow longer. */
static void
widen(struct shard *s)
{
	size_t         room = s->room * 2;
	struct entry **buckets = calloc(room, sizeof(struct entry *));

	if (buckets == NULL)
		return;
	for (size_t i = 0; i < s->room; i++)
		for (struct entry *e = s->buckets[i], *next; e != NULL; e = next) {
			next = e->chain;
			e->chain = buckets[e->hash & (room - 1)];
			buckets[e->hash & (room - 1)] = e;
		}
	free(s->buckets);
	s->buckets = buckets;
	s->room = room;
}

static struct entry **
place_of(struct shard *s, struct entry *e)
{
	struct entry **at = &s->buckets[e->hash & (s->room - 1)];

	while (*at != e)
		at = &(*at)->chain;
	return at;
}

static struct entry *
entry_new(const struct key *k, const struct answer *a)
{
	struct entry *e = malloc(sizeof(*e) + k->len);

	if (e == NULL)
		return NULL;
	*e = (struct entry){ .hash = k->hash, .answer = answer_ref(a), .key_len = k->len };
	memcpy(e->key, k->at, k->len);
	e->octets = sizeof(*e) + k->len + sizeof(*a) + a->canon.len + a->why.len + a->count * sizeof(struct bytes) + MADE_OCTETS;
	for (size_t i = 0; i < a->count; i++)
		e->octets += a->rdata[i].len;
	return e;
}

void
cache_keep(struct cache *c, const struct ask *ask, const struct answer *a, uint32_t ttl, uint64_t now_us)
{
	struct key    k;
	struct entry *gone = NULL;

	if (ttl == 0 || !make_key(ask, &k))
		return;
	struct entry *e = entry_new(&k, a);
	if (e == NULL)
		return;
	e->until_us = now_us + (uint64_t)ttl * 1000000U;

	struct shard *s = shard_of(c, &k);
	pthread_mutex_lock(&s->lock);
	struct entry **at = find(s, &k);
	if (*at != NULL)
		take_out(s, at, &gone);
	while (s->oldest != NULL && s->stats.octets + e->octets > c->shard_limit) {
		if (s->oldest->until_us > now_us)
			s->stats.evictions++;
		take_out(s, place_of(s, s->oldest), &gone);
	}
	if (e->octets <= c->shard_limit) {
		if (s->stats.count >= s->room * 2)
			widen(s);
		e->chain = s->buckets[e->hash & (s->room - 1)];
		s->buckets[e->hash & (s->room - 1)] = e;
		link_newest(s, e);
		s->stats.count++;
		s->stats.octets += e->octets;
	} else {
		e->chain = gone;
		gone = e;
	}
	pthread_mutex_unlock(&s->lock);
	free_entries(gone);
}

void
cache_clear(struct cache *c)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &c->shards[i];
		struct entry *gone = NULL;
		pthread_mutex_lock(&s->lock);
		while (s->oldest != NULL)
			take_out(s, place_of(s, s->oldest), &gone);
		pthread_mutex_unlock(&s->lock);
		free_entries(gone);
	}
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		struct entry *gone = NULL;
		while (c->shards[i].oldest != NULL)
			take_out(&c->shards[i], place_of(&c->shards[i], c->shards[i].oldest), &gone);
		free_entries(gone);
		free(c->shards[i].buckets);
		pthread_mutex_destroy(&c->shards[i].lock);
	}
	free(c);
}

struct cache_stats
cache_count(struct cache *c)
{
	struct cache_stats sum = { 0 };

	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &c->shards[i];
		pthread_mutex_lock(&s->lock);
		sum.hits += s->stats.hits;
		sum.misses += s->stats.misses;
		sum.evictions += s->stats.evictions;
		sum.count += s->stats.count;
		sum.octets += s->stats.octets;
		pthread_mutex_unlock(&s->lock);
	}
	return sum;
}
