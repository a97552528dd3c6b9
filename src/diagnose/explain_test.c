/* diagnose/explain_test.c: whole reports and single replies, in many forms; the
 * mails are written for this test. */
#include "base/rows.h"

#include <string.h>

#include "diagnose/explain.h"
#include "diagnose/mbox.h"

#define HEAD(from, subject) "From: " from "\r\nTo: sender@example.org\r\nSubject: " subject "\r\nMIME-Version: 1.0\r\n"
#define REPORT HEAD("MAILER-DAEMON@out.example.org (Mail Delivery System)", "Undelivered Mail Returned to Sender") \
	"Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"b;1\"\r\n\r\n"
#define TEXT_PART "--b;1\r\nContent-Type: text/plain\r\n\r\n"
#define STATUS_PART "--b;1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; out.example.org\r\n\r\n"

static const struct row {
	const char      *name, *in;
	enum bounce_kind kind;
	size_t           count;
	const char      *recipient, *host, *enhanced, *reason, *rule;
	enum stage       stage;
	bool             hard;
	enum scope       scope;
	enum suppress    suppress;
} rows[] = {
	{ "RFC 3464 with a quoted reply",
	  REPORT TEXT_PART "<nobody@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1\r\n    <nobody@example.com>: User unknown (in reply to RCPT TO command)\r\n" STATUS_PART
	         "Final-Recipient: rfc822; nobody@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.com\r\nDiagnostic-Code: smtp; 550 5.1.1 <nobody@example.com>: User unknown\r\n\r\n--b;1--\r\n",
	  KIND_BOUNCE, 1, "nobody@example.com", "mx.example.com", "5.1.1", "userunknown", "unknown-quoted-user", STAGE_RCPT, true, SCOPE_RECIPIENT, SUPPRESS_YES },
	{ "blanks before the colon, a slash for the semicolon, a comment behind the status",
	  REPORT STATUS_PART "Final-Recipient : rfc822/nobody@example.com\r\nAction : failed\r\nStatus : 5.2.2 (full)\r\nDiagnostic-Code : smtp; 552 5.2.2 Mailbox full\r\n\r\n--b;1--\r\n",
	  KIND_BOUNCE, 1, "nobody@example.com", "", "5.2.2", "mailboxfull", "mailbox-full-words", STAGE_NONE, false, SCOPE_RECIPIENT, SUPPRESS_PROVISIONAL },
	{ "several recipients, and the first of them",
	  REPORT STATUS_PART "Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.7.1\r\nDiagnostic-Code: smtp; 550 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org\r\n\r\n"
	                     "Final-Recipient: rfc822; b@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b;1--\r\n",
	  KIND_BOUNCE, 2, "a@example.com", "", "5.7.1", "blocked", "spamhaus-listed-in-zen", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "a delay is no failure, whatever it says",
	  REPORT STATUS_PART "Final-Recipient: rfc822; a@example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\nDiagnostic-Code: X-Postfix; connect to mx.example.com[192.0.2.1]:25: Connection timed out\r\n\r\n--b;1--\r\n",
	  KIND_DELAYED, 1, "a@example.com", "mx.example.com", "4.4.1", "expired", "timed-out-connection", STAGE_NONE, false, SCOPE_DOMAIN, SUPPRESS_NO },
	{ "a positive report",
	  REPORT STATUS_PART "Final-Recipient: rfc822; a@example.com\r\nAction: relayed\r\nStatus: 2.0.0\r\nDiagnostic-Code: smtp; 250 ok\r\n\r\n--b;1--\r\n", KIND_DELIVERED, 1,
	  "a@example.com", "", "2.0.0", "delivered", NULL, STAGE_NONE, false, SCOPE_MESSAGE, SUPPRESS_NO },
	{ "an unknown user that the report itself files under 5.0.0, at no known command, is not yet hard",
	  REPORT STATUS_PART "Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 a@example.com... No such user\r\n\r\n--b;1--\r\n",
	  KIND_BOUNCE, 1, "a@example.com", "", "5.0.0", "userunknown", "unknown-quoted-user", STAGE_NONE, false, SCOPE_RECIPIENT, SUPPRESS_PROVISIONAL },
	{ "a line that is the reply for one of several recipients: what follows is about others",
	  HEAD("MAILER-DAEMON@out.example.org", "Returned mail: Host unknown") "\r\n   ----- Transcript of session follows -----\r\n554 <a@example.com>... Remote protocol error: Connection reset by peer\r\n"
	  "550 example.net (smtp)... 550 Host unknown\r\n554 <b@example.net>... 550 Host unknown (Authoritative answer from name server)\r\n\r\n   ----- Unsent message follows -----\r\nSubject: hello\r\n",
	  KIND_BOUNCE, 2, "a@example.com", "", "", "networkerror", "network", STAGE_NONE, false, SCOPE_DOMAIN, SUPPRESS_NO },
	{ "qmail",
	  HEAD("MAILER-DAEMON@out.example.org", "failure notice") "\r\nHi. This is the qmail-send program at out.example.org.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n"
	  "<nobody@example.com>:\r\n192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 no such user\r\nGiving up on 192.0.2.1.\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <sender@example.org>\r\n",
	  KIND_BOUNCE, 1, "nobody@example.com", "", "5.1.1", "userunknown", "unknown-quoted-user", STAGE_RCPT, true, SCOPE_RECIPIENT, SUPPRESS_YES },
	{ "Exim",
	  HEAD("Mail Delivery System <Mailer-Daemon@out.example.org>", "Mail delivery failed: returning message to sender")
	  "X-Failed-Recipients: nobody@example.com\r\n\r\nA message that you sent could not be delivered to one or more of its\r\nrecipients. This is a permanent error. The following address(es) failed:\r\n\r\n"
	  "  nobody@example.com\r\n    SMTP error from remote mail server after RCPT TO:<nobody@example.com>:\r\n    host mx.example.com [192.0.2.1]: 550 5.7.1 Relaying denied\r\n\r\n------ This is a copy of the message, including all the headers. ------\r\n",
	  KIND_BOUNCE, 1, "nobody@example.com", "mx.example.com", "5.7.1", "norelaying", "sendmail-5.7.1-relaying-denied", STAGE_RCPT, false, SCOPE_DOMAIN, SUPPRESS_NO },
	{ "a quoted-printable report with bare CR line ends",
	  "From: MAILER-DAEMON@out.example.org\rTo: sender@example.org\rSubject: Delivery failure\rContent-Type: text/plain; charset=iso-8859-1\rContent-Transfer-Encoding: quoted-printable\r\r"
	  "Unable to deliver message to the following address(es).\r\r<nobody@example.com>:\rUtilisateur inconnu=20(=E0 v=E9rifier)\r",
	  KIND_BOUNCE, 1, "nobody@example.com", "", "", "userunknown", "unknown-quoted-user", STAGE_NONE, true, SCOPE_RECIPIENT, SUPPRESS_YES },
	{ "a broken MIME structure: the fields are found in the text",
	  REPORT "--other\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; out.example.org\r\n\r\nFinal-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.2.2\r\n", KIND_BOUNCE, 1,
	  "a@example.com", "", "5.2.2", "mailboxfull", "iana-2.2", STAGE_NONE, false, SCOPE_RECIPIENT, SUPPRESS_PROVISIONAL },
	{ "a complaint",
	  HEAD("fbl@example.net", "complaint") "Content-Type: multipart/report; report-type=feedback-report; boundary=\"b;1\"\r\n\r\n--b;1\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Rcpt-To: <a@example.com>\r\n\r\n--b;1--\r\n",
	  KIND_FEEDBACK, 1, "a@example.com", "", "", "feedback", NULL, STAGE_NONE, false, SCOPE_RECIPIENT, SUPPRESS_COMPLAINT },
	{ "somebody who is away",
	  "From: A Person <a@example.com>\r\nTo: sender@example.org\r\nSubject: Out of office: your message\r\nAuto-Submitted: auto-replied\r\n\r\nI am away and will not find your message undeliverable.\r\n", KIND_AUTOREPLY, 1,
	  "a@example.com", "", "", "vacation", NULL, STAGE_NONE, false, SCOPE_MESSAGE, SUPPRESS_NO },
	{ "an ordinary message that speaks of bounces", "From: a@example.com\r\nTo: b@example.org\r\nSubject: lunch\r\n\r\nYour last mail was not delivered, by the way: user unknown.\r\n", KIND_NOT_A_BOUNCE, 0,
	  NULL, NULL, NULL, NULL, NULL, STAGE_NONE, false, SCOPE_UNKNOWN, SUPPRESS_NO },
	{ "a read receipt",
	  HEAD("a@example.com", "Read: hello") "Content-Type: multipart/report; report-type=disposition-notification; boundary=\"b;1\"\r\n\r\n--b;1\r\nContent-Type: text/plain\r\n\r\nIt was displayed.\r\n--b;1\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: manual-action; displayed\r\n\r\n--b;1--\r\n",
	  KIND_MDN, 0, NULL, NULL, NULL, NULL, NULL, STAGE_NONE, false, SCOPE_UNKNOWN, SUPPRESS_NO },
	{ "a webhook of Amazon SES",
	  "{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[{\"emailAddress\":\"a@example.com\",\"status\":\"5.1.1\",\"diagnosticCode\":\"smtp; 550 5.1.1 user unknown\"}]},\"mail\":{\"destination\":[\"b@example.com\"]}}",
	  KIND_BOUNCE, 1, "a@example.com", "", "5.1.1", "userunknown", "unknown-quoted-user", STAGE_NONE, true, SCOPE_RECIPIENT, SUPPRESS_YES },
	{ "DMARC at Exchange Online", "550 5.7.509 Access denied, sending domain example.org does not pass DMARC verification and has a DMARC policy of reject.", KIND_BOUNCE, 1, "", "", "5.7.509", "authfailure",
	  "exchange-online-5.7.509-does-not-pass-dmarc-verification", STAGE_NONE, false, SCOPE_SENDER, SUPPRESS_NO },
	{ "5.7.1: a relay that does not know us", "550 5.7.1 Unable to relay", KIND_BOUNCE, 1, "", "", "5.7.1", "norelaying", "exchange-online-5.7.1-unable-to-relay", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "5.7.1: a client that did not log in", "530 5.7.1 Client was not authenticated", KIND_BOUNCE, 1, "", "", "5.7.1", "securityerror", "exchange-online-5.7.1-client-was-not-authenticated", STAGE_NONE, false,
	  SCOPE_SENDER, SUPPRESS_NO },
	{ "5.7.1: a network blocked by Outlook.com",
	  "550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).", KIND_BOUNCE, 1, "", "", "5.7.1",
	  "blocked", "exchange-online-5.7.1-on-our-block-list-s3150", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "5.7.1: not authorised for this destination", "550 5.7.1 Sender is not authorized to send to destination", KIND_BOUNCE, 1, "", "", "5.7.1", "securityerror",
	  "exchange-online-5.7.1-sender-is-not-authorized-to", STAGE_NONE, false, SCOPE_RECIPIENT, SUPPRESS_NO },
	{ "5.7.1: a group for its own people", "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", KIND_BOUNCE, 1, "", "", "5.7.1", "securityerror", "exchange-online-5.7.1-resolver-rst-authrequired",
	  STAGE_NONE, false, SCOPE_RECIPIENT, SUPPRESS_NO },
	{ "directory-based blocking is not certain enough to be hard", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", KIND_BOUNCE, 1, "", "", "5.4.1", "userunknown",
	  "status-4.1-denied", STAGE_NONE, false, SCOPE_RECIPIENT, SUPPRESS_PROVISIONAL },
	{ "the sender's own account is blocked: nobody is suppressed", "550 5.1.8 Access denied, bad outbound sender AS(42004)", KIND_BOUNCE, 1, "", "", "5.1.8", "rejected",
	  "exchange-online-5.1.8-access-denied-bad-outbound-sender", STAGE_NONE, false, SCOPE_SENDER, SUPPRESS_NO },
	{ "the tenant has reached its limit", "550 5.7.233 Access denied, tenant exceeded its daily limit for sending to external recipients", KIND_BOUNCE, 1, "", "", "5.7.233", "exceedlimit",
	  "exchange-online-5.7.233-tenant-exceeded-its-daily-limit", STAGE_NONE, false, SCOPE_TENANT, SUPPRESS_NO },
	{ "an unknown 5.7.x concerns the sender and suppresses nobody", "550 5.7.777 zzz", KIND_BOUNCE, 1, "", "", "5.7.777", "policyviolation", "iana-7", STAGE_NONE, false, SCOPE_SENDER, SUPPRESS_NO },
	{ "Unicode blanks and quotes are seen through", "550 5.7.1 \xe2\x80\x9cUnable\xc2\xa0to\xe2\x80\xafrelay\xe2\x80\x9d", KIND_BOUNCE, 1, "", "", "5.7.1", "norelaying", "exchange-online-5.7.1-unable-to-relay", STAGE_NONE,
	  false, SCOPE_IP, SUPPRESS_NO },
	{ "a pasted reply names its recipient", "550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown", KIND_BOUNCE, 1, "bob@example.net", "", "5.1.1", "userunknown", "unknown-quoted-user",
	  STAGE_NONE, true, SCOPE_RECIPIENT, SUPPRESS_YES },
	{ "a pasted line of a log names both, and the recipient is the recipient",
	  "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org; from=<anna@example.org> to=<bob@example.net> proto=ESMTP helo=<out.example.org>", KIND_BOUNCE, 1,
	  "bob@example.net", "", "5.7.1", "blocked", "spamhaus-listed-in-zen", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "a sender who is refused is no recipient", "550 5.7.1 <anna@example.org>: Sender address rejected: Access denied", KIND_BOUNCE, 1, "", "", "5.7.1", "rejected", "sender-rejected", STAGE_NONE, false,
	  SCOPE_SENDER, SUPPRESS_NO },
	{ "somebody to write to is no recipient", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found; contact postmaster@example.net", KIND_BOUNCE, 1, "", "", "5.1.1", "userunknown", "exchange-adr", STAGE_NONE, true,
	  SCOPE_RECIPIENT, SUPPRESS_YES },
	{ "a pasted report names the host", "Your message to bob@example.net couldn't be delivered.\nError: 550 5.7.1 Unable to relay\nMessage rejected by: mx.example.net\n", KIND_BOUNCE, 1, "bob@example.net",
	  "mx.example.net", "5.7.1", "norelaying", "exchange-online-5.7.1-unable-to-relay", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "in German, too", "Ihre Nachricht an bob@example.net konnte nicht zugestellt werden.\nFehler: 550 5.7.1 Unable to relay\nNachricht zur\xc3\xbc" "ckgewiesen von: mx.example.net\n", KIND_BOUNCE, 1,
	  "bob@example.net", "mx.example.net", "5.7.1", "norelaying", "exchange-online-5.7.1-unable-to-relay", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "a host above what it returned", "bob@example.net\nmx.example.net\nRemote Server returned '550 5.7.1 Unable to relay'\n", KIND_BOUNCE, 1, "bob@example.net", "mx.example.net", "5.7.1", "norelaying",
	  "exchange-online-5.7.1-unable-to-relay", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "an unknown user under a code of policy is not certain", "550 5.7.1 bob@example.net: no such user", KIND_BOUNCE, 1, "bob@example.net", "", "5.7.1", "userunknown", "unknown-quoted-user", STAGE_NONE,
	  false, SCOPE_RECIPIENT, SUPPRESS_PROVISIONAL },
	{ "something that is unknown need not be the address", "550 5.7.1 return path does not exist", KIND_BOUNCE, 1, "", "", "5.7.1", "userunknown", "unknown-something", STAGE_NONE, false, SCOPE_RECIPIENT,
	  SUPPRESS_PROVISIONAL },
	{ "a user who is unknown only for now is not suppressed", "450 4.1.1 bob@example.net: user unknown", KIND_BOUNCE, 1, "bob@example.net", "", "4.1.1", "userunknown", "unknown-quoted-user", STAGE_NONE, false,
	  SCOPE_RECIPIENT, SUPPRESS_PROVISIONAL },
	{ "a greeting without service is about the client", "554-mx.example.net ESMTP Service not available 554-No SMTP service 554 IP address is black listed.", KIND_BOUNCE, 1, "", "", "", "blocked",
	  "greeting-no-service", STAGE_NONE, false, SCOPE_IP, SUPPRESS_NO },
	{ "a text about something else", "lunch at noon?", KIND_NOT_A_BOUNCE, 0, NULL, NULL, NULL, NULL, NULL, STAGE_NONE, false, SCOPE_UNKNOWN, SUPPRESS_NO },
	{ "nothing known is said to be unknown", "554 zzz", KIND_BOUNCE, 1, "", "", "", "undefined", NULL, STAGE_NONE, false, SCOPE_UNKNOWN, SUPPRESS_NO },
};

