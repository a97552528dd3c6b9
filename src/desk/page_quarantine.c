/* desk/page_quarantine.c: messages that are kept here: the list, one of them, and
 * what can be done with it; see visit.h. */
#include "desk/visit.h"

#include "desk/ward.h"
#include "policy/settings.h"
#include "store/search.h"

#define LIST_ROWS 50

/* ---- the list ---- */

static const struct {
	const char *word, *name, *none;
	bool        rare;
} states[] = {
	{ HELD_HELD, "Kept", "Nothing is kept at present.", false },
	{ HELD_UNCONFIRMED, "Unconfirmed", "No copy was found without its row.", true },
	{ HELD_RELEASING, "Releasing", "None is on its way.", true },
	{ HELD_RELEASED, "Released", "None was released lately.", false },
	{ HELD_DELETED, "Deleted", "None was deleted lately.", false },
	{ HELD_EXPIRED, "Expired", "None has expired lately.", false },
};

static size_t
state_of(struct bytes word)
{
	for (size_t i = 0; i < NELEMS(states); i++)
		if (bytes_eq(word, bytes_of(states[i].word)))
			return i;
	return 0;
}

struct listing {
	struct visit        *visit;
	size_t               rows;
	struct search_cursor last;
};

/* "rosa@example.net and 2 more" */
static void
add_recipients(struct buf *out, struct bytes all)
{
	struct bytes first = B("");
	size_t       more = 0;

	(void)!bytes_cut(&all, '\n', &first);
	for (struct bytes one; all.len > 0 && bytes_cut(&all, '\n', &one);)
		more += one.len > 0;
	html_put(out, "$", H_TEXT(first));
	if (more > 0)
		html_put(out, " and $ more", H_NUM(more));
}

static bool
add_row(void *arg, const struct store_held *h)
{
	struct listing *l = arg;
	struct buf     *out = l->visit->out;

	if (l->rows == LIST_ROWS)
		return false;
	l->rows++;
	search_cursor_at(&l->last, h->at_us, h->id);
	buf_add_str(out, "<tr><td>");
	page_time(out, h->at_us);
	html_put(out, "</td><th scope=\"row\"><a href=\"/quarantine/$\">$</a><span class=\"sub\">$</span><span class=\"sub narrow\">to ",
	         H_URL(h->id), H_TEXT(h->header_from.len > 0 ? h->header_from : h->id), H_TEXT(h->subject));
	add_recipients(out, h->recipients);
	buf_add_str(out, "</span></th><td class=\"more\">");
	add_recipients(out, h->recipients);
	buf_add_str(out, "</td><td class=\"less\">");
	page_reason(out, h->reason);
	html_put(out, "</td><td class=\"more\">$</td><td class=\"num more\">$</td></tr>", H_TEXT(h->sender.len > 0 ? h->sender : B("<>")),
	         H_NUM(h->size));
	return true;
}

static bool
note_any(void *arg, const struct store_held *h)
{
	(void)h;
	*(bool *)arg = true;
	return false;
}

/* Some states last for moments, or come from a kill: they are shown when there are such messages. */
static void
add_states(struct visit *v, size_t chosen)
{
	struct buf *out = v->out;

	buf_add_str(out, "<nav class=\"switch\" aria-label=\"What became of them\"><ul>");
	for (size_t i = 0; i < NELEMS(states); i++) {
		bool shown = !states[i].rare || i == chosen;
		if (!shown && held_list(v->desk->store, bytes_of(states[i].word), 0, B(""), 1, note_any, &shown) != RC_OK)
			shown = false;
		if (!shown)
			continue;
		html_put(out, "<li><a href=\"/quarantine?state=$\"$>$</a></li>", H_STR(states[i].word),
		         i == chosen ? H_MARKUP(" aria-current=\"true\"") : H_MARKUP(""),
		         H_STR(states[i].name));
	}
	buf_add_str(out, "</ul></nav>");
}

static void
add_older(struct buf *out, const struct listing *l, size_t state)
{
	char cursor[SEARCH_CURSOR_MAX];

	search_cursor_format(&l->last, cursor);
	html_put(out, "<p class=\"next\"><a href=\"/quarantine?state=$&amp;after=$\">Older messages</a></p>", H_STR(states[state].word),
	         H_URL(bytes_of(cursor)));
}

