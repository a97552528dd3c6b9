/* base/bytes_test.c: the cellar: bytes, arena, ip, zone, codec, json, map, utf8. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/ask.h"
#include "base/codec.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/map.h"
#include "base/utf8.h"
#include "base/zone.h"

static void
cut_gives_every_part(void **state)
{
	struct bytes rest = B("a,,b"), part;

	(void)state;
	assert_true(bytes_cut(&rest, ',', &part));
	assert_bytes(part, B("a"));
	assert_true(bytes_cut(&rest, ',', &part));
	assert_bytes(part, B(""));
	assert_true(bytes_cut(&rest, ',', &part));
	assert_bytes(part, B("b"));
	assert_false(bytes_cut(&rest, ',', &part));
}

static void
numbers_refuse_overflow(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_true(bytes_number(B("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(bytes_number(B("18446744073709551616"), UINT64_MAX, &v));
	assert_false(bytes_number(B("256"), 255, &v));
	assert_false(bytes_number(B("-1"), 255, &v));
	assert_false(bytes_number(B(""), 255, &v));
}

/* As the header defines them, an octet at a time. */
static size_t
found_plainly(struct bytes hay, struct bytes needle, bool nocase)
{
	for (size_t i = 0; i + needle.len <= hay.len; i++) {
		size_t k = 0;
		while (k < needle.len && (nocase ? byte_lower(hay.at[i + k]) == byte_lower(needle.at[k]) : hay.at[i + k] == needle.at[k]))
			k++;
		if (k == needle.len)
			return i;
	}
	return hay.len;
}

/* Few octets, so that much is alike: among them those that differ from a letter in the bit of its case, and above ASCII. */
static struct bytes
random_octets(char *room, size_t len, uint32_t *seed)
{
	static const char octets[] = "aAzZ@[`{\xc1\xe1\0 a";

	for (size_t i = 0; i < len; i++) {
		*seed = *seed * 1664525u + 1013904223u;
		room[i] = octets[(*seed >> 8) % (sizeof(octets) - 1)];
	}
	return bytes_make(room, len);
}

static void
searches_find_what_a_plain_loop_finds(void **state)
{
	uint32_t seed = 3;

	(void)state;
	for (unsigned n = 0; n < 30000; n++) {
		size_t hay_len = n % 211, needle_len = n % 7 == 0 ? n % 83 : 1 + n % 4;
		char  *hay_room = malloc(hay_len), *needle_room = malloc(needle_len); /* of one size each, so that a sanitizer sees where they end */
		struct bytes hay = random_octets(hay_room, hay_len, &seed), needle = random_octets(needle_room, needle_len, &seed);
		if (n % 3 == 0 && needle_len <= hay_len) /* it is there */
			memcpy(needle_room, hay_room + (hay_len - needle_len) * (n % 5) / 4, needle_len);
		assert_int_equal(bytes_find(hay, needle), found_plainly(hay, needle, false));
		assert_int_equal(bytes_find_nocase(hay, needle), found_plainly(hay, needle, true));
		bool same = needle_len <= hay_len && found_plainly(bytes_sub(hay, 0, needle_len), needle, true) == 0;
		if (needle_len > 0)
			assert_int_equal(bytes_starts_nocase(hay, needle), same);
		free(hay_room);
		free(needle_room);
	}
}

static void
arena_limit_refuses_and_stays_refused(void **state)
{
	struct arena *a = arena_new(1000);

	(void)state;
	assert_non_null(arena_take(a, 900));
	assert_null(arena_take(a, 200));
	assert_true(arena_overdrawn(a));
	assert_null(arena_take(a, 1));
	arena_reset(a);
	assert_non_null(arena_take(a, 900));
	arena_free(a);
}

