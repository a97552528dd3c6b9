/* auth/dkim.h: DKIM signature verification, RFC 6376 section 6, 8301, 8463, 8616.
 *
 * One struct dkim checks one DKIM-Signature field of one message. Only hash
 * state of the body is kept, never the body. */
#ifndef AUTH_DKIM_H
#define AUTH_DKIM_H

#include "auth/bodyhash.h"
#include "mail/field.h"
#include "mail/finding.h"

struct dkim_report {
	struct bytes domain; /* d=, normal; empty: not readable */
	struct bytes selector;
	struct bytes identity; /* i=, or "@" d */
	struct bytes algorithm; /* a= as written, lower case */
	struct bytes signature; /* b=, white space removed: RFC 6008 header.b wants its first characters */
	unsigned     bits; /* of the key; 0: not seen */
	bool         testing; /* the key has t=y */
	int64_t      signed_at; /* t=; 0: none */
	int64_t      expires; /* x=; 0: none */
};

struct dkim;

/* `index` is the DKIM-Signature in `header`, both borrowed until the arena goes;
 * `now` is epoch. The body hash it wants is registered with `body`. A field
 * that does not parse still gives a struct dkim, whose finding will be permerror.
 * NULL only when memory is spent. */
struct dkim *dkim_new(struct arena *, const struct header *header, size_t index, struct bodyhash *body, int64_t now);

/* The first step may be made as soon as the header is whole, and asks for the
 * key (or is done); the second brings the key and must come after
 * bodyhash_end(). METHOD_DKIM: pass, fail, neutral, policy, temperror, permerror.
 * The decoded key is kept in the answer's slot. */
enum step dkim_step(struct dkim *, const struct answer *, struct ask *ask_out, struct finding *finding_out) MUST_USE;

const struct dkim_report *dkim_report(const struct dkim *);

#endif
