/* policy/schema.h: the rows of settings.def as a table: how a setting is read,
 * bounded and written. For the reader of settings and for what shows them. */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include "base/buf.h"
#include "base/conf.h"
#include "base/json.h"

enum setting_type {
	SETTING_FLAG,
	SETTING_NUMBER,
	SETTING_MSEC,
	SETTING_SIZE,
	SETTING_MODE,
	SETTING_NAME,
	SETTING_PATH,
	SETTING_URL,
	SETTING_HOST,
	SETTING_ID,
	SETTING_DOORS,
	SETTING_DOMAINS,
	SETTING_NETS,
	SETTING_SERVERS,
	SETTING_STORE,
	SETTING_CHOICE,
	SETTING_TYPES
};

struct setting {
	const char       *section; /* "" for none, "domain" for a field of struct domain_rule */
	const char       *name;
	enum setting_type type;
	uint64_t          min, max;
	const char       *fallback; /* as one would write it; "": none */
	const char       *words; /* of a choice, "a|b|c" */
	const char       *help;
	size_t            at; /* offset in struct settings or struct domain_rule */
};

struct setting_section {
	const char *name; /* "" for none */
	const char *help;
};

extern const struct setting         schema[];
extern const size_t                 schema_count;
extern const struct setting_section schema_sections[];
extern const size_t                 schema_section_count;

/* Read the words into the field of `base` (a struct settings or domain_rule),
 * texts and lists into the arena. False, the word at fault and a sentence in
 * `work`; memory that is spent shows in the arena. */
bool setting_set(struct arena *, struct arena *work, const struct setting *, const struct conf_word *, size_t count, void *base,
                 size_t *word_out, struct bytes *why_out) MUST_USE;
/* Set the default; "" leaves the field zero. */
void setting_set_default(struct arena *, const struct setting *, void *base);

/* The value as one would write it, "" for an empty text, "none" for an empty list. */
void setting_write(const struct setting *, const void *base, struct buf *out);
/* The value typed: durations in milliseconds, sizes in octets, an empty text null. */
void setting_json(const struct setting *, const void *base, struct json *);

bool setting_is_list(const struct setting *);
/* What one may write: "yes or no", "a duration from 1s to 2m". */
void setting_describe(const struct setting *, struct buf *out);

#endif
