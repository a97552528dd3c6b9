/* desk/trace_test.c: what strangers wrote is harmless in a spreadsheet and on a
 * terminal; the MTA's log as it is; and the verb on a store of its own. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "desk/caught.h"
#include "desk/maillog.h"
#include "desk/trace.h"
#include "desk/trace_view.h"
#include "session/recorder.h"

/* ---- cells ---- */

static const struct cell_row {
	const char *name, *text, *want;
} cell_rows[] = {
	{ "a plain text is a plain cell", "a@example.com", "a@example.com" },
	{ "an empty text is an empty cell", "", "" },
	{ "a comma is quoted", "a,b", "\"a,b\"" },
	{ "quotes are doubled", "say \"hi\"", "\"say \"\"hi\"\"\"" },
	{ "a formula is text", "=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"" },
	{ "a plus is text", "+1", "\"'+1\"" },
	{ "a minus is text", "-1", "\"'-1\"" },
	{ "an at sign is text", "@SUM(A1)", "\"'@SUM(A1)\"" },
	{ "a formula behind blanks is text", "  =1+1", "\"'  =1+1\"" },
	{ "a formula behind a tab is text", "\t=1+1", "\"'\\x09=1+1\"" },
	{ "a formula of wide letters is text", "\xef\xbc\x9d" "1", "\"'\xef\xbc\x9d" "1\"" },
	{ "a line end ends no row", "a\r\nb,c", "\"a\\x0d\\x0ab,c\"" },
	{ "a terminal sequence is shown", "a\x1b[31m", "a\\x1b[31m" },
	{ "an override of direction is shown", "a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb" },
	{ "octets that are no UTF-8 are shown", "\xff", "\\xff" },
};

static void
check_cell(void **state)
{
	const struct cell_row *row = *state;
	struct buf             out = { 0 };

	view_cell(&out, bytes_of(row->text));
	assert_bytes(buf_bytes(&out), bytes_of(row->want));
	buf_free(&out);
}

/* ---- the MTA's log ---- */

static const struct log_row {
	const char *name, *line;
	bool        good;
	const char *queue_id, *to, *original, *status, *reply, *stamp;
} log_rows[] = {
	{ "a delivery is read",
	  "Nov 22 04:51:24 mx postfix/smtp[17]: 4ABC12: to=<b@example.net>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
	  true, "4ABC12", "b@example.net", "", "sent", "250 2.0.0 Ok", "Nov 22 04:51:24" },
	{ "a day of one digit too",
	  "Nov  2 04:51:24 mx postfix/lmtp[17]: 3tZ9yQ0xYzz: to=<b@example.net>, orig_to=<c@example.net>, relay=x, dsn=4.0.0, status=deferred (host said: (busy))\n",
	  true, "3tZ9yQ0xYzz", "b@example.net", "c@example.net", "deferred", "host said: (busy)", "Nov  2 04:51:24" },
	{ "another stamp",
	  "2026-11-22T04:51:24.123456+01:00 mx postfix/virtual[9]: 4ABC12: to=<b@example.net>, relay=virtual, dsn=5.1.1, status=bounced (unknown user)", true, "4ABC12",
	  "b@example.net", "", "bounced", "unknown user", "2026-11-22T04:51:24.123456+01:00" },
	{ "an address with blanks and commas", "Nov 22 04:51:24 mx postfix/smtp[17]: 4ABC12: to=<\"a, b>\"@example.net>, relay=x, status=sent (ok)", true, "4ABC12",
	  "\"a, b>\"@example.net", "", "sent", "ok", "Nov 22 04:51:24" },
	{ "a reject says nothing of a delivery", "Nov 22 04:51:24 mx postfix/smtpd[17]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 no", false, "", "", "", "", "", "" },
	{ "nor does a queue manager", "Nov 22 04:51:24 mx postfix/qmgr[17]: 4ABC12: from=<a@b>, size=1, nrcpt=1 (queue active)", false, "", "", "", "", "", "" },
	{ "nor another program", "Nov 22 04:51:24 mx sshd[17]: 4ABC12: to=<b@example.net>, relay=x, status=sent (ok)", false, "", "", "", "", "", "" },
	{ "nor a status we do not know", "Nov 22 04:51:24 mx postfix/smtp[17]: 4ABC12: to=<b@c>, relay=x, status=dreaming (ok)", false, "", "", "", "", "", "" },
	{ "nor an empty line", "", false, "", "", "", "", "", "" },
	{ "nor half a line", "Nov 22 04:51:24 mx postfix/smtp[17]: 4ABC12: to=<b@c", false, "", "", "", "", "", "" },
};

static void
check_log(void **state)
{
	const struct log_row *row = *state;
	struct maillog        m;

	assert_int_equal(maillog_parse(bytes_of(row->line), &m), row->good);
	if (!row->good)
		return;
	assert_bytes(m.queue_id, bytes_of(row->queue_id));
	assert_bytes(m.to, bytes_of(row->to));
	assert_bytes(m.original, bytes_of(row->original));
	assert_bytes(m.status, bytes_of(row->status));
	assert_bytes(m.reply, bytes_of(row->reply));
	assert_bytes(m.stamp, bytes_of(row->stamp));
}

/* 1795323084 is 2026-11-22T04:51:24Z; the test runs in UTC. */
static const struct stamp_row {
	const char *name, *stamp;
	int64_t     now, at_us;
} stamp_rows[] = {
	{ "a stamp is of this year", "Nov 22 04:51:24", 1795323084 + 10, 1795323084LL * 1000000 },
	{ "a clock may be a little ahead", "Nov 22 04:51:24", 1795323084 - 3600, 1795323084LL * 1000000 },
	{ "December is of last year in January", "Dec 31 23:59:59", 1798761600 + 60, 1798761599LL * 1000000 },
	{ "a full stamp has a zone", "2026-11-22T05:51:24.25+01:00", 0, 1795323084250000LL },
	{ "a zone may be behind", "2026-11-21T23:51:24-05:00", 0, 1795323084000000LL },
	{ "what is no stamp is none", "yesterday at noon", 0, -1 },
};

static void
check_stamp(void **state)
{
	const struct stamp_row *row = *state;
	int64_t                 at_us = -1;

	assert_int_equal(maillog_time(bytes_of(row->stamp), row->now, &at_us), row->at_us != -1);
	assert_int_equal(at_us, row->at_us);
}

/* ---- the verb ---- */

static char folder[] = "/tmp/mailreeve-trace-XXXXXX";

/* "%" in a word stands for the folder. */
static int
run(const char *line, struct buf *out, struct buf *err)
{
	char         words[12][200], *argv[12];
	int          argc = 0;
	struct bytes rest = bytes_of(line), word;

	while (argc < 12 && bytes_cut(&rest, ' ', &word)) {
		bool in_folder = word.len > 0 && word.at[0] == '%';
		snprintf(words[argc], sizeof(words[argc]), "%s%.*s", in_folder ? folder : "", B_FMT(bytes_from(word, in_folder)));
		argv[argc] = words[argc];
		argc++;
	}
	struct caught o = caught_begin(STDOUT_FILENO), e = caught_begin(STDERR_FILENO);
	int           exit = desk_trace(argc, argv);
	*err = caught_end(&e);
	*out = caught_end(&o);
	return exit;
}

static const struct verb_row {
	const char *name, *line;
	int         exit;
	const char *out, *err; /* err NULL: not looked at */
} verb_rows[] = {
	{ "all is listed, newest first", "trace --config %/conf", 0,
	  "2026-11-22 04:51:25  BBBBBBBBBBBB  accept      accept.aligned          this host        <>\n"
	  "2026-11-22 04:51:24  AAAAAAAAAAAA  reject      dmarc.reject            203.0.113.5      a@reject.example  from reject.example\n",
	  "" },
	{ "a recipient is found, in any case", "trace --recipient <R@Example.net> --config %/conf", 0,
	  "2026-11-22 04:51:24  AAAAAAAAAAAA  reject      dmarc.reject            203.0.113.5      a@reject.example  from reject.example\n", "" },
	{ "filters are joined by and", "trace --recipient r@example.net --action accept --config %/conf", 0, "", "" },
	{ "a client is an address", "trace --client 203.0.113.5 --config %/conf", 0,
	  "2026-11-22 04:51:24  AAAAAAAAAAAA  reject      dmarc.reject            203.0.113.5      a@reject.example  from reject.example\n", "" },
	{ "times bound it", "trace --since 2026-11-22T04:51:25Z --config %/conf", 0,
	  "2026-11-22 04:51:25  BBBBBBBBBBBB  accept      accept.aligned          this host        <>\n", "" },
	{ "a time may be so long ago", "trace --since 10s --until 1s --time 1795323094 --config %/conf", 0,
	  "2026-11-22 04:51:25  BBBBBBBBBBBB  accept      accept.aligned          this host        <>\n"
	  "2026-11-22 04:51:24  AAAAAAAAAAAA  reject      dmarc.reject            203.0.113.5      a@reject.example  from reject.example\n",
	  "" },
	{ "what is no time is told", "trace --since yesterday --config %/conf", 2, "",
	  "mailreeve trace: --since: 'yesterday' is no time such as 7d, 2026-11-21 or 2026-11-21T03:00:00Z\n" },
	{ "a strange reason gets its neighbour", "trace --reason dmarc.rejct --config %/conf", 2, "",
	  "mailreeve trace: --reason: there is no 'dmarc.rejct'; did you mean dmarc.reject\n" },
	{ "a strange action is told", "trace --action eat --config %/conf", 2, "",
	  "mailreeve trace: --action: 'eat' is not accept, quarantine, hold, defer or reject\n" },
	{ "a strange client is told", "trace --client localhost --config %/conf", 2, "", "mailreeve trace: --client: 'localhost' is not an IPv4 or IPv6 address\n" },
	{ "a strange job is told", "trace replya --config %/conf", 2, "", "mailreeve trace: 'replya' is no id of an account; did you mean replay?\n" },
	{ "an account that is not kept is told", "trace CCCCCCCCCCCC --config %/conf", 2, "",
	  "mailreeve trace: CCCCCCCCCCCC is not kept: no such account, or already forgotten\n" },
	{ "without a store there is nothing", "trace --config %/none", 2, "",
	  "mailreeve trace: nothing is kept: set store, or let /var/lib/mailreeve be a folder of ours\n" },
	{ "a store that is not there is not made", "trace --store %/nowhere.db --config %/conf", 2, "", NULL },
	{ "a log is joined by queue id", "trace import-log %/maillog --json --time 1795323200 --config %/conf", 0,
	  "{\"lines\":3,\"deliveries\":2,\"joined\":1,\"unknown\":1}\n", "" },
	{ "and found in the list", "trace --recipient q@example.net --csv --config %/conf", 0, NULL, "" },
	{ "a list for a spreadsheet has no story", "trace --csv AAAAAAAAAAAA --config %/conf", 2, "", "mailreeve trace: --csv is for a search\n" },
	{ "stories that are none are counted", "trace replay --config %/conf", 0, "0 judged again, 0 would change, 2 could not be read\n", "" },
	{ "the same in JSON", "trace replay --json --config %/conf", 0,
	  "{\"judged\":0,\"changed\":0,\"unreadable\":2,\"monitor\":false,\"changes\":[]}\n", "" },
};

static void
check_verb(void **state)
{
	const struct verb_row *row = *state;
	struct buf             out, err;
	int                    exit = run(row->line, &out, &err);

	if (row->err != NULL)
		assert_bytes(buf_bytes(&err), bytes_of(row->err));
	if (row->out != NULL)
		assert_bytes(buf_bytes(&out), bytes_of(row->out));
	assert_int_equal(exit, row->exit);
	buf_free(&out);
	buf_free(&err);
}

static void
hostile_text_stays_in_its_cell(void **state)
{
	struct buf   out, err;
	struct bytes rest, line;
	size_t       lines = 0;

	(void)state;
	assert_int_equal(run("trace --csv --sender a@reject.example --config %/conf", &out, &err), CLI_FINE);
	rest = buf_bytes(&out);
	while (bytes_cut(&rest, '\n', &line) && line.len > 0) {
		assert_true(line.at[line.len - 1] == '\r');
		lines++;
	}
	assert_int_equal(lines, 2);
	assert_true(bytes_find(buf_bytes(&out), B(",\"'=HYPERLINK(\"\"http://x\"\")\\x1b[2J<script>\",")) < out.len);
	assert_true(bytes_find(buf_bytes(&out), B("\x1b")) == out.len);
	buf_free(&out);
	buf_free(&err);
	assert_int_equal(run("trace --json --sender a@reject.example --config %/conf", &out, &err), CLI_FINE);
	assert_true(bytes_find(buf_bytes(&out), B("\"subject\":\"=HYPERLINK(\\\"http://x\\\")\\u001b[2J<script>\"")) < out.len);
	buf_free(&out);
	buf_free(&err);
}

static void
what_the_log_said_is_shown(void **state)
{
	struct buf out, err;

	(void)state;
	assert_int_equal(run("trace --queue-id 4ABC12 --json --config %/conf", &out, &err), CLI_FINE);
	assert_true(bytes_find(buf_bytes(&out), B("\"address\":\"r@example.net\",\"action\":\"reject\",\"reason\":\"dmarc.reject\",\"status\":\"delivered\","
						  "\"status_at\":\"2026-11-22T04:51:24.000000Z\",\"next_hop\":\"250 2.0.0 Ok\"")) < out.len);
	buf_free(&out);
	buf_free(&err);
}

static void
put_file(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void
fill_store(void)
{
	static const struct store_recipient to[] = { { .address = B_INIT("r@example.net"), .action = B_INIT("reject"), .reason = B_INIT("dmarc.reject") } };
	const struct store_account          rows[] = {
                { .id = B("AAAAAAAAAAAA"), .at_us = 1795323084000000, .client = B("203.0.113.5"), .sender = B("a@reject.example"),
		  .domain = B("reject.example"), .action = B("reject"), .reason = B("dmarc.reject"), .queue_id = B("4ABC12"), .standing = B("foreign"),
		  .subject = B("=HYPERLINK(\"http://x\")\x1b[2J<script>"), .story = B("{}"), .recipients = to, .recipient_count = 1 },
                { .id = B("BBBBBBBBBBBB"), .at_us = 1795323085000000, .action = B("accept"), .reason = B("accept.aligned"), .standing = B("local"),
		  .story = B("{}") },
	};
	char           path[200];
	struct arena  *a = arena_new((size_t)1 << 16);
	struct writer *w = NULL;
	struct bytes   why;

	snprintf(path, sizeof(path), "%s/t.db", folder);
	if (writer_start(&(struct writer_settings){ .where = path }, a, &w, &why) != RC_OK)
		abort();
	for (size_t i = 0; i < NELEMS(rows); i++)
		if (!writer_put(w, &rows[i]))
			abort();
	if (writer_stop(w, 5000) != 0)
		abort();
	arena_free(a);
}

static void
drop_files(void)
{
	static const char *const names[] = { "conf", "none", "maillog", "t.db", "t.db-wal", "t.db-shm" };
	char                     path[200];

	for (size_t i = 0; i < NELEMS(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

int
main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	if (mkdtemp(folder) == NULL)
		abort();
	put_file("conf", "store = t.db\n");
	put_file("none", "store = none\n");
	put_file("maillog", "Nov 22 04:51:24 mx postfix/smtp[17]: 4ABC12: to=<x@example.net>, orig_to=<r@example.net>, relay=x, status=sent (250 2.0.0 Ok)\n"
			    "Nov 22 04:51:24 mx postfix/qmgr[17]: 4ABC12: removed\n"
			    "Nov 22 04:51:24 mx postfix/smtp[17]: 5ABC12: to=<x@example.net>, relay=x, status=sent (250 2.0.0 Ok)\n");
	fill_store();
	ROWS_ADD(cell_rows, check_cell);
	ROWS_ADD(log_rows, check_log);
	ROWS_ADD(stamp_rows, check_stamp);
	ROWS_ADD(verb_rows, check_verb);
	rows_add("hostile text stays in its cell", hostile_text_stays_in_its_cell, NULL);
	rows_add("what the log said is shown", what_the_log_said_is_shown, NULL);
	int failed = rows_run("trace");
	drop_files();
	return failed;
}
