/* net/resolver.c: see resolver.h.
 *
 * Who owns what: a request travels by note from the asker to the DNS thread and
 * back, and belongs to whom it is with; only `cancelled` is the asker's all the
 * time. A question is what libunbound works on; it belongs to the DNS thread, and
 * outlives requests that came to their deadline. So nothing is shared but the
 * cache and the counters, and nothing needs to be taken back from libunbound,
 * which cannot give it. */
#include "net/resolver.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "net/cache.h"
#include "net/packet.h"
#include "net/recursor.h"

#define TYPE_DNSKEY 48

struct request {
	struct note      note;
	struct resolver *resolver;
	struct loop     *loop;
	void (*fn)(void *, struct answer *);
	void            *arg;
	bool             cancelled; /* the asker's */
	struct answer   *answer;
	struct question *question;
	struct request  *next; /* of the same question */
	struct request **at;
	struct timer    *deadline;
	uint64_t         asked_us;
	unsigned         timeout_ms;
	struct ask       ask;
	char             name[];
};

struct question {
	struct resolver  *resolver;
	struct request   *waiting;
	struct question  *next; /* of all; or of those that await the probe */
	struct question **at;
	uint64_t          started_us;
	struct ask        ask;
	size_t            key_len;
	char              key[2 + DNS_NAME_MAX]; /* type and name */
};

enum phase { PHASE_PROBING, PHASE_RUNNING, PHASE_ENDED };

struct resolver {
	struct resolver_settings set;
	const struct zone       *zone; /* instead of libunbound */
	bool                     slow;
	struct cache            *cache;
	struct loop             *loop; /* the DNS thread's */
	pthread_t                thread;
	struct note              end;

	/* The DNS thread's: */
	enum phase       phase;
	bool             unanchored; /* nothing to probe with */
	struct recursor  *recursor;
	struct recursor  *plain; /* without validation, until the probe has chosen */
	struct timer    *probe;
	struct note      probed;
	struct map       by_key;
	struct question *questions;
	size_t           in_flight;

	struct {
		atomic_uint_fast64_t requests, questions, answers[ANSWER_BOGUS + 1], late, refused, in_flight, wait_us;
		atomic_bool          validates;
	} count;
};

static void
add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

struct resolver_settings
resolver_defaults(void)
{
	return (struct resolver_settings){
		.dnssec = DNSSEC_AUTO,
		.anchors = "/usr/share/dns/root.key",
		.probe_ms = 2000,
		.outgoing = 1024,
		/* A server that needs two seconds is heard, and one lost packet can be made
		 * good within a deadline of five: libunbound takes the answer to its newest question only. */
		.min_rtt_ms = 2400,
		.in_flight = 4096,
		.cache_octets = (size_t)64 << 20,
		.ttl_min = 5,
		.ttl_max = 86400,
		.negative_max = 300,
		.trouble_ttl = 5,
	};
}

/* ---- requests on their way ---- */

/* On the asker's loop: the end of a request. */
static void
deliver(void *arg)
{
	struct request *q = arg;

	if (q->cancelled)
		answer_unref(q->answer);
	else
		q->fn(q->arg, q->answer);
	free(q);
}

/* The request has its answer; from here on it is the asker's. */
static void
send_home(struct request *q, struct answer *a)
{
	struct resolver *r = q->resolver;

	add(&r->count.answers[a != NULL ? a->status : ANSWER_SERVFAIL], 1);
	add(&r->count.wait_us, clock_mono_us() - q->asked_us);
	q->answer = a;
	loop_send(q->loop, &q->note, deliver, q);
}

static struct answer *
trouble(enum answer_status status, const struct ask *ask, const char *why)
{
	return answer_new(status, ask->type, 0, NULL, 0, B_NONE, bytes_of(why));
}

static void
leave_question(struct request *q)
{
	timer_free(q->deadline);
	q->deadline = NULL;
	if (q->question == NULL)
		return;
	*q->at = q->next;
	if (q->next != NULL)
		q->next->at = q->at;
	q->question = NULL;
}

static void
on_deadline(void *arg)
{
	struct request *q = arg;

	leave_question(q);
	add(&q->resolver->count.late, 1);
	send_home(q, trouble(ANSWER_TIMEOUT, &q->ask, "no answer within the time we give a question"));
}

