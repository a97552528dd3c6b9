/* auth/taglist.h: tag=value lists, RFC 6376 section 3.2, as in signatures and key records. */
#ifndef AUTH_TAGLIST_H
#define AUTH_TAGLIST_H

#include "base/bytes.h"

#define TAGS_MAX 32

struct tag {
	struct bytes name;
	struct bytes value; /* outer white space gone, inner kept */
	struct bytes raw; /* all between "=" and ";" */
};

struct taglist {
	size_t     count;
	struct tag tags[TAGS_MAX];
};

/* Strict: a name that is no tag-name, a name twice (its case counts), an empty
 * item other than the last, a control character, more than TAGS_MAX tags give
 * false; what was read before the fault is kept. Octets above 127 are let pass
 * (RFC 8616). Slices of `text`. */
bool taglist_parse(struct bytes text, struct taglist *list_out);

/* NULL when it is not there. */
const struct tag *taglist_get(const struct taglist *, struct bytes name);

#endif
