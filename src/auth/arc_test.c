/* auth/arc_test.c: chains sealed here and then altered; each row checks the
 * result and the reason. */
#include "base/rows.h"

#include "auth/arc.h"
#include "auth/forge.h"

#define NOW     1700000000
#define MAIL    "From: Alice <alice@example.com>\r\nSubject: hello\r\n\r\nHello Bob\r\n"
#define RESULTS "mx.example.net; spf=pass smtp.mailfrom=example.com; dmarc=pass header.from=example.com"
#define KEY     "v=DKIM1; k=rsa; p=$RSA1024"

static const struct row {
	const char *name;
	unsigned    count; /* of sets; the message is altered after the last */
	const char *from, *to;
	enum result result;
	enum reason reason;
	const char *key; /* NULL: KEY */
	const char *cv; /* of the last seal; NULL: as it should be */
	const char *tags; /* of the last message signature */
	const char *before_from, *before_to; /* alters the message before the last set is made */
} rows[] = {
	{ "a message without sets is none", 0, NULL, NULL, RESULT_NONE, REASON_ARC_NONE, NULL, NULL, NULL, NULL, NULL },
	{ "one set verifies", 1, NULL, NULL, RESULT_PASS, REASON_ARC_VERIFIED, NULL, NULL, NULL, NULL, NULL },
	{ "three sets verify", 3, NULL, NULL, RESULT_PASS, REASON_ARC_VERIFIED, NULL, NULL, NULL, NULL, NULL },
	{ "fifty sets verify", 50, NULL, NULL, RESULT_PASS, REASON_ARC_VERIFIED, NULL, NULL, NULL, NULL, NULL },
	{ "a body changed before the newest set is the sealers' business", 2, NULL, NULL, RESULT_PASS, REASON_ARC_VERIFIED, NULL, NULL, NULL, "Bob", "list" },
	{ "a body changed behind the newest set fails", 2, "Bob", "Rob", RESULT_FAIL, REASON_ARC_MESSAGE_CHANGED, NULL, NULL, NULL, NULL, NULL },
	{ "a signed field changed behind the newest set fails", 2, "Subject: hello", "Subject: [list] hello", RESULT_FAIL, REASON_ARC_MESSAGE_CHANGED, NULL, NULL, NULL, NULL, NULL },
	{ "an unsigned field may change", 2, "Subject: hello", "X-New: 1\r\nSubject: hello", RESULT_PASS, REASON_ARC_VERIFIED, NULL, NULL, NULL, NULL, NULL },
	{ "a changed older Authentication-Results breaks the seals", 2, "i=1; mx.example.net; spf=pass", "i=1; mx.example.net; spf=fail", RESULT_FAIL, REASON_ARC_SEAL_INVALID, NULL, NULL, NULL, NULL, NULL },
	{ "a changed newest Authentication-Results breaks the seal", 2, "i=2; mx.example.net; spf=pass", "i=2; mx.example.net; spf=fail", RESULT_FAIL, REASON_ARC_SEAL_INVALID, NULL, NULL, NULL, NULL, NULL },
	{ "a missing seal is a broken structure", 2, "ARC-Seal: i=1", "X-Seal: i=1", RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, NULL, NULL, NULL, NULL },
	{ "a missing message signature is a broken structure", 2, "ARC-Message-Signature: i=1", "X-Other: i=1", RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, NULL, NULL, NULL, NULL },
	{ "a missing Authentication-Results is a broken structure", 2, "ARC-Authentication-Results: i=2", "X-Other: i=2", RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, NULL, NULL, NULL, NULL },
	{ "a part twice is a broken structure", 2, "ARC-Authentication-Results: i=2", "ARC-Authentication-Results: i=1", RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, NULL, NULL, NULL, NULL },
	{ "a hole in the numbers is a broken structure", 3, "i=2;", "i=4;", RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, NULL, NULL, NULL, NULL },
	{ "a chain must begin with 1", 1, "i=1;", "i=2;", RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, NULL, NULL, NULL, NULL },
	{ "a number far above the fields there are is a broken structure", 1, "i=1;", "i=49;", RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, NULL, NULL, NULL, NULL },
	{ "set 51 is one too many", 1, "i=1;", "i=51;", RESULT_FAIL, REASON_ARC_TOO_MANY, NULL, NULL, NULL, NULL, NULL },
	{ "i=0 does not parse", 1, "i=1;", "i=0;", RESULT_FAIL, REASON_ARC_SYNTAX, NULL, NULL, NULL, NULL, NULL },
	{ "i= must be there", 1, "ARC-Authentication-Results: i=1;", "ARC-Authentication-Results: ", RESULT_FAIL, REASON_ARC_SYNTAX, NULL, NULL, NULL, NULL, NULL },
	{ "i= must stand first in Authentication-Results", 1, "i=1; mx.example.net;", "mx.example.net; i=1;", RESULT_FAIL, REASON_ARC_SYNTAX, NULL, NULL, NULL, NULL, NULL },
	{ "cv=fail at the top ends it", 2, NULL, NULL, RESULT_FAIL, REASON_ARC_CV, NULL, "fail", NULL, NULL, NULL },
	{ "the first seal must say none", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, "pass", NULL, NULL, NULL },
	{ "a later seal must say pass", 2, NULL, NULL, RESULT_FAIL, REASON_ARC_STRUCTURE, NULL, "none", NULL, NULL, NULL },
	{ "another word in cv= does not parse", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_SYNTAX, NULL, "maybe", NULL, NULL, NULL },
	{ "h= has no place in a seal", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_SYNTAX, NULL, "none; h=from", NULL, NULL, NULL },
	{ "a message signature must not cover seals", 2, NULL, NULL, RESULT_FAIL, REASON_ARC_SYNTAX, NULL, NULL, "c=relaxed/relaxed; h=From:ARC-Seal", NULL, NULL },
	{ "a message signature need not cover From", 1, NULL, NULL, RESULT_PASS, REASON_ARC_VERIFIED, NULL, NULL, "c=relaxed/relaxed; h=Subject", NULL, NULL },
	{ "simple canonicalization is allowed in message signatures", 1, NULL, NULL, RESULT_PASS, REASON_ARC_VERIFIED, NULL, NULL, "c=simple/simple; h=From", NULL, NULL },
	{ "rsa-sha1 does not parse", 1, "a=rsa-sha256", "a=rsa-sha1", RESULT_FAIL, REASON_ARC_SYNTAX, NULL, NULL, NULL, NULL, NULL },
	{ "an expired message signature fails", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_MESSAGE_CHANGED, NULL, NULL, "c=relaxed/relaxed; h=From; x=1699999999", NULL, NULL },
	{ "l= that leaves part of the body open fails", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_MESSAGE_CHANGED, NULL, NULL, "c=relaxed/relaxed; h=From; l=5", NULL, NULL },
	{ "a missing key fails", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_KEY, "", NULL, NULL, NULL, NULL },
	{ "a revoked key fails", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_KEY, "v=DKIM1; p=", NULL, NULL, NULL, NULL },
	{ "a short key fails", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_KEY, "v=DKIM1; p=$RSA512", NULL, NULL, NULL, NULL },
	{ "another key fails", 1, NULL, NULL, RESULT_FAIL, REASON_ARC_MESSAGE_CHANGED, "v=DKIM1; p=$RSA2048", NULL, NULL, NULL, NULL },
};

