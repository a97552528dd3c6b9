/* diagnose/house_rules.c: see house_rules.h. A key is a row; an answer begins
 * as a copy of one of ours, and each key changes a part of it. */
#include "diagnose/house_rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <inttypes.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "diagnose/address_find.h"
#include "diagnose/charset.h"
#include "diagnose/explain.h"
#include "diagnose/rules_table.h"

#define MEMORY_MAX   ((size_t)32 << 20)
#define TEXTS_MAX    16 /* texts, expressions and exceptions of one rule */
#define HOSTS_MAX    16
#define EXAMPLES_MAX 8
#define LENGTH_MAX   500 /* octets of one text or expression */
#define SENTENCE_MAX 2000
/* Bounds on what one expression may cost from one place of a text. */
#define MATCH_LIMIT 5000
#define DEPTH_LIMIT 500
#define HEAP_LIMIT  4096 /* KiB */

/* Words, which may have "*" between them, or an expression. */
struct clause {
	struct bytes glob;
	pcre2_code  *regex;
	bool         unless;
};

struct example {
	struct bytes      text;
	struct conf_place at;
};

struct rule {
	struct house_rule  public;
	struct clause      clauses[TEXTS_MAX];
	size_t             clause_count, needed; /* needed: those that are no exceptions */
	struct bytes       hosts[HOSTS_MAX];
	size_t             host_count;
	struct example     examples[EXAMPLES_MAX];
	size_t             example_count;
	struct conf_place  at;
};

struct house_rules {
	struct arena          *arena;
	struct rule           *rules;
	size_t                 count;
	pcre2_compile_context *compile_context;
	pcre2_match_data      *match_data;
	pcre2_match_context   *match_context;
};

void
house_rules_free(struct house_rules *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->count; i++)
		for (size_t k = 0; k < h->rules[i].clause_count; k++)
			pcre2_code_free(h->rules[i].clauses[k].regex);
	pcre2_compile_context_free(h->compile_context);
	pcre2_match_data_free(h->match_data);
	pcre2_match_context_free(h->match_context);
	arena_free(h->arena);
	free(h);
}

/* ---- reading ---- */

struct house_reader {
	struct house_rules *house;
	struct arena       *work;
	struct conf_faults *faults;
	struct rule        *rule;
};

#define FAULT(r, place, ...) conf_fault((r)->faults, (r)->work, (place), __VA_ARGS__)

/* What stands in a table of words, for keys that take one of them. */
typedef const char *word_at(size_t i); /* NULL: no more */

static const char *
retry_at(size_t i)
{
	return i <= RETRY_AFTER_FIX ? retry_word((enum retry)i) : NULL;
}

static const char *
suppress_at(size_t i)
{
	return i <= SUPPRESS_COMPLAINT ? suppress_word((enum suppress)i) : NULL;
}

static const char *
scope_at(size_t i)
{
	return i <= SCOPE_UNKNOWN ? scope_word((enum scope)i) : NULL;
}

static const char *
owner_at(size_t i)
{
	return i <= OWNER_THIRD_PARTY ? owner_word((enum owner)i) : NULL;
}

static const char *
provider_at(size_t i)
{
	return i + 1 < provider_rows_count ? provider_rows[i + 1].id : NULL;
}

/* Kinds that are no failure have answers, too; no rule leads to them. */
static const char *
reason_at(size_t i)
{
	return i >= answer_count() ? NULL : strncmp(answer_at(i)->id, "kind-", 5) == 0 ? "undefined" : answer_at(i)->reason;
}

static const char *
category_at(size_t i)
{
	return i < answer_count() ? answer_at(i)->category : NULL;
}

static bool
take_word(struct house_reader *r, const struct conf_item *item, word_at *words, size_t *at_out)
{
	struct near near = { .asked = item->words[0].text };

	for (size_t i = 0; words(i) != NULL; i++) {
		if (bytes_eq(item->words[0].text, bytes_of(words(i)))) {
			*at_out = i;
			return true;
		}
		near_offer(&near, bytes_of(words(i)));
	}
	if (near.best.len > 0)
		FAULT(r, item->words[0].at, "unknown %.*s \"%.*s\"; did you mean \"%.*s\"?", B_FMT(item->name), B_FMT(item->words[0].text), B_FMT(near.best));
	else
		FAULT(r, item->words[0].at, "unknown %.*s \"%.*s\"", B_FMT(item->name), B_FMT(item->words[0].text));
	return false;
}

