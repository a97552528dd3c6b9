/* desk/explain_test.c: the verb beside a store: accounts by id, and whether a
 * report is about a mail that passed here. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "desk/caught.h"
#include "desk/explain.h"
#include "session/account_json.h"
#include "session/recorder.h"

static char folder[] = "/tmp/mailreeve-explain-XXXXXX";

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
	int           exit = desk_explain(argc, argv);
	*err = caught_end(&e);
	*out = caught_end(&o);
	return exit;
}

#define UNPROVEN "Unproven: nothing is kept here of the mail that it is about."

static const struct row {
	const char *name, *line;
	int         exit;
	const char *out, *err; /* what is in it; NULL: it is empty */
} rows[] = {
	{ "an account is told by its id", "explain AAAAAAAAAAAA --store %/t.db", 0, "4ABC123", NULL },
	{ "an id may be typed in lower case", "explain aaaaaaaaaaaa --store %/t.db", 0, "4ABC123", NULL },
	{ "the settings name the store, too", "explain AAAAAAAAAAAA --config %/conf", 0, "4ABC123", NULL },
	{ "an account as JSON is that of trace", "explain AAAAAAAAAAAA --json --store %/t.db", 0, "\"kept\":{", NULL },
	{ "two ids are told from one store", "explain AAAAAAAAAAAA aaaaaaaaaaaa --config %/conf", 0, "4ABC123", NULL },
	{ "an id that is not kept is a fault", "explain CCCCCCCCCCCC --store %/t.db", 2, NULL, "no such account" },
	{ "without a store there is no account", "explain AAAAAAAAAAAA --config %/none", 2, NULL, "nothing is kept" },
	{ "a store that is not there is a fault", "explain --store %/nowhere.db %/message-id.eml", 2, NULL, "nowhere.db" },
	{ "a report with a Message-ID that passed here is proven", "explain --json --store %/t.db %/message-id.eml", 0, "\"proven\": true", NULL },
	{ "and names the account", "explain --store %/t.db %/message-id.eml", 0, "It is about a mail that passed here: account AAAAAAAAAAAA.", NULL },
	{ "a queue id proves it where the Message-ID is not known", "explain --json --config %/conf %/queue-id.eml", 0, "\"account\": \"AAAAAAAAAAAA\"", NULL },
	{ "a reply of ours proves it", "explain --json --config %/conf %/reply.txt", 0, "\"account\": \"AAAAAAAAAAAA\"", NULL },
	{ "a report about nothing that is kept is unproven", "explain --config %/conf %/forged.eml", 0, UNPROVEN, NULL },
	{ "and says so as JSON", "explain --json --config %/conf %/forged.eml", 0, "\"proven\": false", NULL },
	{ "a report that bears no mark proves nothing and disproves nothing", "explain --json --config %/conf %/no-mark.eml", 0, "\"proven\": null", NULL },
	{ "without a store nobody knows", "explain --json %/forged.eml", 0, "\"proven\": null", NULL },
	{ "own rules are tried first", "explain --json --rules %/own-rules %/reply-own.txt", 0, "\"rule\": \"spool\"", NULL },
	{ "the settings name them, too", "explain --json --config %/own-conf %/reply-own.txt", 0, "\"source\": \"our relay\"", NULL },
	{ "and their words are filled with the facts", "explain --rules %/own-rules %/reply-own.txt", 0, "The relay mx.example.net is full.", NULL },
	{ "a fault in them is told with its place", "explain --rules %/bad-rules %/reply-own.txt", 2, NULL, "bad-rules:1:1: the rule spool does not say where it is from" },
	{ "rules that are not there are a fault", "explain --rules %/no-rules %/reply-own.txt", 2, NULL, "No such file" },
	{ "settings that keep nothing do not hinder", "explain --json --config %/none %/forged.eml", 0, "\"proven\": null", NULL },
};

static void
check(void **state)
{
	const struct row *row = *state;
	struct buf        out, err;
	int               exit = run(row->line, &out, &err);

	if (row->err == NULL)
		assert_bytes(buf_bytes(&err), B(""));
	else if (bytes_find(buf_bytes(&err), bytes_of(row->err)) == err.len)
		fail_msg("'%s' is not in: %.*s", row->err, B_FMT(buf_bytes(&err)));
	if (row->out == NULL)
		assert_bytes(buf_bytes(&out), B(""));
	else if (bytes_find(buf_bytes(&out), bytes_of(row->out)) == out.len)
		fail_msg("'%s' is not in: %.*s", row->out, B_FMT(buf_bytes(&out)));
	assert_int_equal(exit, row->exit);
	buf_free(&out);
	buf_free(&err);
}

