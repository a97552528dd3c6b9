/* session/results.h: the Authentication-Results of one message from its
 * account, RFC 8601 section 2.7, RFC 8617 section 10.2, RFC 9989 section 9.1. */
#ifndef SESSION_RESULTS_H
#define SESSION_RESULTS_H

#include "session/account.h"

/* The field body, unfolded; it lives in the arena. Empty when memory is spent. */
struct bytes results_text(struct arena *, struct bytes authserv_id, const struct account *);

#endif
