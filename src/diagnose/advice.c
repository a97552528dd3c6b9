/* diagnose/advice.c: the sentences of an answer, filled with the facts of one
 * mail. A fact that is not known is paraphrased, never left out or invented. */
#include "diagnose/explain.h"

#include <stddef.h>

#include "base/buf.h"

static const struct fact_row {
	struct bytes name;
	size_t       offset; /* in struct bounce_facts */
	struct bytes unknown;
} fact_rows[] = {
	{ B_INIT("recipient"), offsetof(struct bounce_facts, recipient), B_INIT("the recipient") },
	{ B_INIT("rdomain"), offsetof(struct bounce_facts, rdomain), B_INIT("the recipient's domain") },
	{ B_INIT("sender"), offsetof(struct bounce_facts, sender), B_INIT("the sender") },
	{ B_INIT("sender_domain"), offsetof(struct bounce_facts, sender_domain), B_INIT("the sender's domain") },
	{ B_INIT("from_domain"), offsetof(struct bounce_facts, from_domain), B_INIT("the sender's domain") },
	{ B_INIT("ip"), offsetof(struct bounce_facts, ip), B_INIT("(address not named)") },
	{ B_INIT("host"), offsetof(struct bounce_facts, host), B_INIT("the receiving server") },
	{ B_INIT("reporter"), offsetof(struct bounce_facts, reporter), B_INIT("the server that wrote the report") },
	{ B_INIT("selector"), offsetof(struct bounce_facts, selector), B_INIT("SELECTOR") },
	{ B_INIT("list"), offsetof(struct bounce_facts, list), B_INIT("that the reply names") },
	{ B_INIT("delist"), offsetof(struct bounce_facts, delist), B_INIT("the page that the reply names") },
	{ B_INIT("groups"), offsetof(struct bounce_facts, groups), B_INIT("") },
};

bool
advice_knows(struct bytes name)
{
	for (size_t i = 0; i < NELEMS(fact_rows); i++)
		if (bytes_eq(name, fact_rows[i].name))
			return true;
	return false;
}

static void
fact_add(struct buf *out, const struct bounce_facts *f, struct bytes name)
{
	for (size_t i = 0; i < NELEMS(fact_rows); i++) {
		if (!bytes_eq(name, fact_rows[i].name))
			continue;
		struct bytes value = *(const struct bytes *)(const void *)((const char *)f + fact_rows[i].offset);
		buf_add(out, value.len > 0 && value.len <= 300 ? value : fact_rows[i].unknown);
		return;
	}
}

static struct bytes
filled(struct arena *a, const struct bounce_facts *f, const char *template)
{
	struct buf   out = { .limit = 16384 };
	struct bytes rest = bytes_of(template), head;

	buf_reserve(&out, rest.len + 128);
	while (bytes_cut(&rest, '{', &head)) {
		buf_add(&out, head);
		if (rest.at != NULL && bytes_cut(&rest, '}', &head))
			fact_add(&out, f, head);
	}
	/* A sentence that began with a paraphrase. */
	if (out.len > 0 && !out.spoilt && template[0] == '{' && out.at[0] >= 'a' && out.at[0] <= 'z' && bytes_starts(buf_bytes(&out), B("the ")))
		out.at[0] = 'T';
	struct bytes text = arena_copy(a, buf_bytes(&out));
	buf_free(&out);
	return text;
}

struct bytes
advice_cause(struct arena *a, const struct bounce_verdict *v)
{
	return filled(a, &v->facts, v->answer->cause);
}

struct bytes
advice_steps(struct arena *a, const struct bounce_verdict *v, enum reader reader)
{
	return filled(a, &v->facts, reader == FOR_USER ? v->answer->user : v->answer->admin);
}

struct bytes
advice_expect(struct arena *a, const struct bounce_verdict *v)
{
	return v->answer->expect != NULL ? filled(a, &v->facts, v->answer->expect) : B_NONE;
}

struct bytes
advice_forward(struct arena *a, const struct explained *x, const struct bounce_verdict *v)
{
	struct bytes cause = advice_cause(a, v), steps = advice_steps(a, v, FOR_ADMIN);

	return arena_printf(a,
	                    "Hello,\n\na message from %.*s to %.*s was refused.\n\nServer that refused: %.*s\nReply: %.*s%s%.*s %.*s\nReported by: %.*s\n\n"
	                    "What it means: %.*s\nWhat would mend it:\n%.*s\n",
	                    B_FMT(v->facts.sender.len > 0 ? v->facts.sender : B("me")), B_FMT(v->facts.recipient.len > 0 ? v->facts.recipient : B("a recipient")),
	                    B_FMT(v->facts.host.len > 0 ? v->facts.host : B("not named")), B_FMT(v->reply.code), v->reply.code.len > 0 ? " " : "",
	                    B_FMT(v->reply.enhanced), B_FMT(v->reply.text), B_FMT(x->reading->reporter.len > 0 ? x->reading->reporter : B("not named")),
	                    B_FMT(cause), B_FMT(steps));
}
