/* desk/told.h: parts of a stored story as HTML, for the operator's page and for
 * the sender's. What is here may be shown to anybody who has the id: what the
 * sender sent and what DNS publishes; no recipients, no names of ours. */
#ifndef DESK_TOLD_H
#define DESK_TOLD_H

#include "desk/doc.h"
#include "desk/html.h"
#include "store/store.h"

/* "✓ pass", "✕ fail", "? temperror". */
void told_result(struct buf *, struct bytes result);

/* What the reason means here, who can fix it, and the steps. */
void told_advice(struct buf *, struct arena *, const struct store_account *, const struct doc *story);

/* SPF term by term, DKIM signature by signature, ARC, DMARC with its record. */
void told_checks(struct buf *, struct arena *, const struct doc *story);

/* Records that would let such mail pass, ready to be published; nothing where none would help. */
void told_records(struct buf *, struct arena *, const struct store_account *, const struct doc *story);

/* The SPF record of `domain` as it was when asked; empty: not seen. */
struct bytes told_spf_record(const struct doc *story, struct bytes domain);
/* The record with `term` put before what ends it; in the arena. */
struct bytes told_spf_with(struct arena *, struct bytes record, struct bytes term);

#endif
