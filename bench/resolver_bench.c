/* bench/resolver_bench.c: how fast the resolver answers, with no network in it.
 *
 *     resolver_bench [SECONDS [THREADS]]
 *
 * hits:    resolver_look() of names that are in the cache
 * misses:  resolver_ask() of new names, through the DNS thread and back, from a zone
 * library: the same through libunbound, whose one server is a thread of ours */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/resolver.h"

#define NAMES     10000
#define IN_FLIGHT 64

static struct resolver *resolver;
static atomic_bool      over;
static atomic_uint      serial;

struct worker {
	pthread_t    thread;
	uint64_t     done;
	uint64_t     trouble;
	struct loop *loop;
	unsigned     waiting;
	uint32_t     random;
};

static void *
look(void *arg)
{
	struct worker *w = arg;
	char           name[32];

	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		w->random = w->random * 1664525U + 1013904223U;
		int            n = snprintf(name, sizeof(name), "n%u.example.com", (w->random >> 8) % NAMES);
		struct ask     ask = { DNS_TXT, bytes_make(name, (size_t)n) };
		struct answer *a = resolver_look(resolver, &ask);
		w->trouble += a == NULL;
		w->done++;
		answer_unref(a);
	}
	return NULL;
}

static void on_answer(void *arg, struct answer *a);

static void
ask_new(struct worker *w)
{
	char       name[40];
	int        n = snprintf(name, sizeof(name), "m%u.example.com", atomic_fetch_add(&serial, 1));
	struct ask ask = { DNS_A, bytes_make(name, (size_t)n) };

	if (resolver_ask(resolver, w->loop, &ask, 5000, on_answer, w) != NULL)
		w->waiting++;
}

static void
on_answer(void *arg, struct answer *a)
{
	struct worker *w = arg;

	w->done++;
	w->trouble += answer_is_trouble(a);
	answer_unref(a);
	w->waiting--;
	if (!atomic_load_explicit(&over, memory_order_relaxed))
		ask_new(w);
	else if (w->waiting == 0)
		loop_stop(w->loop);
}

static void *
ask_many(void *arg)
{
	struct worker *w = arg;

	w->loop = loop_new();
	if (w->loop == NULL)
		return NULL;
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		ask_new(w);
	if (loop_run(w->loop) != RC_OK)
		abort();
	loop_free(w->loop);
	return NULL;
}

static void
measure(const char *what, void *(*fn)(void *), unsigned seconds, unsigned threads)
{
	static struct worker workers[64];
	uint64_t             done = 0, trouble = 0;

	memset(workers, 0, sizeof(workers));
	atomic_store(&over, false);
	uint64_t before = clock_mono_us();
	for (unsigned i = 0; i < threads; i++) {
		workers[i].random = i + 1;
		if (pthread_create(&workers[i].thread, NULL, fn, &workers[i]) != 0)
			abort();
	}
	usleep(seconds * 1000000);
	atomic_store(&over, true);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		done += workers[i].done;
		trouble += workers[i].trouble;
	}
	double took = (double)(clock_mono_us() - before) / 1e6;
	printf("%-8s %2u threads %12.0f/s  not answered %llu\n", what, threads, (double)done / took, (unsigned long long)trouble);
}

/* A DNS server that gives 192.0.2.1 for everything. */
static void *
serve(void *arg)
{
	static const char  record[] = "\xc0\x0c\0\1\0\1\0\0\1\0\0\4\xc0\0\2\1";
	int                fd = *(int *)arg;
	struct sockaddr_in from;
	char               p[1500];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t   n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from, &len);
		if (n < 12)
			return NULL;
		size_t end = 12;
		while (end < (size_t)n && p[end] != 0)
			end += (size_t)(unsigned char)p[end] + 1;
		end += 5;
		if (end + sizeof(record) > sizeof(p))
			continue;
		memcpy(p + 2, "\x81\x80\0\1\0\1\0\0\0\0", 10);
		memcpy(p + end, record, sizeof(record) - 1);
		sendto(fd, p, end + sizeof(record) - 1, 0, (struct sockaddr *)&from, len);
	}
}

static void
through_library(unsigned seconds, unsigned threads)
{
	struct sockaddr_in       sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t                len = sizeof(sin);
	int                      fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct resolver_settings set = resolver_defaults();
	char                     text[32];
	const char              *why;
	pthread_t                server;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 || getsockname(fd, (struct sockaddr *)&sin, &len) != 0 ||
	    pthread_create(&server, NULL, serve, &fd) != 0)
		abort();
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(sin.sin_port));
	struct bytes one = bytes_of(text);
	set.servers = &one;
	set.server_count = 1;
	set.dnssec = DNSSEC_OFF;
	if (resolver_open(&set, &resolver, &why) != RC_OK)
		abort();
	measure("library", ask_many, seconds, threads);
	resolver_free(resolver);
	sendto(fd, "", 0, 0, (struct sockaddr *)&sin, sizeof(sin));
	pthread_join(server, NULL);
	close(fd);
}

int
main(int argc, char **argv)
{
	uint64_t      seconds = 1, threads = 2;
	struct arena *a = arena_new((size_t)64 << 20);
	struct bytes  fault;
	struct zone  *zone;
	const char   *why;

	if ((argc > 1 && !bytes_number(bytes_of(argv[1]), 60, &seconds)) || (argc > 2 && !bytes_number(bytes_of(argv[2]), 64, &threads)) || threads == 0)
		return 2;
	struct buf lines = { 0 };
	for (unsigned i = 0; i < NAMES; i++)
		buf_printf(&lines, "n%u.example.com TXT \"v=spf1 ip4:192.0.2.%u -all\"\n", i, i % 256);
	if (lines.spoilt || zone_parse(a, buf_bytes(&lines), &zone, &fault) != RC_OK || resolver_open_zone(zone, false, &resolver, &why) != RC_OK)
		abort();
	for (unsigned i = 0; i < NAMES; i++) {
		char           name[32];
		int            n = snprintf(name, sizeof(name), "n%u.example.com", i);
		struct ask     ask = { DNS_TXT, bytes_make(name, (size_t)n) };
		answer_unref(resolver_wait(resolver, &ask, 1000));
	}
	measure("hits", look, (unsigned)seconds, 1);
	measure("hits", look, (unsigned)seconds, (unsigned)threads);
	resolver_free(resolver);
	/* A small zone for the misses: looking things up in it is not what is measured. */
	if (zone_parse(a, B("example.com TXT x\n"), &zone, &fault) != RC_OK || resolver_open_zone(zone, false, &resolver, &why) != RC_OK)
		abort();
	measure("misses", ask_many, (unsigned)seconds, 1);
	measure("misses", ask_many, (unsigned)seconds, (unsigned)threads);
	resolver_free(resolver);
	through_library((unsigned)seconds, (unsigned)threads);
	buf_free(&lines);
	arena_free(a);
	return 0;
}
