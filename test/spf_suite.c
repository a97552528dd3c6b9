/* test/spf_suite.c: runs cases of a conformance suite against auth/spf, from
 * the plain text that spf_suite.py makes of it; see there.
 *
 * Standard input is lines "key value"; a key may have no value. `zone` begins a
 * zone whose lines follow until `end`. A case is `case NAME`, then ip, helo,
 * mail_from, receiver, want (result words), explanation; `run` runs it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/spf.h"
#include "base/file.h"
#include "base/zone.h"

/* A time of our own; no case looks at it. */
#define NOW 1760000000

struct suite {
	struct arena    *zone_arena, *arena;
	struct zone     *zone;
	struct spf_query query;
	struct bytes     name, want, explanation;
	bool             wants_explanation;
	unsigned         count, failed;
};

static void
die(struct bytes why)
{
	printf("Bail out! %.*s\n", B_FMT(why));
	exit(1);
}

static void
read_zone(struct suite *s, struct bytes *rest)
{
	struct bytes why, end = *rest;
	size_t       n = bytes_find(*rest, B("\nend\n"));

	if (n == rest->len)
		die(B("a zone has no end"));
	bytes_skip(rest, n + 5);
	arena_free(s->zone_arena);
	s->zone_arena = arena_new((size_t)4 << 20);
	if (zone_parse(s->zone_arena, bytes_sub(end, 0, n + 1), &s->zone, &why) != RC_OK)
		die(why);
}

static struct finding
evaluate(struct suite *s, struct bytes *explanation_out)
{
	struct spf          *spf = spf_new(s->arena, &s->query, SPF_MAILFROM);
	const struct answer *answer = NULL;
	struct ask           ask;
	struct finding       f;

	if (spf == NULL)
		die(B("out of memory"));
	while (spf_step(spf, answer, &ask, &f) == STEP_ASKS)
		answer = answer_hold(s->arena, zone_answer(s->zone, &ask));
	*explanation_out = spf_report(spf)->explanation;
	return f;
}

static bool
is_wanted(struct bytes want, enum result result)
{
	struct bytes word;

	while (bytes_cut(&want, ' ', &word))
		if (bytes_eq(word, bytes_of(result_word(result))))
			return true;
	return false;
}

static void
run(struct suite *s)
{
	struct bytes   explanation;
	struct finding f = evaluate(s, &explanation);
	bool           ok = is_wanted(s->want, f.result) && (!s->wants_explanation || bytes_eq(explanation, s->explanation));

	s->count++;
	s->failed += !ok;
	printf("%s %u - %.*s\n", ok ? "ok" : "not ok", s->count, B_FMT(s->name));
	if (!ok)
		printf("# want %.*s, have %s (%s: %.*s)\n# explanation: %.*s\n", B_FMT(s->want), result_word(f.result),
		       reason_word(f.reason), B_FMT(f.detail), B_FMT(explanation));
}

static void
begin(struct suite *s, struct bytes name)
{
	arena_free(s->arena);
	s->arena = arena_new((size_t)1 << 20);
	s->query = (struct spf_query){ .now = NOW };
	s->name = name;
	s->explanation = s->want = B_NONE;
	s->wants_explanation = false;
}

static void
take_line(struct suite *s, struct bytes line, struct bytes *rest)
{
	struct bytes key = B_NONE;

	bytes_cut(&line, ' ', &key);
	if (bytes_eq(key, B("zone")))
		read_zone(s, rest);
	else if (bytes_eq(key, B("case")))
		begin(s, line);
	else if (bytes_eq(key, B("helo")))
		s->query.helo = line;
	else if (bytes_eq(key, B("mail_from")))
		s->query.mail_from = line;
	else if (bytes_eq(key, B("receiver")))
		s->query.receiver = line;
	else if (bytes_eq(key, B("want")))
		s->want = line;
	else if (bytes_eq(key, B("run")))
		run(s);
	else if (bytes_eq(key, B("explanation"))) {
		s->explanation = line;
		s->wants_explanation = true;
	} else if (!bytes_eq(key, B("ip")) || !ip_parse(line, &s->query.ip))
		die(B("a line of the suite is not understood"));
}

int
main(void)
{
	struct buf   text = { 0 };
	struct suite s = { 0 };
	struct bytes line;

	if (file_read("-", &text) != RC_OK)
		die(B("standard input cannot be read"));
	struct bytes rest = buf_bytes(&text);
	while (bytes_cut_line(&rest, &line))
		take_line(&s, line, &rest);
	printf("1..%u\n", s.count);
	fprintf(stderr, "%u of %u cases pass\n", s.count - s.failed, s.count);
	arena_free(s.arena);
	arena_free(s.zone_arena);
	buf_free(&text);
	return s.failed == 0 ? 0 : 1;
}
