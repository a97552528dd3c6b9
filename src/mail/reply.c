/* mail/reply.c: see reply.h. */
#include "mail/reply.h"

/* What a line may hold: its maximum less "550-" and "5.7.509 " of this reply. */
static size_t
room_of(const struct reply *r)
{
	return REPLY_LINE_MAX - 4 - r->enhanced.len - 1;
}

struct bytes
reply_text(struct arena *a, struct bytes text)
{
	char  *out = arena_take(a, text.len + 1);
	size_t n = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (byte_is_space(c))
			c = ' ';
		else if (c < 0x20 || c > 0x7e || c == '%')
			c = '?';
		if (c == ' ' && (n == 0 || out[n - 1] == ' '))
			continue;
		out[n++] = c;
	}
	return bytes_trim(bytes_make(out, n));
}

void
reply_add(struct arena *a, struct reply *r, struct bytes text)
{
	size_t room = room_of(r);

	text = reply_text(a, text);
	while (text.len > 0 && r->count < REPLY_LINES) {
		size_t n = text.len;
		if (n > room) {
			n = bytes_rindex(bytes_sub(text, 0, room + 1), ' ');
			if (n > room)
				n = room; /* one word without end: cut it, the reply must stay whole */
		}
		r->lines[r->count++] = bytes_trim(bytes_sub(text, 0, n));
		text = bytes_trim(bytes_from(text, n));
	}
}

void
reply_write(struct buf *out, const struct reply *r, bool end)
{
	for (size_t i = 0; i < r->count; i++) {
		bool last = i + 1 == r->count;
		buf_printf(out, "%u%c", r->code, last ? ' ' : '-');
		if (r->enhanced.len > 0) {
			buf_add(out, r->enhanced);
			buf_add_c(out, ' ');
		}
		buf_add(out, r->lines[i]);
		if (!last || end)
			buf_add_str(out, "\r\n");
	}
}
