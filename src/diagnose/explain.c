/* diagnose/explain.c: see explain.h. The order of belief is: the innermost
 * reply, then the passage about the recipient, then the fields, then the codes;
 * what a provider writes in its own words outweighs them all. */
#include "diagnose/explain.h"

#include "base/codec.h"
#include "base/ip.h"
#include "diagnose/address_find.h"
#include "diagnose/charset.h"
#include "diagnose/house_rules.h"
#include "diagnose/mime.h"
#include "mail/domain.h"

#define TEXTS_MAX FACTS_TEXTS_MAX

/* The texts that are held against the rules, the best first. */
struct texts {
	struct rule_text at[TEXTS_MAX];
	size_t           count;
};

static void
texts_add(struct texts *t, struct bytes text)
{
	text = bytes_trim(bytes_sub(text, 0, 8192));
	for (size_t i = 0; i < t->count; i++)
		if (bytes_eq(t->at[i].said, text))
			return;
	if (text.len == 0 || t->count == TEXTS_MAX)
		return;
	t->at[t->count++] = (struct rule_text){ .said = text };
}

/* Two peels of the same event made one: what one lacks the other gives. */
static struct reply_found
reply_merge(struct reply_found best, struct reply_found other)
{
	if (best.code.len == 0) {
		best.code = other.code;
		if (best.text.len == 0 || other.code.len > 0)
			best.text = other.text.len > 0 ? other.text : best.text;
	}
	if (best.enhanced.len == 0)
		best.enhanced = other.enhanced;
	if (best.host.len == 0 && best.ip.len == 0) {
		best.host = other.host;
		best.ip = other.ip;
	} else if (best.ip.len == 0 && bytes_eq_nocase(best.host, other.host)) {
		best.ip = other.ip;
	}
	if (best.stage == STAGE_NONE)
		best.stage = other.stage;
	return best;
}

/* "5.0.0" and its like say nothing. */
static bool
status_is_vague(struct bytes status)
{
	return status.len == 0 || bytes_ends_nocase(status, B(".0.0"));
}

static void
remote_take(struct bounce_verdict *v, struct bytes remote)
{
	struct ip ip;

	if (bytes_starts(remote, B("["))) {
		remote = bytes_from(remote, 1);
		remote = bytes_sub(remote, 0, bytes_index(remote, ']'));
	}
	if (ip_parse(remote, &ip)) {
		if (v->reply.ip.len == 0)
			v->reply.ip = remote;
	} else if (host_like(remote)) {
		v->reply.host = remote;
	}
}

/* The host that a report names in a line of its own, in the languages of its program. */
static struct bytes
named_host(struct bytes text)
{
	static const struct bytes leads[] = {
		B_INIT("Message rejected by:"),
		B_INIT("Nachricht zur\xc3\xbc" "ckgewiesen von:"),
		B_INIT("Message rejet\xc3\xa9 par :"),
		B_INIT("Mensaje rechazado por:"),
		B_INIT("\xe3\x83\xa1\xe3\x83\x83\xe3\x82\xbb\xe3\x83\xbc\xe3\x82\xb8\xe3\x82\x92\xe6\x8b\x92\xe5\x90\xa6\xe3\x81\x97\xe3\x81\x9f\xe3\x82\xb5\xe3\x83\xbc\xe3\x83\x90\xe3\x83\xbc:"), /* "server that refused the message" */
	};
	struct bytes line, before = B_NONE;

	for (int n = 0; n < 200 && bytes_cut_line(&text, &line); n++) {
		line = bytes_trim(line);
		bool may = line.len > 20 && bytes_has(B("mMnNrR\xe3"), line.at[0]); /* what they begin with */
		for (size_t i = 0; may && i < NELEMS(leads); i++)
			if (bytes_starts_nocase(line, leads[i]) && host_like(bytes_trim(bytes_from(line, leads[i].len))))
				return bytes_trim(bytes_from(line, leads[i].len));
		/* Exchange on one's own premises writes the host above what it returned. */
		if (may && bytes_starts_nocase(line, B("Remote server returned ")) && host_like(before))
			return before;
		before = line;
	}
	return B_NONE;
}

