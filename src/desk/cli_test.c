/* desk/cli_test.c: switches, words, and the sentences of wrong use. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desk/caught.h"
#include "desk/cli.h"

struct own {
	const char      *ip, *mail_from;
	struct cli_texts rcpt;
	int64_t          limit;
	bool             live;
};

static const struct cli_option options[] = {
	{ "ip", CLI_TEXT, "ADDRESS", "address of the SMTP client", offsetof(struct own, ip) },
	{ "mail-from", CLI_TEXT, "ADDRESS", "envelope sender", offsetof(struct own, mail_from) },
	{ "rcpt", CLI_TEXTS, "ADDRESS", "a recipient; may be repeated", offsetof(struct own, rcpt) },
	{ "limit", CLI_NUMBER, "N", "at most so many", offsetof(struct own, limit) },
	{ "live", CLI_FLAG, NULL, "look now", offsetof(struct own, live) },
};

static const struct cli_verb verb = {
	"try",
	"MESSAGE [--ip A]\n--live MESSAGE",
	"Tries a message.",
	"mailreeve try --ip 192.0.2.1 message.eml",
	options,
	NELEMS(options),
	1,
	2,
};

#define WORDS 8

/* Splits at blanks; "~" stands for an empty word. */
static int
split(char *line, char *argv[WORDS])
{
	int argc = 0;

	for (char *p = line; *p != '\0' && argc < WORDS;) {
		argv[argc++] = p;
		p += strcspn(p, " ");
		if (*p == ' ')
			*p++ = '\0';
	}
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "~") == 0)
			argv[i][0] = '\0';
	return argc;
}

/* Runs the parser with one stream caught in `caught`. */
static bool
run_caught(const char *line, int fd, struct cli *cli, struct own *own, struct buf *caught)
{
	static char  copy[400]; /* what cli points into outlives the call */
	static char *argv[WORDS];

	snprintf(copy, sizeof(copy), "%s", line);
	int argc = split(copy, argv);
	*own = (struct own){ 0 };
	struct caught c = caught_begin(fd);
	bool          good = cli_parse(cli, argc, argv, &verb, own);
	*caught = caught_end(&c);
	return good;
}

static const struct fault_row {
	const char *name, *line, *want; /* the first line on standard error */
} fault_rows[] = {
	{ "an unknown switch is refused", "try --xyzzy m", "mailreeve try: no such switch: --xyzzy" },
	{ "a mistyped own switch gets its neighbour", "try --mial-from x m",
	  "mailreeve try: no such switch: --mial-from (did you mean --mail-from?)" },
	{ "a mistyped shared switch gets its neighbour", "try --jsno m", "mailreeve try: no such switch: --jsno (did you mean --json?)" },
	{ "a shortened switch is refused", "try --mail x m", "mailreeve try: no such switch: --mail" },
	{ "a switch with one dash is refused", "try -x m", "mailreeve try: no such switch: -x (switches begin with two dashes)" },
	{ "a value must follow", "try m --ip", "mailreeve try: --ip wants a value: --ip ADDRESS" },
	{ "a flag takes no value", "try --live=yes m", "mailreeve try: --live takes no value" },
	{ "a number must be one", "try --limit 1k m", "mailreeve try: --limit wants a whole number, not \"1k\"" },
	{ "a negative time is refused", "try --time -1 m", "mailreeve try: --time wants a whole number, not \"-1\"" },
	{ "a missing word is told with the usage", "try --live", "mailreeve try: something is missing: mailreeve try MESSAGE [--ip A]" },
	{ "a word too many is named", "try a b c", "mailreeve try: \"c\" is one word too many" },
	{ "a terminal cannot be painted by a word", "try a b \033[2J", "mailreeve try: \"\\x1b[2J\" is one word too many" },
};

static void
check_fault(void **state)
{
	const struct fault_row *row = *state;
	struct buf              caught = { 0 };
	struct cli              cli;
	struct own              own;
	struct bytes            rest, line;

	assert_false(run_caught(row->line, STDERR_FILENO, &cli, &own, &caught));
	assert_int_equal(cli.exit, CLI_USE);
	rest = buf_bytes(&caught);
	assert_true(bytes_cut_line(&rest, &line));
	assert_bytes(line, bytes_of(row->want));
	assert_bytes(rest, B("Try: mailreeve try --help\n"));
	buf_free(&caught);
}

