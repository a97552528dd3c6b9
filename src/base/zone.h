/* base/zone.h: a DNS zone read from text, for tests, demos and `--dns FILE`.
 *
 * One record a line: name TYPE value... ("docs" describe it whole). TXT values
 * and names are octets. A name that is not listed is NXDOMAIN, unless it is a
 * parent of a listed one; a listed name without the asked type is empty.
 * CNAMEs are followed, at most 20. Reading happens elsewhere: this takes text. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/arena.h"
#include "base/ask.h"

struct zone;

/* The zone lives in the arena and borrows `text`, which must stay. On a fault
 * RC_SYNTAX (or RC_MEMORY) and a sentence with the line, "12: no such type ...". */
enum rc zone_parse(struct arena *, struct bytes text, struct zone **zone_out, struct bytes *why_out) MUST_USE;

/* A new answer, the caller's to unref; NULL when memory is spent. */
struct answer *zone_answer(const struct zone *, const struct ask *) MUST_USE;

#endif
