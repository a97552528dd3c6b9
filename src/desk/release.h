/* desk/release.h: what is done with a message that is kept here: read, sent on,
 * removed. The command line and the web do it here alike.
 *
 * A message goes from one state to another only if it is still in the one that
 * was seen, so of two people who release it one is told; a copy is removed only
 * after its row says so. */
#ifndef DESK_RELEASE_H
#define DESK_RELEASE_H

#include "net/endpoint.h"
#include "store/held.h"
#include "store/vault.h"

struct release {
	struct store *store;
	struct vault *vault;
	struct bytes  hostname; /* said in HELO */
	struct bytes  by; /* who does it, for the row */
	unsigned      wait_ms; /* a server that is silent for so long is given up */
};

/* It is kept and can be looked at. */
bool release_may_read(const struct store_held *);
/* It may be released, unless it is on its way already. Not where a copy was found
 * without its row: nobody knows for whom it was. */
bool release_may(const struct store_held *);
bool release_may_delete(const struct store_held *);

/* All of these: RC_OK, or a sentence in `why_out` (arena or literal), and
 *   RC_LIMIT   its state does not allow it, or no longer
 *   RC_SYNTAX  the server refused it; it stays held
 *   RC_IO      disk, store or server are away; it stays held
 *   RC_MEMORY */

/* Hand it to the server for the recipients it had. Waits for it. */
enum rc release_send(const struct release *, struct arena *, const struct store_held *, const struct endpoint *to,
                     struct bytes *why_out) MUST_USE;
enum rc release_delete(const struct release *, struct arena *, const struct store_held *, struct bytes *why_out) MUST_USE;
/* The copy as it came, of a long one the first `most` octets; 0: all. */
enum rc release_read(const struct release *, struct arena *, const struct store_held *, size_t most, struct buf *out, struct bytes *why_out) MUST_USE;

#endif
