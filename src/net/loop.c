/* net/loop.c: see loop.h.
 *
 * Timers stand in a binary heap, each knowing its place, so that one that is
 * pushed ahead with every line of a session costs a few swaps. Room in the heap
 * is made when a timer is born: setting it cannot fail later.
 *
 * What is hard: a callback may free the watch whose event comes next in the same
 * batch. watch_free() therefore strikes it from the batch at hand. */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#define BATCH 64

struct watch {
	struct loop *loop;
	int          fd;
	unsigned     want;
	void (*fn)(void *, unsigned);
	void          *arg;
	struct watch  *next;
	struct watch **at;
};

struct timer {
	struct loop *loop;
	uint64_t     due_us;
	size_t       place; /* in the heap, from 1; 0: off */
	void (*fn)(void *);
	void          *arg;
	struct timer  *next;
	struct timer **at;
};

struct loop {
	int            epoll;
	int            wake;
	struct watch  *watches;
	struct timer  *timers;
	struct timer **heap; /* from 1; heap[1] is due first */
	size_t         heap_used;
	size_t         heap_room;
	size_t         timer_count;
	uint64_t       round_us;

	struct epoll_event batch[BATCH];
	int                batch_len;

	pthread_mutex_t lock; /* guards the notes, and the wake against loop_free() */
	struct note    *notes;
	struct note   **notes_end;
	atomic_bool     stopping;
};

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->notes_end = &l->notes;
	atomic_init(&l->stopping, false);
	pthread_mutex_init(&l->lock, NULL);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	if (l->epoll >= 0 && l->wake >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev) == 0)
		return l;

	int saved = errno;
	loop_free(l);
	errno = saved;
	return NULL;
}

static struct note *
take_notes(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	struct note *all = l->notes;
	l->notes = NULL;
	l->notes_end = &l->notes;
	pthread_mutex_unlock(&l->lock);
	return all;
}

static void
run_notes(struct note *n)
{
	while (n != NULL) {
		struct note *next = n->next;
		void (*fn)(void *) = n->fn;
		void *arg = n->arg;
		if (n->heap)
			free(n);
		fn(arg);
		n = next;
	}
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (struct note *n; (n = take_notes(l)) != NULL;)
		run_notes(n);
	while (l->watches != NULL)
		watch_free(l->watches);
	while (l->timers != NULL)
		timer_free(l->timers);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->wake >= 0)
		close(l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l->heap);
	free(l);
}

