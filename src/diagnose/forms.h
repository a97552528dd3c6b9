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

#define FORMS_LINES_MAX 3000

/* The text up to the returned message, and what follows the line that announces it. */
void forms_split(struct bytes text, struct bytes *human_out, struct bytes *returned_out);

/* Adds the recipients that the text names, each with its passage. `own` is the
 * address the report was sent to: never a recipient unless written as one. `loose` takes the
 * first address that stands anywhere, where no line names one. */
void forms_read(struct arena *, struct bytes human, struct bytes own, bool loose, struct said_list *);

/* For recipients that are known already: fills in their passages. */
void forms_passages(struct bytes human, struct said_list *);

#endif
