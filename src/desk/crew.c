/* desk/crew.c: see crew.h. */
#include "desk/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct hand {
	struct crew *crew;
	void        *arg;
	pthread_t    thread;
};

struct crew {
	struct crew_settings with;
	pthread_mutex_t      lock;
	pthread_cond_t       more;
	struct hand          hands[CREW_MOST];
	size_t               started;
	bool                 closed;
	size_t               first, waiting; /* of the ring */
	void                *ring[];
};

static void *
take(struct crew *c)
{
	void *job = c->ring[c->first];

	c->first = (c->first + 1) % c->with.queue;
	c->waiting--;
	return job;
}

static void *
run(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (c->waiting == 0 && !c->closed)
			pthread_cond_wait(&c->more, &c->lock);
		if (c->closed)
			break;
		void *job = take(c);
		pthread_mutex_unlock(&c->lock);
		c->with.work(h->arg, job);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Signals are the main thread's. */
static bool
start_hand(struct crew *c, struct hand *h)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool good = pthread_create(&h->thread, NULL, run, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (good)
		pthread_setname_np(h->thread, c->with.name);
	return good;
}

enum rc
crew_start(const struct crew_settings *with, struct crew **crew_out)
{
	struct crew *c = calloc(1, sizeof(*c) + with->queue * sizeof(c->ring[0]));

	if (c == NULL)
		return RC_MEMORY;
	c->with = *with;
	c->with.hands = NULL; /* each thread has its own */
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	while (c->started < with->count && c->started < CREW_MOST) {
		struct hand *h = &c->hands[c->started];
		*h = (struct hand){ .crew = c, .arg = with->hands[c->started] };
		if (!start_hand(c, h)) {
			crew_free(c);
			return RC_IO;
		}
		c->started++;
	}
	*crew_out = c;
	return RC_OK;
}

void
crew_stop(struct crew *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->closed = true;
	pthread_cond_broadcast(&c->more);
	pthread_mutex_unlock(&c->lock);
	for (; c->started > 0; c->started--)
		pthread_join(c->hands[c->started - 1].thread, NULL);
	while (c->waiting > 0)
		c->with.drop(take(c));
}

void
crew_free(struct crew *c)
{
	if (c == NULL)
		return;
	crew_stop(c);
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

bool
crew_put(struct crew *c, void *job)
{
	pthread_mutex_lock(&c->lock);
	bool room = !c->closed && c->waiting < c->with.queue;
	if (room) {
		c->ring[(c->first + c->waiting) % c->with.queue] = job;
		c->waiting++;
		pthread_cond_signal(&c->more);
	}
	pthread_mutex_unlock(&c->lock);
	return room;
}