/* ---- questions ---- */

/* Out of the table and the count; what remains is to be freed. */
static void
question_close(struct question *k)
{
	struct resolver *r = k->resolver;

	map_remove(&r->by_key, bytes_make(k->key, k->key_len));
	*k->at = k->next;
	if (k->next != NULL)
		k->next->at = k->at;
	r->in_flight--;
	atomic_store_explicit(&r->count.in_flight, r->in_flight, memory_order_relaxed);
}

/* Everybody who waits gets a reference; ours is given up. Closed first, so that
 * nobody who has his answer can still see the question counted. */
static void
conclude(struct question *k, struct answer *a)
{
	question_close(k);
	while (k->waiting != NULL) {
		struct request *q = k->waiting;
		leave_question(q);
		send_home(q, a != NULL ? answer_ref(a) : NULL);
	}
	answer_unref(a);
	free(k);
}

static uint32_t
clamp(uint32_t v, uint32_t low, uint32_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* How long we keep it. A ttl of trouble or of a negative answer without a SOA is not to be believed. */
static uint32_t
lifetime(const struct resolver_settings *set, const struct answer *a)
{
	switch (a->status) {
	case ANSWER_OK:
		return clamp(a->ttl, set->ttl_min, set->ttl_max);
	case ANSWER_EMPTY:
	case ANSWER_NXDOMAIN:
		return clamp(a->ttl != UINT32_MAX ? a->ttl : 60, set->ttl_min, set->negative_max);
	default:
		return set->trouble_ttl;
	}
}

static void
conclude_and_keep(struct question *k, struct answer *a)
{
	struct resolver *r = k->resolver;

	if (a != NULL) {
		a->ttl = lifetime(&r->set, a);
		cache_keep(r->cache, &k->ask, a, a->ttl, clock_mono_us());
	}
	conclude(k, a);
}

/* libunbound says "failed" for an error, for nonsense and for silence alike. It
 * was silence if it says so, or if it took as long as a silent server takes. */
static struct answer *
failure(const struct question *k, const struct recursor_reply *reply)
{
	uint64_t     took_ms = (clock_mono_us() - k->started_us) / 1000;
	bool         silent = reply->silent || took_ms >= k->resolver->set.min_rtt_ms;
	struct bytes why = reply->why;

	if (why.len == 0)
		why = silent ? B("no server answered") : B("no server gave a usable answer");
	return answer_new(silent ? ANSWER_TIMEOUT : ANSWER_SERVFAIL, k->ask.type, 0, NULL, 0, B_NONE, why);
}

static void
on_reply(void *arg, const struct recursor_reply *reply)
{
	struct question *k = arg;
	struct answer   *a = NULL;

	if (reply->failed) {
		a = failure(k, reply);
	} else if (reply->bogus) {
		/* It comes with records, and they are not to be touched. */
		a = answer_new(ANSWER_BOGUS, k->ask.type, 0, NULL, 0, B_NONE, reply->why);
	} else {
		enum rc rc = packet_answer(reply->packet, &k->ask, &a);
		if (rc == RC_SYNTAX)
			a = trouble(ANSWER_SERVFAIL, &k->ask, "the answer is malformed");
		else if (rc == RC_OK)
			a->secure = reply->secure;
	}
	conclude_and_keep(k, a);
}

static void
start(struct question *k)
{
	struct resolver *r = k->resolver;

	add(&r->count.questions, 1);
	k->started_us = clock_mono_us();
	if (r->zone != NULL) {
		struct answer *a = zone_answer(r->zone, &k->ask);
		if (a == NULL || a->status != ANSWER_TIMEOUT || !r->slow)
			conclude_and_keep(k, a);
		else
			answer_unref(a); /* the deadlines of those who wait will come */
		return;
	}
	enum rc rc = recursor_ask(r->recursor, k->ask.name, (unsigned)k->ask.type, on_reply, k);
	if (rc != RC_OK)
		conclude(k, trouble(ANSWER_SERVFAIL, &k->ask, "libunbound refuses the question"));
}

static struct question *
question_new(struct resolver *r, const struct ask *ask)
{
	struct question *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	*k = (struct question){ .resolver = r, .next = r->questions, .at = &r->questions, .key_len = 2 + ask->name.len };
	k->key[0] = (char)((unsigned)ask->type >> 8);
	k->key[1] = (char)ask->type;
	if (ask->name.len > 0)
		memcpy(k->key + 2, ask->name.at, ask->name.len);
	k->ask = (struct ask){ ask->type, bytes_make(k->key + 2, ask->name.len) };
	if (map_set(&r->by_key, bytes_make(k->key, k->key_len), k) != RC_OK) {
		free(k);
		return NULL;
	}
	if (k->next != NULL)
		k->next->at = &k->next;
	r->questions = k;
	r->in_flight++;
	atomic_store_explicit(&r->count.in_flight, r->in_flight, memory_order_relaxed);
	return k;
}

static struct question *
question_find(struct resolver *r, const struct ask *ask)
{
	char key[2 + DNS_NAME_MAX] = { (char)((unsigned)ask->type >> 8), (char)ask->type };

	if (ask->name.len > 0)
		memcpy(key + 2, ask->name.at, ask->name.len);
	return map_get(&r->by_key, bytes_make(key, 2 + ask->name.len));
}

static bool
join(struct request *q, struct question *k)
{
	uint64_t spent_us = clock_mono_us() - q->asked_us, all_us = (uint64_t)q->timeout_ms * 1000;

	q->deadline = timer_new(q->resolver->loop, on_deadline, q);
	if (q->deadline == NULL)
		return false;
	timer_set_us(q->deadline, spent_us < all_us ? all_us - spent_us : 0);
	q->question = k;
	q->next = k->waiting;
	q->at = &k->waiting;
	if (q->next != NULL)
		q->next->at = &q->next;
	k->waiting = q;
	return true;
}

/* On the DNS thread: a request has come. */
static void
receive(void *arg)
{
	struct request  *q = arg;
	struct resolver *r = q->resolver;
	struct question *k = question_find(r, &q->ask);
	bool             fresh = false;

	if (r->phase == PHASE_ENDED) {
		send_home(q, trouble(ANSWER_SERVFAIL, &q->ask, "the resolver is stopping"));
		return;
	}
	if (k == NULL) {
		/* It may have been answered while the request was under way. */
		struct answer *a = cache_peek(r->cache, &q->ask, clock_mono_us());
		if (a != NULL) {
			send_home(q, a);
			return;
		}
		if (r->in_flight >= r->set.in_flight) {
			add(&r->count.refused, 1);
			send_home(q, trouble(ANSWER_SERVFAIL, &q->ask, "too many questions are waiting"));
			return;
		}
		k = question_new(r, &q->ask);
		fresh = true;
	}
	if (k == NULL || !join(q, k)) {
		if (fresh && k != NULL)
			conclude(k, NULL);
		send_home(q, NULL);
		return;
	}
	if (fresh && r->phase == PHASE_RUNNING)
		start(k);
}

/* ---- does the root's key validate? ---- */

static void
begin_running(struct resolver *r)
{
	struct question *next;

	r->phase = PHASE_RUNNING;
	/* start() may end its question, but no other one. */
	for (struct question *k = r->questions; k != NULL; k = next) {
		next = k->next;
		start(k);
	}
}

/* A context must not end within its own callback, so this comes by note. */
static void
free_other(void *arg)
{
	struct resolver *r = arg;

	recursor_free(r->plain);
	r->plain = NULL;
}

static void
settle_dnssec(struct resolver *r, bool validates, struct bytes why)
{
	if (r->phase != PHASE_PROBING)
		return;
	timer_off(r->probe);
	if (!validates) {
		struct recursor *validating = r->recursor;
		r->recursor = r->plain;
		r->plain = validating;
	}
	loop_send(r->loop, &r->probed, free_other, r);
	atomic_store(&r->count.validates, validates);
	if (r->set.on_dnssec != NULL)
		r->set.on_dnssec(r->set.on_dnssec_arg, validates, why);
	begin_running(r);
}

static void
on_root_key(void *arg, const struct recursor_reply *reply)
{
	struct resolver *r = arg;
	bool             validates = !reply->failed && reply->secure;
	struct bytes     why = reply->why;

	if (why.len == 0 && !validates)
		why = reply->failed ? B("the root's key was not answered") : B("the root's key came without a signature that holds");
	settle_dnssec(r, validates, why);
}

static void
on_probe_late(void *arg)
{
	settle_dnssec(arg, false, B("the root's key was not answered in time"));
}

/* ---- the thread ---- */

static void
end(void *arg)
{
	struct resolver *r = arg;

	r->phase = PHASE_ENDED;
	free_other(r);
	recursor_free(r->recursor);
	r->recursor = NULL;
	while (r->questions != NULL) {
		struct question *k = r->questions;
		conclude(k, trouble(ANSWER_SERVFAIL, &k->ask, "the resolver is stopping"));
	}
	timer_free(r->probe);
	loop_stop(r->loop);
}

static void *
run(void *arg)
{
	struct resolver *r = arg;

	if (r->unanchored && r->set.on_dnssec != NULL)
		r->set.on_dnssec(r->set.on_dnssec_arg, false, B("the file of trust anchors cannot be read"));
	if (r->phase == PHASE_PROBING) {
		timer_set(r->probe, r->set.probe_ms);
		if (recursor_ask(r->recursor, B(""), TYPE_DNSKEY, on_root_key, r) != RC_OK)
			settle_dnssec(r, false, B("the root's key cannot be asked for"));
	}
	/* Waiting fails only if our own descriptor is gone, and then nothing can be trusted. */
	enum rc rc = loop_run(r->loop);
	assert(rc == RC_OK);
	return NULL;
}

static void
release(struct resolver *r)
{
	if (r == NULL)
		return;
	recursor_free(r->recursor);
	recursor_free(r->plain);
	timer_free(r->probe);
	loop_free(r->loop);
	cache_free(r->cache);
	map_free(&r->by_key);
	free(r);
}

static struct resolver *
resolver_new(const struct resolver_settings *set)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->set = *set;
	r->phase = PHASE_RUNNING;
	r->loop = loop_new();
	r->cache = cache_new(set->cache_octets);
	if (r->loop != NULL && r->cache != NULL)
		return r;
	release(r);
	return NULL;
}

