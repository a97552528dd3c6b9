/* desk/html.c: see html.h. */
#include "desk/html.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rc.h"
#include "base/utf8.h"

static const char *
entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* The marks of HTML are ASCII and text_add_safe() leaves them, so each run of
 * other octets can go through it whole. Line breaks are kept: they do no harm. */
void
html_text(struct buf *out, struct bytes text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *entity = entity_of(text.at[i]);
		if (entity == NULL && text.at[i] != '\n' && text.at[i] != '\t')
			continue;
		text_add_safe(out, bytes_sub(text, from, i - from));
		if (entity != NULL)
			buf_add_str(out, entity);
		else
			buf_add_c(out, text.at[i]);
		from = i + 1;
	}
	text_add_safe(out, bytes_from(text, from));
}

/* RFC 3986 section 2.3: what is not unreserved is encoded. */
void
html_url(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (byte_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_add_c(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
}

void
html_number(struct buf *out, int64_t v)
{
	char digits[32];
	int  len = snprintf(digits, sizeof(digits), "%" PRIu64, v < 0 ? -(uint64_t)v : (uint64_t)v);

	if (v < 0)
		buf_add_str(out, "\xe2\x88\x92"); /* minus sign */
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_add_c(out, ',');
		buf_add_c(out, digits[i]);
	}
}

static void
add_value(struct buf *out, const struct html_value *v)
{
	switch (v->kind) {
	case HTML_TEXT:
		html_text(out, v->text);
		return;
	case HTML_URL:
		html_url(out, v->text);
		return;
	case HTML_NUMBER:
		html_number(out, v->number);
		return;
	case HTML_PLAIN:
		buf_printf(out, "%" PRId64, v->number);
		return;
	case HTML_REAL:
		buf_printf(out, "%.1f", v->real);
		return;
	case HTML_MARKUP:
		buf_add(out, v->text);
		return;
	}
}

void
html_fill(struct buf *out, const char *template, const struct html_value *values, size_t count)
{
	struct bytes rest = bytes_of(template), head;
	size_t       used = 0;

	for (;;) {
		size_t at = bytes_index(rest, '$');
		head = bytes_sub(rest, 0, at);
		buf_add(out, head);
		if (at == rest.len)
			break;
		assert(used < count);
		add_value(out, &values[used++]);
		bytes_skip(&rest, at + 1);
	}
	assert(used == count);
}
