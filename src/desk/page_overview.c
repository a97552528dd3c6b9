/* desk/page_overview.c: the first page: what was decided and why; see visit.h. */
#include "desk/visit.h"

#include <inttypes.h>

#include "desk/overview.h"

#define ALL_SERIES ((1U << CHART_SERIES) - 1)

static uint64_t
sum(const uint64_t *n, bool trouble_only)
{
	uint64_t all = 0;

	for (size_t i = trouble_only ? ACTION_ACCEPT + 1 : 0; i < CHART_SERIES; i++)
		all += n[i];
	return all;
}

static double
percent(uint64_t n, uint64_t of)
{
	return of > 0 ? 100.0 * (double)n / (double)of : 0;
}

/* "+12 %", or in words where a share says nothing. */
static void
add_change(struct buf *out, uint64_t n, uint64_t before)
{
	if (n == before) {
		buf_add_str(out, "<span class=\"change\">no change</span>");
	} else if (before == 0) {
		buf_add_str(out, "<span class=\"change\">new</span>");
	} else {
		double share = 100.0 * ((double)n - (double)before) / (double)before;
		buf_printf(out, "<span class=\"change\">%s%.0f&#8239;%%</span>", share < 0 ? "−" : "+", share < 0 ? -share : share);
	}
}

static void
add_figure(struct buf *out, const char *name, uint64_t n, uint64_t before, uint64_t of, const char *link)
{
	html_put(out, "<li><a href=\"$\"><span class=\"name\">$</span> <span class=\"n\">$</span> <span class=\"of\">", H_STR(link), H_STR(name),
	         H_NUM(n));
	if (of > 0)
		buf_printf(out, "%.1f&#8239;%% · ", percent(n, of));
	add_change(out, n, before);
	buf_add_str(out, "</span></a></li>");
}

static void
add_figures(struct visit *v, const struct overview *o)
{
	uint64_t all = sum(o->total, false);
	uint64_t set_aside = o->total[ACTION_QUARANTINE] + o->total[ACTION_HOLD];

	buf_add_str(v->out, "<ul class=\"figures\">");
	add_figure(v->out, "Messages", all, sum(o->before, false), 0, "/messages");
	add_figure(v->out, "Accepted", o->total[ACTION_ACCEPT], o->before[ACTION_ACCEPT], all, "/messages?action=accept");
	add_figure(v->out, "Refused", o->total[ACTION_REJECT], o->before[ACTION_REJECT], all, "/messages?action=reject");
	add_figure(v->out, "Set aside", set_aside, o->before[ACTION_QUARANTINE] + o->before[ACTION_HOLD], all, "/messages?action=quarantine");
	add_figure(v->out, "Deferred", o->total[ACTION_DEFER], o->before[ACTION_DEFER], all, "/messages?action=defer");
	buf_add_str(v->out, "</ul>");
}

static void
add_summary(struct visit *v, const struct overview *o)
{
	uint64_t all = sum(o->total, false), trouble = sum(o->total, true), before = sum(o->before, true);

	html_put(v->out, "<p class=\"lead\" id=\"summary\">In the last $, <strong>$</strong> of $ messages were not accepted",
	         H_STR(o->period->name),
	         H_NUM(trouble), H_NUM(all));
	if (all > 0)
		html_put(v->out, " ($&#8239;%)", H_REAL(percent(trouble, all)));
	if (before > 0)
		html_put(v->out, "; it was $ in $", H_NUM(before), H_STR(o->period->before));
	buf_add_str(v->out, ". ");
	if (o->reason_count > 0) {
		for (size_t i = 0; i < o->reason_count; i++) {
			if (bytes_eq(o->reasons[i].action, B("accept")))
				continue;
			buf_add_str(v->out, "The most frequent reason was ");
			page_reason(v->out, o->reasons[i].name);
			html_put(v->out, " ($).", H_NUM(o->reasons[i].n));
			break;
		}
	}
	buf_add_str(v->out, "</p>");
	if (o->missing > 0)
		html_put(v->out, "<p class=\"note\"><strong>A gap:</strong> $ accounts of this time are missing, because the store was away. Mail was "
		                 "not affected.</p>",
		         H_NUM(o->missing));
}