void
page_quarantine(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit         v = visit_of(desk, request, response);
	struct listing       l = { .visit = &v };
	struct search_cursor after = { .at_us = 0 };
	size_t               state = state_of(http_query(request, "state"));
	struct store        *s = desk_store(v.desk, v.arena);

	if (s == NULL) {
		visit_trouble(&v, RC_IO);
		return;
	}
	if (!search_cursor_parse(http_query(request, "after"), &after))
		after = (struct search_cursor){ .at_us = 0 };
	page_begin(&v, B("Quarantine"), NAV_QUARANTINE);
	buf_add_str(v.out, "<div class=\"title\"><p class=\"lead\">Messages that were kept here instead of delivered, newest first.</p>");
	add_states(&v, state);
	buf_add_str(v.out, "</div><div class=\"wide card\" tabindex=\"0\" role=\"region\" aria-label=\"Messages kept\"><table class=\"list\">"
	                   "<thead><tr>"
	                   "<th scope=\"col\">Time (UTC)</th><th scope=\"col\">From, subject</th><th scope=\"col\" class=\"more\">Recipients</th>"
	                   "<th scope=\"col\" class=\"less\">Reason</th><th scope=\"col\" class=\"more\">Envelope sender</th>"
	                   "<th scope=\"col\" class=\"num more\">Octets</th></tr></thead><tbody>");
	enum rc rc = held_list(s, bytes_of(states[state].word), after.at_us, bytes_of(after.id), LIST_ROWS + 1, add_row, &l);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	if (l.rows == 0)
		html_put(v.out, "<tr><td colspan=\"6\">$</td></tr>", H_STR(states[state].none));
	buf_add_str(v.out, "</tbody></table></div>");
	if (l.rows == LIST_ROWS)
		add_older(v.out, &l, state);
	page_end(&v);
}

/* ---- one message ---- */

static void
add_pair(struct buf *out, const char *name, struct bytes value)
{
	if (value.len > 0)
		html_put(out, "<div><dt>$</dt><dd>$</dd></div>", H_STR(name), H_TEXT(value));
}

static void
add_times(struct buf *out, const struct store_held *h)
{
	buf_add_str(out, "<div><dt>Came</dt><dd>");
	page_time(out, h->at_us);
	if (release_may_read(h)) {
		buf_add_str(out, "</dd></div><div><dt>Expires</dt><dd>");
		page_time(out, h->expires_us);
	} else {
		html_put(out, "</dd></div><div><dt>Was $</dt><dd>", H_TEXT(h->state));
		page_time(out, h->changed_us);
		html_put(out, " <span class=\"sub\">by $</span>", H_TEXT(h->changed_by));
	}
	buf_add_str(out, "</dd></div>");
}

static void
add_facts(struct buf *out, const struct store_held *h)
{
	struct bytes rest = h->recipients, one;

	buf_add_str(out, "<dl class=\"pairs\">");
	add_pair(out, "From", h->header_from);
	add_pair(out, "Envelope sender", h->sender.len > 0 ? h->sender : B("<>"));
	buf_add_str(out, "<div><dt>Recipients</dt><dd>");
	for (size_t n = 0; rest.len > 0 && bytes_cut(&rest, '\n', &one); n++)
		html_put(out, "$$", n > 0 ? H_MARKUP("<br>") : H_MARKUP(""), H_TEXT(one));
	buf_add_str(out, "</dd></div>");
	add_times(out, h);
	buf_add_str(out, "</dl>");
}

/* Deleting cannot be undone, so it takes two steps, without a script too. */
static void
add_deeds(struct visit *v, const struct ward *w)
{
	const struct store_held *h = &w->held;
	bool on_its_way = bytes_eq(h->state, B(HELD_RELEASING));
	bool to_somebody = v->desk->with.settings->store_release_to.count > 0;

	if (!(v->who->scopes & MAY_CHANGE)) {
		buf_add_str(v->out, "<p class=\"sub\">Your account may look at it. An administrator can release or delete it.</p>");
		return;
	}
	if (on_its_way) {
		html_put(v->out, "<p class=\"sub\">It is on its way: $ releases it. If that was cut short, it is held again after a quarter of an hour.</p>", H_TEXT(h->changed_by));
		return;
	}
	if (!ward_has(w)) {
		html_put(v->out, "<p class=\"note\">Its copy lies with another gateway, in a folder of the name $: release or delete it there.</p>", H_TEXT(h->vault));
		return;
	}
	buf_add_str(v->out, "<form class=\"deeds\" method=\"post\">");
	page_csrf(v);
	if (release_may(h) && to_somebody)
		buf_add_str(v->out, "<button class=\"main\" name=\"do\" value=\"release\">Release to its recipients</button>");
	if (release_may_delete(h))
		buf_add_str(v->out, "<details class=\"sure\"><summary>Delete…</summary><button class=\"danger\" name=\"do\" value=\"delete\">"
		                    "Delete it for good</button></details>");
	buf_add_str(v->out, "</form>");
	if (!release_may(h))
		buf_add_str(v->out, "<p class=\"note\">It cannot be released: its copy was found without its row, so nobody knows for whom it was.</p>");
	else if (!to_somebody)
		buf_add_str(v->out, "<p class=\"note\">Nothing can be released yet: say in the settings which SMTP server takes such messages, "
		                    "<code>store { release_to = inet:127.0.0.1:10025 }</code>, and restart the daemon.</p>");
}

