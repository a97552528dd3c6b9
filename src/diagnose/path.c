/* diagnose/path.c: see path.h. What a hop says of itself is believed only as
 * far as the hop behind it can be: the fields are read from the newest down,
 * and a break in the chain is marked, not mended. */
#include "diagnose/path.h"

#include "auth/authres.h"
#include "base/eight.h"
#include "base/ip.h"
#include "base/json.h"
#include "diagnose/address_find.h"
#include "diagnose/mime.h"
#include "mail/domain.h"

/* ---- dates, RFC 5322 3.3 ---- */

static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static inline bool
ends_word(char c)
{
	return (unsigned char)c <= ' ' && byte_is_space(c);
}

static struct bytes
word_take(struct bytes *rest)
{
	const char *from = rest->at, *past = rest->at + rest->len;

	while (from < past && (ends_word(*from) || *from == ','))
		from++;
	const char *end = from;
	while (end < past && !ends_word(*end) && *end != ',')
		end++;
	*rest = bytes_make(end, (size_t)(past - end));
	return bytes_make(from, (size_t)(end - from));
}

static int64_t
zone_seconds(struct bytes zone)
{
	uint64_t n;

	if (zone.len != 5 || (zone.at[0] != '+' && zone.at[0] != '-') || !bytes_number(bytes_from(zone, 1), 9999, &n))
		return 0;
	int64_t s = (int64_t)(n / 100 * 3600 + n % 100 * 60);
	return zone.at[0] == '-' ? -s : s;
}

/* "23:34:45", "23:34" */
static bool
clock_read(struct bytes text, int64_t *seconds_out)
{
	int64_t seconds = 0;
	size_t  i = 0;

	for (int64_t weight = 3600; weight > 0; weight /= 60) {
		int64_t v = 0;
		size_t  from = i;
		for (; i < text.len && byte_is_digit(text.at[i]) && v <= 60; i++)
			v = v * 10 + (text.at[i] - '0');
		if (i == from || v > 60 || (i < text.len && text.at[i] != ':'))
			return false;
		seconds += v * weight;
		if (i++ == text.len)
			break;
	}
	*seconds_out = seconds;
	return true;
}

/* "Thu, 29 Apr 2010 23:34:45 +0900": the epoch, or 0. */
static int64_t
date_read(struct bytes text)
{
	static const struct bytes months[] = {
		B_INIT("jan"), B_INIT("feb"), B_INIT("mar"), B_INIT("apr"), B_INIT("may"), B_INIT("jun"),
		B_INIT("jul"), B_INIT("aug"), B_INIT("sep"), B_INIT("oct"), B_INIT("nov"), B_INIT("dec"),
	};
	uint64_t     day, year;
	int64_t      clock;
	struct bytes word = word_take(&text);

	if (word.len > 0 && byte_is_alpha(word.at[0]))
		word = word_take(&text);
	if (!bytes_number(word, 31, &day))
		return 0;
	word = word_take(&text);
	size_t month = 0;
	while (month < NELEMS(months) && !bytes_starts_nocase(word, months[month]))
		month++;
	if (month == NELEMS(months) || !bytes_number(word_take(&text), 9999, &year))
		return 0;
	if (!clock_read(word_take(&text), &clock))
		return 0;
	year += year < 50 ? 2000 : year < 1000 ? 1900 : 0;
	return days_from_civil((int64_t)year, (int64_t)month + 1, (int64_t)day) * 86400 + clock - zone_seconds(word_take(&text));
}

/* ---- one field ---- */

/* The address in brackets or parentheses between "from" and "by". */
static struct bytes
client_ip(struct bytes value)
{
	struct ip ip;

	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] != '[' && value.at[i] != '(' && value.at[i] != ' ')
			continue;
		struct bytes rest = bytes_sub(value, i + 1, IP_TEXT_MAX + 5);
		if (bytes_starts_nocase(rest, B("IPv6:")))
			rest = bytes_from(rest, 5);
		size_t n = 0;
		while (n < rest.len && (byte_hex(rest.at[n]) >= 0 || rest.at[n] == '.' || rest.at[n] == ':'))
			n++;
		if (n >= 3 && ip_parse(bytes_sub(rest, 0, n), &ip))
			return bytes_sub(rest, 0, n);
	}
	return B_NONE;
}