/* One sentence, kept; NULL after a fault. */
static const char *
take_sentence(struct house_reader *r, const struct conf_item *item)
{
	const struct conf_word *word = &item->words[0];

	if (item->count != 1) {
		FAULT(r, item->words[1].at, "put the whole text of \"%.*s\" into double quotes", B_FMT(item->name));
		return NULL;
	}
	if (word->text.len == 0 || word->text.len > SENTENCE_MAX || bytes_has(word->text, '\0') || bytes_has(word->text, '\n')) {
		FAULT(r, word->at, "\"%.*s\" is one line of at most %d octets", B_FMT(item->name), SENTENCE_MAX);
		return NULL;
	}
	return arena_copy(r->house->arena, word->text).at;
}

/* {facts} in it must be known ones, or they would stay empty in every mail. */
static const char *
take_template(struct house_reader *r, const struct conf_item *item)
{
	const char  *text = take_sentence(r, item);
	struct bytes rest = bytes_of(text), head;

	while (text != NULL && bytes_cut(&rest, '{', &head) && rest.at != NULL) {
		bool closed = bytes_has(rest, '}');
		bytes_cut(&rest, '}', &head);
		if (!closed || !advice_knows(head)) {
			FAULT(r, item->words[0].at, closed ? "there is no fact {%.*s}" : "{%.*s is not closed", B_FMT(bytes_sub(head, 0, 60)));
			return NULL;
		}
	}
	return text;
}

/* A further line of what may be given several times; a first one replaces what the answer had before. */
static void
add_line(struct house_reader *r, const struct conf_item *item, const char **lines, bool *own)
{
	const char *line = take_template(r, item);

	if (line == NULL)
		return;
	*lines = *own ? arena_printf(r->house->arena, "%s\n%s", *lines, line).at : line;
	*own = true;
}

/* ---- texts and expressions ---- */

static struct clause *
new_clause(struct house_reader *r, const struct conf_item *item, struct bytes *text_out)
{
	struct rule *rule = r->rule;

	if (item->count != 1) {
		FAULT(r, item->words[1].at, "put the whole text of \"%.*s\" into double quotes", B_FMT(item->name));
		return NULL;
	}
	*text_out = item->words[0].text;
	if (text_out->len > LENGTH_MAX) {
		FAULT(r, item->words[0].at, "\"%.*s\" is longer than %d octets", B_FMT(item->name), LENGTH_MAX);
		return NULL;
	}
	if (rule->clause_count == TEXTS_MAX) {
		FAULT(r, item->at, "a rule has at most %d texts; write a second one", TEXTS_MAX);
		return NULL;
	}
	return &rule->clauses[rule->clause_count];
}

static void
keep_clause(struct house_reader *r, struct clause *c)
{
	r->rule->clause_count++;
	r->rule->needed += !c->unless;
}

static void
compile(struct house_reader *r, const struct conf_item *item, struct clause *c, struct bytes regex)
{
	char   why[120];
	int    error;
	size_t at;

	c->regex = pcre2_compile((PCRE2_SPTR)regex.at, regex.len, PCRE2_DOTALL | PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at, r->house->compile_context);
	if (c->regex == NULL) {
		pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why));
		FAULT(r, item->words[0].at, "the expression does not compile, behind \"%.*s\": %s", B_FMT(bytes_sub(regex, 0, at)), why);
	} else if (pcre2_match(c->regex, (PCRE2_SPTR)"", 0, 0, 0, r->house->match_data, r->house->match_context) >= 0) {
		FAULT(r, item->words[0].at, "the expression is found everywhere, even in no text at all");
	}
	keep_clause(r, c);
}

