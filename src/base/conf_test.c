/* base/conf_test.c: what is read, and the sentence for what is not. */
#include "base/rows.h"

#include <string.h>

#include "base/buf.h"
#include "base/conf.h"

static const struct file {
	const char *path, *text;
} files[] = {
	{ "more/a.conf", "a = 1\n" },
	{ "more/b.conf", "b = 2\n" },
	{ "loop.conf", "include loop.conf\n" },
	{ "ping.conf", "include pong.conf\n" },
	{ "pong.conf", "include ping.conf\n" },
	{ "open.conf", "inner {\n" },
	{ "close.conf", "}\n" },
	{ "latin.conf", "a = b\nb = \xe4\n" },
	{ "secret", "  pass word\n" },
};

static bool
file_text(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	if (bytes_eq(path, B("main.conf"))) {
		*text_out = bytes_of(arg);
		return true;
	}
	for (size_t i = 0; i < NELEMS(files); i++)
		if (bytes_eq(path, bytes_of(files[i].path))) {
			*text_out = arena_copy(a, bytes_of(files[i].text));
			return true;
		}
	*why_out = B("no such file");
	return false;
}

static bool
file_names(void *arg, struct arena *a, struct bytes pattern, struct bytes **paths_out, size_t *count_out)
{
	struct bytes *paths = arena_take_array(a, NELEMS(files) + 1, sizeof(*paths));
	size_t        star = bytes_index(pattern, '*'), count = 0;

	(void)arg;
	if (paths == NULL)
		return false;
	if (star == pattern.len)
		paths[count++] = pattern;
	for (size_t i = 0; star < pattern.len && i < NELEMS(files); i++)
		if (bytes_starts(bytes_of(files[i].path), bytes_sub(pattern, 0, star)))
			paths[count++] = bytes_of(files[i].path);
	*paths_out = paths;
	*count_out = count;
	return true;
}

static bool
variable(void *arg, struct arena *a, struct bytes name, struct bytes *value_out)
{
	(void)arg, (void)a;
	*value_out = B("from the environment");
	return bytes_eq(name, B("WORD"));
}

static struct conf_item *
read_text(struct arena *a, const char *text, struct conf_faults *faults)
{
	struct conf_host host = { file_text, file_names, variable, (void *)(uintptr_t)text };

	return conf_read(a, &host, B("main.conf"), faults);
}

/* name=[word][word] and name(label){...}, one after the other. */
static void
dump(struct buf *out, const struct conf_item *section)
{
	for (const struct conf_item *item = section->first; item != NULL; item = item->next) {
		buf_add(out, item->name);
		buf_add_str(out, item->is_section ? "" : "=");
		for (size_t i = 0; i < item->count; i++)
			buf_printf(out, item->is_section ? "(%.*s)" : "[%.*s]", B_FMT(item->words[i].text));
		if (item->is_section) {
			buf_add_c(out, '{');
			dump(out, item);
			buf_add_c(out, '}');
		}
		buf_add_c(out, ' ');
	}
}

static const struct read_row {
	const char *name, *text, *want;
} read_rows[] = {
	{ "an empty file holds nothing", "", "" },
	{ "a setting is a name and a value", "a = b\n", "a=[b] " },
	{ "blanks around the sign are not needed", "a=b", "a=[b] " },
	{ "a value may hold the sign and a number sign", "a = b=c#d", "a=[b=c#d] " },
	{ "a comment goes to the end of its line", "# x\na = b # c\n#\nd = e", "a=[b] d=[e] " },
	{ "words are parted by blanks or commas", "a = b c,d , e\n", "a=[b][c][d][e] " },
	{ "behind a comma the next line goes on", "a = b, # x\n\n  c\nd = e", "a=[b][c] d=[e] " },
	{ "quotes keep blanks, braces and number signs", "a = \"b  {;}, # c\"", "a=[b  {;}, # c] " },
	{ "escapes are resolved in quotes", "a = \"\\\"\\\\\\n\\t\"", "a=[\"\\\n\t] " },
	{ "outside of quotes a backslash is itself", "a = b\\n", "a=[b\\n] " },
	{ "an empty text in quotes is a value", "a = \"\"", "a=[] " },
	{ "a setting without value has no words", "a =\nb = c", "a= b=[c] " },
	{ "a semicolon ends a setting", "a = b; c = d;;", "a=[b] c=[d] " },
	{ "a section holds settings", "s {\n\ta = b\n}\nc = d", "s{a=[b] } c=[d] " },
	{ "a section fits on one line", "s { a = b; c = d }", "s{a=[b] c=[d] } " },
	{ "a section may have a name", "s example.org { } s \"a b\" {}", "s(example.org){} s(a b){} " },
	{ "a brace may stand on the same line as what it closes", "s {a=b}", "s{a=[b] } " },
	{ "line ends of Windows are line ends", "a = b\r\nc = d\r\n", "a=[b] c=[d] " },
	{ "a byte order mark is skipped",
	  "\xef\xbb\xbf"
	  "a = b",
	  "a=[b] " },
	{ "an include is read in its place", "x = 0\ninclude more/a.conf\ny = 3", "x=[0] a=[1] y=[3] " },
	{ "an include with a star reads all, in order", "include more/*.conf", "a=[1] b=[2] " },
	{ "a star that fits nothing is no fault", "include none/*.conf", "" },
	{ "an include may stand in a section", "s { include more/a.conf\n}", "s{a=[1] } " },
	{ "a setting may be called include", "include = x", "include=[x] " },
	{ "a value is read from a file, without its last line end", "a = @secret", "a=[pass word] " },
	{ "a value is read from the environment", "a = $WORD", "a=[from the environment] " },
	{ "in quotes nothing is fetched", "a = \"@secret\" \"$WORD\"", "a=[@secret][$WORD] " },
};

