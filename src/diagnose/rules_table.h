/* diagnose/rules_table.h: the tables that tools/rules.py makes; for rules.c and house_rules.c. */
#ifndef DIAGNOSE_RULES_TABLE_H
#define DIAGNOSE_RULES_TABLE_H

#include "diagnose/rules.h"

extern const struct answer_row    answer_rows[];
extern const size_t               answer_rows_count;
extern const struct rule_row      rule_rows[];
extern const size_t               rule_rows_count;
extern const struct pattern_row   pattern_rows[];
extern const size_t               pattern_rows_count;
extern const struct provider_row  provider_rows[]; /* row 0 stands for none */
extern const size_t               provider_rows_count;
extern const struct provider_mark provider_marks[]; /* the shortest first */
extern const size_t               provider_marks_count;
#define PROVIDER_MARK_MAX 64
extern const uint16_t             provider_marks_from[PROVIDER_MARK_MAX]; /* by length: the first of them */

#endif
