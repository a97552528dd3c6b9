/* diagnose/addressee.h: of the addresses in a pasted text, who wrote and who
 * was to be reached. There are no fields there: the words around them tell. */
#ifndef DIAGNOSE_ADDRESSEE_H
#define DIAGNOSE_ADDRESSEE_H

#include "base/bytes.h"

#define ROLES_MAX 32 /* different addresses of one text that are weighed */

struct role {
	struct bytes address; /* where it stands first */
	int          good, bad; /* the best sign of a recipient; the worst against it, 0 or less */
	bool         sender;
};

/* What the text says of its first addresses, in its order. */
size_t roles_find(struct bytes text, struct role roles[ROLES_MAX]);
int    role_worth(const struct role *); /* more than 0: a recipient */

#endif
