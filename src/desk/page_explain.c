/* desk/page_explain.c: a bounce explained for the help desk, and for programs
 * through the API; see visit.h. */
#include "desk/visit.h"

#include "desk/doc.h"
#include "desk/explainer.h"
#include "desk/proof.h"
#include "policy/settings.h"

/* For all questions to DNS about one report. */
#define LIVE_MS 10000

static bool
for_user(const struct http_request *r)
{
	return bytes_eq(http_form(r, "for"), B("user")) || bytes_eq(http_query(r, "for"), B("user"));
}

static void
add_form(struct visit *v, struct bytes text)
{
	bool user = for_user(v->request);

	buf_add_str(v->out, "<form class=\"card explain\" method=\"post\" action=\"/explain\">");
	page_csrf(v);
	html_put(v->out,
	         "<label for=\"text\">The bounce: the whole message with its header, the text of the report, or just the reply (“550 5.7.1 "
	         "…”)</label>"
	         "<textarea id=\"text\" name=\"text\" rows=\"10\" required spellcheck=\"false\" data-drop>$</textarea>"
	         "<p class=\"sub script\">An .eml file can be dropped on the field, or <label class=\"file\">chosen "
	         "<input type=\"file\" data-file=\"text\" "
	         "accept=\".eml,.txt,.msg,message/rfc822,text/plain\"></label></p>",
	         H_TEXT(text));
	html_put(v->out,
	         "<fieldset><legend>The steps speak to</legend><label><input type=\"radio\" name=\"for\" value=\"admin\"$> the "
	         "administrator</label> "
	         "<label><input type=\"radio\" name=\"for\" value=\"user\"$> the one who wrote the mail</label></fieldset>"
	         "<p class=\"deeds\"><button class=\"main\">Explain</button>$</p></form>",
	         user ? H_MARKUP("") : H_MARKUP(" checked"), user ? H_MARKUP(" checked") : H_MARKUP(""),
	         v->desk->with.live != NULL ? H_MARKUP("<button name=\"live\" value=\"1\">Explain and check DNS now</button>") : H_MARKUP(""));
}

static void
add_fact(struct buf *out, const char *name, struct bytes value)
{
	if (value.len > 0)
		html_put(out, "<div><dt>$</dt><dd>$</dd></div>", H_STR(name), H_TEXT(value));
}

/* What DNS says of it now: fault, fine or unknown. */
static void
add_checked(struct buf *out, const struct doc *checked)
{
	if (doc_count(checked) == 0)
		return;
	buf_add_str(out, "<h3>Checked now</h3><ul class=\"states\">");
	for (size_t i = 0; i < doc_count(checked); i++) {
		const struct doc *c = doc_item(checked, i);
		bool              fine = doc_is(c, "state", "fine"), bad = doc_is(c, "state", "fault");
		html_put(out, "<li><span class=\"result $\"><span aria-hidden=\"true\">$</span> $</span> <span><strong>$</strong> $</span></li>",
		         H_STR(fine ? "good" : bad ? "bad" : "doubt"), H_STR(fine ? "✓" : bad ? "✕" : "?"), H_TEXT(doc_text(c, "state")),
		         H_TEXT(doc_text(c, "check")),
		         H_TEXT(doc_text(c, "evidence")));
	}
	buf_add_str(out, "</ul>");
}

static void
add_report(struct visit *v, const struct doc *r)
{
	struct buf       *out = v->out;
	const struct doc *steps = doc_at(r, "steps");

	html_put(out, "<section class=\"card\" aria-label=\"Explanation\"><h2>$</h2><p class=\"lead\">$</p>",
	         H_TEXT(doc_text(r, "recipient").len > 0 ? doc_text(r, "recipient") : B("A recipient that is not named")),
	         H_TEXT(doc_text(r, "cause")));
	if (doc_count(steps) > 0) {
		buf_add_str(out, "<h3>What to do</h3><ol class=\"steps\">");
		for (size_t i = 0; i < doc_count(steps); i++)
			html_put(out, "<li>$</li>", H_TEXT(doc_text(doc_item(steps, i), "")));
		buf_add_str(out, "</ol>");
	}
	add_checked(out, doc_at(r, "checked"));
	buf_add_str(out, "<dl class=\"pairs\">");
	add_fact(out, "Who can fix it", doc_text(r, "owner"));
	add_fact(out, "Cause", doc_text(r, "reason"));
	add_fact(out, "Try again", doc_text(r, "retry"));
	add_fact(out, "Take it off the list", doc_text(r, "suppress"));
	add_fact(out, "Confidence", doc_text(r, "confidence"));
	add_fact(out, "Refused by", doc_text(r, "rejected_by.host"));
	add_fact(out, "Provider", doc_text(r, "rejected_by.provider"));
	add_fact(out, "Reported by", doc_text(r, "reported_by"));
	buf_add_str(out, "</dl>");
	if (doc_text(r, "reply.text").len > 0)
		html_put(out, "<pre class=\"reply\">$ $ $</pre>", H_TEXT(doc_text(r, "reply.code")), H_TEXT(doc_text(r, "reply.enhanced")),
		         H_TEXT(doc_text(r, "reply.text")));
	buf_add_str(out, "</section>");
}