struct chain {
	struct arena *arena;
	struct bytes  message;
	unsigned      questions;
	struct bytes  first_question;
};

static struct bytes
sealed(struct arena *a, const struct row *row)
{
	struct bytes message = B(MAIL);

	for (unsigned i = 1; i <= row->count; i++) {
		bool              last = i == row->count;
		struct forge_seal seal = { forge_keys()->rsa1024, i, i == 1 ? "none" : "pass", "example.net", RESULTS, NULL };
		if (last && row->cv != NULL)
			seal.cv = row->cv;
		if (last)
			seal.message_tags = row->tags;
		if (last && row->before_from != NULL)
			message = forge_replace(a, message, bytes_of(row->before_from), bytes_of(row->before_to));
		message = forge_seal(a, &seal, message);
	}
	return row->from != NULL ? forge_replace(a, message, bytes_of(row->from), bytes_of(row->to)) : message;
}

static struct finding
validate(struct chain *c, const struct answer *answer, const struct arc_report **report_out)
{
	struct header   *h = arena_take(c->arena, sizeof(*h));
	struct bodyhash *hash = bodyhash_new(c->arena);
	struct bytes     body;
	struct ask       ask;
	struct finding   f = { 0 };

	forge_split(c->arena, c->message, h, &body);
	struct arc *arc = arc_new(c->arena, h, hash, NOW);
	assert_non_null(arc);
	bodyhash_feed(hash, body);
	bodyhash_end(hash);
	for (enum step step = arc_step(arc, NULL, &ask, &f); step == STEP_ASKS; step = arc_step(arc, answer, &ask, &f)) {
		assert_int_equal(ask.type, DNS_TXT);
		if (c->questions++ == 0)
			c->first_question = ask.name;
		assert_true(c->questions <= 51);
	}
	*report_out = arc_report(arc);
	return f;
}

