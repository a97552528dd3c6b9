/* mail/domain.h: domain names as mail uses them: A-labels, labels, kinship. */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/library.h"

/* For U-labels. */
extern struct library domain_library;

/* Lower-cased, U-labels made A-labels (RFC 5890, non-transitional UTS 46), one
 * trailing dot dropped. B_NONE when it is no host name: empty or overlong labels
 * or name, an address literal, a control character, blank or a mark that would
 * be quoted somewhere. Underscores are let pass: DNS has them. Where memory or
 * libidn2 failed us, the arena is overdrawn then. */
struct bytes domain_normal(struct arena *, struct bytes domain);

/* Same name or a subdomain; both normal. */
bool   domain_is_under(struct bytes domain, struct bytes parent);
size_t domain_labels(struct bytes domain); /* 0 for empty */
/* The rightmost `n` labels. */
struct bytes domain_tail(struct bytes domain, size_t n);
/* Behind the last @ of an address without <>; empty when there is none. */
struct bytes address_domain(struct bytes address);

#endif
