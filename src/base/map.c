/* base/map.c: see map.h. Open addressing, linear probing, backward-shift removal. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

static uint64_t seed[2] = { 0x6d61696c72656576ULL, 0x6520736565642121ULL };

void
map_seed(uint64_t k0, uint64_t k1)
{
	seed[0] = k0;
	seed[1] = k1;
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13) ^ v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17) ^ v[2];
	v[2] = ROTL(v[2], 32);
}

uint64_t
map_hash(struct bytes b)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575ULL, seed[1] ^ 0x646f72616e646f6dULL,
		          seed[0] ^ 0x6c7967656e657261ULL, seed[1] ^ 0x7465646279746573ULL };
	uint64_t m = 0;
	size_t   i = 0;

	for (; i + 8 <= b.len; i += 8) {
		memcpy(&m, b.at + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)b.len << 56;
	for (size_t k = 0; i + k < b.len; k++)
		m |= (uint64_t)(unsigned char)b.at[i + k] << (8 * k);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int k = 0; k < 3; k++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
map_free(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

static struct map_slot *
find(const struct map *m, struct bytes key, uint64_t hash)
{
	size_t i = hash & (m->room - 1);

	while (m->slots[i].value != NULL && (m->slots[i].hash != hash || !bytes_eq(m->slots[i].key, key)))
		i = (i + 1) & (m->room - 1);
	return &m->slots[i];
}

void *
map_get(const struct map *m, struct bytes key)
{
	return m->room > 0 ? find(m, key, map_hash(key))->value : NULL;
}

static enum rc
widen(struct map *m)
{
	struct map wide = { .room = m->room > 0 ? m->room * 2 : 16 };

	wide.slots = calloc(wide.room, sizeof(*wide.slots));
	if (wide.slots == NULL)
		return RC_MEMORY;
	for (size_t i = 0; i < m->room; i++)
		if (m->slots[i].value != NULL)
			*find(&wide, m->slots[i].key, m->slots[i].hash) = m->slots[i];
	wide.count = m->count;
	free(m->slots);
	*m = wide;
	return RC_OK;
}

enum rc
map_set(struct map *m, struct bytes key, void *value)
{
	if ((m->count + 1) * 4 > m->room * 3 && widen(m) != RC_OK)
		return RC_MEMORY;
	uint64_t         hash = map_hash(key);
	struct map_slot *s = find(m, key, hash);
	if (s->value == NULL)
		m->count++;
	*s = (struct map_slot){ key, value, hash };
	return RC_OK;
}

void *
map_remove(struct map *m, struct bytes key)
{
	if (m->room == 0)
		return NULL;
	struct map_slot *hole = find(m, key, map_hash(key));
	void            *value = hole->value;
	if (value == NULL)
		return NULL;
	size_t gap = (size_t)(hole - m->slots);
	for (size_t i = (gap + 1) & (m->room - 1); m->slots[i].value != NULL; i = (i + 1) & (m->room - 1)) {
		size_t home = m->slots[i].hash & (m->room - 1);
		if (((i - home) & (m->room - 1)) >= ((i - gap) & (m->room - 1))) {
			m->slots[gap] = m->slots[i];
			gap = i;
		}
	}
	m->slots[gap] = (struct map_slot){ .value = NULL };
	m->count--;
	return value;
}

const struct map_slot *
map_next(const struct map *m, size_t *i)
{
	while (*i < m->room)
		if (m->slots[(*i)++].value != NULL)
			return &m->slots[*i - 1];
	return NULL;
}
