/* diagnose/live.h: advice turned into facts: what the report claims, looked up
 * in DNS now. Stepped: it asks one question at a time and never waits.
 *
 * Three states: fault, fine, unknown; trouble with DNS is unknown. */
#ifndef DIAGNOSE_LIVE_H
#define DIAGNOSE_LIVE_H

#include "base/ask.h"
#include "diagnose/explain.h"
#include "mail/finding.h"

struct live;

/* For one recipient of an explanation. Organizational domains are found by the
 * DNS tree walk (RFC 9989 section 4.10), whatever `discovery` says: a report is read
 * for domains of others too, and without settings at hand. `now` is epoch. NULL only when memory is spent. */
struct live *live_new(struct arena *, const struct explained *, struct bounce_verdict *, int64_t now);

/* The first step ignores the answer. Done: the verdict's `checked` is filled in. */
enum step live_step(struct live *, const struct answer *, struct ask *ask_out) MUST_USE;

#endif
