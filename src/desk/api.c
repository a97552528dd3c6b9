/* desk/api.c: the JSON API, /metrics and /healthz; docs/api.md, docs/openapi.yaml. See visit.h. */
#include "desk/visit.h"

#include "base/codec.h"
#include "base/json.h"
#include "desk/overview.h"
#include "desk/query.h"
#include "desk/reasons.h"
#include "desk/story.h"
#include "mail/reason.h"
#include "session/account_json.h"

static struct json
answer_json(struct visit *v)
{
	v->response->type = "application/json";
	return json_to(v->out, true);
}

void
api_fault(struct http_response *response, unsigned status, const char *code, const char *text)
{
	struct json j = json_to(&response->body, true);

	response->status = status;
	response->type = "application/json";
	json_open_object(&j);
	json_key(&j, "error");
	json_open_object(&j);
	json_kv_str(&j, "code", code);
	json_kv_str(&j, "text", text);
	json_close_object(&j);
	json_close_object(&j);
	buf_add_c(&response->body, '\n');
}

/* ---- health ---- */

void
api_healthz(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	bool         fine = desk_store(v.desk, v.arena) != NULL;

	response->type = "text/plain; charset=utf-8";
	response->status = fine ? 200 : 503;
	buf_add_str(v.out, fine ? "ok\n" : "the store is away\n");
}

void
api_health(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit       v = visit_of(desk, request, response);
	struct web_figures f = { .monitor = false };
	struct json        j = answer_json(&v);

	if (v.desk->with.figures != NULL)
		v.desk->with.figures(v.desk->with.arg, &f);
	json_open_object(&j);
	json_kv_str(&j, "version", MAILREEVE_VERSION);
	json_kv_time(&j, "started", v.desk->with.started * 1000000);
	json_kv_str(&j, "mode", f.monitor ? "monitor" : "enforce");
	json_kv_bool(&j, "store", desk_store(v.desk, v.arena) != NULL);
	json_kv_bool(&j, "writer", f.stores && !f.writer.away);
	json_kv_int(&j, "dropped", (int64_t)f.writer.dropped);
	json_kv_int(&j, "queued", (int64_t)f.writer.queued);
	json_kv_int(&j, "sessions", (int64_t)f.sessions);
	json_close_object(&j);
	buf_add_c(v.out, '\n');
}

/* ---- overview ---- */

static void
json_counts(struct json *j, const char *key, const uint64_t *n)
{
	json_key(j, key);
	json_open_object(j);
	for (int i = 0; i < CHART_SERIES; i++)
		json_kv_int(j, action_word((enum action)i), (int64_t)n[i]);
	json_close_object(j);
}

static void
json_rows(struct json *j, const char *key, const char *name, const struct overview_row *rows, size_t count)
{
	json_key(j, key);
	json_open_array(j);
	for (size_t i = 0; i < count; i++) {
		json_open_object(j);
		json_kv_text(j, name, rows[i].name);
		if (rows[i].action.len > 0)
			json_kv_text(j, "action", rows[i].action);
		json_kv_int(j, "messages", (int64_t)rows[i].n);
		json_kv_int(j, "before", (int64_t)rows[i].before);
		json_close_object(j);
	}
	json_close_array(j);
}

void
api_overview(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit     v = visit_of(desk, request, response);
	struct overview *o = arena_take(v.arena, sizeof(*o));
	struct store    *s = desk_store(v.desk, v.arena);
	enum rc          rc = s == NULL ? RC_IO : o == NULL ? RC_MEMORY : RC_OK;

	if (rc == RC_OK)
		rc = overview_read(s, v.arena, overview_period(http_query(request, "period")), v.now_us, o);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	struct json j = answer_json(&v);
	json_open_object(&j);
	json_kv_str(&j, "period", o->period->word);
	json_kv_time(&j, "from", o->from_us);
	json_kv_time(&j, "to", o->to_us);
	json_counts(&j, "total", o->total);
	json_counts(&j, "before", o->before);
	json_kv_int(&j, "missing", (int64_t)o->missing);
	json_kv_int(&j, "held", (int64_t)o->held);
	json_kv_int(&j, "tickets", (int64_t)o->tickets);
	json_key(&j, "bars");
	json_open_array(&j);
	for (size_t i = 0; i < o->bar_count; i++) {
		json_open_object(&j);
		json_kv_time(&j, "from", o->bar_us[i]);
		json_counts(&j, "messages", o->bars[i].n);
		json_close_object(&j);
	}
	json_close_array(&j);
	json_rows(&j, "reasons", "reason", o->reasons, o->reason_count);
	json_rows(&j, "domains", "domain", o->domains, o->domain_count);
	json_close_object(&j);
	buf_add_c(v.out, '\n');
}

