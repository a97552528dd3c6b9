/* desk/cli.c: see cli.h. getopt_long() would accept shortened names and keeps
 * its state in globals; the walk is short enough to own. */
#include "desk/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/utf8.h"

static const struct cli_option shared[] = {
	{ "config", CLI_TEXT, "FILE", "settings, default /etc/mailreeve/mailreeve.conf", offsetof(struct cli, config) },
	{ "dns", CLI_TEXT, "ZONEFILE", "answer DNS questions from this file", offsetof(struct cli, dns) },
	{ "resolver", CLI_TEXT, "IP:PORT", "ask this DNS server", offsetof(struct cli, resolver) },
	{ "time", CLI_NUMBER, "EPOCH", "judge as if it were then (seconds since 1970)", offsetof(struct cli, time) },
	{ "json", CLI_FLAG, NULL, "print JSON", offsetof(struct cli, json) },
	{ "help", CLI_FLAG, NULL, "print this", offsetof(struct cli, help) },
};

static void
add_option_help(struct buf *out, const struct cli_option *o)
{
	char left[64];

	snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	buf_printf(out, "  %-22s %s\n", left, o->help);
}

static void
add_lines(struct buf *out, const char *lead, const char *text)
{
	struct bytes rest = bytes_of(text), line;

	while (bytes_cut_line(&rest, &line))
		buf_printf(out, "%s%.*s\n", lead, B_FMT(line));
}

void
cli_help(const struct cli_verb *v, struct buf *out)
{
	char lead[64];

	snprintf(lead, sizeof(lead), "mailreeve %s ", v->name);
	buf_add_str(out, "Usage:\n");
	char indented[72];
	snprintf(indented, sizeof(indented), "  %s", lead);
	add_lines(out, indented, v->usage);
	buf_add_str(out, "\n");
	add_lines(out, "", v->about);
	if (v->own_count > 0)
		buf_add_str(out, "\nSwitches:\n");
	for (size_t i = 0; i < v->own_count; i++)
		add_option_help(out, &v->own[i]);
	buf_add_str(out, "\nSwitches of all verbs:\n");
	for (size_t i = 0; i < NELEMS(shared); i++)
		add_option_help(out, &shared[i]);
	buf_add_str(out, "\nExample:\n");
	add_lines(out, "  ", v->example);
}

int
cli_fault(const struct cli *cli, const char *format, ...)
{
	struct buf raw = { 0 }, safe = { 0 };
	va_list    ap;

	va_start(ap, format);
	buf_vprintf(&raw, format, ap);
	va_end(ap);
	text_add_safe(&safe, buf_bytes(&raw));
	fprintf(stderr, "mailreeve %s: %.*s\n", cli->verb->name, B_FMT(buf_bytes(&safe)));
	buf_free(&raw);
	buf_free(&safe);
	return CLI_USE;
}

int
cli_put(const struct cli *cli, struct buf *b)
{
	/* An empty buffer has no address, and fwrite() wants one. */
	bool whole = !b->spoilt && (b->len == 0 || fwrite(b->at, 1, b->len, stdout) == b->len) && fflush(stdout) == 0;
	bool spoilt = b->spoilt;

	buf_free(b);
	if (whole)
		return CLI_FINE;
	return cli_fault(cli, spoilt ? "out of memory" : "standard output cannot be written");
}

void
cli_paint(const struct cli *cli, struct buf *out, enum cli_paint paint, struct bytes text)
{
	static const char *const codes[] = {
		[CLI_GOOD] = "32", [CLI_BAD] = "31", [CLI_DOUBT] = "33", [CLI_STRONG] = "1", [CLI_FAINT] = "2",
	};
	if (cli->colour)
		buf_printf(out, "\033[%sm", codes[paint]);
	text_add_safe(out, text);
	if (cli->colour)
		buf_add_str(out, "\033[0m");
}

static const struct cli_option *
find(const struct cli_option *options, size_t count, struct bytes name)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_eq(bytes_of(options[i].name), name))
			return &options[i];
	return NULL;
}

static void
fault_unknown(const struct cli *cli, struct bytes name)
{
	struct near near = { .asked = name };

	for (size_t i = 0; i < cli->verb->own_count; i++)
		near_offer(&near, bytes_of(cli->verb->own[i].name));
	for (size_t i = 0; i < NELEMS(shared); i++)
		near_offer(&near, bytes_of(shared[i].name));
	if (near.best.len > 0)
		cli_fault(cli, "no such switch: --%.*s (did you mean --%.*s?)", B_FMT(name), B_FMT(near.best));
	else
		cli_fault(cli, "no such switch: --%.*s", B_FMT(name));
}

