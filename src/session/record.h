/* session/record.h: an account made fit to be kept: columns to search by, and
 * its story (docs/json.md), from which it can be told and judged again.
 *
 * What the operator does not want kept of people (subject, local part of From)
 * is hashed or left out here, before anything leaves the thread. */
#ifndef SESSION_RECORD_H
#define SESSION_RECORD_H

#include "policy/settings.h"
#include "session/account.h"
#include "store/store.h"

struct record_rules {
	enum store_text subject, header_from;
};

struct record_rules record_rules_of(const struct settings *);

/* Recipients beyond that are rows only, and not in the story. */
#define RECORD_TOLD 100
/* A longer story loses its answers, not its questions: senders choose their length. */
#define RECORD_STORY_MAX ((size_t)256 << 10)
/* What the arena needs at most. */
#define RECORD_MEMORY ((size_t)64 << 20)

/* Everything lies in the arena or is borrowed from the account. `now_us` is UTC
 * since 1970. False when memory is spent. */
bool record_account(struct arena *, const struct record_rules *, const struct account *, int64_t now_us, struct store_account *row_out) MUST_USE;

/* How a text that is hashed is kept: find it by hashing what is looked for. */
struct bytes record_hash(struct arena *, struct bytes text);

#endif
