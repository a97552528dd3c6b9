/* desk/query.c: see query.h. */
#include "desk/query.h"

#include "base/ip.h"
#include "base/rc.h"
#include "desk/html.h"

#define FIELD(name, label) { #name, label, offsetof(struct search, name) }
#define SECOND_US ((int64_t)1000000)
#define BUDGET_MS 2000

const struct query_field query_fields[] = {
	FIELD(sender, "Sender"),
	FIELD(recipient, "Recipient"),
	FIELD(domain, "From domain"),
	FIELD(client, "Client IP"),
	FIELD(action, "What was done"),
	FIELD(reason, "Reason"),
	FIELD(message_id, "Message-ID"),
	FIELD(queue_id, "Queue id"),
};
const size_t query_field_count = NELEMS(query_fields);

/* Days since 1970 of a date of the proleptic Gregorian calendar, by years that begin in March. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static bool
take_number(struct bytes *rest, size_t digits, uint64_t least, uint64_t most, int64_t *value_out)
{
	uint64_t v;

	if (rest->len < digits || !bytes_number(bytes_sub(*rest, 0, digits), most, &v) || v < least)
		return false;
	bytes_skip(rest, digits);
	*value_out = (int64_t)v;
	return true;
}

static bool
take_char(struct bytes *rest, const char *any)
{
	if (rest->len == 0 || !bytes_has(bytes_of(any), rest->at[0]))
		return false;
	bytes_skip(rest, 1);
	return true;
}

static bool
read_date(struct bytes rest, int64_t *at_us_out)
{
	int64_t year, month, day, hour = 0, minute = 0, second = 0;

	if (!take_number(&rest, 4, 1970, 9999, &year) || !take_char(&rest, "-") || !take_number(&rest, 2, 1, 12, &month) ||
	    !take_char(&rest, "-") || !take_number(&rest, 2, 1, 31, &day))
		return false;
	if (rest.len > 0 && (!take_char(&rest, "T ") || !take_number(&rest, 2, 0, 23, &hour) || !take_char(&rest, ":") ||
	                     !take_number(&rest, 2, 0, 59, &minute)))
		return false;
	if (take_char(&rest, ":") && !take_number(&rest, 2, 0, 59, &second))
		return false;
	(void)take_char(&rest, "Z");
	if (rest.len > 0)
		return false;
	*at_us_out = (days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * SECOND_US;
	return true;
}

bool
query_time(struct bytes text, int64_t now_us, int64_t *at_us_out)
{
	uint64_t n;

	if (bytes_number(text, INT64_MAX / SECOND_US, &n)) {
		*at_us_out = (int64_t)n * SECOND_US;
		return true;
	}
	if (text.len > 1 && bytes_has(B("hd"), text.at[text.len - 1]) && bytes_number(bytes_sub(text, 0, text.len - 1), 36500, &n)) {
		*at_us_out = now_us - (int64_t)n * (text.at[text.len - 1] == 'h' ? 3600 : 86400) * SECOND_US;
		return true;
	}
	return read_date(text, at_us_out);
}

/* As the store keeps them: addresses without <>, clients in canonical form. */
static struct bytes
tidy(const struct http_request *r, const struct query_field *f)
{
	struct bytes value = bytes_trim(http_query(r, f->name));
	struct ip    ip;
	char         text[IP_TEXT_MAX];

	if (f->at == offsetof(struct search, client) && ip_parse(value, &ip))
		return arena_copy(r->arena, bytes_make(text, ip_format(&ip, text)));
	bool address = f->at == offsetof(struct search, sender) || f->at == offsetof(struct search, recipient);
	if (address && value.len > 2 && value.at[0] == '<' && value.at[value.len - 1] == '>')
		return bytes_sub(value, 1, value.len - 2);
	return value;
}

bool
query_read(const struct http_request *r, int64_t now_us, struct search *q, const char **why_out)
{
	struct bytes since = bytes_trim(http_query(r, "since")), until = bytes_trim(http_query(r, "until"));
	struct bytes limit = http_query(r, "limit"), after = http_query(r, "after");
	uint64_t     n = QUERY_PAGE;

	*q = (struct search){ .budget_ms = BUDGET_MS };
	for (size_t i = 0; i < query_field_count; i++)
		*(struct bytes *)(void *)((char *)q + query_fields[i].at) = tidy(r, &query_fields[i]);
	if ((since.len > 0 && !query_time(since, now_us, &q->from_us)) || (until.len > 0 && !query_time(until, now_us, &q->to_us))) {
		*why_out = "A time is written as 2026-11-21, 2026-11-21T03:00 (UTC), or 24h or 7d before now.";
		return false;
	}
	if (limit.len > 0 && (!bytes_number(limit, QUERY_PAGE_MOST, &n) || n == 0)) {
		*why_out = "The limit is a number from 1 to 500.";
		return false;
	}
	q->limit = (size_t)n;
	if (after.len > 0 && !search_cursor_parse(after, &q->after)) {
		*why_out = "This is no place where a search can go on.";
		return false;
	}
	return true;
}

static void
write_pair(struct buf *out, const struct http_request *r, const char *name)
{
	struct bytes value = bytes_trim(http_query(r, name));

	if (value.len == 0)
		return;
	if (out->len > 0)
		buf_add_c(out, '&');
	buf_add_str(out, name);
	buf_add_c(out, '=');
	html_url(out, value);
}

void
query_write(struct buf *out, const struct http_request *r)
{
	for (size_t i = 0; i < query_field_count; i++)
		write_pair(out, r, query_fields[i].name);
	write_pair(out, r, "since");
	write_pair(out, r, "until");
	write_pair(out, r, "limit");
}
