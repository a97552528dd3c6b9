/* desk/page_desk.c: signing in and out, and the quieter pages; see visit.h. */
#include "desk/visit.h"

#include <inttypes.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "desk/assets.h"
#include "desk/chart.h"
#include "mail/reason.h"
#include "policy/decision.h"
#include "policy/settings.h"
#include "store/search.h"

#define LIST_ROWS 100

/* ---- signing in ---- */

/* Only a path of ours: "//host" and "/\host" lead elsewhere. */
static struct bytes
way_back(struct bytes to)
{
	if (to.len == 0 || to.at[0] != '/' || (to.len > 1 && (to.at[1] == '/' || to.at[1] == '\\')))
		return B("/");
	for (size_t i = 0; i < to.len; i++)
		if (to.at[i] <= ' ' || to.at[i] == '\\' || (unsigned char)to.at[i] >= 0x7f)
			return B("/");
	return to;
}

static void
add_login(struct visit *v, struct bytes name, struct bytes to, const char *fault)
{
	page_begin_plain(v->out, B("Sign in"));
	html_put(v->out,
	         "<form class=\"card login\" method=\"post\" action=\"/login\"><img src=\"/asset/icon.svg?v=$\" alt=\"\" width=\"40\" "
	         "height=\"40\">"
	         "<h1>Sign in to mailreeve</h1><p class=\"sub\">$</p>",
	         H_STR(assets_version), H_TEXT(v->desk->with.settings->hostname));
	if (fault != NULL)
		html_put(v->out, "<p class=\"note\" role=\"alert\">$</p>", H_STR(fault));
	html_put(v->out,
	         "<input type=\"hidden\" name=\"to\" value=\"$\"><label for=\"name\">Name</label><input id=\"name\" name=\"name\" value=\"$\" "
	         "autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required maxlength=\"64\">"
	         "<label for=\"password\">Password</label>"
	         "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required maxlength=\"512\">"
	         "<button class=\"main\">Sign in</button><p class=\"sub\">Accounts are made on the gateway with <code>mailreeve operator add "
	         "NAME</code>.</p></form>",
	         H_TEXT(to), H_TEXT(name));
	page_end_plain(v->out);
}

void
page_login(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);

	add_login(&v, B(""), way_back(http_query(request, "to")), NULL);
}

static bool
may_try(struct visit *v, struct bytes name)
{
	return visit_take_from(v, LIMITED_SIGN_IN_FROM) && visit_take(v, LIMITED_SIGN_IN_AS, bytes_sub(name, 0, OPERATOR_NAME_MOST));
}

static void
set_cookie(struct visit *v, struct bytes secret, const char *more)
{
	const struct settings *s = v->desk->with.settings;

	v->response->cookie = arena_printf(v->arena, "%s=%.*s; Path=/; HttpOnly; SameSite=Lax%s%s", web_cookie_name(s), B_FMT(secret),
	                                   s->web_secure_cookies ? "; Secure" : "", more);
}

void
page_login_post(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit          v = visit_of(desk, request, response);
	struct bytes          name = bytes_trim(http_form(request, "name")), to = way_back(http_form(request, "to")), secret;
	struct store_operator operator;
	struct store         *s = desk_store(v.desk, v.arena);

	if (s == NULL) {
		visit_trouble(&v, RC_IO);
		return;
	}
	if (visit_is_foreign(request)) {
		page_fault(&v, 403, "Try that again", "The form did not come from here.");
		return;
	}
	if (!may_try(&v, name)) {
		add_login(&v, name, to, "There were too many tries. Wait a little, then try again.");
		return;
	}
	enum rc rc = signin_password(s, v.arena, name, http_form(request, "password"), &operator);
	if (rc == RC_LIMIT) {
		audit_note(s, bytes_sub(name, 0, OPERATOR_NAME_MOST), "sign-in.refused", B(""), B(""), visit_client(&v));
		response->status = 403;
		add_login(&v, name, to, "This name and password do not fit.");
		return;
	}
	if (rc == RC_OK)
		rc = signin_begin(s, v.arena, operator.name, visit_client(&v), v.now_us, (int64_t)v.desk->with.settings->web_session_time_ms * 1000,
		                  &secret);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	audit_note(s, operator.name, "sign-in", B(""), B(""), visit_client(&v));
	set_cookie(&v, secret, "");
	http_see(response, to);
}

