/* front/door.c: see door.h. One loop accepts and hands the sockets round, since
 * several loops waiting for one socket share its connections unevenly. What
 * crosses to a thread is a note: a socket, new settings, or the word to end. */
#include "front/door.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "front/link.h"
#include "net/listen.h"

/* Listeners of one daemon: a UNIX socket, perhaps TCP over IPv4 and IPv6. */
#define ACCEPTORS 8

struct keeper {
	struct porter    porter;
	struct door     *door;
	struct timer    *patience; /* how long a drain may take */
	struct note      drain;
	pthread_t        thread;
	bool             runs;
};

struct door {
	struct door_settings settings;
	struct keeper       *keepers;
	unsigned             count;
	atomic_uint          next; /* whose turn it is */
	_Atomic uint64_t     turned_away;
	struct acceptor     *acceptors[ACCEPTORS]; /* on the first loop */
	struct listener     *listeners[ACCEPTORS];
	unsigned             acceptor_count;
};

struct door_settings
door_defaults(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return (struct door_settings){
		.loops = processors < 1 ? 1 : processors > 64 ? 64 : (unsigned)processors,
		.max_sessions = 4096,
		.idle_ms = 7200000,
		.write_ms = 30000,
		.dns_ms = 5000,
		.drain_ms = 30000,
		.quiet_ms = 10000,
	};
}

/* ---- on the loop's thread ---- */

struct arrival {
	struct porter *porter;
	int            fd;
};

static void
on_arrival(void *arg)
{
	struct arrival *arrival = arg;

	link_open(arrival->porter, arrival->fd);
	free(arrival);
}

void
door_take(struct door *d, int fd)
{
	unsigned        turn = atomic_fetch_add_explicit(&d->next, 1, memory_order_relaxed);
	struct keeper  *k = &d->keepers[turn % d->count];
	struct arrival *arrival = malloc(sizeof(*arrival));

	if (arrival == NULL) {
		close(fd);
		return;
	}
	*arrival = (struct arrival){ &k->porter, fd };
	if (loop_post(k->porter.loop, on_arrival, arrival) != RC_OK) {
		free(arrival);
		close(fd);
	}
}

static void
on_accept(void *arg, int fd, const struct endpoint *peer)
{
	struct door *d = arg;

	(void)peer;
	if (door_count(d).open >= d->settings.max_sessions) {
		atomic_fetch_add_explicit(&d->turned_away, 1, memory_order_relaxed);
		log_event(AT_WARNING, "milter.full", F_INT("sessions", d->settings.max_sessions), F_WORD("then", "a connection was closed"));
		close(fd);
		return;
	}
	if (d->count == 1)
		link_open(&d->keepers[0].porter, fd);
	else
		door_take(d, fd);
}

static void
on_empty(struct porter *p)
{
	loop_stop(p->loop);
}

static void
on_patience(void *arg)
{
	struct keeper *k = arg;

	porter_cut(&k->porter);
}

static void
on_drain(void *arg)
{
	struct keeper *k = arg;
	struct door   *d = k->door;

	if (k == &d->keepers[0]) {
		/* Closed now: an MTA that connected to nobody would wait for its time-out. */
		for (unsigned i = 0; i < d->acceptor_count; i++) {
			acceptor_free(d->acceptors[i]);
			listener_close(d->listeners[i]);
		}
		d->acceptor_count = 0;
	}
	timer_set(k->patience, d->settings.drain_ms);
	porter_drain(&k->porter);
}

struct renewal {
	struct note      note;
	struct porter   *porter;
	struct snapshot *snapshot;
};

static void
on_renewal(void *arg)
{
	struct renewal *r = arg;

	snapshot_unref(r->porter->snapshot);
	r->porter->snapshot = r->snapshot;
	porter_renew(r->porter);
	free(r);
}

static void *
keep(void *arg)
{
	struct keeper *k = arg;

	/* Only a broken epoll ends a loop that was not stopped: then we are broken. */
	enum rc rc = loop_run(k->porter.loop);
	assert(rc == RC_OK);
	return NULL;
}

/* ---- on the caller's thread ---- */

static bool
keeper_begin(struct keeper *k, struct door *d, struct resolver *resolver, struct snapshot *snapshot)
{
	struct porter *p = &k->porter;

	k->door = d;
	p->snapshot = snapshot_ref(snapshot);
	p->settings = &d->settings;
	p->resolver = resolver;
	p->on_empty = on_empty;
	p->scratch = malloc(LINK_SCRATCH);
	p->loop = loop_new();
	if (p->scratch == NULL || p->loop == NULL)
		return false;
	k->patience = timer_new(p->loop, on_patience, k);
	return k->patience != NULL;
}

