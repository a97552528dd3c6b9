/* store/writer.h: the one thread that keeps accounts, and its bounded queue.
 *
 * Putting an account costs its caller a copy. The writer gathers what came within
 * 100 ms, or 1000 accounts (more while that is quick), into one transaction. While the store is away it tries
 * again with growing pauses, the queue fills, and when it is full accounts are
 * dropped and counted; the gap is kept as a row when the store is back. So mail
 * never waits for the store, but where mail depends on a row (quarantine):
 * writer_put_now() tells when the row is on disk, or that it is not. */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "store/held.h"
#include "store/prune.h"
#include "store/store.h"

struct writer;

struct writer_settings {
	const char        *where; /* as for store_open() */
	size_t             queue_rows; /* 0: 50000 */
	size_t             queue_octets; /* 0: 256 MB */
	unsigned           commit_ms; /* 0: 100 */
	unsigned           commit_rows; /* 0: 1000 */
	unsigned           retry_ms; /* the first pause when the store is away; 0: 100. It doubles up to 100 times as long */
	unsigned           prune_ms; /* how often to look; 0: 60000 */
	struct prune_rules keep;
};

/* Opens the store and starts the thread. RC_OK also when the store is away for
 * now (RC_IO of store_open()): then `why_out` says why and is else empty. Other
 * results are for the operator to mend, and nothing was started. */
enum rc writer_start(const struct writer_settings *, struct arena *, struct writer **writer_out, struct bytes *why_out) MUST_USE;

/* Writes what is queued, for about `drain_ms` at most, ends the thread and frees
 * all. The number of accounts that were lost. Takes NULL. Nobody may put any more. */
size_t writer_stop(struct writer *, unsigned drain_ms);

/* Queue a copy; from any thread, without waiting. Refused when the queue is full. */
bool writer_put(struct writer *, const struct store_account *);

/* Write now, before all that is queued: the account and, if not NULL, the row of
 * the quarantine, both or neither. `fn` is called once, on the writer's thread,
 * after the commit has reached the disk (RC_OK) or failed; soon, also when the
 * store is away. RC_IO: nobody knows whether the rows are there; they are taken
 * back when the store is. Any other: they are not, for certain; RC_AGAIN: the
 * store is away, or could not do it until `until_us` (monotonic; 0: without end).
 * Results of the call itself, RC_LIMIT or RC_MEMORY: nothing was queued, and fn
 * is not called. */
typedef void writer_done(void *arg, enum rc rc);
enum rc writer_put_now(struct writer *, const struct store_account *, const struct store_held *, uint64_t until_us, writer_done *, void *arg) MUST_USE;

/* The same, waiting for it; for worker threads, never on a loop. */
enum rc writer_wait_now(struct writer *, const struct store_account *, const struct store_held *) MUST_USE;

/* Wait until all that was put before is written, or `timeout_ms` has passed. */
bool writer_flush(struct writer *, unsigned timeout_ms);

struct writer_stats {
	uint64_t put, written; /* accounts */
	uint64_t dropped; /* for want of room */
	uint64_t refused; /* by the database, one by one */
	uint64_t commits, failures; /* transactions */
	size_t   queued, queued_octets;
	uint64_t lag_us; /* age of the oldest that waits */
	uint64_t slowest_us; /* the longest transaction so far */
	uint64_t prune_longest_us, pruned;
	bool     away; /* the store, now */
	char     trouble[256]; /* what it said last; empty: nothing yet */
};
void writer_count(struct writer *, struct writer_stats *stats_out);

#endif
