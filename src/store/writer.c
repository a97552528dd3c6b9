/* store/writer.c: see writer.h.
 *
 * What is hard: a commit whose connection breaks may have been kept or not. Each
 * transaction therefore also writes its number under the writer's own name, and
 * after a break that number is read first: so nothing is counted twice and
 * nothing is left out. A row that the database refuses must not take the others
 * of its batch with it: they are then written one by one. */
#include "store/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "store/engine.h"
#include "store/folder.h"
#include "store/item.h"

/* A batch has more accounts than make it begin when there are: the more of them,
 * the fewer pages each costs. But no more than take so long to write. */
#define BATCH_MOST    10000
#define BATCH_LONG_US ((uint64_t)150000)
/* The log of SQLite: when to have it folded, and when not to wait for that. */
#define PRUNE_PAUSE_US ((uint64_t)20000)
/* So many times as long as a step took nothing is pruned: a step writes as many
 * pages as a hundred commits, and where the disk falls behind all wait for it. */
#define PRUNE_REST     2
#define LOG_LONG      ((size_t)64 << 20)
#define LOG_TOO_LONG  ((size_t)256 << 20)
#define TRIES       6 /* of a transaction that the database asks to try again */
#define BACK_OFF    100 /* the longest pause, in first pauses */
#define URGENT_MOST 1000

struct list {
	struct item *first, **end;
	size_t       rows, octets;
};

struct losses { /* accounts that will be missing */
	int64_t     from_us, to_us, n;
	const char *why;
};

struct writer {
	struct writer_settings set;
	char                  *where;
	char                   id[ID_LEN + 1];
	pthread_t              thread;

	pthread_mutex_t     lock; /* of what follows, up to the blank line */
	pthread_cond_t      wake, done;
	struct list         queue, urgent;
	struct losses       full; /* since the last gap that was kept */
	struct writer_stats stats;
	uint64_t            taken; /* accounts taken from the queue and done with */
	bool                stopping;
	uint64_t            stop_us;

	/* The thread's own. */
	struct store *store; /* NULL: away */
	struct item **batch;
	size_t        batch_count;
	size_t        batch_most; /* by the time the last ones took */
	struct folder *folder; /* NULL: the log is folded by whoever commits */
	int64_t       number; /* of the batch in hand */
	bool          doubtful; /* a commit broke off, and may have been kept: */
	size_t        doubtful_rows; /* so many at the front of the batch */
	struct losses doubtful_full;
	struct list   owed; /* kept, but too late for who waited: to be taken back */
	struct losses refused;
	struct prune  prune;
	uint64_t      prune_us; /* when to look next */
	uint64_t      pause_ms, retry_us;
};

/* ---- queues ---- */

static void
list_add(struct list *l, struct item *item)
{
	item->next = NULL;
	*l->end = item;
	l->end = &item->next;
	l->rows++;
	l->octets += item->octets;
}

static struct item *
list_take(struct list *l)
{
	struct item *item = l->first;

	if (item == NULL)
		return NULL;
	l->first = item->next;
	if (l->first == NULL)
		l->end = &l->first;
	l->rows--;
	l->octets -= item->octets;
	return item;
}

static void
note_loss(struct losses *l, const struct store_account *account, const char *why)
{
	if (l->n == 0 || account->at_us < l->from_us)
		l->from_us = account->at_us;
	if (l->n == 0 || account->at_us > l->to_us)
		l->to_us = account->at_us;
	l->why = why;
	l->n++;
}

bool
writer_put(struct writer *w, const struct store_account *account)
{
	struct item *item = item_new(account, NULL);

	pthread_mutex_lock(&w->lock);
	bool room = item != NULL && w->queue.rows < w->set.queue_rows && w->queue.octets + item->octets <= w->set.queue_octets;
	w->stats.put++;
	if (room) {
		list_add(&w->queue, item);
		if (w->queue.rows == 1 || w->queue.rows == w->set.commit_rows)
			pthread_cond_signal(&w->wake);
	} else {
		w->stats.dropped++;
		note_loss(&w->full, account, item == NULL ? "memory was spent" : "the queue of the writer was full");
	}
	pthread_mutex_unlock(&w->lock);
	if (!room)
		free(item);
	return room;
}