static void
check(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new((size_t)16 << 20);
	struct rules     *rules = rules_new();
	struct explained *x = explain_message(a, rules, bytes_of(row->in));

	assert_non_null(x);
	assert_string_equal(kind_word(x->reading->kind), kind_word(row->kind));
	assert_int_equal(x->count, row->count);
	if (row->count > 0) {
		const struct bounce_verdict *v = &x->list[0];
		assert_bytes(v->said->recipient, bytes_of(row->recipient));
		assert_bytes(v->reply.host, bytes_of(row->host));
		assert_bytes(v->reply.enhanced, bytes_of(row->enhanced));
		assert_string_equal(v->answer->reason, row->reason);
		assert_string_equal(v->rule != NULL ? v->rule->id : "(none)", row->rule != NULL ? row->rule : "(none)");
		assert_int_equal(v->reply.stage, row->stage);
		assert_int_equal(v->hard, row->hard);
		assert_int_equal(v->answer->scope, row->scope);
		if (v->kind == KIND_BOUNCE)
			assert_int_equal(v->suppress, row->suppress);
		assert_true(advice_cause(a, v).len > 0 && !bytes_has(advice_cause(a, v), '{'));
		assert_true(advice_steps(a, v, FOR_ADMIN).len > 0 && !bytes_has(advice_steps(a, v, FOR_ADMIN), '{'));
		assert_true(advice_steps(a, v, FOR_USER).len > 0 && !bytes_has(advice_steps(a, v, FOR_USER), '{'));
	}
	rules_free(rules);
	arena_free(a);
}