static enum rc
begin(struct resolver *r, struct resolver **resolver_out, const char **why_out)
{
	sigset_t all, before;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int fault = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (fault != 0) {
		release(r);
		*why_out = "no thread for DNS";
		return RC_IO;
	}
	pthread_setname_np(r->thread, "dns");
	*resolver_out = r;
	return RC_OK;
}

/* A context cannot be changed once it was asked: keep one of either kind ready. */
static enum rc
prepare_probe(struct resolver *r, const struct recursor_settings *library, const char **why_out)
{
	struct recursor_settings plain = *library;

	plain.validate = false;
	r->phase = PHASE_PROBING;
	r->probe = timer_new(r->loop, on_probe_late, r);
	return r->probe != NULL ? recursor_new(r->loop, &plain, &r->plain, why_out) : RC_MEMORY;
}

enum rc
resolver_open(const struct resolver_settings *set, struct resolver **resolver_out, const char **why_out)
{
	struct resolver *r = resolver_new(set);

	*why_out = "out of memory";
	if (r == NULL)
		return RC_MEMORY;
	r->unanchored = set->dnssec == DNSSEC_AUTO && access(set->anchors, R_OK) != 0;
	struct recursor_settings library = {
		.servers = set->servers,
		.server_count = set->server_count,
		.resolv_conf = set->resolv_conf,
		.validate = set->dnssec != DNSSEC_OFF && !r->unanchored,
		.anchors = set->anchors,
		.outgoing = set->outgoing,
		.min_rtt_ms = set->min_rtt_ms,
		.ttl_max = set->ttl_max,
		.negative_max = set->negative_max,
	};
	atomic_store(&r->count.validates, set->dnssec == DNSSEC_ON);
	enum rc rc = recursor_new(r->loop, &library, &r->recursor, why_out);
	if (rc == RC_OK && set->dnssec == DNSSEC_AUTO && !r->unanchored)
		rc = prepare_probe(r, &library, why_out);
	if (rc == RC_OK)
		return begin(r, resolver_out, why_out);
	release(r);
	return rc;
}