enum rc
writer_put_now(struct writer *w, const struct store_account *account, const struct store_held *held, uint64_t until_us, writer_done *fn, void *arg)
{
	struct item *item = item_new(account, held);

	if (item == NULL)
		return RC_MEMORY;
	item->fn = fn;
	item->arg = arg;
	item->until_us = until_us;
	pthread_mutex_lock(&w->lock);
	bool room = w->urgent.rows < URGENT_MOST && !w->stopping;
	if (room) {
		w->stats.put++;
		list_add(&w->urgent, item);
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	if (!room)
		free(item);
	return room ? RC_OK : RC_LIMIT;
}

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t  done;
	bool            over;
	enum rc         rc;
};

static void
wait_over(void *arg, enum rc rc)
{
	struct waiting *waiting = arg;

	pthread_mutex_lock(&waiting->lock);
	waiting->over = true;
	waiting->rc = rc;
	pthread_cond_signal(&waiting->done);
	pthread_mutex_unlock(&waiting->lock);
}

enum rc
writer_wait_now(struct writer *w, const struct store_account *account, const struct store_held *held)
{
	struct waiting waiting = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
	enum rc        rc = writer_put_now(w, account, held, 0, wait_over, &waiting);

	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&waiting.lock);
	while (!waiting.over)
		pthread_cond_wait(&waiting.done, &waiting.lock);
	pthread_mutex_unlock(&waiting.lock);
	pthread_cond_destroy(&waiting.done);
	pthread_mutex_destroy(&waiting.lock);
	return waiting.rc;
}

static void
wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t mono_us)
{
	struct timespec ts = { .tv_sec = (time_t)(mono_us / 1000000), .tv_nsec = (long)(mono_us % 1000000) * 1000 };

	pthread_cond_timedwait(cond, lock, &ts);
}

bool
writer_flush(struct writer *w, unsigned timeout_ms)
{
	uint64_t until = clock_mono_us() + (uint64_t)timeout_ms * 1000;

	pthread_mutex_lock(&w->lock);
	uint64_t want = w->stats.put - w->stats.dropped;
	while (w->taken < want && clock_mono_us() < until)
		wait_until(&w->done, &w->lock, until);
	bool all = w->taken >= want;
	pthread_mutex_unlock(&w->lock);
	return all;
}

void
writer_count(struct writer *w, struct writer_stats *stats_out)
{
	pthread_mutex_lock(&w->lock);
	*stats_out = w->stats;
	stats_out->queued = w->queue.rows + w->urgent.rows;
	stats_out->queued_octets = w->queue.octets + w->urgent.octets;
	if (w->queue.first != NULL)
		stats_out->lag_us = clock_mono_us() - w->queue.first->since_us;
	pthread_mutex_unlock(&w->lock);
}

/* ---- one batch ---- */

static void
keep_trouble(struct writer *w, struct bytes text)
{
	pthread_mutex_lock(&w->lock);
	snprintf(w->stats.trouble, sizeof(w->stats.trouble), "%.*s", B_FMT(text));
	pthread_mutex_unlock(&w->lock);
}

static enum rc
gap_write(struct store *s, const struct losses *l)
{
	uint8_t random[8];
	char    id[ID_LEN + 1];

	if (l->n == 0)
		return RC_OK;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return RC_AGAIN;
	id_format(random, id);
	union value params[] = { VALUE_INT(store_day(l->from_us)), VALUE_TEXT(bytes_of(id)),     VALUE_INT(l->from_us),
		                 VALUE_INT(l->to_us),              VALUE_INT(l->n), VALUE_TEXT(bytes_of(l->why)) };
	return store_run(s, SQL_GAP_ADD, params, NULL, NULL);
}

/* Committed, if all went well until now; else undone. */
static enum rc
transaction_end(struct writer *w, enum rc rc)
{
	if (rc == RC_OK)
		rc = store_commit(w->store);
	if (rc != RC_OK) {
		keep_trouble(w, store_trouble(w->store));
		store_rollback(w->store);
	}
	return rc;
}

