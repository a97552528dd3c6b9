/* desk/proof.h: does the store know the mail that a report is about? */
#ifndef DESK_PROOF_H
#define DESK_PROOF_H

#include "diagnose/explain.h"
#include "store/store.h"

/* Fills in `proven` and `account`. Any other result than RC_OK leaves them unknown. */
enum rc proof_find(struct store *, struct arena *, struct explained *) MUST_USE;

#endif