static void
check_read(void **state)
{
	const struct read_row *row = *state;
	struct arena          *a = arena_new((size_t)1 << 20);
	struct conf_faults     faults = { .count = 0 };
	struct conf_item      *root = read_text(a, row->text, &faults);
	struct buf             out = { 0 };

	assert_non_null(root);
	if (faults.count > 0)
		assert_bytes(faults.at[0].text, B("no fault"));
	dump(&out, root);
	assert_bytes(buf_bytes(&out), bytes_of(row->want));
	buf_free(&out);
	arena_free(a);
}

static const struct fault_row {
	const char *name, *text, *want; /* one line a fault */
} fault_rows[] = {
	{ "a name alone is no setting", "listen\n", "main.conf:1:1: \"listen\" wants \"= value\" or a section in braces behind it\n" },
	{ "two words without sign are no setting", "a = b\n listen unix:/x\n",
	  "main.conf:2:2: \"listen\" wants \"= value\" or a section in braces behind it\n" },
	{ "a name begins with a letter", "= x\n", "main.conf:1:1: the name of a setting is expected here\n" },
	{ "a name has no dots", "a.b = x\n", "main.conf:1:1: the name of a setting is expected here\n" },
	{ "columns count characters", "s \"\xc3\xa4\xc3\xb6\" { .x }\n}", "main.conf:1:10: the name of a setting is expected here\n" },
	{ "a quoted text ends on its line", "a = \"b\nc = d", "main.conf:1:5: this quoted text has no end on its line\n" },
	{ "a quoted text ends before the file does", "a = \"b", "main.conf:1:5: this quoted text has no end on its line\n" },
	{ "a quoted text is not glued to the next word", "a = \"b\"c",
	  "main.conf:1:8: a blank or comma is missing behind the quoted text\n" },
	{ "an unknown escape is refused", "a = \"b\\x\"", "main.conf:1:7: a backslash wants one of \" \\ n t behind it\n" },
	{ "a control character is refused", "a = b\001", "main.conf:1:6: a control character (octet 1) is not allowed here\n" },
	{ "a control character in quotes is refused", "a = \"b\033\"",
	  "main.conf:1:7: a control character (octet 27) is not allowed here\n" },
	{ "two commas are one too many", "a = b,,c", "main.conf:1:7: a value is missing before this comma\n" },
	{ "a brace in a value wants quotes", "a = b{c}\nd = e",
	  "main.conf:1:6: a brace is not expected here; put quotes around text that holds one\n" },
	{ "a section must be closed", "a = b\ns {\n", "main.conf:2:1: this section has no closing brace\n" },
	{ "a brace must close something", "}\na = b", "main.conf:1:1: this brace closes nothing\n" },
	{ "a section has one name", "s a b { }", "main.conf:1:5: a section has one name at most; put quotes around a name with blanks\n" },
	{ "sections have a greatest depth", "a{b{c{d{e{", "main.conf:1:9: sections lie too deep in each other; at most 4\n" },
	{ "an include wants a file", "include\n", "main.conf:1:1: include wants a file: include conf.d/*.conf\n" },
	{ "a missing include is told", "\n  include nowhere.conf\n", "main.conf:2:11: nowhere.conf: no such file\n" },
	{ "a file that includes itself is refused", "include loop.conf\n", "loop.conf:1:9: loop.conf includes itself\n" },
	{ "a loop of two files is refused", "include ping.conf\n", "pong.conf:1:9: ping.conf includes itself\n" },
	{ "an included file closes what it opens", "include open.conf\n}",
	  "open.conf:1:1: this section has no closing brace\nmain.conf:2:1: this brace closes nothing\n" },
	{ "an included file closes no section of others", "s {\ninclude close.conf\n}", "close.conf:1:1: this brace closes nothing\n" },
	{ "a file that is not UTF-8 is refused with the place", "include latin.conf", "latin.conf:2:5: this octet is not UTF-8\n" },
	{ "a missing secret is told with its path", "a = @nowhere", "main.conf:1:5: nowhere: no such file\n" },
	{ "a missing variable is told", "a = $NOWHERE", "main.conf:1:5: the environment has no variable NOWHERE\n" },
	{ "an at sign wants a path", "a = @", "main.conf:1:5: @ wants the path of a file behind it\n" },
	{ "a dollar sign wants a name", "a = $ b", "main.conf:1:5: $ wants the name of a variable behind it\n" },
	{ "all faults are told, one for each slip", "a = \"\\x\" \"\\y\"\ns { b b; c = d }\n}",
	  "main.conf:1:6: a backslash wants one of \" \\ n t behind it\nmain.conf:2:5: \"b\" wants \"= value\" or a section in braces "
	  "behind it\nmain.conf:3:1: this brace closes nothing\n" },
};

