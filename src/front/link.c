/* front/link.c: see link.h. */
#include "front/link.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/milter.h"
#include "front/milter_codec.h"
#include "net/listen.h"
#include "session/keep.h"

/* Frames that came while an answer is owed; beyond that nothing more is read. */
#define BACKLOG       ((size_t)128 << 10)
#define INPUT_MAX     (4 + MILTER_FRAME_MAX + BACKLOG + LINK_SCRATCH)
#define QUESTIONS_MAX 256

/* A question on its way. */
struct question {
	struct link     *link;
	struct request  *request;
	uint64_t         ticket;
	struct question *next, **at;
};

/* A message on its way to the disk. It outlives its link if that goes first. */
struct keeping {
	struct note  note;
	struct loop *loop;
	struct link *link; /* NULL: gone. Only the loop's thread looks */
	uint64_t     ticket;
	bool         ok;
};

struct link {
	struct porter   *porter;
	struct snapshot *snapshot;
	struct milter   *milter;
	struct watch    *watch;
	struct timer    *deadline; /* the session's */
	struct timer    *patience; /* for an MTA that says or takes nothing */
	struct question *questions;
	struct keeping  *keeping;
	struct link     *next, **at;
	struct buf       in;
	size_t           from; /* where what is not yet worked off begins in `in` */
	uint64_t         heard_us; /* when it last said or took something */
	unsigned         want;
	unsigned         question_count;
	int              fd;
	bool             tcp;
};

