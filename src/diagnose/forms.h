/* diagnose/forms.h: the text of a report, where no fields say it: who could not
 * be reached, and which lines are about him.
 *
 * Some sixty programs write such texts, and most differ only in words. What
 * they share is the shape of the line that names a recipient; those shapes, the
 * words that lead up to an address, and the lines behind which the returned
 * message begins, are the tables of forms.c. */
#ifndef DIAGNOSE_FORMS_H
#define DIAGNOSE_FORMS_H

#include "diagnose/reading.h"

struct wordset;

#define FORMS_HELPERS_MAX 512

/* What one pass over a text finds: hand each hit of the words to forms_hit(). */
struct forms {
	struct bytes text;
	size_t       first_word; /* where the first line with words has them */
	size_t       human_end, returned_at; /* the returned message begins, and what announces it */
	size_t       announced_at; /* where the words of that begin */
	size_t       helper_count;
	struct helper {
		uint32_t from, end;
	} helpers[FORMS_HELPERS_MAX]; /* words that make an address somebody to write to, in the order of the text */
};

/* Adds its words under the numbers from `first` on; *next_out is behind the last of them. */
enum rc forms_words(struct wordset *, uint32_t first, uint32_t *next_out) MUST_USE;

void forms_begin(struct forms *, struct bytes text);
/* `number` counts from 0. False behind where the returned message begins. */
bool forms_hit(struct forms *, uint32_t number, size_t end);
/* After the last of them: what stands behind the announcement does not count. */
void forms_end(struct forms *);

/* The text up to the returned message, and what follows the line that announces it. */
struct bytes forms_human(const struct forms *);
struct bytes forms_returned(const struct forms *);

/* Adds the recipients that the human text names, each with its passage. `own` is the
 * address the report was sent to: never a recipient unless written as one. `loose` takes the
 * first address that stands anywhere, where no line names one. */
void forms_read(struct arena *, const struct forms *, struct bytes own, bool loose, struct said_list *);

/* For recipients that are known already: fills in their passages. */
void forms_passages(const struct forms *, struct said_list *);

#endif
