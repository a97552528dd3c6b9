/* net/loop.h: one epoll loop: descriptors, timers, and messages from other threads.
 *
 * A loop belongs to the thread that calls loop_run(). Everything here is called
 * from that thread, or from any one thread while the loop does not run; only
 * loop_post(), loop_send() and loop_stop() may be called from anywhere.
 *
 * Callbacks never recurse: they are called by loop_run() alone, one after the
 * other, and none is called from within another function of this file. So a
 * callback may free its own watch or timer, and anybody else's: what was freed
 * is not called any more, even where its event had already arrived. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/bytes.h"
#include "base/rc.h"

struct loop;
struct watch;
struct timer;

/* NULL with errno when the system refuses. */
struct loop *loop_new(void) MUST_USE;
/* Takes NULL. What was posted and has not run is run first, so that messages
 * can free what they carry. Watches and timers that are left are freed; their
 * descriptors are not closed. Nobody may post any more. */
void loop_free(struct loop *);

/* Until loop_stop(). RC_IO with errno when waiting itself fails. */
enum rc loop_run(struct loop *) MUST_USE;
/* loop_run() returns when the callbacks at hand are done; if it is not running,
 * the next one returns after one round. */
void loop_stop(struct loop *);

/* A message to a loop, kept in the sender's memory, so that sending cannot fail. */
struct note {
	struct note *next;
	void (*fn)(void *arg);
	void *arg;
	bool  heap; /* loop_post() made it */
};

/* Call `fn(arg)` on the loop's thread. Messages run in the order of sending,
 * after the descriptors and timers of the round. The note must stay until fn is
 * called; within fn it may be freed or sent again. */
void loop_send(struct loop *, struct note *, void (*fn)(void *), void *arg);
/* The same with a note from the heap; RC_MEMORY: it was not sent. */
enum rc loop_post(struct loop *, void (*fn)(void *), void *arg) MUST_USE;

enum {
	WATCH_READ = 1,
	WATCH_WRITE = 2,
	WATCH_HANGUP = 4, /* the other side has closed, even while not reading */
};

/* Level-triggered: called in each round while the state lasts. `got` holds only
 * what is wanted; an error of the descriptor shows as all that is wanted. The
 * descriptor stays the caller's, and must not be closed before watch_free().
 * NULL with errno when the system refuses. */
struct watch *watch_new(struct loop *, int fd, unsigned want, void (*fn)(void *arg, unsigned got), void *arg) MUST_USE;
void          watch_want(struct watch *, unsigned want); /* 0: silence */
int           watch_fd(const struct watch *);
void          watch_free(struct watch *); /* takes NULL */

/* A timer is off until set, and fires once a setting. Setting needs O(log n) and
 * cannot fail. A timer set to 0 from a callback fires in the next round. */
struct timer *timer_new(struct loop *, void (*fn)(void *arg), void *arg) MUST_USE;
void          timer_set(struct timer *, uint64_t after_ms); /* again: moves it */
void          timer_set_us(struct timer *, uint64_t after_us);
void          timer_off(struct timer *);
bool          timer_is_on(const struct timer *);
void          timer_free(struct timer *); /* takes NULL */

#endif