/* ---- messages ---- */

static void
json_check(struct json *j, const char *key, struct bytes result, struct bytes reason)
{
	json_key(j, key);
	json_open_object(j);
	json_kv_text_or_null(j, "result", result);
	json_kv_text_or_null(j, "reason", reason);
	json_close_object(j);
}

static void
json_account(struct json *j, const struct store_account *a)
{
	json_kv_text(j, "id", a->id);
	json_kv_time(j, "time", a->at_us);
	json_kv_text_or_null(j, "client", a->client);
	json_kv_text_or_null(j, "client_name", a->client_name);
	json_kv_text_or_null(j, "helo", a->helo);
	json_kv_text_or_null(j, "standing", a->standing);
	json_kv_text(j, "sender", a->sender);
	json_kv_text_or_null(j, "domain", a->domain);
	json_kv_text_or_null(j, "from", a->header_from);
	json_kv_text_or_null(j, "subject", a->subject);
	json_kv_text_or_null(j, "message_id", a->message_id);
	json_kv_text_or_null(j, "queue_id", a->queue_id);
	json_kv_int(j, "size", a->size);
	json_kv_text_or_null(j, "mode", a->mode);
	json_kv_text(j, "action", a->action);
	json_kv_text(j, "reason", a->reason);
	json_kv_text_or_null(j, "rule", a->rule);
	json_kv_text_or_null(j, "override", a->override);
	json_check(j, "spf", a->spf, a->spf_reason);
	json_check(j, "dkim", a->dkim, a->dkim_reason);
	json_check(j, "arc", a->arc, a->arc_reason);
	json_check(j, "dmarc", a->dmarc, a->dmarc_reason);
}

static bool
add_account(void *arg, const struct store_account *a)
{
	struct json *j = arg;

	json_open_object(j);
	json_account(j, a);
	json_close_object(j);
	return true;
}

void
api_messages(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit      v = visit_of(desk, request, response);
	struct store     *s = desk_store(v.desk, v.arena);
	struct search_end end = { .complete = true };
	struct search     q;
	const char       *why = NULL;
	char              cursor[SEARCH_CURSOR_MAX];

	if (!query_read(request, v.now_us, &q, &why)) {
		api_fault(response, 400, "filter", why);
		return;
	}
	struct json j = answer_json(&v);
	json_open_object(&j);
	json_key(&j, "messages");
	json_open_array(&j);
	enum rc rc = s == NULL ? RC_IO : search_run(s, &q, add_account, &j, &end);
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	json_close_array(&j);
	search_cursor_format(&end.next, cursor);
	json_kv_str(&j, "next", end.complete ? NULL : cursor);
	json_close_object(&j);
	buf_add_c(v.out, '\n');
}

static void
json_recipients(struct json *j, const struct store_account *a)
{
	json_key(j, "recipients");
	json_open_array(j);
	for (size_t i = 0; i < a->recipient_count; i++) {
		const struct store_recipient *r = &a->recipients[i];
		json_open_object(j);
		json_kv_text(j, "address", r->address);
		json_kv_text_or_null(j, "action", r->action);
		json_kv_text_or_null(j, "reason", r->reason);
		json_kv_text_or_null(j, "status", r->status);
		json_kv_time(j, "delivered", r->delivered_us);
		json_kv_text_or_null(j, "next_hop", r->next_hop);
		json_close_object(j);
	}
	json_close_array(j);
}

