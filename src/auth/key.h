/* auth/key.h: public keys as DNS publishes them, RFC 6376 section 3.6.1, and
 * the one question put to them: did you sign this?
 *
 * DKIM and ARC use the same keys. What is decoded from an answer is kept in
 * its slot, so a cached answer is a cached key: decoding would cost as much as
 * verifying. */
#ifndef AUTH_KEY_H
#define AUTH_KEY_H

#include "auth/signature.h"
#include "auth/taglist.h"
#include "base/ask.h"

#define KEY_COUNT_MAX   4 /* at one name */
#define KEY_RECORDS_MAX (4 * KEY_COUNT_MAX) /* at one name, with other people's among them: a wildcard's, say */

/* Is this the text of a key? One that was revoked is, too (its p= is empty). What could be read is in the list, either way. */
bool key_is(struct bytes text, struct taglist *list_out);

enum key_word {
	KEY_UNUSABLE, /* there is no key that may be used; the reason says why */
	KEY_AGREES,
	KEY_DISAGREES,
	KEY_NO_MEMORY,
};

struct key_verdict {
	enum key_word word;
	enum reason   reason; /* of KEY_UNUSABLE: a DKIM_ row */
	unsigned      bits; /* 0: not seen */
	bool          testing; /* t=y */
};

/* The answer must be no trouble (answer_is_trouble()). With several records
 * at the name each is tried, up to four; the best counts (section 6.1.2). */
struct key_verdict key_ask(struct arena *, const struct answer *, const struct signature *, const uint8_t hash[32]);

#endif
