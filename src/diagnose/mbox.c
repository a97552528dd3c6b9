/* diagnose/mbox.c: see mbox.h. */
#include "diagnose/mbox.h"

/* "From user@example.com  Thu Apr 29 23:34:45 2015": a time of day and a year. */
static bool
is_separator(struct bytes line)
{
	bool time = false, year = false;

	if (!bytes_starts(line, B("From ")) || line.len > 500)
		return false;
	for (size_t i = 5; i + 4 <= line.len; i++) {
		const char *p = line.at + i;
		time |= byte_is_digit(p[0]) && byte_is_digit(p[1]) && p[2] == ':' && byte_is_digit(p[3]);
		year |= byte_is_digit(p[0]) && byte_is_digit(p[1]) && byte_is_digit(p[2]) && byte_is_digit(p[3]);
	}
	return time && year;
}

bool
mbox_is(struct bytes text)
{
	struct bytes rest = bytes_sub(text, 0, 1000), line;

	return bytes_cut_line(&rest, &line) && is_separator(line);
}

/* Does a line begin here that an empty one precedes? */
static bool
behind_empty_line(struct bytes text, size_t at)
{
	if (at == 0 || text.at[--at] != '\n')
		return false;
	at -= at > 0 && text.at[at - 1] == '\r';
	return at == 0 || text.at[at - 1] == '\n';
}

bool
mbox_cut(struct bytes *rest, struct bytes *message_out)
{
	struct bytes line, left = *rest;

	while (left.len > 0 && byte_is_space(left.at[0]))
		left = bytes_from(left, 1);
	if (left.len == 0)
		return false;
	struct bytes probe = left;
	if (bytes_cut_line(&probe, &line) && is_separator(line))
		left = probe;
	size_t at = bytes_find(left, B("From "));
	for (; at < left.len; at += 1 + bytes_find(bytes_from(left, at + 1), B("From "))) {
		probe = bytes_from(left, at);
		if (behind_empty_line(left, at) && bytes_cut_line(&probe, &line) && is_separator(line))
			break;
	}
	*message_out = bytes_sub(left, 0, at);
	*rest = bytes_from(left, at);
	return true;
}
