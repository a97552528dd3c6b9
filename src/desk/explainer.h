/* desk/explainer.h: `explain` for the desk: text in, the document of the CLI out. */
#ifndef DESK_EXPLAINER_H
#define DESK_EXPLAINER_H

#include "base/arena.h"
#include "base/buf.h"

#define EXPLAIN_MAX ((size_t)4 << 20) /* octets of one report */

struct explainer;

/* `own_rules`: a file of the operator's, perhaps empty. NULL when there are faults in it, or memory is spent. Not for threads. */
struct explainer *explainer_new(struct bytes own_rules);
void              explainer_free(struct explainer *); /* takes NULL */

/* A whole message, a report as JSON, or pasted text. The document, or the same
 * for people; `for_user`: steps for the one who wrote the mail. False when memory is spent. */
bool explainer_json(struct explainer *, struct arena *, struct bytes text, bool for_user, int64_t now, struct buf *out) MUST_USE;
bool explainer_text(struct explainer *, struct arena *, struct bytes text, bool for_user, struct buf *out) MUST_USE;

#endif