static void
count(_Atomic uint64_t *n, uint64_t by)
{
	atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

/* ---- snapshots ---- */

struct snapshot *
snapshot_new(const struct session_env *env, void (*release)(void *arg), void *arg)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	s->env = env;
	s->release = release;
	s->arg = arg;
	return s;
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
snapshot_unref(struct snapshot *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (s->release != NULL)
		s->release(s->arg);
	free(s);
}

/* ---- the end ---- */

static void
question_end(struct question *q)
{
	*q->at = q->next;
	if (q->next != NULL)
		q->next->at = q->at;
	q->link->question_count--;
	free(q);
}

static void
forget_questions(struct link *l)
{
	while (l->questions != NULL) {
		resolver_cancel(l->questions->request);
		question_end(l->questions);
	}
}

/* The session is told first, while it can still take back its deadline. */
static void
link_close(struct link *l)
{
	struct porter *p = l->porter;

	milter_free(l->milter);
	forget_questions(l);
	if (l->keeping != NULL)
		l->keeping->link = NULL;
	watch_free(l->watch);
	timer_free(l->deadline);
	timer_free(l->patience);
	buf_free(&l->in);
	close(l->fd);
	snapshot_unref(l->snapshot);
	if (l->at != NULL) {
		*l->at = l->next;
		if (l->next != NULL)
			l->next->at = l->at;
		atomic_fetch_sub_explicit(&p->open, 1, memory_order_relaxed);
	}
	free(l);
	if (p->draining && p->links == NULL && p->on_empty != NULL)
		p->on_empty(p);
}

static void
leave(struct link *l, struct bytes why)
{
	count(&l->porter->faults, 1);
	log_event(AT_WARNING, "milter.fault", F_TEXT("why", why), F_WORD("then", "the connection was closed"));
	link_close(l);
}

/* ---- what the session needs ---- */

static uint64_t
host_now_us(void *door)
{
	(void)door;
	return clock_mono_us();
}

static int64_t
host_epoch(void *door)
{
	(void)door;
	return clock_epoch();
}

/* Up to 256 octets the kernel gives whole, once it has been seeded. */
static void
host_random(void *door, uint8_t octets[8])
{
	ssize_t n;

	(void)door;
	do {
		n = getrandom(octets, 8, 0);
	} while (n < 0 && errno == EINTR);
	assert(n == 8);
}

static const struct answer *
host_look(void *door, const struct ask *ask)
{
	struct link *l = door;

	return l->porter->resolver != NULL ? resolver_look(l->porter->resolver, ask) : NULL;
}

static void settle(struct link *l);

static void
on_answer(void *arg, struct answer *answer)
{
	struct question *q = arg;
	struct link     *l = q->link;
	uint64_t         ticket = q->ticket;

	question_end(q);
	milter_answer(l->milter, ticket, answer);
	settle(l);
}

static bool
host_ask(void *door, const struct ask *ask, uint64_t ticket)
{
	struct link   *l = door;
	struct porter *p = l->porter;

	if (p->resolver == NULL || l->question_count >= QUESTIONS_MAX)
		return false;
	struct question *q = calloc(1, sizeof(*q));
	if (q == NULL)
		return false;
	q->request = resolver_ask(p->resolver, p->loop, ask, p->settings->dns_ms, on_answer, q);
	if (q->request == NULL) {
		free(q);
		return false;
	}
	q->link = l;
	q->ticket = ticket;
	q->next = l->questions;
	q->at = &l->questions;
	if (q->next != NULL)
		q->next->at = &q->next;
	l->questions = q;
	l->question_count++;
	return true;
}

static void
host_deadline(void *door, uint32_t ms)
{
	struct link *l = door;

	if (ms == 0)
		timer_off(l->deadline);
	else
		timer_set(l->deadline, ms);
}

static void
host_told(void *door, const struct account *account)
{
	struct link   *l = door;
	struct porter *p = l->porter;

	count(&p->messages, 1);
	assert((unsigned)account->decision.action < DOOR_ACTIONS);
	count(&p->actions[account->decision.action], 1);
	if (p->settings->told != NULL)
		p->settings->told(p->settings->told_arg, account);
}

static void
on_kept(void *arg)
{
	struct keeping *k = arg;
	struct link    *l = k->link;

	if (l != NULL) {
		if (l->keeping == k)
			l->keeping = NULL;
		milter_kept(l->milter, k->ticket, k->ok);
		settle(l);
	}
	free(k);
}

/* On a thread of the keeper. */
static void
kept(void *arg, bool ok)
{
	struct keeping *k = arg;

	k->ok = ok;
	loop_send(k->loop, &k->note, on_kept, k);
}

static bool
host_keep(void *door, struct keep *keep, uint64_t ticket)
{
	struct link                *l = door;
	const struct door_settings *s = l->porter->settings;
	struct keeping             *k = s->keep != NULL ? calloc(1, sizeof(*k)) : NULL;

	if (k == NULL) {
		keep_free(keep);
		return false;
	}
	*k = (struct keeping){ .loop = l->porter->loop, .link = l, .ticket = ticket };
	if (l->keeping != NULL)
		l->keeping->link = NULL; /* of a message that was given up */
	l->keeping = k;
	if (s->keep(s->keep_arg, keep, kept, k))
		return true;
	l->keeping = NULL;
	free(k);
	return false;
}

static const struct session_host host = {
	host_now_us, host_epoch, host_random, host_look, host_ask, host_deadline, host_told, host_keep,
};

/* ---- reading, working, writing ---- */

/* False: the MTA has gone. What it does not take now waits in the output. */
static bool
flush(struct link *l)
{
	struct buf *out = milter_output(l->milter);

	while (out->len > 0) {
		ssize_t n = send(l->fd, out->at, out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		l->heard_us = clock_mono_us();
		buf_take(out, (size_t)n);
	}
	if (!out->spoilt)
		buf_free(out);
	return true;
}

static void
want(struct link *l, unsigned what)
{
	if (what != l->want)
		watch_want(l->watch, what);
	l->want = what;
}

/* While draining: nothing is under way that we can see. Postfix keeps what needs
 * no answer to itself until something does, so an SMTP session may be at its
 * first RCPT all the same, and gets a while. */
static bool
is_resting(const struct link *l)
{
	return l->porter->draining && milter_output(l->milter)->len == 0 && !milter_busy(l->milter);
}

/* After all that could be done is done: what to wait for, and for how long. */
static void
rest_until_next(struct link *l)
{
	struct porter *p = l->porter;
	bool           stuck = milter_output(l->milter)->len > 0;

	if (l->snapshot != p->snapshot && milter_env_set(l->milter, p->snapshot->env)) {
		snapshot_unref(l->snapshot);
		l->snapshot = snapshot_ref(p->snapshot);
	}
	if (is_resting(l))
		timer_set(l->patience, 0); /* which finds out how long it has been quiet */
	if (stuck && !(l->want & WATCH_WRITE))
		timer_set(l->patience, p->settings->write_ms);
	if (stuck)
		want(l, WATCH_WRITE | WATCH_HANGUP);
	else if (milter_waits(l->milter) && l->in.len - l->from > BACKLOG)
		want(l, WATCH_HANGUP);
	else
		want(l, WATCH_READ | WATCH_HANGUP);
}

/* Work off *rest. False: the link is no more. */
static bool
work(struct link *l, struct bytes *rest)
{
	enum rc rc = milter_on(l->milter, rest);

	if (!flush(l) || rc == RC_CLOSED) {
		link_close(l);
		return false;
	}
	if (rc != RC_OK || milter_output(l->milter)->spoilt) {
		leave(l, rc != RC_OK ? milter_why(l->milter) : B("an answer did not fit into memory"));
		return false;
	}
	return true;
}

/* Go on with what was read before: after an answer, or when the MTA takes again. */
static void
settle(struct link *l)
{
	struct bytes rest = bytes_from(buf_bytes(&l->in), l->from);

	if (!work(l, &rest))
		return;
	l->from = l->in.len - rest.len;
	if (rest.len == 0) {
		buf_free(&l->in);
		l->from = 0;
	} else if (l->from > l->in.len / 2) {
		buf_take(&l->in, l->from);
		l->from = 0;
	}
	rest_until_next(l);
}

/* Without a rest from before, frames are worked off where they were read. */
static void
take(struct link *l, struct bytes read)
{
	if (l->in.len > 0) {
		buf_add(&l->in, read);
		if (l->in.spoilt)
			leave(l, B("memory for a frame is spent"));
		else
			settle(l);
		return;
	}
	if (!work(l, &read))
		return;
	/* The frame's length is known when four octets are there: take its room at once. */
	if (read.len > 0)
		buf_reserve(&l->in, read.len + milter_missing(read) % (MILTER_FRAME_MAX + 1));
	buf_add(&l->in, read);
	if (l->in.spoilt)
		leave(l, B("memory for a frame is spent"));
	else
		rest_until_next(l);
}

static void
on_readable(struct link *l)
{
	ssize_t n = recv(l->fd, l->porter->scratch, LINK_SCRATCH, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		link_close(l);
		return;
	}
	if (l->tcp)
		socket_quickack(l->fd);
	l->heard_us = clock_mono_us();
	take(l, bytes_make(l->porter->scratch, (size_t)n));
}

static void
on_event(void *arg, unsigned got)
{
	struct link *l = arg;

	if (got & WATCH_WRITE) {
		if (!flush(l))
			link_close(l);
		else if (milter_output(l->milter)->len == 0) {
			timer_set(l->patience, l->porter->settings->idle_ms);
			settle(l);
		}
	} else if (got & WATCH_READ) {
		on_readable(l);
	} else if (got & WATCH_HANGUP) {
		link_close(l);
	}
}

static void
on_deadline(void *arg)
{
	struct link *l = arg;

	milter_deadline(l->milter);
	settle(l);
}

/* Set once and looked at again when it fires, so that traffic costs no timer. */
static void
on_patience(void *arg)
{
	struct link *l = arg;
	bool         stuck = (l->want & WATCH_WRITE) != 0;
	bool         resting = is_resting(l);

	const struct door_settings *s = l->porter->settings;
	uint64_t     limit_ms = stuck ? s->write_ms : resting ? s->quiet_ms : s->idle_ms;
	uint64_t     silent_ms = (clock_mono_us() - l->heard_us) / 1000;

	if (silent_ms < limit_ms)
		timer_set(l->patience, limit_ms - silent_ms);
	else if (resting)
		link_close(l);
	else if (!stuck && milter_waits(l->milter))
		timer_set(l->patience, limit_ms); /* it is we who are silent; the session has its own deadline */
	else
		leave(l, stuck ? B("the MTA does not take our answer") : B("the MTA says nothing"));
}

static bool
is_tcp(int fd)
{
	struct sockaddr_storage name = { 0 };
	socklen_t               len = sizeof(name);

	return getsockname(fd, (struct sockaddr *)&name, &len) == 0 && (name.ss_family == AF_INET || name.ss_family == AF_INET6);
}

void
link_open(struct porter *p, int fd)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		close(fd);
		return;
	}
	l->porter = p;
	l->fd = fd;
	l->tcp = is_tcp(fd);
	l->snapshot = snapshot_ref(p->snapshot);
	l->in.limit = INPUT_MAX;
	l->want = WATCH_READ | WATCH_HANGUP;
	l->heard_us = clock_mono_us();
	l->milter = milter_new(p->snapshot->env, &host, l);
	l->watch = watch_new(p->loop, fd, l->want, on_event, l);
	l->deadline = timer_new(p->loop, on_deadline, l);
	l->patience = timer_new(p->loop, on_patience, l);
	if (p->draining || l->milter == NULL || l->watch == NULL || l->deadline == NULL || l->patience == NULL) {
		link_close(l);
		return;
	}
	timer_set(l->patience, p->settings->idle_ms);
	l->next = p->links;
	l->at = &p->links;
	if (l->next != NULL)
		l->next->at = &l->next;
	p->links = l;
	count(&p->open, 1);
	count(&p->opened, 1);
}

/* ---- all links of a thread ---- */

void
porter_renew(struct porter *p)
{
	for (struct link *l = p->links, *next; l != NULL; l = next) {
		next = l->next;
		rest_until_next(l);
	}
}

void
porter_drain(struct porter *p)
{
	p->draining = true;
	if (p->links == NULL && p->on_empty != NULL)
		p->on_empty(p);
	porter_renew(p);
}

void
porter_cut(struct porter *p)
{
	for (struct link *l = p->links, *next; l != NULL; l = next) {
		next = l->next;
		if (milter_busy(l->milter))
			count(&p->cut_off, 1);
		link_close(l);
	}
}