void
page_logout(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit  v = visit_of(desk, request, response);
	struct store *s = desk_store(v.desk, v.arena);

	if (s == NULL || session_remove(s, v.who->session) == RC_IO) {
		visit_trouble(&v, RC_IO);
		return;
	}
	audit_note(s, v.who->name, "sign-out", B(""), B(""), visit_client(&v));
	set_cookie(&v, B(""), "; Max-Age=0");
	http_see(response, B("/login"));
}

/* ---- assets ---- */

void
page_asset(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);

	for (size_t i = 0; i < assets_count; i++)
		if (bytes_eq(request->tail, bytes_of(assets[i].name))) {
			response->type = assets[i].type;
			response->keep_s = 31536000;
			buf_add(v.out, bytes_make(assets[i].at, assets[i].len));
			return;
		}
	page_fault(&v, 404, "Not found", "There is no such file.");
}

/* ---- the catalogue ---- */

static void
add_catalogue(struct visit *v, bool replies)
{
	html_put(v->out, "<section class=\"card\"><h2>$</h2><dl class=\"catalogue\">",
	         H_STR(replies ? "What a reply says" : "What a check found"));
	for (size_t i = 0; i < REASON_COUNT; i++) {
		const struct reason_row *r = reason_row((enum reason)i);
		struct bytes             steps = bytes_of(r->steps), step;
		if ((r->code != 0) != replies)
			continue;
		html_put(v->out, "<div id=\"$\"><dt><code>$</code>", H_STR(r->word), H_STR(r->word));
		if (replies)
			html_put(v->out, " <span class=\"sub\">$ $</span>", H_INT(r->code), H_STR(r->exchange));
		html_put(v->out, "</dt><dd><p>$</p>", H_STR(r->line));
		while (bytes_cut(&steps, '\n', &step))
			html_put(v->out, "<p class=\"sub\">$</p>", H_TEXT(step));
		html_put(v->out, "<p class=\"sub\">Who can fix it: $ · <a href=\"/messages?reason=$\">messages</a></p></dd></div>",
		         H_STR(owner_word(r->owner)),
		         H_STR(r->word));
	}
	buf_add_str(v->out, "</dl></section>");
}

void
page_reasons(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);

	page_begin(&v, B("Reasons"), NAV_REASONS);
	buf_add_str(v.out, "<p class=\"lead\">Each decision and each finding has one of these words.</p>");
	add_catalogue(&v, true);
	add_catalogue(&v, false);
	page_end(&v);
}

/* ---- health ---- */

static void
add_state(struct buf *out, const char *name, bool good, const char *sentence)
{
	html_put(out, "<li><span class=\"result $\"><span aria-hidden=\"true\">$</span> $</span> <span><strong>$</strong> $</span></li>",
	         H_STR(good ? "good" : "bad"), H_STR(good ? "✓" : "✕"), H_STR(good ? "fine" : "look at this"),
	         H_STR(name), H_STR(sentence));
}

static void
add_number(struct buf *out, const char *name, uint64_t n)
{
	html_put(out, "<tr><th scope=\"row\">$</th><td class=\"num\">$</td></tr>", H_STR(name), H_NUM(n));
}

static void
open_table(struct buf *out, const char *name)
{
	html_put(out, "<section class=\"card\"><h2>$</h2><table><tbody>", H_STR(name));
}

static void
add_dns(struct visit *v)
{
	if (v->desk->with.resolver == NULL)
		return;
	struct resolver_stats r = resolver_count(v->desk->with.resolver);
	open_table(v->out, "DNS");
	add_number(v->out, "Answers from the cache", r.hits);
	add_number(v->out, "Questions sent", r.questions);
	add_number(v->out, "Time-outs", r.answers[ANSWER_TIMEOUT]);
	add_number(v->out, "Server failures", r.answers[ANSWER_SERVFAIL]);
	add_number(v->out, "Failed validation", r.answers[ANSWER_BOGUS]);
	add_number(v->out, "Waiting now", r.in_flight);
	add_number(v->out, "Cached answers", r.cached);
	buf_add_str(v->out, "</tbody></table></section>");
}

static void
add_gate(struct visit *v, const struct web_figures *f)
{
	open_table(v->out, "Gateway, since it started");
	if (v->desk->with.tally != NULL)
		for (int i = 0; i < CHART_SERIES; i++)
			add_number(v->out, action_word((enum action)i), tally_count(v->desk->with.tally, (enum action)i));
	add_number(v->out, "SMTP sessions now", f->sessions);
	add_number(v->out, "SMTP sessions in all", f->sessions_total);
	add_number(v->out, "Turned away, too many", f->turned_away);
	add_number(v->out, "Ended by a fault of the MTA", f->faults);
	buf_add_str(v->out, "</tbody></table></section>");
}

