/* base/near.h: "did you mean ...?": the known word that a mistyped one is nearest to. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include "base/bytes.h"

#define NEAR_WORD_MAX 63 /* longer words are near to nothing */

/* How many octets must be added, removed, replaced or swapped with their
 * neighbour to make one word of the other; letters fold. NEAR_WORD_MAX + 1 if either is too long. */
unsigned near_distance(struct bytes, struct bytes);

/* Offer known words one by one; the best stays. Start with { .asked = word }. */
struct near {
	struct bytes asked;
	struct bytes best; /* empty: none is near enough */
	unsigned     distance;
};

void near_offer(struct near *, struct bytes known);

#endif