static const struct ip_row {
	const char *name, *text, *want; /* NULL: refused */
} ip_rows[] = {
	{ "a dotted quad", "192.0.2.1", "192.0.2.1" },
	{ "a leading zero is refused", "192.0.02.1", NULL },
	{ "three parts are refused", "192.0.2", NULL },
	{ "five parts are refused", "192.0.2.1.1", NULL },
	{ "zeros are compressed", "2001:db8:0:0:0:0:0:1", "2001:db8::1" },
	{ "all zeros", "::", "::" },
	{ "the longest run is compressed", "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
	{ "a single zero group is not compressed", "1:2:3:0:5:6:7:8", "1:2:3:0:5:6:7:8" },
	{ "zeros at the end", "2001:db8::", "2001:db8::" },
	{ "a mapped address is the IPv4 address", "::ffff:192.0.2.1", "192.0.2.1" },
	{ "a mapped address in hexadecimal", "::FFFF:c000:0201", "192.0.2.1" },
	{ "an embedded quad elsewhere stays IPv6", "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	{ "two gaps are refused", "1::2::3", NULL },
	{ "nine groups are refused", "1:2:3:4:5:6:7:8:9", NULL },
	{ "a gap must stand for something", "1:2:3:4::5:6:7:8", NULL },
	{ "five digits are refused", "12345::", NULL },
	{ "a lone colon at the end is refused", "1:2:3:4:5:6:7:", NULL },
	{ "a zone id is refused", "fe80::1%eth0", NULL },
};

static void
check_ip(void **state)
{
	const struct ip_row *row = *state;
	struct ip            ip;
	char                 text[IP_TEXT_MAX];

	assert_int_equal(ip_parse(bytes_of(row->text), &ip), row->want != NULL);
	if (row->want == NULL)
		return;
	ip_format(&ip, text);
	assert_string_equal(text, row->want);
}

static void
networks_match_by_bits(void **state)
{
	struct ip_net net;
	struct ip     ip;

	(void)state;
	assert_true(ip_net_parse(B("192.0.2.128/25"), true, &net));
	assert_true(ip_parse(B("192.0.2.200"), &ip) && ip_in_net(&ip, &net.ip, net.bits));
	assert_true(ip_parse(B("192.0.2.100"), &ip) && !ip_in_net(&ip, &net.ip, net.bits));
	assert_false(ip_net_parse(B("192.0.2.129/25"), true, &net));
	assert_true(ip_net_parse(B("192.0.2.129/25"), false, &net));
	assert_true(ip_net_parse(B("0.0.0.0/0"), true, &net) && ip_in_net(&ip, &net.ip, net.bits));
	assert_false(ip_net_parse(B("192.0.2.0/33"), true, &net));
}

static const struct port_row {
	const char *name, *text;
	unsigned    port; /* 0: refused */
	const char *ip;
} port_rows[] = {
	{ "an address has the usual port", "192.0.2.1", 53, "192.0.2.1" },
	{ "a port follows a colon", "192.0.2.1:5353", 5353, "192.0.2.1" },
	{ "an IPv6 address needs no brackets without a port", "2001:db8::1", 53, "2001:db8::1" },
	{ "an IPv6 address may have brackets", "[2001:db8::1]", 53, "2001:db8::1" },
	{ "with a port it has them", "[2001:db8::1]:5353", 5353, "2001:db8::1" },
	{ "an IPv4 address has no brackets", "[192.0.2.1]:53", 0, NULL },
	{ "a bracket is closed", "[2001:db8::1", 0, NULL },
	{ "nothing but a port follows a bracket", "[2001:db8::1]53", 0, NULL },
	{ "a port has digits", "192.0.2.1:dns", 0, NULL },
	{ "a port is not empty", "192.0.2.1:", 0, NULL },
	{ "a port is not zero", "192.0.2.1:0", 0, NULL },
	{ "a port has 16 bits", "192.0.2.1:65536", 0, NULL },
	{ "a port alone is no address", ":53", 0, NULL },
	{ "nothing is no address", "", 0, NULL },
};

static void
check_port(void **state)
{
	const struct port_row *row = *state;
	struct ip              ip;
	uint16_t               port = 0;
	char                   text[IP_TEXT_MAX];

	assert_int_equal(ip_port_parse(bytes_of(row->text), 53, &ip, &port), row->port != 0);
	assert_int_equal(port, row->port);
	if (row->port != 0) {
		ip_format(&ip, text);
		assert_string_equal(text, row->ip);
	}
}

static const char zone_text[] = "# a comment\n"
                                "example.com  TXT \"v=spf1 -all\"\n"
                                "example.com  TXT \"a\" \"b\\\"\\010c\"\n"
                                "Deep.Down.example.com A 192.0.2.1\n"
                                "alias.example.com CNAME deep.down.example.com.\n"
                                "loop.example.com CNAME loop.example.com\n"
                                "slow.example.com ANY !timeout\n"
                                "slow.example.com A 192.0.2.9\n"
                                "forged.example.com TXT !bogus\n"
                                "example.com MX 10 mx.example.com\n"
                                "null.example.com MX 0 .\n"
                                "v6.example.com AAAA 2001:db8::1\n";

static const struct zone_row {
	const char        *name, *ask;
	enum dns_type      type;
	enum answer_status status;
	const char        *want; /* of the first record */
} zone_rows[] = {
	{ "a TXT record is found", "example.com", DNS_TXT, ANSWER_OK, "v=spf1 -all" },
	{ "names are found in any case", "EXAMPLE.com", DNS_TXT, ANSWER_OK, "v=spf1 -all" },
	{ "a listed name without the type is empty", "example.com", DNS_AAAA, ANSWER_EMPTY, NULL },
	{ "a parent of a listed name exists", "down.example.com", DNS_TXT, ANSWER_EMPTY, NULL },
	{ "a parent far above exists", "com", DNS_TXT, ANSWER_EMPTY, NULL },
	{ "a part of a label is no parent", "ple.com", DNS_TXT, ANSWER_NXDOMAIN, NULL },
	{ "an unlisted name is NXDOMAIN", "nowhere.example.com", DNS_TXT, ANSWER_NXDOMAIN, NULL },
	{ "a CNAME is followed", "alias.example.com", DNS_A, ANSWER_OK, "\xc0\x00\x02\x01" },
	{ "a CNAME loop is SERVFAIL", "loop.example.com", DNS_A, ANSWER_SERVFAIL, NULL },
	{ "ANY stands for every type", "slow.example.com", DNS_TXT, ANSWER_TIMEOUT, NULL },
	{ "a line of one type wins over ANY", "slow.example.com", DNS_A, ANSWER_OK, "\xc0\x00\x02\x09" },
	{ "bogus is bogus", "forged.example.com", DNS_TXT, ANSWER_BOGUS, NULL },
	{ "an MX is found", "example.com", DNS_MX, ANSWER_OK, "mx.example.com" },
	{ "a null MX has no name", "null.example.com", DNS_MX, ANSWER_OK, "" },
};

static void
check_zone(void **state)
{
	const struct zone_row *row = *state;
	struct arena          *a = arena_new(100000);
	struct zone           *z = NULL;
	struct bytes           why = B_NONE, got;
	unsigned               pref;

	assert_int_equal(zone_parse(a, B(zone_text), &z, &why), RC_OK);
	struct answer *answer = zone_answer(z, &(struct ask){ row->type, bytes_of(row->ask) });
	assert_non_null(answer);
	assert_string_equal(answer_status_word(answer->status), answer_status_word(row->status));
	if (row->want != NULL) {
		got = answer->rdata[0];
		if (row->type == DNS_TXT)
			got = answer_txt(a, got);
		else if (row->type == DNS_MX)
			assert_true(answer_mx(a, got, &pref, &got));
		assert_bytes(got, row->type == DNS_A ? bytes_make(row->want, 4) : bytes_of(row->want));
	}
	answer_unref(answer);
	arena_free(a);
}

/* A name's records are counted, not those of the zone. */
static void
a_zone_of_many_names_answers(void **state)
{
	enum { NAMES = 70000 };
	struct buf    text = { 0 };
	struct arena *a = arena_new((size_t)256 << 20);
	struct zone  *z = NULL;
	struct bytes  why;

	(void)state;
	for (unsigned i = 0; i < NAMES; i++)
		buf_printf(&text, "n%u.example A 192.0.2.1\n", i);
	assert_int_equal(zone_parse(a, buf_bytes(&text), &z, &why), RC_OK);
	struct answer *answer = zone_answer(z, &(struct ask){ DNS_A, B("n69999.example") });
	assert_non_null(answer);
	assert_int_equal(answer->status, ANSWER_OK);
	assert_int_equal(answer->count, 1);
	answer_unref(answer);
	arena_free(a);
	buf_free(&text);
}

static const struct zone_fault_row {
	const char *name, *text, *want;
} zone_fault_rows[] = {
	{ "a line without type says so", "a TXT \"x\"\nexample.com\n", "2: a line wants a name, a type and a value" },
	{ "an unknown type says so", "example.com SPF \"x\"", "1: no such record type; known are A AAAA MX TXT PTR NS CNAME SOA CAA TLSA ANY" },
	{ "an open quote says so", "example.com TXT \"x", "1: a quoted string has no end" },
	{ "a bad address says so", "example.com A 1.2.3", "1: that is not an address" },
	{ "a bad escape says so", "example.com TXT \"\\999\"", "1: a backslash wants one character or three digits up to 255" },
};

static void
check_zone_fault(void **state)
{
	const struct zone_fault_row *row = *state;
	struct arena                *a = arena_new(100000);
	struct zone                 *z = NULL;
	struct bytes                 why = B_NONE;

	assert_int_equal(zone_parse(a, bytes_of(row->text), &z, &why), RC_SYNTAX);
	assert_bytes(why, bytes_of(row->want));
	arena_free(a);
}

static void
txt_strings_are_joined(void **state)
{
	struct arena *a = arena_new(1000);

	(void)state;
	assert_bytes(answer_txt(a, bytes_make("\3abc\0\2de", 8)), B("abcde"));
	assert_bytes(answer_txt(a, bytes_make("\3abc\5de", 7)), B("abc"));
	assert_bytes(answer_txt(a, bytes_make("", 0)), B(""));
	arena_free(a);
}

static void
base64_is_strict(void **state)
{
	struct arena *a = arena_new(10000);
	struct bytes  out;

	(void)state;
	assert_true(base64_decode(a, B("aGVs\r\n bG8="), &out));
	assert_bytes(out, B("hello"));
	assert_true(base64_decode(a, B("aGVsbG8"), &out));
	assert_bytes(out, B("hello"));
	assert_false(base64_decode(a, B("aGVsbG8=="), &out));
	assert_false(base64_decode(a, B("aGVsb"), &out));
	assert_false(base64_decode(a, B("aGV*bG8="), &out));
	assert_false(base64_decode(a, B("aGVsbG8=x"), &out));
	assert_bytes(base64_encode(a, B("hello")), B("aGVsbG8="));
	arena_free(a);
}

static void
json_is_valid_whatever_the_octets(void **state)
{
	struct buf  b = { 0 };
	struct json j = json_to(&b, false);

	(void)state;
	json_open_object(&j);
	json_kv_text(&j, "a", bytes_make("\"\\\n\x01\xff\xc3\xa9\xed\xa0\x80", 10));
	json_key(&j, "b");
	json_open_array(&j);
	json_int(&j, -5);
	json_null(&j);
	json_close_array(&j);
	json_close_object(&j);
	assert_bytes(buf_bytes(&b), B("{\"a\":\"\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"b\":[-5,null]}"));
	buf_free(&b);
}

static void
map_keeps_what_remains_after_removals(void **state)
{
	static char keys[1000][8];
	struct map  m = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		assert_int_equal(map_set(&m, bytes_of(keys[i]), keys[i]), RC_OK);
	}
	for (int i = 0; i < 1000; i += 3)
		assert_ptr_equal(map_remove(&m, bytes_of(keys[i])), keys[i]);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(map_get(&m, bytes_of(keys[i])), i % 3 == 0 ? NULL : keys[i]);
	map_free(&m);
}

static void
unsafe_text_is_escaped(void **state)
{
	struct buf b = { 0 };

	(void)state;
	text_add_safe(&b, bytes_make("a\x1b[2J\xc3\xa9\xe2\x80\xae\xff", 11));
	assert_bytes(buf_bytes(&b), B("a\\x1b[2J\xc3\xa9\\xe2\\x80\\xae\\xff"));
	buf_free(&b);
}

static void
ascii_is_told_wherever_the_octet_is(void **state)
{
	char text[80];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t len = 0; len <= sizeof(text); len++) {
		assert_true(bytes_is_ascii(bytes_make(text, len)));
		for (size_t at = 0; at < len; at++) {
			text[at] = (char)0x80;
			assert_false(bytes_is_ascii(bytes_make(text, len)));
			assert_true(bytes_is_ascii(bytes_make(text, at)));
			text[at] = 'a';
		}
	}
}