void
api_message(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit         v = visit_of(desk, request, response);
	struct store        *s = desk_store(v.desk, v.arena);
	struct store_account a;
	enum rc              rc = RC_LIMIT;

	if (s == NULL)
		rc = RC_IO;
	else if (id_is(request->tail))
		rc = store_account_get(s, v.arena, id_kept(v.arena, request->tail), &a);
	if (rc == RC_LIMIT) {
		api_fault(response, 404, "not-found", "No account has this id.");
		return;
	}
	if (rc != RC_OK) {
		visit_trouble(&v, rc);
		return;
	}
	struct json j = answer_json(&v);
	json_open_object(&j);
	json_account(&j, &a);
	json_recipients(&j, &a);
	json_key(&j, "story");
	struct bytes    why;
	struct account *account = story_read(v.arena, a.story, &why);
	if (account != NULL)
		account_json(&j, account);
	else
		json_null(&j);
	json_close_object(&j);
	buf_add_c(v.out, '\n');
}

/* ---- the catalogue ---- */

void
api_reasons(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit v = visit_of(desk, request, response);
	struct json  j = answer_json(&v);

	json_open_array(&j);
	for (size_t i = 0; i < REASON_COUNT; i++)
		reasons_json(&j, (enum reason)i);
	json_close_array(&j);
	buf_add_c(v.out, '\n');
}

/* ---- metrics ---- */

static void
add_resolver(struct buf *out, struct resolver *resolver)
{
	struct resolver_stats r = resolver_count(resolver);

	metric(out, "mailreeve_dns_cache_hits_total", "counter", "Answers that the cache had.", r.hits);
	metric(out, "mailreeve_dns_questions_total", "counter", "Questions that were sent.", r.questions);
	metric(out, "mailreeve_dns_timeouts_total", "counter", "Questions without an answer in time.", r.answers[ANSWER_TIMEOUT]);
	metric(out, "mailreeve_dns_servfails_total", "counter", "Questions that a server failed at.", r.answers[ANSWER_SERVFAIL]);
	metric(out, "mailreeve_dns_bogus_total", "counter", "Answers that failed DNSSEC validation.", r.answers[ANSWER_BOGUS]);
	metric(out, "mailreeve_dns_in_flight", "gauge", "Questions that wait for an answer.", r.in_flight);
	metric(out, "mailreeve_dns_cached", "gauge", "Answers in the cache.", r.cached);
	metric(out, "mailreeve_dns_cached_octets", "gauge", "Memory of the cache.", r.cached_octets);
}

static void
add_figures(struct buf *out, const struct web_figures *f)
{
	metric(out, "mailreeve_sessions", "gauge", "SMTP sessions now.", f->sessions);
	metric(out, "mailreeve_sessions_total", "counter", "SMTP sessions.", f->sessions_total);
	metric(out, "mailreeve_sessions_turned_away_total", "counter", "Sessions beyond max_sessions.", f->turned_away);
	metric(out, "mailreeve_session_faults_total", "counter", "Sessions left because of what the MTA said.", f->faults);
	if (!f->stores)
		return;
	metric(out, "mailreeve_store_written_total", "counter", "Accounts written.", f->writer.written);
	metric(out, "mailreeve_store_dropped_total", "counter", "Accounts dropped for want of room.", f->writer.dropped);
	metric(out, "mailreeve_store_failures_total", "counter", "Transactions that failed.", f->writer.failures);
	metric(out, "mailreeve_store_queued", "gauge", "Accounts that wait to be written.", f->writer.queued);
	metric(out, "mailreeve_store_lag_microseconds", "gauge", "Age of the oldest account that waits.", f->writer.lag_us);
	metric(out, "mailreeve_store_away", "gauge", "1 while the store is away.", f->writer.away);
}

void
api_metrics(void *desk, const struct http_request *request, struct http_response *response)
{
	struct visit       v = visit_of(desk, request, response);
	struct web_figures f = { .monitor = false };

	response->type = "text/plain; version=0.0.4; charset=utf-8";
	if (v.desk->with.tally != NULL)
		tally_metrics(v.desk->with.tally, v.out);
	if (v.desk->with.resolver != NULL)
		add_resolver(v.out, v.desk->with.resolver);
	if (v.desk->with.figures != NULL)
		v.desk->with.figures(v.desk->with.arg, &f);
	add_figures(v.out, &f);
}
