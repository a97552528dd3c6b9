/* desk/api_held.c: the quarantine and tickets for programs; docs/api.md. See visit.h. */
#include "desk/visit.h"

#include "base/codec.h"
#include "base/json.h"
#include "desk/ward.h"
#include "store/search.h"

#define LIST_MOST 500
#define LIST_ROWS 50

static void
json_held(struct json *j, const struct store_held *h)
{
	struct bytes rest = h->recipients, one;

	json_kv_text(j, "id", h->id);
	json_kv_time(j, "time", h->at_us);
	json_kv_text(j, "state", h->state);
	json_kv_text(j, "sender", h->sender);
	json_key(j, "recipients");
	json_open_array(j);
	while (rest.len > 0 && bytes_cut(&rest, '\n', &one))
		if (one.len > 0)
			json_text(j, one);
	json_close_array(j);
	json_kv_text_or_null(j, "from", h->header_from);
	json_kv_text_or_null(j, "subject", h->subject);
	json_kv_text_or_null(j, "reason", h->reason);
	json_kv_int(j, "size", h->size);
	json_kv_time(j, "expires", h->expires_us);
	json_kv_time(j, "changed", h->changed_us);
	json_kv_text_or_null(j, "changed_by", h->changed_by);
	json_kv_text_or_null(j, "vault", h->vault);
}

struct listing {
	struct json         *json;
	size_t               limit, rows;
	bool                 more;
	struct search_cursor last;
};

/* Is there room for this row? Then the next page begins behind it. */
static bool
row_begins(struct listing *l, int64_t at_us, struct bytes id)
{
	l->more = l->rows == l->limit;
	if (l->more)
		return false;
	l->rows++;
	search_cursor_at(&l->last, at_us, id);
	return true;
}

static bool
add_held(void *arg, const struct store_held *h)
{
	struct listing *l = arg;

	if (!row_begins(l, h->at_us, h->id))
		return false;
	json_open_object(l->json);
	json_held(l->json, h);
	json_close_object(l->json);
	return true;
}

/* False: it has answered. */
static bool
read_page(const struct http_request *r, struct http_response *response, struct search_cursor *after, size_t *limit)
{
	struct bytes cursor = http_query(r, "after"), text = http_query(r, "limit");
	uint64_t     n = LIST_ROWS;

	*after = (struct search_cursor){ .at_us = 0 };
	if (text.len > 0 && (!bytes_number(text, LIST_MOST, &n) || n == 0)) {
		api_fault(response, 400, "filter", "The limit is a number from 1 to 500.");
		return false;
	}
	*limit = (size_t)n;
	if (cursor.len == 0 || search_cursor_parse(cursor, after))
		return true;
	api_fault(response, 400, "filter", "This is no place where a list can go on.");
	return false;
}

static void
begin_list(struct visit *v, struct json *j, const char *name)
{
	v->response->type = "application/json";
	json_open_object(j);
	json_key(j, name);
	json_open_array(j);
}

static void
end_list(struct visit *v, struct listing *l, enum rc rc)
{
	char cursor[SEARCH_CURSOR_MAX];

	if (rc != RC_OK) {
		visit_trouble(v, rc);
		return;
	}
	json_close_array(l->json);
	search_cursor_format(&l->last, cursor);
	json_kv_str(l->json, "next", l->more ? cursor : NULL);
	json_close_object(l->json);
	buf_add_c(v->out, '\n');
}

/* One of the words that a list may be asked for, the first when none is; else the fault is told. */
static bool
read_state(const struct http_request *request, struct http_response *response, const char *const *words, size_t count, struct bytes *state_out)
{
	struct bytes said = http_query(request, "state");

	for (size_t i = 0; i < count; i++)
		if (bytes_eq(said, bytes_of(words[i])) || said.len == 0) {
			*state_out = bytes_of(words[i]);
			return true;
		}
	api_fault(response, 400, "state", "That state is unknown; docs/api.md lists them.");
	return false;
}

void
api_quarantine(void *desk, const struct http_request *request, struct http_response *response)
{
	static const char *const states[] = { HELD_HELD, HELD_UNCONFIRMED, HELD_RELEASING, HELD_RELEASED, HELD_DELETED, HELD_EXPIRED };
	struct visit             v = visit_of(desk, request, response);
	struct json              j = json_to(v.out, true);
	struct listing           l = { .json = &j };
	struct search_cursor     after;
	struct bytes             state;
	struct store            *s = desk_store(v.desk, v.arena);

	if (!read_page(request, response, &after, &l.limit) || !read_state(request, response, states, NELEMS(states), &state))
		return;
	begin_list(&v, &j, "messages");
	enum rc rc = s == NULL ? RC_IO :
	                         held_list(s, state, after.at_us, bytes_of(after.id), l.limit + 1, add_held, &l);
	end_list(&v, &l, rc);
}

