/* desk/reasons.h: the verb `reasons`: the catalogue, for people and for docs/reasons.md. */
#ifndef DESK_REASONS_H
#define DESK_REASONS_H

#include "base/buf.h"

int desk_reasons(int argc, char **argv);

/* The whole catalogue as a document. */
void reasons_markdown(struct buf *out);

#endif
