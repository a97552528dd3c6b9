/* session/keep.h: a message that is to be kept here, on its way to the disk.
 *
 * Quarantine by `store` takes the message from the MTA, so its copy and its rows
 * must be durable before the MTA is told. What is needed for that is in one
 * value that belongs to whoever has it, and may cross threads. */
#ifndef SESSION_KEEP_H
#define SESSION_KEEP_H

#include "session/record.h"
#include "store/vault.h"

struct keep {
	struct arena        *arena; /* the value itself lies in it */
	struct copy         *copy;
	struct store_account row;
	struct store_held    held; /* but for its path */
	unsigned             deadline_ms; /* then the sender is told 451; 0: never */
};

/* A copy of the rows; their time is told finer when they are written. Takes over `message`, also on failure: NULL when memory is spent. */
struct keep *keep_new(const struct settings *, const struct account *, int64_t now_us, struct copy *message) MUST_USE;
void         keep_free(struct keep *); /* takes NULL */

#endif