static void
add_waiting_line(struct buf *out, uint64_t n, const char *path, const char *one, const char *many)
{
	if (n > 0)
		html_put(out, "<li><a href=\"$\"><strong>$$</strong> $</a></li>", H_STR(path), H_NUM(n), H_STR(n == OVERVIEW_WAITING ? " or more" : ""),
		         H_STR(n == 1 ? one : many));
}

/* What waits for a person, whatever the period. */
static void
add_waiting(struct buf *out, const struct overview *o)
{
	if (o->held + o->tickets == 0)
		return;
	buf_add_str(out, "<ul class=\"waiting\" aria-label=\"Waiting for you\">");
	add_waiting_line(out, o->tickets, "/tickets", "refused sender asks you to look", "refused senders ask you to look");
	add_waiting_line(out, o->held, "/quarantine", "message is kept in the quarantine", "messages are kept in the quarantine");
	buf_add_str(out, "</ul>");
}

static void
add_switch(struct visit *v, const struct overview *o, bool trouble)
{
	buf_add_str(v->out, "<nav class=\"switch\" aria-label=\"Period\"><ul>");
	for (size_t i = 0; i < overview_period_count; i++)
		html_put(v->out, "<li><a href=\"/?period=$$\"$>$</a></li>", H_STR(overview_periods[i].word), H_STR(trouble ? "&show=trouble" : ""),
		         &overview_periods[i] == o->period ? H_MARKUP(" aria-current=\"true\"") : H_MARKUP(""), H_STR(overview_periods[i].name));
	buf_add_str(v->out, "</ul></nav><nav class=\"switch\" aria-label=\"What the chart shows\"><ul>");
	for (int i = 0; i < 2; i++)
		html_put(v->out, "<li><a href=\"/?period=$$\"$>$</a></li>", H_STR(o->period->word), H_STR(i ? "&show=trouble" : ""),
		         trouble == (i == 1) ? H_MARKUP(" aria-current=\"true\"") : H_MARKUP(""), H_STR(i ? "Not accepted" : "All mail"));
	buf_add_str(v->out, "</ul></nav>");
}

static void
add_table(struct visit *v, const struct overview *o)
{
	buf_add_str(v->out, "<details><summary>The same as a table</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" "
	                    "aria-label=\"Messages over time\">"
	                    "<table><thead><tr><th scope=\"col\">From (UTC)</th><th scope=\"col\" class=\"num\">Accepted</th>"
	                    "<th scope=\"col\" class=\"num\">Quarantined</th><th scope=\"col\" class=\"num\">Held</th>"
	                    "<th scope=\"col\" class=\"num\">Deferred</th><th scope=\"col\" class=\"num\">Refused</th></tr></thead><tbody>");
	for (size_t i = 0; i < o->bar_count; i++) {
		int64_t until = o->bar_us[i] + (int64_t)o->period->bar_hours * 3600 * 1000000;
		html_put(v->out, "<tr><th scope=\"row\"><a href=\"/messages?since=$&amp;until=$\">$</a></th>", H_INT(o->bar_us[i] / 1000000),
		         H_INT(until / 1000000), H_STR(o->bars[i].title));
		for (size_t k = 0; k < CHART_SERIES; k++)
			html_put(v->out, "<td class=\"num\">$</td>", H_NUM(o->bars[i].n[k]));
		buf_add_str(v->out, "</tr>");
	}
	buf_add_str(v->out, "</tbody></table></div></details>");
}

