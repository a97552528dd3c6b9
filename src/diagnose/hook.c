/* diagnose/hook.c: see hook.h. */
#include "diagnose/hook.h"

#include <jansson.h>

#include "diagnose/address_find.h"
#include "diagnose/explain.h"

/* What is known at this depth: an entry inherits what its parents said. */
struct above {
	struct bytes event, status, diagnostic, action;
};

struct walk {
	struct arena   *arena;
	struct reading *r;
	bool            counted; /* at least one key that only such reports have */
	size_t          left; /* values that may still be looked at */
};

enum role { ROLE_ADDRESS, ROLE_EVENT, ROLE_STATUS, ROLE_DIAGNOSTIC, ROLE_ACTION, ROLE_REPORTER, ROLE_COUNT };

static const struct {
	enum role   role;
	const char *key;
} keys[] = {
	{ ROLE_ADDRESS, "emailAddress" },      { ROLE_ADDRESS, "email" },         { ROLE_ADDRESS, "Email" },
	{ ROLE_ADDRESS, "recipient" },         { ROLE_ADDRESS, "rcpt_to" },       { ROLE_ADDRESS, "Recipient" },
	{ ROLE_EVENT, "notificationType" },    { ROLE_EVENT, "eventType" },       { ROLE_EVENT, "event" },
	{ ROLE_EVENT, "RecordType" },          { ROLE_EVENT, "type" },            { ROLE_STATUS, "status" },
	{ ROLE_STATUS, "enhanced-code" },      { ROLE_STATUS, "Status" },         { ROLE_DIAGNOSTIC, "diagnosticCode" },
	{ ROLE_DIAGNOSTIC, "reason" },         { ROLE_DIAGNOSTIC, "Details" },    { ROLE_DIAGNOSTIC, "response" },
	{ ROLE_DIAGNOSTIC, "smtpResponse" },   { ROLE_DIAGNOSTIC, "raw_reason" }, { ROLE_DIAGNOSTIC, "description" },
	{ ROLE_DIAGNOSTIC, "Description" },    { ROLE_DIAGNOSTIC, "message" },    { ROLE_ACTION, "action" },
	{ ROLE_REPORTER, "reportingMTA" },     { ROLE_REPORTER, "remoteMtaIp" },
};

/* How an event is called, and what it means. */
static const struct {
	const char      *word; /* lower case, anywhere in the value */
	enum bounce_kind kind;
} events[] = {
	{ "complaint", KIND_FEEDBACK }, { "spamreport", KIND_FEEDBACK }, { "spam_report", KIND_FEEDBACK }, { "complained", KIND_FEEDBACK },
	{ "spamcomplaint", KIND_FEEDBACK }, { "delivered", KIND_DELIVERED }, { "delivery", KIND_DELIVERED }, { "deferred", KIND_DELAYED },
	{ "delay", KIND_DELAYED },      { "temporary", KIND_DELAYED },   { "bounce", KIND_BOUNCE },        { "dropped", KIND_BOUNCE },
	{ "failed", KIND_BOUNCE },      { "rejected", KIND_BOUNCE },     { "reject", KIND_BOUNCE },
};

static void walk_value(struct walk *, const json_t *, struct above, unsigned depth);

static struct bytes
text_of(struct arena *a, const json_t *v)
{
	return json_is_string(v) ? arena_copy(a, bytes_make(json_string_value(v), json_string_length(v))) : B_NONE;
}

static void
add_entry(struct walk *w, struct bytes address, const struct above *up)
{
	struct bytes found;
	size_t       end;

	if (!address_find(address, 0, &found, &end))
		found = address;
	for (size_t i = 0; i < w->r->said.count; i++)
		if (bytes_eq_nocase(w->r->said.at[i].recipient, found))
			return;
	struct said *s = said_add(w->arena, &w->r->said);
	if (s == NULL)
		return;
	s->recipient = found;
	s->status = up->status.len > 4 && bytes_has(up->status, '.') ? up->status : B_NONE;
	s->diagnostic = up->diagnostic;
	if (bytes_starts_nocase(s->diagnostic, B("smtp;")))
		s->diagnostic = bytes_trim(bytes_from(s->diagnostic, 5));
}

static void
kind_take(struct walk *w, struct bytes event)
{
	for (size_t i = 0; i < NELEMS(events); i++)
		if (bytes_find_nocase(event, bytes_of(events[i].word)) < event.len) {
			w->r->kind = events[i].kind;
			w->counted = true;
			return;
		}
}

