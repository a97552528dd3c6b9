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

bool
mbox_cut(struct bytes *rest, struct bytes *message_out)
{
	struct bytes line, left = *rest;
	bool         empty = true;

	while (left.len > 0 && byte_is_space(left.at[0]))
		left = bytes_from(left, 1);
	if (left.len == 0)
		return false;
	struct bytes probe = left;
	if (bytes_cut_line(&probe, &line) && is_separator(line))
		left = probe;
	struct bytes start = left;
	empty = false;
	while (left.len > 0) {
		struct bytes here = left;
		bytes_cut_line(&left, &line);
		if (empty && line.len > 5 && line.at[0] == 'F' && is_separator(line)) {
			left = here;
			break;
		}
		empty = line.len == 0;
	}
	*message_out = bytes_sub(start, 0, start.len - left.len);
	*rest = left;
	return true;
}
