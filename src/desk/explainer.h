/* desk/explainer.h: `explain` for the desk: text in, the document of the CLI out. */
#ifndef DESK_EXPLAINER_H
#define DESK_EXPLAINER_H

#include "base/arena.h"
#include "base/buf.h"
#include "desk/patience.h"

#define EXPLAIN_MAX ((size_t)4 << 20) /* octets of one report */

struct explained;
struct explainer;

/* `own_rules`: a file of the operator's, perhaps empty. NULL when there are faults in it, or memory is spent. Not for threads. */
struct explainer *explainer_new(struct bytes own_rules);
void              explainer_free(struct explainer *); /* takes NULL */

/* Does it begin like a reply: "550 ...", "550-5.7.1 ..." or "550"? All else may be a whole message. */
bool explainer_is_reply(struct bytes text);
/* A whole message, a report as JSON, or pasted text. NULL when memory is spent. */
struct explained *explainer_read(struct explainer *, struct arena *, struct bytes text) MUST_USE;
/* Looks up in DNS what the report claims, for the first recipients. */
void explainer_look(struct explained *, struct arena *, const struct patience *, int64_t now);

/* The document, or the same for people; `for_user`: steps for the one who wrote
 * the mail. False when memory is spent. */
bool explainer_json(const struct explained *, struct arena *, bool for_user, int64_t now, struct buf *out) MUST_USE;
bool explainer_text(const struct explained *, struct arena *, bool for_user, struct buf *out) MUST_USE;

#endif
