/* store/item.h: what waits in the writer's queue: a copy of the rows of one account. */
#ifndef STORE_ITEM_H
#define STORE_ITEM_H

#include "store/writer.h"

struct item {
	struct item         *next;
	size_t               octets; /* all of it, in one block */
	uint64_t             since_us; /* monotonic */
	struct store_account account;
	struct store_held    held;
	bool                 has_held;
	bool                 disowned; /* its callback was told that it failed */
	uint64_t             until_us; /* monotonic; 0: none. Kept by then, or not at all */
	writer_done         *fn; /* NULL: nobody waits */
	void                *arg;
};

/* NULL when memory is spent. `held` may be NULL. */
struct item *item_new(const struct store_account *, const struct store_held *) MUST_USE;
/* About what it takes in the database, indexes counted. */
int64_t item_weight(const struct item *);

/* Write the rows of many, and what they add to the counters. */
enum rc items_write(struct store *, struct item *const *items, size_t count) MUST_USE;
/* Take all of that back, in a transaction of the caller's; of one that is gone, nothing. */
enum rc item_remove(struct store *, struct item *) MUST_USE;

#endif