static void
take_pattern(struct house_reader *r, const struct conf_item *item)
{
	struct bytes   text;
	struct clause *c = new_clause(r, item, &text);

	if (c != NULL)
		compile(r, item, c, text);
}

/* "held for * review" */
static void
take_text(struct house_reader *r, const struct conf_item *item)
{
	struct bytes   text, part, rest;
	struct clause *c = new_clause(r, item, &text);
	size_t         longest = 0, parts = 0;

	if (c == NULL)
		return;
	*c = (struct clause){ .glob = text_fold(r->house->arena, text), .unless = bytes_eq(item->name, B("unless")) };
	for (rest = c->glob; bytes_cut(&rest, '*', &part); parts++)
		longest = bytes_trim(part).len > longest ? bytes_trim(part).len : longest;
	if (longest < 3)
		FAULT(r, item->words[0].at, "a text of fewer than three octets is found everywhere");
	else if (parts > GLOB_PARTS_MAX)
		FAULT(r, item->words[0].at, "a text has at most %d stars; write an expression", GLOB_PARTS_MAX - 1);
	else
		keep_clause(r, c);
}

/* ---- conditions ---- */

static void
take_code(struct house_reader *r, const struct conf_item *item)
{
	struct bytes rest = item->words[0].text, least;
	uint64_t     low, high;

	bytes_cut(&rest, '-', &least);
	struct bytes most = rest.at != NULL ? rest : least;
	if (!bytes_number(least, 599, &low) || !bytes_number(most, 599, &high) || low < 400 || high < low) {
		FAULT(r, item->words[0].at, "\"code\" is a reply code from 400 to 599, or two with a hyphen between, not \"%.*s\"", B_FMT(item->words[0].text));
		return;
	}
	r->rule->public.row.code_least = (uint16_t)low;
	r->rule->public.row.code_most = (uint16_t)high;
}

static void
take_class(struct house_reader *r, const struct conf_item *item)
{
	struct bytes text = item->words[0].text;

	if (text.len != 1 || (text.at[0] != '4' && text.at[0] != '5'))
		FAULT(r, item->words[0].at, "\"class\" is 4 or 5, not \"%.*s\"", B_FMT(text));
	else
		r->rule->public.row.klass = (uint8_t)text.at[0];
}

static void
take_enhanced(struct house_reader *r, const struct conf_item *item)
{
	struct bytes text = item->words[0].text;
	bool         fine = text.len >= 3 && (text.at[0] == '4' || text.at[0] == '5' || text.at[0] == 'x') && text.at[1] == '.' && text.len < 16;

	for (size_t i = 2; i < text.len; i++)
		fine = fine && (byte_is_digit(text.at[i]) || text.at[i] == '.' || (text.at[i] == '*' && i + 1 == text.len));
	if (!fine)
		FAULT(r, item->words[0].at, "\"enhanced\" is a code such as 5.7.1, x.7.26 or 5.7.6*, not \"%.*s\"", B_FMT(text));
	else
		r->rule->public.row.status = arena_copy(r->house->arena, text).at;
}

static void
take_stage(struct house_reader *r, const struct conf_item *item)
{
	for (size_t i = 0; i < item->count; i++) {
		enum stage s = STAGE_CONNECT;
		while (s <= STAGE_EOM && !bytes_eq(item->words[i].text, bytes_of(stage_word(s))))
			s++;
		if (s > STAGE_EOM)
			FAULT(r, item->words[i].at, "\"stage\" is connect, helo, mail, rcpt, data or eom, not \"%.*s\"", B_FMT(item->words[i].text));
		else
			r->rule->public.row.stages |= 1u << s;
	}
}

static void
take_host(struct house_reader *r, const struct conf_item *item)
{
	struct rule *rule = r->rule;

	for (size_t i = 0; i < item->count; i++) {
		struct bytes name = item->words[i].text;
		name = bytes_from(name, bytes_starts(name, B(".")));
		if (!host_like(name))
			FAULT(r, item->words[i].at, "\"host\" is a name such as mx.example.net or example.net, not \"%.*s\"", B_FMT(item->words[i].text));
		else if (rule->host_count == HOSTS_MAX)
			FAULT(r, item->words[i].at, "a rule has at most %d hosts", HOSTS_MAX);
		else
			rule->hosts[rule->host_count++] = arena_copy(r->house->arena, name);
	}
}