/* One transaction: rows, counters, gaps, and the number of the batch. */
static enum rc
try_once(struct writer *w, struct item *const *items, size_t count, const struct losses *full, bool *committing)
{
	union value place[] = { VALUE_TEXT(bytes_of(w->id)), VALUE_INT(w->number), VALUE_INT(store_now_us()) };
	enum rc     rc = store_begin(w->store);

	*committing = false;
	if (rc == RC_OK)
		rc = items_write(w->store, items, count);
	if (rc == RC_OK)
		rc = gap_write(w->store, full);
	if (rc == RC_OK)
		rc = gap_write(w->store, &w->refused);
	if (rc == RC_OK)
		rc = store_run(w->store, SQL_WRITER_SET, place, NULL, NULL);
	*committing = rc == RC_OK;
	return transaction_end(w, rc);
}

static void
try_pause(unsigned tries)
{
	struct timespec pause = { 0, (10L << tries) * 1000000 };

	if (tries > 0)
		nanosleep(&pause, NULL);
}

/* Called with the lock held. */
static void
gaps_kept(struct writer *w, const struct losses *full)
{
	w->refused.n = 0;
	w->full.n -= full->n;
	w->full.from_us = w->full.to_us; /* what was lost meanwhile is another gap */
}

static enum rc
write_items(struct writer *w, struct item *const *items, size_t count)
{
	enum rc  rc = RC_AGAIN;
	uint64_t start = clock_mono_us();

	pthread_mutex_lock(&w->lock);
	struct losses full = w->full;
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < TRIES && rc == RC_AGAIN; i++) {
		bool committing;
		try_pause(i);
		rc = try_once(w, items, count, &full, &committing);
		w->doubtful = rc == RC_IO && committing;
		w->doubtful_rows = w->doubtful ? count : 0;
		w->doubtful_full = full;
	}
	pthread_mutex_lock(&w->lock);
	uint64_t took = clock_mono_us() - start;
	if (took > w->stats.slowest_us)
		w->stats.slowest_us = took;
	w->stats.commits += rc == RC_OK;
	w->stats.failures += rc != RC_OK;
	if (rc == RC_OK) {
		w->number++;
		w->stats.written += count;
		gaps_kept(w, &full);
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

static void
tell(struct item *item, enum rc rc)
{
	writer_done *fn = item->fn;

	item->fn = NULL;
	if (fn != NULL)
		fn(item->arg, rc);
}

static bool
is_late(const struct item *item)
{
	return item->fn != NULL && item->until_us != 0 && clock_mono_us() >= item->until_us;
}

static enum rc
remove_owed(struct writer *w)
{
	enum rc rc = store_begin(w->store);

	for (struct item *item = w->owed.first; item != NULL && rc == RC_OK; item = item->next)
		rc = item_remove(w->store, item);
	return transaction_end(w, rc);
}

/* Until it has succeeded it is tried again before anything else is written. */
static void
take_back(struct writer *w)
{
	enum rc      rc = RC_AGAIN;
	struct item *item;

	for (unsigned i = 0; i < TRIES && w->owed.first != NULL && rc == RC_AGAIN; i++) {
		try_pause(i);
		rc = remove_owed(w);
	}
	for (item = w->owed.first; item != NULL; item = item->next)
		tell(item, rc == RC_OK ? RC_AGAIN : RC_IO);
	while (rc == RC_OK && (item = list_take(&w->owed)) != NULL)
		free(item);
}

static void
item_kept(struct writer *w, struct item *item)
{
	if (item->disowned || is_late(item)) {
		list_add(&w->owed, item);
		return;
	}
	tell(item, RC_OK);
	free(item);
}

/* The first rows of the batch are in the store. */
static void
rows_kept(struct writer *w, size_t count)
{
	for (size_t i = 0; i < count; i++)
		item_kept(w, w->batch[i]);
	w->batch_count -= count;
	memmove(w->batch, w->batch + count, w->batch_count * sizeof(struct item *));
	take_back(w);
	pthread_mutex_lock(&w->lock);
	w->taken += count;
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
}

/* The rows one by one, each with its own answer, because one of them spoils the
 * batch. What is written leaves the batch, so that a break midway repeats nothing. */
static enum rc
write_singly(struct writer *w)
{
	size_t  next = 0;
	enum rc rc = RC_OK;

	while (next < w->batch_count && rc != RC_IO && rc != RC_AGAIN) {
		struct item *item = w->batch[next];
		rc = write_items(w, &item, 1);
		if (rc == RC_IO || rc == RC_AGAIN)
			break;
		if (rc != RC_OK) {
			note_loss(&w->refused, &item->account, "the database refused the row");
			pthread_mutex_lock(&w->lock);
			w->stats.refused++;
			pthread_mutex_unlock(&w->lock);
		}
		if (rc == RC_OK) {
			item_kept(w, item);
		} else {
			tell(item, rc);
			free(item);
		}
		next++;
		pthread_mutex_lock(&w->lock);
		w->taken++;
		pthread_mutex_unlock(&w->lock);
	}
	w->batch_count -= next;
	memmove(w->batch, w->batch + next, w->batch_count * sizeof(struct item *));
	take_back(w);
	return rc == RC_IO || rc == RC_AGAIN ? rc : RC_OK;
}

/* Items out of the batch that are not to be written. */
static void
batch_sift(struct writer *w, bool (*goes)(const struct item *))
{
	size_t kept = 0;

	for (size_t i = 0; i < w->batch_count; i++) {
		if (goes(w->batch[i])) {
			tell(w->batch[i], RC_AGAIN);
			free(w->batch[i]);
		} else {
			w->batch[kept++] = w->batch[i];
		}
	}
	pthread_mutex_lock(&w->lock);
	w->taken += w->batch_count - kept;
	pthread_mutex_unlock(&w->lock);
	w->batch_count = kept;
}

/* The store is away: who waits is told so, and their mail is deferred; so their
 * rows are ours no longer. What nobody waits for stays in hand. */
static void
store_lost(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->stats.away = true;
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->batch_count; i++) {
		if (w->batch[i]->fn == NULL)
			continue;
		w->batch[i]->disowned = true;
		tell(w->batch[i], i < w->doubtful_rows ? RC_IO : RC_AGAIN);
	}
	store_close(w->store);
	w->store = NULL;
	w->prune.lease_us = 0;
	w->pause_ms = w->pause_ms == 0 ? w->set.retry_ms : w->pause_ms * 2;
	if (w->pause_ms > (uint64_t)w->set.retry_ms * BACK_OFF)
		w->pause_ms = (uint64_t)w->set.retry_ms * BACK_OFF;
	w->retry_us = clock_mono_us() + w->pause_ms * 1000;
}

