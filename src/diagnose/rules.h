/* diagnose/rules.h: from a reply to its cause: the table of rules, compiled in
 * from the files in rules/ by tools/rules.py.
 *
 * A rule names the answer it leads to. Rules are tried in the order of the
 * files: what one provider means by a code first, then what a program says,
 * then phrases anybody uses, and the registered meaning of the codes last. The
 * texts are found in one pass over a reply, see wordset.h; where a rule is more
 * than a phrase, PCRE2 confirms it. */
#ifndef DIAGNOSE_RULES_H
#define DIAGNOSE_RULES_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/reason.h"

enum retry { RETRY_NEVER, RETRY_LATER, RETRY_AFTER_FIX };
enum suppress { SUPPRESS_NO, SUPPRESS_PROVISIONAL, SUPPRESS_YES, SUPPRESS_COMPLAINT };
enum scope { SCOPE_RECIPIENT, SCOPE_DOMAIN, SCOPE_MESSAGE, SCOPE_SENDER, SCOPE_IP, SCOPE_TENANT, SCOPE_UNKNOWN };

/* What is to be said about one cause. Texts hold {facts}, see advice.h. */
struct answer_row {
	const char   *id;
	const char   *reason; /* the bounce word of the CLI */
	const char   *category;
	enum owner    owner;
	bool          permanent;
	bool          hard; /* the address will not work again */
	enum retry    retry;
	enum suppress suppress;
	enum scope    scope;
	const char   *expect; /* how long until it works once mended; NULL: nothing to wait for */
	const char   *cause; /* one sentence */
	const char   *admin; /* steps, separated by "\n" */
	const char   *user;
};

/* What says more goes first: a provider's own words, a program's, a phrase, a code of narrow
 * meaning, a phrase of wide meaning, a code of wide meaning. */
enum rule_tier { TIER_PROVIDER, TIER_PROGRAM, TIER_PHRASE, TIER_CODE, TIER_VAGUE, TIER_MEANING };

struct rule_row {
	const char    *id;
	const char    *source;
	const char    *date; /* of the source */
	const char    *delist; /* where to ask for removal; NULL: none */
	uint16_t       answer;
	uint8_t        tier;
	uint8_t        provider; /* 0: any */
	uint8_t        klass; /* '4' or '5'; 'n': no code at all; 0: any */
	uint16_t       code_least, code_most; /* 0: any */
	const char    *status; /* "5.7.509", "x.7.26", "5.7.6*"; NULL: any */
	uint32_t       stages; /* bits of enum stage; 0: any */
	uint16_t       first, count; /* its patterns; none: the codes alone decide */
};

struct pattern_row {
	uint16_t    rule;
	bool        unless; /* the rule does not hold where this is found */
	const char *word; /* must occur; folded */
	const char *regex; /* and this; NULL: none */
	const char *glob; /* or these words, "*" between them; NULL: none */
};

struct provider_row {
	const char *id; /* "exchange-online" */
	const char *name; /* "Exchange Online" */
};

struct provider_mark {
	uint8_t     provider;
	struct bytes suffix; /* of a host name */
};

/* A text that is held against the rules. Begin with `said`, the rest is empty then. */
struct rule_text {
	struct bytes    said; /* as it stands */
	struct bytes    folded; /* when it was asked for, see rules_folded() */
	const uint16_t *hits; /* the patterns whose words it has, in the order of the rules */
	size_t          hit_count;
	bool            scanned;
};

/* What is held against the rules. */
struct evidence {
	struct bytes code; /* "550" or empty */
	struct bytes enhanced; /* "5.1.1" or empty */
	enum stage   stage;
	uint32_t     providers; /* bits, by provider number */
	struct rule_text *text; /* scanned; NULL: none */
};

struct rules;
struct house_rules;
struct wordset;

/* The compiled-in rules made ready. NULL when memory is spent. Not for threads. */
struct rules *rules_new(void);
void          rules_free(struct rules *);

/* The operator's own, from now on freed with these; may be NULL. */
void                rules_adopt(struct rules *, struct house_rules *);
struct house_rules *rules_house(struct rules *);

/* Words that others look for, made ready with the rules: they live as long. */
enum words { WORDS_READING, WORDS_PEEL, WORDS_LISTED, WORDS_KINDS };
const struct wordset *rules_words(const struct rules *, enum words);

/* Finds the words of the rules in a text; once. */
void rules_scan(struct rules *, struct arena *, struct rule_text *);
/* The text as text_fold() makes it. */
struct bytes rules_folded(struct arena *, struct rule_text *);

/* Is it there, folded both? "*" between words stands for up to 300 octets, at an end of them for
 * whatever is there; what is behind so many parts is not looked at. */
#define GLOB_PARTS_MAX 8
bool rules_glob_holds(struct bytes text, struct bytes glob);

/* The first rule that holds, in tiers from `least` to `most`; NULL: none. */
bool                     rules_codes_hold(const struct rule_row *, const struct evidence *); /* all but texts */
const struct rule_row   *rules_match(struct rules *, struct arena *, const struct evidence *, enum rule_tier least, enum rule_tier most);
const struct answer_row *rules_answer(const struct rules *, const struct rule_row *);

const struct answer_row *answer_named(const char *id); /* aborts when there is none: a fault of ours */
size_t                   answer_count(void);
const struct answer_row *answer_at(size_t);
size_t                   rules_count(const struct rules *);
const struct rule_row   *rules_at(const struct rules *, size_t);

/* Bits of the providers that a host name belongs to. */
uint32_t            provider_of_host(struct bytes host);
const char         *provider_word(uint32_t bits); /* the first of them; NULL for none */
const char         *provider_name(uint32_t bits);

const char *retry_word(enum retry);
const char *suppress_word(enum suppress);
const char *scope_word(enum scope);

/* Examples of rules, for the linter and the tests. */
struct example_row {
	const char *rule, *text;
};
extern const struct example_row rule_examples[];
extern const size_t             rule_examples_count;

#endif