static void
mbox_splits(void **state)
{
	struct bytes rest = B("From a@example.com Thu Apr 29 23:34:45 2010\nA: 1\n\nFrom here on\n\nFrom b@example.com Thu Apr 29 23:34:46 2010\nB: 2\n"), m;

	(void)state;
	assert_true(mbox_is(rest));
	assert_true(mbox_cut(&rest, &m));
	assert_bytes(m, B("A: 1\n\nFrom here on\n\n"));
	assert_true(mbox_cut(&rest, &m));
	assert_bytes(m, B("B: 2\n"));
	assert_false(mbox_cut(&rest, &m));
	rest = B("From a@example.com Thu Apr 29 23:34:45 2010\r\nA: 1\r\nFrom b@example.com Thu Apr 29 23:34:46 2010\r\n\r\nFrom b@example.com Thu Apr 29 23:34:46 2010\r\n\r\n");
	assert_true(mbox_cut(&rest, &m));
	assert_bytes(m, B("A: 1\r\nFrom b@example.com Thu Apr 29 23:34:46 2010\r\n\r\n"));
	assert_true(mbox_cut(&rest, &m));
	assert_bytes(m, B("\r\n"));
}

/* What this program itself says to others, it must understand: each row of the catalogue that is a reply. */
static void
own_replies(void **state)
{
	struct rules *rules = rules_new();

	(void)state;
	for (enum reason r = 0; r < REASON_COUNT; r++) {
		const struct reason_row *row = reason_row(r);
		if (row->code == 0 || row->bounce == NULL)
			continue;
		struct arena     *a = arena_new((size_t)1 << 20);
		struct explained *x = explain_paste(a, rules, arena_printf(a, "%u %s %s [4QXYZ7KM2PAC]", row->code, row->exchange, row->line));
		assert_non_null(x);
		assert_int_equal(x->count, 1);
		if (strcmp(x->list[0].answer->reason, row->bounce) != 0)
			fail_msg("%s: %u %s %s: explained as %s, the catalogue says %s", row->word, row->code, row->exchange, row->line, x->list[0].answer->reason, row->bounce);
		arena_free(a);
	}
	rules_free(rules);
}

