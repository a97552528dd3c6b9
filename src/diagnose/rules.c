/* diagnose/rules.c: see rules.h. */
#include "diagnose/rules.h"

#include <assert.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/charset.h"
#include "diagnose/house_rules.h"
#include "diagnose/listed.h"
#include "diagnose/peel.h"
#include "diagnose/reading.h"
#include "diagnose/rules_table.h"
#include "diagnose/wordset.h"

/* Bounds on what one expression may cost on hostile text. */
#define MATCH_LIMIT 20000
#define DEPTH_LIMIT 2000

struct rules {
	struct wordset      *set;
	struct wordset     *words[WORDS_KINDS];
	struct house_rules  *house; /* NULL: none */
	pcre2_code         **compiled; /* by pattern; made at the first use */
	pcre2_match_data    *match_data;
	pcre2_match_context *match_context;
	uint8_t             *seen; /* by pattern: its word is in this text */
	uint16_t            *hits; /* those, in their order */
	size_t               hit_count;
	size_t              *plain; /* rules without texts */
	size_t               plain_from[TIER_MEANING + 2]; /* those of a tier, and where the next one's begin */
};

static bool
hit(void *arg, uint32_t number, size_t end)
{
	struct rules *r = arg;

	(void)end;
	if (r->seen[number])
		return true;
	r->seen[number] = 1;
	size_t i = r->hit_count++;
	for (; i > 0 && r->hits[i - 1] > number; i--)
		r->hits[i] = r->hits[i - 1];
	r->hits[i] = (uint16_t)number;
	return true;
}

static bool
has_texts(const struct rule_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (!pattern_rows[row->first + i].unless)
			return true;
	return false;
}

/* The table has the rules of a tier together, and the tiers in their order. */
static void
plain_find(struct rules *r)
{
	size_t n = 0, i = 0;

	for (uint8_t tier = 0; tier <= TIER_MEANING; tier++) {
		r->plain_from[tier] = n;
		for (; i < rule_rows_count && rule_rows[i].tier == tier; i++)
			if (!has_texts(&rule_rows[i]))
				r->plain[n++] = i;
	}
	r->plain_from[TIER_MEANING + 1] = n;
	assert(i == rule_rows_count);
}

struct rules *
rules_new(void)
{
	struct rules *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->set = wordset_new();
	r->words[WORDS_READING] = reading_words();
	r->words[WORDS_PEEL] = peel_words();
	r->words[WORDS_LISTED] = listed_words();
	r->compiled = calloc(pattern_rows_count, sizeof(*r->compiled));
	r->seen = calloc(pattern_rows_count, 1);
	r->hits = calloc(pattern_rows_count, sizeof(*r->hits));
	r->plain = calloc(rule_rows_count, sizeof(*r->plain));
	r->match_data = pcre2_match_data_create(1, NULL);
	r->match_context = pcre2_match_context_create(NULL);
	for (size_t i = 0; i < WORDS_KINDS; i++)
		if (r->words[i] == NULL)
			goto fail;
	if (r->set == NULL || r->compiled == NULL || r->seen == NULL || r->hits == NULL || r->plain == NULL || r->match_data == NULL || r->match_context == NULL)
		goto fail;
	pcre2_set_match_limit(r->match_context, MATCH_LIMIT);
	pcre2_set_depth_limit(r->match_context, DEPTH_LIMIT);
	for (size_t i = 0; i < pattern_rows_count; i++)
		if (wordset_add(r->set, bytes_of(pattern_rows[i].word), (uint32_t)i) != RC_OK)
			goto fail;
	if (wordset_ready(r->set) != RC_OK)
		goto fail;
	plain_find(r);
	return r;

fail:
	rules_free(r);
	return NULL;
}

void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; r->compiled != NULL && i < pattern_rows_count; i++)
		pcre2_code_free(r->compiled[i]);
	pcre2_match_data_free(r->match_data);
	pcre2_match_context_free(r->match_context);
	house_rules_free(r->house);
	wordset_free(r->set);
	for (size_t i = 0; i < WORDS_KINDS; i++)
		wordset_free(r->words[i]);
	free(r->compiled);
	free(r->seen);
	free(r->hits);
	free(r->plain);
	free(r);
}

void
rules_adopt(struct rules *r, struct house_rules *house)
{
	house_rules_free(r->house);
	r->house = house;
}

struct house_rules *
rules_house(struct rules *r)
{
	return r->house;
}

const struct wordset *
rules_words(const struct rules *r, enum words which)
{
	return r->words[which];
}

/* "5.7.509" exactly; "x.7.26" any class; "5.7.6*" whatever follows. */
static bool
status_holds(const char *want, struct bytes have)
{
	size_t i = 0;

	if (have.len == 0)
		return false;
	for (; want[i] != '\0'; i++) {
		if (want[i] == '*')
			return true;
		if (i >= have.len || (want[i] != have.at[i] && !(i == 0 && want[i] == 'x')))
			return false;
	}
	return i == have.len;
}