static void
add_text(struct visit *v, struct ward *w)
{
	struct bytes text, line, why = B("");
	bool         more = false;

	buf_add_str(v->out, "<section class=\"card\" aria-labelledby=\"text\"><h2 id=\"text\">The message</h2>");
	if (ward_text(w, v->arena, &text, &more, &why) != RC_OK) {
		html_put(v->out, "<p class=\"note\">$.</p></section>", H_TEXT(why));
		return;
	}
	buf_add_str(v->out, "<p class=\"sub\">As it came, as text; nothing in it is active here.</p><pre class=\"reply mail\" tabindex=\"0\">");
	while (text.len > 0 && bytes_cut_line(&text, &line))
		html_put(v->out, "$\n", H_TEXT(line));
	buf_add_str(v->out, more ? "</pre><p class=\"sub\">Only its beginning is shown.</p></section>" : "</pre></section>");
}

static void
add_held(struct visit *v, struct ward *w, const char *fault, struct bytes why)
{
	const struct store_held *h = &w->held;
	struct bytes             line;

	page_begin(v, arena_printf(v->arena, "Kept message %.*s", B_FMT(h->id)), NAV_QUARANTINE);
	if (fault != NULL)
		html_put(v->out, "<div class=\"note\" role=\"alert\"><p><strong>$</strong></p>", H_STR(fault));
	while (fault != NULL && why.len > 0 && bytes_cut(&why, '\n', &line))
		html_put(v->out, "<p>$</p>", H_TEXT(bytes_trim(line)));
	buf_add_str(v->out, fault != NULL ? "</div>" : "");
	html_put(v->out, "<section class=\"card verdict $\" aria-labelledby=\"held\"><h2 id=\"held\">$</h2><p class=\"sub\">",
	         H_STR(release_may_read(h) ? "quarantine" : ""),
	         H_TEXT(h->subject.len > 0 ? h->subject : B("(no subject)")));
	page_reason(v->out, h->reason);
	html_put(v->out, " · $ octets · <a href=\"/message/$\">its story</a></p>", H_NUM(h->size), H_URL(h->id));
	add_facts(v->out, h);
	if (release_may_read(h))
		add_deeds(v, w);
	buf_add_str(v->out, "</section>");
	if (release_may_read(h))
		add_text(v, w);
	page_end(v);
}

/* False: it has answered. */
static bool
find(struct visit *v, struct bytes id, struct ward *w)
{
	enum rc rc = ward_find(v, id, w);

	if (rc == RC_LIMIT)
		page_fault(v, 404, "No such message", "No message is kept under this id; perhaps it was long ago, or it was never set aside here.");
	else if (rc != RC_OK)
		visit_trouble(v, rc);
	return rc == RC_OK;
}

void
page_held(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	struct ward  w;

	if (!find(&v, request->tail, &w))
		return;
	if (release_may_read(&w.held))
		ward_note(&w, "quarantine.read", B(""));
	add_held(&v, &w, NULL, B(""));
}

void
page_held_post(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	struct bytes deed = http_form(request, "do"), why = B("");
	struct ward  w;

	if (!find(&v, request->tail, &w))
		return;
	bool release = bytes_eq(deed, B("release"));
	if (!release && !bytes_eq(deed, B("delete"))) {
		page_fault(&v, 400, "Try that again", "The form said neither release nor delete.");
		return;
	}
	enum rc rc = release ? ward_release(&w, v.arena, &why) : ward_delete(&w, v.arena, &why);
	if (rc == RC_OK) {
		http_see(response, arena_printf(v.arena, "/quarantine/%.*s", B_FMT(w.held.id)));
		return;
	}
	response->status = ward_status(rc);
	(void)!ward_find(&v, request->tail, &w); /* as it is now */
	add_held(&v, &w, release ? "It was not released." : "It was not deleted.", why);
}
