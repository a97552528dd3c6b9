/* base/log.c: see log.h. A line is made whole and written with one call. */
#include "base/log.h"

#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"

static enum log_to    where = LOG_STDERR;
static enum log_level least = AT_INFO;
static bool           prefixed;

static const int priority[] = {
	[AT_ERROR] = LOG_ERR, [AT_WARNING] = LOG_WARNING, [AT_INFO] = LOG_INFO, [AT_DEBUG] = LOG_DEBUG
};

void
log_open(enum log_to to, enum log_level level)
{
	where = to;
	least = level;
	/* systemd sets this when it reads our standard error (systemd.exec(5)). */
	prefixed = getenv("JOURNAL_STREAM") != NULL;
	if (to == LOG_SYSLOG)
		openlog("mailreeve", LOG_PID, LOG_MAIL);
}

/* Of one value: a stranger's must not push the others off the line. */
#define VALUE_MAX 512

static bool
is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] == '"' || text.at[i] == '=' || text.at[i] == '\\')
			return false;
	return text.len > 0;
}

static void
add_text(struct buf *line, struct bytes whole)
{
	struct bytes text = bytes_sub(whole, 0, VALUE_MAX);

	if (whole.len <= VALUE_MAX && is_plain(text)) {
		text_add_safe(line, text);
		return;
	}
	buf_add_c(line, '"');
	for (;;) {
		size_t n = 0;
		while (n < text.len && text.at[n] != '"' && text.at[n] != '\\')
			n++;
		text_add_safe(line, bytes_sub(text, 0, n));
		bytes_skip(&text, n);
		if (text.len == 0)
			break;
		buf_add_c(line, '\\');
		buf_add_c(line, text.at[0]);
		bytes_skip(&text, 1);
	}
	if (whole.len > VALUE_MAX)
		buf_add_str(line, "...");
	buf_add_c(line, '"');
}

void
log_fields(enum log_level level, const char *event, const struct log_field *fields, unsigned long count)
{
	struct buf line = { 0 };

	if (level > least)
		return;
	(void)buf_reserve(&line, 1024); /* most lines: one allocation */
	if (where == LOG_STDERR && prefixed)
		buf_printf(&line, "<%d>", priority[level]);
	buf_add_str(&line, event);
	for (unsigned long i = 0; i < count; i++) {
		const struct log_field *f = &fields[i];
		buf_printf(&line, " %s=", f->name);
		if (f->kind == FIELD_TEXT)
			add_text(&line, f->text);
		else if (f->kind == FIELD_INT)
			buf_printf(&line, "%lld", (long long)f->number);
		else
			buf_printf(&line, "%lld.%lldms", (long long)f->number / 1000, (long long)f->number / 100 % 10);
	}
	if (where == LOG_SYSLOG) {
		syslog(priority[level], "%.*s", B_FMT(buf_bytes(&line)));
	} else {
		line.spoilt = false; /* what there was memory for is worth its newline */
		buf_add_c(&line, '\n');
		ssize_t n = write(STDERR_FILENO, line.at, line.len);
		(void)n; /* nobody is left to be told */
	}
	buf_free(&line);
}
