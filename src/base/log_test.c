/* base/log_test.c: one event is one line, whatever strangers put into it. */
#include "base/rows.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

/* Log to a pipe instead of standard error; the lines go to `line`. */
static void
log_one(struct bytes value, struct buf *line)
{
	int    ends[2], kept = dup(STDERR_FILENO);
	char   room[16384];

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_event(AT_INFO, "test", F_TEXT("value", value), F_INT("after", 7));
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(ends[1]);
	for (ssize_t n; (n = read(ends[0], room, sizeof(room))) > 0;)
		buf_add(line, bytes_make(room, (size_t)n));
	close(ends[0]);
}

static const struct log_row {
	const char *name, *value, *want;
} rows[] = {
	{ "a plain value stands as it is", "a@example.com", "test value=a@example.com after=7\n" },
	{ "a blank is quoted", "a b", "test value=\"a b\" after=7\n" },
	{ "an empty value is quoted", "", "test value=\"\" after=7\n" },
	{ "a quote is escaped", "a\" after=8 \"", "test value=\"a\\\" after=8 \\\"\" after=7\n" },
	{ "a line break makes no line", "a\r\ntest value=b", "test value=\"a\\x0d\\x0atest value=b\" after=7\n" },
	{ "a terminal's escape is harmless", "\033[2J", "test value=\"\\x1b[2J\" after=7\n" },
	{ "a line separator of Unicode is harmless", "a\xe2\x80\xa8", "test value=\"a\\xe2\\x80\\xa8\" after=7\n" },
};

static void
check_row(void **state)
{
	const struct log_row *row = *state;
	struct buf            line = { 0 };

	log_one(bytes_of(row->value), &line);
	assert_bytes(buf_bytes(&line), bytes_of(row->want));
	buf_free(&line);
}

static void
a_long_value_leaves_the_others_alone(void **state)
{
	static char value[17500];
	struct buf  line = { 0 };

	(void)state;
	for (size_t n = 16000; n < sizeof(value); n += 7) {
		memset(value, 'a', n);
		log_one(bytes_make(value, n), &line);
		assert_true(bytes_ends_nocase(buf_bytes(&line), B("aaa...\" after=7\n")));
		buf_clear(&line);
	}
	buf_free(&line);
}

int
main(void)
{
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_STDERR, AT_INFO);
	ROWS_ADD(rows, check_row);
	rows_add("a value of any length leaves the others and the line's end alone", a_long_value_leaves_the_others_alone, NULL);
	return rows_run("log");
}