static void
wake(struct loop *l)
{
	uint64_t one = 1;

	/* It can only fail when the counter is full, and then the loop is awake. */
	if (write(l->wake, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

void
loop_stop(struct loop *l)
{
	atomic_store(&l->stopping, true);
	wake(l);
}

static void
send_note(struct loop *l, struct note *n)
{
	pthread_mutex_lock(&l->lock);
	bool first = l->notes == NULL;
	*l->notes_end = n;
	l->notes_end = &n->next;
	/* Woken under the lock: the receiver may free the loop as soon as he has the note. */
	if (first)
		wake(l);
	pthread_mutex_unlock(&l->lock);
}

void
loop_send(struct loop *l, struct note *n, void (*fn)(void *), void *arg)
{
	*n = (struct note){ .fn = fn, .arg = arg };
	send_note(l, n);
}

enum rc
loop_post(struct loop *l, void (*fn)(void *), void *arg)
{
	struct note *n = malloc(sizeof(*n));

	if (n == NULL)
		return RC_MEMORY;
	*n = (struct note){ .fn = fn, .arg = arg, .heap = true };
	send_note(l, n);
	return RC_OK;
}

/* With nothing wanted epoll would still report a hang-up in each round; asked
 * for edges it does so once, and MOD, unlike DEL and ADD, cannot run short. */
static uint32_t
epoll_bits(unsigned want)
{
	if (want == 0)
		return EPOLLET;
	return (want & WATCH_READ ? (uint32_t)EPOLLIN : 0) | (want & WATCH_WRITE ? (uint32_t)EPOLLOUT : 0) |
	       (want & WATCH_HANGUP ? (uint32_t)EPOLLRDHUP : 0);
}

struct watch *
watch_new(struct loop *l, int fd, unsigned want, void (*fn)(void *, unsigned), void *arg)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	*w = (struct watch){ .loop = l, .fd = fd, .want = want, .fn = fn, .arg = arg };
	struct epoll_event ev = { .events = epoll_bits(want), .data.ptr = w };
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		int saved = errno;
		free(w);
		errno = saved;
		return NULL;
	}
	w->next = l->watches;
	w->at = &l->watches;
	if (w->next != NULL)
		w->next->at = &w->next;
	l->watches = w;
	return w;
}

void
watch_want(struct watch *w, unsigned want)
{
	if (w->want == want)
		return;
	w->want = want;
	struct epoll_event ev = { .events = epoll_bits(want), .data.ptr = w };
	int fault = epoll_ctl(w->loop->epoll, EPOLL_CTL_MOD, w->fd, &ev);
	assert(fault == 0); /* else it was closed before watch_free() */
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	struct loop *l = w->loop;
	for (int i = 0; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].events = 0;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	*w->at = w->next;
	if (w->next != NULL)
		w->next->at = w->at;
	free(w);
}

static void
heap_put(struct loop *l, size_t place, struct timer *t)
{
	l->heap[place] = t;
	t->place = place;
}

static void
heap_settle(struct loop *l, size_t place, struct timer *t)
{
	for (; place > 1 && l->heap[place / 2]->due_us > t->due_us; place /= 2)
		heap_put(l, place, l->heap[place / 2]);
	for (;;) {
		size_t child = place * 2;
		if (child > l->heap_used)
			break;
		if (child < l->heap_used && l->heap[child + 1]->due_us < l->heap[child]->due_us)
			child++;
		if (l->heap[child]->due_us >= t->due_us)
			break;
		heap_put(l, place, l->heap[child]);
		place = child;
	}
	heap_put(l, place, t);
}

struct timer *
timer_new(struct loop *l, void (*fn)(void *), void *arg)
{
	struct timer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if (l->timer_count + 1 >= l->heap_room) {
		size_t         room = l->heap_room == 0 ? 64 : l->heap_room * 2;
		struct timer **heap = reallocarray(l->heap, room, sizeof(struct timer *));
		if (heap == NULL) {
			free(t);
			return NULL;
		}
		l->heap = heap;
		l->heap_room = room;
	}
	l->timer_count++;
	*t = (struct timer){ .loop = l, .fn = fn, .arg = arg, .next = l->timers, .at = &l->timers };
	if (t->next != NULL)
		t->next->at = &t->next;
	l->timers = t;
	return t;
}

void
timer_set_us(struct timer *t, uint64_t after_us)
{
	struct loop *l = t->loop;
	uint64_t     now = clock_mono_us();

	t->due_us = after_us < UINT64_MAX / 2 ? now + after_us : UINT64_MAX / 2;
	/* Never in the round that is running, or two timers could keep it for ever. */
	if (t->due_us <= l->round_us)
		t->due_us = l->round_us + 1;
	heap_settle(l, t->place > 0 ? t->place : ++l->heap_used, t);
}

void
timer_set(struct timer *t, uint64_t after_ms)
{
	timer_set_us(t, after_ms < UINT64_MAX / 2000 ? after_ms * 1000 : UINT64_MAX / 2);
}

void
timer_off(struct timer *t)
{
	struct loop *l = t->loop;
	size_t       hole = t->place;

	if (hole == 0)
		return;
	t->place = 0;
	struct timer *last = l->heap[l->heap_used--];
	if (last != t)
		heap_settle(l, hole, last);
}

bool
timer_is_on(const struct timer *t)
{
	return t->place > 0;
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	timer_off(t);
	t->loop->timer_count--;
	*t->at = t->next;
	if (t->next != NULL)
		t->next->at = t->at;
	free(t);
}

/* Rounded up: waking early would spin through the last millisecond. */
static int
patience_ms(const struct loop *l)
{
	if (l->heap_used == 0)
		return -1;
	uint64_t now = clock_mono_us(), due = l->heap[1]->due_us;
	if (due <= now)
		return 0;
	uint64_t ms = (due - now + 999) / 1000;
	return ms < 60000 ? (int)ms : 60000;
}

static void
run_watch(struct watch *w, uint32_t events)
{
	unsigned got = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		got |= WATCH_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		got |= WATCH_WRITE;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		got |= WATCH_HANGUP;
	if (got & w->want)
		w->fn(w->arg, got & w->want);
}

static void
run_batch(struct loop *l)
{
	for (int i = 0; i < l->batch_len; i++) {
		struct watch *w = l->batch[i].data.ptr;
		if (l->batch[i].events == 0)
			continue;
		if (w != NULL) {
			run_watch(w, l->batch[i].events);
			continue;
		}
		uint64_t count;
		if (read(l->wake, &count, sizeof(count)) < 0)
			assert(errno == EAGAIN || errno == EINTR);
	}
	l->batch_len = 0;
}

static void
run_timers(struct loop *l)
{
	while (l->heap_used > 0 && l->heap[1]->due_us <= l->round_us) {
		struct timer *t = l->heap[1];
		timer_off(t);
		t->fn(t->arg);
	}
}

enum rc
loop_run(struct loop *l)
{
	do {
		int n = epoll_wait(l->epoll, l->batch, BATCH, patience_ms(l));
		if (n < 0 && errno != EINTR)
			return RC_IO;
		l->batch_len = n > 0 ? n : 0;
		l->round_us = clock_mono_us();
		run_batch(l);
		run_timers(l);
		run_notes(take_notes(l));
	} while (!atomic_exchange(&l->stopping, false));
	return RC_OK;
}