static void
expect(struct finding f, enum result result, enum reason reason)
{
	assert_int_equal(f.method, METHOD_ARC);
	assert_string_equal(reason_word(f.reason), reason_word(reason));
	assert_string_equal(result_word(f.result), result_word(result));
}

static void
check(void **state)
{
	const struct row        *row = *state;
	struct chain             c = { .arena = arena_new((size_t)64 << 20) };
	struct answer           *answer = forge_answer(c.arena, row->key != NULL ? bytes_of(row->key) : B(KEY));
	const struct arc_report *report;

	c.message = sealed(c.arena, row);
	expect(validate(&c, answer, &report), row->result, row->reason);
	if (row->result == RESULT_PASS) {
		assert_int_equal(report->count, row->count);
		/* One key for the message signature and all seals: one question. */
		assert_int_equal(c.questions, 1);
		assert_bytes(c.first_question, B("s1._domainkey.example.net"));
	}
	answer_unref(answer);
	arena_free(c.arena);
}

static struct bytes
two_sealers(struct arena *a)
{
	struct forge_seal one = { forge_keys()->rsa1024, 1, "none", "list.example.org", RESULTS, NULL };
	struct forge_seal two = { forge_keys()->rsa1024, 2, "pass", "example.net", "mx2.example.net 1; arc=pass; dmarc=fail (p=none) header.from=example.com", NULL };

	return forge_seal(a, &two, forge_seal(a, &one, B(MAIL)));
}

static void
the_report_names_sealers_and_what_they_saw(void **state)
{
	struct chain             c = { .arena = arena_new((size_t)4 << 20) };
	struct answer           *answer = forge_answer(c.arena, B(KEY));
	const struct arc_report *report;

	(void)state;
	c.message = two_sealers(c.arena);
	struct finding f = validate(&c, answer, &report);
	expect(f, RESULT_PASS, REASON_ARC_VERIFIED);
	assert_bytes(f.domain, B("example.net"));
	assert_int_equal(c.questions, 2);
	assert_int_equal(report->count, 2);
	assert_bytes(report->sets[0].sealer, B("list.example.org"));
	assert_bytes(report->sets[0].selector, B("s1"));
	assert_bytes(report->sets[0].authserv_id, B("mx.example.net"));
	assert_int_equal(report->sets[0].dmarc, RESULT_PASS);
	assert_bytes(report->sets[0].dmarc_from, B("example.com"));
	assert_bytes(report->sets[1].sealer, B("example.net"));
	assert_bytes(report->sets[1].authserv_id, B("mx2.example.net"));
	assert_int_equal(report->sets[1].dmarc, RESULT_FAIL);
	answer_unref(answer);
	arena_free(c.arena);
}

static const struct trouble {
	const char        *name;
	enum answer_status status;
	enum result        result;
	enum reason        reason;
} troubles[] = {
	{ "a time-out is temperror", ANSWER_TIMEOUT, RESULT_TEMPERROR, REASON_ARC_DNS_TIMEOUT },
	{ "SERVFAIL is temperror", ANSWER_SERVFAIL, RESULT_TEMPERROR, REASON_ARC_DNS_SERVFAIL },
	{ "failed DNSSEC is temperror", ANSWER_BOGUS, RESULT_TEMPERROR, REASON_ARC_DNS_BOGUS },
	{ "no such name is a missing key", ANSWER_NXDOMAIN, RESULT_FAIL, REASON_ARC_KEY },
};

