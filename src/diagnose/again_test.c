/* diagnose/again_test.c: a refused mail and what DNS says now. */
#include "base/rows.h"

#include <string.h>

#include "base/zone.h"
#include "diagnose/again.h"

#define POLICY  "_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n"
#define KEY     "k1._domainkey.example.org TXT \"v=DKIM1; p=AAAA\"\n"
#define REVERSE "7.100.51.198.in-addr.arpa PTR out.example.org\nout.example.org A 198.51.100.7\n"

/* From example.org, sent by 198.51.100.7; `reason` is of a signature k1 of example.org, NULL: none. */
static const struct row {
	const char    *name, *zone, *sender, *reason;
	enum again_end end;
	const char    *check; /* whose state and words are compared */
	enum check_state state;
	const char      *words;
} rows[] = {
	{ "an SPF record that was mended lets the mail pass", POLICY "example.org TXT \"v=spf1 ip4:198.51.100.7 -all\"", "a@example.org", NULL,
	  AGAIN_PASSES,
	  "spf", CHECK_FINE, "198.51.100.7 is allowed by ip4:198.51.100.7" },
	{ "then DMARC passes by SPF", POLICY "example.org TXT \"v=spf1 ip4:198.51.100.7 -all\"", "a@example.org", NULL, AGAIN_PASSES, "dmarc",
	  CHECK_FINE,
	  "SPF passes for an aligned domain; the policy is p=reject" },
	{ "one that was not is shown", POLICY "example.org TXT \"v=spf1 ip4:198.51.100.1 -all\"", "a@example.org", NULL, AGAIN_FAILS, "spf",
	  CHECK_FAULT,
	  "fail: 198.51.100.7 is not allowed by v=spf1 ip4:198.51.100.1 -all" },
	{ "SPF of another domain does not help", POLICY "example.net TXT \"v=spf1 ip4:198.51.100.7 -all\"", "a@example.net", NULL, AGAIN_FAILS,
	  "dmarc", CHECK_FAULT,
	  "p=reject, and neither SPF nor DKIM passes for an aligned domain" },
	{ "under p=quarantine such a mail is set aside", "_dmarc.example.org TXT \"v=DMARC1; p=quarantine\"", "a@example.org", NULL, AGAIN_SET_ASIDE,
	  "dmarc", CHECK_FAULT, "p=quarantine, and neither SPF nor DKIM passes" },
	{ "and under p=reject in test mode (t=y), too", "_dmarc.example.org TXT \"v=DMARC1; p=reject; t=y\"", "a@example.org", NULL, AGAIN_SET_ASIDE,
	  "dmarc", CHECK_FAULT, "p=reject, and neither SPF nor DKIM passes" },
	{ "a null sender is checked by its HELO", POLICY "mail.example.org TXT \"v=spf1 ip4:198.51.100.7 -all\"", "", NULL, AGAIN_PASSES, "spf",
	  CHECK_FINE, "is allowed by" },
	{ "a broken SPF record is a fault", POLICY "example.org TXT \"v=spf1 ip4:1 -all\"", "a@example.org", NULL, AGAIN_FAILS, "spf",
	  CHECK_FAULT, "permerror: " },
	{ "trouble with SPF is unknown", POLICY "example.org TXT !timeout", "a@example.org", NULL, AGAIN_UNKNOWN, "spf", CHECK_UNKNOWN, "" },
	{ "a policy that has gone asks for nothing", "example.org TXT \"v=spf1 -all\"", "a@example.org", NULL, AGAIN_PASSES, "dmarc", CHECK_FINE,
	  "no DMARC record" },
	{ "p=none asks for nothing", "_dmarc.example.org TXT \"v=DMARC1; p=none\"", "a@example.org", NULL, AGAIN_PASSES, "dmarc", CHECK_FINE,
	  "asks for nothing" },
	{ "trouble with the policy is unknown", "_dmarc.example.org TXT !servfail", "a@example.org", NULL, AGAIN_UNKNOWN, "dmarc", CHECK_UNKNOWN,
	  "" },
	{ "a key that has come may let it pass, and nobody can say more", POLICY KEY, "a@example.org", "dkim.no-key", AGAIN_PERHAPS, "dkim",
	  CHECK_FINE,
	  "there is a key at k1._domainkey.example.org" },
	{ "that is told of DMARC", POLICY KEY, "a@example.org", "dkim.no-key", AGAIN_PERHAPS, "dmarc", CHECK_UNKNOWN,
	  "whether it fits only a new mail shows" },
	{ "a key that did not fit is no hope", POLICY KEY, "a@example.org", "dkim.body-changed", AGAIN_FAILS, "dkim", CHECK_FINE,
	  "there is a key" },
	{ "a key that is still missing is a fault", POLICY, "a@example.org", "dkim.no-key", AGAIN_FAILS, "dkim", CHECK_FAULT,
	  "there is no key at k1._domainkey.example.org" },
	{ "a revoked key is a fault", POLICY "k1._domainkey.example.org TXT \"v=DKIM1; p=\"", "a@example.org", "dkim.key-revoked", AGAIN_FAILS,
	  "dkim", CHECK_FAULT, "is empty: it was revoked" },
	{ "a record of something else is no key", POLICY "k1._domainkey.example.org TXT \"v=spf1 p=AAAA\"", "a@example.org", "dkim.no-key", AGAIN_FAILS,
	  "dkim", CHECK_FAULT, "there is a record, but no key, at k1._domainkey.example.org" },
	{ "a key may stand beside a record of something else", POLICY "k1._domainkey.example.org TXT \"hello\"\n" KEY, "a@example.org", "dkim.no-key", AGAIN_PERHAPS,
	  "dkim", CHECK_FINE, "there is a key at k1._domainkey.example.org" },
	{ "trouble with the key is unknown", POLICY "k1._domainkey.example.org TXT !timeout", "a@example.org", "dkim.no-key", AGAIN_UNKNOWN,
	  "dkim", CHECK_UNKNOWN, "could not be looked up" },
	{ "a signature that held still does while its key is there", POLICY KEY, "a@example.net", "dkim.verified", AGAIN_PASSES, "dmarc",
	  CHECK_FINE, "DKIM passes for an aligned domain" },
	{ "and does not when it has gone", POLICY, "a@example.net", "dkim.verified", AGAIN_FAILS, "dkim", CHECK_FAULT, "there is no key" },
	{ "a name that leads back is fine", POLICY REVERSE, "a@example.org", NULL, AGAIN_FAILS, "ptr", CHECK_FINE,
	  "is called out.example.org, and that name leads back" },
	{ "of several names any may lead back", POLICY "7.100.51.198.in-addr.arpa PTR a.example.org\n7.100.51.198.in-addr.arpa PTR b.example.org\na.example.org A 192.0.2.1\n"
	  "b.example.org A 198.51.100.7", "a@example.org", NULL, AGAIN_FAILS, "ptr", CHECK_FINE, "is called b.example.org, and that name leads back" },
	{ "none of several that leads back is a fault", POLICY "7.100.51.198.in-addr.arpa PTR a.example.org\n7.100.51.198.in-addr.arpa PTR b.example.org\n"
	  "a.example.org A 192.0.2.1", "a@example.org", NULL, AGAIN_FAILS, "ptr", CHECK_FAULT, "is called a.example.org, but neither that name nor another of it leads back" },
	{ "trouble with one of several is unknown", POLICY "7.100.51.198.in-addr.arpa PTR a.example.org\n7.100.51.198.in-addr.arpa PTR b.example.org\n"
	  "a.example.org A !timeout", "a@example.org", NULL, AGAIN_FAILS, "ptr", CHECK_UNKNOWN, "could not be looked up" },
	{ "and does no harm where another leads back", POLICY "7.100.51.198.in-addr.arpa PTR a.example.org\n7.100.51.198.in-addr.arpa PTR b.example.org\n"
	  "a.example.org A !timeout\nb.example.org A 198.51.100.7", "a@example.org", NULL, AGAIN_FAILS, "ptr", CHECK_FINE, "b.example.org, and that name leads back" },
	{ "no name is a fault", POLICY, "a@example.org", NULL, AGAIN_FAILS, "ptr", CHECK_FAULT, "has no reverse DNS name" },
	{ "trouble with the name is unknown", POLICY "7.100.51.198.in-addr.arpa PTR !timeout", "a@example.org", NULL, AGAIN_FAILS, "ptr",
	  CHECK_UNKNOWN, "could not be looked up" },
};

