/* auth/spf_record_test.c: what a record becomes, and where it is kept. */
#include "base/rows.h"

#include <stdlib.h>
#include <string.h>

#include "auth/spf_record.h"

/* One TXT record of one text, in strings of 255. */
static struct answer *
answer_of(struct bytes text)
{
	static char  wire[80000];
	size_t       n = 0;
	struct bytes rdata;

	do {
		size_t part = text.len < 255 ? text.len : 255;
		wire[n++] = (char)part;
		memcpy(wire + n, text.at, part);
		n += part;
		bytes_skip(&text, part);
	} while (text.len > 0);
	rdata = bytes_make(wire, n);
	return answer_new(ANSWER_OK, DNS_TXT, 60, &rdata, 1, B_NONE, B_NONE);
}

static void
terms(void **state)
{
	struct arena            *a = arena_new(100000);
	struct answer           *answer = answer_of(B("v=spf1 ~A:Mail.Example.ORG./28//64 exists:%{p}.example.org -all mx exp=Why.example.org"));
	const struct spf_record *r = spf_record_of(a, answer);

	(void)state;
	assert_int_equal(r->found, 1);
	assert_true(r->valid);
	assert_int_equal(r->count, 3);
	assert_int_equal(r->terms[0].kind, SPF_A);
	assert_int_equal(r->terms[0].qualifier, RESULT_SOFTFAIL);
	assert_int_equal(r->terms[0].bits4, 28);
	assert_int_equal(r->terms[0].bits6, 64);
	assert_bytes(r->terms[0].text, B("A:Mail.Example.ORG./28//64"));
	assert_bytes(r->terms[0].spec, B("Mail.Example.ORG."));
	assert_bytes(r->terms[0].name, B("mail.example.org"));
	assert_true(r->terms[1].needs_p);
	assert_false(r->terms[1].fixed);
	assert_int_equal(r->terms[2].kind, SPF_ALL);
	assert_true(r->after_all);
	assert_int_equal(r->costly, 3);
	assert_bytes(r->exp.name, B("why.example.org"));
	assert_int_equal(r->redirect.text.len, 0);
	answer_unref(answer);
	arena_free(a);
}

static void
kept(void **state)
{
	struct arena            *a = arena_new(100000), *b = arena_new(100000);
	struct answer           *answer = answer_of(B("v=spf1 mx -all"));
	const struct spf_record *first = spf_record_of(a, answer);

	(void)state;
	arena_free(a);
	assert_ptr_equal(spf_record_of(b, answer), first);
	assert_int_equal(first->count, 2);
	answer_unref(answer);
	arena_free(b);
}

static void
free_other(void *made)
{
	free(made);
}

/* A name may be asked by another method too, who then has the slot. */
static void
slot_taken(void **state)
{
	struct arena            *a = arena_new(100000);
	struct answer           *answer = answer_of(B("v=spf1 mx -all"));
	const struct spf_record *r;

	(void)state;
	assert_true(answer_keep(answer, malloc(1), free_other));
	r = spf_record_of(a, answer);
	assert_non_null(r);
	assert_true(r->valid);
	assert_int_equal(r->count, 2);
	answer_unref(answer);
	arena_free(a);
}

static void
bounded(void **state)
{
	struct arena *a = arena_new(200000);
	char          text[SPF_RECORD_MAX + 2];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "v=spf1", 6);
	for (size_t i = 7; i + 4 < sizeof(text); i += 2)
		text[i] = 'a';
	struct answer           *answer = answer_of(bytes_make(text, SPF_RECORD_MAX));
	const struct spf_record *r = spf_record_of(a, answer);
	assert_true(r->valid);
	assert_int_equal(r->count, SPF_COSTLY_MAX);
	assert_true(r->costly > 8000);
	answer_unref(answer);

	answer = answer_of(bytes_make(text, SPF_RECORD_MAX + 1));
	r = spf_record_of(a, answer);
	assert_int_equal(r->found, 1);
	assert_false(r->valid);
	assert_int_equal(r->fault.reason, REASON_SPF_SYNTAX);
	answer_unref(answer);
	arena_free(a);
}

static void
fault_behind_terms(void **state)
{
	struct arena            *a = arena_new(100000);
	struct answer           *answer = answer_of(B("v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 mx a oops -all"));
	const struct spf_record *r = spf_record_of(a, answer);

	(void)state;
	assert_false(r->valid);
	assert_int_equal(r->count, 0);
	assert_int_equal(r->fault.reason, REASON_SPF_SYNTAX);
	assert_bytes(r->fault_term, B("oops"));
	answer_unref(answer);
	arena_free(a);
}

static void
nothing_there(void **state)
{
	struct arena            *a = arena_new(100000);
	struct answer           *answer = answer_new(ANSWER_NXDOMAIN, DNS_TXT, 60, NULL, 0, B_NONE, B_NONE);
	const struct spf_record *r = spf_record_of(a, answer);

	(void)state;
	assert_non_null(r);
	assert_int_equal(r->found, 0);
	answer_unref(answer);
	arena_free(a);
}

int
main(void)
{
	rows_add("terms hold what was written, in lower case where it is asked", terms, NULL);
	rows_add("a record is parsed once for each answer", kept, NULL);
	rows_add("a slot that is taken does no harm", slot_taken, NULL);
	rows_add("a record of absurd length is refused, one of absurd cost is kept short", bounded, NULL);
	rows_add("a fault is found behind any number of terms", fault_behind_terms, NULL);
	rows_add("an answer without records has none", nothing_there, NULL);
	return rows_run("spf_record");
}
