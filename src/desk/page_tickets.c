/* desk/page_tickets.c: what refused senders ask the postmaster; see visit.h. All
 * of it was written by strangers. */
#include "desk/visit.h"

#include "base/codec.h"
#include "store/search.h"

#define LIST_ROWS 50

struct listing {
	struct visit        *visit;
	size_t               rows;
	struct search_cursor last;
	bool                 open;
};

static void
add_button(struct visit *v, const struct store_ticket *t, bool open)
{
	if (!(v->who->scopes & MAY_CHANGE))
		return;
	html_put(v->out, "<form method=\"post\" action=\"/tickets/$\">", H_URL(t->id));
	page_csrf(v);
	html_put(v->out, "<button name=\"do\" value=\"$\">$ <span class=\"unseen\">ticket $</span></button></form>",
	         H_STR(open ? "close" : "open"),
	         H_STR(open ? "Close" : "Open again"), H_TEXT(t->id));
}

static void
add_note(struct buf *out, struct bytes note)
{
	struct bytes line;

	buf_add_str(out, "<div class=\"said\">");
	while (note.len > 0 && bytes_cut_line(&note, &line))
		html_put(out, "<p>$</p>", H_TEXT(line));
	buf_add_str(out, "</div>");
}

static bool
add_ticket(void *arg, const struct store_ticket *t)
{
	struct listing *l = arg;
	struct buf     *out = l->visit->out;

	if (l->rows == LIST_ROWS)
		return false;
	l->rows++;
	search_cursor_at(&l->last, t->at_us, t->id);
	html_put(out, "<li class=\"card ticket\" id=\"$\"><div><p class=\"sub\">", H_TEXT(t->id));
	page_time(out, t->at_us);
	html_put(out, " UTC · about <a href=\"/message/$\"><code>$</code></a>", H_URL(t->account), H_TEXT(t->account));
	if (!l->open)
		html_put(out, " · closed by $", H_TEXT(t->changed_by));
	html_put(out, "</p><h2>$</h2>", H_TEXT(t->contact.len > 0 ? t->contact : B("(no address given)")));
	add_note(out, t->note.len > 0 ? t->note : B("(nothing was written)"));
	buf_add_str(out, "</div>");
	add_button(l->visit, t, l->open);
	buf_add_str(out, "</li>");
	return true;
}

static void
add_states(struct buf *out, bool open)
{
	buf_add_str(out, "<nav class=\"switch\" aria-label=\"Which tickets\"><ul>");
	for (int i = 0; i < 2; i++)
		html_put(out, "<li><a href=\"/tickets?state=$\"$>$</a></li>", H_STR(i == 0 ? TICKET_OPEN : TICKET_CLOSED),
		         open == (i == 0) ? H_MARKUP(" aria-current=\"true\"") : H_MARKUP(""), H_STR(i == 0 ? "Open" : "Closed"));
	buf_add_str(out, "</ul></nav>");
}

static void
add_end(struct buf *out, const struct listing *l)
{
	char cursor[SEARCH_CURSOR_MAX];

	buf_add_str(out, "</ul>");
	if (l->rows == 0)
		html_put(out, "<p class=\"card empty\">$</p>", H_STR(l->open ? "Nobody asks for anything." : "None was closed yet."));
	if (l->rows < LIST_ROWS)
		return;
	search_cursor_format(&l->last, cursor);
	html_put(out, "<p class=\"next\"><a href=\"/tickets?state=$&amp;after=$\">Older tickets</a></p>",
	         H_STR(l->open ? TICKET_OPEN : TICKET_CLOSED),
	         H_URL(bytes_of(cursor)));
}

void
page_tickets(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit         v = visit_of(desk, request, response);
	struct listing       l = { .visit = &v, .open = !bytes_eq(http_query(request, "state"), B(TICKET_CLOSED)) };
	struct search_cursor after;
	struct store        *s = desk_store(v.desk, v.arena);

	if (s == NULL) {
		visit_trouble(&v, RC_IO);
		return;
	}
	if (!search_cursor_parse(http_query(request, "after"), &after))
		after = (struct search_cursor){ .at_us = 0 };
	page_begin(&v, B("Tickets"), NAV_TICKETS);
	buf_add_str(v.out, "<div class=\"title\"><p class=\"lead\">What refused senders wrote on the why page, newest first.</p>");
	add_states(v.out, l.open);
	buf_add_str(v.out, "</div><ul class=\"tickets\">");
	enum rc rc = ticket_list(s, l.open ? B(TICKET_OPEN) : B(TICKET_CLOSED), after.at_us, bytes_of(after.id), LIST_ROWS + 1, add_ticket, &l);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	add_end(v.out, &l);
	page_end(&v);
}

enum rc
ticket_move(struct visit *v, struct bytes id, bool close)
{
	struct store *s = desk_store(v->desk, v->arena);
	struct bytes  name = id_kept(v->arena, id);

	if (s == NULL)
		return RC_IO;
	if (!id_is(id))
		return RC_LIMIT;
	enum rc rc = ticket_change(s, name, close ? B(TICKET_OPEN) : B(TICKET_CLOSED), close ? B(TICKET_CLOSED) : B(TICKET_OPEN), v->now_us,
	                           v->who->name);
	if (rc == RC_OK)
		audit_note(s, v->who->name, close ? "ticket.close" : "ticket.open", name, B(""), visit_client(v));
	return rc;
}

void
page_ticket_post(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	bool         close = bytes_eq(http_form(request, "do"), B("close"));
	enum rc      rc = ticket_move(&v, request->tail, close);

	if (rc == RC_LIMIT)
		page_fault(&v, 409, "Not so any more", "That ticket is not there, or somebody was quicker.");
	else if (rc != RC_OK)
		visit_trouble(&v, rc);
	else
		http_see(response, close ? B("/tickets") : B("/tickets?state=closed"));
}
