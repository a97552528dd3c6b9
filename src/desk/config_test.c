/* desk/config_test.c: the verbs `config` and `reasons` as a script sees them,
 * and that the documents made from tables are the ones in docs/. Its argument
 * is the root of the source. */
#include "base/rows.h"

#include <string.h>
#include <sys/stat.h>

#include "desk/caught.h"
#include "desk/cli.h"
#include "desk/conf_files.h"
#include "desk/config.h"
#include "desk/config_text.h"
#include "desk/reasons.h"
#include "policy/schema.h"

static const char *source_root;
static char        folder[] = "/tmp/mailreeve-test-XXXXXX";

static void
put_file(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
drop_file(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

/* "%" in a word stands for the folder. */
static int
run(const char *line, struct buf *out, struct buf *err)
{
	char         words[8][200], *argv[8];
	int          argc = 0;
	struct bytes rest = bytes_of(line), word;

	while (argc < 8 && bytes_cut(&rest, ' ', &word)) {
		bool in_folder = word.len > 0 && word.at[0] == '%';
		snprintf(words[argc], sizeof(words[argc]), "%s%.*s", in_folder ? folder : "", B_FMT(bytes_from(word, in_folder)));
		argv[argc] = words[argc];
		argc++;
	}
	struct caught o = caught_begin(STDOUT_FILENO), e = caught_begin(STDERR_FILENO);
	int           exit = strcmp(argv[0], "config") == 0 ? desk_config(argc, argv) : desk_reasons(argc, argv);
	*err = caught_end(&e);
	*out = caught_end(&o);
	return exit;
}

/* The folder, whose name is random, becomes "%". */
static void
hide_folder(struct buf *b)
{
	struct buf   hidden = { 0 };
	struct bytes rest = buf_bytes(b);

	for (;;) {
		size_t i = bytes_find(rest, bytes_of(folder));
		buf_add(&hidden, bytes_sub(rest, 0, i));
		if (i == rest.len)
			break;
		buf_add_c(&hidden, '%');
		bytes_skip(&rest, i + strlen(folder));
	}
	buf_free(b);
	*b = hidden;
}

static const struct run_row {
	const char *name, *line;
	int         exit;
	const char *out, *err;
} run_rows[] = {
	{ "good settings are said to be so", "config check %/good.conf", 0, "%/good.conf: no fault\n", "" },
	{ "good settings in JSON", "config check --json %/good.conf", 0, "{\n  \"ok\": true,\n  \"faults\": []\n}\n", "" },
	{ "--config names the file too", "config check --config %/good.conf", 0, "%/good.conf: no fault\n", "" },
	{ "faults are told with their places, and exit 1", "config check %/bad.conf", 1,
	  "%/bad.conf:2:1: unknown setting \"thread\"; did you mean \"threads\"?\n"
	  "%/conf.d/b.conf:1:8: \"mode\" is enforce or monitor, not \"\\xe2\\x80\\xae\"\n",
	  "" },
	{ "faults in JSON", "config check %/bad.conf --json", 1,
	  "{\n  \"ok\": false,\n  \"faults\": [\n"
	  "    {\n      \"file\": \"%/bad.conf\",\n      \"line\": 2,\n      \"column\": 1,\n"
	  "      \"text\": \"unknown setting \\\"thread\\\"; did you mean \\\"threads\\\"?\"\n    },\n"
	  "    {\n      \"file\": \"%/conf.d/b.conf\",\n      \"line\": 1,\n      \"column\": 8,\n"
	  "      \"text\": \"\\\"mode\\\" is enforce or monitor, not \\\"\\u202e\\\"\"\n    }\n  ]\n}\n",
	  "" },
	{ "faults in the rules of explain are faults of the settings", "config check %/rules-conf", 1, "%/rules:1:1: the rule x does not say where it is from: write source = \"...\" and date = 2026-11\n", "" },
	{ "a file that includes itself by another name is seen", "config check %/circle.conf", 1,
	  "%/circle.conf:1:9: %/circle.conf includes itself\n", "" },
	{ "a missing include is told", "config check %/missing.conf", 1, "%/missing.conf:1:9: %/nowhere.conf: No such file or directory\n",
	  "" },
	{ "a missing file is wrong use, without a document", "config check --json %/nowhere.conf", 2, "",
	  "mailreeve config: %/nowhere.conf: No such file or directory\n" },
	{ "a folder is no file", "config check %/conf.d", 1, "%/conf.d:1:1: the file cannot be read: Is a directory\n", "" },
	{ "bad settings are not shown", "config show %/missing.conf", 2, "",
	  "%/missing.conf:1:9: %/nowhere.conf: No such file or directory\n" },
	{ "a mistyped job gets its neighbour", "config chekc", 2, "", "mailreeve config: no such job: chekc (did you mean check?)\n" },
	{ "a strange job is told what there is", "config frobnicate", 2, "",
	  "mailreeve config: no such job: frobnicate; there are check, show, sample and manual\n" },
	{ "a sample takes no file", "config sample x", 2, "", "mailreeve config: \"x\" is one word too many\n" },
	{ "one reason is shown whole", "reasons from.none", 0,
	  "from.none\n  Access denied, message must be RFC 5322 section 3.6.2 compliant: it has no From field.\n"
	  "  reply  550 5.7.512 (code_style iana: 550 5.6.0), told at eom\n  owner  sender-user\n"
	  "  step   Send with exactly one From field that holds one address.\n",
	  "" },
	{ "one reason in JSON", "reasons --json spf.matched", 0,
	  "[\n  {\n    \"word\": \"spf.matched\",\n    \"stage\": null,\n    \"code\": null,\n    \"exchange\": null,\n    \"iana\": "
	  "null,\n"
	  "    \"bounce\": null,\n    \"owner\": \"nobody\",\n    \"line\": \"a term of the SPF record matched the client (RFC 7208 "
	  "4.6.2)\",\n"
	  "    \"steps\": []\n  }\n]\n",
	  "" },
	{ "a mistyped reason gets its neighbour", "reasons dmarc.rejct", 2, "",
	  "mailreeve reasons: no such reason: dmarc.rejct (did you mean dmarc.reject?)\n" },
	{ "the document is whole", "reasons --markdown --json", 2, "",
	  "mailreeve reasons: --markdown prints the whole catalogue; leave out words and --json\n" },
};

static void
check_run(void **state)
{
	const struct run_row *row = *state;
	struct buf            out, err;

	int exit = run(row->line, &out, &err);
	hide_folder(&out);
	hide_folder(&err);
	assert_bytes(buf_bytes(&err), bytes_of(row->err));
	assert_bytes(buf_bytes(&out), bytes_of(row->out));
	assert_int_equal(exit, row->exit);
	buf_free(&out);
	buf_free(&err);
}

/* What `show` prints is a settings file that says the same. */
static void
what_is_shown_reads_the_same(void **state)
{
	struct buf out, again, err;

	(void)state;
	assert_int_equal(run("config show %/full.conf", &out, &err), CLI_FINE);
	buf_free(&err);
	buf_add_c(&out, '\0');
	put_file("shown.conf", out.at);
	out.len--;
	assert_int_equal(run("config show %/shown.conf", &again, &err), CLI_FINE);
	assert_bytes(buf_bytes(&again), buf_bytes(&out));
	assert_true(bytes_find(buf_bytes(&out), B("\ndomain .example.org {\n\taction = refuse\n\ton_reject = strict\n")) < out.len);
	buf_free(&out);
	buf_free(&again);
	buf_free(&err);
	drop_file("shown.conf");
}

static void
json_is_typed(void **state)
{
	static const char *const parts[] = {
		"\n  \"listen\": [\n    \"unix:/run/mailreeve/milter.sock\"\n  ],\n",
		"\n  \"socket_owner\": null,\n",
		"\n  \"socket_mode\": \"0660\",\n",
		"\n  \"threads\": 3,\n",
		"\n  \"idle_timeout\": 7200000,\n",
		"\n  \"message_memory\": 8388608,\n",
		"\n    \"resolver\": [\n      \"192.0.2.53:53\"\n    ],\n",
		"\n    \"helo_check\": true\n",
		"\n  \"domain\": [\n    {\n      \"domain\": \".example.org\",\n      \"action\": \"refuse\",\n",
	};
	struct buf out, err;

	(void)state;
	assert_int_equal(run("config show --json %/full.conf", &out, &err), CLI_FINE);
	for (size_t i = 0; i < NELEMS(parts); i++)
		if (bytes_find(buf_bytes(&out), bytes_of(parts[i])) == out.len)
			fail_msg("missing: %s", parts[i]);
	buf_free(&out);
	buf_free(&err);
}

static struct settings *
read_sample(struct buf *text, struct arena *a)
{
	struct conf_faults faults = { .count = 0 };
	char               path[200];

	buf_add_c(text, '\0');
	put_file("sample.conf", text->at);
	snprintf(path, sizeof(path), "%s/sample.conf", folder);
	struct settings *s = settings_read(a, conf_files(), bytes_of(path), B("mx.example.net"), &faults);
	drop_file("sample.conf");
	if (faults.count > 0)
		assert_bytes(faults.at[0].text, B("no fault"));
	return s;
}

/* Each "#name = value" without its mark must be a setting. */
static void
uncomment(struct bytes text, struct buf *out)
{
	struct bytes line;

	while (bytes_cut_line(&text, &line)) {
		struct bytes bare = line;
		while (bare.len > 0 && (bare.at[0] == '#' || bare.at[0] == '\t'))
			bytes_skip(&bare, 1);
		size_t mark = bytes_index(line, '#');
		bool   words = mark + 1 < line.len && line.at[mark + 1] == ' ';
		if (words || bytes_starts(bare, B(" ")))
			continue;
		buf_add(out, bare);
		buf_add_c(out, '\n');
	}
}

static void
the_sample_is_a_good_file(void **state)
{
	struct arena *a = arena_new(CONF_MEMORY_MAX);
	struct buf    sample = { 0 }, bare = { 0 }, shown[3] = { { 0 }, { 0 }, { 0 } };

	(void)state;
	config_sample(&sample);
	uncomment(buf_bytes(&sample), &bare);
	assert_true(bytes_find(buf_bytes(&bare), B("\non_reject = judge\n")) < bare.len);
	struct settings *commented = read_sample(&sample, a), *set = read_sample(&bare, a);
	assert_non_null(commented);
	assert_non_null(set);
	assert_int_equal(set->rule_count, 1);
	config_show(commented, &shown[0]);
	config_show(set, &shown[1]);
	/* The sample has one rule, as an example; all else must be alike. */
	shown[1].len = bytes_find(buf_bytes(&shown[1]), B("\ndomain "));
	assert_bytes(buf_bytes(&shown[1]), buf_bytes(&shown[0]));
	settings_unref(commented);
	settings_unref(set);
	buf_free(&sample);
	buf_free(&bare);
	buf_free(&shown[0]);
	buf_free(&shown[1]);
	arena_free(a);
}

static const struct document_row {
	const char *name, *path;
	void (*make)(struct buf *);
	const char *command;
} document_rows[] = {
	{ "the manual page is the one made from the settings", "docs/man/mailreeve.conf.5.scd", config_manual, "config manual" },
	{ "the sample file is the one made from the settings", "docs/mailreeve.conf", config_sample, "config sample" },
	{ "the document of reasons is the one made from the catalogue", "docs/reasons.md", reasons_markdown, "reasons --markdown" },
};

static void
check_document(void **state)
{
	const struct document_row *row = *state;
	struct buf                 want = { 0 }, have = { 0 };
	char                       path[400];

	snprintf(path, sizeof(path), "%s/%s", source_root, row->path);
	assert_int_equal(file_read(path, &have), RC_OK);
	row->make(&want);
	if (!bytes_eq(buf_bytes(&have), buf_bytes(&want)))
		fail_msg("%s is old; make it with: mailreeve %s >%s", row->path, row->command, row->path);
	buf_free(&have);
	buf_free(&want);
}

static void
every_setting_is_in_the_manual(void **state)
{
	struct buf manual = { 0 };

	(void)state;
	config_manual(&manual);
	for (size_t i = 0; i < schema_count; i++) {
		size_t n = strlen(schema[i].help);
		if (n < 10 || schema[i].help[n - 1] != '.')
			fail_msg("%s has no sentence of help", schema[i].name);
	}
	assert_true(bytes_find(buf_bytes(&manual), B("*on\\_temperror* = defer or accept\n\t")) < manual.len);
	buf_free(&manual);
}

static void
put_files(void)
{
	char path[200];

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/conf.d", folder);
	if (mkdir(path, 0700) != 0)
		abort();
	put_file("good.conf", "threads = 2\ninclude none.d/*.conf\n");
	put_file("bad.conf", "# two faults\nthread = 2\ninclude conf.d/*.conf\n");
	put_file("conf.d/a.conf", "hostname = gate.example.net\n");
	put_file("conf.d/b.conf", "mode = \"\xe2\x80\xae\"\n");
	put_file("rules-conf", "explain { rules = rules }\n");
	put_file("rules", "rule x { like = iana-2.2; text = \"spool full\"; example = \"452 spool full\"; }\n");
	put_file("circle.conf", "include ./circle.conf\n");
	put_file("missing.conf", "include nowhere.conf\n");
	put_file("full.conf", "threads = 3\ndns { resolver = 192.0.2.53 }\nspf { helo_check = on }\ndmarc { on_reject = strict }\n"
			      "domain .example.org { action = refuse }\narc { trusted_sealers = example.net, example.org }\n");
}

static void
drop_files(void)
{
	static const char *const names[] = { "good.conf",    "bad.conf",  "conf.d/a.conf", "conf.d/b.conf", "circle.conf",
					     "missing.conf", "full.conf", "shown.conf",    "sample.conf",   "rules-conf", "rules" };
	char                     path[200];

	for (size_t i = 0; i < NELEMS(names); i++)
		drop_file(names[i]);
	snprintf(path, sizeof(path), "%s/conf.d", folder);
	rmdir(path);
	rmdir(folder);
}

int
main(int argc, char **argv)
{
	source_root = argc > 1 ? argv[1] : ".";
	put_files();
	ROWS_ADD(run_rows, check_run);
	ROWS_ADD(document_rows, check_document);
	rows_add("what is shown reads the same", what_is_shown_reads_the_same, NULL);
	rows_add("JSON is typed", json_is_typed, NULL);
	rows_add("the sample is a good file", the_sample_is_a_good_file, NULL);
	rows_add("every setting is in the manual", every_setting_is_in_the_manual, NULL);
	int failed = rows_run("config");
	drop_files();
	return failed;
}
