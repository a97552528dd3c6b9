/* policy/evidence.h: the words of a reply: line 1 from the catalogue, line 2
 * what was checked, what was found and who can fix it, line 3 the link. */
#ifndef POLICY_EVIDENCE_H
#define POLICY_EVIDENCE_H

#include "mail/reply.h"
#include "policy/facts.h"

struct settings;

/* "SPF fail for 198.51.100.10, DKIM none". */
struct bytes evidence_text(struct arena *, const struct facts *, enum reason);
/* "the owner of example.com can fix this"; empty when nobody can. */
struct bytes evidence_owner(struct arena *, enum owner, struct bytes domain);
/* The row's line or steps with {domain} {ip} {term} {sender} filled in. */
struct bytes evidence_fill(struct arena *, const char *template, const struct facts *);

struct reply evidence_reply(struct arena *, const struct settings *, const struct facts *, enum reason, const char *id);

#endif
