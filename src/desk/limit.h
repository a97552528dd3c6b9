/* desk/limit.h: how often one address (or name) may do something.
 *
 * A bucket for each key fills up with time, and each deed takes one from it. The
 * table has a fixed size: strangers with many addresses push each other out, at
 * worst, and nobody's memory grows. Any thread may take. */
#ifndef DESK_LIMIT_H
#define DESK_LIMIT_H

#include "base/bytes.h"
#include "base/ip.h"
#include "base/rc.h"

struct limit;

/* `burst` deeds at once, then one in `every_ms`. NULL when memory is spent. */
struct limit *limit_new(size_t slots, unsigned burst, unsigned every_ms);
void          limit_free(struct limit *); /* takes NULL */

/* True: go on. False: not now, and *wait_s_out seconds until it may be tried again. */
bool limit_take(struct limit *, struct bytes key, uint64_t now_us, unsigned *wait_s_out);

/* The key of an address: IPv6 by its /64, since a household has that many. */
#define LIMIT_KEY_MAX 9
struct bytes limit_key(const struct ip *, char key[LIMIT_KEY_MAX]);

#endif
