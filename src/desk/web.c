/* desk/web.c: see web.h. The routes of the desk and of the why page, and who may go where. */
#include "desk/web.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "desk/signin.h"
#include "desk/visit.h"
#include "policy/settings.h"

#define FORM_MAX    ((size_t)16 << 10)
#define CONNECTIONS 256
#define SLOTS       4096
#define WORKERS     2

/* One listener, its thread, and the workers of its slow rows. */
struct place {
	struct desk  desk, workers[WORKERS];
	void        *hands[WORKERS];
	struct http *http;
};

struct web {
	struct limit *limits[LIMITED_KINDS];
	struct place  desk, why;
};

/* So many at once, then one in that time. */
static const struct {
	unsigned burst, every_ms;
} limited[LIMITED_KINDS] = {
	[LIMITED_SIGN_IN_FROM] = { 10, 20000 },
	[LIMITED_SIGN_IN_AS] = { 10, 20000 },
	[LIMITED_WHY] = { 60, 1000 },
	[LIMITED_LOOK_FROM] = { 5, 10000 },
	[LIMITED_LOOK_AT] = { 5, 10000 },
	[LIMITED_LOOK_ALL] = { 30, 1000 },
	[LIMITED_LIVE] = { 10, 6000 },
	[LIMITED_ASK_FROM] = { 3, 600000 },
	[LIMITED_ASK_ALL] = { 30, 60000 },
};

static const struct http_route desk_routes[] = {
	{ HTTP_GET, "/", false, ACCESS_READ, 0, page_overview, false },
	{ HTTP_GET, "/messages", false, ACCESS_READ, 0, page_messages, false },
	{ HTTP_GET, "/message/", true, ACCESS_READ, 0, page_message, false },
	{ HTTP_GET, "/find", false, ACCESS_READ, 0, page_find, false },
	{ HTTP_GET, "/quarantine", false, ACCESS_READ, 0, page_quarantine, false },
	{ HTTP_GET, "/quarantine/", true, ACCESS_READ, 0, page_held, true },
	{ HTTP_POST, "/quarantine/", true, ACCESS_CHANGE, FORM_MAX, page_held_post, true },
	{ HTTP_GET, "/tickets", false, ACCESS_READ, 0, page_tickets, false },
	{ HTTP_POST, "/tickets/", true, ACCESS_CHANGE, FORM_MAX, page_ticket_post, false },
	{ HTTP_GET, "/reasons", false, ACCESS_READ, 0, page_reasons, false },
	{ HTTP_GET, "/health", false, ACCESS_READ, 0, page_health, false },
	{ HTTP_GET, "/explain", false, ACCESS_EXPLAIN, 0, page_explain, false },
	{ HTTP_POST, "/explain", false, ACCESS_EXPLAIN, EXPLAIN_MAX * 3, page_explain, true },
	{ HTTP_GET, "/audit", false, ACCESS_CHANGE, 0, page_audit, false },
	{ HTTP_GET, "/login", false, ACCESS_OPEN, 0, page_login, false },
	{ HTTP_POST, "/login", false, ACCESS_OPEN, FORM_MAX, page_login_post, true },
	{ HTTP_POST, "/logout", false, ACCESS_READ, FORM_MAX, page_logout, false },
	{ HTTP_GET, "/asset/", true, ACCESS_OPEN, 0, page_asset, false },
	{ HTTP_GET, "/healthz", false, ACCESS_OPEN, 0, api_healthz, false },
	{ HTTP_GET, "/metrics", false, ACCESS_METRICS | ACCESS_API, 0, api_metrics, false },
	{ HTTP_GET, "/api/v1/health", false, ACCESS_READ | ACCESS_API, 0, api_health, false },
	{ HTTP_GET, "/api/v1/overview", false, ACCESS_READ | ACCESS_API, 0, api_overview, false },
	{ HTTP_GET, "/api/v1/messages", false, ACCESS_READ | ACCESS_API, 0, api_messages, false },
	{ HTTP_GET, "/api/v1/messages/", true, ACCESS_READ | ACCESS_API, 0, api_message, false },
	{ HTTP_GET, "/api/v1/quarantine", false, ACCESS_READ | ACCESS_API, 0, api_quarantine, false },
	{ HTTP_GET, "/api/v1/quarantine/", true, ACCESS_READ | ACCESS_API, 0, api_held, true },
	{ HTTP_POST, "/api/v1/quarantine/", true, ACCESS_CHANGE | ACCESS_API, FORM_MAX, api_held_post, true },
	{ HTTP_GET, "/api/v1/tickets", false, ACCESS_READ | ACCESS_API, 0, api_tickets, false },
	{ HTTP_POST, "/api/v1/tickets/", true, ACCESS_CHANGE | ACCESS_API, FORM_MAX, api_ticket_post, false },
	{ HTTP_GET, "/api/v1/reasons", false, ACCESS_READ | ACCESS_API, 0, api_reasons, false },
	{ HTTP_POST, "/api/v1/explain", false, ACCESS_EXPLAIN | ACCESS_API, EXPLAIN_MAX, api_explain, true },
};

