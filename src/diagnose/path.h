/* diagnose/path.h: the way a message took, from its Received fields (RFC 5321
 * section 4.4), and what foreign Authentication-Results say of it. */
#ifndef DIAGNOSE_PATH_H
#define DIAGNOSE_PATH_H

#include "diagnose/explain.h"

#define PATH_HOPS_MAX 60

struct hop {
	struct bytes from; /* the name the client said */
	struct bytes ip; /* of the client, as the server saw it */
	struct bytes by; /* the server */
	struct bytes with; /* "ESMTPS" */
	bool         tls;
	int64_t      at; /* epoch; 0: not readable */
	int64_t      seconds; /* since the hop before; 0 for the first */
	const char  *doubt; /* why it may be forged; NULL: none */
};

struct path {
	struct hop *hops; /* the oldest first */
	size_t      count;
};

/* NULL only when memory is spent. */
struct path *path_read(struct arena *, const struct header *);

/* "path" and, for a message that is no report, "authentication". */
void path_json(struct json *, struct arena *, const struct explained *);
void path_text(struct buf *, struct arena *, const struct explained *);

#endif
