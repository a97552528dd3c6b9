/* desk/maillog.c: see maillog.h. A line looks like this:
 *
 * Nov 22 04:51:24 mx postfix/smtp[17]: 4abc: to=<b@example.net>, orig_to=<c@example.net>,
 *   relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)
 *
 * Addresses may hold blanks, commas and quotes: senders choose them. */
#include "desk/maillog.h"

#include <time.h>

#include "base/rc.h"

#define QUEUE_ID_MAX 32

static bool
is_queue_id(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!byte_is_alnum(text.at[i]))
			return false;
	return text.len >= 5 && text.len <= QUEUE_ID_MAX;
}

/* "<...>, " in front; an address in it ends at the last '>' that a comma follows before the next "name=". */
static bool
take_address(struct bytes *rest, struct bytes *address_out)
{
	if (!bytes_starts(*rest, B("<")))
		return false;
	size_t end = bytes_find(*rest, B(">, "));
	if (end == rest->len)
		return false;
	*address_out = bytes_sub(*rest, 1, end - 1);
	bytes_skip(rest, end + 3);
	return true;
}

/* The stamp is what stands before the host; the host is what stands before the program. */
static bool
split_head(struct bytes line, struct bytes *stamp_out, struct bytes *rest_out)
{
	size_t program = bytes_find(line, B("]: "));
	struct bytes head = bytes_sub(line, 0, program), rest = bytes_from(line, program);

	if (rest.len < 3 || bytes_find(head, B("postfix")) == head.len)
		return false;
	bytes_skip(&rest, 3);
	size_t tag = bytes_rindex(head, ' ');
	head = bytes_trim(bytes_sub(head, 0, tag));
	size_t host = bytes_rindex(head, ' ');
	if (tag == 0 || host == head.len)
		return false;
	*stamp_out = bytes_trim(bytes_sub(head, 0, host));
	*rest_out = rest;
	return true;
}

bool
maillog_parse(struct bytes line, struct maillog *out)
{
	struct maillog m = { .queue_id = B_NONE };
	struct bytes   rest;

	if (!split_head(bytes_trim(line), &m.stamp, &rest))
		return false;
	if (!bytes_cut(&rest, ':', &m.queue_id) || rest.len == 0 || !is_queue_id(m.queue_id) || !bytes_starts(rest, B(" to=")))
		return false;
	bytes_skip(&rest, 4);
	if (!take_address(&rest, &m.to))
		return false;
	if (bytes_starts(rest, B("orig_to="))) {
		bytes_skip(&rest, 8);
		if (!take_address(&rest, &m.original))
			return false;
	}
	size_t at = bytes_find(rest, B(", status="));
	if (at == rest.len)
		return false;
	bytes_skip(&rest, at + 9);
	bytes_cut(&rest, ' ', &m.status);
	rest = bytes_trim(rest);
	if (rest.len >= 2 && rest.at[0] == '(' && rest.at[rest.len - 1] == ')')
		m.reply = bytes_sub(rest, 1, rest.len - 2);
	*out = m;
	return maillog_status(m.status).len > 0;
}

struct bytes
maillog_status(struct bytes word)
{
	static const struct {
		struct bytes word, status;
	} rows[] = {
		{ B_INIT("sent"), B_INIT("delivered") },
		{ B_INIT("deferred"), B_INIT("deferred") },
		{ B_INIT("bounced"), B_INIT("failed") },
		{ B_INIT("expired"), B_INIT("failed") },
	};
	for (size_t i = 0; i < NELEMS(rows); i++)
		if (bytes_eq(rows[i].word, word))
			return rows[i].status;
	return B("");
}

static bool
read_numbers(struct bytes text, const size_t (*parts)[2], size_t count, int *out)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t n;
		if (!bytes_number(bytes_trim(bytes_sub(text, parts[i][0], parts[i][1])), 9999, &n))
			return false;
		out[i] = (int)n;
	}
	return true;
}

/* "2026-11-22T04:51:24.123456+01:00" */
static bool
time_full(struct bytes stamp, int64_t *at_us_out)
{
	static const size_t parts[][2] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 } };
	static const size_t zone_parts[][2] = { { 1, 2 }, { 4, 2 } };
	int                 n[6], zone[2] = { 0, 0 };
	uint64_t            fraction = 0;

	if (!read_numbers(stamp, parts, 6, n))
		return false;
	struct bytes rest = bytes_from(stamp, 19);
	if (bytes_starts(rest, B("."))) {
		size_t digits = 0;
		bytes_skip(&rest, 1);
		while (digits < rest.len && byte_is_digit(rest.at[digits]))
			digits++;
		for (size_t i = 0; i < 6; i++)
			fraction = fraction * 10 + (i < digits ? (uint64_t)(rest.at[i] - '0') : 0);
		bytes_skip(&rest, digits);
	}
	bool behind = bytes_starts(rest, B("-"));
	if ((behind || bytes_starts(rest, B("+"))) && !read_numbers(rest, zone_parts, 2, zone))
		return false;
	struct tm tm = { .tm_year = n[0] - 1900, .tm_mon = n[1] - 1, .tm_mday = n[2], .tm_hour = n[3], .tm_min = n[4], .tm_sec = n[5] };
	int64_t   east = (zone[0] * 60 + zone[1]) * 60;
	*at_us_out = ((int64_t)timegm(&tm) - (behind ? -east : east)) * 1000000 + (int64_t)fraction;
	return true;
}

bool
maillog_time(struct bytes stamp, int64_t now, int64_t *at_us_out)
{
	static const char   months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const size_t parts[][2] = { { 4, 2 }, { 7, 2 }, { 10, 2 }, { 13, 2 } };
	int                 n[4];
	time_t              now_time = (time_t)now;
	struct tm           today;

	if (stamp.len >= 19 && byte_is_digit(stamp.at[0]))
		return time_full(stamp, at_us_out);
	size_t month = bytes_find(bytes_of(months), bytes_sub(stamp, 0, 3));
	if (stamp.len < 15 || month % 3 != 0 || month >= 36 || !read_numbers(stamp, parts, 4, n) || localtime_r(&now_time, &today) == NULL)
		return false;
	for (int back = 0; back < 2; back++) {
		struct tm tm = { .tm_year = today.tm_year - back, .tm_mon = (int)month / 3, .tm_mday = n[0], .tm_hour = n[1], .tm_min = n[2], .tm_sec = n[3],
				 .tm_isdst = -1 };
		int64_t at = (int64_t)mktime(&tm);
		*at_us_out = at * 1000000;
		if (at <= now + 86400)
			break;
	}
	return true;
}
