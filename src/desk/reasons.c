/* desk/reasons.c: see reasons.h. */
#include "desk/reasons.h"

#include "base/json.h"
#include "base/near.h"
#include "desk/cli.h"
#include "mail/reason.h"

struct own {
	bool markdown;
};

static const struct cli_option options[] = {
	{ "markdown", CLI_FLAG, NULL, "print the whole catalogue as a document (docs/reasons.md)", offsetof(struct own, markdown) },
};

static const struct cli_verb verb = {
	"reasons",
	"[WORD...] [--json | --markdown]",
	"The catalogue of reasons: what each word means, what a reply says, who can fix it and how.",
	"mailreeve reasons dmarc.reject",
	options,
	NELEMS(options),
	0,
	-1,
};

void
reasons_json(struct json *j, enum reason reason)
{
	const struct reason_row *r = reason_row(reason);
	struct bytes             steps = bytes_of(r->steps), step;

	json_open_object(j);
	json_kv_str(j, "word", r->word);
	json_kv_str(j, "stage", stage_word(r->stage));
	if (r->code != 0)
		json_kv_int(j, "code", r->code);
	else
		json_kv_null(j, "code");
	json_kv_str(j, "exchange", r->exchange);
	json_kv_str(j, "iana", r->iana);
	json_kv_str(j, "bounce", r->bounce);
	json_kv_str(j, "owner", owner_word(r->owner));
	json_kv_str(j, "line", r->line);
	json_key(j, "steps");
	json_open_array(j);
	while (bytes_cut_line(&steps, &step))
		json_text(j, step);
	json_close_array(j);
	json_close_object(j);
}

static void
add_line(struct buf *out, enum reason reason)
{
	const struct reason_row *r = reason_row(reason);

	if (r->code != 0)
		buf_printf(out, "%-22s %u %-8s %s\n", r->word, r->code, r->exchange, r->line);
	else
		buf_printf(out, "%-22s %-12s %s\n", r->word, "", r->line);
}

static void
add_whole(const struct cli *cli, struct buf *out, enum reason reason)
{
	const struct reason_row *r = reason_row(reason);
	struct bytes             steps = bytes_of(r->steps), step;

	cli_paint(cli, out, CLI_STRONG, bytes_of(r->word));
	buf_printf(out, "\n  %s\n", r->line);
	if (r->code != 0)
		buf_printf(out, "  reply  %u %s (code_style iana: %u %s), told at %s\n", r->code, r->exchange, r->code, r->iana, stage_word(r->stage));
	buf_printf(out, "  owner  %s\n", owner_word(r->owner));
	while (bytes_cut_line(&steps, &step))
		buf_printf(out, "  step   %.*s\n", B_FMT(step));
}

/* A cell must not end early, and {domain} is not a mark. */
static void
add_cell(struct buf *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '|' || *text == '<' || *text == '*' || *text == '_')
			buf_add_c(out, '\\');
		if (*text == '\n')
			buf_add_str(out, "<br>");
		else
			buf_add_c(out, *text);
	}
}

static void
add_table(struct buf *out, bool replies)
{
	buf_add_str(out, replies ? "| word | code | exchange | iana | stage | bounce word | owner | first line | steps |\n"
	                           "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n" :
	                           "| word | owner | meaning | steps |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < REASON_COUNT; i++) {
		const struct reason_row *r = reason_row((enum reason)i);
		if ((r->code != 0) != replies)
			continue;
		buf_printf(out, "| `%s` |", r->word);
		if (replies)
			buf_printf(out, " %u | %s | %s | %s | %s |", r->code, r->exchange, r->iana, stage_word(r->stage), r->bounce);
		buf_printf(out, " %s | ", owner_word(r->owner));
		add_cell(out, r->line);
		buf_add_str(out, " | ");
		add_cell(out, r->steps);
		buf_add_str(out, " |\n");
	}
}

void
reasons_markdown(struct buf *out)
{
	buf_add_str(out, "# Reasons\n\n"
	                 "Made by `mailreeve reasons --markdown` from the catalogue (`src/mail/reason.def`); a test compares. A word is\n"
	                 "frozen once released. The owner is the one who can fix it; the steps speak to that person.\n\n"
	                 "## What a reply says\n\n"
	                 "`code_style` chooses between the columns `exchange` and `iana` (mailreeve.conf(5)). The bounce word is what\n"
	                 "`mailreeve explain` calls a bounce with this reply. Words in braces are filled in.\n\n");
	add_table(out, true);
	buf_add_str(out, "\n## What a check found\n\nNever a reply of its own; it stands in the account, the log and Authentication-Results.\n\n");
	add_table(out, false);
}

/* The rows asked for, all of them without a word; false after a fault was told. */
static bool
choose(const struct cli *cli, bool chosen[REASON_COUNT])
{
	for (size_t i = 0; i < REASON_COUNT; i++)
		chosen[i] = cli->arg_count == 0;
	for (int i = 0; i < cli->arg_count; i++) {
		struct near near = { .asked = bytes_of(cli->args[i]) };
		enum reason reason;
		if (reason_of(near.asked, &reason)) {
			chosen[reason] = true;
			continue;
		}
		for (size_t k = 0; k < REASON_COUNT; k++)
			near_offer(&near, bytes_of(reason_word((enum reason)k)));
		if (near.best.len > 0)
			cli_fault(cli, "no such reason: %s (did you mean %.*s?)", cli->args[i], B_FMT(near.best));
		else
			cli_fault(cli, "no such reason: %s", cli->args[i]);
		return false;
	}
	return true;
}

int
desk_reasons(int argc, char **argv)
{
	struct own  own = { .markdown = false };
	struct cli  cli;
	struct buf  out = { 0 };
	struct json j = json_to(&out, true);
	bool        chosen[REASON_COUNT];

	if (!cli_parse(&cli, argc, argv, &verb, &own))
		return cli.exit;
	if (own.markdown && (cli.json || cli.arg_count > 0))
		return cli_fault(&cli, "--markdown prints the whole catalogue; leave out words and --json");
	if (!choose(&cli, chosen))
		return CLI_USE;
	if (own.markdown) {
		reasons_markdown(&out);
		return cli_put(&cli, &out);
	}
	if (cli.json)
		json_open_array(&j);
	for (size_t i = 0; i < REASON_COUNT; i++) {
		if (!chosen[i])
			continue;
		if (cli.json)
			reasons_json(&j, (enum reason)i);
		else if (cli.arg_count > 0)
			add_whole(&cli, &out, (enum reason)i);
		else
			add_line(&out, (enum reason)i);
	}
	if (cli.json) {
		json_close_array(&j);
		buf_add_c(&out, '\n');
	}
	return cli_put(&cli, &out);
}
