/* store/rig.h: for tests only: a store of their own, in the database that the
 * first argument names: sqlite, or postgresql (a server of our own, in a
 * directory of its own, that listens on a UNIX socket alone and ends with us). */
#ifndef STORE_RIG_H
#define STORE_RIG_H

#include <stdbool.h>

#include "store/store.h"

/* Reads the arguments and starts what is needed; where the database is absent
 * from this host, says so as TAP does and ends the process. */
void rig_begin(int argc, char **argv);
void rig_end(void);

bool        rig_is_sqlite(void);
const char *rig_dir(void); /* empty but for what the rig put there */
/* An empty store at the place it names: drops whatever the last test kept. */
const char *rig_where(void);
/* Statements past the door, such as another program would send. */
bool rig_script(const char *sql);
/* The database goes away as if killed, and comes back. */
void rig_take_away(void);
void rig_bring_back(void);

/* Open or fail the test. */
struct store *rig_open(enum store_mode);
/* An account with something in every member; `n` makes it unlike others. */
struct store_account rig_account(struct arena *, unsigned n, int64_t at_us);

#endif
