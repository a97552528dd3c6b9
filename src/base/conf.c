/* base/conf.c: see conf.h. One pass with a cursor that counts lines and columns
 * as it goes. After a fault in a statement the rest of its line is left out, so
 * that one slip gives one fault. Recursion is by section and by include, both
 * with a cap. */
#include "base/conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

struct reader {
	struct arena           *arena;
	const struct conf_host *host;
	struct conf_faults     *faults;
	struct bytes            open[CONF_NESTED_MAX]; /* files being read, outermost first */
	size_t                  open_count;
	size_t                  files, items;
	bool                    full; /* a limit was passed: nothing more is read */
};

struct cursor {
	struct bytes      rest;
	struct conf_place at;
};

void
conf_fault(struct conf_faults *faults, struct arena *a, struct conf_place at, const char *format, ...)
{
	va_list ap;

	if (faults->count == CONF_FAULTS_MAX) {
		faults->more = true;
		return;
	}
	va_start(ap, format);
	faults->at[faults->count++] = (struct conf_fault){ at, arena_vprintf(a, format, ap) };
	va_end(ap);
}

struct bytes
conf_beside(struct arena *a, struct bytes file, struct bytes path)
{
	size_t slash = bytes_rindex(file, '/');

	if (path.len == 0 || path.at[0] == '/' || slash == file.len)
		return path;
	return arena_join(a, bytes_sub(file, 0, slash + 1), path);
}

#define FAULT(r, place, ...) conf_fault((r)->faults, (r)->arena, (place), __VA_ARGS__)

/* ---- the cursor ---- */

static bool
ended(const struct cursor *c)
{
	return c->rest.len == 0;
}

static char
peek(const struct cursor *c)
{
	return c->rest.len > 0 ? c->rest.at[0] : '\n';
}

static void
step(struct cursor *c)
{
	unsigned char octet = (unsigned char)c->rest.at[0];

	bytes_skip(&c->rest, 1);
	if (octet == '\n') {
		c->at.line++;
		c->at.column = 1;
	} else if (c->rest.len == 0 || ((unsigned char)c->rest.at[0] & 0xc0) != 0x80) {
		c->at.column++; /* the next octet begins a character */
	}
}

static void
skip_line(struct cursor *c)
{
	while (!ended(c) && peek(c) != '\n')
		step(c);
}

/* Blanks and comments; line ends too if `lines`. */
static void
skip_space(struct cursor *c, bool lines)
{
	while (!ended(c)) {
		if (peek(c) == '#')
			skip_line(c);
		else if (byte_is_wsp(peek(c)) || peek(c) == '\r' || (lines && peek(c) == '\n'))
			step(c);
		else
			return;
	}
}

/* To where the next statement may begin. */
static void
skip_statement(struct cursor *c)
{
	bool quoted = false;

	while (!ended(c) && peek(c) != '\n' && (quoted || (peek(c) != ';' && peek(c) != '}' && peek(c) != '#'))) {
		if (peek(c) == '"')
			quoted = !quoted;
		step(c);
	}
}

static bool
is_bare(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && c != ',' && c != ';' && c != '{' && c != '}' && c != '"';
}

static bool
is_name(char c)
{
	return byte_is_alnum(c) || c == '_' || c == '-';
}

/* ---- words ---- */

/* Octets up to the closing quote, or to where it is missed. */
static size_t
quoted_length(struct bytes text)
{
	size_t n = 1;

	while (n < text.len && text.at[n] != '"' && text.at[n] != '\n')
		n += text.at[n] == '\\' ? 2 : 1;
	return n;
}

static bool
take_quoted(struct reader *r, struct cursor *c, struct bytes *text_out)
{
	static const char escapes[][2] = { { '"', '"' }, { '\\', '\\' }, { 'n', '\n' }, { 't', '\t' } };
	struct conf_place began = c->at;
	size_t            n = 0;
	char             *text = arena_take(r->arena, quoted_length(c->rest) + 1);

	if (text == NULL)
		return false;
	for (step(c); !ended(c) && peek(c) != '"';) {
		char octet = peek(c);
		if (octet == '\n')
			break;
		if (octet == '\\') {
			size_t            i = 0;
			struct conf_place at = c->at;
			step(c);
			while (i < NELEMS(escapes) && escapes[i][0] != peek(c))
				i++;
			if (i == NELEMS(escapes)) {
				FAULT(r, at, "a backslash wants one of \" \\ n t behind it");
				return false;
			}
			octet = escapes[i][1];
		} else if ((unsigned char)octet < ' ' && octet != '\t' && octet != '\r') {
			FAULT(r, c->at, "a control character (octet %u) is not allowed here", (unsigned char)octet);
			return false;
		}
		text[n++] = octet;
		step(c);
	}
	if (ended(c) || peek(c) == '\n') {
		FAULT(r, began, "this quoted text has no end on its line");
		return false;
	}
	step(c);
	*text_out = bytes_make(text, n);
	return true;
}

