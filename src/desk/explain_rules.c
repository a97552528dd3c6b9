/* desk/explain_rules.c: see explain_rules.h. */
#include "desk/explain_rules.h"

#include "desk/conf_files.h"
#include "desk/settings_load.h"
#include "diagnose/house_rules.h"

struct rules *
explain_rules_read(struct arena *work, struct bytes path, struct conf_faults *faults)
{
	struct rules *rules = rules_new();
	size_t        before = faults->count;

	if (rules == NULL) {
		conf_fault(faults, work, (struct conf_place){ path, 1, 1 }, "not enough memory for the rules");
		return NULL;
	}
	if (path.len > 0)
		rules_adopt(rules, house_rules_read(work, conf_files(), path, faults));
	if (faults->count == before)
		house_rules_try(rules, work, faults);
	if (faults->count == before)
		return rules;
	rules_free(rules);
	return NULL;
}

struct rules *
explain_rules_open(const struct cli *cli, struct bytes path)
{
	struct arena      *a = arena_new(CONF_MEMORY_MAX);
	struct conf_faults faults = { .count = 0 };
	struct rules      *rules = explain_rules_read(a, path, &faults);

	if (rules == NULL)
		desk_tell_faults(cli, &faults);
	arena_free(a);
	return rules;
}
