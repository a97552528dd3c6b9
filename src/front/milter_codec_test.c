/* front/milter_codec_test.c: the milter protocol as octets. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>

#include "front/milter_codec.h"

#define MANY 65000

/* ---- frames ---- */

static const struct take_row {
	const char  *name;
	struct bytes in;
	enum rc      rc;
	char         command;
	struct bytes payload, left;
	size_t       missing;
} take_rows[] = {
	{ "a frame is cut off and what follows it stays", B_INIT("\0\0\0\3Hab\0\0"), RC_OK, 'H', B_INIT("ab"), B_INIT("\0\0"), 0 },
	{ "a frame may have no payload", B_INIT("\0\0\0\1A"), RC_OK, 'A', B_INIT(""), B_INIT(""), 0 },
	{ "without a whole length more is wanted", B_INIT("\0\0\0"), RC_AGAIN, 0, B_INIT(""), B_INIT("\0\0\0"), 1 },
	{ "without the whole payload more is wanted", B_INIT("\0\0\0\3Ha"), RC_AGAIN, 0, B_INIT(""), B_INIT("\0\0\0\3Ha"), 1 },
	{ "a frame without a command letter is refused", B_INIT("\0\0\0\0H"), RC_LIMIT, 0, B_INIT(""), B_INIT("\0\0\0\0H"), 0 },
	{ "a frame one octet beyond the limit is refused before it is read", B_INIT("\0\x10\0\1H"), RC_LIMIT, 0, B_INIT(""), B_INIT("\0\x10\0\1H"),
	  (1 << 20) },
	{ "a length with its highest bit set is refused", B_INIT("\x80\0\0\1H"), RC_LIMIT, 0, B_INIT(""), B_INIT("\x80\0\0\1H"), 0x80000000U },
};

static void
take_row(void **state)
{
	const struct take_row *row = *state;
	struct milter_frame    frame = { 0 };
	struct bytes           in = row->in;

	assert_int_equal(milter_take(&in, &frame), row->rc);
	assert_bytes(in, row->left);
	if (row->rc == RC_OK) {
		assert_int_equal(frame.command, row->command);
		assert_bytes(frame.payload, row->payload);
	} else {
		assert_int_equal(milter_missing(row->in), row->missing);
	}
}

/* ---- CONNECT ---- */

static const struct connect_row {
	const char  *name;
	struct bytes payload;
	bool         ok;
	const char  *host, *ip; /* ip "": none */
	unsigned     port;
} connect_rows[] = {
	{ "an IPv4 client has name, port and address", B_INIT("mail.example.org\0"
	                                                      "4\x30\x39"
	                                                      "192.0.2.1\0"), true, "mail.example.org", "192.0.2.1", 12345 },
	{ "an IPv6 client too", B_INIT("mail.example.org\0"
	                               "6\x30\x39"
	                               "2001:db8::1\0"), true, "mail.example.org", "2001:db8::1", 12345 },
	{ "Sendmail's tag before an IPv6 address is dropped", B_INIT("mail.example.org\0"
	                                                             "6\x30\x39IPv6:2001:db8::1\0"), true, "mail.example.org", "2001:db8::1", 12345 },
	{ "an address in brackets is no name", B_INIT("[192.0.2.1]\0"
	                                              "4\x30\x39"
	                                              "192.0.2.1\0"), true, "", "192.0.2.1", 12345 },
	{ "'unknown' is no name", B_INIT("unknown\0"
	                                 "4\x30\x39"
	                                 "192.0.2.1\0"), true, "", "192.0.2.1", 12345 },
	{ "port 0 on loopback was submitted on this host", B_INIT("localhost\0"
	                                                          "4\0\0"
	                                                          "127.0.0.1\0"), true, "localhost", "", 0 },
	{ "port 0 on IPv6 loopback too", B_INIT("localhost\0"
	                                        "6\0\0"
	                                        "::1\0"), true, "localhost", "", 0 },
	{ "port 0 elsewhere was not", B_INIT("mail.example.org\0"
	                                     "4\0\0"
	                                     "192.0.2.1\0"), true, "mail.example.org", "192.0.2.1", 0 },
	{ "a client on loopback with a port was not", B_INIT("localhost\0"
	                                                     "4\0\1"
	                                                     "127.0.0.1\0"), true, "localhost", "127.0.0.1", 1 },
	{ "a UNIX socket has no address", B_INIT("localhost\0L\0\0/run/x\0"), true, "localhost", "", 0 },
	{ "an unknown family has nothing, and is not this host", B_INIT("localhost\0U"), true, "localhost", "", 0 },
	{ "a family nobody speaks is malformed", B_INIT("localhost\0X\0\0a\0"), false, "", "", 0 },
	{ "an address that is none is malformed", B_INIT("a\0"
	                                                 "4\0\1"
	                                                 "192.0.2\0"), false, "", "", 0 },
	{ "an address without its NUL is malformed", B_INIT("a\0"
	                                                    "4\0\1"
	                                                    "192.0.2.1"), false, "", "", 0 },
	{ "half a port is malformed", B_INIT("a\0"
	                                     "4\0"), false, "", "", 0 },
	{ "no family is malformed", B_INIT("a\0"), false, "", "", 0 },
	{ "nothing is malformed", B_INIT(""), false, "", "", 0 },
};