bool
rules_codes_hold(const struct rule_row *row, const struct evidence *e)
{
	if (row->provider != 0 && (e->providers & 1u << row->provider) == 0)
		return false;
	if (row->stages != 0 && (row->stages & 1u << e->stage) == 0)
		return false;
	if (row->status != NULL && !status_holds(row->status, e->enhanced))
		return false;
	if (row->klass == 'n')
		return e->code.len == 0 && e->enhanced.len == 0;
	if (row->klass != 0) {
		char klass = e->code.len > 0 ? e->code.at[0] : e->enhanced.len > 0 ? e->enhanced.at[0] : '\0';
		if (klass != (char)row->klass)
			return false;
	}
	if (row->code_least != 0) {
		uint64_t code = 0;
		if (!bytes_number(e->code, 999, &code) || code < row->code_least || code > row->code_most)
			return false;
	}
	return true;
}

/* Octets that "*" may stand for. */
#define GAP_MAX 300

struct glob_part {
	struct bytes words;
	size_t       at; /* where they are looked for next */
	/* Two ends of places in a row where they stand and all before them does: 0 before the first, SIZE_MAX behind the last. */
	size_t       end, next_end;
};

static size_t glob_next(struct glob_part *part, size_t before, struct bytes text);

/* Does a place of the part end at `at`, or not far in front of it? `at` only grows, and the last place is the best. */
static bool
glob_ends_near(struct glob_part *part, size_t before, struct bytes text, size_t at)
{
	while (part->next_end <= at) {
		part->end = part->next_end;
		part->next_end = glob_next(part, before, text);
	}
	return part->end > 0 && at - part->end <= GAP_MAX;
}

/* The end of the next place of a part with `before` parts in front of it; SIZE_MAX: there is none. Each part goes
 * through the text once, and calls are no deeper than there are parts. */
static size_t
glob_next(struct glob_part *part, size_t before, struct bytes text)
{
	for (;;) {
		size_t at = part->at + bytes_find(bytes_from(text, part->at), part->words);
		if (at >= text.len)
			return SIZE_MAX;
		part->at = at + 1;
		if (before == 0 || glob_ends_near(part - 1, before - 1, text, at))
			return at + part->words.len;
	}
}

bool
rules_glob_holds(struct bytes text, struct bytes glob)
{
	struct glob_part parts[GLOB_PARTS_MAX];
	struct bytes     words;
	size_t           count = 0;

	while (count < GLOB_PARTS_MAX && bytes_cut(&glob, '*', &words))
		if (words.len > 0) /* any text at both ends is always there, and two stars are one */
			parts[count++] = (struct glob_part){ .words = words };
	return count == 0 || glob_next(&parts[count - 1], count - 1, text) != SIZE_MAX;
}

static bool
pattern_holds(struct rules *r, struct arena *a, size_t i, struct rule_text *text)
{
	const struct pattern_row *p = &pattern_rows[i];

	if (!r->seen[i])
		return false;
	if (p->glob != NULL)
		return rules_glob_holds(rules_folded(a, text), bytes_of(p->glob));
	if (p->regex == NULL)
		return true;
	if (r->compiled[i] == NULL) {
		int    error;
		size_t offset;
		r->compiled[i] = pcre2_compile((PCRE2_SPTR)p->regex, PCRE2_ZERO_TERMINATED, PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE, &error, &offset, NULL);
		if (r->compiled[i] == NULL)
			return false;
	}
	struct bytes folded = rules_folded(a, text);
	return pcre2_match(r->compiled[i], (PCRE2_SPTR)folded.at, folded.len, 0, 0, r->match_data, r->match_context) >= 0;
}

static bool
forbidden(struct rules *r, struct arena *a, const struct rule_row *row, struct rule_text *text)
{
	for (size_t i = row->first; i < (size_t)row->first + row->count; i++)
		if (pattern_rows[i].unless && pattern_holds(r, a, i, text))
			return true;
	return false;
}

void
rules_scan(struct rules *r, struct arena *a, struct rule_text *t)
{
	if (t->scanned)
		return;
	t->scanned = true;
	wordset_scan(r->set, text_is_plain(t->said) ? t->said : rules_folded(a, t), hit, r);
	uint16_t *copy = r->hit_count > 0 ? arena_take_array(a, r->hit_count, sizeof(*copy)) : NULL;
	if (copy != NULL) {
		memcpy(copy, r->hits, r->hit_count * sizeof(*copy));
		t->hits = copy;
		t->hit_count = r->hit_count;
	}
	while (r->hit_count > 0)
		r->seen[r->hits[--r->hit_count]] = 0;
}