/* More at once while that is quick. */
static void
fit_batch(struct writer *w, uint64_t took_us)
{
	size_t least = w->set.commit_rows, most = w->batch_most;

	if (took_us > BATCH_LONG_US)
		most = most / 2 > least ? most / 2 : least;
	else if (took_us < BATCH_LONG_US / 2 && w->batch_count == most)
		most = most * 2 < BATCH_MOST ? most * 2 : BATCH_MOST;
	w->batch_most = most;
}

static void
write_batch(struct writer *w)
{
	uint64_t start = clock_mono_us();

	take_back(w);
	batch_sift(w, is_late);
	enum rc rc = write_items(w, w->batch, w->batch_count);
	fit_batch(w, clock_mono_us() - start);
	if (rc == RC_SYNTAX || rc == RC_MEMORY)
		rc = write_singly(w);
	if (rc == RC_OK)
		rows_kept(w, w->batch_count);
	else
		store_lost(w);
}

/* ---- back again ---- */

static bool
note_number(void *arg, const union value *v)
{
	*(int64_t *)arg = v[0].number;
	return true;
}

static bool
is_disowned(const struct item *item)
{
	return item->disowned;
}

/* Was it kept, whose commit broke off? Then those of its rows whose mail was
 * deferred meanwhile are taken back. */
static enum rc
settle(struct writer *w)
{
	union value id = VALUE_TEXT(bytes_of(w->id));
	int64_t     last = -1;
	enum rc     rc = w->doubtful ? store_run(w->store, SQL_WRITER_GET, &id, note_number, &last) : RC_OK;

	if (rc != RC_OK)
		return rc;
	if (w->doubtful && last == w->number) {
		w->number++;
		pthread_mutex_lock(&w->lock);
		w->stats.written += w->doubtful_rows;
		gaps_kept(w, &w->doubtful_full);
		pthread_mutex_unlock(&w->lock);
		rows_kept(w, w->doubtful_rows);
	}
	w->doubtful = false;
	w->doubtful_rows = 0;
	batch_sift(w, is_disowned);
	take_back(w);
	return RC_OK;
}

static enum rc
open_store(struct writer *w, struct arena *a, struct bytes *why)
{
	enum rc rc = store_open(w->where, STORE_WRITE, a, &w->store, why);

	if (rc == RC_OK && w->folder != NULL)
		store_leave_log(w->store);
	return rc;
}