static void
check_trouble(void **state)
{
	const struct trouble    *row = *state;
	struct chain             c = { .arena = arena_new((size_t)4 << 20) };
	struct answer           *answer = answer_new(row->status, DNS_TXT, 0, NULL, 0, B_NONE, B_NONE);
	const struct arc_report *report;

	c.message = two_sealers(c.arena);
	expect(validate(&c, answer, &report), row->result, row->reason);
	assert_int_equal(report->count, 2);
	answer_unref(answer);
	arena_free(c.arena);
}

/* Ten Ed25519 seals pass, eleven do not: they are dear. */
static void
ed25519_seals_are_bounded(void **state)
{
	(void)state;
	for (unsigned count = 10; count <= 11; count++) {
		struct chain             c = { .arena = arena_new((size_t)16 << 20), .message = B(MAIL) };
		struct answer           *answer = forge_answer(c.arena, B("k=ed25519; p=$ED25519"));
		const struct arc_report *report;
		for (unsigned i = 1; i <= count; i++) {
			struct forge_seal seal = { forge_keys()->ed25519, i, i == 1 ? "none" : "pass", "example.net", RESULTS, NULL };
			c.message = forge_seal(c.arena, &seal, c.message);
		}
		struct finding f = validate(&c, answer, &report);
		expect(f, count == 10 ? RESULT_PASS : RESULT_FAIL, count == 10 ? REASON_ARC_VERIFIED : REASON_ARC_TOO_MANY);
		answer_unref(answer);
		arena_free(c.arena);
	}
}

static void
more_fields_than_fifty_sets_have_are_too_many(void **state)
{
	struct chain             c = { .arena = arena_new((size_t)16 << 20), .message = B(MAIL) };
	const struct arc_report *report;

	(void)state;
	for (unsigned i = 0; i < 151; i++)
		c.message = arena_join(c.arena, B("ARC-Seal: x\r\n"), c.message);
	expect(validate(&c, NULL, &report), RESULT_FAIL, REASON_ARC_TOO_MANY);
	assert_int_equal(c.questions, 0);
	arena_free(c.arena);
}

/* Whatever the arena refuses, the end is NULL, temperror or the right verdict. */
static void
no_memory_is_never_a_wrong_verdict(void **state)
{
	struct arena *keep = arena_new((size_t)4 << 20);
	struct bytes  message = two_sealers(keep), body;
	struct header h;
	size_t        passed = 0;

	(void)state;
	forge_split(keep, message, &h, &body);
	for (size_t limit = 0; limit < 60000; limit += 160) {
		struct arena    *aside = arena_new(100000);
		struct answer   *answer = forge_answer(aside, B(KEY));
		struct arena    *a = arena_new(limit);
		struct bodyhash *hash = bodyhash_new(a);
		struct arc      *arc = hash != NULL ? arc_new(a, &h, hash, NOW) : NULL;
		struct ask       ask;
		struct finding   f;
		if (arc != NULL) {
			enum step step = arc_step(arc, NULL, &ask, &f);
			bodyhash_feed(hash, body);
			bodyhash_end(hash);
			while (step == STEP_ASKS)
				step = arc_step(arc, answer, &ask, &f);
			assert_true(f.result == RESULT_PASS || (f.result == RESULT_TEMPERROR && f.reason == REASON_LIMIT_MEMORY && arena_overdrawn(a)));
			passed += f.result == RESULT_PASS;
		} else {
			assert_true(arena_overdrawn(a));
		}
		arena_free(a);
		answer_unref(answer);
		arena_free(aside);
	}
	assert_true(passed > 0);
	arena_free(keep);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	ROWS_ADD(troubles, check_trouble);
	rows_add("the report names sealers and what they saw", the_report_names_sealers_and_what_they_saw, NULL);
	rows_add("ten Ed25519 seals are verified, eleven refused", ed25519_seals_are_bounded, NULL);
	rows_add("more fields than fifty sets have are too many", more_fields_than_fifty_sets_have_are_too_many, NULL);
	rows_add("without memory there is never a wrong verdict", no_memory_is_never_a_wrong_verdict, NULL);
	return rows_run("arc");
}