/* Everything that is printed is made, too. */
static void
explain_quietly(struct rules *rules, struct bytes text)
{
	struct arena     *a = arena_new((size_t)32 << 20);
	struct explained *x = explain_message(a, rules, text);
	struct buf        out = { 0 };

	if (x != NULL)
		explained_text(&out, a, x, FOR_USER);
	buf_free(&out);
	arena_free(a);
}

static void
cut_anywhere(void **state)
{
	struct rules *rules = rules_new();

	(void)state;
	for (size_t i = 0; i < NELEMS(rows); i++)
		for (size_t n = 0, len = strlen(rows[i].in); n < len; n += 7) {
			char *exact = malloc(n + 1); /* so that a read behind the end is seen */
			memcpy(exact, rows[i].in, n);
			explain_quietly(rules, bytes_make(exact, n));
			if (n > 0)
				exact[n / 2] = '\0';
			explain_quietly(rules, bytes_make(exact, n));
			free(exact);
		}
	rules_free(rules);
}

static void
hostile(void **state)
{
	struct rules *rules = rules_new();
	struct buf    deep = { 0 }, words = { 0 }, lines = { 0 };

	(void)state;
	buf_add_str(&deep, "From: mailer-daemon@example.org\nSubject: failure notice\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	explain_quietly(rules, buf_bytes(&deep));
	buf_add_str(&words, "From: mailer-daemon@example.org\nSubject: ");
	for (int i = 0; i < 20000; i++)
		buf_add_str(&words, "=?utf-8?B?YQ==?= ");
	buf_add_str(&words, "\n\nfailure");
	explain_quietly(rules, buf_bytes(&words));
	buf_add_str(&lines, "From: mailer-daemon@example.org\nSubject: failure notice\n\n");
	for (int i = 0; i < 50000; i++)
		buf_printf(&lines, "<a%d@example.com>: 550 spam spamhaus user unknown [192.0.2.1] said: <<< 550\n", i);
	explain_quietly(rules, buf_bytes(&lines));
	buf_free(&deep);
	buf_free(&words);
	buf_free(&lines);
	rules_free(rules);
}

int
main(void)
{
	rows_add("a report cut anywhere, and with NUL in it, gives an answer", cut_anywhere, NULL);
	rows_add("a thousand levels, 20000 encoded words and 50000 recipients give an answer", hostile, NULL);
	rows_add("our own replies are explained as the catalogue means them", own_replies, NULL);
	ROWS_ADD(rows, check);
	rows_add("an mbox is cut at its separators only", mbox_splits, NULL);
	return rows_run("explain");
}
