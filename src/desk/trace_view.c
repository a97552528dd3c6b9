/* desk/trace_view.c: see trace_view.h. */
#include "desk/trace_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

void
view_time(int64_t at_us, char text[VIEW_TIME_MAX])
{
	char     whole[CLOCK_TEXT_MAX];
	unsigned len = clock_format(at_us / 1000000, whole);

	snprintf(text, VIEW_TIME_MAX, "%.*s.%06" PRId64 "Z", (int)(len > 0 ? len - 1 : 0), whole, at_us % 1000000);
}

/* ---- a line ---- */

static void
add_padded(struct buf *out, struct bytes text, size_t width)
{
	size_t from = out->len;

	text_add_safe(out, text);
	for (size_t i = out->len - from; i < width; i++)
		buf_add_c(out, ' ');
}

static enum cli_paint
paint_of(struct bytes action)
{
	if (bytes_eq(action, B("accept")))
		return CLI_GOOD;
	return bytes_eq(action, B("reject")) ? CLI_BAD : CLI_DOUBT;
}

void
view_line(struct buf *out, const struct cli *cli, const struct store_account *row)
{
	char time[CLOCK_TEXT_MAX];

	clock_format(row->at_us / 1000000, time);
	buf_printf(out, "%.10s %.8s  ", time, time + 11);
	text_add_safe(out, row->id);
	buf_add_str(out, "  ");
	cli_paint(cli, out, paint_of(row->action), row->action);
	for (size_t i = row->action.len; i < 12; i++)
		buf_add_c(out, ' ');
	add_padded(out, row->reason, 24);
	add_padded(out, row->client.len > 0 ? row->client : B("this host"), 16);
	buf_add_str(out, " ");
	text_add_safe(out, row->sender.len > 0 ? row->sender : B("<>"));
	if (row->domain.len > 0) {
		buf_add_str(out, "  from ");
		text_add_safe(out, row->domain);
	}
	if (bytes_eq(row->mode, B("monitor")))
		buf_add_str(out, "  (monitor: let through)");
	buf_add_c(out, '\n');
}

/* ---- a spreadsheet ---- */

static bool
is_formula(struct bytes text)
{
	static const struct bytes leads[] = {
		B_INIT("="), B_INIT("+"), B_INIT("-"), B_INIT("@"), B_INIT("\t"), B_INIT("\r"), B_INIT("\n"), B_INIT("|"),
		B_INIT("\xef\xbc\x9d"), B_INIT("\xef\xbc\x8b"), B_INIT("\xef\xbc\x8d"), B_INIT("\xef\xbc\xa0"),
	};
	struct bytes bare = bytes_trim(text);

	for (size_t i = 0; i < NELEMS(leads); i++)
		if (bytes_starts(text, leads[i]) || bytes_starts(bare, leads[i]))
			return true;
	return false;
}

void
view_cell(struct buf *out, struct bytes text)
{
	struct buf safe = { 0 };

	if (is_formula(text))
		buf_add_c(&safe, '\'');
	text_add_safe(&safe, text);
	if (safe.spoilt)
		out->spoilt = true;
	struct bytes cell = buf_bytes(&safe);
	bool quoted = bytes_has(cell, '"') || bytes_has(cell, ',') || bytes_has(cell, ' ') || bytes_has(cell, ';') || bytes_has(cell, '\'');
	if (quoted)
		buf_add_c(out, '"');
	for (size_t i = 0; i < cell.len; i++) {
		if (cell.at[i] == '"')
			buf_add_c(out, '"');
		buf_add_c(out, cell.at[i]);
	}
	if (quoted)
		buf_add_c(out, '"');
	buf_free(&safe);
}

/* What a cell is made of: a text of the account or of the recipient, or a function. */
struct cell_source {
	const struct store_account   *row;
	const struct store_recipient *to; /* NULL: none */
	size_t                        recipients;
};

static void
cell_time(struct buf *out, const struct cell_source *c)
{
	char text[VIEW_TIME_MAX];

	view_time(c->row->at_us, text);
	buf_add_str(out, text);
}

