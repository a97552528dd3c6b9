/* policy/settings.c: see settings.h. Read in two rounds, because a domain rule
 * takes from dmarc what it does not set, wherever dmarc stands in the file. */
#include "policy/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "base/near.h"
#include "mail/domain.h"
#include "policy/schema.h"

/* Tens of thousands of rules and networks; not more. */
#define SETTINGS_MEMORY ((size_t)64 << 20)

struct loader {
	struct arena       *work;
	struct settings    *s;
	struct conf_faults *faults;
	struct conf_place  *places; /* where each row of the schema was set; line 0: nowhere */
};

#define FAULT(l, place, ...) conf_fault((l)->faults, (l)->work, (place), __VA_ARGS__)

static const struct setting_section *
find_section(struct bytes name)
{
	for (size_t i = 0; i < schema_section_count; i++)
		if (schema_sections[i].name[0] != '\0' && bytes_eq(bytes_of(schema_sections[i].name), name))
			return &schema_sections[i];
	return NULL;
}

static const struct setting *
find_setting(struct bytes section, struct bytes name)
{
	for (size_t i = 0; i < schema_count; i++)
		if (bytes_eq(bytes_of(schema[i].section), section) && bytes_eq(bytes_of(schema[i].name), name))
			return &schema[i];
	return NULL;
}

/* The right name in the wrong place is told where it belongs; a wrong name, what is near to it. */
static void
fault_unknown_setting(struct loader *l, struct bytes section, const struct conf_item *item)
{
	struct near near = { .asked = item->name };

	for (size_t i = 0; i < schema_count; i++)
		if (bytes_eq(bytes_of(schema[i].section), section))
			near_offer(&near, bytes_of(schema[i].name));
	if (near.best.len > 0) {
		FAULT(l, item->at, "unknown setting \"%.*s\"; did you mean \"%.*s\"?", B_FMT(item->name), B_FMT(near.best));
		return;
	}
	for (size_t i = 0; i < schema_count; i++)
		if (bytes_eq(bytes_of(schema[i].name), item->name)) {
			const char *where = schema[i].section;
			if (where[0] != '\0')
				FAULT(l, item->at, "\"%.*s\" belongs into the section %s { ... }", B_FMT(item->name), where);
			else
				FAULT(l, item->at, "\"%.*s\" stands outside of all sections", B_FMT(item->name));
			return;
		}
	if (find_section(item->name) != NULL)
		FAULT(l, item->at, "\"%.*s\" is a section: %.*s { ... }", B_FMT(item->name), B_FMT(item->name));
	else
		FAULT(l, item->at, "unknown setting \"%.*s\"", B_FMT(item->name));
}

static void
fault_unknown_section(struct loader *l, const struct conf_item *item)
{
	struct near near = { .asked = item->name };

	if (bytes_eq(item->name, B("section")) && item->count == 1) {
		FAULT(l, item->at, "write %.*s { ... } without the word section", B_FMT(item->words[0].text));
		return;
	}
	if (find_setting(B(""), item->name) != NULL) {
		FAULT(l, item->at, "\"%.*s\" is a setting: %.*s = ...", B_FMT(item->name), B_FMT(item->name));
		return;
	}
	for (size_t i = 0; i < schema_section_count; i++)
		near_offer(&near, bytes_of(schema_sections[i].name));
	if (near.best.len > 0)
		FAULT(l, item->at, "unknown section \"%.*s\"; did you mean \"%.*s\"?", B_FMT(item->name), B_FMT(near.best));
	else
		FAULT(l, item->at, "unknown section \"%.*s\"", B_FMT(item->name));
}

static void
take_setting(struct loader *l, struct bytes section, const struct conf_item *item, void *base)
{
	const struct setting *s = find_setting(section, item->name);
	size_t                word;
	struct bytes          why;

	if (s == NULL) {
		fault_unknown_setting(l, section, item);
		return;
	}
	struct conf_place *place = &l->places[s - schema];
	if (place->line != 0) {
		FAULT(l, item->at, "\"%s\" is set twice; the first is at %.*s:%u", s->name, B_FMT(place->file), place->line);
		return;
	}
	*place = item->at;
	if (!setting_set(l->s->arena, l->work, s, item->words, item->count, base, &word, &why))
		FAULT(l, item->count > 0 ? item->words[word].at : item->at, "%.*s", B_FMT(why));
}

