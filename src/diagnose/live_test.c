/* diagnose/live_test.c: what DNS says now, held against what a report claims. */
#include "base/rows.h"

#include <string.h>

#include "base/zone.h"
#include "diagnose/live.h"

#define TAIL "\r\n\r\n------ This is a copy of the message, including all the headers. ------\r\n\r\n"
#define REPORT(reply) REPORT_OF("mx.example.net", reply)
#define REPORT_OF(host, reply) "From: MAILER-DAEMON@out.example.org\r\nTo: anna@example.org\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n" \
	"<ben@example.net>: host " host "[192.0.2.25] said: " reply TAIL "Return-Path: <anna@example.org>\r\nFrom: Anna <anna@example.org>\r\nTo: ben@example.net\r\n"
#define SIGNED(domain) "DKIM-Signature: v=1; a=rsa-sha256; d=" domain "; s=k1; h=from; bh=x; b=y\r\n"
#define DMARC_REPLY "550 5.7.509 Access denied, sending domain example.org does not pass DMARC verification and has a DMARC policy of reject. [198.51.100.7]"
#define LIST_REPLY "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org"
#define RELAY_REPLY "550 5.7.1 Unable to relay"
#define PTR(n) "7.100.51.198.in-addr.arpa PTR b" n ".example.org\n"
#define PTRS(more) PTR("2") PTR("3") PTR("4") PTR("5") PTR("6") PTR("7") PTR("8") PTR("9") PTR("10") more
#define KEY_AT "k1._domainkey.example.org TXT "
#define REVOKED KEY_AT "\"v=DKIM1; p=\"\n"
#define FOREIGN KEY_AT "\"v=spf1 -all\"\n"
#define PLAIN REPORT(DMARC_REPLY) "\r\n"

