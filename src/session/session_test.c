/* session/session_test.c: conversations as tables: the order of decision, every
 * kind of DNS trouble, whose mail is judged, what strangers write in our name.
 * Each row runs twice: with all answers at hand, and with answers that come one
 * by one, last question first, after the events. */
#include "base/rows.h"

#include "session/stage.h"

#define SIGNED(selector) \
	"DKIM-Signature: v=1; a=rsa-sha256; d=reject.example; s=" selector "; h=from;\r\n" \
	" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
#define FROM(domain) "From: A <a@" domain ">\r\n"

static const struct row {
	const char   *name;
	const char   *ip, *mail_from, *message; /* as in struct scene */
	const char   *settings; /* NULL: defaults */
	enum action   action;
	const char   *reason;
	enum override override;
	const char   *line; /* within the reply; NULL: not looked at */
	const char   *login;
} rows[] = {
	{ "an aligned SPF pass is accepted", "192.0.2.1", "a@reject.example", FROM("reject.example"), NULL, ACTION_ACCEPT, "accept.aligned",
	  OVERRIDE_NONE, NULL, NULL },
	{ "a forgery under p=reject is refused", "203.0.113.5", "a@reject.example", FROM("reject.example"), NULL, ACTION_REJECT,
	  "dmarc.reject", OVERRIDE_NONE, "SPF fail for 203.0.113.5, DKIM none; the owner of reject.example can fix this", NULL },
	{ "the registered code can be chosen", "203.0.113.5", "a@reject.example", FROM("reject.example"), "code_style = iana\n", ACTION_REJECT,
	  "dmarc.reject", OVERRIDE_NONE, "5.7.26 ", NULL },
	{ "the link is the last line", "203.0.113.5", "a@reject.example", FROM("reject.example"), "why_url = https://gate.example/why\n",
	  ACTION_REJECT, "dmarc.reject", OVERRIDE_NONE, "550 5.7.509 https://gate.example/why/", NULL },
	{ "a forgery under p=quarantine is set aside", "203.0.113.5", "a@quar.example", FROM("quar.example"), NULL, ACTION_QUARANTINE,
	  "dmarc.quarantine", OVERRIDE_NONE, NULL, NULL },
	{ "quarantine may be the hold queue, and is told so", "203.0.113.5", "a@quar.example", FROM("quar.example"), "dmarc { quarantine = hold }\n", ACTION_HOLD,
	  "dmarc.quarantine", OVERRIDE_NONE, NULL, NULL },
	{ "a forgery under p=none is accepted", "203.0.113.5", "a@none.example", FROM("none.example"), NULL, ACTION_ACCEPT,
	  "accept.no-policy", OVERRIDE_NONE, NULL, NULL },
	{ "without a record mail is accepted", "203.0.113.5", "a@nothing.example", FROM("nothing.example"), NULL, ACTION_ACCEPT,
	  "accept.no-policy", OVERRIDE_NONE, NULL, NULL },
	{ "p=reject in test mode is quarantine", "203.0.113.5", "a@test.example", FROM("test.example"), NULL, ACTION_QUARANTINE,
	  "dmarc.quarantine", OVERRIDE_TEST_MODE, NULL, NULL },
	{ "p=quarantine in test mode is accepted", "203.0.113.5", "a@testq.example", FROM("testq.example"), NULL, ACTION_ACCEPT,
	  "accept.test-mode", OVERRIDE_TEST_MODE, NULL, NULL },
	{ "a trusted forwarder is accepted", "203.0.113.5", "a@reject.example", FROM("reject.example"),
	  "dmarc { trusted_forwarders = 203.0.113.0/24 }\n", ACTION_ACCEPT, "accept.trusted-forwarder", OVERRIDE_TRUSTED_FORWARDER, NULL, NULL },
	{ "a trusted forwarder of harmless mail is no override", "203.0.113.5", "a@none.example", FROM("none.example"),
	  "dmarc { trusted_forwarders = 203.0.113.0/24 }\n", ACTION_ACCEPT, "accept.no-policy", OVERRIDE_NONE, NULL, NULL },
	{ "strict refuses what a trusted forwarder brings", "203.0.113.5", "a@reject.example", FROM("reject.example"),
	  "dmarc { trusted_forwarders = 203.0.113.0/24; on_reject = strict }\n", ACTION_REJECT, "dmarc.reject", OVERRIDE_NONE, NULL, NULL },
	{ "a list that answers for itself is quarantined", "198.51.100.7", "bounce@list.example",
	  "List-Id: Talk <talk.list.example>\r\n" FROM("reject.example"), NULL, ACTION_QUARANTINE, "dmarc.mailing-list", OVERRIDE_MAILING_LIST,
	  NULL, NULL },
	{ "a List-Id forged by a stranger is refused", "198.51.100.66", "x@stranger.example",
	  "List-Id: Talk <talk.list.example>\r\n" FROM("reject.example"), NULL, ACTION_REJECT, "dmarc.reject", OVERRIDE_NONE,
	  "SPF pass for 198.51.100.66 of stranger.example, which is not aligned", NULL },
	{ "a List-Id of a top level is answered for by nobody", "198.51.100.66", "x@stranger.example",
	  "List-Id: <example>\r\n" FROM("reject.example"), NULL, ACTION_REJECT, "dmarc.reject", OVERRIDE_NONE, NULL, NULL },
	{ "strict refuses lists too", "198.51.100.7", "bounce@list.example", "List-Id: Talk <talk.list.example>\r\n" FROM("reject.example"),
	  "dmarc { on_reject = strict }\n", ACTION_REJECT, "dmarc.reject", OVERRIDE_NONE, NULL, NULL },
	{ "the list exception can be turned off", "198.51.100.7", "bounce@list.example",
	  "List-Id: Talk <talk.list.example>\r\n" FROM("reject.example"), "dmarc { list_exception = no }\n", ACTION_REJECT, "dmarc.reject",
	  OVERRIDE_NONE, NULL, NULL },
	{ "a domain rule lets a domain pass", "203.0.113.5", "a@reject.example", FROM("reject.example"),
	  "domain reject.example { action = accept }\n", ACTION_ACCEPT, "accept.domain-rule", OVERRIDE_LOCAL_POLICY, NULL, NULL },
	{ "a domain rule refuses a domain", "192.0.2.1", "a@none.example", FROM("none.example"), "domain none.example { action = refuse }\n",
	  ACTION_REJECT, "domain.rule", OVERRIDE_LOCAL_POLICY, "none.example is refused by a rule of this server", NULL },
	{ "SPF time-out under p=reject is 451", "203.0.113.5", "a@spftimeout.example", FROM("spftimeout.example"), NULL, ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, "451 4.7.26 SPF temperror", NULL },
	{ "SPF SERVFAIL under p=reject is 451", "203.0.113.5", "a@spfservfail.example", FROM("spfservfail.example"), NULL, ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "SPF bogus under p=reject is 451", "203.0.113.5", "a@spfbogus.example", FROM("spfbogus.example"), NULL, ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "SPF trouble under p=quarantine lets pass", "203.0.113.5", "a@spftimeoutq.example", FROM("spftimeoutq.example"), NULL, ACTION_ACCEPT,
	  "accept.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "trouble in the walk of what passed lets pass under p=none", "203.0.113.5", "a@sub.none.example", FROM("none.example"), NULL, ACTION_ACCEPT,
	  "accept.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "p=none is not enough where np=reject may apply", "203.0.113.5", "a@stranger.example", FROM("ghost.np.example"), NULL, ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "a DKIM key time-out under p=reject is 451", "203.0.113.5", "a@reject.example", SIGNED("t") FROM("reject.example"), NULL,
	  ACTION_DEFER, "dmarc.temperror", OVERRIDE_NONE, "451-4.7.26 Temporary DNS failures prevent authentication of reject.example", NULL },
	{ "a DKIM key SERVFAIL under p=reject is 451", "203.0.113.5", "a@reject.example", SIGNED("f") FROM("reject.example"), NULL,
	  ACTION_DEFER, "dmarc.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "a bogus DKIM key under p=reject is 451", "203.0.113.5", "a@reject.example", SIGNED("b") FROM("reject.example"), NULL, ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "a revoked DKIM key is no trouble", "203.0.113.5", "a@reject.example", SIGNED("s1") FROM("reject.example"), NULL, ACTION_REJECT,
	  "dmarc.reject", OVERRIDE_NONE, "dkim.key-revoked", NULL },
	{ "an aligned pass outvotes a key that could not be asked for", "192.0.2.1", "a@reject.example", SIGNED("t") FROM("reject.example"),
	  NULL, ACTION_ACCEPT, "accept.aligned", OVERRIDE_NONE, NULL, NULL },
	{ "a DMARC record time-out is 451", "203.0.113.5", "a@rectimeout.example", FROM("rectimeout.example"), NULL, ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, "451-4.7.26", NULL },
	{ "a DMARC record SERVFAIL is 451", "203.0.113.5", "a@recservfail.example", FROM("recservfail.example"), NULL, ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "a bogus DMARC record is 451", "203.0.113.5", "a@recbogus.example", FROM("recbogus.example"), NULL, ACTION_DEFER, "dmarc.temperror",
	  OVERRIDE_NONE, NULL, NULL },
	{ "the registered code of trouble", "203.0.113.5", "a@recbogus.example", FROM("recbogus.example"), "code_style = iana\n", ACTION_DEFER,
	  "dmarc.temperror", OVERRIDE_NONE, "451-4.4.3", NULL },
	{ "a pass of the very From domain needs no record", "192.0.2.1", "a@rectimeout.example", FROM("rectimeout.example"), NULL,
	  ACTION_ACCEPT, "accept.aligned", OVERRIDE_NONE, NULL, NULL },
	{ "on_temperror = accept lets pass", "203.0.113.5", "a@rectimeout.example", FROM("rectimeout.example"),
	  "dmarc { on_temperror = accept }\n", ACTION_ACCEPT, "accept.temperror", OVERRIDE_NONE, NULL, NULL },
	{ "no From is refused", "192.0.2.1", "a@reject.example", "Subject: x\r\n", NULL, ACTION_REJECT, "from.none", OVERRIDE_NONE,
	  "550-5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant", NULL },
	{ "two From fields are refused", "192.0.2.1", "a@reject.example", FROM("reject.example") FROM("none.example"), NULL, ACTION_REJECT,
	  "from.several", OVERRIDE_NONE, "5.7.512", NULL },
	{ "an unreadable From is refused, by the registered code too", "192.0.2.1", "a@reject.example", "From: nobody\r\n",
	  "code_style = iana\n", ACTION_REJECT, "from.unparsable", OVERRIDE_NONE, "5.6.0", NULL },
	{ "an internal client is not judged", "127.0.0.1", "a@reject.example", FROM("reject.example"), NULL, ACTION_ACCEPT, "accept.internal",
	  OVERRIDE_LOCAL_POLICY, NULL, NULL },
	{ "a client that has logged in is not judged", "203.0.113.5", "a@reject.example", FROM("reject.example"), NULL, ACTION_ACCEPT,
	  "accept.authenticated", OVERRIDE_LOCAL_POLICY, NULL, "user" },
	{ "mail of this host is not judged, two From and all", "", "a@reject.example", FROM("reject.example") FROM("none.example"), NULL,
	  ACTION_ACCEPT, "accept.local", OVERRIDE_NONE, NULL, NULL },
	{ "behind a trusted hop the client is taken from Received", "192.0.2.77", "a@reject.example",
	  "Received: from evil.example (unknown [203.0.113.5])\r\n\tby backup.example with ESMTP; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
	  "Received: from mail.reject.example ([192.0.2.1]) by evil.example\r\n" FROM("reject.example"),
	  "trusted_hops = 192.0.2.77\n", ACTION_REJECT, "dmarc.reject", OVERRIDE_NONE, "SPF fail for 203.0.113.5", NULL },
	{ "behind two trusted hops too", "192.0.2.77", "a@reject.example",
	  "Received: from filter.example (filter.example [192.0.2.78]) by backup.example\r\n"
	  "Received: from mail.reject.example ([192.0.2.1]) by filter.example\r\n" FROM("reject.example"),
	  "trusted_hops = 192.0.2.77 192.0.2.78\n", ACTION_ACCEPT, "accept.aligned", OVERRIDE_NONE, NULL, NULL },
	{ "a HELO that looks like one of us is not the client behind a trusted hop", "192.0.2.77", "a@reject.example",
	  "Received: from [127.0.0.1] (unknown [203.0.113.5])\r\n\tby backup.example with ESMTP; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
	  FROM("reject.example"), "trusted_hops = 192.0.2.77\n", ACTION_REJECT, "dmarc.reject", OVERRIDE_NONE, "SPF fail for 203.0.113.5", NULL },
	{ "what a trusted hop made itself is not judged", "192.0.2.77", "a@reject.example", FROM("reject.example"),
	  "trusted_hops = 192.0.2.77\n", ACTION_ACCEPT, "accept.internal", OVERRIDE_LOCAL_POLICY, NULL, NULL },
	{ "monitor decides, and lets pass", "203.0.113.5", "a@reject.example", FROM("reject.example"), "mode = monitor\n", ACTION_REJECT,
	  "dmarc.reject", OVERRIDE_NONE, NULL, NULL },
	{ "a message that needs more memory than it may have is 452", "203.0.113.5", "a@reject.example", NULL, "message_memory = 256k\n",
	  ACTION_DEFER, "limit.memory", OVERRIDE_NONE, "452 4.3.1", NULL },
};