static bool
same_first(struct bytes a, struct bytes b)
{
	return a.len > 0 && b.len > 0 && a.at[0] == b.at[0];
}

/* ---- judging ---- */

/* Which texts a round looks at: where a reply is quoted, it is asked whole before the words around it are. */
enum which { THE_REPLY, THE_REST, ALL_TEXTS };

static const struct round {
	enum rule_tier least, most;
	enum which     quoted, plain; /* with and without a quoted reply */
} rounds[] = {
	{ TIER_PROVIDER, TIER_PHRASE, THE_REPLY, ALL_TEXTS },
	{ TIER_CODE, TIER_CODE, THE_REPLY, THE_REPLY },
	{ TIER_VAGUE, TIER_VAGUE, THE_REPLY, ALL_TEXTS },
	{ TIER_PROVIDER, TIER_PHRASE, THE_REST, THE_REST },
	{ TIER_VAGUE, TIER_VAGUE, THE_REST, THE_REST },
	{ TIER_MEANING, TIER_MEANING, THE_REPLY, THE_REPLY },
};

static const struct rule_row *
judge(struct arena *a, struct rules *rules, struct evidence *e, struct texts *t)
{
	bool quoted = e->code.len > 0;

	for (size_t round = 0; round < NELEMS(rounds); round++) {
		enum which which = quoted ? rounds[round].quoted : rounds[round].plain;
		for (size_t i = which == THE_REST; i == 0 || i < t->count; i++) {
			e->text = i < t->count ? &t->at[i] : NULL;
			if (e->text != NULL)
				rules_scan(rules, a, e->text);
			const struct rule_row *row = rules_match(rules, a, e, rounds[round].least, rounds[round].most);
			if (row != NULL)
				return row;
			if (which == THE_REPLY)
				break;
		}
	}
	return NULL;
}

static const struct house_rule *
house_holds(struct arena *a, struct rules *rules, const struct evidence *e, struct bytes host, struct texts *t)
{
	struct bytes folded[TEXTS_MAX];

	if (rules_house(rules) == NULL)
		return NULL;
	for (size_t i = 0; i < t->count; i++)
		folded[i] = rules_folded(a, &t->at[i]);
	return house_rules_match(rules_house(rules), e, host, folded, t->count);
}

static enum confidence
confidence_of(const struct rule_row *row)
{
	if (row == NULL || row->tier >= TIER_VAGUE)
		return CONFIDENCE_LOW;
	return row->tier <= TIER_PROGRAM ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM;
}

static const struct answer_row *
answer_of(const struct rules *rules, const struct bounce_verdict *v)
{
	char klass = v->reply.code.len > 0 ? v->reply.code.at[0] : v->reply.enhanced.len > 0 ? v->reply.enhanced.at[0] : '5';

	if (v->rule != NULL)
		return rules_answer(rules, v->rule);
	return answer_named(klass == '4' || v->kind == KIND_DELAYED ? "temporary" : "undefined");
}

/* Was the address refused, or a message to it? A report that gives "5.0.0" for its own finding and names no
 * command leaves that open: a filter behind the door says "no such user" too (RFC 3463 3.1). */
static bool
says_which(const struct bounce_verdict *v)
{
	return v->reply.stage != STAGE_NONE || v->said->status.len == 0 || !status_is_vague(v->reply.enhanced);
}

/* "5.7.1 ... user unknown": words that anybody uses, under a code that is about the message, the protocol or the
 * right to send. Either may be meant (RFC 3463 3.6 to 3.8): one such refusal does not prove that the address is dead. */
static bool
code_is_about_else(const struct bounce_verdict *v)
{
	struct bytes e = v->reply.enhanced;

	if (v->rule == NULL || v->rule->tier <= TIER_PROGRAM)
		return false;
	return bytes_starts(v->reply.code, B("53")) || (e.len > 2 && (e.at[2] == '6' || e.at[2] == '7'));
}