/* What stands in one section; a section in it is a fault. */
static void
take_members(struct loader *l, const struct conf_item *section, void *base)
{
	for (const struct conf_item *item = section->first; item != NULL; item = item->next) {
		if (item->is_section)
			FAULT(l, item->at, "a section cannot stand in the section \"%.*s\"", B_FMT(section->name));
		else
			take_setting(l, section->name, item, base);
	}
}

static void
take_top(struct loader *l, const struct conf_item *root)
{
	for (const struct conf_item *item = root->first; item != NULL; item = item->next) {
		if (!item->is_section)
			take_setting(l, B(""), item, l->s);
		else if (find_section(item->name) == NULL)
			fault_unknown_section(l, item);
		else if (!bytes_eq(item->name, B("domain"))) {
			if (item->count > 0)
				FAULT(l, item->words[0].at, "the section \"%.*s\" has no name", B_FMT(item->name));
			take_members(l, item, l->s);
		}
	}
}

/* ---- domain rules ---- */

static void
forget_rule_places(struct loader *l)
{
	for (size_t i = 0; i < schema_count; i++)
		if (strcmp(schema[i].section, "domain") == 0)
			l->places[i] = (struct conf_place){ .line = 0 };
}

/* "example.com" or ".example.com", normal; empty if it is neither. */
static struct bytes
rule_domain(struct loader *l, struct bytes name)
{
	bool         below = name.len > 0 && name.at[0] == '.';
	struct bytes domain = domain_normal(l->work, bytes_from(name, below));

	if (domain.at == NULL)
		return B("");
	l->s->rules_below |= below;
	return arena_join(l->s->arena, below ? B(".") : B(""), domain);
}

static void
take_rule(struct loader *l, const struct conf_item *item, struct domain_rule *rule)
{
	if (item->count == 0) {
		FAULT(l, item->at, "domain wants a name: domain example.com { ... }");
		return;
	}
	rule->domain = rule_domain(l, item->words[0].text);
	if (rule->domain.len == 0) {
		FAULT(l, item->words[0].at, "domain wants a domain name, or one behind a dot for all below it, not \"%.*s\"",
		      B_FMT(item->words[0].text));
		return;
	}
	if (map_get(&l->s->rule_of, rule->domain) != NULL) {
		FAULT(l, item->words[0].at, "there are two rules for \"%.*s\"", B_FMT(rule->domain));
		return;
	}
	rule->on_reject = l->s->dmarc_on_reject;
	rule->on_temperror = l->s->dmarc_on_temperror;
	rule->quarantine = l->s->dmarc_quarantine;
	rule->list_exception = l->s->dmarc_list_exception ? LIST_EXCEPTION_YES : LIST_EXCEPTION_NO;
	forget_rule_places(l);
	take_members(l, item, rule);
	if (map_set(&l->s->rule_of, rule->domain, rule) != RC_OK)
		arena_spoil(l->s->arena);
}

static void
take_rules(struct loader *l, const struct conf_item *root)
{
	size_t count = 0;

	for (const struct conf_item *item = root->first; item != NULL; item = item->next)
		count += item->is_section && bytes_eq(item->name, B("domain"));
	struct domain_rule *rules = arena_take_array(l->s->arena, count, sizeof(*rules));
	if (rules == NULL)
		return;
	l->s->rules = rules;
	for (const struct conf_item *item = root->first; item != NULL; item = item->next)
		if (item->is_section && bytes_eq(item->name, B("domain")))
			take_rule(l, item, &rules[l->s->rule_count++]);
}

/* ---- the whole ---- */

static struct conf_place
place_of(const struct loader *l, struct bytes section, struct bytes name)
{
	return l->places[find_setting(section, name) - schema];
}