static void
walk_object(struct walk *w, const json_t *v, struct above up, unsigned depth)
{
	struct bytes address = B_NONE;
	const char  *key;
	json_t      *child;

	for (size_t i = 0; i < NELEMS(keys); i++) {
		struct bytes text = text_of(w->arena, json_object_get(v, keys[i].key));
		if (text.len == 0)
			continue;
		switch (keys[i].role) {
		case ROLE_ADDRESS:
			address = bytes_has(text, '@') ? text : address;
			break;
		case ROLE_EVENT:
			up.event = text;
			kind_take(w, text);
			break;
		case ROLE_STATUS:
			up.status = text;
			break;
		case ROLE_DIAGNOSTIC:
			up.diagnostic = text;
			w->counted = true;
			break;
		case ROLE_REPORTER:
			w->r->reporter = bytes_trim(bytes_from(text, bytes_index(text, ';') < text.len ? bytes_index(text, ';') + 1 : 0));
			break;
		default:
			up.action = text;
		}
	}
	if (address.len > 0)
		add_entry(w, address, &up);
	json_object_foreach((json_t *)v, key, child)
		if (json_is_object(child) || json_is_array(child)) {
			/* The copy of the mail's own header names everybody. */
			if (bytes_eq(bytes_of(key), B("mail")) || bytes_eq(bytes_of(key), B("headers")) || bytes_eq(bytes_of(key), B("commonHeaders")))
				continue;
			walk_value(w, child, up, depth + 1);
		} else if (bytes_eq(bytes_of(key), B("Message")) && json_is_string(child) && depth == 0) {
			json_t *inner = json_loadb(json_string_value(child), json_string_length(child), 0, NULL);
			if (inner != NULL)
				walk_value(w, inner, up, depth + 1);
			json_decref(inner);
		}
}

static void
walk_value(struct walk *w, const json_t *v, struct above up, unsigned depth)
{
	size_t  i;
	json_t *child;

	if (depth > HOOK_DEPTH_MAX || w->left == 0)
		return;
	w->left--;
	if (json_is_object(v)) {
		walk_object(w, v, up, depth);
	} else if (json_is_array(v)) {
		json_array_foreach((json_t *)v, i, child) {
			if (json_is_string(child) && bytes_has(text_of(w->arena, child), '@') && up.event.len > 0)
				add_entry(w, text_of(w->arena, child), &up);
			else
				walk_value(w, child, up, depth + 1);
		}
	}
}

/* Mail wraps long lines, in the middle of JSON strings too; no JSON needs a line end. */
static struct bytes
unwrapped(struct arena *a, struct bytes text)
{
	char  *out = arena_take(a, text.len + 1);
	size_t n = 0;

	for (size_t i = 0; out != NULL && i < text.len; i++)
		if (text.at[i] != '\n' && text.at[i] != '\r')
			out[n++] = text.at[i];
	return bytes_make(out, n);
}

struct reading *
hook_read(struct arena *a, struct bytes text)
{
	struct bytes t = bytes_trim(text);

	if (t.len < 2 || (t.at[0] != '{' && t.at[0] != '[') || t.len > (size_t)4 << 20)
		return NULL;
	t = unwrapped(a, t);
	json_t *root = json_loadb(t.at, t.len, JSON_DISABLE_EOF_CHECK, NULL);
	if (root == NULL)
		return NULL;
	struct reading *r = arena_take(a, sizeof(*r));
	struct walk     w = { .arena = a, .r = r, .left = 20000 };
	if (r != NULL)
		walk_value(&w, root, (struct above){ 0 }, 0);
	json_decref(root);
	return r != NULL && w.counted && r->said.count > 0 && !arena_overdrawn(a) ? r : NULL;
}

struct explained *
explain_line(struct arena *a, struct rules *rules, struct bytes line)
{
	json_t *root = json_loadb(line.at, line.len, 0, NULL);

	if (!json_is_object(root)) {
		json_decref(root);
		return NULL;
	}
	struct bytes code = text_of(a, json_object_get(root, "code"));
	if (code.len == 0 && json_is_integer(json_object_get(root, "code")))
		code = arena_printf(a, "%d", (int)json_integer_value(json_object_get(root, "code")));
	struct explained *x = explain_reply(a, rules, code, text_of(a, json_object_get(root, "enhanced")), text_of(a, json_object_get(root, "text")),
	                                    text_of(a, json_object_get(root, "host")));
	json_decref(root);
	return x;
}