static void
permanence(struct bounce_verdict *v)
{
	char klass = v->reply.code.len > 0 ? v->reply.code.at[0] : v->reply.enhanced.len > 0 ? v->reply.enhanced.at[0] : '\0';

	v->permanent = klass == '5' || (klass != '4' && v->answer->permanent);
	if (v->kind == KIND_DELAYED)
		v->permanent = false;
	bool proven = says_which(v) && !code_is_about_else(v);
	v->hard = v->answer->hard && v->kind == KIND_BOUNCE && v->permanent && proven;
	v->suppress = v->kind == KIND_DELAYED ? SUPPRESS_NO : v->answer->suppress;
	if (((v->answer->hard && !proven) || !v->permanent) && v->suppress == SUPPRESS_YES)
		v->suppress = SUPPRESS_PROVISIONAL;
}

/* ---- our own replies ---- */

/* A gateway of this kind ends its lines with an id; the catalogue then says what it meant. */
static const struct reason_row *
own_row(const struct reply_found *reply)
{
	struct bytes text = bytes_trim(reply->text);
	size_t       open = bytes_rindex(text, '[');

	if (open == text.len || !id_is(bytes_sub(text, open + 1, ID_LEN)))
		return NULL;
	for (enum reason r = 0; r < REASON_COUNT; r++) {
		const struct reason_row *row = reason_row(r);
		if (row->code == 0 || row->bounce == NULL)
			continue;
		struct bytes line = bytes_of(row->line), lead = bytes_sub(line, 0, bytes_index(line, '{'));
		bool         status = bytes_eq(reply->enhanced, bytes_of(row->exchange)) || bytes_eq(reply->enhanced, bytes_of(row->iana));
		if (status && lead.len >= 8 && bytes_starts(text, lead))
			return row;
	}
	return NULL;
}

/* The answer for a bounce word, of the same owner where there is one. */
static const struct answer_row *
answer_for(const struct reason_row *row)
{
	const struct answer_row *any = NULL;

	for (size_t i = 0; i < answer_count(); i++) {
		const struct answer_row *w = answer_at(i);
		if (!bytes_eq(bytes_of(w->reason), bytes_of(row->bounce)))
			continue;
		if (w->owner == row->owner)
			return w;
		any = any != NULL ? any : w;
	}
	return any;
}

/* ---- one recipient ---- */

static enum bounce_kind
kind_of(const struct reading *r, const struct said *s)
{
	if (r->kind != KIND_BOUNCE && r->kind != KIND_DELAYED && r->kind != KIND_DELIVERED)
		return r->kind;
	switch (s->action) {
	case ACTION_DELAYED:
		return KIND_DELAYED;
	case ACTION_DELIVERED:
	case ACTION_RELAYED:
	case ACTION_EXPANDED:
		return KIND_DELIVERED;
	case ACTION_FAILED:
		return KIND_BOUNCE;
	default:
		return r->kind;
	}
}

/* The answer of kinds that are no failure; NULL: it is to be judged. */
static const struct answer_row *
answer_of_kind(enum bounce_kind k)
{
	switch (k) {
	case KIND_DELIVERED:
		return answer_named("kind-delivered");
	case KIND_FEEDBACK:
		return answer_named("kind-feedback");
	case KIND_AUTOREPLY:
		return answer_named("kind-vacation");
	default:
		return NULL;
	}
}

