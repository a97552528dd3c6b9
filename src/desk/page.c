/* desk/page.c: the frame around each page of the desk; see visit.h. */
#include "desk/visit.h"

#include "base/clock.h"
#include "base/log.h"
#include "desk/assets.h"
#include "mail/reason.h"
#include "policy/settings.h"

#define STORE_PAUSE_US ((int64_t)2 * 1000000)

struct visit
visit_of(void *desk, const struct http_request *request, struct http_response *response)
{
	struct desk *d = desk;

	return (struct visit){ d, request, response, &response->body, request->arena, &d->who, store_now_us() };
}

struct store *
desk_store(struct desk *d, struct arena *a)
{
	struct bytes why = B("");

	if (d->store != NULL || store_now_us() < d->retry_us)
		return d->store;
	if (store_open(d->with.store, STORE_WRITE, a, &d->store, &why) != RC_OK) {
		d->store = NULL;
		d->retry_us = store_now_us() + STORE_PAUSE_US;
		log_event(AT_WARNING, "web.store", F_TEXT("trouble", why), F_WORD("done", "pages say so; tried again with the next"));
	}
	return d->store;
}

void
desk_away(struct desk *d)
{
	store_close(d->store);
	d->store = NULL;
}

struct vault *
desk_vault(struct desk *d, struct arena *a, struct bytes *why_out)
{
	if (d->vault == NULL && vault_open(d->with.settings->store_quarantine_dir.at, a, &d->vault, why_out) != RC_OK)
		d->vault = NULL;
	return d->vault;
}

bool
visit_take(struct visit *v, enum limited kind, struct bytes key)
{
	unsigned wait_s = 0;

	if (limit_take(v->desk->limits[kind], key, (uint64_t)v->now_us, &wait_s))
		return true;
	v->response->status = 429;
	v->response->retry_s = wait_s;
	return false;
}

bool
visit_take_from(struct visit *v, enum limited kind)
{
	char key[LIMIT_KEY_MAX];

	return visit_take(v, kind, limit_key(&v->request->client, key));
}

/* Browsers that say where a request comes from are believed: no page can make
 * them lie. Older ones name the origin, which is held against our own name. */
bool
visit_is_foreign(const struct http_request *r)
{
	struct bytes site = http_header(r, "Sec-Fetch-Site"), origin = http_header(r, "Origin"), host = http_header(r, "Host");
	size_t       slashes = bytes_find(origin, B("://"));

	if (site.len > 0)
		return !bytes_eq(site, B("same-origin")) && !bytes_eq(site, B("none"));
	return origin.len > 0 && (slashes == origin.len || !bytes_eq_nocase(bytes_from(origin, slashes + 3), host));
}

void
visit_trouble(struct visit *v, enum rc rc)
{
	if (rc != RC_MEMORY)
		desk_away(v->desk);
	buf_clear(v->out);
	v->response->retry_s = 5;
	page_fault(v, 503, "The store is away", "What was asked for cannot be looked up just now. Mail is not delayed by this. Try again in a "
	                                        "moment.");
}

struct bytes
visit_client(const struct visit *v)
{
	char text[IP_TEXT_MAX];

	return arena_copy(v->arena, bytes_make(text, ip_format(&v->request->client, text)));
}

/* ---- the frame ---- */

static const struct {
	enum nav    nav;
	const char *path, *name;
} places[] = {
	{ NAV_OVERVIEW, "/", "Overview" },
	{ NAV_MESSAGES, "/messages", "Messages" },
	{ NAV_QUARANTINE, "/quarantine", "Quarantine" },
	{ NAV_TICKETS, "/tickets", "Tickets" },
	{ NAV_EXPLAIN, "/explain", "Explain" },
	{ NAV_REASONS, "/reasons", "Reasons" },
	{ NAV_HEALTH, "/health", "Health" },
	{ NAV_AUDIT, "/audit", "Audit trail" },
};

static void
add_head(struct buf *out, struct bytes title)
{
	html_put(out,
	         "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">"
	         "<title>$ – mailreeve</title><link rel=\"icon\" href=\"/asset/icon.svg?v=$\" type=\"image/svg+xml\">"
	         "<link rel=\"stylesheet\" href=\"/asset/desk.css?v=$\"><script src=\"/asset/desk.js?v=$\" defer></script></head>",
	         H_TEXT(title), H_STR(assets_version), H_STR(assets_version), H_STR(assets_version));
}

