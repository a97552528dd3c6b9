/* desk/account_text.c: see account_text.h. */
#include "desk/account_text.h"

#include <string.h>

#include "base/utf8.h"
#include "policy/evidence.h"

/* Octets of an answer: a key is no reading matter, and --json has it whole. */
#define SHOWN_MAX 160

static enum cli_paint
paint_of(enum result r)
{
	if (r == RESULT_PASS)
		return CLI_GOOD;
	if (r == RESULT_FAIL || r == RESULT_PERMERROR)
		return CLI_BAD;
	return CLI_DOUBT;
}

static void
add_line(struct buf *out, const struct cli *cli, const struct account_line *line)
{
	if (line->concludes) {
		const struct finding *f = &line->finding;
		buf_printf(out, "  %-9s ", line->check);
		cli_paint(cli, out, paint_of(f->result), bytes_of(result_word(f->result)));
		if (f->domain.len > 0) {
			buf_add_str(out, "  ");
			text_add_safe(out, f->domain);
		}
		buf_add_str(out, "  ");
		buf_add_str(out, reason_row(f->reason)->line);
		if (f->detail.len > 0) {
			buf_add_str(out, ": ");
			text_add_safe(out, f->detail);
		}
		buf_printf(out, " [%s]\n", reason_word(f->reason));
		return;
	}
	buf_printf(out, "  %-9s     asked ", line->check);
	text_add_safe(out, line->asked);
	buf_add_str(out, " -> ");
	text_add_safe(out, bytes_sub(line->answer, 0, SHOWN_MAX));
	if (line->answer.len > SHOWN_MAX)
		buf_printf(out, "... and %zu more", line->answer.len - SHOWN_MAX);
	buf_printf(out, "  (%.1f ms)\n", (double)line->took_us / 1000.0);
}

static void
add_pair(struct buf *out, const char *name, struct bytes value)
{
	if (value.len == 0)
		return;
	buf_printf(out, "%-12s ", name);
	text_add_safe(out, value);
	buf_add_c(out, '\n');
}

static void
add_reply(struct buf *out, const struct reply *r)
{
	struct buf   wire = { 0 };
	struct bytes rest, line;

	reply_write(&wire, r, true);
	rest = buf_bytes(&wire);
	while (bytes_cut_line(&rest, &line)) {
		buf_add_str(out, "  ");
		text_add_safe(out, line);
		buf_add_c(out, '\n');
	}
	buf_free(&wire);
}

static void
add_decision(struct buf *out, const struct cli *cli, const struct account *account)
{
	const struct decision   *d = &account->decision;
	const struct reason_row *row = reason_row(d->reason);
	enum cli_paint           paint = d->action == ACTION_ACCEPT ? CLI_GOOD : d->action == ACTION_REJECT ? CLI_BAD : CLI_DOUBT;
	struct arena            *a = arena_new((size_t)1 << 16);

	buf_add_str(out, "decision     ");
	cli_paint(cli, out, paint, bytes_of(action_word(d->action)));
	buf_printf(out, "  [%s]  by %.*s", row->word, B_FMT(d->rule));
	if (d->override != OVERRIDE_NONE)
		buf_printf(out, ", reported as override %s", override_word(d->override));
	buf_add_c(out, '\n');
	buf_add_str(out, "             ");
	text_add_safe(out, evidence_fill(a, row->line, &account->facts));
	buf_add_c(out, '\n');
	if (d->reply.count > 0) {
		buf_add_str(out, "the sender sees\n");
		add_reply(out, &d->reply);
	}
	if (row->owner != OWNER_NOBODY && d->action != ACTION_ACCEPT) {
		struct bytes steps = evidence_fill(a, row->steps, &account->facts), step;
		buf_printf(out, "who can fix it: %s\n", owner_word(row->owner));
		while (bytes_cut(&steps, '\n', &step)) {
			buf_add_str(out, "  - ");
			text_add_safe(out, step);
			buf_add_c(out, '\n');
		}
	}
	arena_free(a);
}

static void
add_head(struct buf *out, const struct account *account)
{
	const struct facts *f = &account->facts;
	char                ip[IP_TEXT_MAX];

	ip_format(&f->client, ip);
	add_pair(out, "account", bytes_of(account->id));
	add_pair(out, "client", f->client.family != 0 ? bytes_of(ip)
	                              : f->standing == STANDING_LOCAL ? B("this host")
	                                                              : B("not known"));
	add_pair(out, "helo", f->helo);
	add_pair(out, "mail from", f->mail_from.len > 0 ? f->mail_from : B("<>"));
	for (size_t i = 0; i < account->from_count; i++)
		add_pair(out, "from", account->from_addresses[i]);
	add_pair(out, "subject", account->subject);
	add_pair(out, "message-id", account->message_id);
}

void
account_text(struct buf *out, const struct cli *cli, const struct account *account, const char *check)
{
	if (check == NULL)
		add_head(out, account);
	buf_add_str(out, check == NULL ? "story\n" : "");
	for (size_t i = 0; i < account->line_count; i++)
		if (check == NULL || strcmp(account->lines[i].check, check) == 0)
			add_line(out, cli, &account->lines[i]);
	if (check != NULL)
		return;
	add_decision(out, cli, account);
	if (account->authentication_results.len > 0) {
		buf_add_str(out, "header       Authentication-Results: ");
		text_add_safe(out, account->authentication_results);
		buf_add_c(out, '\n');
	}
}
