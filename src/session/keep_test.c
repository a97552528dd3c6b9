/* session/keep_test.c: a message that is set aside here is answered when, and
 * only when, it is known whether it is on the disk. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "session/keep.h"
#include "session/stage.h"

static char          folder[] = "/tmp/mailreeve-keep-XXXXXX";
static struct vault *vault;
static struct zone  *zone;

enum then { THEN_OK, THEN_FAIL, THEN_LATE, THEN_ABORT, THEN_REFUSE, THEN_STALE };

static bool
keep(void *door, struct keep *k, uint64_t ticket)
{
	struct host *h = door;

	h->kept = k;
	h->kept_ticket = ticket;
	return true;
}

static bool
keep_refuses(void *door, struct keep *k, uint64_t ticket)
{
	(void)door;
	(void)ticket;
	keep_free(k);
	return false;
}

static const struct row {
	const char *name, *mail_from, *message, *settings;
	enum then   then;
	bool        asked; /* the host was asked to keep it */
	bool        answered;
	int         verdict; /* if answered */
	const char *reason;
} rows[] = {
	{ "what is on the disk may be forgotten by the MTA", "a@quar.example", "From: a@quar.example\r\n", "dmarc { quarantine = store }\n", THEN_OK, true, true,
	  VERDICT_DISCARD, "dmarc.quarantine" },
	{ "what is not on the disk is deferred", "a@quar.example", "From: a@quar.example\r\n", "dmarc { quarantine = store }\n", THEN_FAIL, true, true,
	  VERDICT_REPLY, "quarantine.failed" },
	{ "a disk that is too slow is a deferral", "a@quar.example", "From: a@quar.example\r\n", "dmarc { quarantine = store }\n", THEN_LATE, true, true,
	  VERDICT_REPLY, "quarantine.failed" },
	{ "a host that cannot keep it is a deferral", "a@quar.example", "From: a@quar.example\r\n", "dmarc { quarantine = store }\n", THEN_REFUSE, false, true,
	  VERDICT_REPLY, "quarantine.failed" },
	{ "an abort needs no answer", "a@quar.example", "From: a@quar.example\r\n", "dmarc { quarantine = store }\n", THEN_ABORT, true, false, 0, NULL },
	{ "the answer to another message is ignored", "a@quar.example", "From: a@quar.example\r\n", "dmarc { quarantine = store }\n", THEN_STALE, true, false, 0,
	  NULL },
	{ "a rule for one domain is enough", "a@quar.example", "From: a@quar.example\r\n", "domain quar.example { quarantine = store }\n", THEN_OK, true, true,
	  VERDICT_DISCARD, "dmarc.quarantine" },
	{ "what is accepted is not kept", "a@none.example", "From: a@none.example\r\n", "dmarc { quarantine = store }\n", THEN_OK, false, true, VERDICT_ACCEPT,
	  "accept.no-policy" },
	{ "what is refused is not kept", "a@reject.example", "From: a@reject.example\r\n", "dmarc { quarantine = store }\n", THEN_OK, false, true, VERDICT_REPLY,
	  "dmarc.reject" },
	{ "in monitor mode nothing is kept", "a@quar.example", "From: a@quar.example\r\n", "mode = monitor\ndmarc { quarantine = store }\n", THEN_OK, false, true,
	  VERDICT_ACCEPT, "dmarc.quarantine" },
	{ "a tag is no keeping", "a@quar.example", "From: a@quar.example\r\n", "", THEN_OK, false, true, VERDICT_ACCEPT, "dmarc.quarantine" },
};

static void
send_message(struct session *s, const struct row *row)
{
	session_on(s, &(struct event){ .kind = EV_CONNECT, .ip = { 4, { 203, 0, 113, 5 } } });
	session_on(s, &(struct event){ .kind = EV_MAIL, .text = bytes_of(row->mail_from) });
	session_on(s, &(struct event){ .kind = EV_RCPT, .text = B("<R@here.example>") });
	session_on(s, &(struct event){ .kind = EV_RCPT, .text = B("<s@here.example>") });
	stage_fields(s, row->message);
	stage_fields(s, "X-Mailreeve: accept; reason=accept.aligned\r\n");
	session_on(s, &(struct event){ .kind = EV_EOH });
	session_on(s, &(struct event){ .kind = EV_BODY, .text = B("hello\r\n") });
	session_on(s, &(struct event){ .kind = EV_EOM, .text = B("4ABC") });
}

/* The copy is what came, without what was written in our name. */
static void
check_copy(const struct keep *k)
{
	char       path[VAULT_PATH_MAX];
	struct buf text = { 0 };

	assert_int_equal(vault_keep(k->copy, path), RC_OK);
	assert_int_equal(vault_read(vault, bytes_of(path), 0, &text), RC_OK);
	assert_bytes(buf_bytes(&text), B("From: a@quar.example\r\n\r\nhello\r\n"));
	assert_int_equal(vault_remove(vault, bytes_of(path)), RC_OK);
	buf_free(&text);
	assert_bytes(k->held.recipients, B("R@here.example\ns@here.example\n"));
	assert_bytes(k->held.sender, B("a@quar.example"));
	assert_bytes(k->row.action, B("quarantine"));
	assert_bytes(k->held.id, k->row.id);
	assert_true(k->row.story.len > 0);
}

static void
check_row(void **state)
{
	const struct row   *row = *state;
	struct session_host host = stage_host;
	struct host         h = { .zone = zone };
	struct settings    *settings = stage_settings(row->settings);
	struct session_env  env = { .settings = settings, .hostname = B("gate.example"), .vault = vault };
	struct session     *s;

	host.keep = row->then == THEN_REFUSE ? keep_refuses : keep;
	s = h.session = session_new(&env, &stage_face, &host, &h);
	send_message(s, row);
	assert_int_equal(h.kept != NULL, row->asked);
	if (row->asked) {
		assert_false(h.verdict_came);
		assert_false(h.told);
		assert_true(session_busy(s));
		check_copy(h.kept);
	}
	if (row->asked && row->then == THEN_ABORT)
		session_on(s, &(struct event){ .kind = EV_ABORT });
	else if (row->asked && row->then == THEN_LATE)
		session_deadline(s);
	if (row->asked)
		session_kept(s, row->then == THEN_STALE ? h.kept_ticket + 1 : h.kept_ticket, row->then != THEN_FAIL);
	assert_int_equal(h.verdict_came, row->answered);
	assert_int_equal(h.verdict_count, row->answered);
	assert_int_equal(h.told, row->answered);
	if (row->answered) {
		assert_int_equal(h.verdict_kind, row->verdict);
		assert_bytes(bytes_of(reason_word(h.reason)), bytes_of(row->reason));
	}
	if (row->reason != NULL && strcmp(row->reason, "quarantine.failed") == 0)
		assert_true(bytes_starts(buf_bytes(&h.reply), B("451-4.3.0 ")));
	keep_free(h.kept);
	stage_end(&h);
	settings_unref(settings);
}

int
main(void)
{
	struct arena *a = arena_new((size_t)1 << 20);
	struct bytes  why;
	char          command[80];

	if (mkdtemp(folder) == NULL || vault_open(folder, a, &vault, &why) != RC_OK || zone_parse(a, bytes_of(stage_zone), &zone, &why) != RC_OK)
		return 1;
	int failed = ROWS_RUN("keep", rows, check_row);
	vault_close(vault);
	arena_free(a);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) == 0 ? failed : 1;
}
