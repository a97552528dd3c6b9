/* diagnose/advice.c: the sentences of an answer, filled with the facts of one
 * mail. A fact that is not known is paraphrased, never left out or invented. */
#include "diagnose/explain.h"

#include <stddef.h>
#include <string.h>

static const struct fact_row {
	struct bytes name;
	size_t       offset; /* in struct bounce_facts */
	unsigned     part; /* that has it */
	struct bytes unknown;
} fact_rows[] = {
	{ B_INIT("recipient"), offsetof(struct bounce_facts, recipient), 0, B_INIT("the recipient") },
	{ B_INIT("rdomain"), offsetof(struct bounce_facts, rdomain), 0, B_INIT("the recipient's domain") },
	{ B_INIT("sender"), offsetof(struct bounce_facts, sender), FACTS_SENDER, B_INIT("the sender") },
	{ B_INIT("sender_domain"), offsetof(struct bounce_facts, sender_domain), FACTS_SENDER, B_INIT("the sender's domain") },
	{ B_INIT("from_domain"), offsetof(struct bounce_facts, from_domain), FACTS_SENDER, B_INIT("the sender's domain") },
	{ B_INIT("ip"), offsetof(struct bounce_facts, ip), FACTS_IP, B_INIT("(address not named)") },
	{ B_INIT("host"), offsetof(struct bounce_facts, host), 0, B_INIT("the receiving server") },
	{ B_INIT("reporter"), offsetof(struct bounce_facts, reporter), 0, B_INIT("the server that wrote the report") },
	{ B_INIT("selector"), offsetof(struct bounce_facts, selector), FACTS_SELECTOR, B_INIT("SELECTOR") },
	{ B_INIT("list"), offsetof(struct bounce_facts, list), FACTS_LIST, B_INIT("that the reply names") },
	{ B_INIT("delist"), offsetof(struct bounce_facts, delist), FACTS_LIST, B_INIT("the page that the reply names") },
	{ B_INIT("groups"), offsetof(struct bounce_facts, groups), FACTS_GROUPS, B_INIT("") },
};

bool
advice_knows(struct bytes name)
{
	for (size_t i = 0; i < NELEMS(fact_rows); i++)
		if (bytes_eq(name, fact_rows[i].name))
			return true;
	return false;
}

/* A fact that is longer is paraphrased too. */
#define FACT_MAX 300

static struct bytes
fact_named(const struct bounce_verdict *v, struct bytes name)
{
	for (size_t i = 0; i < NELEMS(fact_rows); i++) {
		if (!bytes_eq(name, fact_rows[i].name))
			continue;
		struct bytes value = *(const struct bytes *)(const void *)((const char *)bounce_facts_of(v, fact_rows[i].part) + fact_rows[i].offset);
		return value.len > 0 && value.len <= FACT_MAX ? value : fact_rows[i].unknown;
	}
	return B_NONE;
}

/* What a template with its facts is at most. */
static size_t
room_of(struct bytes template)
{
	size_t n = template.len;

	for (size_t at = bytes_index(template, '{'); at < template.len; at += 1 + bytes_index(bytes_from(template, at + 1), '{'))
		n += FACT_MAX;
	return n;
}

static char *
copied(char *to, struct bytes from)
{
	if (from.len > 0)
		memcpy(to, from.at, from.len);
	return to + from.len;
}

static struct bytes
filled(struct arena *a, const struct bounce_verdict *v, const char *template)
{
	struct bytes rest = bytes_of(template), head;
	char        *start = arena_room(a, room_of(rest) + 1), *end = start;

	if (start == NULL)
		return B_NONE;
	while (bytes_cut(&rest, '{', &head)) {
		end = copied(end, head);
		if (rest.at != NULL && bytes_cut(&rest, '}', &head))
			end = copied(end, fact_named(v, head));
	}
	struct bytes text = bytes_make(start, (size_t)(end - start));
	/* A sentence that began with a paraphrase. */
	if (template[0] == '{' && bytes_starts(text, B("the ")))
		start[0] = 'T';
	return text;
}

struct bytes
advice_cause(struct arena *a, const struct bounce_verdict *v)
{
	return filled(a, v, v->answer->cause);
}

struct bytes
advice_steps(struct arena *a, const struct bounce_verdict *v, enum reader reader)
{
	return filled(a, v, reader == FOR_USER ? v->answer->user : v->answer->admin);
}

struct bytes
advice_expect(struct arena *a, const struct bounce_verdict *v)
{
	return v->answer->expect != NULL ? filled(a, v, v->answer->expect) : B_NONE;
}

struct bytes
advice_forward(struct arena *a, const struct explained *x, const struct bounce_verdict *v)
{
	const struct bounce_facts *f = bounce_facts_of(v, FACTS_SENDER);
	struct bytes               cause = advice_cause(a, v), steps = advice_steps(a, v, FOR_ADMIN);

	return arena_printf(a,
	                    "Hello,\n\na message from %.*s to %.*s was refused.\n\nServer that refused: %.*s\nReply: %.*s%s%.*s %.*s\nReported by: %.*s\n\n"
	                    "What it means: %.*s\nWhat would mend it:\n%.*s\n",
	                    B_FMT(f->sender.len > 0 ? f->sender : B("me")), B_FMT(f->recipient.len > 0 ? f->recipient : B("a recipient")),
	                    B_FMT(f->host.len > 0 ? f->host : B("not named")), B_FMT(v->reply.code), v->reply.code.len > 0 ? " " : "",
	                    B_FMT(v->reply.enhanced), B_FMT(v->reply.text), B_FMT(x->reading->reporter.len > 0 ? x->reading->reporter : B("not named")),
	                    B_FMT(cause), B_FMT(steps));
}
