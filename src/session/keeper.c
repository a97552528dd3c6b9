/* session/keeper.c: see keeper.h. */
#include "session/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define THREADS_MAX 16

struct job {
	struct job  *next;
	struct keep *keep;
	void (*fn)(void *arg, bool ok);
	void    *arg;
	uint64_t until_us; /* 0: without end */
	char     path[VAULT_PATH_MAX];
};

struct keeper {
	struct writer  *writer;
	pthread_mutex_t lock;
	pthread_cond_t  more;
	struct job     *first, **last;
	size_t          count;
	bool            stopping;
	pthread_t       threads[THREADS_MAX];
	unsigned        thread_count;
};

static void
job_end(struct job *job, bool ok)
{
	void (*fn)(void *, bool) = job->fn;
	void *arg = job->arg;

	keep_free(job->keep);
	free(job);
	fn(arg, ok);
}

static void
job_fail(struct job *job, const char *why)
{
	log_event(AT_WARNING, "quarantine.failed", F_TEXT("id", job->keep->row.id), F_WORD("why", why), F_WORD("done", "answered 451, the client will try again"));
	job_end(job, false);
}

/* On the writer's thread, or on our own where it did not even begin. While nobody
 * knows whether the rows are there the copy stays: should they be, they must not be
 * without it. Else it goes, or each retry of the client would leave another. */
static void
on_written(void *arg, enum rc rc)
{
	struct job *job = arg;

	if (rc == RC_OK) {
		job_end(job, true);
		return;
	}
	if (rc != RC_IO)
		copy_drop(job->keep->copy);
	job_fail(job, rc == RC_AGAIN ? "the store is away, or too slow" : "the store did not take its row");
}

static void
work(struct keeper *k, struct job *job)
{
	struct keep *keep = job->keep;

	if (job->until_us != 0 && clock_mono_us() >= job->until_us) {
		job_fail(job, "the disk is too slow");
		return;
	}
	enum rc rc = vault_keep(keep->copy, job->path);
	if (rc != RC_OK) {
		job_fail(job, rc == RC_IO ? strerror(errno) : "memory is spent");
		return;
	}
	keep->held.path = bytes_of(job->path);
	keep->row.at_us = keep->held.at_us = keep->held.changed_us = store_now_us();
	rc = writer_put_now(k->writer, &keep->row, &keep->held, job->until_us, on_written, job);
	if (rc != RC_OK)
		on_written(job, rc);
}

static void *
run(void *arg)
{
	struct keeper *k = arg;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		while (k->first == NULL && !k->stopping)
			pthread_cond_wait(&k->more, &k->lock);
		struct job *job = k->first;
		if (job == NULL)
			break;
		k->first = job->next;
		if (k->first == NULL)
			k->last = &k->first;
		k->count--;
		pthread_mutex_unlock(&k->lock);
		work(k, job);
		pthread_mutex_lock(&k->lock);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

struct keeper *
keeper_start(struct writer *writer, unsigned threads)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->writer = writer;
	k->last = &k->first;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->more, NULL);
	for (unsigned i = 0; i < threads && i < THREADS_MAX; i++) {
		if (pthread_create(&k->threads[k->thread_count], NULL, run, k) != 0)
			break;
		k->thread_count++;
	}
	if (k->thread_count > 0)
		return k;
	keeper_stop(k);
	return NULL;
}

bool
keeper_put(struct keeper *k, struct keep *keep, void (*fn)(void *arg, bool ok), void *arg)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		keep_free(keep);
		return false;
	}
	*job = (struct job){ .keep = keep, .fn = fn, .arg = arg };
	/* A little sooner than the deadline: the answer has to come back, too. */
	if (keep->deadline_ms != 0)
		job->until_us = clock_mono_us() + (uint64_t)keep->deadline_ms * 900;
	pthread_mutex_lock(&k->lock);
	bool room = k->count < KEEPER_QUEUE && !k->stopping;
	if (room) {
		*k->last = job;
		k->last = &job->next;
		k->count++;
		pthread_cond_signal(&k->more);
	}
	pthread_mutex_unlock(&k->lock);
	if (!room) {
		keep_free(keep);
		free(job);
	}
	return room;
}

void
keeper_stop(struct keeper *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->stopping = true;
	pthread_cond_broadcast(&k->more);
	pthread_mutex_unlock(&k->lock);
	for (unsigned i = 0; i < k->thread_count; i++)
		pthread_join(k->threads[i], NULL);
	pthread_cond_destroy(&k->more);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
