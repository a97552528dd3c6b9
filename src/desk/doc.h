/* desk/doc.h: a JSON document read back, for those who show it.
 *
 * A missing member, a null and a member of another type are all empty, so a
 * story that an older version wrote is shown as far as it goes. */
#ifndef DESK_DOC_H
#define DESK_DOC_H

#include "base/arena.h"
#include "base/bytes.h"

struct doc;

/* Lives as long as the arena. NULL: no JSON, too deep, or memory is spent. */
const struct doc *doc_read(struct arena *, struct bytes text);

/* All take NULL. A path goes through objects: "decision.reply.code". */
const struct doc *doc_at(const struct doc *, const char *path);
size_t            doc_count(const struct doc *); /* items of a list */
const struct doc *doc_item(const struct doc *, size_t index);
struct bytes      doc_text(const struct doc *, const char *path); /* path "": itself */
int64_t           doc_number(const struct doc *, const char *path);
double            doc_real(const struct doc *, const char *path);
bool              doc_flag(const struct doc *, const char *path);
bool              doc_is(const struct doc *, const char *path, const char *word);

#endif
