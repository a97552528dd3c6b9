/* base/eight.h: eight octets in one word, looked at together.
 *
 * Each test gives a word in which the highest bit of an octet says that the test
 * holds there. A borrow may set bits of octets that come after one for which it
 * holds, never before it: whether there is one, and which is the first, is right. */
#ifndef BASE_EIGHT_H
#define BASE_EIGHT_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

/* The octet that comes first is the lowest. */
static inline uint64_t
eight_at(const void *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return le64toh(w);
}

/* Below `octet`, which is at most 128. */
static inline uint64_t
eight_below(uint64_t w, uint8_t octet)
{
	return (w - EACH(octet)) & ~w & EACH(0x80);
}

static inline uint64_t
eight_is(uint64_t w, uint8_t octet)
{
	return eight_below(w ^ EACH(octet), 1);
}

/* Which octet a test holds for first; there must be one. */
static inline size_t
eight_first(uint64_t test)
{
	return (size_t)__builtin_ctzll(test) / 8;
}

/* Capital letters of ASCII made small; exact for all octets. */
static inline uint64_t
eight_lower(uint64_t w)
{
	uint64_t low = w & EACH(0x7f);
	uint64_t capital = (low + EACH(0x80 - 'A')) & ~(low + EACH(0x7f - 'Z')) & ~w & EACH(0x80);

	return w | capital >> 2; /* 0x80 is four times the bit that makes a letter small */
}

#endif
