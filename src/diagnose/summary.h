/* diagnose/summary.h: many reports counted: by cause, sender, recipient domain
 * and refusing host, and what one change would mend most. */
#ifndef DIAGNOSE_SUMMARY_H
#define DIAGNOSE_SUMMARY_H

#include "diagnose/explain.h"

struct summary;

struct summary *summary_new(void); /* NULL when memory is spent */
void            summary_free(struct summary *);
/* Everything is copied. RC_MEMORY or RC_OK. */
enum rc summary_add(struct summary *, const struct explained *) MUST_USE;
void    summary_json(struct json *, const struct summary *);
void    summary_text(struct buf *, const struct summary *);

#endif