static void
run_row(const struct row *row, bool later)
{
	struct host        h = { .later = later };
	struct arena      *a = arena_new((size_t)1 << 22);
	struct bytes       why;
	struct settings   *settings = stage_settings(row->settings);
	struct session_env env = { .settings = settings, .hostname = B("gate.example") };

	assert_int_equal(zone_parse(a, bytes_of(stage_zone), &h.zone, &why), RC_OK);
	assert_true(stage_play(&h, &(struct scene){ row->ip, row->mail_from, row->message, row->login }, &env));
	assert_int_equal(h.verdict_count, 1);
	assert_true(h.told);
	assert_string_equal(action_word(h.action), action_word(row->action));
	assert_string_equal(reason_word(h.reason), row->reason);
	assert_int_equal(h.override, row->override);
	if (settings->mode == MODE_MONITOR) {
		assert_int_equal(h.verdict_kind, VERDICT_ACCEPT);
		assert_true(bytes_find(buf_bytes(&h.edits), B("accept; mode=monitor; would=")) < h.edits.len);
	} else {
		bool refused = row->action == ACTION_REJECT || row->action == ACTION_DEFER;
		assert_int_equal(h.verdict_kind, refused ? VERDICT_REPLY : row->action == ACTION_HOLD ? VERDICT_HOLD : VERDICT_ACCEPT);
	}
	if (row->line != NULL && bytes_find(buf_bytes(&h.reply), bytes_of(row->line)) == h.reply.len) {
		print_error("reply %.*s\nlacks %s\n", B_FMT(buf_bytes(&h.reply)), row->line);
		fail();
	}
	stage_end(&h);
	settings_unref(settings);
	arena_free(a);
}