/* ---- one ---- */

static bool
find(struct visit *v, struct bytes id, struct ward *w)
{
	enum rc rc = ward_find(v, id, w);

	if (rc == RC_LIMIT)
		api_fault(v->response, 404, "not-found", "No message is kept under this id.");
	else if (rc != RC_OK)
		visit_trouble(v, rc);
	return rc == RC_OK;
}

void
api_held(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	struct bytes text = B(""), why = B("");
	bool         more = false;
	struct ward  w;

	if (!find(&v, request->tail, &w))
		return;
	bool shown = release_may_read(&w.held) && ward_text(&w, v.arena, &text, &more, &why) == RC_OK;
	if (shown)
		ward_note(&w, "quarantine.read", B(""));
	response->type = "application/json";
	struct json j = json_to(v.out, true);
	json_open_object(&j);
	json_held(&j, &w.held);
	json_key(&j, "text");
	if (shown)
		json_text(&j, text);
	else
		json_null(&j);
	json_kv_bool(&j, "complete", shown && !more);
	json_close_object(&j);
	buf_add_c(v.out, '\n');
}

/* The path ends with ID/release or ID/delete. */
void
api_held_post(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	struct bytes deed = request->tail, id, why = B("");
	struct ward  w;

	bool release = bytes_cut(&deed, '/', &id) && bytes_eq(deed, B("release"));
	if (!release && !bytes_eq(deed, B("delete"))) {
		api_fault(response, 404, "not-found", "A kept message takes /release and /delete.");
		return;
	}
	if (!find(&v, id, &w))
		return;
	enum rc rc = release ? ward_release(&w, v.arena, &why) : ward_delete(&w, v.arena, &why);
	if (rc != RC_OK) {
		unsigned status = ward_status(rc);
		api_fault(response, status, status == 409 ? "state" : status == 502 ? "refused" : "away", arena_copy(v.arena, why).at);
		return;
	}
	response->type = "application/json";
	struct json j = json_to(v.out, true);
	json_open_object(&j);
	json_held(&j, &w.held);
	json_close_object(&j);
	buf_add_c(v.out, '\n');
}

/* ---- tickets ---- */

static bool
add_ticket(void *arg, const struct store_ticket *t)
{
	struct listing *l = arg;

	if (!row_begins(l, t->at_us, t->id))
		return false;
	json_open_object(l->json);
	json_kv_text(l->json, "id", t->id);
	json_kv_time(l->json, "time", t->at_us);
	json_kv_text(l->json, "account", t->account);
	json_kv_text_or_null(l->json, "contact", t->contact);
	json_kv_text_or_null(l->json, "note", t->note);
	json_kv_text(l->json, "state", t->state);
	json_kv_time(l->json, "changed", t->changed_us);
	json_kv_text_or_null(l->json, "changed_by", t->changed_by);
	json_close_object(l->json);
	return true;
}

void
api_tickets(void *desk, const struct http_request *request, struct http_response *response)
{
	static const char *const states[] = { TICKET_OPEN, TICKET_CLOSED };
	struct visit             v = visit_of(desk, request, response);
	struct json              j = json_to(v.out, true);
	struct listing           l = { .json = &j };
	struct search_cursor     after;
	struct bytes             state;
	struct store            *s = desk_store(v.desk, v.arena);

	if (!read_page(request, response, &after, &l.limit) || !read_state(request, response, states, NELEMS(states), &state))
		return;
	begin_list(&v, &j, "tickets");
	enum rc rc = s == NULL ? RC_IO :
	                         ticket_list(s, state, after.at_us, bytes_of(after.id), l.limit + 1, add_ticket,
	                                     &l);
	end_list(&v, &l, rc);
}

/* The path ends with ID/close or ID/open. */
void
api_ticket_post(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	struct bytes deed = request->tail, id;

	bool close = bytes_cut(&deed, '/', &id) && bytes_eq(deed, B("close"));
	if (!close && !bytes_eq(deed, B("open"))) {
		api_fault(response, 404, "not-found", "A ticket takes /close and /open.");
		return;
	}
	enum rc rc = ticket_move(&v, id, close);
	if (rc == RC_LIMIT) {
		api_fault(response, 409, "state", "That ticket is not there, or it is so already.");
		return;
	}
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	response->type = "application/json";
	struct json j = json_to(v.out, true);
	json_open_object(&j);
	json_kv_text(&j, "id", id_kept(v.arena, id));
	json_kv_str(&j, "state", close ? TICKET_CLOSED : TICKET_OPEN);
	json_close_object(&j);
	buf_add_c(v.out, '\n');
}