static bool
fetch(struct reader *r, struct conf_word *w)
{
	struct bytes name = bytes_from(w->text, 1), value = B_NONE, why = B("it cannot be read");

	if (name.len == 0) {
		FAULT(r, w->at, w->text.at[0] == '@' ? "@ wants the path of a file behind it" : "$ wants the name of a variable behind it");
		return false;
	}
	if (w->text.at[0] == '$') {
		if (!r->host->variable(r->host->arg, r->arena, name, &value)) {
			FAULT(r, w->at, "the environment has no variable %.*s", B_FMT(name));
			return false;
		}
	} else {
		struct bytes path = conf_beside(r->arena, w->at.file, name);
		if (!r->host->file(r->host->arg, r->arena, path, &value, &why)) {
			FAULT(r, w->at, "%.*s: %.*s", B_FMT(path), B_FMT(why));
			return false;
		}
	}
	w->text = bytes_trim(value);
	w->literal = w->fetched = true;
	return true;
}

static bool
take_word(struct reader *r, struct cursor *c, struct conf_word *w)
{
	struct bytes from = c->rest;

	*w = (struct conf_word){ .at = c->at };
	if (peek(c) == '"') {
		w->literal = true;
		if (!take_quoted(r, c, &w->text))
			return false;
		if (!ended(c) && is_bare(peek(c))) {
			FAULT(r, c->at, "a blank or comma is missing behind the quoted text");
			return false;
		}
		return true;
	}
	while (!ended(c) && is_bare(peek(c)))
		step(c);
	w->text = bytes_sub(from, 0, from.len - c->rest.len);
	if (w->text.len == 0) {
		FAULT(r, c->at, "a control character (octet %u) is not allowed here", (unsigned char)peek(c));
		return false;
	}
	if (w->text.at[0] == '@' || w->text.at[0] == '$')
		return fetch(r, w);
	return true;
}

static bool
add_word(struct reader *r, struct conf_item *item, size_t *room, struct conf_word w)
{
	if (item->count == *room) {
		size_t want = *room == 0 ? 2 : *room * 4;
		item->words = arena_grow(r->arena, item->words, item->count, want, sizeof(w));
		if (item->words == NULL)
			return false;
		*room = want;
	}
	item->words[item->count++] = w;
	return true;
}

static bool
ends_value(char c)
{
	return c == '\n' || c == ';' || c == '}' || c == '{';
}

/* Words up to the end of the statement; behind a comma the next line goes on. */
static bool
take_values(struct reader *r, struct cursor *c, struct conf_item *item)
{
	size_t room = 0;

	skip_space(c, false);
	while (!ends_value(peek(c))) {
		struct conf_word w;
		if (peek(c) == ',') {
			FAULT(r, c->at, "a value is missing before this comma");
			return false;
		}
		if (!take_word(r, c, &w) || !add_word(r, item, &room, w))
			return false;
		skip_space(c, false);
		if (peek(c) == ',') {
			step(c);
			skip_space(c, true);
		}
	}
	return true;
}

/* ---- statements ---- */

static void take_block(struct reader *, struct cursor *, struct conf_item *section, unsigned depth);
static void take_file(struct reader *, struct bytes path, struct conf_place from, struct conf_item *section, unsigned depth);

static void
append(struct conf_item *section, struct conf_item *item)
{
	if (section->last != NULL)
		section->last->next = item;
	else
		section->first = item;
	section->last = item;
}

static void
take_include(struct reader *r, struct cursor *c, struct conf_item *item, struct conf_item *section, unsigned depth)
{
	struct bytes *paths;
	size_t        count;

	if (!take_values(r, c, item)) {
		skip_statement(c);
		return;
	}
	if (item->count == 0)
		FAULT(r, item->at, "include wants a file: include conf.d/*.conf");
	for (size_t i = 0; i < item->count; i++) {
		const struct conf_word *w = &item->words[i];
		struct bytes            pattern = conf_beside(r->arena, item->at.file, w->text);
		if (!r->host->names(r->host->arg, r->arena, pattern, &paths, &count)) {
			FAULT(r, w->at, "%.*s: it cannot be read", B_FMT(pattern));
			continue;
		}
		for (size_t k = 0; k < count; k++)
			take_file(r, paths[k], w->at, section, depth);
	}
}

