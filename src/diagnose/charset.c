/* diagnose/charset.c: see charset.h. iconv keeps nothing and reads nothing of
 * ours, so it may be used by a room that does no I/O. */
#include "diagnose/charset.h"

#include <errno.h>
#include <iconv.h>

#include "base/utf8.h"

/* Names that old mailers wrote for charsets iconv knows by another name. */
static const struct {
	struct bytes said;
	const char  *meant;
} aliases[] = {
	{ B_INIT("unicode-1-1-utf-7"), "UTF-7" }, { B_INIT("iso-2022-jp"), "ISO-2022-JP-2" }, { B_INIT("shift_jis"), "CP932" },
	{ B_INIT("x-sjis"), "CP932" },            { B_INIT("gb2312"), "GB18030" },            { B_INIT("gbk"), "GB18030" },
	{ B_INIT("ks_c_5601-1987"), "CP949" },      { B_INIT("x-unknown"), "CP1252" },
};

static struct bytes
latin_1(struct arena *a, struct bytes text)
{
	char  *out = text.len < SIZE_MAX / 2 ? arena_room(a, text.len * 2) : NULL;
	size_t n = 0;

	for (size_t i = 0; out != NULL && i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c >= 0x80)
			out[n++] = (char)(0xc0 | c >> 6);
		out[n++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
	}
	return bytes_make(out, n);
}

/* The converters last asked for, one set for each thread: opening one loads a library. */
#define KEPT_MAX 4

static _Thread_local struct kept {
	char    name[32];
	iconv_t cd;
} kept[KEPT_MAX];

/* Is to be reset before use; (iconv_t)-1: nobody knows the charset. */
static iconv_t
converter(const char *charset)
{
	static _Thread_local unsigned next;

	for (size_t i = 0; i < KEPT_MAX; i++)
		if (kept[i].name[0] != '\0' && bytes_eq(bytes_of(kept[i].name), bytes_of(charset)))
			return kept[i].cd;
	iconv_t cd = iconv_open("UTF-8", charset);
	struct bytes name = bytes_of(charset);
	struct kept *k = &kept[next++ % KEPT_MAX];
	if (k->name[0] != '\0' && k->cd != (iconv_t)-1)
		iconv_close(k->cd);
	*k = (struct kept){ .cd = cd };
	for (size_t i = 0; i < name.len && i < sizeof(k->name) - 1; i++)
		k->name[i] = name.at[i];
	return cd;
}

static struct bytes
convert(struct arena *a, struct bytes text, const char *charset)
{
	iconv_t cd = converter(charset);

	if (cd == (iconv_t)-1)
		return B_NONE;
	iconv(cd, NULL, NULL, NULL, NULL);
	size_t room = text.len * 4 + 16;
	char  *start = arena_room(a, room), *out = start;
	char  *in = (char *)text.at;
	size_t left = text.len;
	while (start != NULL && left > 0 && room > 4) {
		if (iconv(cd, &in, &left, &out, &room) != (size_t)-1)
			break;
		if (errno == E2BIG || left == 0)
			break;
		in++;
		left--;
		*out++ = '?';
		room--;
	}
	return start != NULL ? bytes_make(start, (size_t)(out - start)) : B_NONE;
}

struct bytes
charset_to_utf8(struct arena *a, struct bytes text, struct bytes charset)
{
	char   name[32];
	size_t n = charset.len < sizeof(name) - 1 ? charset.len : 0;

	if (text.len == 0)
		return text;
	for (size_t i = 0; i < n; i++)
		name[i] = byte_is_alnum(charset.at[i]) || charset.at[i] == '-' || charset.at[i] == '_' ? byte_lower(charset.at[i]) : '-';
	name[n] = '\0';
	struct bytes wanted = bytes_make(name, n);
	bool         escapes = bytes_has(text, '\033');
	if (escapes && (n == 0 || bytes_is_ascii(text)))
		wanted = B("iso-2022-jp");
	else if (wanted.len == 0 || bytes_eq(wanted, B("utf-8")) || bytes_eq(wanted, B("us-ascii")) || bytes_eq(wanted, B("utf8")))
		return utf8_valid(text) ? text : latin_1(a, text);
	else if (bytes_eq(wanted, B("iso-8859-1")))
		return latin_1(a, text);
	const char *known = wanted.at == name ? name : "ISO-2022-JP-2";
	for (size_t i = 0; i < NELEMS(aliases); i++)
		if (bytes_eq(wanted, aliases[i].said))
			known = aliases[i].meant;
	struct bytes out = convert(a, text, known);
	if (out.len > 0)
		return out;
	return utf8_valid(text) ? text : latin_1(a, text);
}

/* What a character is for a rule; 0: as it is, else the ASCII it stands for, 1: nothing. */
static char
folded(uint32_t c)
{
	if (c < 0xa0 || (c > 0xb4 && c < 0x2000) || (c > 0x2212 && c != 0x3000 && c != 0xfeff))
		return 0;
	if (c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000 || c == 0x2028 || c == 0x2029)
		return ' ';
	if (c == 0x2018 || c == 0x2019 || c == 0x201b || c == 0x2032 || c == 0x00b4)
		return '\'';
	if (c == 0x201c || c == 0x201d || c == 0x201e || c == 0x2033)
		return '"';
	if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212)
		return '-';
	if (c == 0xad || c == 0xfeff || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064))
		return 1;
	return 0;
}

struct bytes
text_fold(struct arena *a, struct bytes text)
{
	char  *out = arena_room(a, text.len + 1);
	size_t n = 0;

	if (out == NULL)
		return B_NONE;
	for (size_t i = 0; i < text.len;) {
		while (i < text.len && (signed char)text.at[i] > ' ') /* ASCII */
			out[n++] = byte_lower(text.at[i++]);
		if (i == text.len)
			break;
		uint32_t c = (unsigned char)text.at[i];
		size_t   len = c < 0x80 ? 1 : utf8_take(bytes_from(text, i), &c);
		char     as = c <= ' ' || len == 0 ? ' ' : folded(c);
		len = len == 0 ? 1 : len;
		if (as == ' ') {
			if (n > 0 && out[n - 1] != ' ')
				out[n++] = ' ';
		} else if (as > 1) {
			out[n++] = as;
		} else if (as == 0) {
			for (size_t k = 0; k < len; k++)
				out[n++] = byte_lower(text.at[i + k]);
		}
		i += len;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	return bytes_make(out, n);
}

bool
text_is_plain(struct bytes text)
{
	uint32_t c = 0;

	if (bytes_is_ascii(text))
		return true;
	for (size_t i = 0, len; i < text.len; i += len) {
		len = (signed char)text.at[i] >= 0 ? 1 : utf8_take(bytes_from(text, i), &c);
		if (len == 0 || (len > 1 && folded(c) != 0))
			return false;
	}
	return true;
}

bool
text_readable(struct bytes text)
{
	size_t control = 0;

	text = bytes_sub(text, 0, 65536);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		control += (c < ' ' && !byte_is_space((char)c) && c != '\033' && c != '\f') || c == 0x7f;
	}
	/* A damaged text has some; where one octet in fifty is none of text's, it never was one. */
	return control <= 2 + text.len / 50;
}