static void
parse(const char *line, struct cli *cli, struct own *own)
{
	struct buf caught = { 0 };

	bool good = run_caught(line, STDERR_FILENO, cli, own, &caught);
	assert_bytes(buf_bytes(&caught), B_NONE);
	assert_true(good);
	buf_free(&caught);
}

static void
switches_and_words_mix(void **state)
{
	struct cli cli;
	struct own own;

	(void)state;
	parse("try first --ip=192.0.2.1 --json second --dns zone", &cli, &own);
	assert_string_equal(own.ip, "192.0.2.1");
	assert_true(cli.json);
	assert_string_equal(cli.dns, "zone");
	assert_int_equal(cli.arg_count, 2);
	assert_string_equal(cli.args[0], "first");
	assert_string_equal(cli.args[1], "second");
	assert_null(cli.config);
	assert_false(cli.time_given);
	assert_true(cli.time > 1700000000);
}

static void
values_may_look_like_switches(void **state)
{
	struct cli cli;
	struct own own;

	(void)state;
	parse("try --mail-from --json --ip ~ m", &cli, &own);
	assert_string_equal(own.mail_from, "--json");
	assert_string_equal(own.ip, "");
	assert_false(cli.json);
	parse("try --mail-from=a=b -- --live -", &cli, &own);
	assert_string_equal(own.mail_from, "a=b");
	assert_false(own.live);
	assert_int_equal(cli.arg_count, 2);
	assert_string_equal(cli.args[0], "--live");
	assert_string_equal(cli.args[1], "-");
}

static void
repeated_switches_add_up(void **state)
{
	struct cli cli;
	struct own own;

	(void)state;
	parse("try --rcpt a --rcpt b --time 0 m", &cli, &own);
	assert_int_equal(own.rcpt.count, 2);
	assert_string_equal(own.rcpt.at[1], "b");
	assert_true(cli.time_given);
	assert_int_equal(cli.time, 0);
}

static void
help_names_every_switch(void **state)
{
	struct buf caught = { 0 };
	struct cli cli;
	struct own own;

	(void)state;
	assert_false(run_caught("try --help", STDOUT_FILENO, &cli, &own, &caught));
	assert_int_equal(cli.exit, CLI_FINE);
	assert_bytes(buf_bytes(&caught), B("Usage:\n"
					   "  mailreeve try MESSAGE [--ip A]\n"
					   "  mailreeve try --live MESSAGE\n"
					   "\n"
					   "Tries a message.\n"
					   "\n"
					   "Switches:\n"
					   "  --ip ADDRESS           address of the SMTP client\n"
					   "  --mail-from ADDRESS    envelope sender\n"
					   "  --rcpt ADDRESS         a recipient; may be repeated\n"
					   "  --limit N              at most so many\n"
					   "  --live                 look now\n"
					   "\n"
					   "Switches of all verbs:\n"
					   "  --config FILE          settings, default /etc/mailreeve/mailreeve.conf\n"
					   "  --dns ZONEFILE         answer DNS questions from this file\n"
					   "  --resolver IP:PORT     ask this DNS server\n"
					   "  --time EPOCH           judge as if it were then (seconds since 1970)\n"
					   "  --json                 print JSON\n"
					   "  --help                 print this\n"
					   "\n"
					   "Example:\n"
					   "  mailreeve try --ip 192.0.2.1 message.eml\n"));
	buf_free(&caught);
}

static void
colour_is_for_terminals(void **state)
{
	struct buf out = { 0 };
	struct cli cli = { .colour = true };

	(void)state;
	cli_paint(&cli, &out, CLI_BAD, B("fail\r"));
	assert_bytes(buf_bytes(&out), B("\033[31mfail\\x0d\033[0m"));
	buf_clear(&out);
	cli.colour = false;
	cli_paint(&cli, &out, CLI_BAD, B("fail"));
	assert_bytes(buf_bytes(&out), B("fail"));
	buf_free(&out);
}

int
main(void)
{
	ROWS_ADD(fault_rows, check_fault);
	rows_add("switches and words mix", switches_and_words_mix, NULL);
	rows_add("values may look like switches", values_may_look_like_switches, NULL);
	rows_add("repeated switches add up", repeated_switches_add_up, NULL);
	rows_add("help names every switch", help_names_every_switch, NULL);
	rows_add("colour is for terminals", colour_is_for_terminals, NULL);
	return rows_run("cli");
}