static void
take_provider(struct house_reader *r, const struct conf_item *item)
{
	size_t at;

	if (take_word(r, item, provider_at, &at))
		r->rule->public.row.provider = (uint8_t)(at + 1);
}

/* ---- the answer ---- */

/* The answer of one of our rules, whole. */
static void
take_like(struct house_reader *r, const struct conf_item *item)
{
	struct bytes name = item->words[0].text;
	struct near  near = { .asked = name };

	for (size_t i = 0; i < rule_rows_count; i++) {
		if (bytes_eq(name, bytes_of(rule_rows[i].id))) {
			r->rule->public.answer = answer_rows[rule_rows[i].answer];
			r->rule->public.row.delist = rule_rows[i].delist;
			return;
		}
		near_offer(&near, bytes_of(rule_rows[i].id));
	}
	if (near.best.len > 0)
		FAULT(r, item->words[0].at, "the program has no rule \"%.*s\"; did you mean \"%.*s\"?", B_FMT(name), B_FMT(near.best));
	else
		FAULT(r, item->words[0].at, "the program has no rule \"%.*s\" that this one could be like", B_FMT(name));
}

/* Of several answers with one reason, the one that says least. */
static const struct answer_row *
usual_answer(const char *reason)
{
	static const char *const usual[] = { "user-unknown", "recipient-filter", "recipient-disabled", "host-no-mail",   "network",     "relay-denied", "unauthenticated",  "network-block",
		                             "reputation-ip", "rate-limit",      "connection-limit",   "system-error", "sender-quota", "spam",         "protocol",         "policy",
		                             "security-unknown", "rejected",     "tls" };

	for (size_t i = 0; i < NELEMS(usual); i++)
		if (strcmp(answer_named(usual[i])->reason, reason) == 0)
			return answer_named(usual[i]);
	for (size_t i = 0; i < answer_count(); i++)
		if (strcmp(answer_at(i)->reason, reason) == 0)
			return answer_at(i);
	return answer_named("undefined");
}

/* What is usual for it, without its words: they are about another case. */
static void
take_reason(struct house_reader *r, const struct conf_item *item)
{
	struct answer_row *answer = &r->rule->public.answer;
	size_t             at;

	if (!take_word(r, item, reason_at, &at))
		return;
	if (answer->id == NULL) {
		*answer = *usual_answer(reason_at(at));
		answer->cause = answer->admin = answer->user = answer->expect = NULL;
	}
	answer->reason = reason_at(at);
}

static void
take_answer_word(struct house_reader *r, const struct conf_item *item)
{
	struct answer_row *answer = &r->rule->public.answer;
	size_t             at;

	switch (item->name.at[0]) {
	case 'c':
		if (take_word(r, item, category_at, &at))
			answer->category = category_at(at);
		break;
	case 'o':
		if (take_word(r, item, owner_at, &at))
			answer->owner = (enum owner)at;
		break;
	case 'r':
		if (take_word(r, item, retry_at, &at))
			answer->retry = (enum retry)at;
		break;
	default:
		if (bytes_eq(item->name, B("scope")) ? take_word(r, item, scope_at, &at) : take_word(r, item, suppress_at, &at)) {
			if (bytes_eq(item->name, B("scope")))
				answer->scope = (enum scope)at;
			else
				answer->suppress = (enum suppress)at;
		}
	}
}

static void
take_permanent(struct house_reader *r, const struct conf_item *item)
{
	if (!conf_bool(item->words[0].text, &r->rule->public.answer.permanent))
		FAULT(r, item->words[0].at, "\"permanent\" is yes or no, not \"%.*s\"", B_FMT(item->words[0].text));
}

static void
take_said(struct house_reader *r, const struct conf_item *item)
{
	struct house_rule *h = &r->rule->public;
	bool               cause = item->name.at[0] == 'c', expect = item->name.at[0] == 'e';
	const char        *text = cause || expect ? take_template(r, item) : take_sentence(r, item);

	if (cause)
		h->answer.cause = text;
	else if (expect)
		h->answer.expect = text;
	else if (bytes_eq(item->name, B("delist")))
		h->row.delist = text;
	else
		h->row.source = text;
}

