/* mail/message_test.c: where fields and body begin and end. */
#include "base/rows.h"

#include "mail/message.h"

static const struct row {
	const char *name, *in;
	const char *fields; /* each as name|value, then a newline */
	const char *body, *broken;
} rows[] = {
	{ "two fields and a body", "A: 1\r\nB:2\r\n\r\nhi\r\n", "A| 1\nB|2\n", "hi\r\n", "" },
	{ "a folded value keeps its line break", "A: 1\r\n\t2\r\nB: 3\r\n\r\n", "A| 1\r\n\t2\nB| 3\n", "", "" },
	{ "a fold of blanks alone belongs to the field", "A: 1\r\n \r\nB: 3\r\n\r\nx", "A| 1\r\n \nB| 3\n", "x", "" },
	{ "blanks before the colon stay in the name", "From : a\r\n\r\n", "From | a\n", "", "" },
	{ "a header without an empty line has an empty body", "A: 1\r\nB: 2", "A| 1\nB| 2\n", "", "" },
	{ "an empty value is a value", "A:\r\n\r\n", "A|\n", "", "" },
	{ "an empty message has neither", "", "", "", "" },
	{ "a message may begin with its body", "\r\nbody: x\r\n", "", "body: x\r\n", "" },
	{ "LF alone is read as CRLF", "A: 1\n 2\n\nb\nc\n", "A| 1\r\n 2\n", "b\r\nc\r\n", "" },
	{ "CR alone is read as CRLF", "A: 1\r\rb\rc", "A| 1\n", "b\r\nc", "" },
	{ "with one CRLF a bare LF in the body stays", "A: 1\r\n\r\nb\nc\n", "A| 1\n", "b\nc\n", "" },
	{ "a bare LF cannot hide a field", "A: 1\nFrom: x\r\n\r\n", "A| 1\nFrom| x\n", "", "" },
	{ "a line that is no field ends the header", "A: 1\r\nno field here\r\nB: 2\r\n\r\nx", "A| 1\n", "no field here\r\nB: 2\r\n\r\nx", "no field here" },
	{ "a name with a blank inside is no field", "A: 1\r\nB c: 2\r\n\r\n", "A| 1\n", "B c: 2\r\n\r\n", "B c: 2" },
	{ "a name that is not ASCII is no field", "Fr\xc3\xb6m: 1\r\n\r\n", "", "Fr\xc3\xb6m: 1\r\n\r\n", "Fr\xc3\xb6m: 1" },
	{ "a first line that folds into nothing is no field", " A: 1\r\nB: 2\r\n\r\n", "", " A: 1\r\nB: 2\r\n\r\n", " A: 1" },
	{ "a From folded before its colon ends the header, and is kept as a From", "A: 1\r\nFrom\r\n : a@b\r\n\r\nx",
	  "A| 1\nFrom\r\n | a@b\n", "From\r\n : a@b\r\n\r\nx", "From" },
	{ "another field folded before its colon only ends the header", "A: 1\r\nTo\r\n : a@b\r\n\r\n", "A| 1\n", "To\r\n : a@b\r\n\r\n", "To" },
	{ "the line of an mbox is dropped", "From a@b Sat Nov 21 10:00:00 2026\nA: 1\n\nx\n", "A| 1\n", "x\r\n", "" },
	{ "a byte order mark is dropped", "\xef\xbb\xbf" "A: 1\r\n\r\n", "A| 1\n", "", "" },
	{ "an empty line of LF ends the header beside CRLF", "A: 1\r\n\nB: 2\r\n", "A| 1\n", "B: 2\r\n", "" },
};

static void
check(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new(100000);
	struct message    m;
	struct bytes      fields = B("");

	assert_true(message_split(a, bytes_of(row->in), &m));
	for (size_t i = 0; i < m.header.count; i++)
		fields = arena_printf(a, "%.*s%.*s|%.*s\n", B_FMT(fields), B_FMT(m.header.fields[i].name), B_FMT(m.header.fields[i].value));
	assert_bytes(fields, bytes_of(row->fields));
	assert_bytes(m.body, bytes_of(row->body));
	assert_bytes(m.broken, bytes_of(row->broken));
	arena_free(a);
}

static void
what_there_was_room_for_is_kept(void **state)
{
	struct arena  *a = arena_new(4096);
	struct message m;
	char           text[6 * 200];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "A: 1\r\n"[i % 6];
	assert_false(message_split(a, bytes_make(text, sizeof(text)), &m));
	assert_int_equal(m.header.count, 64);
	assert_int_equal(m.body.len, 0);
	arena_free(a);
}

static void
spent_memory_is_told(void **state)
{
	struct arena  *a = arena_new(64);
	struct message m;

	(void)state;
	assert_false(message_split(a, B("A: 1\nB: 2\n\n"), &m));
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	rows_add("when memory is spent the fields so far are kept", what_there_was_room_for_is_kept, NULL);
	rows_add("spent memory is told", spent_memory_is_told, NULL);
	return rows_run("message");
}