static void
connect_row(void **state)
{
	const struct connect_row *row = *state;
	struct event              ev = { .kind = EV_COUNT };
	char                      text[IP_TEXT_MAX];

	assert_int_equal(milter_connect_parse(row->payload, &ev), row->ok);
	if (!row->ok) {
		assert_int_equal(ev.kind, EV_COUNT);
		return;
	}
	assert_bytes(ev.host, bytes_of(row->host));
	ip_format(&ev.ip, text);
	assert_string_equal(text, row->ip);
	assert_int_equal(ev.port, row->port);
	/* Only the family says so, and it stands last. */
	assert_int_equal(ev.unknown, row->payload.at[row->payload.len - 1] == 'U');
}

/* ---- negotiation ---- */

#define ACTIONS 0x1ffU
#define STEPS   0x1fffffU
#define QUIETS  0xdf080U /* every QUIET_ step but that of UNKNOWN */

static const struct agree_row {
	const char           *name;
	struct milter_options offer;
	uint32_t              wants;
	bool                  ok;
	struct milter_options agreed;
} agree_rows[] = {
	{ "nobody answers but the end: every step is quiet", { 6, ACTIONS, STEPS }, EV_BIT(EV_EOM), true, { 6, 0x131, QUIETS | 0x120100 } },
	{ "an event the session answers is not quiet",
	  { 6, ACTIONS, STEPS },
	  EV_BIT(EV_RCPT) | EV_BIT(EV_MAIL),
	  true,
	  { 6, 0x131, (QUIETS & ~0xc000U) | 0x120100 } },
	{ "a version that is not yet there is answered with ours", { 7, ACTIONS, STEPS }, 0, true, { 6, 0x131, QUIETS | 0x120100 } },
	{ "an old MTA gets its own version and no steps it did not offer", { 2, 0x3f, 0x7f }, 0, true, { 2, 0x31, 0 } },
	{ "an MTA that cannot quarantine is accepted", { 6, 0x11, STEPS }, 0, true, { 6, 0x11, QUIETS | 0x120100 } },
	{ "version 1 is refused", { 1, ACTIONS, STEPS }, 0, false, { 0 } },
	{ "an MTA that lets nobody delete fields is refused", { 6, 0x1, STEPS }, 0, false, { 0 } },
	{ "an MTA that lets nobody add fields is refused", { 6, 0x10, STEPS }, 0, false, { 0 } },
};

static void
agree_row(void **state)
{
	const struct agree_row *row = *state;
	struct milter_options   agreed = { 0 };
	struct bytes            why = B_NONE;

	assert_int_equal(milter_agree(&row->offer, row->wants, &agreed, &why), row->ok);
	assert_int_equal(agreed.version, row->agreed.version);
	assert_int_equal(agreed.actions, row->agreed.actions);
	assert_int_equal(agreed.steps, row->agreed.steps);
	assert_int_equal(why.len > 0, !row->ok);
}

