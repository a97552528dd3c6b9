/* desk/page_messages.c: the search for messages; see visit.h. */
#include "desk/visit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "desk/chart.h"
#include "desk/query.h"
#include "mail/reason.h"
#include "policy/decision.h"

static struct bytes
field_of(const struct search *q, const struct query_field *f)
{
	return *(const struct bytes *)(const void *)((const char *)q + f->at);
}

static void
add_option(struct buf *out, const char *word, struct bytes chosen)
{
	html_put(out, "<option$>$</option>", bytes_eq(chosen, bytes_of(word)) ? H_MARKUP(" selected") : H_MARKUP(""), H_STR(word));
}

static void
add_choice(struct buf *out, const struct query_field *f, struct bytes chosen)
{
	html_put(out, "<div><label for=\"f-$\">$</label><select id=\"f-$\" name=\"$\"><option value=\"\">any</option>", H_STR(f->name),
	         H_STR(f->label),
	         H_STR(f->name), H_STR(f->name));
	if (f->at == offsetof(struct search, action))
		for (int i = 0; i < CHART_SERIES; i++)
			add_option(out, action_word((enum action)i), chosen);
	else
		for (size_t i = 0; i < REASON_COUNT; i++)
			if (reason_row((enum reason)i)->code != 0 || bytes_starts(bytes_of(reason_word((enum reason)i)), B("accept.")) ||
			    bytes_starts(bytes_of(reason_word((enum reason)i)), B("quarantine.")))
				add_option(out, reason_word((enum reason)i), chosen);
	buf_add_str(out, "</select></div>");
}

static void
add_input(struct buf *out, const char *name, const char *label, const char *hint, struct bytes value)
{
	html_put(out, "<div><label for=\"f-$\">$</label><input id=\"f-$\" name=\"$\" value=\"$\" placeholder=\"$\" autocomplete=\"off\" "
	              "spellcheck=\"false\"></div>",
	         H_STR(name), H_STR(label), H_STR(name), H_STR(name), H_TEXT(value), H_STR(hint));
}

static void
add_filters(struct visit *v, const struct search *q)
{
	static const char *const hints[] = { "a@example.com", "b@example.net", "example.com", "192.0.2.1", "", "", "", "" };

	buf_add_str(v->out, "<form class=\"filters card\" method=\"get\" action=\"/messages\" aria-label=\"Filters\">");
	for (size_t i = 0; i < query_field_count; i++) {
		const struct query_field *f = &query_fields[i];
		bool                      choice = f->at == offsetof(struct search, action) || f->at == offsetof(struct search, reason);
		if (choice)
			add_choice(v->out, f, field_of(q, f));
		else
			add_input(v->out, f->name, f->label, hints[i], field_of(q, f));
	}
	add_input(v->out, "since", "Since (UTC)", "7d or 2026-11-21", http_query(v->request, "since"));
	add_input(v->out, "until", "Until (UTC)", "2026-11-21T12:00", http_query(v->request, "until"));
	buf_add_str(v->out, "<div class=\"go\"><button class=\"main\">Search</button> <a href=\"/messages\">Clear</a></div></form>");
}

struct listing {
	struct visit *visit;
	size_t        rows;
};

static bool
add_row(void *arg, const struct store_account *a)
{
	struct listing *l = arg;
	struct buf     *out = l->visit->out;

	l->rows++;
	buf_add_str(out, "<tr><td>");
	page_time(out, a->at_us);
	buf_add_str(out, "</td><th scope=\"row\">");
	html_put(out, "<a href=\"/message/$\">$</a><span class=\"sub\">$</span></th><td>", H_URL(a->id),
	         H_TEXT(a->domain.len > 0 ? a->domain : B("(no From)")),
	         H_TEXT(a->subject.len > 0 ? a->subject : B("")));
	chart_action(out, a->action);
	buf_add_str(out, " <span class=\"less\">");
	page_reason(out, a->reason);
	html_put(out, "</span></td><td class=\"more\">$</td><td class=\"more\"><span class=\"ip\">$</span><span class=\"sub\">$</span></td></tr>",
	         H_TEXT(a->sender.len > 0 ? a->sender : B("<>")), H_TEXT(a->client.len > 0 ? a->client : B("this host")), H_TEXT(a->client_name));
	return true;
}

static void
add_next(struct visit *v, const struct search_end *end, size_t rows)
{
	struct buf to = { .limit = 16384 };
	char       cursor[SEARCH_CURSOR_MAX];

	if (end->complete)
		return;
	query_write(&to, v->request);
	if (to.len > 0)
		buf_add_c(&to, '&');
	search_cursor_format(&end->next, cursor);
	buf_add_str(&to, "after=");
	html_url(&to, bytes_of(cursor));
	html_put(v->out, "<p class=\"next\"><a href=\"/messages?$\">$</a></p>", H_TEXT(buf_bytes(&to)),
	         H_STR(rows > 0 ? "Older messages" : "Nothing yet: look further back"));
	buf_free(&to);
}

void
page_messages(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit      v = visit_of(desk, request, response);
	struct listing    list = { .visit = &v };
	struct search_end end = { .complete = true };
	struct search     q;
	const char       *why = NULL;

	bool          fine = query_read(request, v.now_us, &q, &why);
	struct store *s = desk_store(v.desk, v.arena);
	if (s == NULL) {
		visit_trouble(&v, RC_IO);
		return;
	}
	page_begin(&v, B("Messages"), NAV_MESSAGES);
	add_filters(&v, &q);
	if (!fine) {
		response->status = 400;
		html_put(v.out, "<p class=\"note\" role=\"alert\">$</p>", H_STR(why));
		page_end(&v);
		return;
	}
	buf_add_str(v.out, "<div class=\"wide card\" tabindex=\"0\" role=\"region\" aria-label=\"Messages found\"><table class=\"list\"><thead>"
	                   "<tr>"
	                   "<th scope=\"col\">Time (UTC)</th><th scope=\"col\">From domain, subject</th>"
	                   "<th scope=\"col\">Decision</th><th scope=\"col\" class=\"more\">Envelope sender</th>"
	                   "<th scope=\"col\" class=\"more\">Client</th></tr></thead><tbody>");
	enum rc rc = search_run(s, &q, add_row, &list, &end);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	if (list.rows == 0)
		buf_add_str(v.out, "<tr><td colspan=\"5\">No message fits these filters.</td></tr>");
	buf_add_str(v.out, "</tbody></table></div>");
	add_next(&v, &end, list.rows);
	page_end(&v);
}

/* One box for whatever is at hand: an id leads to its story, all else to a search. */
void
page_find(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	struct bytes q = bytes_trim(http_query(request, "q"));
	struct buf   to = { .limit = 16384 };
	struct ip    ip;

	if (id_is(q))
		buf_add_str(&to, "/message/");
	else if (ip_parse(q, &ip))
		buf_add_str(&to, "/messages?client=");
	else if (q.len > 0 && q.at[0] == '<')
		buf_add_str(&to, "/messages?message_id=");
	else if (bytes_has(q, '@'))
		buf_add_str(&to, "/messages?sender=");
	else if (bytes_has(q, '.'))
		buf_add_str(&to, "/messages?domain=");
	else
		buf_add_str(&to, "/messages?queue_id=");
	html_url(&to, q);
	http_see(response, arena_copy(v.arena, q.len > 0 ? buf_bytes(&to) : B("/messages")));
	buf_free(&to);
}