/* The words of RFC 5321 4.4 that a value follows. */
enum clause { CLAUSE_FROM, CLAUSE_BY, CLAUSE_WITH, CLAUSE_COUNT };

static const struct bytes clause_words[CLAUSE_COUNT] = { [CLAUSE_FROM] = B_INIT("from"), [CLAUSE_BY] = B_INIT("by"), [CLAUSE_WITH] = B_INIT("with") };

/* Where the word that begins at `i` ends. */
static size_t
word_end(struct bytes text, size_t i)
{
	while (i + 8 <= text.len) {
		uint64_t low = eight_below(eight_at(text.at + i), ' ' + 1);
		i += low != 0 ? eight_first(low) : 8;
		if (low == 0)
			continue;
		if (byte_is_space(text.at[i]))
			return i;
		i++; /* a control */
	}
	while (i < text.len && !ends_word(text.at[i]))
		i++;
	return i;
}

/* The next word; what ends it stays. */
static struct bytes
field_word(struct bytes value, size_t *at)
{
	size_t from = *at;

	while (from < value.len && byte_is_space(value.at[from]))
		from++;
	*at = word_end(value, from);
	return bytes_sub(value, from, *at - from);
}

/* Without what is behind it in the same word. */
static struct bytes
clause_value(struct bytes word)
{
	word.len = bytes_index(word, ';');
	word.len = bytes_index(word, '(');
	return word;
}

/* Comments that speak of TLS: "(version=TLS1_3 cipher=...)", "(using TLSv1.3 with cipher ...)". */
static bool
word_of_tls(struct bytes before, struct bytes word)
{
	size_t marks = 0;

	while (marks < word.len && word.at[marks] == '(')
		marks++;
	return bytes_starts_nocase(bytes_from(word, marks), B("version=TLS")) || (bytes_starts_nocase(word, B("TLS")) && bytes_ends_nocase(before, B("using")));
}

static void
hop_read(struct bytes value, struct hop *h)
{
	struct bytes found[CLAUSE_COUNT] = { 0 }, word = B_NONE, before;
	size_t       semicolon = bytes_rindex(value, ';');

	if (semicolon < value.len)
		h->at = date_read(bytes_from(value, semicolon + 1));
	if (h->at != 0) /* what is behind it is read */
		value = bytes_sub(value, 0, semicolon);
	size_t      by_at = value.len;
	enum clause last = CLAUSE_COUNT; /* the word before was its */
	for (size_t at = 0; at < value.len;) {
		before = word;
		word = field_word(value, &at);
		h->tls = h->tls || word_of_tls(before, word);
		if (last < CLAUSE_COUNT)
			found[last] = clause_value(word);
		last = CLAUSE_COUNT;
		for (enum clause c = 0; c < CLAUSE_COUNT; c++)
			if (bytes_eq_nocase(word, clause_words[c]) && found[c].at == NULL && at < value.len) {
				last = c;
				by_at = c == CLAUSE_BY ? at - word.len : by_at;
			}
	}
	h->from = found[CLAUSE_FROM];
	h->by = found[CLAUSE_BY];
	h->with = found[CLAUSE_WITH];
	h->ip = client_ip(bytes_sub(value, 0, by_at));
	h->tls = h->tls || (bytes_ends_nocase(h->with, B("S")) && (bytes_starts_nocase(h->with, B("ESMTP")) || bytes_starts_nocase(h->with, B("UTF8SMTP")))) ||
	         bytes_ends_nocase(h->with, B("SA"));
}

/* ---- the chain ---- */

/* "mx1.example.net" and "mx2.example.net" are the same house. */
static bool
kin(struct bytes a, struct bytes b)
{
	for (int i = 0; i < 2; i++) {
		struct bytes *longer = a.len > b.len ? &a : &b;
		size_t        dot = bytes_index(*longer, '.');
		if (bytes_eq_nocase(a, b))
			return true;
		if (dot == longer->len)
			return false;
		*longer = bytes_from(*longer, dot + 1);
	}
	return bytes_eq_nocase(a, b) || bytes_ends_nocase(a, b) || bytes_ends_nocase(b, a);
}

