/* diagnose/mx.h: where mail for a domain goes now, and whether that can be meant.
 *
 * Stepped: asks for the MX, then for the addresses of its hosts. A domain that
 * takes no mail, hosts that have no address, hosts of two houses where one is
 * meant, and a refusal by a host that is none of them are faults. */
#ifndef DIAGNOSE_MX_H
#define DIAGNOSE_MX_H

#include "base/ask.h"
#include "diagnose/explain.h"
#include "mail/finding.h"

struct mx;

/* `host` and `ip`: of the one who refused; either may be empty. `route`: the
 * refusal is one that a host gives who has nothing to do with the domain. */
struct mx *mx_new(struct arena *, struct bytes domain, struct bytes host, struct bytes ip, bool route);

/* The first step ignores the answer. Done: what was concluded. */
enum step mx_step(struct mx *, const struct answer *, struct ask *ask_out, enum check_state *state_out, struct bytes *evidence_out) MUST_USE;

#endif
