/* diagnose/dsn.c: see dsn.h. */
#include "diagnose/dsn.h"

#include "base/utf8.h"
#include "diagnose/address_find.h"
#include "diagnose/mime.h"

struct said *
said_add(struct arena *a, struct said_list *l)
{
	if (l->count == SAID_MAX)
		return NULL;
	if (l->count == l->room) {
		size_t       want = l->room == 0 ? 4 : l->room * 2;
		struct said *wide = arena_grow(a, l->at, l->count, want, sizeof(*wide));
		if (wide == NULL)
			return NULL;
		l->at = wide;
		l->room = want;
	}
	l->at[l->count] = (struct said){ 0 };
	return &l->at[l->count++];
}

/* "rfc822; user@example.com", "smtp;550 no": what follows the type. A type is a word of few
 * letters; a slash for the semicolon is Mimecast's. */
static struct bytes
untyped(struct bytes value, struct bytes *type_out)
{
	size_t n = 0;

	while (n < value.len && n < 40 && (byte_is_alnum(value.at[n]) || value.at[n] == '-' || value.at[n] == '.' || value.at[n] == ' '))
		n++;
	*type_out = B_NONE;
	if (n == 0 || n == value.len)
		return value;
	if (value.at[n] == ';' || (value.at[n] == '/' && bytes_starts_nocase(value, B("rfc822")))) {
		*type_out = bytes_trim(bytes_sub(value, 0, n));
		value = bytes_trim(bytes_from(value, n + 1));
		if (bytes_starts(value, B(";")))
			value = bytes_trim(bytes_from(value, 1));
	}
	return value;
}

static struct bytes
address_value(struct bytes value)
{
	struct bytes type, address;
	size_t       end;

	value = untyped(value, &type);
	if (address_find(value, 0, &address, &end))
		return address;
	value = bytes_trim(value);
	if (bytes_starts(value, B("<")))
		value = bytes_sub(value, 1, bytes_index(bytes_from(value, 1), '>'));
	return bytes_sub(value, 0, bytes_index(value, ' '));
}

/* "5.1.1 (bad destination mailbox address)": only the digits. */
static struct bytes
status_value(struct bytes value)
{
	size_t n = 0;
	size_t dots = 0;

	while (n < value.len && n < 12 && (byte_is_digit(value.at[n]) || value.at[n] == '.'))
		dots += value.at[n++] == '.';
	value = bytes_sub(value, 0, n);
	return dots == 2 && (value.at[0] == '2' || value.at[0] == '4' || value.at[0] == '5') && value.at[1] == '.' ? value : B_NONE;
}

static enum dsn_action
action_value(struct bytes value)
{
	static const struct {
		struct bytes    word;
		enum dsn_action action;
	} words[] = {
		{ B_INIT("fail"), ACTION_FAILED },   { B_INIT("delay"), ACTION_DELAYED },   { B_INIT("deliver"), ACTION_DELIVERED },
		{ B_INIT("relay"), ACTION_RELAYED }, { B_INIT("expand"), ACTION_EXPANDED }, { B_INIT("expired"), ACTION_FAILED },
	};
	for (size_t i = 0; i < NELEMS(words); i++)
		if (bytes_starts_nocase(value, words[i].word))
			return words[i].action;
	return ACTION_NONE;
}

enum field_kind { F_FINAL, F_ORIGINAL, F_ACTION, F_STATUS, F_REMOTE, F_DIAGNOSTIC, F_ACTUAL, F_REPORTER, F_FEEDBACK, F_SOURCE_IP, F_COUNT };

static const struct bytes field_names[F_COUNT] = {
	[F_FINAL] = B_INIT("Final-Recipient"),  [F_ORIGINAL] = B_INIT("Original-Recipient"),     [F_ACTION] = B_INIT("Action"),
	[F_STATUS] = B_INIT("Status"),          [F_REMOTE] = B_INIT("Remote-MTA"),               [F_DIAGNOSTIC] = B_INIT("Diagnostic-Code"),
	[F_ACTUAL] = B_INIT("X-Actual-Recipient"), [F_REPORTER] = B_INIT("Reporting-MTA"),       [F_FEEDBACK] = B_INIT("Feedback-Type"),
	[F_SOURCE_IP] = B_INIT("Source-IP"),
};

/* The group being filled, and which of its fields came. */
struct group {
	struct said said;
	bool        seen[F_COUNT];
};

static void
group_end(struct arena *a, struct group *g, struct said_list *list)
{
	if (g->seen[F_FINAL] || g->seen[F_ORIGINAL]) {
		if (!g->seen[F_FINAL])
			g->said.recipient = g->said.original;
		if (bytes_eq_nocase(g->said.recipient, g->said.original))
			g->said.original = B_NONE;
		struct said *s = said_add(a, list);
		if (s != NULL)
			*s = g->said;
	}
	*g = (struct group){ 0 };
}

static void
group_take(struct group *g, enum field_kind kind, struct bytes value)
{
	struct bytes type;

	switch (kind) {
	case F_FINAL:
		g->said.recipient = address_value(value);
		break;
	case F_ACTUAL:
		if (!bytes_has(g->said.recipient, '@'))
			g->said.recipient = address_value(value);
		return;
	case F_ORIGINAL:
		g->said.original = address_value(value);
		break;
	case F_ACTION:
		g->said.action = action_value(value);
		break;
	case F_STATUS:
		g->said.status = status_value(value);
		break;
	case F_REMOTE:
		value = untyped(value, &type);
		g->said.remote = bytes_sub(value, 0, bytes_index(value, ' '));
		break;
	case F_DIAGNOSTIC:
		/* Some write two; the longer one says more. */
		value = untyped(value, &type);
		if (value.len > g->said.diagnostic.len) {
			g->said.diagnostic = value;
			g->said.from_smtp = bytes_eq_nocase(type, B("smtp"));
		}
		return;
	default:
		return;
	}
	g->seen[kind] = true;
}

void
dsn_read(struct arena *a, struct bytes text, struct dsn *d, struct said_list *list)
{
	struct group g = { 0 };

	while (text.len > 0 && list->count < SAID_MAX) {
		struct header h;
		struct bytes  rest, line;
		mime_header(a, text, false, &h, &rest);
		for (size_t i = 0; i < h.count; i++) {
			struct bytes value = bytes_trim(field_unfold(a, h.fields[i].value)), type;
			struct bytes name = bytes_trim(h.fields[i].name);
			for (enum field_kind k = 0; k < F_COUNT; k++) {
				if (!bytes_eq_nocase(name, field_names[k]))
					continue;
				if (k == F_REPORTER && d->reporter.len == 0)
					d->reporter = untyped(value, &type);
				else if (k == F_FEEDBACK && d->feedback_type.len == 0)
					d->feedback_type = value;
				else if (k == F_SOURCE_IP && d->source_ip.len == 0)
					d->source_ip = value;
				else if (k < F_DIAGNOSTIC && g.seen[k] && (k == F_FINAL || g.seen[F_FINAL]))
					group_end(a, &g, list);
				group_take(&g, k, value);
			}
		}
		/* A group ends at an empty line, if it has a recipient by then. */
		if (g.seen[F_FINAL] || (g.seen[F_ORIGINAL] && g.seen[F_ACTION]))
			group_end(a, &g, list);
		if (rest.len == text.len && !bytes_cut_line(&rest, &line))
			break;
		text = rest;
	}
	group_end(a, &g, list);
	d->reporter = bytes_sub(d->reporter, 0, bytes_index(d->reporter, ' '));
}
