/* desk/page_why.c: the page that explains a refusal to its sender; see visit.h.
 *
 * Anybody who has the id may read it, and nobody else can find it: an id has 60
 * random bits. Only refusals are shown, since only they tell the sender an id;
 * whatever else an id may stand for looks like one that never was. */
#include "desk/visit.h"

#include "base/codec.h"
#include "desk/told.h"
#include "mail/reason.h"
#include "policy/settings.h"

static void
add_none(struct visit *v)
{
	v->response->status = 404;
	page_begin_plain(v->out, B("Why was my mail refused?"));
	buf_add_str(v->out, "<div class=\"why\"><header><p class=\"brand\">Why was my mail refused?</p></header><section class=\"card\"><h1>Nothing is known under this id</h1>"
	                    "<p class=\"lead\">The link in a refusal ends with twelve letters and digits. Please compare them with the address of this page.</p>"
	                    "<p>If they are the same, the refusal is older than such records are kept. Send the mail again: a new refusal "
	                    "has a new link.</p></section></div>");
	page_end_plain(v->out);
}

/* What the sender was told, without the words that may name a recipient. */
static bool
is_refusal(const struct store_account *a)
{
	bool told = bytes_eq(a->action, B("reject")) || bytes_eq(a->action, B("defer"));

	return told && !bytes_eq(a->mode, B("monitor"));
}

static void
add_refusal(struct visit *v, const struct store_account *a, const struct doc *story)
{
	struct buf *out = v->out;
	bool        later = bytes_eq(a->action, B("defer"));

	page_begin_plain(out, B("Why was my mail refused?"));
	html_put(out, "<div class=\"why\"><header><p class=\"brand\">Why was my mail refused?</p><p class=\"sub\">$ · ", H_TEXT(v->desk->with.settings->hostname));
	page_time(out, a->at_us);
	html_put(out, " UTC · <code>$</code></p></header><section class=\"card verdict $\"><h1>$</h1>", H_TEXT(a->id), H_TEXT(a->action),
	         H_STR(later ? "Your mail was not accepted yet" : "Your mail was refused"));
	told_advice(out, v->arena, a, story);
	html_put(out, "<dl class=\"pairs\"><div><dt>From domain</dt><dd>$</dd></div>", H_TEXT(a->domain.len > 0 ? a->domain : B("none that could be read")));
	html_put(out, "<div><dt>Sent by</dt><dd>$ <span class=\"sub\">HELO $</span></dd></div>", H_TEXT(a->client), H_TEXT(a->helo));
	if (doc_text(story, "message.message_id").len > 0)
		html_put(out, "<div><dt>Message-ID</dt><dd>$</dd></div>", H_TEXT(doc_text(story, "message.message_id")));
	html_put(out, "<div><dt>Answer</dt><dd>$ $ <span class=\"sub\">$</span></dd></div></dl></section>",
	         H_INT(doc_number(story, "decision.reply.code")), H_TEXT(doc_text(story, "decision.reply.enhanced")), H_TEXT(a->reason));
	told_records(out, v->arena, a, story);
	told_checks(out, v->arena, story);
	buf_add_str(out, "<p class=\"sub\">This page shows what the mail itself said and what DNS publishes, as they were when the mail came. "
	                 "Forward its address to whoever runs the mail of the sender.</p></div>");
	page_end_plain(out);
}

void
page_why(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit         v = visit_of(desk, request, response);
	struct store_account a;

	if (!visit_take_from(&v, LIMITED_WHY)) {
		page_fault(&v, 429, "A little slower", "There were many requests from your address. Try again in a moment.");
		return;
	}
	/* An id that cannot be is looked for too, so that it takes as long as any other. */
	struct bytes  id = id_is(request->tail) ? told_id(v.arena, request->tail) : B("AAAAAAAAAAAA");
	struct store *s = desk_store(v.desk, v.arena);
	enum rc       rc = s == NULL ? RC_IO : store_account_get(s, v.arena, id, &a);
	if (rc != RC_OK && rc != RC_LIMIT) {
		visit_trouble(&v, rc);
		return;
	}
	const struct doc *story = rc == RC_OK && is_refusal(&a) ? doc_read(v.arena, a.story) : NULL;
	if (story != NULL)
		add_refusal(&v, &a, story);
	else
		add_none(&v);
}
