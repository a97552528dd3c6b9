/* desk/oracle.h: where a verb gets its DNS answers: a zone file (--dns), a
 * server (--resolver), or what the settings or the system name. */
#ifndef DESK_ORACLE_H
#define DESK_ORACLE_H

#include "base/ask.h"
#include "desk/cli.h"

struct oracle;
struct resolver;
struct settings;

/* On failure NULL, a sentence was told on standard error and the exit is CLI_USE. */
struct oracle *oracle_new(const struct cli *, const struct settings *);
/* One that remembers next to nothing, for those who want to know what DNS says now. */
struct oracle *oracle_forgetful(const struct cli *, const struct settings *);
void           oracle_free(struct oracle *);

/* Waits. A reference for the caller; NULL only when memory is spent. */
const struct answer *oracle_answer(struct oracle *, const struct ask *);

/* For the daemon, which does not wait. Lives as long as the oracle. */
struct resolver *oracle_resolver(struct oracle *);

#endif