static void
check_row(void **state)
{
	run_row(*state, false);
	run_row(*state, true);
}

/* ---- conversations that are no table ---- */

static void
begin(struct host *h, struct arena **a, struct settings **settings, struct session_env *env)
{
	struct bytes why;

	*a = arena_new((size_t)1 << 22);
	*settings = stage_settings(NULL);
	assert_non_null(*settings);
	*env = (struct session_env){ .settings = *settings, .hostname = B("gate.example") };
	assert_int_equal(zone_parse(*a, bytes_of(stage_zone), &h->zone, &why), RC_OK);
}

static void
end(struct host *h, struct arena *a, struct settings *settings)
{
	stage_end(h);
	settings_unref(settings);
	arena_free(a);
}

static void
forged_results_are_removed(void **state)
{
	static const struct scene row = {
		.ip = "192.0.2.1",
		.mail_from = "a@reject.example",
		.message = "Authentication-Results: gate.example; dmarc=pass\r\n"
		           "Authentication-Results: other.example; dmarc=fail\r\n"
		           "authentication-results: (x) GATE.example 1; spf=pass\r\n"
		           "X-Mailreeve: accept\r\n" FROM("reject.example") "Authentication-Results: \"gate.example\"; none\r\n",
	};
	struct host        h = { .later = false };
	struct arena      *a;
	struct settings   *settings;
	struct session_env env;

	(void)state;
	begin(&h, &a, &settings, &env);
	assert_true(stage_play(&h, &row, &env));
	struct bytes rest = buf_bytes(&h.edits), line;
	static const char *const want[] = { "delete Authentication-Results 4 ", "delete X-Mailreeve 1 ", "delete authentication-results 3 ",
		                            "delete Authentication-Results 1 " };
	for (size_t i = 0; i < NELEMS(want); i++) {
		assert_true(bytes_cut_line(&rest, &line));
		assert_bytes(line, bytes_of(want[i]));
	}
	assert_true(bytes_starts(rest, B("insert X-Mailreeve 0 accept; reason=accept.aligned; id=")));
	end(&h, a, settings);
}

