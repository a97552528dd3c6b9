/* auth/authres.c: see authres.h. The grammar is RFC 8601 section 2.2.
 *
 * What we write is narrower than what we may: a value that is no plain token
 * or address is quoted, one with control characters or beyond ASCII is left
 * out, and comments hold no mark that even a naive reader could take for
 * structure. What we read is wider: providers leave out the authserv-id, the
 * property type, or a value. */
#include "auth/authres.h"

#include "base/buf.h"

#define WRITTEN_MAX 65536
#define VALUE_MAX 400 /* octets of one value or comment, so that no line nears 998 */
#define LINE_FULL 400
#define SAID_MAX 32

static bool
is_token_octet(char c)
{
	return c > ' ' && c < 0x7f && !bytes_has(B("()<>@,;:\\\"/[]?="), c);
}

static bool
is_token(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (!is_token_octet(b.at[i]))
			return false;
	return b.len > 0;
}

/* [local-part] "@" domain-name, both of token octets. */
static bool
is_plain_address(struct bytes b)
{
	size_t at = bytes_index(b, '@');

	return at < b.len && (at == 0 || is_token(bytes_sub(b, 0, at))) && is_token(bytes_from(b, at + 1));
}

static bool
is_writable(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] < ' ' || b.at[i] >= 0x7f)
			return false;
	return b.len > 0 && b.len <= VALUE_MAX;
}

static void
add_value(struct buf *out, struct bytes value)
{
	if (is_token(value) || is_plain_address(value)) {
		buf_add(out, value);
		return;
	}
	buf_add_c(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '"' || value.at[i] == '\\')
			buf_add_c(out, '\\');
		buf_add_c(out, value.at[i]);
	}
	buf_add_c(out, '"');
}

/* Marks that structure a field give way to ones that do not. */
static char
harmless(char c)
{
	static const char pairs[][2] = { { '(', '[' }, { ')', ']' }, { '\\', '/' }, { '"', '\'' }, { ';', ',' }, { '\t', ' ' } };

	for (size_t i = 0; i < NELEMS(pairs); i++)
		if (c == pairs[i][0])
			return pairs[i][1];
	return c < ' ' || c >= 0x7f ? '?' : c;
}

static void
add_comment(struct buf *out, struct bytes comment)
{
	if (comment.len == 0)
		return;
	buf_add(out, B(" ("));
	for (size_t i = 0; i < comment.len && i < VALUE_MAX; i++)
		buf_add_c(out, harmless(comment.at[i]));
	if (comment.len > VALUE_MAX)
		buf_add(out, B("..."));
	buf_add_c(out, ')');
}

static void
add_result(struct buf *out, const struct authres_result *r)
{
	buf_printf(out, "; %s=%s", method_word(r->method), result_word(r->result));
	add_comment(out, r->comment);
	for (size_t i = 0; i < r->prop_count && i < AUTHRES_PROPS; i++) {
		if (!is_writable(r->props[i].value))
			continue;
		buf_printf(out, " %s.%s=", r->props[i].ptype, r->props[i].name);
		add_value(out, r->props[i].value);
	}
}

struct bytes
authres_write(struct arena *a, struct bytes authserv_id, const struct authres_result *results, size_t count)
{
	struct buf out = { .limit = WRITTEN_MAX };

	if (!is_writable(authserv_id))
		authserv_id = B("unknown");
	add_value(&out, authserv_id);
	for (size_t i = 0; i < count; i++)
		add_result(&out, &results[i]);
	if (count == 0)
		buf_add(&out, B("; none"));
	if (out.spoilt)
		arena_spoil(a);
	struct bytes body = arena_copy(a, buf_bytes(&out));
	buf_free(&out);
	return body;
}

struct bytes
authres_fold(struct arena *a, struct bytes body)
{
	struct buf out = { .limit = 2 * WRITTEN_MAX };
	bool       quoted = false, comment = false;
	size_t     line = 0;

	for (size_t i = 0; i < body.len; i++, line++) {
		char c = body.at[i];
		if (c == ' ' && !quoted && !comment && i > 0 && (body.at[i - 1] == ';' || line >= LINE_FULL)) {
			buf_add(&out, B("\r\n\t"));
			line = 0;
			continue;
		}
		buf_add_c(&out, c);
		if (c == '\\' && quoted && i + 1 < body.len)
			buf_add_c(&out, body.at[++i]);
		else if (c == '"' && !comment)
			quoted = !quoted;
		else if ((c == '(' || c == ')') && !quoted)
			comment = c == '(';
	}
	if (out.spoilt)
		arena_spoil(a);
	struct bytes folded = arena_copy(a, buf_bytes(&out));
	buf_free(&out);
	return folded;
}