static void
add_nav(struct visit *v, enum nav nav)
{
	buf_add_str(v->out, "<nav class=\"places\" aria-label=\"Pages\"><ul>");
	for (size_t i = 0; i < NELEMS(places); i++)
		html_put(v->out, "<li><a href=\"$\"$>$</a></li>", H_STR(places[i].path),
		         places[i].nav == nav ? H_MARKUP(" aria-current=\"page\"") : H_MARKUP(""), H_STR(places[i].name));
	buf_add_str(v->out, "</ul></nav>");
}

static void
add_bar(struct visit *v)
{
	html_put(v->out,
	         "<a class=\"skip\" href=\"#main\">Skip to the content</a><header class=\"top\"><a class=\"brand\" href=\"/\">"
	         "<img src=\"/asset/icon.svg?v=$\" alt=\"\" width=\"24\" height=\"24\"> mailreeve</a> <span class=\"host\">$</span>"
	         "<form class=\"find\" action=\"/find\" role=\"search\"><label for=\"find\" class=\"unseen\">Find an id, address, domain or "
	         "client</label>"
	         "<input id=\"find\" name=\"q\" type=\"search\" placeholder=\"id, address, domain, IP…\" autocomplete=\"off\" "
	         "spellcheck=\"false\">"
	         "<button>Find</button></form>",
	         H_STR(assets_version), H_TEXT(v->desk->with.settings->hostname));
	html_put(v->out, "<form class=\"me\" method=\"post\" action=\"/logout\"><span>$</span>", H_TEXT(v->who->name));
	page_csrf(v);
	buf_add_str(v->out, "<button class=\"quiet\">Sign out</button></form></header>");
}

void
page_begin(struct visit *v, struct bytes title, enum nav nav)
{
	struct web_figures f = { .monitor = false };

	add_head(v->out, title);
	buf_add_str(v->out, "<body class=\"desk\">");
	add_bar(v);
	add_nav(v, nav);
	html_put(v->out, "<main id=\"main\" tabindex=\"-1\"><h1>$</h1>", H_TEXT(title));
	if (v->desk->with.figures != NULL)
		v->desk->with.figures(v->desk->with.arg, &f);
	if (f.monitor)
		buf_add_str(v->out, "<p class=\"note\"><strong>Monitor mode:</strong> decisions are recorded, and all mail is let through.</p>");
}

void
page_end(struct visit *v)
{
	buf_add_str(v->out, "</main><footer class=\"foot\">All times are UTC. mailreeve " MAILREEVE_VERSION "</footer></body></html>\n");
}

void
page_begin_plain(struct buf *out, struct bytes title)
{
	add_head(out, title);
	buf_add_str(out, "<body class=\"plain\"><main id=\"main\">");
}

void
page_end_plain(struct buf *out)
{
	buf_add_str(out, "</main></body></html>\n");
}

void
page_csrf(struct visit *v)
{
	html_put(v->out, "<input type=\"hidden\" name=\"csrf\" value=\"$\">", H_TEXT(v->who->csrf));
}

void
page_time(struct buf *out, int64_t at_us)
{
	char   text[CLOCK_TEXT_MAX];
	size_t n = clock_format(at_us / 1000000, text);

	html_put(out, "<time datetime=\"$\">", H_TEXT(bytes_make(text, n)));
	if (n > 20)
		html_text(out, bytes_make(text, n));
	else
		html_put(out, "$ <span class=\"clock\">$</span>", H_TEXT(bytes_make(text, 10)), H_TEXT(bytes_sub(bytes_make(text, n), 11, 8)));
	buf_add_str(out, "</time>");
}

void
page_reason(struct buf *out, struct bytes word)
{
	enum reason reason;

	if (reason_of(word, &reason))
		html_put(out, "<a class=\"reason\" href=\"/reasons#$\">$</a>", H_TEXT(word), H_TEXT(word));
	else
		html_put(out, "<span class=\"reason\">$</span>", H_TEXT(word));
}

void
page_fault(struct visit *v, unsigned status, const char *title, const char *sentence)
{
	v->response->status = status;
	if (bytes_starts(v->request->path, B("/api/"))) {
		api_fault(v->response, status, status == 503 ? "away" : status == 404 ? "not-found" : "refused", sentence);
		return;
	}
	if (v->who->session.len > 0)
		page_begin(v, bytes_of(title), NAV_NONE);
	else
		page_begin_plain(v->out, bytes_of(title));
	if (v->who->session.len == 0)
		html_put(v->out, "<div class=\"card\"><h1>$</h1>", H_STR(title));
	html_put(v->out, "<p>$</p>", H_STR(sentence));
	if (v->who->session.len > 0) {
		page_end(v);
		return;
	}
	buf_add_str(v->out, "</div>");
	page_end_plain(v->out);
}
