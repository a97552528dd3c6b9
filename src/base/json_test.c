/* base/json_test.c: whatever the text, the JSON is whole, and shows harmless on a terminal. */
#include "base/rows.h"

#include "base/json.h"
#include "base/utf8.h"

static const struct row {
	const char  *name;
	struct bytes text, want;
} rows[] = {
	{ "plain text stays", B_INIT("Minutes of the last meeting"), B_INIT("\"Minutes of the last meeting\"") },
	{ "quotes and backslashes are escaped wherever they stand", B_INIT("\"1234567\\89\""), B_INIT("\"\\\"1234567\\\\89\\\"\"") },
	{ "line ends are escaped", B_INIT("a\r\n\tb"), B_INIT("\"a\\r\\n\\tb\"") },
	{ "NUL, escape and DEL are escaped", { "\0\x1b[2J\x7f", 6 }, B_INIT("\"\\u0000\\u001b[2J\\u007f\"") },
	{ "the one-character CSI is escaped", B_INIT("a\xc2\x9b" "31m"), B_INIT("\"a\\u009b31m\"") },
	{ "overrides of direction are escaped", B_INIT("\xe2\x80\xae" "fdp.exe\xe2\x81\xa6\xd8\x9c"), B_INIT("\"\\u202efdp.exe\\u2066\\u061c\"") },
	{ "line separators are escaped", B_INIT("\xe2\x80\xa8"), B_INIT("\"\\u2028\"") },
	{ "tags that nobody sees are escaped, as a pair", B_INIT("\xf3\xa0\x81\x81"), B_INIT("\"\\udb40\\udc41\"") },
	{ "letters of any script stay", B_INIT("Gr\xc3\xbc\xc3\x9f" "e \xe4\xbd\xa0 \xf0\x9f\x98\x80 \xd7\x90"), B_INIT("\"Gr\xc3\xbc\xc3\x9f" "e \xe4\xbd\xa0 \xf0\x9f\x98\x80 \xd7\x90\"") },
	{ "an octet that is not UTF-8 becomes U+FFFD", B_INIT("12345678\xff" "a\xc3"), B_INIT("\"12345678\xef\xbf\xbd" "a\xef\xbf\xbd\"") },
};

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct buf        out = { 0 }, shown = { 0 };
	struct json       j = json_to(&out, false);

	json_text(&j, row->text);
	assert_bytes(buf_bytes(&out), row->want);
	assert_true(utf8_valid(buf_bytes(&out)));
	text_add_safe(&shown, buf_bytes(&out)); /* nothing is left that a terminal obeys */
	assert_bytes(buf_bytes(&shown), row->want);
	buf_free(&out);
	buf_free(&shown);
}

/* Alone it is looked at by itself, in a longer text with its neighbours. */
static void
an_octet_is_written_the_same_wherever_it_stands(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char        text[24], octet = (char)c;
		struct buf  alone = { 0 };
		struct json j = json_to(&alone, false);
		json_text(&j, bytes_make(&octet, 1));
		struct bytes inner = bytes_sub(buf_bytes(&alone), 1, alone.len - 2);
		for (size_t at = 0; at < sizeof(text); at++) {
			struct buf out = { 0 }, want = { 0 };
			memset(text, '!', sizeof(text));
			text[at] = octet;
			j = json_to(&out, false);
			json_text(&j, bytes_make(text, sizeof(text)));
			buf_add(&want, B("\""));
			buf_add(&want, bytes_make(text, at));
			buf_add(&want, inner);
			buf_add(&want, bytes_make(text + at + 1, sizeof(text) - at - 1));
			buf_add(&want, B("\""));
			assert_bytes(buf_bytes(&out), buf_bytes(&want));
			buf_free(&out);
			buf_free(&want);
		}
		buf_free(&alone);
	}
}

static void
a_lean_object_leaves_out_what_is_null(void **state)
{
	struct buf  out = { 0 };
	struct json j = json_to(&out, false);

	(void)state;
	j.lean = true;
	json_open_object(&j);
	json_kv_text_or_null(&j, "a", B(""));
	json_kv_str(&j, "b", NULL);
	json_kv_word(&j, "b2", NULL);
	json_kv_null(&j, "c");
	json_kv_text(&j, "d", B(""));
	json_kv_int(&j, "e", 0);
	json_kv_word(&j, "w", "later");
	json_key(&j, "f");
	json_thousandths(&j, 12004);
	json_close_object(&j);
	assert_bytes(buf_bytes(&out), B("{\"d\":\"\",\"e\":0,\"w\":\"later\",\"f\":12.004}"));
	buf_free(&out);
}