enum rc
resolver_open_zone(const struct zone *zone, bool slow, struct resolver **resolver_out, const char **why_out)
{
	struct resolver_settings set = resolver_defaults();
	struct resolver         *r = resolver_new(&set);

	*why_out = "out of memory";
	if (r == NULL)
		return RC_MEMORY;
	r->zone = zone;
	r->slow = slow;
	return begin(r, resolver_out, why_out);
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	loop_send(r->loop, &r->end, end, r);
	pthread_join(r->thread, NULL);
	r->recursor = NULL;
	r->probe = NULL;
	release(r);
}

/* ---- the asker's side ---- */

struct answer *
resolver_look(struct resolver *r, const struct ask *ask)
{
	return cache_look(r->cache, ask, clock_mono_us());
}

static struct request *
request_new(struct resolver *r, struct loop *loop, const struct ask *ask, unsigned timeout_ms)
{
	struct request *q = malloc(sizeof(*q) + ask->name.len);

	if (q == NULL)
		return NULL;
	*q = (struct request){ .resolver = r, .loop = loop, .asked_us = clock_mono_us(), .timeout_ms = timeout_ms };
	for (size_t i = 0; i < ask->name.len; i++)
		q->name[i] = byte_lower(ask->name.at[i]);
	q->ask = (struct ask){ ask->type, bytes_make(q->name, ask->name.len) };
	return q;
}