/* The comment at the front, however deep; what it holds goes to `*inside_out`. */
static bool
take_comment(struct bytes *rest, struct bytes *inside_out)
{
	size_t depth = 0;

	for (size_t i = 0; i < rest->len; i++) {
		char c = rest->at[i];
		if (c == '\\') {
			i++;
		} else if (c == '(') {
			depth++;
		} else if (c == ')' && --depth == 0) {
			*inside_out = bytes_sub(*rest, 1, i - 1);
			bytes_skip(rest, i + 1);
			return true;
		}
	}
	return false;
}

/* Comments and white space. `comment` keeps the first one; may be NULL. */
static bool
skip_blank(struct bytes *rest, struct bytes *comment)
{
	struct bytes inside;

	while (rest->len > 0) {
		if (byte_is_space(rest->at[0])) {
			bytes_skip(rest, 1);
		} else if (rest->at[0] == '(') {
			if (!take_comment(rest, &inside))
				return false;
			if (comment != NULL && comment->len == 0)
				*comment = inside;
		} else {
			break;
		}
	}
	return true;
}

/* A quoted string, without quotes and escapes; line breaks of folding go. */
static bool
take_quoted(struct arena *a, struct bytes *rest, struct bytes *text_out)
{
	size_t end = 1;

	while (end < rest->len && rest->at[end] != '"')
		end += rest->at[end] == '\\' ? 2 : 1;
	if (end >= rest->len)
		return false;
	char  *out = arena_take(a, end);
	size_t n = 0;
	if (out == NULL)
		return false;
	for (size_t i = 1; i < end; i++) {
		if (rest->at[i] == '\\')
			i++;
		if (rest->at[i] != '\r' && rest->at[i] != '\n')
			out[n++] = rest->at[i];
	}
	*text_out = bytes_make(out, n);
	bytes_skip(rest, end + 1);
	return true;
}

/* Up to white space, a comment, or an octet of `stops`. */
static struct bytes
take_run(struct bytes *rest, struct bytes stops)
{
	size_t n = 0;

	while (n < rest->len && !byte_is_space(rest->at[n]) && rest->at[n] != '(' && !bytes_has(stops, rest->at[n]))
		n++;
	struct bytes run = bytes_sub(*rest, 0, n);
	bytes_skip(rest, n);
	return run;
}

/* A value: quoted, or a run; "a b"@example.com is a value as it stands. */
static bool
take_value(struct arena *a, struct bytes *rest, struct bytes *value_out)
{
	struct bytes start = *rest;

	if (rest->len == 0 || rest->at[0] != '"') {
		*value_out = take_run(rest, B(";"));
		return true;
	}
	if (!take_quoted(a, rest, value_out))
		return false;
	if (rest->len > 0 && rest->at[0] == '@') {
		take_run(rest, B(";"));
		*value_out = bytes_sub(start, 0, start.len - rest->len);
	}
	return true;
}

static bool
take_id(struct arena *a, struct bytes *rest, struct bytes *id_out)
{
	if (!skip_blank(rest, NULL))
		return false;
	if (rest->len > 0 && rest->at[0] == '"')
		return take_quoted(a, rest, id_out);
	*id_out = take_run(rest, B(";/=,"));
	return true;
}

static struct bytes
without_end_dot(struct bytes name)
{
	if (name.len > 1 && name.at[name.len - 1] == '.')
		name.len--;
	return name;
}

bool
authres_claims(struct arena *a, struct bytes value, struct bytes authserv_id)
{
	struct bytes id;

	struct bytes whole = value;

	if (!take_id(a, &value, &id))
		return bytes_find_nocase(whole, authserv_id) < whole.len;
	return id.len > 0 && bytes_eq_nocase(without_end_dot(id), without_end_dot(authserv_id));
}

static bool
is_known(struct bytes method)
{
	static const enum method methods[] = { METHOD_SPF, METHOD_DKIM, METHOD_ARC, METHOD_DMARC, METHOD_IPREV };

	for (size_t i = 0; i < NELEMS(methods); i++)
		if (bytes_eq(method, bytes_of(method_word(methods[i]))))
			return true;
	return false;
}

