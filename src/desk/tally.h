/* desk/tally.h: what the daemon counts about decisions and checks since it
 * started, for /metrics and the health page. From any thread, without locks. */
#ifndef DESK_TALLY_H
#define DESK_TALLY_H

#include "base/buf.h"
#include "session/account.h"

struct tally;

struct tally *tally_new(void); /* NULL when memory is spent */
void          tally_free(struct tally *); /* takes NULL */

void tally_told(struct tally *, const struct account *);

/* In the text format of Prometheus, version 0.0.4. */
void tally_metrics(const struct tally *, struct buf *out);
/* One family without labels. */
void metric(struct buf *out, const char *name, const char *type, const char *help, uint64_t value);

uint64_t tally_count(const struct tally *, enum action);

#endif