/* 2026-11, or 2026-11-22. */
static void
take_date(struct house_reader *r, const struct conf_item *item)
{
	struct bytes text = item->words[0].text;
	bool         fine = text.len == 7 || text.len == 10;

	for (size_t i = 0; i < text.len; i++)
		fine = fine && (i == 4 || i == 7 ? text.at[i] == '-' : byte_is_digit(text.at[i]));
	if (fine)
		r->rule->public.row.date = arena_copy(r->house->arena, text).at;
	else
		FAULT(r, item->words[0].at, "\"date\" is a month such as 2026-11, or a day, not \"%.*s\"", B_FMT(text));
}

static void
take_example(struct house_reader *r, const struct conf_item *item)
{
	struct rule *rule = r->rule;
	const char  *text = take_sentence(r, item);

	if (text == NULL)
		return;
	if (rule->example_count == EXAMPLES_MAX)
		FAULT(r, item->at, "a rule has at most %d examples", EXAMPLES_MAX);
	else
		rule->examples[rule->example_count++] = (struct example){ bytes_of(text), item->words[0].at };
}

static void
take_lines(struct house_reader *r, const struct conf_item *item)
{
	struct answer_row *answer = &r->rule->public.answer;
	bool               steps = bytes_eq(item->name, B("steps")), own = false;

	/* Lines of this rule lie in its own arena; those of an answer of ours are constants that the first line replaces. */
	for (const struct conf_item *i = item; i != NULL; i = i->next)
		if (!i->is_section && i->count > 0 && bytes_eq(i->name, item->name))
			add_line(r, i, steps ? &answer->admin : &answer->user, &own);
}

/* Taken in this order, not in that of the file: an answer is taken over before parts of it are changed. */
static const struct key {
	struct bytes name;
	void (*take)(struct house_reader *, const struct conf_item *);
	bool many; /* may be given several times */
	bool words; /* takes several words */
	bool lines; /* all of that name are taken at once */
} keys[] = {
	{ B_INIT("like"), take_like, false, false, false },
	{ B_INIT("reason"), take_reason, false, false, false },
	{ B_INIT("category"), take_answer_word, false, false, false },
	{ B_INIT("owner"), take_answer_word, false, false, false },
	{ B_INIT("retry"), take_answer_word, false, false, false },
	{ B_INIT("suppress"), take_answer_word, false, false, false },
	{ B_INIT("scope"), take_answer_word, false, false, false },
	{ B_INIT("permanent"), take_permanent, false, false, false },
	{ B_INIT("cause"), take_said, false, true, false },
	{ B_INIT("expect"), take_said, false, true, false },
	{ B_INIT("delist"), take_said, false, true, false },
	{ B_INIT("source"), take_said, false, true, false },
	{ B_INIT("steps"), take_lines, true, true, true },
	{ B_INIT("user"), take_lines, true, true, true },
	{ B_INIT("date"), take_date, false, false, false },
	{ B_INIT("text"), take_text, true, true, false },
	{ B_INIT("unless"), take_text, true, true, false },
	{ B_INIT("pattern"), take_pattern, true, true, false },
	{ B_INIT("code"), take_code, false, false, false },
	{ B_INIT("class"), take_class, false, false, false },
	{ B_INIT("enhanced"), take_enhanced, false, false, false },
	{ B_INIT("stage"), take_stage, false, true, false },
	{ B_INIT("host"), take_host, true, true, false },
	{ B_INIT("provider"), take_provider, false, false, false },
	{ B_INIT("example"), take_example, true, true, false },
};

static const struct key *
key_named(struct bytes name)
{
	for (size_t i = 0; i < NELEMS(keys); i++)
		if (bytes_eq(keys[i].name, name))
			return &keys[i];
	return NULL;
}

