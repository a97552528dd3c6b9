/* desk/page_message.c: the story of one message; see visit.h.
 *
 * What is on top: what was done, why, and who can mend it. Then what was found,
 * then every question with its answer in the order in which they came. */
#include "desk/visit.h"

#include <inttypes.h>
#include <string.h>

#include "base/codec.h"
#include "desk/chart.h"
#include "desk/doc.h"
#include "desk/told.h"
#include "mail/reason.h"
#include "policy/settings.h"

static void
add_pair(struct buf *out, const char *name, struct bytes value)
{
	if (value.len > 0)
		html_put(out, "<div><dt>$</dt><dd>$</dd></div>", H_STR(name), H_TEXT(value));
}

static void
add_decision(struct visit *v, const struct store_account *a, const struct doc *story)
{
	struct buf       *out = v->out;
	const struct doc *lines = doc_at(story, "decision.reply.lines");

	html_put(out, "<section class=\"card verdict $\" aria-labelledby=\"decision\"><h2 id=\"decision\">", H_TEXT(a->action));
	chart_action(out, a->action);
	buf_add_c(out, ' ');
	page_reason(out, a->reason);
	buf_add_str(out, "</h2>");
	told_advice(out, v->arena, a, story);
	if (a->rule.len > 0)
		html_put(out, "<p class=\"sub\">Decided by <code>$</code>", H_TEXT(a->rule));
	if (a->override.len > 0)
		html_put(out, "; reported as override <code>$</code>", H_TEXT(a->override));
	if (a->rule.len > 0)
		buf_add_str(out, ".</p>");
	if (doc_flag(story, "monitor"))
		buf_add_str(out, "<p class=\"note\">Monitor mode: this was recorded, and the message was let through.</p>");
	if (doc_count(lines) > 0) {
		buf_add_str(out, "<h3>What the sender was told</h3><pre class=\"reply\">");
		for (size_t i = 0; i < doc_count(lines); i++)
			html_put(out, "$$$ $\n", H_INT(doc_number(story, "decision.reply.code")), H_STR(i + 1 < doc_count(lines) ? "-" : " "),
			         H_TEXT(doc_text(story, "decision.reply.enhanced")), H_TEXT(doc_text(doc_item(lines, i), "")));
		buf_add_str(out, "</pre>");
		if (v->desk->with.settings->why_url.len > 0) {
			struct bytes url = v->desk->with.settings->why_url;
			html_put(out, "<p><a href=\"$$$\">The page that explains it to the sender</a></p>", H_TEXT(url),
			         H_STR(url.at[url.len - 1] == '/' ? "" : "/"), H_TEXT(a->id));
		}
	}
	buf_add_str(out, "</section>");
}

/* Where the message itself is, if it was set aside here. */
static void
add_kept(struct visit *v, const struct store_account *a)
{
	struct store_held h;

	if (!bytes_eq(a->action, B("quarantine")) || held_get(v->desk->store, v->arena, a->id, &h) != RC_OK)
		return;
	html_put(v->out, "<p class=\"note aside\">The message was set aside here; it is <strong>$</strong>. <a href=\"/quarantine/$\">$</a></p>",
	         H_TEXT(h.state),
	         H_URL(h.id), H_STR(bytes_eq(h.state, B(HELD_HELD)) ? "Look at it, release or delete it" : "What was done with it"));
}

static void
add_envelope(struct visit *v, const struct store_account *a, const struct doc *story)
{
	struct buf  *out = v->out;
	struct bytes peer = bytes_eq(a->peer, a->client) ? B("") : a->peer;

	buf_add_str(out, "<section class=\"card\" aria-labelledby=\"message\"><h2 id=\"message\">The message</h2><dl class=\"pairs\">");
	buf_add_str(out, "<div><dt>Time</dt><dd>");
	page_time(out, a->at_us);
	buf_add_str(out, "</dd></div>");
	add_pair(out, "Client", a->client.len > 0 ? a->client : B("this host"));
	add_pair(out, "Client name", a->client_name);
	add_pair(out, "HELO", a->helo);
	add_pair(out, "Came through", peer);
	add_pair(out, "Standing", a->standing);
	add_pair(out, "TLS", a->tls);
	add_pair(out, "Logged in as", a->login);
	add_pair(out, "Envelope sender", doc_text(story, "client.mail_from").len > 0 ? doc_text(story, "client.mail_from") : B("<>"));
	add_pair(out, "From", a->header_from);
	add_pair(out, "Subject", a->subject);
	add_pair(out, "Message-ID", a->message_id);
	add_pair(out, "Queue id", a->queue_id);
	html_put(out, "<div><dt>Size</dt><dd>$ octets</dd></div></dl>", H_NUM(a->size));
	html_put(out, "<p class=\"sub\">More <a href=\"/messages?domain=$\">of this domain</a>", H_URL(a->domain));
	html_put(out, ", <a href=\"/messages?client=$\">of this client</a>.</p></section>", H_URL(a->client));
}

