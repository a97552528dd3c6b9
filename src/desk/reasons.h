/* desk/reasons.h: the verb `reasons`: the catalogue, for people and for docs/reasons.md. */
#ifndef DESK_REASONS_H
#define DESK_REASONS_H

#include "base/json.h"
#include "mail/reason.h"

int desk_reasons(int argc, char **argv);

/* One of them as an object, as the verb and the API give it. */
void reasons_json(struct json *, enum reason);
/* The whole catalogue as a document. */
void reasons_markdown(struct buf *out);

#endif
