/* mail/address.h: the From field read as the person who sees it reads it,
 * RFC 5322 section 3.4, and RFC 6532 for UTF-8.
 *
 * What is hard: everything that mail clients and filters read differently
 * ("Composition Kills"). What is not one plain mailbox, whose domain every
 * reader would agree on, is not parsed but refused with a sentence. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "mail/field.h"
#include "mail/finding.h"

struct mailbox {
	struct bytes display; /* as it stands, not decoded; may be empty */
	struct bytes address; /* local-part@domain as written, comments gone */
	struct bytes domain; /* domain_normal() */
};

/* The mailboxes of one address-list value; obsolete routes, groups, control
 * characters, encoded words in addresses and text behind an address are faults.
 * False and a sentence in *why_out; else the array in the arena. */
bool mailbox_list_parse(struct arena *, struct bytes value, struct mailbox **list_out, size_t *count_out, struct bytes *why_out);

/* The one From of a message. finding.method is METHOD_FROM; RESULT_PASS,
 * reason FROM_ONE and *from_out, or RESULT_PERMERROR with reason FROM_NONE,
 * FROM_SEVERAL or FROM_UNPARSABLE and what was seen in the detail. Several
 * mailboxes of one domain pass, and the first is *from_out; several From fields
 * never do. RESULT_TEMPERROR and LIMIT_MEMORY when memory is spent. */
struct finding from_of(struct arena *, const struct header *, struct mailbox *from_out);

/* MAIL FROM and RCPT TO arguments: "<a@b>" or "a@b" becomes a@b, "<>" empty.
 * A source route is dropped (RFC 5321 appendix C). Never fails: what does not parse is returned whole. */
struct bytes path_address(struct bytes path);

#endif