static void
our_users_mail_gets_no_results(void **state)
{
	static const struct scene row = { .ip = "203.0.113.5", .mail_from = "a@reject.example", .message = FROM("reject.example"), .login = "a" };
	struct host        h = { .later = false };
	struct arena      *a;
	struct settings   *settings;
	struct session_env env;

	(void)state;
	begin(&h, &a, &settings, &env);
	assert_true(stage_play(&h, &row, &env));
	assert_true(bytes_starts(buf_bytes(&h.edits), B("insert X-Mailreeve 0 accept; reason=accept.authenticated; id=")));
	assert_int_equal(bytes_find(buf_bytes(&h.edits), B("Authentication-Results")), h.edits.len);
	end(&h, a, settings);
}

static void
an_abort_forgets_its_answers(void **state)
{
	struct host        h = { .later = true };
	struct arena      *a;
	struct settings   *settings;
	struct session_env env;

	(void)state;
	begin(&h, &a, &settings, &env);
	struct session *s = h.session = session_new(&env, &stage_face, &stage_host, &h);
	session_on(s, &(struct event){ .kind = EV_CONNECT, .ip = { 4, { 203, 0, 113, 5 } } });
	session_on(s, &(struct event){ .kind = EV_MAIL, .text = B("<a@reject.example>") });
	session_on(s, &(struct event){ .kind = EV_RCPT, .text = B("<r@here.example>") });
	session_on(s, &(struct event){ .kind = EV_ABORT });
	assert_false(session_busy(s));
	stage_answer_all(&h);
	session_on(s, &(struct event){ .kind = EV_MAIL, .text = B("<a@reject.example>") });
	uint64_t stale = h.asked[0].ticket - ((uint64_t)1 << 32);
	session_answer(s, stale, zone_answer(h.zone, &(struct ask){ DNS_TXT, B("nothing.example") }));
	assert_true(session_busy(s));
	session_on(s, &(struct event){ .kind = EV_RCPT, .text = B("<r@here.example>") });
	stage_fields(s, FROM("reject.example"));
	session_on(s, &(struct event){ .kind = EV_EOM });
	assert_false(h.verdict_came);
	stage_answer_all(&h);
	assert_true(h.verdict_came);
	assert_string_equal(reason_word(h.reason), "dmarc.reject");
	end(&h, a, settings);
}