/* What no single setting can know. */
static void
check_whole(struct loader *l)
{
	const struct settings *s = l->s;
	struct conf_place      at = place_of(l, B("dns"), B("timeout"));

	if (s->dns_timeout_ms >= s->message_deadline_ms) {
		if (at.line == 0)
			at = place_of(l, B(""), B("message_deadline"));
		FAULT(l, at, "one DNS question may take as long as a whole message; make timeout in dns shorter than message_deadline");
	}
	if (s->keeps_messages && bytes_eq(s->store, B("none")))
		FAULT(l, place_of(l, B(""), B("store")), "\"quarantine = store\" needs a store");
	if (s->dns_zone_file.len > 0 && s->dns_resolver.count > 0)
		FAULT(l, place_of(l, B("dns"), B("resolver")), "zone_file answers all questions; remove it or resolver");
}

static void
free_map(void *map)
{
	map_free(map);
}

static struct settings *
new_with_defaults(void)
{
	struct arena    *a = arena_new(SETTINGS_MEMORY);
	struct settings *s = arena_take(a, sizeof(*s));

	if (s == NULL || !arena_on_free(a, free_map, &s->rule_of)) {
		arena_free(a);
		return NULL;
	}
	s->arena = a;
	atomic_init(&s->refs, 1);
	for (size_t i = 0; i < schema_count; i++)
		if (strcmp(schema[i].section, "domain") != 0)
			setting_set_default(a, &schema[i], s);
	return s;
}

static void
name_host(struct settings *s, struct arena *work, struct bytes hostname)
{
	struct bytes name = domain_normal(work, hostname);

	if (s->hostname.len == 0)
		s->hostname = arena_copy(s->arena, name.len > 0 ? name : B("localhost"));
	if (s->authserv_id.len == 0)
		s->authserv_id = s->hostname;
}

static void
load(struct loader *l, const struct conf_host *host, struct bytes path)
{
	struct conf_item *root = conf_read(l->work, host, path, l->faults);

	if (root == NULL)
		return;
	take_top(l, root);
	take_rules(l, root);
	l->s->keeps_messages = l->s->dmarc_quarantine == QUARANTINE_STORE;
	for (size_t i = 0; i < l->s->rule_count; i++)
		l->s->keeps_messages |= l->s->rules[i].quarantine == QUARANTINE_STORE;
	if (l->faults->count == 0)
		check_whole(l);
}

struct settings *
settings_read(struct arena *a, const struct conf_host *host, struct bytes path, struct bytes hostname, struct conf_faults *faults)
{
	size_t            before = faults->count;
	struct conf_place whole = { path, 1, 1 };
	struct loader     l = { .work = a, .faults = faults, .s = new_with_defaults() };

	l.places = arena_take_array(a, schema_count, sizeof(*l.places));
	if (l.s != NULL && l.places != NULL && path.len > 0)
		load(&l, host, path);
	if (l.s != NULL)
		name_host(l.s, a, hostname);
	if (l.s == NULL || arena_overdrawn(l.s->arena) || arena_overdrawn(a)) {
		/* Not a made sentence: there is no memory for one. */
		const char *missing = library_trouble();
		if (faults->count < CONF_FAULTS_MAX)
			faults->at[faults->count++] = (struct conf_fault){ whole, missing != NULL ? bytes_of(missing) : B("the settings need more memory than there is") };
		settings_unref(l.s);
		return NULL;
	}
	if (faults->count > before) {
		settings_unref(l.s);
		return NULL;
	}
	return l.s;
}

struct settings *
settings_ref(const struct settings *s)
{
	/* Immutable but for its count, which whoever holds a reference may raise. */
	struct settings *mine = (struct settings *)(uintptr_t)s;

	atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
	return mine;
}

void
settings_unref(const struct settings *s)
{
	struct settings *mine = (struct settings *)(uintptr_t)s;

	if (mine != NULL && atomic_fetch_sub_explicit(&mine->refs, 1, memory_order_acq_rel) == 1)
		arena_free(mine->arena);
}

const struct domain_rule *
settings_rule(const struct settings *s, struct bytes domain)
{
	const struct domain_rule *rule = map_get(&s->rule_of, domain);

	if (!s->rules_below)
		return rule;
	while (rule == NULL && bytes_has(domain, '.')) {
		bytes_skip(&domain, bytes_index(domain, '.'));
		rule = map_get(&s->rule_of, domain);
		bytes_skip(&domain, 1);
	}
	return rule;
}