/* False after a fault: this line is no good. */
static bool
line_is_sound(struct house_reader *r, const struct conf_item *item)
{
	const struct key *key = key_named(item->name);
	struct near       near = { .asked = item->name };

	for (size_t i = 0; key == NULL && i < NELEMS(keys); i++)
		near_offer(&near, keys[i].name);
	if (item->is_section)
		FAULT(r, item->at, "a section cannot stand in a rule");
	else if (key == NULL && near.best.len > 0)
		FAULT(r, item->at, "unknown key \"%.*s\" of a rule; did you mean \"%.*s\"?", B_FMT(item->name), B_FMT(near.best));
	else if (key == NULL)
		FAULT(r, item->at, "unknown key \"%.*s\" of a rule", B_FMT(item->name));
	else if (item->count == 0)
		FAULT(r, item->at, "\"%.*s\" is empty", B_FMT(item->name));
	else if (item->count > 1 && !key->words)
		FAULT(r, item->words[1].at, "\"%.*s\" is one word", B_FMT(item->name));
	else
		return true;
	return false;
}

static void
take_keys(struct house_reader *r, const struct conf_item *section)
{
	for (size_t k = 0; k < NELEMS(keys); k++) {
		const struct conf_item *first = NULL;
		for (const struct conf_item *item = section->first; item != NULL; item = item->next) {
			if (item->is_section || item->count == 0 || !bytes_eq(item->name, keys[k].name) || (item->count > 1 && !keys[k].words))
				continue;
			if (first != NULL && !keys[k].many)
				FAULT(r, item->at, "\"%.*s\" is set twice; the first is in line %u", B_FMT(item->name), first->at.line);
			else if (first == NULL || !keys[k].lines)
				keys[k].take(r, item);
			first = first != NULL ? first : item;
		}
	}
}

/* ---- what a whole rule must be ---- */

static void
lint(struct house_reader *r, const char *id)
{
	const struct rule       *rule = r->rule;
	const struct rule_row   *row = &rule->public.row;
	const struct answer_row *answer = &rule->public.answer;

	if (row->source == NULL || row->date == NULL)
		FAULT(r, rule->at, "the rule %s does not say where it is from: write source = \"...\" and date = 2026-11", id);
	if (rule->needed == 0 && row->code_least == 0 && row->status == NULL && row->klass == 0 && row->stages == 0 && row->provider == 0 && rule->host_count == 0)
		FAULT(r, rule->at, "the rule %s holds for every reply: write text, pattern, code, enhanced, class, stage, host or provider", id);
	if (answer->id == NULL)
		FAULT(r, rule->at, "the rule %s leads to no answer: write reason, cause and steps, or like = the name of a rule of the program", id);
	else if (answer->cause == NULL || answer->admin == NULL)
		FAULT(r, rule->at, "the rule %s has no %s", id, answer->cause == NULL ? "cause" : "steps");
	/* Only what is about the address, or the domain behind it, may be held against the address. */
	if ((answer->suppress == SUPPRESS_YES || answer->suppress == SUPPRESS_PROVISIONAL) && answer->scope != SCOPE_RECIPIENT && answer->scope != SCOPE_DOMAIN)
		FAULT(r, rule->at, "the rule %s suppresses a recipient for what concerns the %s: write suppress = no", id, scope_word(answer->scope));
	if (rule->example_count == 0)
		FAULT(r, rule->at, "the rule %s has no example: a reply that must lead to it", id);
}

static bool
name_is_sound(struct house_reader *r, const struct conf_item *section)
{
	struct bytes name = section->count > 0 ? section->words[0].text : B_NONE;
	bool         fine = section->count == 1 && name.len > 0 && name.len <= 60;

	for (size_t i = 0; i < name.len; i++)
		fine = fine && (byte_is_alnum(name.at[i]) || name.at[i] == '-' || name.at[i] == '.' || name.at[i] == '_');
	if (!fine)
		FAULT(r, section->at, "a rule has a name of letters, digits and hyphens: rule partner-quarantine { ... }");
	for (size_t i = 0; fine && i < rule_rows_count; i++)
		if (bytes_eq(name, bytes_of(rule_rows[i].id))) {
			FAULT(r, section->at, "the program has a rule %.*s already: choose another name, or write like = %.*s", B_FMT(name), B_FMT(name));
			return false;
		}
	for (size_t i = 0; fine && i < r->house->count; i++)
		if (bytes_eq(name, bytes_of(r->house->rules[i].public.row.id))) {
			FAULT(r, section->at, "there is a rule %.*s already, in line %u", B_FMT(name), r->house->rules[i].at.line);
			return false;
		}
	return fine;
}