static const struct http_route why_routes[] = {
	{ HTTP_GET, "/why/", true, ACCESS_OPEN, 0, page_why, false },
	{ HTTP_POST, "/why/", true, ACCESS_OPEN, FORM_MAX, page_why_post, true },
	{ HTTP_GET, "/asset/", true, ACCESS_OPEN, 0, page_asset, false },
};

/* ---- who asks ---- */

const char *
web_cookie_name(const struct settings *s)
{
	return s->web_secure_cookies ? "__Host-mailreeve" : "mailreeve";
}

static void
ask_to_sign_in(struct visit *v, bool api)
{
	if (api) {
		v->response->challenge = "Bearer realm=\"mailreeve\"";
		api_fault(v->response, 401, "not-signed-in", "A token is needed: Authorization: Bearer TOKEN.");
		return;
	}
	struct buf to = { .limit = 4096 };
	buf_add_str(&to, "/login");
	if (v->request->method == HTTP_GET && v->request->path.len < 1000) {
		buf_add_str(&to, "?to=");
		html_url(&to, v->request->path);
	}
	http_see(v->response, arena_copy(v->arena, buf_bytes(&to)));
	buf_free(&to);
}

/* By token where one is given, else by the cookie of a session. */
static enum rc
find_who(struct visit *v, bool api, struct who *who_out)
{
	const struct settings *settings = v->desk->with.settings;
	struct bytes           bearer = http_header(v->request, "Authorization");
	struct bytes           cookie = http_cookie(v->request, web_cookie_name(settings));

	if ((api && bytes_starts_nocase(bearer, B("Bearer "))) || cookie.len > 0) {
		struct store *s = desk_store(v->desk, v->arena);
		if (s == NULL)
			return RC_IO;
		if (api && bearer.len > 0)
			return signin_token(s, v->arena, bytes_trim(bytes_from(bearer, 7)), v->now_us, who_out);
		return signin_session(s, v->arena, cookie, v->now_us, (int64_t)settings->web_session_time_ms * 1000, who_out);
	}
	return RC_LIMIT;
}

/* A session's cookie comes with every request that a foreign page makes the
 * browser send; the secret in our own forms does not. */
static bool
is_ours(const struct visit *v)
{
	struct bytes given = http_header(v->request, "X-CSRF-Token");

	if (v->request->method != HTTP_POST || v->who->session.len == 0)
		return true;
	return secret_eq(given.len > 0 ? given : http_form(v->request, "csrf"), v->who->csrf);
}

/* Who asks, and whether his scopes suffice. */
static bool
admit(void *arg, const struct http_route *route, const struct http_request *request, struct http_response *response)
{
	struct desk *d = arg;
	struct visit v = visit_of(d, request, response);
	bool         api = route->access & ACCESS_API;
	unsigned     needs = route->access & ~ACCESS_API;

	d->who = (struct who){ .name = B("") };
	if (needs == ACCESS_OPEN)
		return true;
	enum rc rc = find_who(&v, api, &d->who);
	if (rc != RC_OK) {
		d->who = (struct who){ .name = B("") };
		if (rc == RC_LIMIT)
			ask_to_sign_in(&v, api);
		else
			visit_trouble(&v, rc);
		return false;
	}
	if (d->who.scopes & needs)
		return true;
	if (api)
		api_fault(response, 403, "not-allowed", "The scopes of this token or account do not allow that.");
	else
		page_fault(&v, 403, "Not for you", "Your account may not do that. An administrator can change its role.");
	return false;
}

