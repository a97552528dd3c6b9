/* store/folder.c: see folder.h. */
#include "store/folder.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/store.h"

struct folder {
	const char     *where;
	pthread_t       thread;
	pthread_mutex_t lock;
	pthread_cond_t  wake;
	bool            wanted, stopping;
};

static void *
run(void *arg)
{
	struct folder *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		while (!f->wanted && !f->stopping)
			pthread_cond_wait(&f->wake, &f->lock);
		if (f->stopping)
			break;
		pthread_mutex_unlock(&f->lock);
		enum rc rc = store_fold(f->where);
		(void)rc; /* a log that stays grows, and is folded the next time */
		pthread_mutex_lock(&f->lock);
		f->wanted = false;
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

struct folder *
folder_start(const char *where)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->where = where;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	if (pthread_create(&f->thread, NULL, run, f) == 0)
		return f;
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return NULL;
}

void
folder_wake(struct folder *f)
{
	pthread_mutex_lock(&f->lock);
	f->wanted = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

bool
folder_busy(struct folder *f)
{
	pthread_mutex_lock(&f->lock);
	bool busy = f->wanted;
	pthread_mutex_unlock(&f->lock);
	return busy;
}

void
folder_stop(struct folder *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
