/* policy/decision.h: what is to be done with a message, and why.
 *
 * A value: the action, the rule that made it, the reason, the reply. Policy
 * makes it, the front enacts it, the store keeps it; so a rule can be rehearsed
 * on last week's mail. */
#ifndef POLICY_DECISION_H
#define POLICY_DECISION_H

#include "mail/reason.h"
#include "mail/reply.h"

enum action { ACTION_ACCEPT, ACTION_QUARANTINE, ACTION_HOLD, ACTION_DEFER, ACTION_REJECT };

/* Why the disposition differs from the published policy: the words of RFC 9990. */
enum override { OVERRIDE_NONE, OVERRIDE_TEST_MODE, OVERRIDE_LOCAL_POLICY, OVERRIDE_MAILING_LIST, OVERRIDE_TRUSTED_FORWARDER, OVERRIDE_OTHER };

struct decision {
	enum action   action;
	enum reason   reason;
	struct bytes  rule; /* the setting or standing rule that made it, such as "dmarc.on_reject" */
	enum override override;
	struct reply  reply; /* of DEFER and REJECT; count 0: none */
};

const char *action_word(enum action); /* "reject" */
const char *override_word(enum override); /* "mailing_list"; NULL for none */

#endif
