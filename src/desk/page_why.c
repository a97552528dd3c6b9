/* desk/page_why.c: the page that explains a refusal to its sender; see visit.h.
 *
 * Anybody who has the id may read it, and nobody else can find it: an id has 60
 * random bits. Only refusals are shown, since only they tell the sender an id;
 * whatever else an id may stand for looks like one that never was. A POST asks
 * DNS again, or the postmaster to look; both only so often. */
#include "desk/visit.h"

#include "base/codec.h"
#include "base/log.h"
#include "desk/recheck.h"
#include "desk/told.h"
#include "mail/reason.h"
#include "policy/settings.h"

#define OPEN_MOST    3 /* tickets about one refusal */
#define WAITING_MOST 1000 /* about all; open ones are never forgotten */
#define CONTACT_MOST 254
#define NOTE_MOST    4000

static void
add_none(struct visit *v)
{
	v->response->status = 404;
	page_begin_plain(v->out, B("Why was my mail refused?"));
	buf_add_str(v->out, "<div class=\"why\"><header><p class=\"brand\">Why was my mail refused?</p></header><section class=\"card\">"
	                    "<h1>Nothing is known under this id</h1>"
	                    "<p class=\"lead\">The link in a refusal ends with twelve letters and digits. Please compare them with the address "
	                    "of this page.</p>"
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

/* The refusal that the path names. False: it has answered. */
static bool
find_refusal(struct visit *v, struct store_account *a, const struct doc **story_out)
{
	/* An id that cannot be is looked for too, so that it takes as long as any other. */
	struct bytes  id = id_is(v->request->tail) ? id_kept(v->arena, v->request->tail) : B("AAAAAAAAAAAA");
	struct store *s = desk_store(v->desk, v->arena);
	enum rc       rc = s == NULL ? RC_IO : store_account_get(s, v->arena, id, a);

	if (rc != RC_OK && rc != RC_LIMIT) {
		visit_trouble(v, rc);
		return false;
	}
	*story_out = rc == RC_OK && is_refusal(a) ? doc_read(v->arena, a->story) : NULL;
	if (*story_out == NULL)
		add_none(v);
	return *story_out != NULL;
}

/* ---- what DNS says now ---- */

static const struct {
	const char *kind, *mark, *word;
} states[] = {
	[CHECK_FAULT] = { "bad", "✕", "fault" },
	[CHECK_FINE] = { "good", "✓", "fine" },
	[CHECK_UNKNOWN] = { "doubt", "?", "not known" },
};

static const char *
check_name(const char *check)
{
	static const struct {
		const char *check, *name;
	} names[] = { { "spf", "SPF" }, { "dkim", "DKIM key" }, { "dmarc", "DMARC" }, { "ptr", "Reverse DNS" } };

	for (size_t i = 0; i < NELEMS(names); i++)
		if (bytes_eq(bytes_of(check), bytes_of(names[i].check)))
			return names[i].name;
	return check;
}

static const char *
end_sentence(enum again_end end)
{
	switch (end) {
	case AGAIN_PASSES:
		return "Now such a mail passes. Send it again.";
	case AGAIN_PERHAPS:
		return "Now such a mail may pass: send it again and see.";
	case AGAIN_FAILS:
		return "Such a mail would still be refused.";
	case AGAIN_SET_ASIDE:
		return "Such a mail would not be refused now, but set aside.";
	default:
		return "It could not be found out whether such a mail would pass now.";
	}
}

static void
add_now(struct visit *v, const struct store_account *a, const struct again_report *r)
{
	struct buf *out = v->out;
	bool        decides = bytes_starts(a->reason, B("dmarc."));

	html_put(out, "<section class=\"card verdict $\" aria-labelledby=\"now\"><h2 id=\"now\" role=\"status\">$</h2>",
	         H_STR(!decides ? "" : r->end == AGAIN_PASSES ? "accept" : r->end == AGAIN_FAILS ? "reject" : "quarantine"),
	         H_STR(decides ? end_sentence(r->end) : "What DNS says now"));
	buf_add_str(out, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Then and now\"><table class=\"again\"><thead><tr>"
	                 "<th scope=\"col\">Check</th><th scope=\"col\">Then</th><th scope=\"col\">Now</th></tr></thead><tbody>");
	for (size_t i = 0; i < r->count; i++) {
		const struct again_line *l = &r->lines[i];
		html_put(out, "<tr><th scope=\"row\">$ <span class=\"sub\">$</span></th><td data-when=\"then\">", H_STR(check_name(l->checked.check)),
		         H_TEXT(l->about));
		if (l->then.len > 0)
			told_result(out, l->then);
		else
			buf_add_str(out, "<span class=\"sub\">not asked</span>");
		html_put(out, "</td><td data-when=\"now\"><span class=\"result $\"><span aria-hidden=\"true\">$</span> $</span> "
		              "<span class=\"sub\">$</span></td></tr>",
		         H_STR(states[l->checked.state].kind), H_STR(states[l->checked.state].mark), H_STR(states[l->checked.state].word),
		         H_TEXT(l->checked.evidence));
	}
	buf_add_str(out, "</tbody></table></div><p class=\"sub\">As DNS answered at ");
	page_time(out, v->now_us);
	buf_add_str(out, " UTC. A record that was changed a moment ago may be known to some only when the time to live of the old one is "
	                 "over.</p></section>");
}

static void
add_check_form(struct visit *v, bool again)
{
	html_put(v->out,
	         "<section class=\"card\" aria-labelledby=\"mended\"><h2 id=\"mended\">Mended something?</h2><p>SPF, DKIM keys, DMARC and "
	         "reverse DNS are "
	         "asked for now, and shown beside what was found when the mail came.</p><form method=\"post\"><button class=\"main\" name=\"do\" "
	         "value=\"check\">$</button></form></section>",
	         H_STR(again ? "Check once more" : "Check again now"));
}

/* ---- the postmaster ---- */

static void
add_ticket_form(struct visit *v, const struct store_account *a)
{
	struct buf *out = v->out;
	int64_t     open = 0;

	if (!v->desk->with.settings->web_why_tickets)
		return;
	if (ticket_count(v->desk->store, a->id, &open) != RC_OK) {
		desk_away(v->desk); /* the rest of the page needs it no more */
		return;
	}
	html_put(out, "<section class=\"card\" aria-labelledby=\"ask\"><h2 id=\"ask\">Ask the postmaster to look</h2>$",
	         open > 0 ? H_MARKUP("<p class=\"note aside\" role=\"status\">The postmaster has been asked to look at this.</p>") : H_MARKUP(""));
	if (open < OPEN_MOST)
		html_put(out,
		         "<p>If this refusal seems wrong, tell the people who run $. They see this page, and what is written here.</p>"
		         "<form class=\"ask\" method=\"post\"><label for=\"contact\">Your address, if you want an answer</label>"
		         "<input id=\"contact\" name=\"contact\" type=\"email\" autocomplete=\"email\" maxlength=\"254\">"
		         "<label for=\"note\">What should they know?</label><textarea id=\"note\" name=\"note\" rows=\"4\" maxlength=\"2000\"></textarea>"
		         "<button name=\"do\" value=\"ask\">Ask the postmaster</button></form>",
		         H_TEXT(v->desk->with.settings->hostname));
	buf_add_str(out, "</section>");
}

/* ---- the page ---- */

static void
add_refusal(struct visit *v, const struct store_account *a, const struct doc *story)
{
	struct buf *out = v->out;
	bool        later = bytes_eq(a->action, B("defer"));

	html_put(out, "<section class=\"card verdict $\"><h1>$</h1>", H_TEXT(a->action),
	         H_STR(later ? "Your mail was not accepted yet" : "Your mail was refused"));
	told_advice(out, v->arena, a, story);
	html_put(out, "<dl class=\"pairs\"><div><dt>From domain</dt><dd>$</dd></div>",
	         H_TEXT(a->domain.len > 0 ? a->domain : B("none that could be read")));
	html_put(out, "<div><dt>Sent by</dt><dd>$ <span class=\"sub\">HELO $</span></dd></div>", H_TEXT(a->client), H_TEXT(a->helo));
	if (doc_text(story, "message.message_id").len > 0)
		html_put(out, "<div><dt>Message-ID</dt><dd>$</dd></div>", H_TEXT(doc_text(story, "message.message_id")));
	html_put(out, "<div><dt>Answer</dt><dd>$ $ <span class=\"sub\">$</span></dd></div></dl></section>",
	         H_INT(doc_number(story, "decision.reply.code")),
	         H_TEXT(doc_text(story, "decision.reply.enhanced")), H_TEXT(a->reason));
}

/* `fault` and `now` may be NULL. */
static void
add_page(struct visit *v, const struct store_account *a, const struct doc *story, const char *fault, const struct again_report *now)
{
	struct buf *out = v->out;

	page_begin_plain(out, B("Why was my mail refused?"));
	html_put(out, "<div class=\"why\"><header><p class=\"brand\">Why was my mail refused?</p><p class=\"sub\">$ · ",
	         H_TEXT(v->desk->with.settings->hostname));
	page_time(out, a->at_us);
	html_put(out, " UTC · <code>$</code></p></header>", H_TEXT(a->id));
	if (fault != NULL)
		html_put(out, "<p class=\"note\" role=\"alert\">$</p>", H_STR(fault));
	if (now != NULL)
		add_now(v, a, now);
	add_refusal(v, a, story);
	told_records(out, v->arena, a, story);
	if (v->desk->with.live != NULL)
		add_check_form(v, now != NULL);
	told_checks(out, v->arena, story);
	add_ticket_form(v, a);
	buf_add_str(out, "<p class=\"sub\">This page shows what the mail itself said and what DNS publishes, as they were when the mail came. "
	                 "Forward its address to whoever runs the mail of the sender.</p></div>");
	page_end_plain(out);
}

/* False: it has answered. */
static bool
may_come(struct visit *v)
{
	if (visit_take_from(v, LIMITED_WHY))
		return true;
	page_fault(v, 429, "A little slower", "There were many requests from your address. Try again in a moment.");
	return false;
}

void
page_why(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit         v = visit_of(desk, request, response);
	struct store_account a;
	const struct doc    *story;

	if (may_come(&v) && find_refusal(&v, &a, &story))
		add_page(&v, &a, story, NULL, NULL);
}

static void
check_again(struct visit *v, const struct store_account *a, const struct doc *story)
{
	if (!visit_take_from(v, LIMITED_LOOK_FROM) || !visit_take(v, LIMITED_LOOK_AT, a->id) || !visit_take(v, LIMITED_LOOK_ALL, B("all"))) {
		add_page(v, a, story, "It was checked a moment ago. Try again in a while.", NULL);
		return;
	}
	const struct web_settings *with = &v->desk->with;
	const struct again_report *now = with->live == NULL ? NULL : recheck(v->arena, with->live, with->settings, with->suffix, a, story, v->now_us / 1000000);
	add_page(v, a, story, now == NULL ? "DNS cannot be asked just now." : NULL, now);
	log_event(AT_INFO, "why.checked", F_TEXT("id", a->id), F_TEXT("client", visit_client(v)),
	          F_INT("end", now != NULL ? (int64_t)now->end : 0));
}

/* Is there room for one more? Else RC_LIMIT and why not, or the store's trouble. */
static enum rc
may_ask(struct visit *v, const struct store_account *a, const char **fault_out)
{
	int64_t open = 0, waiting = 0;
	enum rc rc = ticket_count(v->desk->store, a->id, &open);

	if (rc == RC_OK)
		rc = ticket_waiting(v->desk->store, WAITING_MOST, &waiting);
	if (rc != RC_OK)
		return rc;
	if (open >= OPEN_MOST)
		*fault_out = "The postmaster has been asked several times already.";
	else if (waiting >= WAITING_MOST)
		*fault_out = "More has been asked than the postmaster could answer yet. Try again later.";
	else if (!visit_take_from(v, LIMITED_ASK_FROM) || !visit_take(v, LIMITED_ASK_ALL, B("all")))
		*fault_out = "Too many have asked just now. Try again later.";
	else
		return RC_OK;
	return RC_LIMIT;
}

/* As may_ask(). */
static enum rc
file_ticket(struct visit *v, const struct store_account *a, struct bytes contact, struct bytes note, const char **fault_out)
{
	char    id[ID_LEN + 1];
	enum rc rc;

	if (contact.len > CONTACT_MOST || note.len > NOTE_MOST) {
		*fault_out = "That is more than can be taken. Say it shorter.";
		return RC_LIMIT;
	}
	rc = may_ask(v, a, fault_out);
	if (rc != RC_OK)
		return rc;
	struct store_ticket t = { .at_us = v->now_us, .account = a->id, .contact = contact, .note = note, .state = B(TICKET_OPEN),
	                          .changed_us = v->now_us };
	if (!row_id(id))
		return RC_IO;
	t.id = bytes_of(id);
	rc = ticket_add(v->desk->store, &t);
	if (rc == RC_OK)
		audit_note(v->desk->store, B("(why page)"), "ticket.filed", a->id, t.id, visit_client(v));
	return rc;
}

static void
ask_postmaster(struct visit *v, const struct store_account *a, const struct doc *story)
{
	const char *fault = NULL;
	enum rc     rc = file_ticket(v, a, bytes_trim(http_form(v->request, "contact")), bytes_trim(http_form(v->request, "note")), &fault);

	if (rc == RC_OK) {
		http_see(v->response, arena_printf(v->arena, "%.*s#ask", B_FMT(a->id)));
		return;
	}
	if (rc != RC_LIMIT) {
		visit_trouble(v, rc);
		return;
	}
	if (v->response->status == 0)
		v->response->status = 400;
	add_page(v, a, story, fault, NULL);
}

void
page_why_post(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit         v = visit_of(desk, request, response);
	struct bytes         deed = http_form(request, "do");
	struct store_account a;
	const struct doc    *story;

	if (!may_come(&v))
		return;
	if (visit_is_foreign(request)) {
		page_fault(&v, 403, "Try that again", "The form did not come from here.");
		return;
	}
	if (!find_refusal(&v, &a, &story))
		return;
	if (bytes_eq(deed, B("check")))
		check_again(&v, &a, story);
	else if (bytes_eq(deed, B("ask")) && v.desk->with.settings->web_why_tickets)
		ask_postmaster(&v, &a, story);
	else
		page_fault(&v, 400, "Try that again", "The form asked for nothing that is known here.");
}