int
main(void)
{
	rows_add("cut gives every part, and ends", cut_gives_every_part, NULL);
	rows_add("numbers refuse overflow, signs and nothing", numbers_refuse_overflow, NULL);
	rows_add("a search finds what a plain loop finds, in either case", searches_find_what_a_plain_loop_finds, NULL);
	rows_add("an arena's limit refuses, and stays refused until reset", arena_limit_refuses_and_stays_refused, NULL);
	ROWS_ADD(ip_rows, check_ip);
	rows_add("networks match by their bits", networks_match_by_bits, NULL);
	ROWS_ADD(port_rows, check_port);
	ROWS_ADD(zone_rows, check_zone);
	ROWS_ADD(zone_fault_rows, check_zone_fault);
	rows_add("a zone of 70000 names answers", a_zone_of_many_names_answers, NULL);
	rows_add("TXT strings are joined, malformed ones end the text", txt_strings_are_joined, NULL);
	rows_add("base64 is strict about padding and alphabet", base64_is_strict, NULL);
	rows_add("JSON is valid whatever the octets", json_is_valid_whatever_the_octets, NULL);
	rows_add("a map keeps what remains after removals", map_keeps_what_remains_after_removals, NULL);
	rows_add("control characters and overrides are escaped", unsafe_text_is_escaped, NULL);
	rows_add("a text is ASCII unless one octet is not, wherever", ascii_is_told_wherever_the_octet_is, NULL);
	return rows_run("base");
}
