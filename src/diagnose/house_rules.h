/* diagnose/house_rules.h: rules that the operator has written, tried before
 * those compiled in.
 *
 * Written as settings are (base/conf.h), and checked as tools/rules.py checks
 * ours: each has a source, a date, and an example that must lead to it. An
 * expression is the operator's, the text it searches a stranger's: both are bounded. */
#ifndef DIAGNOSE_HOUSE_RULES_H
#define DIAGNOSE_HOUSE_RULES_H

#include "base/conf.h"
#include "diagnose/rules.h"

#define HOUSE_RULES_MAX 500

struct house_rules;

struct house_rule {
	struct rule_row   row; /* its id, source, date and codes; its patterns are not in here */
	struct answer_row answer;
};

/* Sentences about faults lie in `work`. NULL when there are faults; one of them
 * may be that memory is spent. */
struct house_rules *house_rules_read(struct arena *work, const struct conf_host *, struct bytes path, struct conf_faults *) MUST_USE;
void                house_rules_free(struct house_rules *); /* takes NULL */

/* The first rule, in the order of the file, that holds for one of the folded
 * texts. `host` is that which refused. NULL: none, or no rules. Not for threads. */
const struct house_rule *house_rules_match(struct house_rules *, const struct evidence *, struct bytes host, const struct bytes *texts, size_t count);

/* Does each example lead to its rule? The rules must have been adopted (rules.h). A fault for each that does not. */
void house_rules_try(struct rules *, struct arena *work, struct conf_faults *);

#endif
