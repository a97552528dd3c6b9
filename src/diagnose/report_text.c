/* diagnose/report_text.c: what `mailreeve explain` prints for people. The text
 * of the mail is made harmless by whoever writes it to a terminal. */
#include "diagnose/explain.h"
#include "diagnose/path.h"

static const char *const owners[] = {
	[OWNER_NOBODY] = "nobody needs to do anything",
	[OWNER_SENDER_USER] = "the person who sent it",
	[OWNER_SENDER_ADMIN] = "the administrator of the sending side",
	[OWNER_RECIPIENT] = "the recipient",
	[OWNER_RECIPIENT_ADMIN] = "the administrator of the recipient's side",
	[OWNER_THIRD_PARTY] = "a third party in between",
};

static const char *const kinds[] = {
	[KIND_BOUNCE] = "The message was not delivered.",
	[KIND_DELAYED] = "The message is late; it has not failed yet.",
	[KIND_DELIVERED] = "The message was delivered or handed on.",
	[KIND_FEEDBACK] = "A recipient complained about the message.",
	[KIND_AUTOREPLY] = "This is an automatic answer, no bounce: the message arrived.",
	[KIND_MDN] = "This is a receipt that the message was displayed or deleted, no bounce.",
	[KIND_CHALLENGE] = "This asks the sender to prove that he is human, and is no bounce: follow its link if you know the recipient.",
	[KIND_NOT_A_BOUNCE] = "This is no bounce.",
};

static void
add_line(struct buf *out, const char *label, struct bytes value)
{
	if (value.len > 0)
		buf_printf(out, "  %-13s %.*s\n", label, B_FMT(value));
}

static void
add_steps(struct buf *out, struct bytes steps)
{
	struct bytes line;
	int          n = 0;

	buf_add_str(out, "  What to do\n");
	while (steps.len > 0 && bytes_cut(&steps, '\n', &line))
		if (line.len > 0)
			buf_printf(out, "    %d. %.*s\n", ++n, B_FMT(line));
}

static void
add_answers(struct buf *out, struct arena *a, const struct bounce_verdict *v)
{
	const struct answer_row *w = v->answer;

	add_line(out, "Cause", advice_cause(a, v));
	add_line(out, "Who mends it", bytes_of(owners[w->owner]));
	add_line(out, "Class", arena_printf(a, "%s / %s, %s, confidence %s%s%s%s", w->category, w->reason, v->permanent ? "permanent" : "temporary", confidence_word(v->confidence),
	                                    v->rule != NULL ? " (rule " : "", v->rule != NULL ? v->rule->id : "", v->rule != NULL ? ")" : ""));
	add_line(out, "Send again", bytes_of(retry_word(v->kind == KIND_DELAYED ? RETRY_LATER : w->retry)));
	add_line(out, "Suppress", arena_printf(a, "%s (it concerns the %s)", suppress_word(v->suppress), scope_word(w->scope)));
	add_line(out, "Works again", advice_expect(a, v));
}

static void
add_verdict(struct buf *out, struct arena *a, const struct explained *x, const struct bounce_verdict *v, enum reader reader)
{
	buf_printf(out, "%.*s\n", B_FMT(v->said->recipient.len > 0 ? v->said->recipient : B("(recipient not named)")));
	struct bytes who = v->reply.host.len > 0 && v->reply.ip.len > 0 ? arena_printf(a, "%.*s [%.*s]", B_FMT(v->reply.host), B_FMT(v->reply.ip)) :
	                   v->reply.host.len > 0 ? v->reply.host : v->reply.ip;
	if (provider_name(v->providers) != NULL)
		who = arena_printf(a, "%.*s (%s)", B_FMT(who), provider_name(v->providers));
	add_line(out, "Refused by", who);
	add_line(out, "Reported by", x->reading->reporter);
	if (v->reply.code.len > 0 || v->reply.enhanced.len > 0)
		add_line(out, "Reply", arena_printf(a, "%.*s%s%.*s %.*s%s%s", B_FMT(v->reply.code), v->reply.code.len > 0 ? " " : "", B_FMT(v->reply.enhanced), B_FMT(bytes_sub(v->reply.text, 0, 400)),
		                                    v->reply.stage != STAGE_NONE ? " at " : "", v->reply.stage != STAGE_NONE ? stage_word(v->reply.stage) : ""));
	add_answers(out, a, v);
	if (v->contradiction)
		add_line(out, "Note", B("the fields of the report and the reply quoted in it disagree; the reply is believed"));
	for (size_t i = 0; i < v->checked_count; i++)
		buf_printf(out, "  Checked now   %s: %s: %.*s\n", v->checked[i].check, check_state_word(v->checked[i].state), B_FMT(v->checked[i].evidence));
	add_steps(out, advice_steps(a, v, reader));
	if (reader == FOR_USER && v->answer->owner != OWNER_NOBODY && v->answer->owner != OWNER_SENDER_USER) {
		struct bytes text = advice_forward(a, x, v), line;
		buf_add_str(out, "  A text to forward\n");
		while (text.len > 0 && bytes_cut(&text, '\n', &line))
			buf_printf(out, "    | %.*s\n", B_FMT(line));
	}
	buf_add_c(out, '\n');
}

void
explained_text(struct buf *out, struct arena *a, const struct explained *x, enum reader reader)
{
	buf_printf(out, "%s\n", kinds[x->reading->kind]);
	if (x->proven == PROVEN_YES)
		buf_printf(out, "It is about a mail that passed here: account %.*s.\n", B_FMT(x->account));
	else if (x->proven == PROVEN_NO)
		buf_add_str(out, "Unproven: nothing is kept here of the mail that it is about. Anybody can write such a report; suppress nobody because of it.\n");
	buf_add_c(out, '\n');
	for (size_t i = 0; i < x->count; i++)
		add_verdict(out, a, x, &x->list[i], reader);
	path_text(out, a, x);
}