static struct again_facts
facts_of(struct again_signature *signature, const char *sender, const char *reason)
{
	*signature = (struct again_signature){ B("example.org"), B("k1"), RESULT_FAIL, bytes_of(reason) };
	if (reason != NULL && strcmp(reason, "dkim.verified") == 0)
		signature->result = RESULT_PASS;
	struct again_facts f = { .helo = B("mail.example.org"), .mail_from = bytes_of(sender), .from_domain = B("example.org"),
	                         .signatures = signature,
		                 .signature_count = reason != NULL, .now = 1795230000 };
	assert_true(ip_parse(B("198.51.100.7"), &f.client));
	return f;
}

/* The questions asked; `zone` NULL: the resolver gives up at once. */
static int
play(struct again *g, struct arena *a, const struct zone *zone)
{
	const struct answer *answer = NULL;
	struct ask           ask;
	int                  n = 0;

	for (; again_step(g, answer, &ask) == STEP_ASKS; n++) {
		assert_true(n < 200);
		answer = zone != NULL ? answer_hold(a, zone_answer(zone, &ask)) : NULL;
	}
	return n;
}

static void
check(void **state)
{
	const struct row      *row = *state;
	struct arena          *a = arena_new((size_t)8 << 20);
	struct again_signature signature;
	struct again_facts     f = facts_of(&signature, row->sender, row->reason);
	struct zone           *zone;
	struct bytes           why;
	bool                   found = false;

	assert_int_equal(zone_parse(a, bytes_of(row->zone), &zone, &why), RC_OK);
	struct again *g = again_new(a, &f);
	play(g, a, zone);
	const struct again_report *r = again_report(g);
	assert_int_equal(r->end, row->end);
	assert_int_equal(r->count, row->reason != NULL ? 4 : 3);
	for (size_t i = 0; i < r->count; i++) {
		const struct checked *c = &r->lines[i].checked;
		if (strcmp(c->check, row->check) != 0)
			continue;
		found = true;
		assert_string_equal(check_state_word(c->state), check_state_word(row->state));
		if (bytes_find(c->evidence, bytes_of(row->words)) == c->evidence.len && row->words[0] != '\0')
			fail_msg("'%s' is not in: %.*s", row->words, B_FMT(c->evidence));
	}
	assert_true(found);
	arena_free(a);
}

