/* front/door.h: the milter door of a daemon: loop threads and what they share.
 *
 * Connections are handed to the threads in turn and stay where they are. A
 * reload reaches each connection between two messages. A drain lets messages
 * under way come to their end, closes what stays quiet for a while, and cuts off
 * the rest in the end: Postfix before 3.11 refuses mail for the rest of an SMTP
 * session once its milter has gone, so nothing is cut off without need. */
#ifndef FRONT_DOOR_H
#define FRONT_DOOR_H

#include "net/resolver.h"
#include "session/session.h"

#define DOOR_ACTIONS 5 /* of enum action */

struct door;
struct listener;

struct door_settings {
	unsigned loops; /* threads; at least 1 */
	unsigned max_sessions; /* connections beyond that are closed at once */
	uint32_t idle_ms; /* an MTA that says nothing so long is left */
	uint32_t write_ms; /* an MTA that takes nothing so long is left */
	uint32_t dns_ms; /* one question */
	uint32_t drain_ms; /* messages under way get so long */
	uint32_t quiet_ms; /* while draining, an MTA that says nothing so long is left */
	/* Called on a loop thread for each transaction that is over; the account is
	 * borrowed for the call. May be NULL. */
	void (*told)(void *arg, const struct account *);
	void *told_arg;
	/* As keeper_put(): called on a loop thread; fn from any other, before
	 * door_free(). May be NULL: then nothing can be kept. */
	bool (*keep)(void *arg, struct keep *, void (*fn)(void *fn_arg, bool ok), void *fn_arg);
	void *keep_arg;
};

/* Two hours of silence (a sendmail client may think that long), 30 s for an
 * answer to be taken, 5 s a question, 30 s to drain with 10 s of silence, 4096 connections, as many
 * loops as processors. */
struct door_settings door_defaults(void);

/* Start the threads. `release(arg)` is called once when nobody uses `env` any
 * more, perhaps on a loop thread; may be NULL. The resolver is borrowed until
 * door_free(), may be NULL. On failure NULL, and nothing is released. */
struct door *door_new(const struct door_settings *, struct resolver *, const struct session_env *, void (*release)(void *arg),
                      void *arg) MUST_USE;

/* Accept what comes to a listener, which is borrowed until door_wait() has
 * returned. Before door_run(). RC_MEMORY or RC_IO. */
enum rc door_listen(struct door *, struct listener *) MUST_USE;
/* A connected socket; the door's from now on, whatever happens. From any thread. */
void door_take(struct door *, int fd);

/* Let the threads run. RC_IO: errno; nothing runs. */
enum rc door_run(struct door *) MUST_USE;

/* New settings: as in door_new(). RC_MEMORY: the old ones stay, `release` is not called. */
enum rc door_reload(struct door *, const struct session_env *, void (*release)(void *arg), void *arg) MUST_USE;

/* Begin to drain: the listeners are closed (listener_free() is still the caller's). Returns at once. Only from
 * the thread that called door_run(), and once. */
void door_drain(struct door *);
/* Until a drain is over and all threads have ended. */
void door_wait(struct door *);
/* After door_wait(), or without door_run(). Takes NULL. */
void door_free(struct door *);

struct door_stats {
	uint64_t open; /* connections now */
	uint64_t opened; /* since start */
	uint64_t messages; /* transactions that came to an end of any kind */
	uint64_t actions[DOOR_ACTIONS]; /* of them, by enum action */
	uint64_t turned_away; /* beyond max_sessions */
	uint64_t faults; /* connections left because of what the MTA said or did not take */
	uint64_t cut_off; /* in mid-message by a drain */
};
struct door_stats door_count(const struct door *);

#endif
