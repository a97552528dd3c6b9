/* diagnose/published.h: is there a DKIM key at a name? What the live checks and
 * the why page say of one is said here. */
#ifndef DIAGNOSE_PUBLISHED_H
#define DIAGNOSE_PUBLISHED_H

#include "base/ask.h"
#include "diagnose/explain.h"

/* `answer` is that to TXT at `name`; NULL: the resolver gave up. "dkim". */
struct checked key_published(struct arena *, struct bytes name, const struct answer *answer);

#endif