/* Only some reasons say that an address will not work again. */
static bool
reason_is_hard(const char *reason)
{
	bool hard = false;

	for (size_t i = 0; reason != NULL && i < answer_count(); i++)
		hard = hard || (answer_at(i)->hard && strcmp(answer_at(i)->reason, reason) == 0);
	return hard;
}

static void
take_rule(struct house_reader *r, const struct conf_item *section)
{
	struct house_rules *h = r->house;
	bool                sound = true;

	if (h->count == HOUSE_RULES_MAX) {
		FAULT(r, section->at, "there are more than %d rules", HOUSE_RULES_MAX);
		return;
	}
	if (!name_is_sound(r, section))
		return;
	const char *id = arena_copy(h->arena, section->words[0].text).at;
	r->rule = &h->rules[h->count++];
	r->rule->at = section->at;
	r->rule->public.row = (struct rule_row){ .id = id, .tier = TIER_PROVIDER };
	for (const struct conf_item *item = section->first; item != NULL; item = item->next)
		sound = line_is_sound(r, item) && sound;
	size_t before = r->faults->count;
	take_keys(r, section);
	/* What is missing is told of a rule whose lines are right: else it may be one of those. */
	if (sound && r->faults->count == before)
		lint(r, id != NULL ? id : "");
	struct answer_row *answer = &r->rule->public.answer;
	answer->id = id;
	answer->user = answer->user != NULL ? answer->user : answer->admin;
	answer->hard = answer->suppress == SUPPRESS_YES && answer->permanent && reason_is_hard(answer->reason);
}

static struct house_rules *
house_new(size_t count)
{
	struct house_rules *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->arena = arena_new(MEMORY_MAX);
	h->rules = arena_take_array(h->arena, count > 0 ? count : 1, sizeof(*h->rules));
	h->compile_context = pcre2_compile_context_create(NULL);
	h->match_data = pcre2_match_data_create(1, NULL);
	h->match_context = pcre2_match_context_create(NULL);
	if (h->rules == NULL || h->compile_context == NULL || h->match_data == NULL || h->match_context == NULL) {
		house_rules_free(h);
		return NULL;
	}
	pcre2_set_parens_nest_limit(h->compile_context, 20);
	pcre2_set_match_limit(h->match_context, MATCH_LIMIT);
	pcre2_set_depth_limit(h->match_context, DEPTH_LIMIT);
	pcre2_set_heap_limit(h->match_context, HEAP_LIMIT);
	return h;
}

struct house_rules *
house_rules_read(struct arena *work, const struct conf_host *host, struct bytes path, struct conf_faults *faults)
{
	size_t                  before = faults->count, count = 0;
	const struct conf_item *root = conf_read(work, host, path, faults);
	struct house_reader           r = { .work = work, .faults = faults };

	for (const struct conf_item *item = root != NULL ? root->first : NULL; item != NULL; item = item->next)
		count++;
	r.house = root != NULL ? house_new(count < HOUSE_RULES_MAX ? count : HOUSE_RULES_MAX) : NULL;
	for (const struct conf_item *item = r.house != NULL ? root->first : NULL; item != NULL; item = item->next) {
		if (item->is_section && bytes_eq(item->name, B("rule")))
			take_rule(&r, item);
		else
			FAULT(&r, item->at, "only rules stand here: rule NAME { ... }");
	}
	if (r.house == NULL || arena_overdrawn(r.house->arena) || arena_overdrawn(work))
		conf_fault(faults, work, (struct conf_place){ path, 1, 1 }, "not enough memory");
	if (faults->count == before)
		return r.house;
	house_rules_free(r.house);
	return NULL;
}