struct bytes
rules_folded(struct arena *a, struct rule_text *t)
{
	if (t->folded.at == NULL)
		t->folded = text_fold(a, t->said);
	return t->folded;
}

/* Of the rules with texts, the first that holds. */
static size_t
first_said(struct rules *r, struct arena *a, const struct evidence *e, enum rule_tier least, enum rule_tier most)
{
	struct rule_text *t = e->text;

	for (size_t i = 0; t != NULL && i < t->hit_count; i++) {
		const struct pattern_row *p = &pattern_rows[t->hits[i]];
		const struct rule_row    *row = &rule_rows[p->rule];
		if (row->tier > (uint8_t)most)
			break; /* as do all behind it */
		if (!p->unless && row->tier >= (uint8_t)least && rules_codes_hold(row, e) && pattern_holds(r, a, t->hits[i], t) && !forbidden(r, a, row, t))
			return p->rule;
	}
	return rule_rows_count;
}

const struct rule_row *
rules_match(struct rules *r, struct arena *a, const struct evidence *e, enum rule_tier least, enum rule_tier most)
{
	size_t count = e->text != NULL ? e->text->hit_count : 0;

	for (size_t i = 0; i < count; i++)
		r->seen[e->text->hits[i]] = 1;
	size_t best = first_said(r, a, e, least, most);
	for (size_t i = r->plain_from[least]; i < r->plain_from[most + 1] && r->plain[i] < best; i++) {
		const struct rule_row *row = &rule_rows[r->plain[i]];
		if (rules_codes_hold(row, e) && !forbidden(r, a, row, e->text))
			best = r->plain[i];
	}
	for (size_t i = 0; i < count; i++)
		r->seen[e->text->hits[i]] = 0;
	return best < rule_rows_count ? &rule_rows[best] : NULL;
}

const struct answer_row *
rules_answer(const struct rules *r, const struct rule_row *row)
{
	(void)r;
	return &answer_rows[row->answer];
}

const struct answer_row *
answer_named(const char *id)
{
	for (size_t i = 0; i < answer_rows_count; i++)
		if (answer_rows[i].id[0] == id[0] && strcmp(answer_rows[i].id, id) == 0)
			return &answer_rows[i];
	/* rules/answers.rules has all that explain.c names: a test asks for each. */
	abort();
}

size_t
answer_count(void)
{
	return answer_rows_count;
}

const struct answer_row *
answer_at(size_t i)
{
	return &answer_rows[i];
}

size_t
rules_count(const struct rules *r)
{
	(void)r;
	return rule_rows_count;
}

const struct rule_row *
rules_at(const struct rules *r, size_t i)
{
	(void)r;
	return &rule_rows[i];
}

uint32_t
provider_of_host(struct bytes host)
{
	uint32_t bits = 0;

	/* The name itself, and what is behind each of its dots. */
	for (struct bytes rest = host; rest.len > 0; rest = bytes_from(rest, bytes_index(rest, '.') + 1))
		for (size_t i = rest.len < PROVIDER_MARK_MAX ? provider_marks_from[rest.len] : provider_marks_count; i < provider_marks_count && provider_marks[i].suffix.len == rest.len; i++)
			if (bytes_eq_nocase(rest, provider_marks[i].suffix))
				bits |= 1u << provider_marks[i].provider;
	return bits;
}

static const struct provider_row *
provider_first(uint32_t bits)
{
	for (size_t i = 1; i < provider_rows_count; i++)
		if (bits & 1u << i)
			return &provider_rows[i];
	return &provider_rows[0];
}

const char *
provider_word(uint32_t bits)
{
	return provider_first(bits)->id;
}

const char *
provider_name(uint32_t bits)
{
	return provider_first(bits)->name;
}

const char *
retry_word(enum retry r)
{
	static const char *const words[] = { [RETRY_NEVER] = "never", [RETRY_LATER] = "later", [RETRY_AFTER_FIX] = "after-fix" };
	return words[r];
}

const char *
suppress_word(enum suppress s)
{
	static const char *const words[] = {
		[SUPPRESS_NO] = "no", [SUPPRESS_PROVISIONAL] = "provisional", [SUPPRESS_YES] = "yes", [SUPPRESS_COMPLAINT] = "complaint"
	};
	return words[s];
}

const char *
scope_word(enum scope s)
{
	static const char *const words[] = {
		[SCOPE_RECIPIENT] = "recipient", [SCOPE_DOMAIN] = "domain", [SCOPE_MESSAGE] = "message", [SCOPE_SENDER] = "sender",
		[SCOPE_IP] = "ip",               [SCOPE_TENANT] = "tenant", [SCOPE_UNKNOWN] = "unknown",
	};
	return words[s];
}
