/* base/eights.h: eight octets at a time, for what goes through whole texts: the
 * end of a word is anybody's guess, so one question for eight octets costs less
 * than eight. */
#ifndef BASE_EIGHTS_H
#define BASE_EIGHTS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The same octet eight times. */
#define EACH(octet) ((uint64_t)(octet) * 0x0101010101010101u)

/* The first octet is the lowest. */
static inline uint64_t
eight_at(const char *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return le64toh(w);
}

/* The top bit of each octet that is at most `most`, which is ASCII; no other bit. */
static inline uint64_t
eight_up_to(uint64_t w, unsigned char most)
{
	return ~(((w & EACH(0x7f)) + EACH(0x7f - most)) | w) & EACH(0x80);
}

/* Index of the first octet whose top bit is set; not when there is none. */
static inline size_t
eight_first(uint64_t marks)
{
	return (size_t)__builtin_ctzll(marks) / 8;
}

#endif
