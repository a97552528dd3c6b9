/* desk/quarantine.h: the verb `quarantine`: messages that are kept here. */
#ifndef DESK_QUARANTINE_H
#define DESK_QUARANTINE_H

#include "policy/settings.h"
#include "store/held.h"
#include "store/vault.h"

int desk_quarantine(int argc, char **argv);

/* Delete what is due. How many went; RC_OK or what the store or the disk said. */
enum rc quarantine_expire(struct vault *, struct store *, int64_t now_us, struct bytes by, size_t *count_out);

#endif