static const char *
doubt_of(const struct hop *before, const struct hop *h)
{
	if (h->by.len == 0)
		return "names no server";
	if (before == NULL)
		return NULL;
	if (h->at != 0 && before->at != 0 && h->at + 300 < before->at)
		return "is older than the hop before it";
	if (h->from.len > 0 && host_like(h->from) && host_like(before->by) && !kin(h->from, before->by) && h->ip.len == 0)
		return "came from a host that the hop before does not name";
	return NULL;
}

struct path *
path_read(struct arena *a, const struct header *h)
{
	struct path        *p = arena_take(a, sizeof(*p));
	const struct field *received[PATH_HOPS_MAX]; /* of many, the last ones */
	size_t              n = 0;

	if (p == NULL)
		return NULL;
	for (size_t i = header_find(h, B("Received"), 0); i < h->count; i = header_find(h, B("Received"), i + 1))
		received[n++ % PATH_HOPS_MAX] = &h->fields[i];
	size_t count = n < PATH_HOPS_MAX ? n : PATH_HOPS_MAX;
	p->hops = arena_take_array(a, count, sizeof(*p->hops));
	if (p->hops == NULL)
		return NULL;
	while (p->count < count) {
		struct hop *hop = &p->hops[p->count];
		hop_read(bytes_trim(received[--n % PATH_HOPS_MAX]->value), hop);
		const struct hop *before = p->count > 0 ? &p->hops[p->count - 1] : NULL;
		if (before != NULL && before->at != 0 && hop->at != 0)
			hop->seconds = hop->at - before->at;
		hop->doubt = doubt_of(before, hop);
		p->count++;
	}
	return p;
}

static const struct header *
header_of(const struct explained *x)
{
	return x->reading->kind == KIND_NOT_A_BOUNCE ? &x->reading->header : &x->reading->returned;
}

/* RFC 3339 without a clock: as many octets as DATE_TEXT has. */
#define DATE_TEXT "yyyy-mm-ddThh:mm:ssZ"

static void
date_write(int64_t epoch, char *at)
{
	int64_t days = epoch / 86400, rest = epoch % 86400;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t m = mp + (mp < 10 ? 3 : -9), y = yoe + era * 400 + (m <= 2);
	const int64_t parts[] = { y / 100, y % 100, m, doy - (153 * mp + 2) / 5 + 1, rest / 3600, rest / 60 % 60, rest % 60 };
	for (size_t i = 0; i < NELEMS(parts); i++) {
		*at++ = (char)('0' + parts[i] / 10 % 10);
		*at++ = (char)('0' + parts[i] % 10);
		at += i > 0;
	}
}

/* ---- what others found when the message came in ---- */

struct said_by {
	struct bytes authserv_id, method, result, domain;
	bool         aligned;
};

#define SAID_BY_MAX 64

/* The domain that a result is about: of the signature, or of the sender. */
static struct bytes
said_domain(const struct authres_said *s)
{
	static const struct bytes names[] = { B_INIT("header.d"), B_INIT("header.from"), B_INIT("smtp.mailfrom"), B_INIT("header.i"), B_INIT("smtp.helo") };

	for (size_t n = 0; n < NELEMS(names); n++)
		for (size_t i = 0; i < s->prop_count; i++)
			if (bytes_eq(s->props[i].name, names[n])) {
				struct bytes value = s->props[i].value;
				size_t       at = bytes_rindex(value, '@');
				return at < value.len ? bytes_from(value, at + 1) : value;
			}
	return B_NONE;
}

static size_t
authentication_read(struct arena *a, const struct header *h, struct said_by list[SAID_BY_MAX])
{
	struct bytes from = mime_field(a, h, B("From")), address = B_NONE;
	size_t       count = 0, end, lt = bytes_rindex(from, '<');

	if (!(lt < from.len && address_find(from, lt, &address, &end)))
		address_find(from, 0, &address, &end);
	struct bytes domain = domain_normal(a, address_domain(address));
	for (size_t i = header_find(h, B("Authentication-Results"), 0); i < h->count; i = header_find(h, B("Authentication-Results"), i + 1)) {
		struct authres r;
		if (!authres_parse(a, h->fields[i].value, &r))
			continue;
		for (size_t k = 0; k < r.count && count < SAID_BY_MAX; k++) {
			struct bytes about = domain_normal(a, said_domain(&r.said[k]));
			bool         aligned = about.len > 0 && domain.len > 0 && (domain_is_under(about, domain) || domain_is_under(domain, about));
			list[count++] = (struct said_by){ r.authserv_id, r.said[k].method, r.said[k].result, about, aligned };
		}
	}
	return count;
}