static void
asking_for_macros_names_every_stage(void **state)
{
	struct buf            out = { 0 };
	struct milter_options agreed = { 6, MILTER_DO_SET_MACROS, 0x100000 };
	struct milter_frame   frame;

	(void)state;
	milter_write_options(&out, &agreed);
	struct bytes rest = buf_bytes(&out);
	assert_int_equal(milter_take(&rest, &frame), RC_OK);
	assert_int_equal(rest.len, 0);
	assert_int_equal(frame.command, 'O');
	assert_bytes(bytes_sub(frame.payload, 0, 12), B("\0\0\0\6\0\0\1\0\0\x10\0\0"));
	assert_bytes(bytes_sub(frame.payload, 12, 39), B("\0\0\0\0{daemon_name} {client_resolve}\0\0\0\0\1"));
	assert_int_equal(frame.payload.at[frame.payload.len - 1], 0);
	buf_free(&out);

	agreed.actions = 0;
	milter_write_options(&out, &agreed);
	assert_int_equal(out.len, 4 + 1 + 12);
	buf_free(&out);
}

/* ---- other payloads ---- */

static void
macros_come_in_pairs_and_half_a_pair_ends_them(void **state)
{
	struct bytes pairs, name, value;
	char         command;

	(void)state;
	assert_true(milter_macro_parse(B("Ci\0ABC\0{x}\0\0left\0"), &command, &pairs));
	assert_int_equal(command, 'C');
	assert_true(milter_macro_next(&pairs, &name, &value));
	assert_bytes(name, B("i"));
	assert_bytes(value, B("ABC"));
	assert_true(milter_macro_next(&pairs, &name, &value));
	assert_bytes(name, B("{x}"));
	assert_bytes(value, B(""));
	assert_false(milter_macro_next(&pairs, &name, &value));
	assert_true(milter_macro_parse(B("C"), &command, &pairs));
	assert_false(milter_macro_next(&pairs, &name, &value));
	assert_false(milter_macro_parse(B(""), &command, &pairs));
	assert_false(milter_macro_parse(B("Ci\0ABC"), &command, &pairs));
}

static void
a_path_is_followed_by_its_parameters(void **state)
{
	struct bytes path, words;

	(void)state;
	assert_true(milter_path_parse(B("<a@example.org>\0SIZE=10\0BODY=8BITMIME\0"), &path, &words));
	assert_bytes(path, B("<a@example.org>"));
	assert_bytes(words, B("SIZE=10\0BODY=8BITMIME\0"));
	assert_true(milter_path_parse(B("<>\0"), &path, &words));
	assert_bytes(path, B("<>"));
	assert_bytes(words, B(""));
	assert_false(milter_path_parse(B("<a@example.org>"), &path, &words));
	assert_false(milter_path_parse(B("<a@example.org>\0SIZE=10"), &path, &words));
	assert_false(milter_path_parse(B(""), &path, &words));
}

static void
a_header_keeps_its_value_whole(void **state)
{
	struct bytes name, value;

	(void)state;
	assert_true(milter_header_parse(B("Subject\0 a\n\tb\0"), &name, &value));
	assert_bytes(name, B("Subject"));
	assert_bytes(value, B(" a\n\tb"));
	assert_true(milter_header_parse(B("X\0a\0b\0"), &name, &value));
	assert_bytes(value, B("a\0b"));
	assert_true(milter_header_parse(B("X\0\0"), &name, &value));
	assert_bytes(value, B(""));
	assert_false(milter_header_parse(B("X\0"), &name, &value));
	assert_false(milter_header_parse(B("X\0a"), &name, &value));
	assert_false(milter_header_parse(B("X"), &name, &value));
}

/* ---- answers ---- */

static void
a_reply_has_every_line_and_doubles_per_cent(void **state)
{
	struct buf   out = { 0 };
	struct reply reply = { .code = 550, .enhanced = B("5.7.1"), .lines = { B("100% sure"), B("end") }, .count = 2 };

	(void)state;
	milter_write_reply(&out, &reply);
	assert_bytes(buf_bytes(&out), bytes_make("\0\0\0\x25y550-5.7.1 100%% sure\r\n550 5.7.1 end\0", 4 + 37));
	buf_free(&out);
}