/* ptype "." property "=" value, or reason "=" value. */
static bool
take_prop(struct arena *a, struct bytes *rest, struct authres_said *said)
{
	struct bytes name, property, value;

	name = take_run(rest, B(".=;\""));
	if (name.len == 0 || !skip_blank(rest, &said->comment))
		return false;
	bool dotted = rest->len > 0 && rest->at[0] == '.';
	if (dotted) {
		bytes_skip(rest, 1);
		if (!skip_blank(rest, &said->comment))
			return false;
		property = take_run(rest, B("=;\""));
		if (property.len == 0 || !skip_blank(rest, &said->comment))
			return false;
		name = arena_printf(a, "%.*s.%.*s", B_FMT(name), B_FMT(property));
	}
	if (rest->len == 0 || rest->at[0] != '=')
		return false;
	bytes_skip(rest, 1);
	if (!skip_blank(rest, &said->comment) || !take_value(a, rest, &value))
		return false;
	if (!dotted && bytes_eq_nocase(name, B("reason")))
		said->reason = value;
	else if (said->prop_count < NELEMS(said->props)) {
		said->props[said->prop_count].name = arena_lower(a, name);
		said->props[said->prop_count++].value = value;
	}
	return true;
}

/* method ["/" version] "=" result, then properties up to the next ";". */
static bool
take_said(struct arena *a, struct bytes *rest, struct authres_said *said)
{
	*said = (struct authres_said){ .comment = B("") };
	said->method = arena_lower(a, take_run(rest, B("=/;\"")));
	if (said->method.len == 0 || !skip_blank(rest, &said->comment))
		return false;
	if (rest->len > 0 && rest->at[0] == '/') {
		bytes_skip(rest, 1);
		if (!skip_blank(rest, &said->comment))
			return false;
		take_run(rest, B("=;\""));
		if (!skip_blank(rest, &said->comment))
			return false;
	}
	if (rest->len == 0 || rest->at[0] != '=')
		return false;
	bytes_skip(rest, 1);
	if (!skip_blank(rest, &said->comment))
		return false;
	said->result = arena_lower(a, take_run(rest, B(";=\"")));
	if (said->result.len == 0)
		return false;
	while (skip_blank(rest, &said->comment)) {
		if (rest->len == 0 || rest->at[0] == ';')
			return true;
		if (!take_prop(a, rest, said))
			return false;
	}
	return false;
}

static bool
is_none(struct bytes rest)
{
	struct bytes word = take_run(&rest, B(";="));

	return bytes_eq_nocase(word, B("none")) && skip_blank(&rest, NULL) && rest.len == 0;
}

/* The results behind the authserv-id. */
static bool
take_results(struct arena *a, struct bytes rest, struct authres *out, size_t room)
{
	struct authres_said said;

	for (;;) {
		if (!skip_blank(&rest, NULL))
			return false;
		if (rest.len == 0 || is_none(rest))
			return true;
		if (rest.at[0] == ';') {
			bytes_skip(&rest, 1);
			continue;
		}
		if (!take_said(a, &rest, &said) || arena_overdrawn(a))
			return false;
		if (is_known(said.method)) {
			if (out->count == room)
				return true;
			out->said[out->count++] = said;
		}
	}
}

static size_t
results_at_most(struct bytes value)
{
	size_t n = 1;

	for (size_t i = 0; i < value.len && n < SAID_MAX; i++)
		n += value.at[i] == ';';
	return n;
}

bool
authres_parse(struct arena *a, struct bytes value, struct authres *authres_out)
{
	struct authres out = { .authserv_id = B("") };
	struct bytes   start = value;
	size_t         room = results_at_most(value);

	*authres_out = out;
	if (!take_id(a, &value, &out.authserv_id) || !skip_blank(&value, NULL))
		return false;
	out.said = arena_take_array(a, room, sizeof(*out.said));
	if (out.said == NULL)
		return false;
	bool slash = value.len > 0 && value.at[0] == '/';
	if ((value.len > 0 && value.at[0] == '=') || (slash && is_known(arena_lower(a, out.authserv_id)))) {
		out.authserv_id = B(""); /* it was a method */
		value = start;
	} else {
		take_run(&value, B(";")); /* the version */
		if (!skip_blank(&value, NULL) || out.authserv_id.len == 0 || (value.len > 0 && value.at[0] != ';'))
			return false;
	}
	bool good = take_results(a, value, &out, room);
	*authres_out = out;
	return good;
}