static bool
guard(void *arg, const struct http_route *route, const struct http_request *request, struct http_response *response)
{
	if (!admit(arg, route, request, response))
		return false;
	struct visit v = visit_of(arg, request, response);
	if (is_ours(&v))
		return true;
	if (route->access & ACCESS_API)
		api_fault(response, 403, "not-allowed", "A POST with a session's cookie needs its secret in the header X-CSRF-Token; with a token it does not.");
	else
		page_fault(&v, 403, "Try that again", "The form was too old, or did not come from here. Go back, load the page anew, and send it "
		                                      "again.");
	return false;
}

/* ---- what is not there ---- */

static void
fault(void *arg, const struct http_request *request, struct http_response *response)
{
	struct desk *d = arg;
	struct visit v = visit_of(d, request, response);

	d->who = (struct who){ .name = B("") };
	switch (response->status) {
	case 413:
		page_fault(&v, 413, "Too large", "That is more than can be taken in one request.");
		return;
	case 503:
		page_fault(&v, 503, "Too much at once", "Others wait for the same already. Try again in a moment.");
		return;
	case 405:
		page_fault(&v, 405, "Not like that", "This address does not take that kind of request.");
		return;
	default:
		page_fault(&v, 404, "Not found", "There is no such page.");
	}
}

/* ---- start and stop ---- */

static void
open_desk(struct web *w, struct desk *d, const struct web_settings *with)
{
	*d = (struct desk){ .with = *with, .limits = w->limits };
	d->with.settings = settings_ref(with->settings);
}

static void
close_desk(struct desk *d)
{
	store_close(d->store);
	vault_close(d->vault);
	explainer_free(d->explainer);
	settings_unref(d->with.settings);
}

static void
open_place(struct web *w, struct place *p, const struct web_settings *with)
{
	open_desk(w, &p->desk, with);
	for (size_t i = 0; i < WORKERS; i++) {
		open_desk(w, &p->workers[i], with);
		p->hands[i] = &p->workers[i];
	}
}

static void
close_place(struct place *p)
{
	http_stop(p->http);
	close_desk(&p->desk);
	for (size_t i = 0; i < WORKERS; i++)
		close_desk(&p->workers[i]);
}

static enum rc
start_place(struct place *p, const char *name, int fd, const struct http_route *routes, size_t count)
{
	struct http_settings with = {
		.name = name,
		.fd = fd,
		.forwarded = p->desk.with.settings->web_forwarded,
		.routes = routes,
		.route_count = count,
		.connections = CONNECTIONS,
		.admit = admit,
		.guard = guard,
		.fault = fault,
		.arg = &p->desk,
		.workers = p->hands,
		.worker_count = WORKERS,
	};

	return fd >= 0 ? http_start(&with, &p->http) : RC_OK;
}

/* What needs memory of its own. */
static bool
equip(struct web *w, const struct web_settings *with)
{
	bool good = true;

	for (size_t i = 0; i < LIMITED_KINDS; i++) {
		w->limits[i] = limit_new(SLOTS, limited[i].burst, limited[i].every_ms);
		good = good && w->limits[i] != NULL;
	}
	for (size_t i = 0; with->desk_fd >= 0 && i < WORKERS; i++) {
		w->desk.workers[i].explainer = explainer_new(with->settings->explain_rules);
		good = good && w->desk.workers[i].explainer != NULL;
	}
	return good;
}

enum rc
web_start(const struct web_settings *with, struct web **web_out)
{
	struct web *w = calloc(1, sizeof(*w));
	enum rc     rc = RC_MEMORY;
	const char *missing = with->desk_fd >= 0 ? library_missing(&password_library) : NULL;

	if (missing != NULL) {
		log_event(AT_ERROR, "web.library", F_WORD("at", "desk"), F_WORD("says", missing));
		free(w);
		return RC_IO;
	}
	if (w == NULL)
		return RC_MEMORY;
	open_place(w, &w->desk, with);
	open_place(w, &w->why, with);
	if (equip(w, with))
		rc = start_place(&w->desk, "desk", with->desk_fd, desk_routes, NELEMS(desk_routes));
	if (rc == RC_OK)
		rc = start_place(&w->why, "why", with->why_fd, why_routes, NELEMS(why_routes));
	if (rc == RC_OK)
		*web_out = w;
	else
		web_stop(w);
	return rc;
}

void
web_stop(struct web *w)
{
	if (w == NULL)
		return;
	close_place(&w->desk);
	close_place(&w->why);
	for (size_t i = 0; i < LIMITED_KINDS; i++)
		limit_free(w->limits[i]);
	free(w);
}