static void
verdict_make(struct arena *a, struct rules *rules, const struct reading *r, const struct said *s, struct bounce_verdict *v)
{
	struct texts       t = { 0 };
	struct reply_found field = peel(a, rules_words(rules, WORDS_PEEL), s->diagnostic), passage = peel(a, rules_words(rules, WORDS_PEEL), s->passage);
	bool               alone = r->said.count <= 1;

	*v = (struct bounce_verdict){ .said = s, .kind = kind_of(r, s) };
	v->reply = s->diagnostic.len > 0 ? reply_merge(field, passage) : passage;
	if (s->passage.len == 0 && alone)
		v->reply = reply_merge(v->reply, peel(a, rules_words(rules, WORDS_PEEL), r->text));
	remote_take(v, s->remote);
	if (v->reply.host.len == 0 && v->reply.ip.len == 0 && alone)
		v->reply.host = named_host(s->passage.len > 0 ? s->passage : r->text);
	struct bytes inner = v->reply.enhanced;
	if (inner.len == 0 || (status_is_vague(inner) && !status_is_vague(s->status)))
		v->reply.enhanced = s->status.len > 0 ? s->status : inner;
	v->providers = provider_of_host(v->reply.host);

	texts_add(&t, v->reply.text);
	texts_add(&t, field.whole);
	texts_add(&t, passage.whole);
	if (alone && (s->passage.at != r->text.at || s->passage.len != r->text.len))
		texts_add(&t, r->text);
	struct evidence e = { v->reply.code, v->reply.enhanced, v->reply.stage, v->providers, NULL };
	e.providers |= provider_of_host(address_domain(s->recipient)) | provider_of_host(r->reporter);
	v->answer = answer_of_kind(v->kind);
	if (v->answer == NULL && (v->own = own_row(&v->reply)) != NULL)
		v->answer = answer_for(v->own);
	const struct house_rule *house = v->answer == NULL ? house_holds(a, rules, &e, v->reply.host, &t) : NULL;
	if (house != NULL) {
		v->rule = &house->row;
		v->answer = &house->answer;
	} else if (v->answer == NULL) {
		v->rule = judge(a, rules, &e, &t);
		v->answer = answer_of(rules, v);
	}
	v->confidence = v->own != NULL ? CONFIDENCE_HIGH : v->rule == NULL && v->answer->reason != NULL && v->kind != KIND_BOUNCE && v->kind != KIND_DELAYED ? CONFIDENCE_HIGH : confidence_of(v->rule);
	v->contradiction = inner.len > 0 && s->status.len > 0 && !status_is_vague(s->status) && !status_is_vague(inner) &&
	                   (!same_first(inner, s->status) || inner.at[2] != s->status.at[2]);
	permanence(v);
	v->facts = bounce_facts_new(a, r, v, rules_words(rules, WORDS_LISTED));
	for (size_t i = 0; v->facts != NULL && i < t.count; i++)
		v->facts->texts[v->facts->text_count++] = t.at[i].said;
}

static struct explained *
explain_reading(struct arena *a, struct rules *rules, struct reading *r)
{
	struct explained *x = arena_take(a, sizeof(*x));

	if (x == NULL || r == NULL)
		return NULL;
	x->reading = r;
	if (r->kind == KIND_MDN || r->kind == KIND_CHALLENGE || r->kind == KIND_NOT_A_BOUNCE)
		return x;
	x->list = arena_take_array(a, r->said.count, sizeof(*x->list));
	if (x->list == NULL)
		return NULL;
	for (size_t i = 0; i < r->said.count; i++)
		verdict_make(a, rules, r, &r->said.at[i], &x->list[i]);
	x->count = r->said.count;
	return arena_overdrawn(a) ? NULL : x;
}

/* A file that an editor of Windows has saved says how: UTF-16, or a mark in front of UTF-8. */
static struct bytes
unmarked(struct arena *a, struct bytes text)
{
	if (bytes_starts(text, B("\xef\xbb\xbf")))
		return bytes_from(text, 3);
	if (bytes_starts(text, B("\xff\xfe")))
		return charset_to_utf8(a, bytes_sub(text, 2, MIME_TEXT_MAX), B("utf-16le"));
	if (bytes_starts(text, B("\xfe\xff")))
		return charset_to_utf8(a, bytes_sub(text, 2, MIME_TEXT_MAX), B("utf-16be"));
	return text;
}

/* "From: ... To: ... Subject: ..." as a mail client shows them, and then the text without an empty line; or "Error:
 * 550 ...": pasted from the screen. The header of a message says more, and ends. */
