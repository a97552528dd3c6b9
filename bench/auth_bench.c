/* bench/auth_bench.c: how fast the thinkers think, with all answers at hand.
 *
 *     auth_bench ZONE MESSAGE IP HELO MAILFROM [SECONDS]
 *
 * On one core, each for so many seconds: SPF evaluations, DKIM verifications of
 * all signatures, and whole checks (a session from CONNECT to verdict: SPF,
 * HELO, DKIM, ARC, DMARC, decision, header, account). The answers are kept like
 * in the daemon's cache, so parsed records and decoded keys are reused. Prints a
 * line each, "spf 123456 /s", after comparing that the results are as they were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/dkim.h"
#include "auth/spf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/zone.h"
#include "mail/message.h"
#include "policy/settings.h"
#include "session/session.h"

struct bench {
	struct zone   *zone;
	struct map     kept; /* answers by question */
	struct arena  *arena;
	struct ip      ip;
	struct bytes   helo, mail_from;
	struct message message;
	uint64_t       until;
	unsigned long  verdicts;
	enum action    action;
};

static const struct answer *
look(void *door, const struct ask *ask)
{
	struct bench *b = door;
	char          key[300];
	int           n = snprintf(key, sizeof(key), "%u %.*s", ask->type, B_FMT(ask->name));

	const struct answer *a = map_get(&b->kept, bytes_make(key, (size_t)n));
	if (a == NULL) {
		a = zone_answer(b->zone, ask);
		struct bytes kept = arena_copy(b->arena, bytes_make(key, (size_t)n));
		if (a == NULL || map_set(&b->kept, kept, (void *)(uintptr_t)a) != RC_OK)
			abort();
	}
	return answer_ref(a);
}

/* ---- the three loops: each runs once, and says what came out ---- */

static enum result
run_spf(struct bench *b)
{
	struct arena        *a = arena_new((size_t)1 << 20);
	struct spf_query     query = { .ip = b->ip, .helo = b->helo, .mail_from = b->mail_from };
	struct spf          *spf = spf_new(a, &query, SPF_MAILFROM);
	const struct answer *answer = NULL;
	struct finding       finding = { .result = RESULT_NONE };
	struct ask           ask;

	while (spf_step(spf, answer, &ask, &finding) == STEP_ASKS)
		answer = answer_hold(a, look(b, &ask));
	arena_free(a);
	return finding.result;
}

static enum result
run_dkim(struct bench *b)
{
	struct arena        *a = arena_new((size_t)1 << 20);
	struct bodyhash     *body = bodyhash_new(a);
	struct dkim         *dkim[8];
	const struct answer *key[8];
	size_t               n = 0;
	struct finding       finding = { .result = RESULT_NONE };
	enum result          result = RESULT_NONE;
	struct ask           ask;

	for (size_t i = 0; i < b->message.header.count && n < NELEMS(dkim); i++)
		if (field_is(&b->message.header.fields[i], B("DKIM-Signature")))
			dkim[n++] = dkim_new(a, &b->message.header, i, body, 1800000000);
	for (size_t i = 0; i < n; i++)
		key[i] = dkim_step(dkim[i], NULL, &ask, &finding) == STEP_ASKS ? answer_hold(a, look(b, &ask)) : NULL;
	bodyhash_feed(body, b->message.body);
	bodyhash_end(body);
	for (size_t i = 0; i < n; i++)
		if (key[i] != NULL && dkim_step(dkim[i], key[i], &ask, &finding) == STEP_DONE)
			result = finding.result;
	arena_free(a);
	return result;
}

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
	return 1800000000;
}

static void
host_random(void *door, uint8_t octets[8])
{
	memcpy(octets, &((struct bench *)door)->verdicts, 8);
}

static bool
host_ask(void *door, const struct ask *ask, uint64_t ticket)
{
	(void)door;
	(void)ask;
	(void)ticket;
	return false;
}

static void
host_deadline(void *door, uint32_t ms)
{
	(void)door;
	(void)ms;
}

static void
host_told(void *door, const struct account *account)
{
	((struct bench *)door)->action = account->decision.action;
}

static void
face_go_on(void *door)
{
	(void)door;
}

static void
face_reply(void *door, const struct reply *reply)
{
	(void)door;
	(void)reply;
}

