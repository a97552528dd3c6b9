/* diagnose/dsn.h: the machine-readable part of a delivery report, RFC 3464
 * section 2, with the oddities that are found in the wild: blanks before the
 * colon, a slash for the semicolon after the address type or no type at all, a
 * comment behind the status, no empty line between recipients, quoted fields. */
#ifndef DIAGNOSE_DSN_H
#define DIAGNOSE_DSN_H

#include "diagnose/reading.h"

struct dsn {
	struct bytes reporter; /* Reporting-MTA, without its type */
	struct bytes feedback_type; /* of RFC 5965 reports */
	struct bytes source_ip;
};

/* Adds one entry to the list for each recipient group. */
void dsn_read(struct arena *, struct bytes text, struct dsn *, struct said_list *);

#endif