static void
authentication_json(struct json *j, struct arena *a, const struct header *h)
{
	struct said_by list[SAID_BY_MAX];
	size_t         count = authentication_read(a, h, list);

	json_key(j, "authentication");
	json_open_array(j);
	for (size_t i = 0; i < count; i++) {
		json_open_object(j);
		json_kv_text_or_null(j, "authserv_id", list[i].authserv_id);
		json_kv_text_or_null(j, "method", list[i].method);
		json_kv_text_or_null(j, "result", list[i].result);
		json_kv_text_or_null(j, "domain", list[i].domain);
		json_kv_bool(j, "aligned", list[i].aligned);
		json_close_object(j);
	}
	json_close_array(j);
}

static void
authentication_text(struct buf *out, struct arena *a, const struct header *h)
{
	struct said_by list[SAID_BY_MAX];
	size_t         count = authentication_read(a, h, list);

	if (count > 0)
		buf_add_str(out, "What servers wrote about it (only those of your own side can be believed):\n");
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "  %.*s: %.*s=%.*s%s%.*s%s\n", B_FMT(list[i].authserv_id), B_FMT(list[i].method), B_FMT(list[i].result), list[i].domain.len > 0 ? " for " : "", B_FMT(list[i].domain),
		           list[i].domain.len == 0 ? "" : list[i].aligned ? ", aligned with From" : ", not aligned with From");
	for (size_t i = count; i > 0; i--)
		if (bytes_eq(list[i - 1].result, B("fail")) || bytes_eq(list[i - 1].result, B("permerror"))) {
			buf_printf(out, "Authentication first broke before %.*s (%.*s).\n", B_FMT(list[i - 1].authserv_id), B_FMT(list[i - 1].method));
			break;
		}
	if (count > 0)
		buf_add_c(out, '\n');
}

void
path_json(struct json *j, struct arena *a, const struct explained *x)
{
	struct path *p = path_read(a, header_of(x));
	char         at[] = DATE_TEXT;

	json_key(j, "path");
	json_open_array(j);
	for (size_t i = 0; p != NULL && i < p->count; i++) {
		const struct hop *h = &p->hops[i];
		json_open_object(j);
		json_kv_text_or_null(j, "from", h->from);
		json_kv_text_or_null(j, "ip", h->ip);
		json_kv_text_or_null(j, "by", h->by);
		json_kv_text_or_null(j, "with", h->with);
		json_kv_bool(j, "tls", h->tls);
		if (h->at != 0)
			date_write(h->at, at);
		json_kv_word(j, "at", h->at != 0 ? at : NULL);
		json_kv_int(j, "seconds", h->seconds);
		json_kv_word(j, "doubt", h->doubt);
		json_close_object(j);
	}
	json_close_array(j);
	if (x->reading->kind == KIND_NOT_A_BOUNCE)
		authentication_json(j, a, &x->reading->header);
}

void
path_text(struct buf *out, struct arena *a, const struct explained *x)
{
	struct path *p = path_read(a, header_of(x));

	if (x->reading->kind == KIND_NOT_A_BOUNCE)
		authentication_text(out, a, &x->reading->header);
	if (p == NULL || p->count == 0)
		return;
	buf_add_str(out, "The way it took, the first hop first:\n");
	for (size_t i = 0; i < p->count; i++) {
		const struct hop *h = &p->hops[i];
		buf_printf(out, "  %zu. %.*s%s%.*s%s to %.*s, %.*s%s", i + 1, B_FMT(h->from.len > 0 ? h->from : B("(not named)")), h->ip.len > 0 ? " [" : "", B_FMT(h->ip),
		           h->ip.len > 0 ? "]" : "", B_FMT(h->by.len > 0 ? h->by : B("(not named)")), B_FMT(h->with.len > 0 ? h->with : B("unknown protocol")),
		           h->tls ? ", encrypted" : "");
		if (i > 0 && h->at != 0 && p->hops[i - 1].at != 0)
			buf_printf(out, ", after %lld s", (long long)h->seconds);
		if (h->doubt != NULL)
			buf_printf(out, " (doubtful: it %s)", h->doubt);
		buf_add_c(out, '\n');
	}
	buf_add_c(out, '\n');
}