static void
take_section(struct reader *r, struct cursor *c, struct conf_item *item, struct conf_item *section, unsigned depth)
{
	step(c); /* the brace */
	item->is_section = true;
	if (depth == CONF_DEPTH_MAX) {
		FAULT(r, item->at, "sections lie too deep in each other; at most %d", CONF_DEPTH_MAX);
		r->full = true;
		return;
	}
	append(section, item);
	take_block(r, c, item, depth + 1);
	if (r->full)
		return;
	if (ended(c))
		FAULT(r, item->at, "this section has no closing brace");
	else
		step(c);
}

/* What follows the name: "= values", or perhaps a name and "{". */
static void
take_rest(struct reader *r, struct cursor *c, struct conf_item *item, struct conf_item *section, unsigned depth)
{
	skip_space(c, false);
	if (peek(c) == '=') {
		step(c);
		if (!take_values(r, c, item))
			skip_statement(c);
		else if (peek(c) == '{' && !ended(c)) {
			FAULT(r, c->at, "a brace is not expected here; put quotes around text that holds one");
			skip_line(c);
		} else
			append(section, item);
		return;
	}
	if (bytes_eq(item->name, B("include"))) {
		take_include(r, c, item, section, depth);
		return;
	}
	if (!take_values(r, c, item)) {
		skip_statement(c);
		return;
	}
	if (!ended(c) && peek(c) == '{') {
		if (item->count > 1) {
			FAULT(r, item->words[1].at, "a section has one name at most; put quotes around a name with blanks");
			item->count = 1;
		}
		take_section(r, c, item, section, depth);
		return;
	}
	FAULT(r, item->at, "\"%.*s\" wants \"= value\" or a section in braces behind it", B_FMT(item->name));
}

static void
take_statement(struct reader *r, struct cursor *c, struct conf_item *section, unsigned depth)
{
	struct bytes      from = c->rest;
	struct conf_item *item = arena_take(r->arena, sizeof(*item));

	if (item == NULL || ++r->items > CONF_ITEMS_MAX) {
		FAULT(r, c->at, "the settings are too many");
		r->full = true;
		return;
	}
	item->at = c->at;
	while (!ended(c) && is_name(peek(c)))
		step(c);
	item->name = bytes_sub(from, 0, from.len - c->rest.len);
	if (item->name.len == 0 || (!ended(c) && is_bare(peek(c)) && peek(c) != '=' && peek(c) != '#')) {
		FAULT(r, item->at, "the name of a setting is expected here");
		skip_line(c);
		return;
	}
	take_rest(r, c, item, section, depth);
}

/* Up to a closing brace, not taken, or the end. */
static void
take_block(struct reader *r, struct cursor *c, struct conf_item *section, unsigned depth)
{
	while (!r->full) {
		skip_space(c, true);
		if (ended(c) || peek(c) == '}')
			return;
		if (peek(c) == ';')
			step(c);
		else
			take_statement(r, c, section, depth);
		if (arena_overdrawn(r->arena))
			r->full = true;
	}
}

/* The place of the first octet that is not UTF-8. */
static bool
find_bad_octet(struct cursor c, struct conf_place *at_out)
{
	while (!ended(&c)) {
		size_t n = utf8_length(c.rest);
		if (n == 0) {
			*at_out = c.at;
			return true;
		}
		while (n-- > 0)
			step(&c);
	}
	return false;
}

static void
take_text(struct reader *r, struct bytes path, struct bytes text, struct conf_item *section, unsigned depth)
{
	struct cursor     c = { text, { path, 1, 1 } };
	struct conf_place bad;

	if (bytes_starts(c.rest, B("\xef\xbb\xbf")))
		bytes_skip(&c.rest, 3); /* a byte order mark, as Windows editors leave it */
	if (find_bad_octet(c, &bad)) {
		FAULT(r, bad, "this octet is not UTF-8");
		return;
	}
	for (;;) {
		take_block(r, &c, section, depth);
		if (r->full || ended(&c))
			return;
		FAULT(r, c.at, "this brace closes nothing");
		step(&c);
	}
}

