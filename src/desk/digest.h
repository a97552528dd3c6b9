/* desk/digest.h: letters that tell recipients which of their messages are kept here.
 *
 * A recipient gets one when something new is kept for him; it lists what is kept
 * besides. That he was told is noted in the rows, so nothing is told twice, unless
 * a kill came between the letter and the note. */
#ifndef DESK_DIGEST_H
#define DESK_DIGEST_H

#include <stdatomic.h>

#include "base/buf.h"
#include "policy/settings.h"
#include "store/held.h"

struct digest_run {
	struct store          *store;
	const struct settings *settings;
	int64_t                now_us;
	const atomic_bool     *stop; /* after the letter at hand; may be NULL */
};

#define DIGEST_MEMORY ((size_t)96 << 20)

/* Is it time again? Of all daemons at one store one is told so in `every_ms`. */
bool digest_is_due(struct store *, uint32_t every_ms, int64_t now_us);

/* Letters to all for whom something new is kept, through release_to. How many
 * went; how many did not, which are tried again the next time; and how many the
 * server refused for good, whose recipients count as told. RC_OK; else
 * what the store said, or RC_SYNTAX when there is nobody to hand them to. */
struct digest_count {
	size_t sent, failed, refused;
};
enum rc digest_send(const struct digest_run *, struct arena *, struct digest_count *count_out, struct bytes *why_out) MUST_USE;

/* The letter itself. `held` are this recipient's, newest first; `fresh` says which are new to him. */
struct digest_letter {
	struct bytes                    hostname, recipient;
	const struct store_held *const *held;
	const bool                     *fresh;
	size_t                          count;
	int64_t                         now_us;
	const char                     *id; /* of the Message-ID */
};
void digest_write(struct buf *out, const struct digest_letter *);

#endif
