/* test/signature_suite.c: runs cases of conformance suites against auth/dkim
 * and auth/arc, from the plain text that signature_suite.py makes; see there.
 *
 * Standard input: `zone`, its lines, `end`; `case NAME`; `method dkim` or
 * `method arc`; `want WORD...`, one for each signature, "!pass" for anything
 * but pass; `message LENGTH`, followed by that many octets, runs the case. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/arc.h"
#include "auth/dkim.h"
#include "base/file.h"
#include "base/zone.h"
#include "mail/message.h"

#define NOW 1760000000
#define FINDINGS 16

struct suite {
	struct arena *zone_arena, *arena;
	struct zone  *zone;
	struct bytes  name, want, method;
	unsigned      count, failed;
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
	struct bytes why, text = *rest;
	size_t       n = bytes_find(*rest, B("\nend\n"));

	if (n == rest->len)
		die(B("a zone has no end"));
	bytes_skip(rest, n + 5);
	arena_free(s->zone_arena);
	s->zone_arena = arena_new((size_t)4 << 20);
	if (zone_parse(s->zone_arena, bytes_sub(text, 0, n + 1), &s->zone, &why) != RC_OK)
		die(why);
}

static const struct answer *
look_up(struct suite *s, const struct ask *ask)
{
	return answer_hold(s->arena, zone_answer(s->zone, ask));
}

static size_t
judge_dkim(struct suite *s, const struct message *m, struct finding *out)
{
	struct bodyhash *body = bodyhash_new(s->arena);
	struct dkim     *all[FINDINGS];
	struct ask       ask;
	size_t           count = 0;

	for (size_t i = 0; (i = header_find(&m->header, B("dkim-signature"), i)) < m->header.count && count < FINDINGS; i++)
		if ((all[count++] = dkim_new(s->arena, &m->header, i, body, NOW)) == NULL)
			die(B("out of memory"));
	bodyhash_feed(body, m->body);
	bodyhash_end(body);
	for (size_t i = 0; i < count; i++)
		if (dkim_step(all[i], NULL, &ask, &out[i]) == STEP_ASKS && dkim_step(all[i], look_up(s, &ask), &ask, &out[i]) == STEP_ASKS)
			die(B("a second question"));
	return count;
}

static size_t
judge_arc(struct suite *s, const struct message *m, struct finding *out)
{
	struct bodyhash     *body = bodyhash_new(s->arena);
	struct arc          *arc = arc_new(s->arena, &m->header, body, NOW);
	const struct answer *answer = NULL;
	struct ask           ask;

	if (arc == NULL)
		die(B("out of memory"));
	bodyhash_feed(body, m->body);
	bodyhash_end(body);
	while (arc_step(arc, answer, &ask, out) == STEP_ASKS)
		answer = look_up(s, &ask);
	return 1;
}

static bool
meets(const struct finding *f, struct bytes want)
{
	if (bytes_eq(want, B("!pass")))
		return f->result != RESULT_PASS;
	return bytes_eq(want, bytes_of(result_word(f->result)));
}

static void
run(struct suite *s, struct bytes text)
{
	struct finding findings[FINDINGS];
	struct message m;
	struct bytes   want = s->want, word;
	size_t         i = 0;

	s->arena = arena_new((size_t)4 << 20);
	if (!message_split(s->arena, text, &m))
		die(B("out of memory"));
	size_t count = bytes_eq(s->method, B("arc")) ? judge_arc(s, &m, findings) : judge_dkim(s, &m, findings);
	bool   good = true;
	for (; bytes_cut(&want, ' ', &word); i++)
		good = good && i < count && meets(&findings[i], word);
	good = good && i == count;
	printf("%s %u - %.*s\n", good ? "ok" : "not ok", ++s->count, B_FMT(s->name));
	for (i = 0; i < count && !good; i++)
		printf("# have %s %s (%.*s)\n", result_word(findings[i].result), reason_word(findings[i].reason), B_FMT(findings[i].detail));
	if (!good)
		printf("# want %.*s\n", B_FMT(s->want));
	s->failed += !good;
	arena_free(s->arena);
}

int
main(void)
{
	struct suite s = { 0 };
	struct buf   in = { 0 };
	struct bytes rest, line, key;
	uint64_t     length;

	if (file_read("-", &in) != RC_OK)
		die(B("cannot read standard input"));
	rest = buf_bytes(&in);
	while (bytes_cut_line(&rest, &line)) {
		bytes_cut(&line, ' ', &key);
		if (bytes_eq(key, B("zone"))) {
			read_zone(&s, &rest);
		} else if (bytes_eq(key, B("case"))) {
			s.name = line;
		} else if (bytes_eq(key, B("method"))) {
			s.method = line;
		} else if (bytes_eq(key, B("want"))) {
			s.want = line;
		} else if (bytes_eq(key, B("message")) && bytes_number(line, rest.len, &length)) {
			run(&s, bytes_sub(rest, 0, (size_t)length));
			bytes_skip(&rest, (size_t)length);
		} else {
			die(key);
		}
	}
	printf("1..%u\n", s.count);
	arena_free(s.zone_arena);
	buf_free(&in);
	return s.failed > 0;
}
