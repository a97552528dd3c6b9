/* net/resolver.h: answers to questions, from DNS or from a zone file.
 *
 * A cache stands in front: look there first, it costs a lock and no wait. What is
 * not there is asked of one DNS thread, where identical questions are asked
 * once, and every request ends by its own deadline whatever the servers do.
 *
 * resolver_look(), resolver_ask(), resolver_wait() and resolver_count() may be
 * called from any thread; the two that begin and end it from one. */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include "base/arena.h"
#include "base/ask.h"
#include "base/rc.h"
#include "base/zone.h"
#include "net/loop.h"

struct resolver;
struct request;

enum dnssec {
	DNSSEC_AUTO, /* validate if there are anchors and the root's key validates at start */
	DNSSEC_ON,
	DNSSEC_OFF,
};

struct resolver_settings {
	/* Servers to forward to: "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53".
	 * Without any, those of `resolv_conf`; if that is NULL, recursion from the root. */
	const struct bytes *servers;
	size_t              server_count;
	const char         *resolv_conf;

	enum dnssec dnssec;
	const char *anchors; /* file of DS or DNSKEY records */
	unsigned    probe_ms; /* how long `auto` waits for the root's key; questions wait meanwhile */
	/* Called once, on the DNS thread, when `auto` has decided; may be NULL. */
	void (*on_dnssec)(void *arg, bool validates, struct bytes why);
	void *on_dnssec_arg;

	unsigned outgoing; /* questions on the wire at once */
	unsigned min_rtt_ms; /* silence after which a server is asked again, or given up */
	unsigned in_flight; /* questions waiting for an answer; more are refused (SERVFAIL) */

	size_t   cache_octets;
	uint32_t ttl_min; /* seconds; records are kept at least and at most so long */
	uint32_t ttl_max;
	uint32_t negative_max; /* NXDOMAIN and no data */
	uint32_t trouble_ttl; /* SERVFAIL, time-out, bogus */
};

/* Full recursion, dnssec auto with the anchors of Debian's dns-root-data. */
struct resolver_settings resolver_defaults(void);

/* Start the DNS thread. Everything in the settings is copied or read now. On a fault RC_SYNTAX, RC_IO or RC_MEMORY with a
 * sentence in *why_out (constant text). */
enum rc resolver_open(const struct resolver_settings *, struct resolver **resolver_out, const char **why_out) MUST_USE;
/* Answers from a zone, which is borrowed. If `slow`, a record that says
 * !timeout takes the whole deadline, else it is a time-out at once. */
enum rc resolver_open_zone(const struct zone *, bool slow, struct resolver **resolver_out, const char **why_out) MUST_USE;

/* Stop the DNS thread. Requests that still wait get SERVFAIL on their loops, so
 * the loops must be freed later than the resolver. No request may be made any
 * more. Takes NULL. */
void resolver_free(struct resolver *);

/* What the cache has: a reference for the caller, or NULL. */
struct answer *resolver_look(struct resolver *, const struct ask *) MUST_USE;

/* Ask; `fn` is called on the loop, later, exactly once and at the latest after
 * about `timeout_ms`. The reference to the answer is fn's; NULL (memory is
 * spent) stands for trouble. A question without an answer in time is
 * ANSWER_TIMEOUT; it is not given up, and its answer will be in the cache.
 * A name that cannot be (empty or long label) is NXDOMAIN.
 * NULL when memory is spent: then fn is not called. */
struct request *resolver_ask(struct resolver *, struct loop *, const struct ask *, unsigned timeout_ms,
                             void (*fn)(void *arg, struct answer *), void *arg) MUST_USE;
/* fn will not be called. On the loop's thread, and not after fn was called. Takes NULL. */
void resolver_cancel(struct request *);

/* Ask and wait, for the command line; never on a loop. NULL when memory is spent. */
struct answer *resolver_wait(struct resolver *, const struct ask *, unsigned timeout_ms) MUST_USE;

void resolver_forget(struct resolver *); /* empty the cache */

struct resolver_stats {
	uint64_t hits; /* of resolver_look() */
	uint64_t misses;
	uint64_t requests; /* made */
	uint64_t questions; /* sent to the library (or the zone); the rest were joined or cached */
	uint64_t answers[ANSWER_BOGUS + 1]; /* of requests, by status */
	uint64_t late; /* requests that ended by their own deadline (among the time-outs) */
	uint64_t refused; /* too many in flight (among the SERVFAILs) */
	uint64_t in_flight; /* questions, now */
	uint64_t wait_us; /* of all requests together */
	uint64_t cached; /* answers, now */
	uint64_t cached_octets;
	uint64_t evictions;
	bool     validates; /* DNSSEC */
};
struct resolver_stats resolver_count(struct resolver *);

#endif
