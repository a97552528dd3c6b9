/* diagnose/claim.h: by what a report says that it is about a mail of ours.
 *
 * Anybody can write a report about a mail that nobody sent. What it returns
 * bears marks that only those know who saw the mail: they can be looked up. */
#ifndef DIAGNOSE_CLAIM_H
#define DIAGNOSE_CLAIM_H

#include "diagnose/explain.h"

#define CLAIM_MAX 8 /* of each kind */

struct claim {
	struct bytes accounts[CLAIM_MAX]; /* ids of a gateway of this kind: in X-Mailreeve, or in a reply of ours */
	size_t       account_count;
	struct bytes message_id; /* as the returned field has it; empty: none */
	struct bytes queue_ids[CLAIM_MAX]; /* of the returned Received fields, the top one first */
	size_t       queue_count;
};

/* False when there is nothing to look up. */
bool claim_take(struct arena *, const struct explained *, struct claim *claim_out);

#endif
