/* auth/spf_record.h: an SPF record, found among TXT records and parsed, RFC
 * 7208 sections 4.5, 4.6, 5, 6 and 12.
 *
 * It is parsed once: the parsed form lives in the slot of the DNS answer, and
 * so in the cache. Nothing in it depends on who asks. */
#ifndef AUTH_SPF_RECORD_H
#define AUTH_SPF_RECORD_H

#include "auth/spf_macro.h"
#include "base/arena.h"
#include "base/ask.h"
#include "base/ip.h"
#include "mail/finding.h"

/* RFC 7208 3.4 would like 512 octets; what is longer than this is refused. */
#define SPF_RECORD_MAX 16384

/* No evaluation gets past the eleventh term that costs a lookup; a few more are
 * kept for those who inspect. Otherwise 64 kB of "a a a" would fill megabytes. */
#define SPF_COSTLY_MAX 64

enum spf_kind { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS, SPF_REDIRECT, SPF_EXP };

struct spf_term {
	enum spf_kind kind;
	enum result   qualifier; /* what a match gives */
	bool          costs; /* spends one of the ten lookups, 4.6.4 */
	bool          needs_p; /* %{p} in the spec */
	uint8_t       bits4, bits6; /* prefix lengths */
	struct ip     ip; /* ip4, ip6: family as written */
	struct bytes  text; /* the term without its qualifier */
	struct bytes  spec; /* domain-spec; empty: none, so the current domain */
	bool          fixed; /* the spec has no macro: `name` is its target-name */
	struct bytes  name; /* lower case, fit for DNS; empty: it is no name (4.8) */
};

struct spf_record {
	size_t           found; /* how many records there were; all below is for exactly one */
	struct bytes     text;
	bool             valid;
	struct spf_fault fault; /* if not valid */
	struct bytes     fault_term;
	size_t           costly; /* terms that cost, redirect too, kept or not */
	bool             after_all; /* mechanisms stand behind all; they are not kept */
	size_t           count;
	struct spf_term *terms; /* the mechanisms in order, up to the first all */
	struct spf_term  redirect, exp; /* empty text: none */
};

/* The record in an answer for TXT, kept in the answer's slot: it lives as long
 * as the answer or the arena, whichever ends first. NULL only when memory is spent.
 * Any status is taken; one without records has found == 0. */
const struct spf_record *spf_record_of(struct arena *, const struct answer *);

#endif