static void
nobody_answers(void **state)
{
	struct arena          *a = arena_new((size_t)8 << 20);
	struct again_signature signature;
	struct again_facts     f = facts_of(&signature, "a@example.org", "dkim.no-key");
	struct again          *g = again_new(a, &f);

	(void)state;
	play(g, a, NULL);
	const struct again_report *r = again_report(g);
	assert_int_equal(r->end, AGAIN_UNKNOWN);
	for (size_t i = 0; i < r->count; i++)
		assert_int_equal(r->lines[i].checked.state, CHECK_UNKNOWN);
	arena_free(a);
}

static void
many_signatures(void **state)
{
	struct arena          *a = arena_new((size_t)8 << 20);
	struct again_signature some[40];
	struct again_facts     f = facts_of(&some[0], "a@example.org", "dkim.no-key");
	struct zone           *zone;
	struct bytes           why;

	(void)state;
	for (size_t i = 1; i < NELEMS(some); i++)
		some[i] = some[0];
	some[1].selector = B("..");
	f.signature_count = NELEMS(some);
	assert_int_equal(zone_parse(a, B(POLICY), &zone, &why), RC_OK);
	struct again *g = again_new(a, &f);
	assert_true(play(g, a, zone) < 20);
	assert_int_equal(again_report(g)->count, AGAIN_CHECKS);
	assert_int_equal(again_report(g)->end, AGAIN_FAILS);
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	rows_add("a resolver that gives up makes all unknown and nothing a fault", nobody_answers, NULL);
	rows_add("of many signatures a few are looked at, and a selector that cannot be is no key", many_signatures, NULL);
	return rows_run("again");
}