static bool
is_shown_header(struct bytes text)
{
	static const struct bytes real[] = { B_INIT("Received:"), B_INIT("Return-Path:"), B_INIT("Message-ID:"), B_INIT("MIME-Version:"), B_INIT("Content-"), B_INIT("X-"),
		                             B_INIT("Delivered-To:"), B_INIT("From ") };
	static const struct bytes shown[] = { B_INIT("From:"), B_INIT("To:"), B_INIT("Subject:"), B_INIT("Date:") };
	struct bytes line;
	size_t       count = 0;
	char         end = bytes_has(bytes_sub(text, 0, 4096), '\n') ? '\n' : '\r';

	for (int n = 0; n < 12 && bytes_cut(&text, end, &line) && bytes_trim(line).len > 0; n++) {
		size_t colon = bytes_index(line, ':');
		for (size_t i = 0; i < NELEMS(real); i++)
			if (bytes_starts_nocase(line, real[i]))
				return false;
		for (size_t i = 0; i < NELEMS(shown); i++)
			count += bytes_starts_nocase(line, shown[i]);
		/* Neither a field nor more of one. */
		if (n > 0 && !byte_is_wsp(line.at[0]) && (colon == line.len || bytes_has(bytes_sub(line, 0, colon), ' ')))
			return true;
	}
	return count < 2;
}

struct explained *
explain_message(struct arena *a, struct rules *rules, struct bytes text)
{
	text = unmarked(a, text);
	struct bytes t = bytes_trim(bytes_sub(text, 0, 64));

	if ((t.len > 0 && (t.at[0] == '{' || t.at[0] == '[')) || (mime_has_header(text) && !is_shown_header(text)))
		return explain_reading(a, rules, reading_message(a, rules_words(rules, WORDS_READING), text));
	return explain_paste(a, rules, text);
}

/* A line or two are a report when a rule knows a word of them. In a longer text such words, and numbers, are
 * accidents: there it must say so, or quote a reply. */
#define LINES_MAX 400
#define SHORT_MAX 2000

static bool
reports_something(const struct reading *r, const struct bounce_verdict *v)
{
	bool code = v->reply.code.len > 0, enhanced = v->reply.enhanced.len > 0;

	if (v->own != NULL || (code && enhanced))
		return true;
	if (r->text.len <= SHORT_MAX)
		return code || enhanced || r->worded || (v->rule != NULL && r->text.len <= LINES_MAX);
	return r->worded && (code || enhanced || v->rule != NULL || v->said->recipient.len > 0);
}

struct explained *
explain_paste(struct arena *a, struct rules *rules, struct bytes text)
{
	struct explained *x = arena_take(a, sizeof(*x));
	bool              any = false;

	if (x == NULL)
		return NULL;
	if (text_readable(text)) {
		x = explain_reading(a, rules, reading_paste(a, rules_words(rules, WORDS_READING), text));
		for (size_t i = 0; x != NULL && i < x->count; i++)
			any = any || reports_something(x->reading, &x->list[i]);
	} else {
		x->reading = arena_take(a, sizeof(*x->reading));
	}
	if (x == NULL || x->reading == NULL)
		return NULL;
	if (!any) {
		x->reading->kind = KIND_NOT_A_BOUNCE;
		x->count = 0;
	}
	return x;
}

struct explained *
explain_reply(struct arena *a, struct rules *rules, struct bytes code, struct bytes enhanced, struct bytes text, struct bytes host)
{
	struct reading *r = arena_take(a, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->kind = code.len > 0 && code.at[0] == '4' ? KIND_DELAYED : code.len > 0 && code.at[0] == '2' ? KIND_DELIVERED : KIND_BOUNCE;
	struct said *s = said_add(a, &r->said);
	if (s == NULL)
		return NULL;
	s->status = enhanced;
	s->remote = host;
	s->diagnostic = arena_printf(a, "%.*s%s%.*s%s%.*s", B_FMT(code), code.len > 0 ? " " : "", B_FMT(enhanced), enhanced.len > 0 ? " " : "", B_FMT(text));
	struct bytes address;
	size_t       end;
	if (address_find(text, 0, &address, &end))
		s->recipient = address;
	return explain_reading(a, rules, r);
}

const char *
confidence_word(enum confidence c)
{
	static const char *const words[] = { [CONFIDENCE_LOW] = "low", [CONFIDENCE_MEDIUM] = "medium", [CONFIDENCE_HIGH] = "high" };
	return words[c];
}

const char *
check_state_word(enum check_state s)
{
	static const char *const words[] = { [CHECK_FAULT] = "fault", [CHECK_FINE] = "fine", [CHECK_UNKNOWN] = "unknown" };
	return words[s];
}
