/* store/folder.h: a thread that folds the log of a SQLite store into its file, so
 * that the writer does not wait for it. See store_fold(). */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <stdbool.h>

#include "base/rc.h"

struct folder;

/* NULL: no memory or no thread. `where` is borrowed until folder_stop(). */
struct folder *folder_start(const char *where) MUST_USE;
/* Fold now; nothing when it is at it. Never waits. */
void folder_wake(struct folder *);
bool folder_busy(struct folder *);
/* Waits for what is being done. Takes NULL. */
void folder_stop(struct folder *);

#endif