static void
reopen(struct writer *w)
{
	struct arena *a = arena_new(65536);
	struct bytes  why = B_NONE;
	enum rc       rc = open_store(w, a, &why);

	if (rc != RC_OK) {
		w->store = NULL;
		keep_trouble(w, why);
	} else {
		rc = settle(w);
	}
	arena_free(a);
	if (rc != RC_OK) {
		store_lost(w);
		return;
	}
	w->pause_ms = 0;
	pthread_mutex_lock(&w->lock);
	w->stats.away = false;
	pthread_mutex_unlock(&w->lock);
}

/* ---- the thread ---- */

/* Where commits come faster than it can be folded, they wait for it after all. */
static void
mind_log(struct writer *w)
{
	size_t octets = w->store != NULL && w->folder != NULL ? store_log_octets(w->store) : 0;

	if (octets > LOG_TOO_LONG) {
		enum rc rc = store_fold(w->where);
		(void)rc;
	} else if (octets > LOG_LONG) {
		folder_wake(w->folder);
	}
}

/* Wait for something to do, and take it. Called with the lock held. */
static void
gather(struct writer *w)
{
	uint64_t now = clock_mono_us();

	while (w->urgent.rows == 0 && w->queue.rows == 0 && !w->stopping && now < w->prune_us) {
		wait_until(&w->wake, &w->lock, w->prune_us);
		now = clock_mono_us();
	}
	while (w->urgent.rows == 0 && w->queue.rows > 0 && w->queue.rows < w->set.commit_rows && !w->stopping) {
		uint64_t due = w->queue.first->since_us + (uint64_t)w->set.commit_ms * 1000;
		if (clock_mono_us() >= due)
			break;
		wait_until(&w->wake, &w->lock, due);
	}
	while (w->batch_count < w->batch_most) {
		struct item *item = list_take(&w->urgent);
		if (item == NULL)
			item = list_take(&w->queue);
		if (item == NULL)
			break;
		w->batch[w->batch_count++] = item;
	}
}

/* While the store is away: wait for the next try, and tell who will not wait.
 * Called with the lock held. */
static void
stay_away(struct writer *w)
{
	while (clock_mono_us() < w->retry_us && !(w->stopping && clock_mono_us() >= w->stop_us)) {
		struct item *item = list_take(&w->urgent);
		if (item == NULL) {
			wait_until(&w->wake, &w->lock, w->stopping && w->stop_us < w->retry_us ? w->stop_us : w->retry_us);
			continue;
		}
		w->taken++;
		pthread_mutex_unlock(&w->lock);
		tell(item, RC_AGAIN);
		free(item);
		pthread_mutex_lock(&w->lock);
	}
}

static bool
is_awaited(void *arg)
{
	struct writer *w = arg;

	pthread_mutex_lock(&w->lock);
	bool awaited = w->urgent.rows > 0;
	pthread_mutex_unlock(&w->lock);
	return awaited;
}

static void
prune_some(struct writer *w)
{
	bool more = false;

	if (w->store == NULL || clock_mono_us() < w->prune_us)
		return;
	if (w->folder != NULL && folder_busy(w->folder)) { /* which cannot end while we go on */
		w->prune_us = clock_mono_us() + PRUNE_PAUSE_US;
		return;
	}
	uint64_t start = clock_mono_us();
	enum rc  rc = prune_step(w->store, &w->prune, store_now_us(), &more);
	uint64_t end = clock_mono_us();
	if (rc == RC_IO) {
		keep_trouble(w, store_trouble(w->store));
		store_lost(w);
	}
	w->prune_us = end + (rc == RC_OK && more ? PRUNE_REST * (end - start) : (uint64_t)w->set.prune_ms * 1000);
	pthread_mutex_lock(&w->lock);
	w->stats.prune_longest_us = w->prune.longest_us;
	w->stats.pruned = w->prune.pruned;
	pthread_mutex_unlock(&w->lock);
}

static bool
is_over(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	bool empty = w->queue.rows == 0 && w->urgent.rows == 0 && w->batch_count == 0 && w->full.n == 0;
	bool over = w->stopping && (empty || clock_mono_us() >= w->stop_us);
	pthread_mutex_unlock(&w->lock);
	return over;
}

