/* base/near.c: see near.h. Optimal string alignment, three rows of the matrix. */
#include "base/near.h"

#include <string.h>

#include "base/rc.h"

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
near_distance(struct bytes a, struct bytes b)
{
	unsigned rows[3][NEAR_WORD_MAX + 1];

	if (a.len > NEAR_WORD_MAX || b.len > NEAR_WORD_MAX)
		return NEAR_WORD_MAX + 1;
	for (unsigned j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *now = rows[i % NELEMS(rows)], *before = rows[(i - 1) % NELEMS(rows)];
		char      x = byte_lower(a.at[i - 1]);
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			char y = byte_lower(b.at[j - 1]);
			now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == byte_lower(b.at[j - 2]) && byte_lower(a.at[i - 2]) == y)
				now[j] = least(now[j], rows[(i - 2) % NELEMS(rows)][j - 2] + 1);
		}
	}
	return rows[a.len % NELEMS(rows)][b.len];
}

void
near_offer(struct near *n, struct bytes known)
{
	unsigned d = near_distance(n->asked, known);

	/* Up to a third of the letters: enough for slips, too little for another word. */
	if (d > 1 + known.len / 4 || d >= known.len)
		return;
	if (n->best.len == 0 || d < n->distance) {
		n->best = known;
		n->distance = d;
	}
}