static bool
store(const struct cli *cli, const struct cli_option *o, void *base, const char *value)
{
	void    *at = (char *)base + o->at;
	uint64_t n;

	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)at = true;
		return true;
	case CLI_TEXT:
		*(const char **)at = value;
		return true;
	case CLI_NUMBER:
		if (!bytes_number(bytes_of(value), INT64_MAX, &n)) {
			cli_fault(cli, "--%s wants a whole number, not \"%s\"", o->name, value);
			return false;
		}
		*(int64_t *)at = (int64_t)n;
		return true;
	case CLI_TEXTS: {
		struct cli_texts *texts = at;
		if (texts->count == CLI_TEXTS_MAX) {
			cli_fault(cli, "--%s is given more than %d times", o->name, CLI_TEXTS_MAX);
			return false;
		}
		texts->at[texts->count++] = value;
		return true;
	}
	}
	return false;
}

/* One switch at argv[i]; false after a fault. `*i` moves over a value taken from the next word. */
static bool
take_switch(struct cli *cli, int argc, char **argv, int *i, void *own)
{
	char        *word = argv[*i] + 2;
	char        *equals = strchr(word, '=');
	struct bytes name = bytes_make(word, equals != NULL ? (size_t)(equals - word) : strlen(word));
	const char  *value = equals != NULL ? equals + 1 : NULL;
	void        *base = own;

	const struct cli_option *o = find(cli->verb->own, cli->verb->own_count, name);
	if (o == NULL) {
		o = find(shared, NELEMS(shared), name);
		base = cli;
	}
	if (o == NULL) {
		fault_unknown(cli, name);
		return false;
	}
	if (o->kind == CLI_FLAG && value != NULL) {
		cli_fault(cli, "--%s takes no value", o->name);
		return false;
	}
	if (o->kind != CLI_FLAG && value == NULL) {
		if (*i + 1 >= argc) {
			cli_fault(cli, "--%s wants a value: --%s %s", o->name, o->name, o->value);
			return false;
		}
		value = argv[++*i];
	}
	if (!store(cli, o, base, value))
		return false;
	if (base == cli && o->at == offsetof(struct cli, time))
		cli->time_given = true;
	return true;
}

static bool
take_words(struct cli *cli, int argc, char **argv, void *own)
{
	bool switches = true;

	/* Words that stay are moved to the front: there is always room, since a
	 * word is written no later than it was read. */
	cli->args = argv + (argc > 0);
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		if (!switches || word[0] != '-' || word[1] == '\0') {
			cli->args[cli->arg_count++] = word;
		} else if (strcmp(word, "--") == 0) {
			switches = false;
		} else if (word[1] != '-') {
			if (strcmp(word, "-h") == 0) {
				cli->help = true;
				continue;
			}
			cli_fault(cli, "no such switch: %s (switches begin with two dashes)", word);
			return false;
		} else if (!take_switch(cli, argc, argv, &i, own)) {
			return false;
		}
	}
	return true;
}

static bool
check_count(const struct cli *cli)
{
	const struct cli_verb *v = cli->verb;

	if (cli->arg_count < v->args_least) {
		cli_fault(cli, "something is missing: mailreeve %s %.*s", v->name, (int)strcspn(v->usage, "\n"), v->usage);
		return false;
	}
	if (v->args_most >= 0 && cli->arg_count > v->args_most) {
		cli_fault(cli, "\"%s\" is one word too many", cli->args[v->args_most]);
		return false;
	}
	return true;
}

bool
cli_parse(struct cli *cli, int argc, char **argv, const struct cli_verb *verb, void *own)
{
	const char *no_color = getenv("NO_COLOR");

	*cli = (struct cli){ .verb = verb, .exit = CLI_USE };
	cli->colour = isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
	bool good = take_words(cli, argc, argv, own);
	if (good && cli->help) {
		struct buf b = { 0 };
		cli_help(verb, &b);
		cli->exit = cli_put(cli, &b);
		return false;
	}
	if (!good || !check_count(cli)) {
		fprintf(stderr, "Try: mailreeve %s --help\n", verb->name);
		return false;
	}
	if (!cli->time_given)
		cli->time = clock_epoch();
	cli->exit = CLI_FINE;
	return true;
}