static size_t
count_of(struct bytes text, struct bytes word)
{
	size_t n = 0;

	for (size_t at; (at = bytes_find(text, word)) < text.len; text = bytes_from(text, at + word.len))
		n++;
	return n;
}

static void
a_store_that_is_not_there_is_told_once(void **state)
{
	struct buf out, err;

	(void)state;
	assert_int_equal(run("explain AAAAAAAAAAAA BBBBBBBBBBBB CCCCCCCCCCCC --config %/none", &out, &err), 2);
	assert_int_equal(count_of(buf_bytes(&err), B("nothing is kept")), 1);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	buf_free(&err);
	assert_int_equal(run("explain AAAAAAAAAAAA BBBBBBBBBBBB aaaaaaaaaaaa --config %/conf", &out, &err), 2);
	assert_int_equal(count_of(buf_bytes(&err), B("no such account")), 1);
	assert_int_equal(count_of(buf_bytes(&out), B("4ABC123")), 2);
	buf_free(&out);
	buf_free(&err);
}

/* A path below the folder of the test. */
static const char *
below(const char *name)
{
	static char paths[2][200];
	static int  which;

	which = !which;
	snprintf(paths[which], sizeof(paths[which]), "%s/%s", folder, name);
	return paths[which];
}

/* Folders within it, links, what is hidden, and a pipe that nobody writes to. */
static void
a_folder_is_read_with_what_is_in_it(void **state)
{
	static const char *const folders[] = { "tree", "tree/cur", "tree/cur/deep", "tree/empty" };
	static const struct {
		const char *to, *name;
	} links[] = { { "../message-id.eml", "tree/b" }, { "../../queue-id.eml", "tree/cur/a" }, { "../../../reply.txt", "tree/cur/deep/z" }, { "nowhere", "tree/dead" }, { "../none", "tree/.hidden" } };
	struct buf out, err;

	(void)state;
	for (size_t i = 0; i < NELEMS(folders); i++)
		assert_int_equal(mkdir(below(folders[i]), 0700), 0);
	for (size_t i = 0; i < NELEMS(links); i++)
		assert_int_equal(symlink(links[i].to, below(links[i].name)), 0);
	assert_int_equal(mkfifo(below("tree/pipe"), 0600), 0);
	assert_int_equal(run("explain --json %/tree", &out, &err), 2); /* one of them leads nowhere */
	assert_true(bytes_find(buf_bytes(&err), B("/tree/dead: No such file or directory")) < err.len);
	assert_int_equal(count_of(buf_bytes(&err), B("\n")), 1);
	struct bytes rest = buf_bytes(&out), line;
	static const char *const told[] = { "/tree/b\"", "/tree/cur/a\"", "/tree/cur/deep/z\"", "/tree/pipe\"" };
	for (size_t i = 0; i < NELEMS(told); i++) {
		assert_true(bytes_cut_line(&rest, &line));
		if (bytes_find(line, bytes_of(told[i])) == line.len)
			fail_msg("'%s' is not in: %.*s", told[i], B_FMT(line));
	}
	assert_int_equal(rest.len, 0);
	buf_free(&out);
	buf_free(&err);
	assert_int_equal(run("explain --json %/tree/empty", &out, &err), 0);
	assert_true(bytes_find(buf_bytes(&err), B("/tree/empty: there is no message in it")) < err.len);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	buf_free(&err);
	unlink(below("tree/pipe"));
	for (size_t i = NELEMS(links); i-- > 0;)
		unlink(below(links[i].name));
	for (size_t i = NELEMS(folders); i-- > 0;)
		rmdir(below(folders[i]));
}

static void
folders_that_are_too_deep_are_told(void **state)
{
	/* The first is the folder itself, and each has the next in it. */
	static const char deep[] = "deep/a/a/a/a/a/a/a/a";
	char              name[sizeof(deep)];
	struct buf        out, err;

	(void)state;
	for (size_t n = 4; n < sizeof(deep); n += 2) {
		snprintf(name, sizeof(name), "%.*s", (int)n, deep);
		assert_int_equal(mkdir(below(name), 0700), 0);
	}
	assert_int_equal(run("explain %/deep", &out, &err), 2);
	assert_true(bytes_find(buf_bytes(&err), B("/a: not read, folders are 8 deep at most")) < err.len);
	buf_free(&out);
	buf_free(&err);
	for (size_t n = sizeof(deep) - 1; n >= 4; n -= 2) {
		snprintf(name, sizeof(name), "%.*s", (int)n, deep);
		rmdir(below(name));
	}
}