static const struct insert_row {
	const char  *name;
	struct bytes value;
	bool         blank;
	struct bytes frame;
} insert_rows[] = {
	{ "a value without folding goes as it is", B_INIT("a b"), false, B_INIT("\0\0\0\xbi\0\0\0\0X\0a b\0") },
	{ "the blank stands first where it was agreed", B_INIT("a"), true, B_INIT("\0\0\0\xai\0\0\0\0X\0 a\0") },
	{ "CRLF of folding becomes LF", B_INIT("a;\r\n\tb"), false, B_INIT("\0\0\0\xdi\0\0\0\0X\0a;\n\tb\0") },
	{ "a line break that is no folding cannot begin a field", B_INIT("a\r\nY: b"), false, B_INIT("\0\0\0\xei\0\0\0\0X\0a Y: b\0") },
	{ "a line break at the end neither", B_INIT("a\r\n"), false, B_INIT("\0\0\0\xai\0\0\0\0X\0a \0") },
	{ "a bare CR becomes a blank", B_INIT("a\rb"), false, B_INIT("\0\0\0\xbi\0\0\0\0X\0a b\0") },
	{ "a NUL cannot end the value", B_INIT("a\0b"), false, B_INIT("\0\0\0\xbi\0\0\0\0X\0a?b\0") },
};

static void
insert_row(void **state)
{
	const struct insert_row *row = *state;
	struct buf               out = { 0 };

	milter_write_insert(&out, 0, B("X"), row->value, row->blank);
	struct bytes want = row->frame;
	assert_bytes(buf_bytes(&out), want);
	buf_free(&out);
}

static void
the_small_answers(void **state)
{
	struct buf out = { 0 };

	(void)state;
	milter_write(&out, MILTER_PROGRESS);
	milter_write_delete(&out, 258, B("X"));
	milter_write_text(&out, MILTER_DELRCPT, B("<a\0>"));
	milter_write(&out, MILTER_CONTINUE);
	assert_bytes(buf_bytes(&out), bytes_make("\0\0\0\1p"
	                                         "\0\0\0\x8m\0\0\1\2X\0\0"
	                                         "\0\0\0\6-<a?>\0"
	                                         "\0\0\0\1c",
	                                         5 + 12 + 10 + 5));
	buf_free(&out);
}

static void
a_long_value_has_the_right_length(void **state)
{
	static char         big[MANY];
	struct buf          out = { 0 };
	struct milter_frame frame;

	(void)state;
	memset(big, 'x', sizeof(big));
	milter_write_insert(&out, 1, B("Name"), bytes_make(big, sizeof(big)), true);
	struct bytes rest = buf_bytes(&out);
	assert_int_equal(milter_take(&rest, &frame), RC_OK);
	assert_int_equal(rest.len, 0);
	assert_int_equal(frame.payload.len, 4 + 5 + 1 + MANY + 1);
	buf_free(&out);
}

int
main(void)
{
	ROWS_ADD(take_rows, take_row);
	ROWS_ADD(connect_rows, connect_row);
	ROWS_ADD(agree_rows, agree_row);
	ROWS_ADD(insert_rows, insert_row);
	rows_add("asking for macros names every stage", asking_for_macros_names_every_stage, NULL);
	rows_add("macros come in pairs, and half a pair ends them", macros_come_in_pairs_and_half_a_pair_ends_them, NULL);
	rows_add("a path is followed by its parameters", a_path_is_followed_by_its_parameters, NULL);
	rows_add("a header keeps its value whole", a_header_keeps_its_value_whole, NULL);
	rows_add("a reply has every line and doubles per cent signs", a_reply_has_every_line_and_doubles_per_cent, NULL);
	rows_add("the small answers are a letter and little more", the_small_answers, NULL);
	rows_add("a long value has the right length", a_long_value_has_the_right_length, NULL);
	return rows_run("milter_codec");
}