static void
add_store(struct visit *v, const struct web_figures *f)
{
	if (!f->stores)
		return;
	open_table(v->out, "Store");
	add_number(v->out, "Accounts written", f->writer.written);
	add_number(v->out, "Waiting", f->writer.queued);
	add_number(v->out, "Dropped while it was away", f->writer.dropped);
	add_number(v->out, "Transactions", f->writer.commits);
	add_number(v->out, "Failed transactions", f->writer.failures);
	add_number(v->out, "Accounts forgotten (age, size)", f->writer.pruned);
	buf_add_str(v->out, "</tbody></table></section>");
}

void
page_health(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit       v = visit_of(desk, request, response);
	struct web_figures f = { .monitor = false };
	struct store      *s = desk_store(v.desk, v.arena);

	if (v.desk->with.figures != NULL)
		v.desk->with.figures(v.desk->with.arg, &f);
	page_begin(&v, B("Health"), NAV_HEALTH);
	html_put(v.out, "<p class=\"lead\">mailreeve $ runs since ", H_STR(MAILREEVE_VERSION));
	page_time(v.out, v.desk->with.started * 1000000);
	buf_add_str(v.out, " UTC.</p><ul class=\"states\">");
	add_state(v.out, "Decisions", !f.monitor, f.monitor ? "are recorded, and all mail is let through (monitor mode)." : "are enforced.");
	add_state(v.out, "Reading the store", s != NULL, s != NULL ? "works." : "does not work just now.");
	if (f.stores) {
		add_state(v.out, "Writing to the store", !f.writer.away, f.writer.away ? f.writer.trouble : "keeps up.");
		add_state(v.out, "Nothing is missing", f.writer.dropped == 0, f.writer.dropped == 0 ? "since the start." : "Some accounts were dropped "
		                                                                                                           "while the store was away.");
	}
	if (v.desk->with.resolver != NULL)
		add_state(v.out, "DNSSEC", resolver_count(v.desk->with.resolver).validates,
		          resolver_count(v.desk->with.resolver).validates ? "answers are validated." : "answers are not validated.");
	buf_add_str(v.out, "</ul><div class=\"two three\">");
	add_gate(&v, &f);
	add_dns(&v);
	add_store(&v, &f);
	buf_add_str(v.out, "</div>");
	page_end(&v);
}

/* ---- the audit trail ---- */

/* Deeds about a message lead to its story. */
static void
add_about(struct buf *out, const struct store_deed *d)
{
	bool message = id_is(d->about) && (bytes_starts(d->deed, B("quarantine.")) || bytes_eq(d->deed, B("ticket.filed")));

	if (message)
		html_put(out, "<a href=\"/message/$\"><code>$</code></a>", H_URL(d->about), H_TEXT(d->about));
	else
		html_put(out, "$", H_TEXT(d->about));
	html_put(out, " <span class=\"sub\">$</span>", H_TEXT(d->detail));
}

static bool
add_deed(void *arg, const struct store_deed *d)
{
	struct visit *v = arg;

	buf_add_str(v->out, "<tr><td>");
	page_time(v->out, d->at_us);
	html_put(v->out, "</td><td class=\"more\">$</td><th scope=\"row\"><code>$</code><span class=\"sub narrow\">$ $</span></th><td>",
	         H_TEXT(d->operator),
	         H_TEXT(d->deed), H_TEXT(d->operator), H_TEXT(d->client));
	add_about(v->out, d);
	html_put(v->out, "</td><td class=\"more\"><code>$</code></td></tr>", H_TEXT(d->client));
	return true;
}

void
page_audit(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit  v = visit_of(desk, request, response);
	struct store *s = desk_store(v.desk, v.arena);

	if (s == NULL) {
		visit_trouble(&v, RC_IO);
		return;
	}
	page_begin(&v, B("Audit trail"), NAV_AUDIT);
	buf_add_str(v.out, "<p class=\"lead\">Who did what at this desk, newest first.</p><div class=\"wide card\" tabindex=\"0\" role=\"region\" "
	                   "aria-label=\"Deeds\"><table class=\"list\"><thead><tr><th scope=\"col\">Time (UTC)</th>"
	                   "<th scope=\"col\" class=\"more\">Operator</th>"
	                   "<th scope=\"col\">Deed</th><th scope=\"col\">About</th><th scope=\"col\" class=\"more\">From</th></tr></thead>"
	                   "<tbody>");
	enum rc rc = audit_list(s, 0, B(""), LIST_ROWS, add_deed, &v);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	buf_add_str(v.out, "</tbody></table></div>");
	page_end(&v);
}
