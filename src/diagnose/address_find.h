/* diagnose/address_find.h: addresses in running text, where nothing is quoted
 * as it should be. */
#ifndef DIAGNOSE_ADDRESS_FIND_H
#define DIAGNOSE_ADDRESS_FIND_H

#include "base/bytes.h"

/* The first address at or after `from`: local-part@domain, a slice of the text, UTF-8, and of a domain that can be one.
 * *end_out is where to go on. False when there is none. */
bool address_find(struct bytes text, size_t from, struct bytes *address_out, size_t *end_out);

/* The same host names and addresses, "[192.0.2.1]" or "192.0.2.1". */
bool host_like(struct bytes);

#endif