static void
the_deadline_is_a_deferral(void **state)
{
	struct host        h = { .later = true };
	struct arena      *a;
	struct settings   *settings;
	struct session_env env;

	(void)state;
	begin(&h, &a, &settings, &env);
	struct session *s = h.session = session_new(&env, &stage_face, &stage_host, &h);
	session_on(s, &(struct event){ .kind = EV_CONNECT, .ip = { 4, { 203, 0, 113, 5 } } });
	session_on(s, &(struct event){ .kind = EV_MAIL, .text = B("<a@reject.example>") });
	stage_fields(s, FROM("reject.example"));
	session_on(s, &(struct event){ .kind = EV_EOM });
	assert_false(h.verdict_came);
	assert_int_equal(h.deadline_ms, 25000);
	session_deadline(s);
	assert_true(h.verdict_came);
	assert_int_equal(h.action, ACTION_DEFER);
	assert_string_equal(reason_word(h.reason), "dmarc.temperror");
	assert_int_equal(h.deadline_ms, 0);
	stage_answer_all(&h); /* too late: ignored, and not leaked */
	end(&h, a, settings);
}

static void
a_second_message_is_judged_anew(void **state)
{
	static const struct scene good = { .ip = "192.0.2.1", .mail_from = "a@reject.example", .message = FROM("reject.example") };
	struct host        h = { .later = false };
	struct arena      *a;
	struct settings   *settings;
	struct session_env env;

	(void)state;
	begin(&h, &a, &settings, &env);
	assert_true(stage_play(&h, &good, &env));
	assert_string_equal(reason_word(h.reason), "accept.aligned");
	h.verdict_came = false;
	session_on(h.session, &(struct event){ .kind = EV_MAIL, .text = B("<a@none.example>") });
	session_on(h.session, &(struct event){ .kind = EV_RCPT, .text = B("<r@here.example>") });
	stage_fields(h.session, FROM("reject.example"));
	session_on(h.session, &(struct event){ .kind = EV_EOM });
	assert_string_equal(reason_word(h.reason), "dmarc.reject");
	end(&h, a, settings);
}

static void
an_eom_out_of_order_is_answered(void **state)
{
	struct host        h = { .later = false };
	struct arena      *a;
	struct settings   *settings;
	struct session_env env;

	(void)state;
	begin(&h, &a, &settings, &env);
	h.session = session_new(&env, &stage_face, &stage_host, &h);
	session_on(h.session, &(struct event){ .kind = EV_EOM });
	assert_bytes(buf_bytes(&h.reply), B("503 5.5.1 Bad sequence of commands\r\n"));
	end(&h, a, settings);
}

int
main(void)
{
	log_open(LOG_STDERR, AT_ERROR);
	ROWS_ADD(rows, check_row);
	rows_add("Authentication-Results in our name are removed, foreign ones stay", forged_results_are_removed, NULL);
	rows_add("mail of a user who has logged in gets no Authentication-Results", our_users_mail_gets_no_results, NULL);
	rows_add("an abort forgets its answers", an_abort_forgets_its_answers, NULL);
	rows_add("the deadline of a message is a deferral", the_deadline_is_a_deferral, NULL);
	rows_add("a second message of a session is judged anew", a_second_message_is_judged_anew, NULL);
	rows_add("an end of message out of order is answered", an_eom_out_of_order_is_answered, NULL);
	return rows_run("session");
}
