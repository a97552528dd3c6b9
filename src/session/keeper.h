/* session/keeper.h: brings messages that are kept here to the disk: the copy into
 * the vault, then its rows through the writer, both synced. A few threads, since
 * each waits for the disk; a bounded queue, since a disk may be slow. */
#ifndef SESSION_KEEPER_H
#define SESSION_KEEPER_H

#include "session/keep.h"
#include "store/writer.h"

struct keeper;

#define KEEPER_QUEUE 256

/* NULL: no threads or no memory. The writer is borrowed until keeper_stop(). */
struct keeper *keeper_start(struct writer *, unsigned threads) MUST_USE;

/* From any thread, without waiting; the value is the keeper's from now on.
 * `fn(arg, ok)` is called once, from another thread: ok says that copy and rows
 * are on the disk. What is not there soon enough for its deadline, counted from
 * now, is not kept at all. False: the queue is full, the value is gone, fn is not called. */
bool keeper_put(struct keeper *, struct keep *, void (*fn)(void *arg, bool ok), void *arg) MUST_USE;

/* Does what is queued, then ends the threads. What was handed to the writer is
 * told by writer_stop() at the latest. Takes NULL. */
void keeper_stop(struct keeper *);

#endif