static void
face_verdict(void *door, const struct verdict *verdict)
{
	(void)verdict;
	((struct bench *)door)->verdicts++;
}

static const struct session_host host = { host_now_us, host_epoch, host_random, look, host_ask, host_deadline, host_told, NULL };
static const struct session_face face = { face_go_on, face_reply, face_verdict };

static enum result
run_check(struct bench *b, const struct session_env *env)
{
	struct session *s = session_new(env, &face, &host, b);

	session_on(s, &(struct event){ .kind = EV_CONNECT, .ip = b->ip });
	session_on(s, &(struct event){ .kind = EV_HELO, .text = b->helo });
	session_on(s, &(struct event){ .kind = EV_MAIL, .text = b->mail_from });
	session_on(s, &(struct event){ .kind = EV_RCPT, .text = B("user@example.net") });
	for (size_t i = 0; i < b->message.header.count; i++)
		session_on(s, &(struct event){ .kind = EV_HEADER,
		                               .text = b->message.header.fields[i].name,
		                               .more = b->message.header.fields[i].value });
	session_on(s, &(struct event){ .kind = EV_EOH });
	session_on(s, &(struct event){ .kind = EV_BODY, .text = b->message.body });
	session_on(s, &(struct event){ .kind = EV_EOM });
	session_free(s);
	return b->action == ACTION_ACCEPT ? RESULT_PASS : RESULT_FAIL;
}

/* ---- timing: of the processor, because machines are shared ---- */

static uint64_t
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

enum loop { LOOP_SPF, LOOP_DKIM, LOOP_CHECK };

static enum result
once(struct bench *b, enum loop loop, const struct session_env *env)
{
	return loop == LOOP_SPF ? run_spf(b) : loop == LOOP_DKIM ? run_dkim(b) : run_check(b, env);
}

static int
measure(struct bench *b, const char *name, enum loop loop, const struct session_env *env, unsigned long seconds)
{
	enum result   first = once(b, loop, env);
	uint64_t      began = cpu_us(), now = began;
	unsigned long n = 0;

	while (now - began < seconds * 1000000U) {
		for (int i = 0; i < 100; i++, n++)
			if (once(b, loop, env) != first)
				return 1;
		now = cpu_us();
	}
	printf("%-6s %8.0f /s  %6.1f us each  (%s)\n", name, (double)n * 1e6 / (double)(now - began), (double)(now - began) / (double)n,
	       result_word(first));
	return 0;
}

static bool
no_file(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	(void)arg;
	(void)path;
	(void)why_out;
	*text_out = arena_copy(a, B("log_level = error\n"));
	return true;
}

int
main(int argc, char **argv)
{
	struct bench       b = { .arena = arena_new((size_t)64 << 20) };
	struct buf         zone = { 0 }, text = { 0 };
	struct bytes       why = B_NONE;
	struct conf_host   files = { .file = no_file };
	struct conf_faults faults = { .count = 0 };

	if (argc < 6 || !ip_parse(bytes_of(argv[3]), &b.ip)) {
		fprintf(stderr, "usage: auth_bench ZONE MESSAGE IP HELO MAILFROM [SECONDS]\n");
		return 2;
	}
	if (file_read(argv[1], &zone) != RC_OK || file_read(argv[2], &text) != RC_OK ||
	    zone_parse(b.arena, buf_bytes(&zone), &b.zone, &why) != RC_OK || !message_split(b.arena, buf_bytes(&text), &b.message)) {
		fprintf(stderr, "auth_bench: cannot read zone or message: %.*s\n", B_FMT(why));
		return 2;
	}
	b.helo = bytes_of(argv[4]);
	b.mail_from = bytes_of(argv[5]);
	unsigned long    seconds = argc > 6 ? strtoul(argv[6], NULL, 10) : 2;
	struct settings *settings = settings_read(b.arena, &files, B("bench"), B("gate.example.net"), &faults);
	if (settings == NULL)
		return 2;
	struct session_env env = { .settings = settings, .hostname = B("gate.example.net") };
	log_open(LOG_STDERR, AT_ERROR);
	int failed = measure(&b, "spf", LOOP_SPF, &env, seconds) | measure(&b, "dkim", LOOP_DKIM, &env, seconds) |
	             measure(&b, "check", LOOP_CHECK, &env, seconds);
	settings_unref(settings);
	return failed;
}
