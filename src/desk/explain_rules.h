/* desk/explain_rules.h: the rules of `explain`, with the operator's own. */
#ifndef DESK_EXPLAIN_RULES_H
#define DESK_EXPLAIN_RULES_H

#include "base/conf.h"
#include "desk/cli.h"
#include "diagnose/rules.h"

/* `path` names a file of own rules; empty: there are none. Each must be right,
 * and its examples lead to it. NULL: there are faults, or memory is spent (a
 * fault too). The caller's to free. */
struct rules *explain_rules_read(struct arena *work, struct bytes path, struct conf_faults *) MUST_USE;

/* The same for a verb: faults are told on standard error. */
struct rules *explain_rules_open(const struct cli *, struct bytes path) MUST_USE;

#endif
