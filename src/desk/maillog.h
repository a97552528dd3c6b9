/* desk/maillog.h: what a line of Postfix's log says of a delivery. Pure. */
#ifndef DESK_MAILLOG_H
#define DESK_MAILLOG_H

#include "base/bytes.h"

/* Borrowed from the line. */
struct maillog {
	struct bytes queue_id;
	struct bytes to, original; /* original: what the sender wrote, if aliases changed it; else empty */
	struct bytes status; /* "sent", "deferred", "bounced", ... as Postfix says */
	struct bytes reply; /* what stands in the parentheses behind it */
	struct bytes stamp; /* the time, "Nov 22 04:51:24" or RFC 3339 */
};

/* False: the line says nothing of a delivery. */
bool maillog_parse(struct bytes line, struct maillog *out);

/* "delivered", "deferred", "failed"; empty for a word that says nothing of it. */
struct bytes maillog_status(struct bytes word);

/* Microseconds since 1970. The traditional stamp has neither year nor zone: it is
 * local time of the year that puts it at most a day behind `now`. False: unreadable. */
bool maillog_time(struct bytes stamp, int64_t now, int64_t *at_us_out);

#endif