static void
keeper_end(struct keeper *k)
{
	struct porter *p = &k->porter;

	p->on_empty = NULL;
	p->draining = true; /* what is still posted is closed */
	porter_cut(p);
	timer_free(k->patience);
	loop_free(p->loop);
	free(p->scratch);
	snapshot_unref(p->snapshot);
}

struct door *
door_new(const struct door_settings *settings, struct resolver *resolver, const struct session_env *env, void (*release)(void *arg), void *arg)
{
	/* The first reference is ours until all is well: on failure nothing is released. */
	struct snapshot *snapshot = snapshot_new(env, NULL, arg);
	struct door     *d = calloc(1, sizeof(*d));

	if (d == NULL || snapshot == NULL)
		goto fail;
	d->settings = *settings;
	d->keepers = calloc(settings->loops, sizeof(struct keeper));
	if (d->keepers == NULL)
		goto fail;
	for (unsigned i = 0; i < settings->loops; i++) {
		d->count++;
		if (!keeper_begin(&d->keepers[i], d, resolver, snapshot))
			goto fail;
	}
	snapshot->release = release;
	snapshot_unref(snapshot);
	return d;

fail:
	door_free(d);
	snapshot_unref(snapshot);
	return NULL;
}

enum rc
door_listen(struct door *d, struct listener *listener)
{
	if (d->acceptor_count == ACCEPTORS)
		return RC_LIMIT;
	struct acceptor *a = acceptor_new(listener, d->keepers[0].porter.loop, on_accept, d);
	if (a == NULL)
		return RC_IO;
	d->listeners[d->acceptor_count] = listener;
	d->acceptors[d->acceptor_count++] = a;
	return RC_OK;
}

enum rc
door_run(struct door *d)
{
	sigset_t all, before;
	int      fault = 0;

	/* Signals are the caller's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < d->count && fault == 0; i++) {
		fault = pthread_create(&d->keepers[i].thread, NULL, keep, &d->keepers[i]);
		d->keepers[i].runs = fault == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (fault == 0)
		return RC_OK;
	for (unsigned i = 0; i < d->count; i++)
		if (d->keepers[i].runs)
			loop_stop(d->keepers[i].porter.loop);
	door_wait(d);
	errno = fault;
	return RC_IO;
}

enum rc
door_reload(struct door *d, const struct session_env *env, void (*release)(void *arg), void *arg)
{
	struct snapshot *snapshot = snapshot_new(env, NULL, arg);
	struct renewal **all = calloc(d->count, sizeof(struct renewal *));
	enum rc          rc = snapshot != NULL && all != NULL ? RC_OK : RC_MEMORY;

	for (unsigned i = 0; i < d->count && rc == RC_OK; i++) {
		all[i] = malloc(sizeof(struct renewal));
		if (all[i] == NULL)
			rc = RC_MEMORY;
		else
			*all[i] = (struct renewal){ .porter = &d->keepers[i].porter };
	}
	for (unsigned i = 0; all != NULL && i < d->count; i++) {
		if (rc != RC_OK) {
			free(all[i]);
			continue;
		}
		all[i]->snapshot = snapshot_ref(snapshot);
		loop_send(d->keepers[i].porter.loop, &all[i]->note, on_renewal, all[i]);
	}
	if (rc == RC_OK)
		snapshot->release = release;
	snapshot_unref(snapshot);
	free(all);
	return rc;
}

void
door_drain(struct door *d)
{
	for (unsigned i = 0; i < d->count; i++)
		loop_send(d->keepers[i].porter.loop, &d->keepers[i].drain, on_drain, &d->keepers[i]);
}

void
door_wait(struct door *d)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (d->keepers[i].runs)
			pthread_join(d->keepers[i].thread, NULL);
		d->keepers[i].runs = false;
	}
}

void
door_free(struct door *d)
{
	if (d == NULL)
		return;
	for (unsigned i = 0; i < d->acceptor_count; i++)
		acceptor_free(d->acceptors[i]);
	for (unsigned i = 0; i < d->count; i++)
		keeper_end(&d->keepers[i]);
	free(d->keepers);
	free(d);
}

static uint64_t
read_count(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

struct door_stats
door_count(const struct door *d)
{
	struct door_stats sum = { .turned_away = read_count(&d->turned_away) };

	for (unsigned i = 0; i < d->count; i++) {
		const struct porter *p = &d->keepers[i].porter;
		sum.open += read_count(&p->open);
		sum.opened += read_count(&p->opened);
		sum.messages += read_count(&p->messages);
		sum.faults += read_count(&p->faults);
		sum.cut_off += read_count(&p->cut_off);
		for (unsigned a = 0; a < DOOR_ACTIONS; a++)
			sum.actions[a] += read_count(&p->actions[a]);
	}
	return sum;
}