static void
add_recipients(struct visit *v, const struct store_account *a)
{
	struct buf *out = v->out;

	buf_add_str(out, "<section class=\"card\" aria-labelledby=\"recipients\"><h2 id=\"recipients\">Recipients</h2>"
	                 "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
	                 "aria-label=\"Recipients\"><table><thead><tr><th scope=\"col\">Address</th><th scope=\"col\">Decision</th>"
	                 "<th scope=\"col\">Reason</th>"
	                 "<th scope=\"col\">Afterwards</th></tr></thead><tbody>");
	for (size_t i = 0; i < a->recipient_count; i++) {
		const struct store_recipient *r = &a->recipients[i];
		html_put(out, "<tr><th scope=\"row\">$</th><td>", H_TEXT(r->address));
		chart_action(out, r->action);
		buf_add_str(out, "</td><td>");
		page_reason(out, r->reason);
		html_put(out, "</td><td>$ <span class=\"sub\">$</span></td></tr>", H_TEXT(r->status), H_TEXT(r->next_hop));
	}
	buf_add_str(out, "</tbody></table></div></section>");
}

static void
add_line(struct buf *out, const struct doc *line)
{
	bool        concludes = doc_at(line, "result") != NULL;
	enum reason reason;

	html_put(out, "<li class=\"$\"><span class=\"check\">$</span> <div>", H_STR(concludes ? "found" : "asked"),
	         H_TEXT(doc_text(line, "check")));
	if (!concludes) {
		html_put(out, "<span class=\"q\">$</span> <span class=\"unseen\">gave</span> <span class=\"a\">$</span>", H_TEXT(doc_text(line, "asked")),
		         H_TEXT(doc_text(line, "answer")));
	} else {
		told_result(out, doc_text(line, "result"));
		buf_add_c(out, ' ');
		if (reason_of(doc_text(line, "reason"), &reason))
			html_put(out, "$", H_STR(reason_row(reason)->line));
		if (doc_text(line, "detail").len > 0)
			html_put(out, ": $", H_TEXT(doc_text(line, "detail")));
		buf_add_c(out, ' ');
		page_reason(out, doc_text(line, "reason"));
	}
	html_put(out, "</div><span class=\"ms\">$ ms</span></li>", H_REAL(doc_real(line, "ms")));
}

static void
add_timeline(struct visit *v, const struct store_account *a, const struct doc *story)
{
	const struct doc *lines = doc_at(story, "account");

	html_put(v->out, "<section class=\"card\" aria-labelledby=\"story\"><h2 id=\"story\">The story</h2><p class=\"sub\">Every question that "
	                 "was asked, "
	                 "the answer, and what was concluded, in this order; $ ms from the end of the message to the decision.</p>"
	                 "<ol class=\"story\">",
	         H_REAL((double)a->took_us / 1000.0));
	for (size_t i = 0; i < doc_count(lines); i++)
		add_line(v->out, doc_item(lines, i));
	buf_add_str(v->out, "</ol></section>");
}

static void
add_results(struct visit *v, const struct store_account *a)
{
	if (a->results.len > 0)
		html_put(v->out, "<section class=\"card\" aria-labelledby=\"header\"><h2 id=\"header\">Authentication-Results</h2>"
		                 "<pre class=\"reply\">$</pre></section>",
		         H_TEXT(a->results));
}

void
page_message(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit         v = visit_of(desk, request, response);
	struct store        *s = desk_store(v.desk, v.arena);
	struct store_account a;

	if (!id_is(request->tail)) {
		page_fault(&v, 404, "No such message", "An account id has twelve letters and digits.");
		return;
	}
	enum rc rc = s == NULL ? RC_IO : store_account_get(s, v.arena, id_kept(v.arena, request->tail), &a);
	if (rc == RC_LIMIT) {
		page_fault(&v, 404, "No such message", "No account has this id; perhaps it is older than accounts are kept.");
		return;
	}
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	const struct doc *story = doc_read(v.arena, a.story);
	page_begin(&v, arena_printf(v.arena, "Message %.*s", B_FMT(a.id)), NAV_MESSAGES);
	add_kept(&v, &a);
	add_decision(&v, &a, story);
	told_checks(v.out, v.arena, story);
	buf_add_str(v.out, "<div class=\"two\">");
	add_envelope(&v, &a, story);
	add_recipients(&v, &a);
	buf_add_str(v.out, "</div>");
	add_timeline(&v, &a, story);
	add_results(&v, &a);
	page_end(&v);
}