#define REPORT                                                                                                       \
	"From: MAILER-DAEMON@mx.example.net\nTo: a@example.org\nSubject: Undelivered Mail Returned to Sender\n\n" \
	"<b@example.net>: 550 5.1.1 User unknown\n\n------ This is a copy of the message, including all the headers. ------\n\n"

#define SPOOL "date = 2026-11\npattern = \"spool is [0-9]+ percent full\"\nreason = systemfull\ncause = \"The relay {host} is full.\"\nsteps = \"Wait.\"\nexample = \"452 spool is 9 percent full\"\n}\n"

static const struct file {
	const char *name, *text;
} files[] = {
	{ "conf", "store = t.db\n" },
	{ "none", "store = none\n" },
	{ "own-conf", "store = none\nexplain { rules = own-rules }\n" },
	{ "own-rules", "rule spool {\nsource = \"our relay\"\n" SPOOL },
	{ "bad-rules", "rule spool {\n" SPOOL },
	{ "reply-own.txt", "host mx.example.net[192.0.2.1] said: 452 4.3.1 spool is 97 percent full\n" },
	{ "message-id.eml", REPORT "From: a@example.org\nTo: b@example.net\nMessage-ID: <1@example.org>\n" },
	{ "queue-id.eml", REPORT "Received: from desk.example.org by out.example.org (Postfix) with ESMTP\n\tid 4ABC123\n\tfor <b@example.net>; Sun, 22 Nov 2026 04:51:24 +0000\nMessage-ID: <2@example.org>\n" },
	{ "forged.eml", REPORT "Received: from desk.example.org by out.example.org with ESMTP id 4ABC124; Sun, 22 Nov 2026 04:51:24 +0000\nMessage-ID: <3@example.org>\n" },
	{ "no-mark.eml", REPORT "From: a@example.org\nTo: b@example.net\n" },
	{ "reply.txt", "550 5.7.509 Access denied, sending domain example.org does not pass DMARC verification and has a DMARC policy of reject. [AAAAAAAAAAAA]\n" },
};

static void
put_files(void)
{
	char path[200];

	for (size_t i = 0; i < NELEMS(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		FILE *f = fopen(path, "w");
		if (f == NULL || fputs(files[i].text, f) < 0 || fclose(f) != 0)
			abort();
	}
}

static void
fill_store(void)
{
	static const uint8_t random[8] = { 0 };
	char                 path[200];
	struct arena        *a = arena_new((size_t)1 << 20);
	struct account      *account = account_new(a, random, 1795323084);
	struct buf           story = { 0 };
	struct json          j = json_to(&story, false);
	struct writer       *w = NULL;
	struct bytes         why;

	account_json(&j, account);
	struct store_account row = { .id = B("AAAAAAAAAAAA"), .at_us = 1795323084000000, .sender = B("a@example.org"), .action = B("accept"), .reason = B("accept.aligned"),
		                     .message_id = B("<1@example.org>"), .queue_id = B("4ABC123"), .standing = B("internal"), .story = buf_bytes(&story) };
	snprintf(path, sizeof(path), "%s/t.db", folder);
	if (writer_start(&(struct writer_settings){ .where = path }, a, &w, &why) != RC_OK || !writer_put(w, &row) || writer_stop(w, 5000) != 0)
		abort();
	buf_free(&story);
	arena_free(a);
}

static void
drop_files(void)
{
	static const char *const databases[] = { "t.db", "t.db-wal", "t.db-shm" };
	char                     path[200];

	for (size_t i = 0; i < NELEMS(files) + NELEMS(databases); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, i < NELEMS(files) ? files[i].name : databases[i - NELEMS(files)]);
		unlink(path);
	}
	rmdir(folder);
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		abort();
	put_files();
	fill_store();
	ROWS_ADD(rows, check);
	rows_add("a store that is not there is told once, an account that is not for each id", a_store_that_is_not_there_is_told_once, NULL);
	rows_add("a folder is read with what is in it, and each file is named", a_folder_is_read_with_what_is_in_it, NULL);
	rows_add("folders that are too deep are told", folders_that_are_too_deep_are_told, NULL);
	int failed = rows_run("explain, the verb");
	drop_files();
	return failed;
}
