/* desk/store_open.h: where the settings say that stories are kept, and a connection to it for a verb. */
#ifndef DESK_STORE_OPEN_H
#define DESK_STORE_OPEN_H

#include "desk/cli.h"
#include "policy/settings.h"
#include "store/store.h"

#define STORE_FOLDER "/var/lib/mailreeve"

/* For store_open(), NUL-terminated, as long as the settings live; NULL: nothing is kept. */
const char *store_where(const struct settings *);

/* NULL when a fault was told: end with cli->exit (CLI_UNKNOWN while the store is
 * away, else CLI_USE). A SQLite file that is not there is a fault, not made. */
struct store *desk_store_open(struct cli *, const struct settings *, enum store_mode);

/* What a verb ends with when a statement failed: tells it. */
int desk_store_fault(const struct cli *, const struct store *, enum rc);

#endif