static void
cell_event(struct buf *out, const struct cell_source *c)
{
	struct bytes action = c->to != NULL && c->to->action.len > 0 ? c->to->action : c->row->action;
	bool         enforced = !bytes_eq(c->row->mode, B("monitor"));

	if (c->to != NULL && bytes_eq(c->to->status, B("delivered")))
		buf_add_str(out, "DELIVER");
	else if (enforced && bytes_eq(action, B("reject")))
		buf_add_str(out, "FAIL");
	else if (enforced && bytes_eq(action, B("defer")))
		buf_add_str(out, "DEFER");
	else
		buf_add_str(out, "RECEIVE");
}

static void
cell_status(struct buf *out, const struct cell_source *c)
{
	if (c->to != NULL && c->to->status.len > 0)
		view_cell(out, c->to->status);
	else
		view_cell(out, c->to != NULL && c->to->action.len > 0 ? c->to->action : c->row->action);
}

static void
cell_direction(struct buf *out, const struct cell_source *c)
{
	buf_add_str(out, bytes_eq(c->row->standing, B("foreign")) ? "Incoming" : "Originating");
}

static void
cell_custom(struct buf *out, const struct cell_source *c)
{
	struct buf text = { 0 };

	buf_printf(&text, "S:SFA=spf=%.*s,dkim=%.*s,arc=%.*s,dmarc=%.*s;S:TRA=%.*s,%.*s,%.*s", B_FMT(c->row->spf), B_FMT(c->row->dkim),
	           B_FMT(c->row->arc), B_FMT(c->row->dmarc), B_FMT(c->row->rule), B_FMT(c->row->action), B_FMT(c->row->mode));
	view_cell(out, buf_bytes(&text));
	buf_free(&text);
}

/* One line instead of several. */
static void
cell_reply(struct buf *out, const struct cell_source *c)
{
	struct buf   text = { 0 };
	struct bytes rest = c->row->reply, line;

	while (rest.len > 0 && bytes_cut_line(&rest, &line)) {
		if (text.len > 0)
			buf_add_str(&text, " | ");
		buf_add(&text, line);
	}
	view_cell(out, buf_bytes(&text));
	buf_free(&text);
}

static void
cell_smtp(struct buf *out, const struct cell_source *c)
{
	(void)c;
	buf_add_str(out, "SMTP");
}

static void
cell_count(struct buf *out, const struct cell_source *c)
{
	buf_printf(out, "%zu", c->recipients);
}

static void
cell_size(struct buf *out, const struct cell_source *c)
{
	buf_printf(out, "%" PRId64, c->row->size);
}

#define OF_ROW(member) offsetof(struct store_account, member) + 1
#define OF_TO(member)  offsetof(struct store_recipient, member) + 1

static const struct csv_column {
	const char *name;
	size_t      row, to; /* offset + 1 of a struct bytes; 0: not from there */
	void (*add)(struct buf *, const struct cell_source *);
} csv_columns[] = {
	{ "date_time", 0, 0, cell_time },
	{ "client_ip", OF_ROW(client), 0, NULL },
	{ "client_hostname", OF_ROW(client_name), 0, NULL },
	{ "server_ip", 0, 0, NULL },
	{ "server_hostname", 0, 0, NULL },
	{ "source_context", OF_ROW(listener), 0, NULL },
	{ "connector_id", OF_ROW(standing), 0, NULL },
	{ "source", 0, 0, cell_smtp },
	{ "event_id", 0, 0, cell_event },
	{ "internal_message_id", OF_ROW(queue_id), 0, NULL },
	{ "message_id", OF_ROW(message_id), 0, NULL },
	{ "network_message_id", OF_ROW(id), 0, NULL },
	{ "recipient_address", 0, OF_TO(address), NULL },
	{ "recipient_status", 0, 0, cell_status },
	{ "total_bytes", 0, 0, cell_size },
	{ "recipient_count", 0, 0, cell_count },
	{ "related_recipient_address", 0, 0, NULL },
	{ "reference", 0, OF_TO(next_hop), NULL },
	{ "message_subject", OF_ROW(subject), 0, NULL },
	{ "sender_address", OF_ROW(header_from), 0, NULL },
	{ "return_path", OF_ROW(sender), 0, NULL },
	{ "message_info", OF_ROW(mode), 0, NULL },
	{ "directionality", 0, 0, cell_direction },
	{ "tenant_id", 0, 0, NULL },
	{ "original_client_ip", OF_ROW(peer), 0, NULL },
	{ "custom_data", 0, 0, cell_custom },
	{ "authentication_results", OF_ROW(results), 0, NULL },
	{ "spf", OF_ROW(spf), 0, NULL },
	{ "dkim", OF_ROW(dkim), 0, NULL },
	{ "dmarc", OF_ROW(dmarc), 0, NULL },
	{ "reply", 0, 0, cell_reply },
	{ "reason", OF_ROW(reason), 0, NULL },
};