static const struct row {
	const char      *name, *zone, *report, *check;
	enum check_state state;
	const char      *words; /* in the evidence */
} rows[] = {
	{ "an address that is in the SPF record is fine", "example.org TXT \"v=spf1 ip4:198.51.100.7 -all\"", PLAIN, "spf", CHECK_FINE, "198.51.100.7 is in the SPF record of example.org" },
	{ "an address that is not is told, with the term to add", "example.org TXT \"v=spf1 ip4:198.51.100.1 -all\"", PLAIN, "spf", CHECK_FAULT,
	  "add ip4:198.51.100.7 to this record: v=spf1 ip4:198.51.100.1 -all" },
	{ "a broken SPF record is a fault", "example.org TXT \"v=spf1 ip4:198.51.100 -all\"", PLAIN, "spf", CHECK_FAULT, "SPF of example.org gives permerror" },
	{ "no SPF record is a fault", "example.org A 192.0.2.1", PLAIN, "spf", CHECK_FAULT, "SPF of example.org gives none" },
	{ "trouble with SPF is unknown", "example.org TXT !timeout", PLAIN, "spf", CHECK_UNKNOWN, "could not be looked up" },
	{ "a name that leads back is fine", "7.100.51.198.in-addr.arpa PTR out.example.org\nout.example.org A 198.51.100.7", PLAIN, "ptr", CHECK_FINE, "is called out.example.org, and that name leads back" },
	{ "a name that does not is a fault", "7.100.51.198.in-addr.arpa PTR out.example.org\nout.example.org A 198.51.100.8", PLAIN, "ptr", CHECK_FAULT, "does not lead back" },
	{ "several names of which one leads back are fine", PTR("1") PTR("2") "b2.example.org A 198.51.100.7", PLAIN, "ptr", CHECK_FINE, "is called b2.example.org, and that name leads back" },
	{ "several of which none does are a fault", PTR("1") PTR("2") "b3.example.org A 198.51.100.7", PLAIN, "ptr", CHECK_FAULT, "neither that name nor another of it leads back" },
	{ "the tenth name is looked at", PTR("1") PTRS("b10.example.org A 198.51.100.7"), PLAIN, "ptr", CHECK_FINE, "is called b10.example.org" },
	{ "ten that do not lead back are a fault", PTR("1") PTRS("b11.example.org A 198.51.100.7"), PLAIN, "ptr", CHECK_FAULT, "neither that name nor another" },
	{ "of the eleventh it is not known whether it would", PTR("1") PTRS(PTR("11") "b11.example.org A 198.51.100.7"), PLAIN, "ptr", CHECK_UNKNOWN,
	  "198.51.100.7 has more names than are looked at; none of the first 10 leads back to it" },
	{ "no name is a fault", "example.org A 192.0.2.1", PLAIN, "ptr", CHECK_FAULT, "has no reverse DNS name" },
	{ "trouble with the name is unknown", "7.100.51.198.in-addr.arpa PTR !servfail", PLAIN, "ptr", CHECK_UNKNOWN, "could not be looked up" },
	{ "trouble on the way back is unknown", "7.100.51.198.in-addr.arpa PTR out.example.org\nout.example.org A !timeout", PLAIN, "ptr", CHECK_UNKNOWN, "could not be looked up" },
	{ "an address still on the list is a fault", "7.100.51.198.zen.spamhaus.org A 127.0.0.2", REPORT(LIST_REPLY) "\r\n", "blocklist", CHECK_FAULT, "is still listed at zen.spamhaus.org" },
	{ "an address no more on it is fine", "example.org A 192.0.2.1", REPORT(LIST_REPLY) "\r\n", "blocklist", CHECK_FINE, "is not listed at zen.spamhaus.org any more" },
	{ "a list that does not answer this resolver is unknown", "7.100.51.198.zen.spamhaus.org A 127.255.255.254", REPORT(LIST_REPLY) "\r\n", "blocklist", CHECK_UNKNOWN, "no answer that can be used" },
	{ "trouble with the list is unknown", "7.100.51.198.zen.spamhaus.org A !timeout", REPORT(LIST_REPLY) "\r\n", "blocklist", CHECK_UNKNOWN, "no answer that can be used" },
	{ "where mail goes is told", "example.net MX 10 mx.example.net\nmx.example.net A 192.0.2.25", PLAIN, "mx", CHECK_FINE, "mail for example.net goes to: 10 mx.example.net" },
	{ "an MX host whose name is gone is stale", "example.net MX 10 mx.example.net\nexample.net MX 20 old.example.net\nmx.example.net A 192.0.2.25", PLAIN, "mx", CHECK_FAULT,
	  "old.example.net has no address: that record is stale" },
	{ "an MX host with only an IPv6 address is not", "example.net MX 10 mx.example.net\nmx.example.net AAAA 2001:db8::25", PLAIN, "mx", CHECK_FINE, "10 mx.example.net" },
	{ "an MX host that cannot be looked up is unknown", "example.net MX 10 mx.example.net\nmx.example.net A !timeout", PLAIN, "mx", CHECK_UNKNOWN, "not all of them could be looked up" },
	{ "a null MX stands alone", "example.net MX 10 mx.example.net\nexample.net MX 0 .\nmx.example.net A 192.0.2.25", PLAIN, "mx", CHECK_FAULT, "a null MX stands beside them" },
	{ "one MX at the provider and one elsewhere: one is meant",
	  "example.net MX 0 example-net.mail.protection.outlook.com\nexample.net MX 10 mail.example.net\nexample-net.mail.protection.outlook.com A 192.0.2.1\nmail.example.net A 192.0.2.2", PLAIN, "mx", CHECK_FAULT,
	  "example-net.mail.protection.outlook.com is of Exchange Online and mail.example.net is not: mostly only one of them is meant" },
	{ "several of one provider are meant",
	  "example.net MX 1 aspmx.l.google.com\nexample.net MX 5 alt1.aspmx.l.google.com\naspmx.l.google.com A 192.0.2.1\nalt1.aspmx.l.google.com A 192.0.2.2", PLAIN, "mx", CHECK_FINE, "1 aspmx.l.google.com, 5 alt1" },
	{ "a relay that refuses and is no MX is told", "example.net MX 10 mx.example.com\nmx.example.com A 192.0.2.26", REPORT(RELAY_REPLY) "\r\n", "mx", CHECK_FAULT,
	  "mx.example.net, which refused, is none of them" },
	{ "another name of the same address is no stranger", "example.net MX 10 mx.example.com\nmx.example.com A 192.0.2.25", REPORT(RELAY_REPLY) "\r\n", "mx", CHECK_FINE, "10 mx.example.com" },
	{ "a host of the same house is no stranger", "example.net MX 10 mx7.example.net\nmx7.example.net A 192.0.2.26", REPORT(RELAY_REPLY) "\r\n", "mx", CHECK_FINE, "10 mx7.example.net" },
	{ "who refuses for DMARC may be a filter on the way", "example.net MX 10 mx.example.com\nmx.example.com A 192.0.2.26", PLAIN, "mx", CHECK_FINE, "10 mx.example.com" },
	{ "with an MX that cannot be looked up nobody is called a stranger", "example.net MX 10 mx.example.com\nmx.example.com A !timeout", REPORT(RELAY_REPLY) "\r\n", "mx", CHECK_UNKNOWN, "could be looked up" },
	{ "a null MX is a fault", "example.net MX 0 .", PLAIN, "mx", CHECK_FAULT, "takes no mail (null MX)" },
	{ "a domain that is gone is a fault", "example.org A 192.0.2.1", PLAIN, "mx", CHECK_FAULT, "the domain example.net does not exist" },
	{ "a domain without MX takes mail at its own address", "example.net A 192.0.2.1", PLAIN, "mx", CHECK_FINE, "example.net has no MX record; mail goes to its own address" },
	{ "also with only an IPv6 address", "example.net AAAA 2001:db8::25", PLAIN, "mx", CHECK_FINE, "mail goes to its own address" },
	{ "without an address it is a fault", "example.net TXT \"x\"", PLAIN, "mx", CHECK_FAULT, "example.net has neither MX record nor address" },
	{ "one of whose own addresses not all could be looked up may be who refused", "example.net A 192.0.2.1\nexample.net AAAA !timeout", REPORT_OF("mx.example.com", RELAY_REPLY) "\r\n", "mx", CHECK_UNKNOWN,
	  "mail goes to its own address; not all of its addresses could be looked up" },
	{ "who refused and is at none of its own addresses is told", "example.net A 192.0.2.1", REPORT_OF("mx.example.com", RELAY_REPLY) "\r\n", "mx", CHECK_FAULT,
	  "so mail goes to its own address; mx.example.com, which refused" },
	{ "an own address that cannot be looked up is unknown", "example.net TXT \"x\"\nexample.net A !timeout", PLAIN, "mx", CHECK_UNKNOWN, "its address could not be looked up" },
	{ "trouble with the MX is unknown", "example.net MX !servfail", PLAIN, "mx", CHECK_UNKNOWN, "could not be looked up" },
	{ "an aligned signature is fine", "_dmarc.example.org TXT \"v=DMARC1; p=reject\"", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dmarc", CHECK_FINE, "example.org publishes p=reject" },
	{ "a signature that is not aligned is a fault", "_dmarc.example.org TXT \"v=DMARC1; p=reject\"", REPORT(DMARC_REPLY) SIGNED("crm.example.com") "\r\n", "dmarc", CHECK_FAULT,
	  "signed by crm.example.com, which is not aligned with it" },
	{ "no signature is a fault", "_dmarc.example.org TXT \"v=DMARC1; p=reject\"", PLAIN, "dmarc", CHECK_FAULT, "bears no DKIM signature" },
	{ "no DMARC record is a fault", "example.org A 192.0.2.1", PLAIN, "dmarc", CHECK_FAULT, "publishes no DMARC record" },
	{ "trouble with DMARC is unknown", "_dmarc.example.org TXT !timeout", PLAIN, "dmarc", CHECK_UNKNOWN, "could not be looked up" },
	{ "a key that is there is fine", "k1._domainkey.example.org TXT \"v=DKIM1; p=AAAA\"", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_FINE, "there is a key at k1._domainkey.example.org" },
	{ "a revoked key is a fault", "k1._domainkey.example.org TXT \"v=DKIM1; p=\"", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_FAULT, "it was revoked" },
	{ "v behind p is no key, as a verifier sees it", KEY_AT "\"p=AAAA; v=DKIM1\"", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_FAULT, "there is a record, but no key, at" },
	{ "without v it is a key", KEY_AT "\"k=rsa; p=AAAA\"", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_FINE, "there is a key at" },
	{ "records of others do not crowd out a key", FOREIGN FOREIGN FOREIGN FOREIGN FOREIGN KEY_AT "\"p=AAAA\"", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_FINE, "there is a key at" },
	{ "what stands behind four keys is tried by nobody", REVOKED REVOKED REVOKED REVOKED KEY_AT "\"p=AAAA\"", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_FAULT, "it was revoked" },
	{ "no key is a fault", "example.org A 192.0.2.1", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_FAULT, "there is no key at" },
	{ "trouble with the key is unknown", "k1._domainkey.example.org TXT !bogus", REPORT(DMARC_REPLY) SIGNED("example.org") "\r\n", "dkim", CHECK_UNKNOWN, "could not be looked up" },
	{ "what the report does not name is not checked", "example.org A 192.0.2.1", "550 5.1.1 unknown", NULL, CHECK_FINE, NULL },
};

static void
look_up(struct arena *a, struct explained *x, const char *text)
{
	struct zone         *zone;
	struct bytes         why;
	const struct answer *answer = NULL;
	struct ask           ask;

	assert_int_equal(zone_parse(a, bytes_of(text), &zone, &why), RC_OK);
	struct live *l = live_new(a, x, &x->list[0], 1795230000);
	assert_non_null(l);
	for (int n = 0; live_step(l, answer, &ask) == STEP_ASKS; n++) {
		assert_true(n < 100);
		answer = answer_hold(a, zone_answer(zone, &ask));
	}
}

static void
check(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new((size_t)8 << 20);
	struct rules     *rules = rules_new();
	struct explained *x = explain_message(a, rules, bytes_of(row->report));
	bool              found = row->check == NULL;

	assert_non_null(x);
	assert_int_equal(x->count, 1);
	look_up(a, x, row->zone);
	const struct bounce_verdict *v = &x->list[0];
	if (row->check == NULL)
		assert_int_equal(v->checked_count, 0);
	for (size_t i = 0; !found && i < v->checked_count; i++) {
		if (strcmp(v->checked[i].check, row->check) != 0)
			continue;
		found = true;
		assert_string_equal(check_state_word(v->checked[i].state), check_state_word(row->state));
		if (bytes_find(v->checked[i].evidence, bytes_of(row->words)) == v->checked[i].evidence.len)
			fail_msg("'%s' is not in: %.*s", row->words, B_FMT(v->checked[i].evidence));
	}
	assert_true(found);
	rules_free(rules);
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	return rows_run("live");
}