static void
take_file(struct reader *r, struct bytes path, struct conf_place from, struct conf_item *section, unsigned depth)
{
	struct bytes text, why = B("it cannot be read");

	for (size_t i = 0; i < r->open_count; i++)
		if (bytes_eq(r->open[i], path)) {
			FAULT(r, from, "%.*s includes itself", B_FMT(path));
			return;
		}
	if (r->open_count == CONF_NESTED_MAX || ++r->files > CONF_FILES_MAX) {
		FAULT(r, from, "%.*s: too many files are included", B_FMT(path));
		r->full = true;
		return;
	}
	if (!r->host->file(r->host->arg, r->arena, path, &text, &why)) {
		if (bytes_eq(from.file, path)) /* named by nobody but the caller */
			FAULT(r, from, "the file cannot be read: %.*s", B_FMT(why));
		else
			FAULT(r, from, "%.*s: %.*s", B_FMT(path), B_FMT(why));
		return;
	}
	if (text.len > CONF_FILE_MAX) {
		FAULT(r, from, "%.*s: larger than %zu octets", B_FMT(path), CONF_FILE_MAX);
		return;
	}
	r->open[r->open_count++] = path;
	take_text(r, path, text, section, depth);
	r->open_count--;
}

struct conf_item *
conf_read(struct arena *a, const struct conf_host *host, struct bytes path, struct conf_faults *faults)
{
	struct reader     r = { .arena = a, .host = host, .faults = faults };
	struct conf_place at = { path, 1, 1 };
	struct conf_item *root = arena_take(a, sizeof(*root));

	if (root == NULL)
		return NULL;
	root->is_section = true;
	root->at = at;
	take_file(&r, path, at, root, 0);
	return arena_overdrawn(a) ? NULL : root;
}

/* ---- values ---- */

bool
conf_bool(struct bytes text, bool *value_out)
{
	static const struct {
		struct bytes word;
		bool         value;
	} rows[] = {
		{ B_INIT("yes"), true }, { B_INIT("on"), true },   { B_INIT("true"), true },
		{ B_INIT("no"), false }, { B_INIT("off"), false }, { B_INIT("false"), false },
	};
	for (size_t i = 0; i < NELEMS(rows); i++)
		if (bytes_eq_nocase(rows[i].word, text)) {
			*value_out = rows[i].value;
			return true;
		}
	return false;
}

struct unit {
	struct bytes word;
	uint64_t     worth;
};

static const struct unit times[] = {
	{ B_INIT("d"), 86400000 }, { B_INIT("h"), 3600000 }, { B_INIT("m"), 60000 }, { B_INIT("s"), 1000 }, { B_INIT("ms"), 1 },
};
static const struct unit sizes[] = {
	{ B_INIT("G"), (uint64_t)1 << 30 },
	{ B_INIT("M"), (uint64_t)1 << 20 },
	{ B_INIT("k"), (uint64_t)1 << 10 },
	{ B_INIT(""), 1 },
};

static bool
read_unit(struct bytes text, const struct unit *units, size_t count, bool (*same)(struct bytes, struct bytes), uint64_t *value_out)
{
	size_t   n = 0;
	uint64_t v;

	while (n < text.len && byte_is_digit(text.at[n]))
		n++;
	/* Ten digits of the largest unit do not overflow. */
	if (!bytes_number(bytes_sub(text, 0, n), UINT32_MAX, &v))
		return false;
	for (size_t i = 0; i < count; i++)
		if (same(units[i].word, bytes_from(text, n))) {
			*value_out = v * units[i].worth;
			return true;
		}
	return false;
}

bool
conf_msec(struct bytes text, uint64_t *msec_out)
{
	if (bytes_eq(text, B("0"))) {
		*msec_out = 0;
		return true;
	}
	/* M is never minutes: it looks like a size. */
	return read_unit(text, times, NELEMS(times), bytes_eq, msec_out);
}

bool
conf_size(struct bytes text, uint64_t *octets_out)
{
	return read_unit(text, sizes, NELEMS(sizes), bytes_eq_nocase, octets_out);
}

static const char *
write_unit(uint64_t value, const struct unit *units, size_t count, char text[CONF_UNIT_TEXT])
{
	size_t i = 0;

	while (i + 1 < count && value % units[i].worth != 0)
		i++;
	snprintf(text, CONF_UNIT_TEXT, "%" PRIu64 "%.*s", value / units[i].worth, B_FMT(units[i].word));
	return text;
}

const char *
conf_msec_text(uint64_t msec, char text[CONF_UNIT_TEXT])
{
	if (msec == 0)
		return memcpy(text, "0", 2);
	return write_unit(msec, times, NELEMS(times), text);
}

const char *
conf_size_text(uint64_t octets, char text[CONF_UNIT_TEXT])
{
	if (octets == 0)
		return memcpy(text, "0", 2);
	return write_unit(octets, sizes, NELEMS(sizes), text);
}