/* ---- matching ---- */

static bool
clause_holds(struct house_rules *h, const struct clause *c, const struct bytes *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes text = texts[i];
		if (text.len == 0)
			continue;
		if (c->regex != NULL ? pcre2_match(c->regex, (PCRE2_SPTR)text.at, text.len, 0, 0, h->match_data, h->match_context) >= 0
		                     : rules_glob_holds(text, c->glob))
			return true;
	}
	return false;
}

/* Any of the words, and none of the exceptions, wherever in the report they stand. */
static bool
clauses_hold(struct house_rules *h, const struct rule *rule, const struct bytes *texts, size_t count)
{
	bool any = rule->needed == 0;

	for (size_t i = 0; i < rule->clause_count; i++) {
		const struct clause *c = &rule->clauses[i];
		if ((any && !c->unless) || !clause_holds(h, c, texts, count))
			continue;
		if (c->unless)
			return false;
		any = true;
	}
	return any;
}

static bool
host_holds(const struct rule *rule, struct bytes host)
{
	for (size_t i = 0; i < rule->host_count; i++) {
		struct bytes name = rule->hosts[i];
		if (bytes_ends_nocase(host, name) && (host.len == name.len || host.at[host.len - name.len - 1] == '.'))
			return true;
	}
	return rule->host_count == 0;
}

const struct house_rule *
house_rules_match(struct house_rules *h, const struct evidence *e, struct bytes host, const struct bytes *texts, size_t count)
{
	for (size_t i = 0; h != NULL && i < h->count; i++) {
		const struct rule *rule = &h->rules[i];
		if (rules_codes_hold(&rule->public.row, e) && host_holds(rule, host) && clauses_hold(h, rule, texts, count))
			return &rule->public;
	}
	return NULL;
}

/* ---- examples ---- */

/* A host that the rule is about: the example is only the reply. */
static struct bytes
host_for(const struct rule *rule)
{
	if (rule->host_count > 0)
		return rule->hosts[0];
	for (size_t i = 0; rule->public.row.provider != 0 && i < provider_marks_count; i++)
		if (provider_marks[i].provider == rule->public.row.provider)
			return provider_marks[i].suffix;
	return B_NONE;
}

static bool
is_ours(const struct house_rules *h, const struct rule_row *row)
{
	for (size_t i = 0; i < h->count; i++)
		if (row == &h->rules[i].public.row)
			return true;
	return false;
}

static void
try_example(struct rules *rules, const struct rule *rule, const struct example *e, struct arena *work, struct conf_faults *faults)
{
	struct arena     *a = arena_new((size_t)8 << 20);
	struct explained *x = explain_reply(a, rules, B_NONE, B_NONE, e->text, host_for(rule));

	if (x == NULL || x->count != 1)
		conf_fault(faults, work, e->at, "not enough memory to try this example");
	else if (x->list[0].rule != &rule->public.row && is_ours(rules_house(rules), x->list[0].rule))
		conf_fault(faults, work, e->at, "the rule %s stands before this one and takes this example", x->list[0].rule->id);
	else if (x->list[0].rule != &rule->public.row) {
		const struct reply_found *reply = &x->list[0].reply;
		conf_fault(faults, work, e->at, "the conditions of %s do not hold for this example: its code is %.*s, the enhanced one %.*s, the stage %s, and the text \"%.*s\"", rule->public.row.id,
		           B_FMT(reply->code.len > 0 ? reply->code : B("none")), B_FMT(reply->enhanced.len > 0 ? reply->enhanced : B("none")),
		           reply->stage != STAGE_NONE ? stage_word(reply->stage) : "none", B_FMT(bytes_sub(reply->text, 0, 300)));
	}
	arena_free(a);
}

void
house_rules_try(struct rules *rules, struct arena *work, struct conf_faults *faults)
{
	struct house_rules *h = rules_house(rules);

	for (size_t i = 0; h != NULL && i < h->count; i++)
		for (size_t k = 0; k < h->rules[i].example_count; k++)
			try_example(rules, &h->rules[i], &h->rules[i].examples[k], work, faults);
}