static void
check_faults(void **state)
{
	const struct fault_row *row = *state;
	struct arena           *a = arena_new((size_t)1 << 20);
	struct conf_faults      faults = { .count = 0 };
	struct buf              out = { 0 };

	assert_non_null(read_text(a, row->text, &faults));
	for (size_t i = 0; i < faults.count; i++)
		buf_printf(&out, "%.*s:%u:%u: %.*s\n", B_FMT(faults.at[i].at.file), faults.at[i].at.line, faults.at[i].at.column,
			   B_FMT(faults.at[i].text));
	assert_bytes(buf_bytes(&out), bytes_of(row->want));
	buf_free(&out);
	arena_free(a);
}

static void
at_most_fifty_faults(void **state)
{
	struct arena      *a = arena_new((size_t)1 << 20);
	struct conf_faults faults = { .count = 0 };
	char               text[200];

	(void)state;
	memset(text, '}', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_non_null(read_text(a, text, &faults));
	assert_int_equal(faults.count, CONF_FAULTS_MAX);
	assert_true(faults.more);
	arena_free(a);
}

static void
spent_memory_is_no_crash(void **state)
{
	static const char text[] = "a = \"b\" c d e f g, h\ns x { b = $WORD; c = @secret }\ninclude more/*.conf\nd = .\n.\n";

	(void)state;
	for (size_t limit = 0; limit < 4000; limit += 16) {
		struct arena      *a = arena_new(limit);
		struct conf_faults faults = { .count = 0 };
		struct conf_item  *root = arena_overdrawn(a) ? NULL : read_text(a, text, &faults);
		assert_true(root != NULL || arena_overdrawn(a));
		arena_free(a);
	}
}

static const struct unit_row {
	const char *name, *text;
	bool        good;
	uint64_t    msec, octets; /* 0: not read as such */
	const char *again;        /* how it is written; NULL: the same */
} unit_rows[] = {
	{ "seconds have a letter", "30s", true, 30000, 0, NULL },
	{ "milliseconds have two", "500ms", true, 500, 0, NULL },
	{ "a time is written in its largest whole unit", "7200s", true, 7200000, 0, "2h" },
	{ "days are read", "1d", true, 86400000, 0, NULL },
	{ "m is minutes or mebibytes", "5m", true, 300000, 5 << 20, NULL },
	{ "kibibytes are read", "4k", true, 0, 4096, NULL },
	{ "a size without letter is octets", "4095", true, 0, 4095, NULL },
	{ "a size is written in its largest whole unit", "1024M", true, 0, (uint64_t)1 << 30, "1G" },
	{ "an unknown letter is refused", "5x", false, 0, 0, NULL },
	{ "a fraction is refused", "1.5s", false, 0, 0, NULL },
	{ "a sign is refused", "-5s", false, 0, 0, NULL },
	{ "a letter alone is refused", "s", false, 0, 0, NULL },
	{ "nothing is refused", "", false, 0, 0, NULL },
	{ "M is no minutes", "5M", true, 0, 5 << 20, NULL },
	{ "more than 32 bits are refused", "4294967296d", false, 0, 0, NULL },
};

static void
check_unit(void **state)
{
	const struct unit_row *row = *state;
	uint64_t               msec = 0, octets = 0;
	char                   text[CONF_UNIT_TEXT];

	bool is_msec = conf_msec(bytes_of(row->text), &msec);
	bool is_size = conf_size(bytes_of(row->text), &octets);
	assert_int_equal(is_msec || is_size, row->good);
	assert_true(msec == row->msec && octets == row->octets);
	if (is_msec)
		assert_string_equal(conf_msec_text(msec, text), row->again != NULL ? row->again : row->text);
	else if (is_size)
		assert_string_equal(conf_size_text(octets, text), row->again != NULL ? row->again : row->text);
}

static void
words_for_yes_and_no(void **state)
{
	static const char *const words[] = { "no", "OFF", "false", "yes", "On", "true" };
	bool                     value;

	(void)state;
	for (size_t i = 0; i < NELEMS(words); i++) {
		assert_true(conf_bool(bytes_of(words[i]), &value));
		assert_int_equal(value, i >= 3);
	}
	assert_false(conf_bool(B("1"), &value));
	assert_true(conf_msec(B("0"), &(uint64_t){ 1 }));
}

int
main(void)
{
	ROWS_ADD(read_rows, check_read);
	ROWS_ADD(fault_rows, check_faults);
	ROWS_ADD(unit_rows, check_unit);
	rows_add("at most fifty faults are told", at_most_fifty_faults, NULL);
	rows_add("spent memory is no crash", spent_memory_is_no_crash, NULL);
	rows_add("words for yes and no", words_for_yes_and_no, NULL);
	return rows_run("conf");
}