/* Whatever may stand inside of or behind whatever. */
static void
write_nested(struct json *j)
{
	json_open_object(j);
	json_key(j, "list");
	json_open_array(j);
	json_int(j, -1);
	json_open_object(j);
	json_close_object(j);
	json_open_array(j);
	json_close_array(j);
	json_open_array(j);
	json_open_array(j);
	json_null(j);
	json_close_array(j);
	json_text(j, B("x"));
	json_close_array(j);
	json_close_array(j);
	json_kv_int(j, "behind", INT64_MIN);
	json_key(j, "own");
	json_open_object(j);
	json_kv_bool(j, "yes", true);
	json_key(j, "none");
	json_open_object(j);
	json_close_object(j);
	json_key(j, "raw");
	json_raw(j, B("[1]"));
	json_close_object(j);
	json_kv_text(j, "last", B("a long text, \"quoted\"\n"));
	json_close_object(j);
}

static const struct nested_row {
	const char  *name;
	bool         pretty;
	struct bytes want;
} nested_rows[] = {
	{ "objects and arrays nest, and what is behind a closed one has its comma", false,
	  B_INIT("{\"list\":[-1,{},[],[[null],\"x\"]],\"behind\":-9223372036854775808,\"own\":{\"yes\":true,\"none\":{},\"raw\":[1]},"
	         "\"last\":\"a long text, \\\"quoted\\\"\\n\"}") },
	{ "pretty, each value has its line and each level its two spaces, and what is empty stays closed", true,
	  B_INIT("{\n"
	         "  \"list\": [\n"
	         "    -1,\n"
	         "    {},\n"
	         "    [],\n"
	         "    [\n"
	         "      [\n"
	         "        null\n"
	         "      ],\n"
	         "      \"x\"\n"
	         "    ]\n"
	         "  ],\n"
	         "  \"behind\": -9223372036854775808,\n"
	         "  \"own\": {\n"
	         "    \"yes\": true,\n"
	         "    \"none\": {},\n"
	         "    \"raw\": [1]\n"
	         "  },\n"
	         "  \"last\": \"a long text, \\\"quoted\\\"\\n\"\n"
	         "}") },
};

static void
check_nested(void **state)
{
	const struct nested_row *row = *state;
	struct buf               out = { 0 };
	struct json              j = json_to(&out, row->pretty);

	write_nested(&j);
	assert_bytes(buf_bytes(&out), row->want);
	assert_int_equal(j.depth, 0);
	buf_free(&out);
}

/* Wherever the limit falls: half a document is never taken for a whole one. */
static void
check_limits(void **state)
{
	const struct nested_row *row = *state;

	for (size_t limit = 1; limit <= row->want.len + 64; limit++) {
		struct buf  out = { .limit = limit };
		struct json j = json_to(&out, row->pretty);
		write_nested(&j);
		size_t most = limit * 3 / 2 > 64 ? limit * 3 / 2 : 64; /* the limit is asked for when a buffer grows */
		assert_true(out.len <= most);
		if (row->want.len > most)
			assert_true(out.spoilt);
		if (limit >= row->want.len + 8) /* a value may ask for a little more than it takes */
			assert_false(out.spoilt);
		if (!out.spoilt)
			assert_bytes(buf_bytes(&out), row->want);
		assert_int_equal(j.depth, 0);
		buf_free(&out);
	}
}

static void
of_two_documents_none_has_a_comma_before_it(void **state)
{
	struct buf  out = { 0 };
	struct json j = json_to(&out, *state != NULL);

	for (int i = 0; i < 2; i++) {
		json_open_object(&j);
		json_close_object(&j);
	}
	assert_bytes(buf_bytes(&out), B("{}{}"));
	buf_free(&out);
}

int
main(void)
{
	ROWS_ADD(rows, check_row);
	rows_add("an octet is written the same wherever it stands", an_octet_is_written_the_same_wherever_it_stands, NULL);
	ROWS_ADD(nested_rows, check_nested);
	rows_add("of two documents none has a comma before it", of_two_documents_none_has_a_comma_before_it, NULL);
	rows_add("nor has one with lines of its own", of_two_documents_none_has_a_comma_before_it, "pretty");
	rows_add("too small a limit spoils the buffer", check_limits, &nested_rows[0]);
	rows_add("pretty, too", check_limits, &nested_rows[1]);
	rows_add("a lean object leaves out what is null", a_lean_object_leaves_out_what_is_null, NULL);
	return rows_run("json");
}
