/* desk/form.h: fields of a query or a body of type application/x-www-form-urlencoded. */
#ifndef DESK_FORM_H
#define DESK_FORM_H

#include "base/arena.h"

#define FORM_FIELDS 64 /* those behind are not looked at */

/* The first field of that name, decoded into the arena: "+" is a blank, %HH an
 * octet; a % that stands alone is itself. Empty: there is none, or memory is spent. */
struct bytes form_field(struct arena *, struct bytes text, const char *name);

#endif
