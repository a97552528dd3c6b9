/* mail/message.c: see message.h. What is a field line is decided as MTAs do
 * (RFC 5322 section 2.2, blanks before the colon allowed as in 4.5); everything
 * else ends the header, so that we and the MTA agree where the body begins. */
#include "mail/message.h"

/* Length of the field name at the front of a line, blanks before the colon
 * included; 0 when the line is no field. */
static size_t
name_length(struct bytes line)
{
	size_t n = 0;

	while (n < line.len && line.at[n] > ' ' && line.at[n] < 0x7f && line.at[n] != ':')
		n++;
	size_t blanks = n;
	while (blanks < line.len && byte_is_wsp(line.at[blanks]))
		blanks++;
	return n > 0 && blanks < line.len && line.at[blanks] == ':' ? blanks : 0;
}

/* Every `from` becomes CRLF. */
static struct bytes
with_crlf(struct arena *a, struct bytes text, char from)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.at[i] == from;
	char *out = arena_take(a, text.len + n);
	if (out == NULL)
		return B_NONE;
	size_t used = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == from) {
			out[used++] = '\r';
			out[used++] = '\n';
		} else {
			out[used++] = text.at[i];
		}
	}
	return bytes_make(out, used);
}

static struct bytes
line_ends_made_crlf(struct arena *a, struct bytes text)
{
	if (bytes_find(text, B("\r\n")) < text.len)
		return text;
	if (bytes_has(text, '\n'))
		return with_crlf(a, text, '\n');
	return bytes_has(text, '\r') ? with_crlf(a, text, '\r') : text;
}

/* The line an mbox puts in front; "From : x" is a field. */
static bool
is_mbox_line(struct bytes text)
{
	return bytes_starts(text, B("From ")) && name_length(text) == 0;
}

/* From `at`, the lines that fold into the one before; returns where they end. */
static struct bytes
skip_folded(struct bytes at)
{
	struct bytes line;

	while (at.len > 0 && byte_is_wsp(at.at[0]))
		bytes_cut_line(&at, &line);
	return at;
}

static struct bytes
without_line_end(struct bytes b)
{
	if (b.len > 0 && b.at[b.len - 1] == '\n')
		b.len--;
	if (b.len > 0 && b.at[b.len - 1] == '\r')
		b.len--;
	return b;
}

/* "From" CRLF " : a@b": no field for an MTA, yet some readers find it. It is
 * kept under its folded name, which counts as one From more and never parses. */
static bool
keep_folded_from(struct arena *a, struct message *m, struct bytes line, struct bytes behind)
{
	struct bytes folded = bytes_make(behind.at, (size_t)(skip_folded(behind).at - behind.at));

	size_t colon = bytes_index(folded, ':');
	if (!bytes_eq_nocase(bytes_trim_end(line), B("From")) || colon == folded.len || bytes_trim(bytes_sub(folded, 0, colon)).len > 0)
		return true;
	size_t name_len = (size_t)(folded.at - line.at) + colon;
	return header_add(a, &m->header, bytes_make(line.at, name_len), without_line_end(bytes_from(folded, colon + 1)));
}

bool
message_split(struct arena *a, struct bytes text, struct message *message_out)
{
	struct message m = { .broken = B("") };
	struct bytes   line;

	*message_out = m;

	if (bytes_starts(text, B("\xef\xbb\xbf")))
		bytes_skip(&text, 3);
	text = line_ends_made_crlf(a, text);
	if (text.at == NULL)
		text = B("");
	if (is_mbox_line(text))
		bytes_cut_line(&text, &line);

	struct bytes rest = text;
	struct bytes start = rest;
	for (; bytes_cut_line(&rest, &line) && line.len > 0; start = rest) {
		size_t name_len = name_length(line);
		if (name_len == 0) {
			m.broken = line;
			(void)keep_folded_from(a, &m, line, rest);
			break;
		}
		rest = skip_folded(rest);
		struct bytes whole = without_line_end(bytes_make(start.at, (size_t)(rest.at - start.at)));
		if (!header_add(a, &m.header, bytes_sub(whole, 0, name_len), bytes_from(whole, name_len + 1)))
			break;
	}
	if (!arena_overdrawn(a))
		m.body = m.broken.len > 0 ? start : rest;
	*message_out = m;
	return !arena_overdrawn(a);
}
