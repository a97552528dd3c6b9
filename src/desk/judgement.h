/* desk/judgement.h: one message judged on the command line by the one session
 * there is, with answers that are waited for. */
#ifndef DESK_JUDGEMENT_H
#define DESK_JUDGEMENT_H

#include "desk/oracle.h"
#include "session/session.h"

struct judgement_input {
	struct ip         ip; /* family 0: not known; SPF is left out */
	struct bytes      helo, mail_from; /* any octets */
	struct cli_texts  rcpt;
	struct bytes      text; /* the message, as in its file */
	int64_t           now;
};

/* `told` gets the account (borrowed for the call). False when memory is spent. */
bool judgement_run(const struct session_env *, struct oracle *, const struct judgement_input *,
                   void (*told)(void *arg, const struct account *), void *arg);

#endif
