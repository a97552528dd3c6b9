/* policy/judge.h: one decision from the facts of one message.
 *
 * RFC 9989 section 7.4 forbids to refuse on p=reject alone, so under `on_reject
 * = judge` four more questions stand between a failure and a refusal. */
#ifndef POLICY_JUDGE_H
#define POLICY_JUDGE_H

#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/settings.h"

/* The bytes lie in the arena, the settings or are constant. `id` is the
 * account's; it stands in every line of the reply. `suffix` may be NULL. */
struct decision judge(struct arena *, const struct settings *, const struct suffix *, const struct facts *, const char *id);

/* Is the chain valid, and does each seal from the one that recorded dmarc=pass
 * for this From up to the newest come from a trusted sealer? Where none
 * recorded it: is the newest sealer trusted? */
bool judge_arc_trusted(const struct settings *, const struct facts *);
bool judge_arc_vouches(const struct settings *, const struct facts *);

/* What quarantine is for this From domain. */
enum quarantine_way judge_quarantine_way(const struct settings *, const struct facts *);

#endif