static void
add_reasons(struct visit *v, const struct overview *o)
{
	uint64_t most = 0;

	buf_add_str(v->out, "<section class=\"card\" aria-labelledby=\"reasons\"><h2 id=\"reasons\">Top reasons</h2><table><thead><tr>"
	                    "<th scope=\"col\">Reason and decision</th>"
	                    "<th scope=\"col\" class=\"num\">Messages</th><th scope=\"col\" class=\"num\">Change</th></tr></thead><tbody>");
	for (size_t i = 0; i < o->reason_count; i++)
		most = o->reasons[i].n > most ? o->reasons[i].n : most;
	for (size_t i = 0; i < o->reason_count; i++) {
		const struct overview_row *r = &o->reasons[i];
		buf_add_str(v->out, "<tr><th scope=\"row\">");
		html_put(v->out, "<a class=\"reason\" href=\"/messages?action=$&amp;reason=$\">$</a>", H_URL(r->action), H_URL(r->name), H_TEXT(r->name));
		buf_add_c(v->out, ' ');
		chart_action(v->out, r->action);
		chart_share(v->out, r->n, most);
		html_put(v->out, "</th><td class=\"num\">$</td><td class=\"num\">", H_NUM(r->n));
		add_change(v->out, r->n, r->before);
		buf_add_str(v->out, "</td></tr>");
	}
	if (o->reason_count == 0)
		buf_add_str(v->out, "<tr><td colspan=\"3\">No mail in this time.</td></tr>");
	buf_add_str(v->out, "</tbody></table></section>");
}

static void
add_domains(struct visit *v, const struct overview *o)
{
	buf_add_str(v->out, "<section class=\"card\" aria-labelledby=\"domains\"><h2 id=\"domains\">Domains refused most</h2><table><thead><tr>"
	                    "<th scope=\"col\">Domain</th><th scope=\"col\" class=\"num\">Messages</th>"
	                    "<th scope=\"col\" class=\"num\">Change</th></tr></thead><tbody>");
	for (size_t i = 0; i < o->domain_count; i++) {
		const struct overview_row *r = &o->domains[i];
		html_put(v->out, "<tr><th scope=\"row\"><a href=\"/messages?domain=$\">$</a>", H_URL(r->name), H_TEXT(r->name));
		chart_share(v->out, r->n, o->domains[0].n);
		html_put(v->out, "</th><td class=\"num\">$</td><td class=\"num\">", H_NUM(r->n));
		add_change(v->out, r->n, r->before);
		buf_add_str(v->out, "</td></tr>");
	}
	if (o->domain_count == 0)
		buf_add_str(v->out, "<tr><td colspan=\"3\">Nothing was refused in this time.</td></tr>");
	buf_add_str(v->out, "</tbody></table></section>");
}

void
page_overview(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit     v = visit_of(desk, request, response);
	bool             trouble = bytes_eq(http_query(request, "show"), B("trouble"));
	struct overview *o = arena_take(v.arena, sizeof(*o));
	struct store    *s = desk_store(v.desk, v.arena);
	enum rc          rc = s == NULL ? RC_IO : o == NULL ? RC_MEMORY : RC_OK;

	if (rc == RC_OK)
		rc = overview_read(s, v.arena, overview_period(http_query(request, "period")), v.now_us, o);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	page_begin(&v, B("Overview"), NAV_OVERVIEW);
	add_summary(&v, o);
	add_waiting(v.out, o);
	add_figures(&v, o);
	unsigned series = trouble ? ALL_SERIES & ~(1U << ACTION_ACCEPT) : ALL_SERIES;
	buf_add_str(v.out, "<section class=\"card\" aria-labelledby=\"over-time\"><div class=\"title\"><h2 id=\"over-time\">Decisions over "
	                   "time</h2>");
	add_switch(&v, o, trouble);
	buf_add_str(v.out, "</div>");
	chart_legend(v.out, series);
	chart_stacked(v.out, o->bars, o->bar_count, series, "Decisions over time", "summary");
	add_table(&v, o);
	buf_add_str(v.out, "</section><div class=\"two\">");
	add_reasons(&v, o);
	add_domains(&v, o);
	buf_add_str(v.out, "</div>");
	page_end(&v);
}