/* `unproven`: the report bears marks of a mail, and none is known here. */
static void
add_proof(struct visit *v, struct bytes account, bool unproven)
{
	if (account.len > 0)
		html_put(v->out, "<p class=\"note\" role=\"status\">It is about a mail that passed here: <a href=\"/message/$\">$</a>.</p>",
		         H_TEXT(account), H_TEXT(account));
	else if (unproven)
		buf_add_str(v->out, "<p class=\"note\" role=\"status\">Unproven: nothing is kept here of the mail that it is about. Anybody can write "
		                    "such a report; suppress nobody because of it.</p>");
}

static void
add_result(struct visit *v, const struct doc *d, struct bytes plain)
{
	const struct doc *reports = doc_at(d, "reports");

	for (size_t i = 0; i < doc_count(reports) && i < 100; i++)
		add_report(v, doc_item(reports, i));
	if (doc_count(reports) == 0)
		html_put(v->out, "<p class=\"note\" role=\"status\">This is no bounce ($): there is nothing to mend.</p>", H_TEXT(doc_text(d, "kind")));
	html_put(v->out,
	         "<section class=\"card\" aria-labelledby=\"ticket\"><h2 id=\"ticket\"><label for=\"plain\">As text, for the ticket</label></h2>"
	         "<textarea id=\"plain\" rows=\"12\" readonly spellcheck=\"false\" data-copy>$</textarea></section>",
	         H_TEXT(plain));
}

/* Where DNS is to be asked. False: not so soon again. */
static bool
look(struct visit *v, struct explained *x)
{
	if (v->desk->with.live == NULL)
		return true;
	if (!visit_take(v, LIMITED_LIVE, v->who->name))
		return false;
	struct patience p = patience_begin(v->desk->with.live, v->desk->with.settings->dns_timeout_ms, LIVE_MS);
	explainer_look(x, v->arena, &p, v->now_us / 1000000);
	return true;
}

/* Is it about a mail that passed here? As long as the store is away nobody knows. */
static struct explained *
read_report(struct visit *v, struct bytes text)
{
	struct explained *x = explainer_read(v->desk->explainer, v->arena, text);
	struct store     *s = x != NULL ? desk_store(v->desk, v->arena) : NULL;

	if (s != NULL && proof_find(s, v->arena, x) != RC_OK)
		desk_away(v->desk);
	return x;
}

static bool
add_explained(struct visit *v, struct explained *x, bool user)
{
	struct buf json = { .limit = (size_t)16 << 20 }, plain = { .limit = (size_t)4 << 20 };

	bool fine = explainer_json(x, v->arena, user, v->now_us / 1000000, &json) && explainer_text(x, v->arena, user, &plain);
	const struct doc *d = fine ? doc_read(v->arena, buf_bytes(&json)) : NULL;
	if (d != NULL) {
		add_proof(v, x->account, x->proven == PROVEN_NO);
		add_result(v, d, buf_bytes(&plain));
	}
	buf_free(&json);
	buf_free(&plain);
	return d != NULL;
}

void
page_explain(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit      v = visit_of(desk, request, response);
	struct bytes      text = request->method == HTTP_POST ? http_form(request, "text") : B("");
	struct explained *x = text.len > 0 ? read_report(&v, text) : NULL;
	bool              looked = x == NULL || http_form(request, "live").len == 0 || look(&v, x);

	page_begin(&v, B("Explain a bounce"), NAV_EXPLAIN);
	if (!looked)
		buf_add_str(v.out, "<p class=\"note\" role=\"alert\">DNS was asked often in the last minute. This is what the report itself tells.</p>");
	if (text.len > 0 && (x == NULL || !add_explained(&v, x, for_user(request))))
		buf_add_str(v.out, "<p class=\"note\" role=\"alert\">This is more than can be read at once.</p>");
	add_form(&v, bytes_sub(text, 0, 65536));
	page_end(&v);
}

/* The body is the report itself, whatever its type. */
void
api_explain(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);

	response->type = "application/json";
	if (request->body.len == 0) {
		api_fault(response, 400, "empty", "The body of the request is the report: a message, or text.");
		return;
	}
	struct explained *x = read_report(&v, request->body);
	if (x != NULL && bytes_eq(http_query(request, "live"), B("1")) && !look(&v, x)) {
		api_fault(response, 429, "limit", "DNS may be asked ten times at once, then once in six seconds.");
		return;
	}
	if (x == NULL || !explainer_json(x, v.arena, for_user(request), v.now_us / 1000000, v.out)) {
		buf_clear(v.out);
		api_fault(response, 413, "too-large", "This is more than can be read at once.");
		return;
	}
	buf_add_c(v.out, '\n');
}
