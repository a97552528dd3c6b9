/* desk/crew.h: a few threads that do in turn what must not hold up another.
 *
 * What waits is bounded: a crew that cannot keep up says so at once. */
#ifndef DESK_CREW_H
#define DESK_CREW_H

#include "base/bytes.h"
#include "base/rc.h"

struct crew;

#define CREW_MOST 8

struct crew_settings {
	const char   *name; /* of the threads; at most 15 characters */
	size_t        queue; /* jobs that may wait */
	void *const  *hands; /* one thread for each, who gets it with every job */
	size_t        count; /* 1 to CREW_MOST */
	void (*work)(void *hand, void *job);
	void (*drop)(void *job); /* a job that crew_stop() found waiting */
};

/* RC_MEMORY or RC_IO. Settings and the list of hands are copied. */
enum rc crew_start(const struct crew_settings *, struct crew **crew_out) MUST_USE;
/* Takes no more, lets each thread finish what it does, drops the rest. Takes NULL. */
void crew_stop(struct crew *);
void crew_free(struct crew *); /* stops it; takes NULL */

/* From any thread. False: too many wait, or it was stopped; the job is still the caller's. */
bool crew_put(struct crew *, void *job) MUST_USE;

#endif
