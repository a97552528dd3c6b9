/* mail/quoted.c: see quoted.h. */
#include "mail/quoted.h"

#define LINE_MAX 76U

static bool
is_plain(char c)
{
	return (c >= '!' && c <= '~' && c != '=') || c == ' ' || c == '\t';
}

/* One line without its end. A blank at the end would be lost on the way, so it is
 * encoded; a line that is cut ends with "=", for which room is kept. */
static void
add_line(struct buf *out, struct bytes line)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t            column = 0;

	for (size_t i = 0; i < line.len; i++) {
		char c = line.at[i];
		bool last = i + 1 == line.len, plain = is_plain(c) && !(last && byte_is_wsp(c));
		if (column + (plain ? 1 : 3) + (last ? 0 : 1) > LINE_MAX) {
			buf_add_str(out, "=\r\n");
			column = 0;
		}
		if (plain) {
			buf_add_c(out, c);
		} else {
			buf_add_c(out, '=');
			buf_add_c(out, digits[(unsigned char)c >> 4]);
			buf_add_c(out, digits[(unsigned char)c & 15]);
		}
		column += plain ? 1 : 3;
	}
	buf_add_str(out, "\r\n");
}

void
quoted_add(struct buf *out, struct bytes text)
{
	struct bytes line;

	while (text.len > 0 && bytes_cut(&text, '\n', &line))
		add_line(out, line);
}