void
view_csv_head(struct buf *out)
{
	for (size_t i = 0; i < NELEMS(csv_columns); i++)
		buf_printf(out, "%s%s", i > 0 ? "," : "", csv_columns[i].name);
	buf_add_str(out, "\r\n");
}

static struct bytes
member_at(const void *base, size_t offset)
{
	struct bytes text;

	memcpy(&text, (const char *)base + offset - 1, sizeof(text));
	return text;
}

static void
add_csv_row(struct buf *out, const struct cell_source *c)
{
	for (size_t i = 0; i < NELEMS(csv_columns); i++) {
		const struct csv_column *column = &csv_columns[i];
		buf_add_str(out, i > 0 ? "," : "");
		if (column->add != NULL)
			column->add(out, c);
		else if (column->row != 0)
			view_cell(out, member_at(c->row, column->row));
		else if (column->to != 0 && c->to != NULL)
			view_cell(out, member_at(c->to, column->to));
	}
	buf_add_str(out, "\r\n");
}

void
view_csv(struct buf *out, const struct store_account *row)
{
	struct cell_source c = { row, NULL, row->recipient_count };

	if (row->recipient_count == 0)
		add_csv_row(out, &c);
	for (size_t i = 0; i < row->recipient_count; i++) {
		c.to = &row->recipients[i];
		add_csv_row(out, &c);
	}
}

/* ---- JSON ---- */

static const struct {
	const char *name;
	size_t      row;
} json_texts[] = {
	{ "client", OF_ROW(client) },         { "client_name", OF_ROW(client_name) }, { "helo", OF_ROW(helo) },
	{ "standing", OF_ROW(standing) },     { "sender", OF_ROW(sender) },           { "domain", OF_ROW(domain) },
	{ "header_from", OF_ROW(header_from) }, { "subject", OF_ROW(subject) },       { "message_id", OF_ROW(message_id) },
	{ "queue_id", OF_ROW(queue_id) },     { "tls", OF_ROW(tls) },                 { "login", OF_ROW(login) },
	{ "mode", OF_ROW(mode) },             { "action", OF_ROW(action) },           { "reason", OF_ROW(reason) },
	{ "rule", OF_ROW(rule) },             { "override", OF_ROW(override) },       { "reply", OF_ROW(reply) },
	{ "spf", OF_ROW(spf) },               { "dkim", OF_ROW(dkim) },               { "arc", OF_ROW(arc) },
	{ "dmarc", OF_ROW(dmarc) },           { "authentication_results", OF_ROW(results) },
};

void
view_json(struct json *j, const struct store_account *row)
{
	char time[VIEW_TIME_MAX];

	json_open_object(j);
	json_kv_text(j, "id", row->id);
	view_time(row->at_us, time);
	json_kv_str(j, "at", time);
	for (size_t i = 0; i < NELEMS(json_texts); i++)
		json_kv_text_or_null(j, json_texts[i].name, member_at(row, json_texts[i].row));
	json_kv_int(j, "size", row->size);
	json_key(j, "took_ms");
	json_thousandths(j, (uint64_t)row->took_us);
	json_key(j, "recipients");
	json_open_array(j);
	for (size_t i = 0; i < row->recipient_count; i++) {
		const struct store_recipient *r = &row->recipients[i];
		json_open_object(j);
		json_kv_text(j, "address", r->address);
		json_kv_text_or_null(j, "action", r->action);
		json_kv_text_or_null(j, "reason", r->reason);
		json_kv_text_or_null(j, "status", r->status);
		if (r->delivered_us > 0) {
			view_time(r->delivered_us, time);
			json_kv_str(j, "status_at", time);
		} else {
			json_kv_null(j, "status_at");
		}
		json_kv_text_or_null(j, "next_hop", r->next_hop);
		json_close_object(j);
	}
	json_close_array(j);
	json_close_object(j);
}