static void *
run(void *arg)
{
	struct writer *w = arg;

	while (!is_over(w)) {
		pthread_mutex_lock(&w->lock);
		if (w->store == NULL)
			stay_away(w);
		else if (w->batch_count == 0)
			gather(w);
		bool losses = w->full.n > 0 && w->queue.rows < w->set.queue_rows / 2;
		pthread_mutex_unlock(&w->lock);
		if (w->store == NULL)
			reopen(w);
		else if (w->batch_count > 0 || losses || w->refused.n > 0 || w->owed.first != NULL)
			write_batch(w);
		prune_some(w);
		mind_log(w);
	}
	if (w->store != NULL)
		take_back(w);
	if (w->store != NULL)
		prune_end(w->store, &w->prune, store_now_us());
	return NULL;
}

/* ---- begin and end ---- */

static void
free_writer(struct writer *w)
{
	struct item *item;

	while ((item = list_take(&w->urgent)) != NULL || (item = list_take(&w->queue)) != NULL) {
		tell(item, RC_AGAIN);
		free(item);
	}
	for (size_t i = 0; i < w->batch_count; i++) {
		tell(w->batch[i], i < w->doubtful_rows ? RC_IO : RC_AGAIN);
		free(w->batch[i]);
	}
	while ((item = list_take(&w->owed)) != NULL)
		free(item);
	folder_stop(w->folder);
	store_close(w->store);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w->batch);
	free(w->where);
	free(w);
}

static void
fill_settings(struct writer_settings *set)
{
	set->queue_rows = set->queue_rows > 0 ? set->queue_rows : 50000;
	set->queue_octets = set->queue_octets > 0 ? set->queue_octets : (size_t)256 << 20;
	set->commit_ms = set->commit_ms > 0 ? set->commit_ms : 100;
	set->commit_rows = set->commit_rows > 0 ? set->commit_rows : 1000;
	set->commit_rows = set->commit_rows < BATCH_MOST ? set->commit_rows : BATCH_MOST;
	set->retry_ms = set->retry_ms > 0 ? set->retry_ms : 100;
	set->prune_ms = set->prune_ms > 0 ? set->prune_ms : 60000;
}

static struct writer *
new_writer(const struct writer_settings *settings)
{
	struct writer     *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	uint8_t            random[8];

	if (w == NULL)
		return NULL;
	w->set = *settings;
	fill_settings(&w->set);
	w->queue.end = &w->queue.first;
	w->urgent.end = &w->urgent.first;
	w->owed.end = &w->owed.first;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_cond_init(&w->done, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&w->lock, NULL);
	w->where = strdup(settings->where);
	w->batch = calloc(BATCH_MOST, sizeof(struct item *));
	w->batch_most = w->set.commit_rows;
	if (w->where == NULL || w->batch == NULL || getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		free_writer(w);
		return NULL;
	}
	id_format(random, w->id);
	w->prune = (struct prune){ .rules = settings->keep, .holder = bytes_of(w->id), .is_awaited = is_awaited, .arg = w };
	return w;
}

enum rc
writer_start(const struct writer_settings *settings, struct arena *a, struct writer **writer_out, struct bytes *why_out)
{
	struct writer *w = new_writer(settings);
	struct bytes   why = B_NONE;

	if (w == NULL) {
		*why_out = B("memory is spent");
		return RC_MEMORY;
	}
	w->folder = store_has_log(w->where) ? folder_start(w->where) : NULL;
	enum rc rc = open_store(w, a, &why);
	if (rc == RC_IO || rc == RC_AGAIN) {
		w->store = NULL;
		keep_trouble(w, why);
		store_lost(w);
		rc = RC_OK;
	}
	if (rc == RC_OK && pthread_create(&w->thread, NULL, run, w) != 0) {
		why = B("the thread of the writer could not be started");
		rc = RC_IO;
	}
	*why_out = why;
	if (rc != RC_OK) {
		free_writer(w);
		return rc;
	}
	*writer_out = w;
	return RC_OK;
}

size_t
writer_stop(struct writer *w, unsigned drain_ms)
{
	if (w == NULL)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	w->stop_us = clock_mono_us() + (uint64_t)drain_ms * 1000;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	size_t lost = w->queue.rows + w->urgent.rows + w->batch_count + (size_t)w->full.n;
	free_writer(w);
	return lost;
}
