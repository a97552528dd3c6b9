/* desk/recheck.h: a stored story held against what DNS publishes now, for the why page. */
#ifndef DESK_RECHECK_H
#define DESK_RECHECK_H

#include "desk/doc.h"
#include "diagnose/again.h"
#include "net/resolver.h"
#include "store/store.h"

struct settings;
struct suffix;

/* `suffix` for settings that go by the Public Suffix List. Waits for DNS, some seconds at most. NULL when memory is spent. */
const struct again_report *recheck(struct arena *, struct resolver *, const struct settings *, const struct suffix *,
                                   const struct store_account *, const struct doc *story, int64_t now);

#endif