struct request *
resolver_ask(struct resolver *r, struct loop *loop, const struct ask *ask, unsigned timeout_ms,
             void (*fn)(void *, struct answer *), void *arg)
{
	char   wire[256];
	size_t len;
	bool   possible = dns_name_to_wire(ask->name, wire, &len);
	/* No memory for a name of any length that a stranger likes. */
	struct ask      asked = possible ? *ask : (struct ask){ ask->type, B("") };
	struct request *q = request_new(r, loop, &asked, timeout_ms);

	if (q == NULL)
		return NULL;
	q->fn = fn;
	q->arg = arg;
	add(&r->count.requests, 1);
	if (!possible) {
		send_home(q, trouble(ANSWER_NXDOMAIN, &q->ask, "no domain can have this name"));
		return q;
	}
	struct answer *a = cache_peek(r->cache, &q->ask, clock_mono_us());
	if (a != NULL)
		send_home(q, a);
	else
		loop_send(r->loop, &q->note, receive, q);
	return q;
}

void
resolver_cancel(struct request *q)
{
	if (q != NULL)
		q->cancelled = true;
}

struct wait {
	struct loop   *loop;
	struct answer *answer;
};

static void
on_waited(void *arg, struct answer *a)
{
	struct wait *w = arg;

	w->answer = a;
	loop_stop(w->loop);
}

struct answer *
resolver_wait(struct resolver *r, const struct ask *ask, unsigned timeout_ms)
{
	struct answer *hit = resolver_look(r, ask);

	if (hit != NULL)
		return hit;
	struct wait w = { .loop = loop_new() };
	if (w.loop != NULL && resolver_ask(r, w.loop, ask, timeout_ms, on_waited, &w) != NULL) {
		enum rc rc = loop_run(w.loop);
		assert(rc == RC_OK); /* the request would come home to a loop that is gone */
	}
	loop_free(w.loop);
	return w.answer;
}

void
resolver_forget(struct resolver *r)
{
	cache_clear(r->cache);
}

struct resolver_stats
resolver_count(struct resolver *r)
{
	struct cache_stats    kept = cache_count(r->cache);
	struct resolver_stats s = {
		.hits = kept.hits,
		.misses = kept.misses,
		.requests = atomic_load(&r->count.requests),
		.questions = atomic_load(&r->count.questions),
		.late = atomic_load(&r->count.late),
		.refused = atomic_load(&r->count.refused),
		.in_flight = atomic_load(&r->count.in_flight),
		.wait_us = atomic_load(&r->count.wait_us),
		.cached = kept.count,
		.cached_octets = kept.octets,
		.evictions = kept.evictions,
		.validates = atomic_load(&r->count.validates),
	};
	for (size_t i = 0; i <= ANSWER_BOGUS; i++)
		s.answers[i] = atomic_load(&r->count.answers[i]);
	return s;
}
